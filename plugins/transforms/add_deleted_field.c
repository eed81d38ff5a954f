/* com.example.kafka.connect.transforms.AddDeletedField: the project's own transform, oddities included (06 §8). */
#include "plugins/transforms/schema_plans.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define LOGGER "com.example.kafka.connect.transforms.AddDeletedField"

typedef struct settings {
    const char *field, *if_deleted, *if_not;
} settings_t;

/** The result schema of one value schema. */
typedef struct plan {
    const cd_schema_t *schema;
    uint32_t flag; /* cell */
    int32_t op;    /* cell, -1: none */
} plan_t;

typedef struct add_deleted {
    cd_ctx_t *ctx;
    settings_t settings;
    cd_arena_t arena;
    schema_plans_t plans;
    bool to_key, warned;
} add_deleted_t;

#define ROW(key, value, member, text)                                                                                  \
    {                                                                                                                  \
        .name = key, .type = CD_T_STRING, .importance = CD_MEDIUM, .dflt = value, .at = offsetof(settings_t, member),  \
        .doc = text                                                                                                    \
    }

static const cd_key_t keys[] = {
    ROW("deleted.field", "__deleted", field, "The field to set."),
    ROW("true.value", "true", if_deleted, "Its text when the field 'op' is 'd'."),
    ROW("false.value", "false", if_not, "Its text otherwise."),
    CD_KEY_END,
};

static void add_deleted_close(void *transform)
{
    add_deleted_t *t = (add_deleted_t *)transform;
    if (t == NULL) return;
    schema_plans_done(&t->plans);
    cd_arena_done(&t->arena);
    free(t);
}

static cd_err_t *configure(cd_ctx_t *ctx, const cd_config_t *config, bool to_key, void **ret_transform)
{
    add_deleted_t *t = mem_new0(add_deleted_t);
    t->ctx = ctx;
    t->to_key = to_key;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(cd_key_t), config, &t->arena, &t->settings, NULL);
    if (err != NULL) {
        add_deleted_close(t);
        return err;
    }
    *ret_transform = t;
    return NULL;
}

static cd_err_t *configure_value(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    return configure(ctx, config, false, ret_transform);
}

static cd_err_t *configure_key(cd_ctx_t *ctx, const cd_config_t *config, void **ret_transform)
{
    return configure(ctx, config, true, ret_transform);
}

static cd_err_t *flag_value(const add_deleted_t *t, const cd_value_t *op, cd_arena_t *arena, cd_value_t *ret_flag)
{
    if (op != NULL && op->type != CD_NULL && op->type != CD_STRING)
        return cd_err_new(CD_ERR_DATA, "java.lang.ClassCastException", "the field 'op' is not a string");
    bool deleted = op != NULL && cd_v_is_str(op, "d");
    *ret_flag = cd_v_str(cd_arena_strdup(arena, deleted ? t->settings.if_deleted : t->settings.if_not));
    return NULL;
}

static cd_err_t *apply_map(const add_deleted_t *t, const cd_value_t *map, cd_arena_t *arena, cd_value_t *ret_value)
{
    cd_value_t flag = CD_V_NULL;
    cd_err_t *err = flag_value(t, cd_map_get(map, "op"), arena, &flag);
    if (err != NULL) return err;
    cd_value_t *items = cd_arena_array(arena, cd_value_t, 2 * ((size_t)map->len + 1));
    if (map->len > 0) memcpy(items, map->items, 2 * map->len * sizeof(*items));
    uint32_t n = map->len;
    for (uint32_t i = 0; i < map->len; i++)
        if (cd_v_is_str(&items[2 * i], t->settings.field)) n = i;
    items[2 * n] = cd_v_str(cd_arena_strdup(arena, t->settings.field));
    items[2 * n + 1] = flag;
    *ret_value = cd_v_items(CD_MAP, items, n == map->len ? n + 1 : map->len);
    return NULL;
}

static plan_t *make_plan(add_deleted_t *t, const cd_schema_t *s, cd_schema_pool_t *pool)
{
    plan_t *p = cd_arena_new(&t->arena, plan_t);
    cd_field_t *fields = cd_arena_array(&t->arena, cd_field_t, s->nfields + 1);
    uint32_t n = s->nfields;
    if (n > 0) memcpy(fields, s->fields, n * sizeof(*fields));
    int32_t flag = cd_schema_field(s, t->settings.field);
    if (flag < 0) {
        flag = (int32_t)n;
        fields[n++] = (cd_field_t){.name = t->settings.field, .schema = schema_primitive(pool, CD_STRING, false)};
    }
    p->flag = (uint32_t)flag;
    p->op = cd_schema_field(s, "op");
    p->schema = schema_intern(pool, &(cd_schema_spec_t){.type = CD_STRUCT, .fields = fields, .nfields = n});
    if (p->op < 0 && cd_schema_field(s, "__op") >= 0 && !t->warned) {
        t->warned = true;
        cd_log(t->ctx, CD_LOG_WARN, LOGGER,
               "Records have '__op' but no 'op', so %s is always '%s'; the transform only looks at 'op'",
               t->settings.field, t->settings.if_not);
    }
    schema_plans_put(&t->plans, s, p);
    return p;
}

static cd_err_t *apply_one(add_deleted_t *t, cd_batch_t *batch, cd_record_t *r)
{
    cd_arena_t *arena = &batch->arena;
    const cd_schema_t *s = r->value_schema, *schema = NULL;
    cd_value_t value = CD_V_NULL;
    if (r->value.type == CD_NULL) return NULL;
    if (s == NULL) {
        if (r->value.type != CD_MAP)
            return cd_err_new(CD_ERR_DATA, "java.lang.IllegalArgumentException",
                              "Only Map objects supported for schemaless value");
        cd_err_t *err = apply_map(t, &r->value, arena, &value);
        if (err != NULL) return err;
    } else {
        if (r->value.type != CD_STRUCT || s->type != CD_STRUCT)
            return cd_err_new(CD_ERR_DATA, "java.lang.IllegalArgumentException",
                              "Only Struct objects supported for value with schema");
        plan_t *p = (plan_t *)schema_plans_get(&t->plans, s);
        if (p == NULL) p = make_plan(t, s, batch->schemas);
        cd_value_t flag = CD_V_NULL;
        const cd_value_t *op = p->op >= 0 ? cd_value_or_default(s->fields[p->op].schema, &r->value.items[p->op]) : NULL;
        cd_err_t *err = flag_value(t, op, arena, &flag);
        if (err != NULL) return err;
        const cd_schema_t *flag_schema = p->schema->fields[p->flag].schema;
        if (flag_schema->type != CD_STRING)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Invalid Java object for schema with type %s: class java.lang.String for field: \"%s\"",
                              schema_type_name(flag_schema->type), t->settings.field);
        cd_value_t *cells = cd_arena_array(arena, cd_value_t, p->schema->nfields);
        for (uint32_t i = 0; i < s->nfields; i++)
            cells[i] = *cd_value_or_default(s->fields[i].schema, &r->value.items[i]);
        cells[p->flag] = flag;
        schema = p->schema;
        value = cd_v_items(CD_STRUCT, cells, p->schema->nfields);
    }
    if (t->to_key) { /* reads the value and writes the key, as the original does */
        r->key_schema = schema;
        r->key = value;
    } else {
        r->value_schema = schema;
        r->value = value;
    }
    return NULL;
}

static uint32_t add_deleted_apply(void *transform, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    add_deleted_t *t = (add_deleted_t *)transform;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        cd_err_t *err = apply_one(t, batch, r);
        if (err != NULL) {
            *ret_err = err;
            return i;
        }
    }
    return to;
}

static const cd_transform_ops_t value_ops = {
    .size = sizeof(value_ops), .configure = configure_value, .apply = add_deleted_apply, .close = add_deleted_close};
static const cd_transform_ops_t key_ops = {
    .size = sizeof(key_ops), .configure = configure_key, .apply = add_deleted_apply, .close = add_deleted_close};

const cd_plugin_t add_deleted_field_value_plugin = {CD_PLUGIN_HEAD,
                                                    .kind = CD_KIND_TRANSFORM,
                                                    .jvm_class =
                                                        "com.example.kafka.connect.transforms.AddDeletedField$Value",
                                                    .version = CONNECTD_VERSION,
                                                    .doc = "Adds a text field that says whether the row was deleted.",
                                                    .keys = keys,
                                                    .ops = &value_ops};
const cd_plugin_t add_deleted_field_key_plugin = {CD_PLUGIN_HEAD,
                                                  .kind = CD_KIND_TRANSFORM,
                                                  .jvm_class =
                                                      "com.example.kafka.connect.transforms.AddDeletedField$Key",
                                                  .version = CONNECTD_VERSION,
                                                  .doc = "The same, with the result stored as the key.",
                                                  .keys = keys,
                                                  .ops = &key_ops};
