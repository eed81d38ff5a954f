/* org.apache.kafka.connect.transforms.TimestampConverter: times between text, numbers and Connect's logical types. What
 * lies between is always milliseconds since the epoch. */
#include "plugins/transforms/java_date.h"
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"

#include <stddef.h>

#define PURPOSE "converting timestamp formats"
#define DAY_MS  INT64_C(86400000)

enum target { TO_STRING, TO_UNIX, TO_DATE, TO_TIME, TO_TIMESTAMP };

typedef struct settings {
    const char *field, *target, *format, *precision;
    bool replace_null;
} settings_t;

typedef struct timestamp_converter {
    part_t part;
    settings_t settings;
    enum target target;
    int precision; /* index into precisions */
} timestamp_converter_t;

/** What a schema becomes; `field` is the cell to convert, -1 for the whole value. */
typedef struct plan {
    const cd_schema_t *schema;
    int32_t field;
} plan_t;

static const char *const targets[] = {"string", "unix", "Date", "Time", "Timestamp", NULL};
static const char *const precisions[] = {"milliseconds", "seconds", "microseconds", "nanoseconds", NULL};

static const cd_key_t keys[] = {
    {.name = "field",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .dflt = "",
     .at = offsetof(settings_t, field),
     .doc = "The field to convert; empty: the whole value."},
    {.name = "target.type",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .choices = targets,
     .at = offsetof(settings_t, target),
     .doc = "What the time becomes: string, unix, Date, Time or Timestamp."},
    {.name = "format",
     .type = CD_T_STRING,
     .importance = CD_MEDIUM,
     .dflt = "",
     .at = offsetof(settings_t, format),
     .doc = "Form of texts, as java.text.SimpleDateFormat has it, in UTC."},
    {.name = "unix.precision",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .dflt = "milliseconds",
     .choices = precisions,
     .at = offsetof(settings_t, precision),
     .doc = "Unit of unix times: milliseconds, seconds, microseconds or nanoseconds."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static int index_of(const char *const *list, const char *text)
{
    int i = 0;
    while (list[i] != NULL && strcmp(list[i], text) != 0) i++;
    return i;
}

static cd_err_t *timestamp_converter_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key,
                                               void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err = part_new(sizeof(timestamp_converter_t), ctx, config, keys,
                             offsetof(timestamp_converter_t, settings), is_key, &made);
    if (err != NULL) return err;
    timestamp_converter_t *t = (timestamp_converter_t *)made;
    t->target = (enum target)index_of(targets, t->settings.target);
    t->precision = index_of(precisions, t->settings.precision);
    if (t->target == TO_STRING && str_empty(t->settings.format)) {
        err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                         "TimestampConverter requires format option to be specified when using string timestamps");
    } else if (!str_empty(t->settings.format)) {
        err = java_date_check(t->settings.format);
    }
    if (err != NULL) {
        part_close(t);
        return err;
    }
    *ret_transform = t;
    return NULL;
}

/** Any supported form to milliseconds. @param s  NULL for schemaless data */
static cd_err_t *to_millis(const timestamp_converter_t *t, const cd_schema_t *s, const cd_value_t *v, int64_t *ret_ms)
{
    uint8_t logical = s != NULL ? s->logical : CD_LOGICAL_NONE;
    if (logical == CD_LOGICAL_DATE) {
        *ret_ms = v->i64 * DAY_MS;
    } else if (logical == CD_LOGICAL_TIME || logical == CD_LOGICAL_TIMESTAMP) {
        *ret_ms = v->i64;
    } else if (v->type == CD_INT64) {
        static const int64_t divisors[] = {1, 1, 1000, 1000000};
        *ret_ms = t->precision == 1 ? (int64_t)((uint64_t)v->i64 * 1000u) : v->i64 / divisors[t->precision];
    } else if (v->type == CD_STRING) {
        if (!java_date_parse(t->settings.format, v->str, v->len, ret_ms))
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Could not parse timestamp: value (%.*s) does not match pattern (%s)",
                              v->len > 200 ? 200 : (int)v->len, v->str, t->settings.format);
    } else if (s != NULL) {
        return cd_err_new(CD_ERR_DATA, CD_JVM_CONNECT,
                          "Schema Schema{%s} does not correspond to a known timestamp type format",
                          schema_type_name(s->type));
    } else {
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "TimestampConverter does not support class %s objects as timestamps", part_class_name(v));
    }
    return NULL;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((b - 1 - a) / b);
}

static cd_value_t from_millis(const timestamp_converter_t *t, int64_t ms, cd_arena_t *arena)
{
    static const int64_t factors[] = {1, 1, 1000, 1000000};
    switch (t->target) {
    case TO_STRING: {
        strbuf_t text = {0};
        java_date_format(t->settings.format, ms, &text);
        cd_value_t v = cd_v_strn(cd_arena_strndup(arena, strbuf_str(&text), text.len), text.len);
        strbuf_done(&text);
        return v;
    }
    case TO_UNIX:
        if (t->precision == 1) return cd_v_int(CD_INT64, ms / 1000);
        return cd_v_int(CD_INT64, (int64_t)((uint64_t)ms * (uint64_t)factors[t->precision]));
    case TO_DATE:
        return cd_v_int(CD_INT32, floor_div(ms, DAY_MS));
    case TO_TIME:
        return cd_v_int(CD_INT32, ms - floor_div(ms, DAY_MS) * DAY_MS);
    default:
        return cd_v_int(CD_INT64, ms);
    }
}

static cd_err_t *convert(const timestamp_converter_t *t, const cd_schema_t *s, const cd_value_t *v, cd_arena_t *arena,
                         cd_value_t *ret_value)
{
    int64_t ms = 0;
    *ret_value = CD_V_NULL;
    if (v->type == CD_NULL) return NULL;
    cd_err_t *err = to_millis(t, s, v, &ms);
    if (err == NULL) *ret_value = from_millis(t, ms, arena);
    return err;
}

static const cd_schema_t *target_schema(const timestamp_converter_t *t, bool optional, cd_schema_pool_t *pool)
{
    static const char *const names[] = {NULL, NULL, CD_NAME_DATE, CD_NAME_TIME, CD_NAME_TIMESTAMP};
    static const uint8_t types[] = {CD_STRING, CD_INT64, CD_INT32, CD_INT32, CD_INT64};
    const char *name = names[t->target];
    cd_schema_spec_t spec = {
        .type = types[t->target], .optional = optional, .name = name, .has_version = name != NULL, .version = 1};
    if (name == NULL) spec.version = 0;
    return schema_intern(pool, &spec);
}

static plan_t *make_plan(timestamp_converter_t *t, const cd_schema_t *s, cd_schema_pool_t *pool)
{
    plan_t *p = cd_arena_new(&t->part.arena, plan_t);
    p->field = -1;
    if (str_empty(t->settings.field)) {
        p->schema = target_schema(t, s->optional, pool);
    } else {
        p->field = s->type == CD_STRUCT ? cd_schema_field(s, t->settings.field) : -1;
        p->schema = s;
        if (p->field >= 0) {
            cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, s->nfields);
            memcpy(fields, s->fields, s->nfields * sizeof(*fields));
            fields[p->field].schema = target_schema(t, fields[p->field].schema->optional, pool);
            cd_schema_spec_t spec = schema_spec(s);
            spec.fields = fields;
            spec.dflt = NULL;
            p->schema = schema_intern(pool, &spec);
        }
    }
    schema_plans_put(&t->part.plans, s, p);
    return p;
}

static cd_err_t *convert_schemaless(const timestamp_converter_t *t, cd_batch_t *batch, cd_record_t *r)
{
    const cd_value_t *v = part_value(&t->part, r);
    cd_value_t out = CD_V_NULL;
    if (v->type == CD_NULL) return NULL;
    if (str_empty(t->settings.field)) {
        cd_err_t *err = convert(t, NULL, v, &batch->arena, &out);
        if (err == NULL) part_set(&t->part, r, NULL, out);
        return err;
    }
    cd_err_t *err = part_require(NULL, v, PURPOSE);
    if (err != NULL) return err;
    const cd_value_t *old = cd_map_get(v, t->settings.field);
    if (old != NULL) err = convert(t, NULL, old, &batch->arena, &out);
    if (err != NULL) return err;
    cd_value_t map = part_copy_map(v, 1, &batch->arena);
    part_map_set(&map, cd_arena_strdup(&batch->arena, t->settings.field), out);
    part_set(&t->part, r, NULL, map);
    return NULL;
}

static cd_err_t *timestamp_converter_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    timestamp_converter_t *t = (timestamp_converter_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    if (s == NULL) return convert_schemaless(t, batch, r);
    plan_t *p = (plan_t *)schema_plans_get(&t->part.plans, s);
    if (p == NULL) p = make_plan(t, s, batch->schemas);
    cd_value_t out = CD_V_NULL;
    if (str_empty(t->settings.field)) {
        cd_err_t *err = convert(t, s, cd_value_or_default(s, v), &batch->arena, &out);
        if (err == NULL) part_set(&t->part, r, p->schema, out);
        return err;
    }
    if (v->type == CD_NULL) {
        part_set(&t->part, r, p->schema, CD_V_NULL);
        return NULL;
    }
    cd_err_t *err = part_require(s, v, PURPOSE);
    if (err != NULL || p->field < 0) return err;
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) cells[i] = *part_read(s, v->items, i, t->settings.replace_null);
    err = convert(t, s->fields[p->field].schema, &cells[p->field], &batch->arena, &out);
    if (err != NULL) return err;
    cells[p->field] = out;
    part_set(&t->part, r, p->schema, cd_v_items(CD_STRUCT, cells, s->nfields));
    return NULL;
}

PART_PLUGINS(timestamp_converter, "TimestampConverter", keys,
             "Converts times between texts, numbers and logical types.")
