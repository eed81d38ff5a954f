#include "plugins/converters/json_form.h"

#include "runtime/base/base64.h"
#include "runtime/base/java_text.h"
#include "runtime/data/schema.h"

#define DEPTH_MAX 64u

static cd_err_t *data_error(const char *text)
{
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "%s", text);
}

/* ---- schemas ----------------------------------------------------------------------------------------------------- */

typedef struct schema_reader {
    const json_options_t *o;
    cd_schema_pool_t *pool;
    cd_arena_t *arena;
    uint32_t depth;
} schema_reader_t;

static cd_err_t *get_schema(schema_reader_t *r, const json_node_t *node, const cd_schema_t **ret_schema);

static const char *text_of(const schema_reader_t *r, const json_node_t *node)
{
    return node != NULL && node->kind == JSON_K_STRING ? cd_arena_strndup(r->arena, node->text, node->len) : NULL;
}

static cd_err_t *get_type(const schema_reader_t *r, const json_node_t *node, uint8_t *ret_type)
{
    static const char *const types[] = {"",        "int8",   "int16", "int32", "int64", "float", "double",
                                        "boolean", "string", "bytes", "array", "map",   "struct"};
    const json_node_t *type = json_member(node, "type");
    if (type == NULL || type->kind != JSON_K_STRING) return data_error("Schema must contain 'type' field");
    for (int t = CD_INT8; t <= CD_STRUCT; t++) {
        if (!json_is_text(type, types[t])) continue;
        *ret_type = (uint8_t)t;
        return NULL;
    }
    return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Unknown schema type: %.100s", text_of(r, type));
}

static cd_err_t *get_fields(schema_reader_t *r, const json_node_t *node, cd_schema_spec_t *spec)
{
    const json_node_t *fields = json_member(node, "fields");
    if (fields == NULL || fields->kind != JSON_K_ARRAY)
        return data_error("Struct schema's \"fields\" argument is not an array.");
    cd_field_t *out = cd_arena_array(r->arena, cd_field_t, fields->n);
    for (const json_node_t *f = fields->first; f != NULL; f = f->next) {
        const char *name = text_of(r, json_member(f, "field"));
        if (name == NULL) return data_error("Struct schema's field name not specified properly");
        if (strlen(name) != json_member(f, "field")->len)
            return data_error("Struct schema's field name not specified properly");
        cd_err_t *err = get_schema(r, f, &out[spec->nfields].schema);
        if (err != NULL) return err;
        out[spec->nfields++].name = name;
    }
    spec->fields = out;
    return NULL;
}

static cd_err_t *get_params(const schema_reader_t *r, const json_node_t *node, cd_schema_spec_t *spec)
{
    const json_node_t *params = json_member(node, "parameters");
    if (params == NULL || params->kind != JSON_K_OBJECT) return NULL;
    cd_param_t *out = cd_arena_array(r->arena, cd_param_t, params->n);
    for (const json_node_t *p = params->first; p != NULL; p = p->next) {
        if (p->kind != JSON_K_STRING) return data_error("Schema parameters must have string values.");
        out[spec->nparams++] =
            (cd_param_t){cd_arena_strndup(r->arena, p->key, p->key_len), cd_arena_strndup(r->arena, p->text, p->len)};
    }
    spec->params = out;
    return NULL;
}

static cd_err_t *get_elements(schema_reader_t *r, const json_node_t *node, cd_schema_spec_t *spec)
{
    if (spec->type == CD_STRUCT) return get_fields(r, node, spec);
    if (spec->type == CD_ARRAY) {
        const json_node_t *items = json_member(node, "items");
        if (items == NULL || items->kind == JSON_K_NULL)
            return data_error("Array schema did not specify the element type");
        return get_schema(r, items, &spec->value_schema);
    }
    if (spec->type != CD_MAP) return NULL;
    const json_node_t *keys = json_member(node, "keys"), *values = json_member(node, "values");
    if (keys == NULL) return data_error("Map schema did not specify the key type");
    if (values == NULL) return data_error("Map schema did not specify the value type");
    cd_err_t *err = get_schema(r, keys, &spec->key_schema);
    return err != NULL ? err : get_schema(r, values, &spec->value_schema);
}

static cd_err_t *get_schema(schema_reader_t *r, const json_node_t *node, const cd_schema_t **ret_schema)
{
    cd_schema_spec_t spec = {0};
    if (++r->depth > DEPTH_MAX) return data_error("The schema is nested too deeply");
    cd_err_t *err = get_type(r, node, &spec.type);
    if (err == NULL) err = get_elements(r, node, &spec);
    if (err == NULL) err = get_params(r, node, &spec);
    if (err != NULL) return err;
    const json_node_t *optional = json_member(node, "optional"), *version = json_member(node, "version");
    const json_node_t *dflt = json_member(node, "default");
    spec.optional = optional != NULL && optional->kind == JSON_K_BOOLEAN && optional->boolean;
    spec.name = text_of(r, json_member(node, "name"));
    spec.doc = text_of(r, json_member(node, "doc"));
    if (version != NULL && version->kind == JSON_K_NUMBER && version->integral) {
        spec.has_version = true;
        spec.version = (int32_t)json_int(version);
    }
    cd_value_t value = CD_V_NULL;
    if (dflt != NULL && dflt->kind != JSON_K_NULL) {
        err = json_get_value(schema_intern(r->pool, &spec), dflt, r->o, r->arena, &value);
        if (err != NULL) return err;
        if (value.type != CD_NULL) spec.dflt = &value;
    }
    *ret_schema = schema_intern(r->pool, &spec);
    r->depth--;
    return NULL;
}

cd_err_t *json_get_schema(const json_node_t *node, const json_options_t *o, cd_schema_pool_t *pool, cd_arena_t *arena,
                          const cd_schema_t **ret_schema)
{
    schema_reader_t r = {.o = o, .pool = pool, .arena = arena};
    return get_schema(&r, node, ret_schema);
}

/* ---- values ------------------------------------------------------------------------------------------------------ */

/** A decimal number at the schema's scale. Java keeps the number's own scale; a cell has only the schema's. */
static cd_err_t *get_decimal(const cd_schema_t *s, const json_node_t *node, cd_arena_t *arena, cd_value_t *ret_value)
{
    const uint8_t *bytes = NULL;
    uint32_t len = 0;
    if (node->kind == JSON_K_STRING) {
        if (!base64_decode(node->text, node->len, arena, &bytes, &len)) return data_error("Invalid bytes field");
        *ret_value = cd_v_bytes(bytes, len);
        return NULL;
    }
    if (node->kind != JSON_K_NUMBER)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Invalid type for Decimal, underlying representation should be numeric or bytes but was %s",
                          json_kind_name(node));
    strbuf_t unscaled = {0}, text = {0};
    int32_t scale = 0;
    int32_t want = s->scale == INT32_MIN ? 0 : s->scale;
    bool ok = java_text_parse_decimal(node->text, node->len, &unscaled, &scale);
    ok = ok && want >= scale ? want - scale <= 1000 : ok && scale - want <= 1000;
    if (ok && scale != want) {
        /* digits with zeros added, or taken away where that loses nothing */
        strbuf_t digits = {0};
        ok = java_text_decimal((const uint8_t *)unscaled.data, (uint32_t)unscaled.len, 0, &digits);
        if (ok && want > scale) {
            for (int32_t i = scale; i < want; i++) strbuf_addc(&digits, '0');
        }
        for (int32_t i = want; ok && i < scale && digits.len > 0; i++) {
            ok = digits.data[digits.len - 1] == '0';
            digits.len--;
        }
        strbuf_clear(&unscaled);
        if (ok && digits.len == 0) strbuf_addc(&digits, '0');
        ok = ok && java_text_parse_decimal(digits.data, digits.len, &unscaled, &scale);
        strbuf_done(&digits);
    }
    cd_err_t *err = NULL;
    if (ok) {
        *ret_value = cd_v_bytes(cd_arena_strndup(arena, unscaled.data, unscaled.len), unscaled.len);
    } else {
        err = cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "The number %.*s does not fit a Decimal with scale %d",
                         node->len > 60 ? 60 : (int)node->len, node->text, want);
    }
    strbuf_done(&unscaled);
    strbuf_done(&text);
    return err;
}

static cd_err_t *get_time(const cd_schema_t *s, const json_node_t *node, cd_value_t *ret_value)
{
    static const char *const names[] = {"", "", "Date", "Time", "Timestamp"};
    bool number = node->kind == JSON_K_NUMBER && node->integral;
    int64_t v = number ? json_int(node) : 0;
    bool is_int = number && v >= INT32_MIN && v <= INT32_MAX;
    if (s->logical == CD_LOGICAL_TIMESTAMP ? !number : !is_int)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Invalid type for %s, underlying representation should be %s but was %s", names[s->logical],
                          s->logical == CD_LOGICAL_TIMESTAMP ? "integral" : "integer", json_kind_name(node));
    if (s->logical == CD_LOGICAL_TIME && (v < 0 || v > 86400000))
        return data_error("Time values must use number of milliseconds greater than 0 and less than 86400000");
    *ret_value = cd_v_int(s->type, v);
    return NULL;
}

static cd_err_t *get_scalar(const cd_schema_t *s, const json_node_t *node, cd_arena_t *arena, cd_value_t *ret_value)
{
    /* Jackson's silent coercions: what is not a number is 0, what is not a string is null */
    bool number = node->kind == JSON_K_NUMBER;
    int64_t v = number && s->type <= CD_INT64 ? json_int(node) : 0;
    double d = number && (s->type == CD_FLOAT32 || s->type == CD_FLOAT64) ? json_double(node) : 0;
    switch (s->type) {
    case CD_INT8:
        *ret_value = cd_v_int(CD_INT8, (int8_t)v);
        return NULL;
    case CD_INT16:
        *ret_value = cd_v_int(CD_INT16, (int16_t)v);
        return NULL;
    case CD_INT32:
        *ret_value = cd_v_int(CD_INT32, (int32_t)v);
        return NULL;
    case CD_INT64:
        *ret_value = cd_v_int(CD_INT64, v);
        return NULL;
    case CD_FLOAT32:
        *ret_value = cd_v_f32((float)d);
        return NULL;
    case CD_FLOAT64:
        *ret_value = cd_v_f64(d);
        return NULL;
    case CD_BOOLEAN:
        *ret_value = cd_v_bool(node->kind == JSON_K_BOOLEAN && node->boolean);
        return NULL;
    case CD_STRING:
        *ret_value = node->kind == JSON_K_STRING ? cd_v_strn(node->text, node->len) : CD_V_NULL;
        return NULL;
    default: {
        const uint8_t *bytes = NULL;
        uint32_t len = 0;
        *ret_value = CD_V_NULL;
        if (node->kind != JSON_K_STRING) return NULL;
        if (!base64_decode(node->text, node->len, arena, &bytes, &len)) return data_error("Invalid bytes field");
        *ret_value = cd_v_bytes(bytes, len);
        return NULL;
    }
    }
}

static cd_err_t *get_array(const cd_schema_t *s, const json_node_t *node, const json_options_t *o, cd_arena_t *arena,
                           cd_value_t *ret_value)
{
    if (node->kind != JSON_K_ARRAY)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Arrays should be encoded as JSON arrays, but found %s",
                          json_kind_name(node));
    cd_value_t *items = cd_arena_array(arena, cd_value_t, node->n);
    uint32_t n = 0;
    for (const json_node_t *c = node->first; c != NULL; c = c->next) {
        cd_err_t *err = json_get_value(s != NULL ? s->value_schema : NULL, c, o, arena, &items[n++]);
        if (err != NULL) return err;
    }
    *ret_value = cd_v_items(CD_ARRAY, items, n);
    return NULL;
}

/** Drop all but the last of members with one name, in place of the first. A table of positions keeps it linear. */
static uint32_t last_wins(cd_value_t *items, uint32_t n, cd_arena_t *arena)
{
    uint32_t cap = 4, kept = 0;
    while (cap < 2 * n) cap *= 2;
    uint32_t *slots = (uint32_t *)cd_arena_alloc0(arena, cap * sizeof(*slots));
    for (uint32_t i = 0; i < n; i++) {
        const cd_value_t *key = &items[2 * i];
        uint64_t h = UINT64_C(0xCBF29CE484222325);
        for (uint32_t k = 0; k < key->len; k++) h = (h ^ (uint8_t)key->str[k]) * UINT64_C(0x100000001B3);
        uint32_t at = (uint32_t)(h ^ (h >> 32)) & (cap - 1);
        while (slots[at] != 0) {
            const cd_value_t *other = &items[2 * (slots[at] - 1)];
            if (other->len == key->len && memcmp(other->str, key->str, key->len) == 0) break;
            at = (at + 1) & (cap - 1);
        }
        if (slots[at] != 0) {
            items[2 * (slots[at] - 1) + 1] = items[2 * i + 1];
            continue;
        }
        items[2 * kept] = items[2 * i];
        items[2 * kept + 1] = items[2 * i + 1];
        slots[at] = ++kept;
    }
    return kept;
}

static cd_err_t *get_map(const cd_schema_t *s, const json_node_t *node, const json_options_t *o, cd_arena_t *arena,
                         cd_value_t *ret_value)
{
    bool object = s == NULL || (s->key_schema != NULL && s->key_schema->type == CD_STRING);
    if (object && node->kind != JSON_K_OBJECT)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Maps with string fields should be encoded as JSON objects, but found %s",
                          json_kind_name(node));
    if (!object && node->kind != JSON_K_ARRAY)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                          "Maps with non-string fields should be encoded as JSON array of tuples, but found %s",
                          json_kind_name(node));
    cd_value_t *items = cd_arena_array(arena, cd_value_t, 2 * (size_t)node->n);
    uint32_t n = 0;
    for (const json_node_t *c = node->first; c != NULL; c = c->next, n++) {
        const json_node_t *value = c;
        if (object) {
            items[2 * n] = cd_v_strn(c->key, c->key_len);
        } else {
            if (c->kind != JSON_K_ARRAY)
                return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Found invalid map entry instead of array tuple: %s",
                                  json_kind_name(c));
            if (c->n != 2)
                return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Found invalid map entry, expected length 2 but found :%u",
                                  c->n);
            cd_err_t *err = json_get_value(s->key_schema, c->first, o, arena, &items[2 * n]);
            if (err != NULL) return err;
            value = c->first->next;
        }
        cd_err_t *err = json_get_value(s != NULL ? s->value_schema : NULL, value, o, arena, &items[2 * n + 1]);
        if (err != NULL) return err;
    }
    if (object && n > 1) n = last_wins(items, n, arena);
    *ret_value = cd_v_items(CD_MAP, items, n);
    return NULL;
}

static cd_err_t *get_struct(const cd_schema_t *s, const json_node_t *node, const json_options_t *o, cd_arena_t *arena,
                            cd_value_t *ret_value)
{
    if (node->kind != JSON_K_OBJECT)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Structs should be encoded as JSON objects, but found %s",
                          json_kind_name(node));
    const json_node_t **members = (const json_node_t **)cd_arena_alloc0(arena, s->nfields * sizeof(*members));
    uint32_t guess = 0;
    for (const json_node_t *c = node->first; c != NULL; c = c->next) {
        for (uint32_t k = 0; k < s->nfields; k++) { /* usually in the schema's order */
            uint32_t f = (guess + k) % s->nfields;
            if (s->fields[f].name_len != c->key_len || memcmp(s->fields[f].name, c->key, c->key_len) != 0) continue;
            members[f] = c;
            guess = f + 1;
            break;
        }
    }
    cd_value_t *cells = cd_arena_array(arena, cd_value_t, s->nfields);
    for (uint32_t i = 0; i < s->nfields; i++) {
        cd_err_t *err = json_get_value(s->fields[i].schema, members[i], o, arena, &cells[i]);
        if (err != NULL) return err;
    }
    *ret_value = cd_v_items(CD_STRUCT, cells, s->nfields);
    return NULL;
}

static cd_err_t *get_plain(const json_node_t *node, const json_options_t *o, cd_arena_t *arena, cd_value_t *ret_value)
{
    switch (node->kind) {
    case JSON_K_BOOLEAN:
        *ret_value = cd_v_bool(node->boolean);
        return NULL;
    case JSON_K_NUMBER:
        *ret_value = node->integral ? cd_v_int(CD_INT64, json_int(node)) : cd_v_f64(json_double(node));
        return NULL;
    case JSON_K_STRING:
        *ret_value = cd_v_strn(node->text, node->len);
        return NULL;
    case JSON_K_ARRAY:
        return get_array(NULL, node, o, arena, ret_value);
    default:
        return get_map(NULL, node, o, arena, ret_value);
    }
}

cd_err_t *json_get_value(const cd_schema_t *s, const json_node_t *node, const json_options_t *o, cd_arena_t *arena,
                         cd_value_t *ret_value)
{
    if (node == NULL || node->kind == JSON_K_NULL) {
        *ret_value = CD_V_NULL;
        if (s == NULL) return NULL;
        if (s->dflt != NULL && o->null_to_default) {
            *ret_value = *s->dflt;
            return NULL;
        }
        if (s->optional) return NULL;
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid null value for required %s field",
                          schema_type_name(s->type));
    }
    if (s == NULL) return get_plain(node, o, arena, ret_value);
    if (s->logical == CD_LOGICAL_DECIMAL) return get_decimal(s, node, arena, ret_value);
    if (s->logical != CD_LOGICAL_NONE) return get_time(s, node, ret_value);
    switch (s->type) {
    case CD_ARRAY:
        return get_array(s, node, o, arena, ret_value);
    case CD_MAP:
        return get_map(s, node, o, arena, ret_value);
    case CD_STRUCT:
        return get_struct(s, node, o, arena, ret_value);
    default:
        return get_scalar(s, node, arena, ret_value);
    }
}
