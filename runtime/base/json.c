#include "runtime/base/json.h"

#include "runtime/base/java_text.h"
#include "runtime/base/str.h"

#include <math.h>

void json_write_str(const char *s, size_t n, strbuf_t *out)
{
    const char *end = s + n;
    strbuf_addc(out, '"');
    while (s < end) {
        const char *start = s;
        uint32_t c = str_utf8_next(&s, end);
        switch (c) {
        case '"':
            strbuf_adds(out, "\\\"");
            break;
        case '\\':
            strbuf_adds(out, "\\\\");
            break;
        case '\b':
            strbuf_adds(out, "\\b");
            break;
        case '\t':
            strbuf_adds(out, "\\t");
            break;
        case '\n':
            strbuf_adds(out, "\\n");
            break;
        case '\f':
            strbuf_adds(out, "\\f");
            break;
        case '\r':
            strbuf_adds(out, "\\r");
            break;
        default:
            if (c < 0x20) {
                strbuf_addf(out, "\\u%04X", c);
            } else if (c >= 0x10000) {
                c -= 0x10000;
                strbuf_addf(out, "\\u%04X\\u%04X", 0xD800 + (c >> 10), 0xDC00 + (c & 0x3FF));
            } else if (c == 0xFFFD) {
                strbuf_adds(out, "\xEF\xBF\xBD");
            } else {
                strbuf_add(out, start, (size_t)(s - start));
            }
        }
    }
    strbuf_addc(out, '"');
}

void json_write_double(double v, strbuf_t *out)
{
    char text[JAVA_TEXT_MAX];
    size_t n = java_text_double(v, text);
    bool number = !isnan(v) && !isinf(v); /* JSON has no word for the others: Jackson quotes them */
    if (!number) strbuf_addc(out, '"');
    strbuf_add(out, text, n);
    if (!number) strbuf_addc(out, '"');
}

void json_write(const json_t *v, strbuf_t *out)
{
    switch (json_typeof(v)) {
    case JSON_OBJECT: {
        const char *key;
        json_t *member;
        bool first = true;
        strbuf_addc(out, '{');
        json_object_foreach((json_t *)v, key, member)
        {
            if (!first) strbuf_addc(out, ',');
            first = false;
            json_write_str(key, strlen(key), out);
            strbuf_addc(out, ':');
            json_write(member, out);
        }
        strbuf_addc(out, '}');
        break;
    }
    case JSON_ARRAY:
        strbuf_addc(out, '[');
        for (size_t i = 0; i < json_array_size(v); i++) {
            if (i > 0) strbuf_addc(out, ',');
            json_write(json_array_get(v, i), out);
        }
        strbuf_addc(out, ']');
        break;
    case JSON_STRING:
        json_write_str(json_string_value(v), json_string_length(v), out);
        break;
    case JSON_INTEGER:
        strbuf_addf(out, "%lld", (long long)json_integer_value(v));
        break;
    case JSON_REAL:
        json_write_double(json_real_value(v), out);
        break;
    case JSON_TRUE:
        strbuf_adds(out, "true");
        break;
    case JSON_FALSE:
        strbuf_adds(out, "false");
        break;
    case JSON_NULL:
        strbuf_adds(out, "null");
        break;
    }
}

cd_err_t *json_parse(const char *text, size_t n, json_t **ret_v)
{
    json_error_t at;
    *ret_v = json_loadb(text, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &at);
    if (*ret_v != NULL) return NULL;
    return cd_err_new(CD_ERR_DATA, "com.fasterxml.jackson.core.JsonParseException", "%s at line %d, column %d", at.text,
                      at.line, at.column);
}

json_t *json_from_config(const cd_config_t *config)
{
    json_t *o = json_object();
    for (uint32_t i = 0; i < config->n; i++) {
        const cd_pair_t *p = &config->pairs[i];
        json_t *v = p->value == NULL ? json_null() : json_string(p->value);
        if (o == NULL || v == NULL || json_object_set_new(o, p->name, v) != 0) abort();
    }
    return o;
}

static cd_err_t *scalar_text(const char *key, const json_t *v, cd_arena_t *arena, const char **ret_text)
{
    strbuf_t b = {0};
    switch (json_typeof(v)) {
    case JSON_NULL:
        *ret_text = NULL;
        return NULL;
    case JSON_STRING:
        *ret_text = cd_arena_strndup(arena, json_string_value(v), json_string_length(v));
        return NULL;
    case JSON_OBJECT:
    case JSON_ARRAY:
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "The value of '%s' must be a string, a number or a boolean", key);
    default:
        json_write(v, &b);
    }
    *ret_text = cd_arena_strdup(arena, strbuf_str(&b));
    strbuf_done(&b);
    return NULL;
}

cd_err_t *json_to_config(const json_t *object, cd_arena_t *arena, cd_config_t *ret_config)
{
    const char *key;
    json_t *v;
    uint32_t n = 0;
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, json_object_size(object));
    json_object_foreach((json_t *)object, key, v)
    {
        cd_err_t *err = scalar_text(key, v, arena, &pairs[n].value);
        if (err != NULL) return err;
        pairs[n++].name = cd_arena_strdup(arena, key);
    }
    *ret_config = (cd_config_t){.n = n, .pairs = pairs};
    return NULL;
}

/* Java's HashMap iteration: buckets ascending, within a bucket insertion order (02 §2.8). Insertion keeps buckets'
 * relative order when the table doubles, so placing by the final capacity gives the same result. */
static void hash_order(const cd_value_t *map, uint32_t *order)
{
    uint32_t cap = 16;
    while (map->len > cap / 4 * 3) cap *= 2;
    uint32_t n = 0;
    for (uint32_t bucket = 0; bucket < cap && n < map->len; bucket++) {
        for (uint32_t i = 0; i < map->len; i++) {
            const cd_value_t *k = &map->items[2 * i];
            if (k->type != CD_STRING) continue;
            uint32_t h = (uint32_t)str_java_hash_n(k->str, k->len);
            if (((h ^ (h >> 16)) & (cap - 1)) == bucket) order[n++] = i;
        }
    }
    for (uint32_t i = n; i < map->len; i++) order[i] = UINT32_MAX; /* keys that are no offset keys are left out */
}

static json_t *scalar_json(const cd_value_t *v)
{
    switch (v->type) {
    case CD_NULL:
        return json_null();
    case CD_BOOLEAN:
        return json_boolean(v->boolean);
    case CD_FLOAT32:
        return json_real((double)v->f32);
    case CD_FLOAT64:
        return json_real(v->f64);
    case CD_STRING:
        return json_stringn(v->str, v->len);
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        return json_integer(v->i64);
    default:
        return NULL;
    }
}

json_t *json_from_value(const cd_value_t *v)
{
    if (v->type == CD_ARRAY) {
        json_t *a = json_array();
        for (uint32_t i = 0; i < v->len; i++)
            if (json_array_append_new(a, json_from_value(&v->items[i])) != 0) abort();
        return a;
    }
    if (v->type != CD_MAP) return scalar_json(v);
    json_t *o = json_object();
    cd_arena_t scratch = {0};
    uint32_t *order = cd_arena_array(&scratch, uint32_t, v->len + 1);
    hash_order(v, order);
    for (uint32_t i = 0; i < v->len && order[i] != UINT32_MAX; i++) {
        const cd_value_t *k = &v->items[2 * order[i]];
        json_t *member = json_from_value(k + 1);
        if (member == NULL || json_object_set_new(o, cd_arena_strndup(&scratch, k->str, k->len), member) != 0) abort();
    }
    cd_arena_done(&scratch);
    return o;
}

cd_value_t json_to_value(const json_t *v, cd_arena_t *arena)
{
    switch (json_typeof(v)) {
    case JSON_TRUE:
    case JSON_FALSE:
        return cd_v_bool(json_is_true(v));
    case JSON_INTEGER:
        return cd_v_int(CD_INT64, json_integer_value(v));
    case JSON_REAL:
        return cd_v_f64(json_real_value(v));
    case JSON_STRING: {
        size_t n = json_string_length(v);
        return cd_v_strn(cd_arena_strndup(arena, json_string_value(v), n), n);
    }
    case JSON_ARRAY: {
        uint32_t n = (uint32_t)json_array_size(v);
        cd_value_t *items = cd_arena_array(arena, cd_value_t, n);
        for (uint32_t i = 0; i < n; i++) items[i] = json_to_value(json_array_get(v, i), arena);
        return cd_v_items(CD_ARRAY, items, n);
    }
    case JSON_OBJECT: {
        uint32_t n = (uint32_t)json_object_size(v), i = 0;
        cd_value_t *items = cd_arena_array(arena, cd_value_t, 2 * n);
        const char *key;
        json_t *member;
        json_object_foreach((json_t *)v, key, member)
        {
            items[i++] = cd_v_str(cd_arena_strdup(arena, key));
            items[i++] = json_to_value(member, arena);
        }
        return cd_v_items(CD_MAP, items, n);
    }
    case JSON_NULL:
        break;
    }
    return CD_V_NULL;
}
