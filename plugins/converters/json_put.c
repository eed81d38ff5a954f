#include "plugins/converters/json_form.h"

#include "plugins/converters/avro_text.h"
#include "runtime/base/base64.h"
#include "runtime/base/java_text.h"
#include "runtime/base/json.h"
#include "runtime/data/schema.h"

static void put_int(int64_t v, strbuf_t *out)
{
    char text[24], *p = text + sizeof(text);
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u > 0);
    if (v < 0) *--p = '-';
    strbuf_add(out, p, (size_t)(text + sizeof(text) - p));
}

static void put_number(double v, bool is_float, strbuf_t *out)
{
    char text[JAVA_TEXT_MAX];
    size_t n = is_float ? java_text_float((float)v, text) : java_text_double(v, text);
    bool word = memchr(text, 'N', n) != NULL || memchr(text, 'I', n) != NULL;
    if (word) strbuf_addc(out, '"');
    strbuf_add(out, text, n);
    if (word) strbuf_addc(out, '"');
}

static void put_base64(const cd_value_t *v, strbuf_t *out)
{
    strbuf_addc(out, '"');
    base64_encode(v->bytes, v->len, out);
    strbuf_addc(out, '"');
}

/** Most strings need no escape at all: one scan, one copy. */
static void put_string(const char *p, uint32_t n, strbuf_t *out)
{
    for (uint32_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\') {
            json_write_str(p, n, out);
            return;
        }
    }
    char *o = strbuf_reserve(out, (size_t)n + 2);
    *o = '"';
    if (n > 0) memcpy(o + 1, p, n);
    o[n + 1] = '"';
    strbuf_advance(out, (size_t)n + 2);
}

static cd_err_t *put_map(const cd_schema_t *s, const cd_value_t *v, const json_options_t *o, strbuf_t *out)
{
    bool object = true;
    if (s != NULL) {
        object = s->key_schema != NULL && s->key_schema->type == CD_STRING;
    } else {
        for (uint32_t i = 0; i < v->len && object; i++) object = v->items[2 * i].type == CD_STRING;
    }
    strbuf_addc(out, object ? '{' : '[');
    for (uint32_t i = 0; i < v->len; i++) {
        const cd_value_t *key = &v->items[2 * i];
        if (i > 0) strbuf_addc(out, ',');
        if (!object) strbuf_addc(out, '[');
        cd_err_t *err = NULL;
        if (object && key->type == CD_NULL) {
            strbuf_adds(out, "\"null\"");
        } else {
            err = json_put_value(s != NULL ? s->key_schema : NULL, key, o, out);
        }
        if (err != NULL) return err;
        strbuf_addc(out, object ? ':' : ',');
        err = json_put_value(s != NULL ? s->value_schema : NULL, &v->items[2 * i + 1], o, out);
        if (err != NULL) return err;
        if (!object) strbuf_addc(out, ']');
    }
    strbuf_addc(out, object ? '}' : ']');
    return NULL;
}

static cd_err_t *put_struct(const cd_schema_t *s, const cd_value_t *v, const json_options_t *o, strbuf_t *out)
{
    if (s == NULL || v->len != s->nfields) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Mismatching schema.");
    strbuf_addc(out, '{');
    for (uint32_t i = 0; i < s->nfields; i++) {
        if (i > 0) strbuf_addc(out, ',');
        put_string(s->fields[i].name, s->fields[i].name_len, out);
        strbuf_addc(out, ':');
        cd_err_t *err = json_put_value(s->fields[i].schema, &v->items[i], o, out);
        if (err != NULL) return err;
    }
    strbuf_addc(out, '}');
    return NULL;
}

static cd_err_t *put_decimal(const cd_schema_t *s, const cd_value_t *v, strbuf_t *out)
{
    if (s->scale == INT32_MIN)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid Decimal schema: scale parameter not found.");
    if (!java_text_decimal(v->bytes, v->len, s->scale, out))
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "A Decimal of %u bytes is too long to be written as a number",
                          v->len);
    return NULL;
}

cd_err_t *json_put_value(const cd_schema_t *s, const cd_value_t *v, const json_options_t *o, strbuf_t *out)
{
    if (v->type == CD_NULL && s != NULL && s->dflt != NULL && o->null_to_default) v = s->dflt;
    if (v->type == CD_NULL) {
        if (s != NULL && !s->optional && s->dflt == NULL)
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA,
                              "Conversion error: null value for field that is required and has no default value");
        strbuf_adds(out, "null");
        return NULL;
    }
    if (s != NULL && s->type != v->type)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid type for %s: %s", schema_type_name(s->type),
                          avro_java_class(v));
    switch (v->type) {
    case CD_BOOLEAN:
        strbuf_adds(out, v->boolean ? "true" : "false");
        return NULL;
    case CD_FLOAT32:
        put_number((double)v->f32, true, out);
        return NULL;
    case CD_FLOAT64:
        put_number(v->f64, false, out);
        return NULL;
    case CD_STRING:
        put_string(v->str, v->len, out);
        return NULL;
    case CD_BYTES:
        if (s != NULL && s->logical == CD_LOGICAL_DECIMAL && o->decimal_numeric) return put_decimal(s, v, out);
        put_base64(v, out);
        return NULL;
    case CD_ARRAY:
        strbuf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_addc(out, ',');
            cd_err_t *err = json_put_value(s != NULL ? s->value_schema : NULL, &v->items[i], o, out);
            if (err != NULL) return err;
        }
        strbuf_addc(out, ']');
        return NULL;
    case CD_MAP:
        return put_map(s, v, o, out);
    case CD_STRUCT:
        return put_struct(s, v, o, out);
    default:
        put_int(v->i64, out);
        return NULL;
    }
}

static void put_text_member(const char *name, const char *text, strbuf_t *out)
{
    if (text == NULL) return;
    strbuf_addf(out, ",\"%s\":", name);
    json_write_str(text, strlen(text), out);
}

static cd_err_t *put_children(const cd_schema_t *s, const json_options_t *o, strbuf_t *out)
{
    cd_err_t *err = NULL;
    if (s->type == CD_ARRAY || s->type == CD_MAP) {
        if (s->value_schema == NULL || (s->type == CD_MAP && s->key_schema == NULL))
            return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "A schema without an element schema cannot be written as JSON");
        if (s->type == CD_MAP) {
            strbuf_adds(out, ",\"keys\":");
            err = json_put_schema(s->key_schema, NULL, o, out);
            if (err != NULL) return err;
        }
        strbuf_adds(out, s->type == CD_MAP ? ",\"values\":" : ",\"items\":");
        return json_put_schema(s->value_schema, NULL, o, out);
    }
    if (s->type != CD_STRUCT) return NULL;
    strbuf_adds(out, ",\"fields\":[");
    for (uint32_t i = 0; i < s->nfields && err == NULL; i++) {
        if (i > 0) strbuf_addc(out, ',');
        err = json_put_schema(s->fields[i].schema, s->fields[i].name, o, out);
    }
    strbuf_addc(out, ']');
    return err;
}

cd_err_t *json_put_schema(const cd_schema_t *s, const char *field, const json_options_t *o, strbuf_t *out)
{
    static const char *const types[] = {"",        "int8",   "int16", "int32", "int64", "float", "double",
                                        "boolean", "string", "bytes", "array", "map",   "struct"};
    if (s == NULL) {
        strbuf_adds(out, "null");
        return NULL;
    }
    strbuf_addf(out, "{\"type\":\"%s\"", types[s->type]);
    cd_err_t *err = put_children(s, o, out);
    if (err != NULL) return err;
    strbuf_addf(out, ",\"optional\":%s", s->optional ? "true" : "false");
    put_text_member("name", s->name, out);
    if (s->has_version) strbuf_addf(out, ",\"version\":%d", s->version);
    put_text_member("doc", s->doc, out);
    for (uint32_t i = 0; i < s->nparams; i++) {
        strbuf_adds(out, i == 0 ? ",\"parameters\":{" : ",");
        json_write_str(s->params[i].name, strlen(s->params[i].name), out);
        strbuf_addc(out, ':');
        json_write_str(s->params[i].value, strlen(s->params[i].value), out);
    }
    if (s->nparams > 0) strbuf_addc(out, '}');
    if (s->dflt != NULL) {
        strbuf_adds(out, ",\"default\":");
        err = json_put_value(s, s->dflt, o, out);
    }
    put_text_member("field", field, out);
    strbuf_addc(out, '}');
    return err;
}
