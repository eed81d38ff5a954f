/* org.apache.kafka.connect.transforms.Cast: fields, or the whole value, become another primitive type. */
#include "plugins/transforms/part.h"
#include "plugins/transforms/transforms.h"
#include "runtime/base/java_text.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"
#include "runtime/data/values_text.h"

#include <errno.h>
#include <stddef.h>

#define PURPOSE   "cast types"
#define SUPPORTED "supported types are [INT8, INT16, INT32, INT64, FLOAT32, FLOAT64, BOOLEAN, STRING"

typedef struct settings {
    cd_list_t spec;
    bool replace_null;
} settings_t;

typedef struct cast_field {
    const char *name; /* NULL: the whole value */
    uint8_t type;
} cast_field_t;

typedef struct cast {
    part_t part;
    settings_t settings;
    cast_field_t *fields;
    uint32_t n;
} cast_t;

typedef struct plan {
    const cd_schema_t *schema;
    const uint8_t *types; /* per field of the struct: the new type, or CD_NULL to leave it */
} plan_t;

static const cd_key_t keys[] = {
    {.name = "spec",
     .type = CD_T_LIST,
     .importance = CD_HIGH,
     .flags = CD_K_REQUIRED,
     .at = offsetof(settings_t, spec),
     .doc =
         "field:type, separated by commas, or one type for the whole value. Types: int8, int16, int32, int64, float32, "
         "float64, boolean, string."},
    PART_NULL_KEY(settings_t),
    CD_KEY_END,
};

static cd_err_t *parse_type(const char *text, uint8_t *ret_type)
{
    for (int t = CD_INT8; t <= CD_STRING; t++) {
        if (strcasecmp(text, schema_type_name((uint8_t)t)) != 0) continue;
        *ret_type = (uint8_t)t;
        return NULL;
    }
    for (int t = CD_BYTES; t <= CD_STRUCT; t++)
        if (strcasecmp(text, schema_type_name((uint8_t)t)) == 0)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                              "Cast transformation does not support casting to %s; " SUPPORTED "]",
                              schema_type_name((uint8_t)t));
    char upper[64];
    size_t n = 0;
    for (; text[n] != '\0' && n + 1 < sizeof(upper); n++)
        upper[n] = (char)(text[n] >= 'a' && text[n] <= 'z' ? text[n] - 32 : text[n]);
    upper[n] = '\0';
    return cd_err_new(
        CD_ERR_CONFIG, CD_JVM_CONFIG,
        "Invalid value java.lang.IllegalArgumentException: No enum constant "
        "org.apache.kafka.connect.data.Schema.Type.%s for configuration Invalid type found in casting spec: %s",
        upper, text);
}

static cd_err_t *parse_spec(cast_t *t)
{
    const cd_list_t *list = &t->settings.spec;
    if (list->n == 0) return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Must specify at least one field to cast.");
    t->fields = cd_arena_array(&t->part.arena, cast_field_t, list->n);
    for (uint32_t i = 0; i < list->n; i++) {
        const char *colon = strchr(list->items[i], ':');
        cast_field_t *f = &t->fields[t->n++];
        *f = (cast_field_t){0};
        if (colon != NULL && strchr(colon + 1, ':') != NULL)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                              "Invalid value [%s] for configuration renames: Invalid rename mapping: %s",
                              list->items[i], list->items[i]);
        if (colon != NULL) f->name = cd_arena_strndup(&t->part.arena, list->items[i], (size_t)(colon - list->items[i]));
        cd_err_t *err = parse_type(str_trim_dup(colon != NULL ? colon + 1 : list->items[i], &t->part.arena), &f->type);
        if (err != NULL) return err;
        if (f->name == NULL && list->n > 1)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                              "Cast transformations that specify a type to cast the entire value to may only specify a "
                              "single cast in their spec");
    }
    return NULL;
}

static cd_err_t *cast_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_transform)
{
    void *made = NULL;
    cd_err_t *err = part_new(sizeof(cast_t), ctx, config, keys, offsetof(cast_t, settings), is_key, &made);
    if (err != NULL) return err;
    err = parse_spec((cast_t *)made);
    if (err != NULL) {
        part_close(made);
        return err;
    }
    *ret_transform = made;
    return NULL;
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

static int64_t saturate(double d, bool wide)
{
    double top = wide ? 9223372036854775807.0 : 2147483647.0;
    if (__builtin_isnan(d)) return 0;
    if (d >= top) return wide ? INT64_MAX : INT32_MAX;
    if (d <= -top - 1) return wide ? INT64_MIN : INT32_MIN;
    return (int64_t)d;
}

static cd_err_t *out_of_range(const char *text)
{
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Value (%.200s) was out of range for requested data type", text);
}

/** A text as Byte.parseByte and its like read it. */
static cd_err_t *parse_integer(const char *text, uint8_t type, cd_value_t *ret_value)
{
    static const int64_t tops[] = {
        [CD_INT8] = INT8_MAX, [CD_INT16] = INT16_MAX, [CD_INT32] = INT32_MAX, [CD_INT64] = INT64_MAX};
    char *end = NULL;
    const char *digits = *text == '-' || *text == '+' ? text + 1 : text;
    if (*digits < '0' || *digits > '9') return out_of_range(text);
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (*end != '\0' || errno == ERANGE || v > tops[type] || v < -tops[type] - 1) return out_of_range(text);
    *ret_value = cd_v_int(type, v);
    return NULL;
}

static cd_err_t *from_text(const char *text, uint8_t type, cd_value_t *ret_value)
{
    if (type == CD_BOOLEAN) {
        *ret_value = cd_v_bool(strcasecmp(text, "true") == 0);
        return NULL;
    }
    if (type <= CD_INT64) return parse_integer(text, type, ret_value);
    char *end = NULL;
    double d = strtod(text, &end);
    if (end == text || end[strspn(end, " dDfF")] != '\0') return out_of_range(text);
    *ret_value = type == CD_FLOAT32 ? cd_v_f32(strtof(text, NULL)) : cd_v_f64(d);
    return NULL;
}

static cd_value_t from_double(double d, uint8_t type)
{
    switch (type) {
    case CD_INT8:
        return cd_v_int(type, (int8_t)saturate(d, false));
    case CD_INT16:
        return cd_v_int(type, (int16_t)saturate(d, false));
    case CD_INT32:
        return cd_v_int(type, saturate(d, false));
    case CD_INT64:
        return cd_v_int(type, saturate(d, true));
    case CD_FLOAT32:
        return cd_v_f32((float)d);
    case CD_FLOAT64:
        return cd_v_f64(d);
    default:
        return cd_v_bool(saturate(d, true) != 0);
    }
}

static cd_value_t from_long(int64_t v, uint8_t type)
{
    switch (type) {
    case CD_INT8:
        return cd_v_int(type, (int8_t)v);
    case CD_INT16:
        return cd_v_int(type, (int16_t)v);
    case CD_INT32:
        return cd_v_int(type, (int32_t)v);
    case CD_INT64:
        return cd_v_int(type, v);
    case CD_FLOAT32:
        return cd_v_f32((float)v);
    case CD_FLOAT64:
        return cd_v_f64((double)v);
    default:
        return cd_v_bool(v != 0);
    }
}

static cd_err_t *cast_value(const cd_schema_t *s, const cd_value_t *v, uint8_t type, cd_arena_t *arena,
                            cd_value_t *ret_value)
{
    if (v->type == CD_NULL || (v->type == type && (s == NULL || s->logical == CD_LOGICAL_NONE))) {
        *ret_value = *v;
        return NULL;
    }
    bool decimal = s != NULL && s->logical == CD_LOGICAL_DECIMAL && v->type == CD_BYTES;
    if (v->type >= CD_ARRAY)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Cast transformation does not support casting from %s; " SUPPORTED ", BYTES]",
                          schema_type_name(v->type));
    if (type == CD_STRING || decimal) {
        strbuf_t text = {0};
        cd_err_t *err = NULL;
        values_to_text(s, v, &text);
        if (type == CD_STRING) {
            *ret_value = cd_v_strn(cd_arena_strndup(arena, strbuf_str(&text), text.len), text.len);
        } else {
            char *end = NULL;
            errno = 0;
            long long whole = strtoll(strbuf_str(&text), &end, 10);
            bool exact = errno == 0 && strchr(strbuf_str(&text), 'E') == NULL && type <= CD_INT64;
            *ret_value = exact ? from_long(whole, type) : from_double(strtod(strbuf_str(&text), NULL), type);
        }
        strbuf_done(&text);
        return err;
    }
    switch (v->type) {
    case CD_BYTES:
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Unexpected type in Cast transformation: class [B");
    case CD_STRING:
        return from_text(cd_arena_strndup(arena, v->str, v->len), type, ret_value);
    case CD_BOOLEAN:
        *ret_value = from_long(v->boolean ? 1 : 0, type);
        return NULL;
    case CD_FLOAT32:
        *ret_value = from_double((double)v->f32, type);
        return NULL;
    case CD_FLOAT64:
        *ret_value = from_double(v->f64, type);
        return NULL;
    default:
        *ret_value = from_long(v->i64, type);
        return NULL;
    }
}

/* ---- schemas and records ----------------------------------------------------------------------------------------- */

static uint8_t type_for(const cast_t *t, const char *name)
{
    for (uint32_t i = 0; i < t->n; i++)
        if (str_eq(t->fields[i].name, name)) return t->fields[i].type;
    return CD_NULL;
}

/** The bare type: name, doc, parameters and version go; what stays is whether it is optional, and its default. */
static cd_err_t *cast_schema(cast_t *t, const cd_schema_t *s, uint8_t type, cd_schema_pool_t *pool,
                             const cd_schema_t **ret_schema)
{
    cd_schema_spec_t spec = {.type = type, .optional = s->optional};
    cd_value_t dflt = CD_V_NULL;
    if (s->dflt != NULL) {
        cd_err_t *err = cast_value(s, s->dflt, type, &t->part.arena, &dflt);
        if (err != NULL) return err;
        spec.dflt = &dflt;
    }
    *ret_schema = schema_intern(pool, &spec);
    return NULL;
}

static cd_err_t *make_plan(cast_t *t, const cd_schema_t *s, cd_schema_pool_t *pool, plan_t **ret_plan)
{
    plan_t *p = cd_arena_new(&t->part.arena, plan_t);
    cd_err_t *err = NULL;
    if (t->fields[0].name == NULL) {
        const cd_schema_t *bare = NULL;
        err = cast_schema(t, s, t->fields[0].type, pool, &bare);
        if (err != NULL) return err;
        cd_schema_spec_t spec = schema_spec(bare); /* the whole value keeps its name and the like */
        spec.name = s->logical == CD_LOGICAL_NONE ? s->name : NULL;
        spec.doc = s->doc;
        spec.has_version = s->has_version;
        spec.version = s->version;
        spec.params = s->params;
        spec.nparams = s->nparams;
        p->schema = schema_intern(pool, &spec);
    } else {
        uint8_t *types = (uint8_t *)cd_arena_alloc0(&t->part.arena, s->nfields + 1);
        cd_field_t *fields = cd_arena_array(&t->part.arena, cd_field_t, s->nfields);
        for (uint32_t i = 0; i < s->nfields && err == NULL; i++) {
            fields[i] = s->fields[i];
            types[i] = type_for(t, s->fields[i].name);
            if (types[i] != CD_NULL) err = cast_schema(t, s->fields[i].schema, types[i], pool, &fields[i].schema);
        }
        if (err != NULL) return err;
        cd_schema_spec_t spec = schema_spec(s);
        spec.fields = fields;
        spec.dflt = NULL;
        p->types = types;
        p->schema = schema_intern(pool, &spec);
    }
    schema_plans_put(&t->part.plans, s, p);
    *ret_plan = p;
    return NULL;
}

static cd_err_t *cast_map(const cast_t *t, cd_batch_t *batch, cd_record_t *r)
{
    const cd_value_t *v = part_value(&t->part, r);
    cd_value_t map = part_copy_map(v, t->n, &batch->arena);
    for (uint32_t i = 0; i < t->n; i++) {
        const cd_value_t *old = cd_map_get(v, t->fields[i].name);
        cd_value_t out = CD_V_NULL;
        cd_err_t *err = old != NULL ? cast_value(NULL, old, t->fields[i].type, &batch->arena, &out) : NULL;
        if (err != NULL) return err;
        part_map_set(&map, cd_arena_strdup(&batch->arena, t->fields[i].name), out);
    }
    part_set(&t->part, r, NULL, map);
    return NULL;
}

static cd_err_t *cast_one(void *transform, cd_batch_t *batch, cd_record_t *r)
{
    cast_t *t = (cast_t *)transform;
    const cd_schema_t *s = part_schema(&t->part, r);
    const cd_value_t *v = part_value(&t->part, r);
    bool whole = t->fields[0].name == NULL;
    cd_value_t out = CD_V_NULL;
    if (v->type == CD_NULL) return NULL;
    cd_err_t *err = whole ? NULL : part_require(s, v, PURPOSE);
    if (err != NULL) return err;
    if (s == NULL && !whole) return cast_map(t, batch, r);
    if (s == NULL) {
        err = cast_value(NULL, v, t->fields[0].type, &batch->arena, &out);
        if (err == NULL) part_set(&t->part, r, NULL, out);
        return err;
    }
    plan_t *p = (plan_t *)schema_plans_get(&t->part.plans, s);
    if (p == NULL) err = make_plan(t, s, batch->schemas, &p);
    if (err != NULL) return err;
    if (whole) {
        err = cast_value(s, v, t->fields[0].type, &batch->arena, &out);
        if (err == NULL) part_set(&t->part, r, p->schema, out);
        return err;
    }
    cd_value_t *cells = cd_arena_array(&batch->arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) {
        const cd_value_t *old = part_read(s, v->items, i, t->settings.replace_null);
        if (p->types[i] == CD_NULL) {
            cells[i] = *old;
            continue;
        }
        err = cast_value(s->fields[i].schema, old, p->types[i], &batch->arena, &cells[i]);
        if (err != NULL) return err;
    }
    part_set(&t->part, r, p->schema, cd_v_items(CD_STRUCT, cells, s->nfields));
    return NULL;
}

PART_PLUGINS(cast, "Cast", keys, "Fields, or the whole value, become another type.")
