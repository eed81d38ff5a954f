/* org.apache.kafka.connect.transforms.InsertField: fields about where the record came from, and a constant. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE   "field insertion"
#define ADDED_MAX 5

typedef struct settings {
    const char *topic, *partition, *offset, *timestamp, *fixed, *fixed_value;
    bool replace_null;
} settings_t;

/** A field to insert: "name!" is required, "name?" (or just "name") optional. */
typedef struct inserted {
    const char *name; /* NULL: not wanted */
    bool required;
} inserted_t;

enum { ADD_TOPIC, ADD_PARTITION, ADD_OFFSET, ADD_TIMESTAMP, ADD_FIXED };

typedef struct insert_field {
    part_t part;
    settings_t settings;
    inserted_t added[ADDED_MAX];
} insert_field_t;

#define ROW(key, member, text)                                                                                         \
    {                                                                                                                  \
        .name = key, .type = CD_T_STRING, .importance = CD_MEDIUM, .at = offsetof(settings_t, member), .doc = text     \
    }

static const cd_key_t keys[] = {
    ROW("topic.field", topic, "Field for the topic; a ! at its end makes it required, a ? optional (the default)."),
    ROW("partition.field", partition, "Field for the partition."),
    ROW("offset.field", offset, "Field for the offset (sinks only)."),
    ROW("timestamp.field", timestamp, "Field for the record's timestamp."),
    ROW("static.field", fixed, "Field for a constant."),
    ROW("static.value", fixed_value, "The constant."),
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static inserted_t parse(const char *text, cd_arena_t *arena)
{
    if (str_empty(text)) return (inserted_t){0};
    size_t n = strlen(text);
    bool marked = text[n - 1] == '!' || text[n - 1] == '?';
    return (inserted_t){.name = cd_arena_strndup(arena, text, n - marked), .required = text[n - 1] == '!'};
}

static cd_err_t *insert_field_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err =
        part_new(sizeof(insert_field_t), ctx, config, keys, offsetof(insert_field_t, settings), is_key, &made);
    if (err != NULL) return err;
    insert_field_t *t = (insert_field_t *)made;
    const settings_t *s = &t->settings;
    const char *texts[ADDED_MAX] = {s->topic, s->partition, s->offset, s->timestamp, s->fixed};
    bool any = false;
    for (int i = 0; i < ADDED_MAX; i++) {
        t->added[i] = parse(texts[i], &t->part.arena);
        any = any || t->added[i].name != NULL;
    }
    if (!any) {
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "No field insertion configured");
    } else if (t->added[ADD_FIXED].name != NULL && s->fixed_value == NULL) {
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                         "Invalid value null for configuration static.value: No value specified for static field: %s",
                         t->added[ADD_FIXED].name);
    }
    if (err != NULL) {
        part_close(t);
        return err;
    }
    *ret_transform = t;
    return NULL;
}

static const cd_schema_t *schema_of(int which, bool optional, cd_schema_pool_t *pool)
{
    if (which == ADD_PARTITION) return schema_primitive(pool, CD_INT32, optional);
    if (which == ADD_OFFSET) return schema_primitive(pool, CD_INT64, optional);
    if (which != ADD_TIMESTAMP) return schema_primitive(pool, CD_STRING, optional);
    return schema_intern(
        pool,
        &(cd_schema_spec_t){
            .type = CD_INT64, .name = CD_NAME_TIMESTAMP, .has_version = true, .version = 1, .optional = optional});
}

/** The values in this record; null where there is none. */
static void read_values(const insert_field_t *t, const cd_record_t *r, cd_arena_t *arena, cd_value_t *out)
{
    out[ADD_TOPIC] = cd_v_str(r->topic);
    out[ADD_PARTITION] = r->partition == CD_NO_PARTITION ? CD_V_NULL : cd_v_int(CD_INT32, r->partition);
    out[ADD_OFFSET] = cd_v_int(CD_INT64, r->kafka_offset);
    out[ADD_TIMESTAMP] = r->timestamp == CD_NO_TIMESTAMP ? CD_V_NULL : cd_v_int(CD_INT64, r->timestamp);
    out[ADD_FIXED] =
        t->settings.fixed_value != NULL ? cd_v_str(cd_arena_strdup(arena, t->settings.fixed_value)) : CD_V_NULL;
}

static cd_err_t *make_schema(insert_field_t *t, const cd_schema_t *s, cd_schema_pool_t *pool, cd_schema_t **ret_schema)
{
    cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, s->nfields + ADDED_MAX);
    uint32_t n = s->nfields;
    if (n > 0) memcpy(fields, s->fields, n * sizeof(*fields));
    for (int i = 0; i < ADDED_MAX; i++) {
        const inserted_t *a = &t->added[i];
        if (a->name == NULL) continue;
        cd_err_t *err = part_check_new(fields, n, a->name);
        if (err != NULL) return err;
        fields[n++] = (cd_field_t){.name = a->name, .schema = schema_of(i, !a->required, pool)};
    }
    *ret_schema = (cd_schema_t *)(uintptr_t)part_struct_like(s, fields, n, pool);
    schema_plans_put(&t->part.plans, s, *ret_schema);
    return NULL;
}

static cd_err_t *insert_field_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    insert_field_t *t = (insert_field_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (v->type == CD_NULL) return NULL;
    cd_err_t *err = part_require(s, v, PURPOSE);
    if (err != NULL) return err;
    if (t->added[ADD_OFFSET].name != NULL && r->orig_topic == NULL)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Only SinkRecord supported for [" PURPOSE
                          "], found: org.apache.kafka.connect.source.SourceRecord");
    cd_value_t values[ADDED_MAX];
    read_values(t, r, &batch->arena, values);
    if (s == NULL) {
        cd_value_t map = part_copy_map(v, ADDED_MAX, &batch->arena);
        for (int i = 0; i < ADDED_MAX; i++) {
            bool skipped = (i == ADD_PARTITION || i == ADD_TIMESTAMP) && values[i].type == CD_NULL;
            if (t->added[i].name != NULL && !skipped)
                part_map_set(&map, cd_arena_strdup(&batch->arena, t->added[i].name), values[i]);
        }
        part_set(&t->part, r, NULL, map);
        return NULL;
    }
    cd_schema_t *schema = (cd_schema_t *)schema_plans_get(&t->part.plans, s);
    if (schema == NULL) err = make_schema(t, s, batch->schemas, &schema);
    if (err != NULL) return err;
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, schema->nfields);
    uint32_t n = s->nfields;
    for (uint32_t i = 0; i < n; i++) cells[i] = *part_read(s, v->items, i, t->settings.replace_null);
    for (int i = 0; i < ADDED_MAX; i++)
        if (t->added[i].name != NULL) cells[n++] = values[i];
    part_set(&t->part, r, schema, cd_v_items(CD_STRUCT, cells, n));
    return NULL;
}

PART_PLUGINS(insert_field, "InsertField", keys, "Adds fields about the record, or a constant.")
