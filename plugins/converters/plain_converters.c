/* The converters that need no schema: StringConverter, ByteArrayConverter, and those of numbers and booleans (06 §4).
 * Each is one row of a table; the classes differ in what one value looks like as bytes. */
#include "plugins/converters/avro_text.h"
#include "plugins/converters/converters.h"
#include "plugins/converters/one_value.h"
#include "runtime/base/base64.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/data/schema.h"
#include "runtime/data/values_text.h"

#include <stddef.h>

#define STORAGE    "org.apache.kafka.connect.storage."
#define CONVERTERS "org.apache.kafka.connect.converters."

typedef struct plain {
    bool is_key, latin1;
    const char *encoding;
    cd_arena_t arena;
    strbuf_t out;
} plain_t;

static const cd_key_t string_keys[] = {
    {.name = "converter.encoding",
     .type = CD_T_STRING,
     .importance = CD_HIGH,
     .dflt = "UTF-8",
     .at = offsetof(plain_t, encoding),
     .doc = "Character set of the bytes: UTF-8, US-ASCII or ISO-8859-1."},
    CD_KEY_END,
};

static const cd_key_t no_keys[] = {CD_KEY_END};

static void plain_close(void *converter)
{
    plain_t *p = (plain_t *)converter;
    if (p == NULL) return;
    strbuf_done(&p->out);
    cd_arena_done(&p->arena);
    free(p);
}

static cd_err_t *plain_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter)
{
    (void)ctx;
    (void)config;
    plain_t *p = mem_new0(plain_t);
    p->is_key = is_key;
    *ret_converter = p;
    return NULL;
}

static cd_err_t *plain_configure_header(cd_ctx_t *ctx, const cd_config_t *config, void **ret_converter)
{
    return plain_configure(ctx, config, false, ret_converter);
}

static cd_err_t *string_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter)
{
    void *made = NULL;
    cd_err_t *err = plain_configure(ctx, config, is_key, &made);
    plain_t *p = (plain_t *)made;
    if (err == NULL) err = cd_host->config_parse(string_keys, sizeof(cd_key_t), config, &p->arena, p, NULL);
    if (err == NULL) {
        p->latin1 = strcasecmp(p->encoding, "ISO-8859-1") == 0 || strcasecmp(p->encoding, "ISO8859_1") == 0;
        bool known = p->latin1 || strcasecmp(p->encoding, "UTF-8") == 0 || strcasecmp(p->encoding, "UTF8") == 0 ||
                     strcasecmp(p->encoding, "US-ASCII") == 0;
        if (!known)
            err =
                cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                           "Invalid value %s for configuration converter.encoding: only UTF-8, US-ASCII and ISO-8859-1 "
                           "are supported",
                           p->encoding);
    }
    if (err != NULL) {
        plain_close(p);
        return err;
    }
    *ret_converter = p;
    return NULL;
}

static cd_err_t *string_configure_header(cd_ctx_t *ctx, const cd_config_t *config, void **ret_converter)
{
    return string_configure(ctx, config, false, ret_converter);
}

/* ---- strings ----------------------------------------------------------------------------------------------------- */

static void to_latin1(strbuf_t *b)
{
    const char *p = strbuf_str(b), *end = p + b->len;
    size_t n = 0;
    while (p < end) { /* never longer than what was read */
        uint32_t c = str_utf8_next(&p, end);
        b->data[n++] = (char)(c <= 0xFF ? c : '?');
    }
    b->len = n;
}

static cd_err_t *string_encode(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                               cd_bytes_t *ret_bytes)
{
    plain_t *p = (plain_t *)converter;
    if (value->type == CD_NULL) return NULL;
    if (value->type == CD_STRING && !p->latin1) {
        *ret_bytes = one_bytes(batch, value->str, value->len);
        return NULL;
    }
    strbuf_clear(&p->out);
    values_java_string(schema, value, &p->out);
    if (p->latin1) to_latin1(&p->out);
    *ret_bytes = one_bytes(batch, p->out.data, p->out.len);
    return NULL;
}

static cd_err_t *string_decode(void *converter, cd_batch_t *batch, cd_bytes_t raw, const cd_schema_t **ret_schema,
                               cd_value_t *ret_value)
{
    const plain_t *p = (const plain_t *)converter;
    *ret_schema = schema_primitive(batch->schemas, CD_STRING, true);
    if (raw.ptr == NULL) return NULL;
    *ret_value = cd_v_strn((const char *)raw.ptr, raw.len);
    if (!p->latin1 && str_utf8_valid((const char *)raw.ptr, raw.len)) return NULL;
    strbuf_t text = {0};
    const char *s = (const char *)raw.ptr, *end = s + raw.len;
    while (s < end) {
        const char *start = s;
        if (p->latin1) {
            unsigned char c = (unsigned char)*s++;
            if (c >= 0x80) strbuf_addc(&text, (char)(0xC0 | (c >> 6)));
            strbuf_addc(&text, (char)(c < 0x80 ? c : 0x80 | (c & 0x3F)));
        } else if (str_utf8_next(&s, end) == 0xFFFD) {
            strbuf_adds(&text, "\xEF\xBF\xBD");
        } else {
            strbuf_add(&text, start, (size_t)(s - start));
        }
    }
    cd_bytes_t copy = one_bytes(batch, text.data, text.len);
    *ret_value = cd_v_strn((const char *)copy.ptr, copy.len);
    strbuf_done(&text);
    return NULL;
}

/* ---- bytes ------------------------------------------------------------------------------------------------------- */

static cd_err_t *bytes_encode(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                              cd_bytes_t *ret_bytes)
{
    (void)converter;
    if (schema != NULL && schema->type != CD_BYTES)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid schema type for ByteArrayConverter: %s",
                          schema_type_name(schema->type));
    if (value->type == CD_NULL) return NULL;
    if (value->type != CD_BYTES)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "ByteArrayConverter is not compatible with objects of type %s",
                          avro_java_class(value));
    *ret_bytes = one_bytes(batch, value->bytes, value->len);
    return NULL;
}

static cd_err_t *bytes_decode(void *converter, cd_batch_t *batch, cd_bytes_t raw, const cd_schema_t **ret_schema,
                              cd_value_t *ret_value)
{
    (void)converter;
    *ret_schema = schema_primitive(batch->schemas, CD_BYTES, true);
    if (raw.ptr != NULL) *ret_value = cd_v_bytes(raw.ptr, raw.len);
    return NULL;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static cd_err_t *number_encode(cd_batch_t *batch, const cd_value_t *v, uint8_t type, uint32_t size, const char *word,
                               cd_bytes_t *ret_bytes)
{
    uint8_t bytes[8];
    uint64_t bits = 0;
    uint32_t bits32 = 0;
    if (v->type == CD_NULL) return NULL;
    if (v->type != type) {
        cd_err_t *cause = cd_err_new(CD_ERR_DATA, "java.lang.ClassCastException", "%s cannot be written as %s",
                                     avro_java_class(v), word);
        return cd_err_wrap(cause, CD_ERR_DATA, CD_JVM_DATA, "Failed to serialize to %s (was %s): ", word,
                           avro_java_class(v));
    }
    if (type == CD_FLOAT32) {
        memcpy(&bits32, &v->f32, sizeof(bits32));
        bits = bits32;
    } else {
        memcpy(&bits, &v->i64, sizeof(bits)); /* doubles share the place */
    }
    for (uint32_t i = 0; i < size; i++) bytes[i] = (uint8_t)(bits >> (8 * (size - 1 - i)));
    *ret_bytes = one_bytes(batch, bytes, size);
    return NULL;
}

static cd_err_t *number_decode(cd_batch_t *batch, cd_bytes_t raw, uint8_t type, uint32_t size, const char *word,
                               const char *java, const cd_schema_t **ret_schema, cd_value_t *ret_value)
{
    *ret_schema = schema_primitive(batch->schemas, type, true);
    if (raw.ptr == NULL) return NULL;
    if (raw.len != size) {
        cd_err_t *cause = cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION,
                                     "Size of data received by %sDeserializer is not %u", java, size);
        return cd_err_wrap(cause, CD_ERR_DATA, CD_JVM_DATA, "Failed to deserialize %s: ", word);
    }
    uint64_t bits = 0;
    for (uint32_t i = 0; i < size; i++) bits = bits << 8 | raw.ptr[i];
    switch (type) {
    case CD_INT16:
        *ret_value = cd_v_int(type, (int16_t)bits);
        break;
    case CD_INT32:
        *ret_value = cd_v_int(type, (int32_t)bits);
        break;
    case CD_FLOAT32: {
        uint32_t bits32 = (uint32_t)bits;
        float f = 0;
        memcpy(&f, &bits32, sizeof(f));
        *ret_value = cd_v_f32(f);
        break;
    }
    case CD_FLOAT64: {
        double d = 0;
        memcpy(&d, &bits, sizeof(d));
        *ret_value = cd_v_f64(d);
        break;
    }
    default:
        *ret_value = cd_v_int(type, (int64_t)bits);
    }
    return NULL;
}

static cd_err_t *boolean_encode(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                                cd_bytes_t *ret_bytes)
{
    (void)converter;
    if (schema != NULL && schema->type != CD_BOOLEAN)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "Invalid schema type for BooleanConverter: %s",
                          schema_type_name(schema->type));
    if (value->type == CD_NULL) return NULL;
    if (value->type != CD_BOOLEAN)
        return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "BooleanConverter is not compatible with objects of type %s",
                          avro_java_class(value));
    uint8_t byte = value->boolean ? 1 : 0;
    *ret_bytes = one_bytes(batch, &byte, 1);
    return NULL;
}

static cd_err_t *boolean_decode(void *converter, cd_batch_t *batch, cd_bytes_t raw, const cd_schema_t **ret_schema,
                                cd_value_t *ret_value)
{
    (void)converter;
    *ret_schema = schema_primitive(batch->schemas, CD_BOOLEAN, true);
    if (raw.ptr == NULL) return NULL;
    if (raw.len != 1 || raw.ptr[0] > 1) {
        cd_err_t *cause = raw.len != 1 ? cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION,
                                                    "Size of data received by BooleanDeserializer is not 1")
                                       : cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION,
                                                    "Unexpected byte received by BooleanDeserializer: %u", raw.ptr[0]);
        return cd_err_wrap(cause, CD_ERR_DATA, CD_JVM_DATA, "Failed to deserialize boolean: ");
    }
    *ret_value = cd_v_bool(raw.ptr[0] == 1);
    return NULL;
}

/* ---- the header converter that is Connect's default -------------------------------------------------------------- */

static cd_err_t *simple_encode(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                               cd_bytes_t *ret_bytes)
{
    plain_t *p = (plain_t *)converter;
    if (value->type == CD_NULL) return NULL;
    strbuf_clear(&p->out);
    values_to_text(schema, value, &p->out);
    *ret_bytes = one_bytes(batch, p->out.data, p->out.len);
    return NULL;
}

static cd_err_t *simple_decode(void *converter, cd_batch_t *batch, cd_bytes_t raw, const cd_schema_t **ret_schema,
                               cd_value_t *ret_value)
{
    (void)converter;
    if (raw.ptr == NULL) return NULL;
    if (!str_utf8_valid((const char *)raw.ptr, raw.len)) { /* what Java could not read as text stays bytes there too */
        *ret_schema = schema_primitive(batch->schemas, CD_BYTES, false);
        *ret_value = cd_v_bytes(raw.ptr, raw.len);
        return NULL;
    }
    values_from_text((const char *)raw.ptr, raw.len, batch->schemas, &batch->arena, ret_schema, ret_value);
    return NULL;
}

/* ---- tables ------------------------------------------------------------------------------------------------------ */

#define NUMBER(fn, type, size, word, java)                                                                             \
    static cd_err_t *fn##_encode(void *c, cd_batch_t *b, const cd_schema_t *s, const cd_value_t *v, cd_bytes_t *ret)   \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        (void)s;                                                                                                       \
        return number_encode(b, v, type, size, word, ret);                                                             \
    }                                                                                                                  \
    static cd_err_t *fn##_decode(void *c, cd_batch_t *b, cd_bytes_t raw, const cd_schema_t **ret_s, cd_value_t *ret_v) \
    {                                                                                                                  \
        (void)c;                                                                                                       \
        return number_decode(b, raw, type, size, word, java, ret_s, ret_v);                                            \
    }

/** The callbacks and plugin descriptions of one class, as converter of parts and of headers. */
#define PLUGINS(fn, class_name, configure_part, configure_header, key_table, text)                                     \
    static uint32_t fn##_encode_part(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **err)               \
    {                                                                                                                  \
        return one_encode_part(c, fn##_encode, ((plain_t *)c)->is_key, b, from, to, err);                              \
    }                                                                                                                  \
    static uint32_t fn##_decode_part(void *c, cd_batch_t *b, uint32_t from, uint32_t to, const cd_needed_t *needed,    \
                                     cd_err_t **err)                                                                   \
    {                                                                                                                  \
        (void)needed;                                                                                                  \
        return one_decode_part(c, fn##_decode, ((plain_t *)c)->is_key, b, from, to, err);                              \
    }                                                                                                                  \
    static const cd_converter_ops_t fn##_ops = {.size = sizeof(fn##_ops),                                              \
                                                .configure = configure_part,                                           \
                                                .encode = fn##_encode_part,                                            \
                                                .decode = fn##_decode_part,                                            \
                                                .close = plain_close};                                                 \
    const cd_plugin_t fn##_converter_plugin = {                                                                        \
        CD_PLUGIN_HEAD, .kind = CD_KIND_CONVERTER, .jvm_class = class_name, .version = CONNECT_VERSION,                \
        .doc = text,    .keys = key_table,         .ops = &fn##_ops};                                                  \
    HEADER_PLUGIN(fn, class_name, configure_header, key_table, text)

#define HEADER_PLUGIN(fn, class_name, configure_header, key_table, text)                                               \
    static uint32_t fn##_encode_headers(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **err)            \
    {                                                                                                                  \
        return one_encode_headers(c, fn##_encode, b, from, to, err);                                                   \
    }                                                                                                                  \
    static uint32_t fn##_decode_headers(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **err)            \
    {                                                                                                                  \
        return one_decode_headers(c, fn##_decode, b, from, to, err);                                                   \
    }                                                                                                                  \
    static const cd_header_converter_ops_t fn##_header_ops = {.size = sizeof(fn##_header_ops),                         \
                                                              .configure = configure_header,                           \
                                                              .encode = fn##_encode_headers,                           \
                                                              .decode = fn##_decode_headers,                           \
                                                              .close = plain_close};                                   \
    const cd_plugin_t fn##_header_converter_plugin = {CD_PLUGIN_HEAD,                                                  \
                                                      .kind = CD_KIND_HEADER_CONVERTER,                                \
                                                      .jvm_class = class_name,                                         \
                                                      .version = CONNECT_VERSION,                                      \
                                                      .doc = text,                                                     \
                                                      .keys = key_table,                                               \
                                                      .ops = &fn##_header_ops};

NUMBER(short, CD_INT16, 2, "short", "Short")
NUMBER(integer, CD_INT32, 4, "integer", "Integer")
NUMBER(long, CD_INT64, 8, "long", "Long")
NUMBER(float, CD_FLOAT32, 4, "float", "")
NUMBER(double, CD_FLOAT64, 8, "double", "")

PLUGINS(string, STORAGE "StringConverter", string_configure, string_configure_header, string_keys,
        "Values as text; reads optional strings.")
PLUGINS(bytes, CONVERTERS "ByteArrayConverter", plain_configure, plain_configure_header, no_keys,
        "Bytes as they are; reads optional bytes.")
PLUGINS(short, CONVERTERS "ShortConverter", plain_configure, plain_configure_header, no_keys, "INT16 in two bytes.")
PLUGINS(integer, CONVERTERS "IntegerConverter", plain_configure, plain_configure_header, no_keys,
        "INT32 in four bytes.")
PLUGINS(long, CONVERTERS "LongConverter", plain_configure, plain_configure_header, no_keys, "INT64 in eight bytes.")
PLUGINS(float, CONVERTERS "FloatConverter", plain_configure, plain_configure_header, no_keys, "FLOAT32 in four bytes.")
PLUGINS(double, CONVERTERS "DoubleConverter", plain_configure, plain_configure_header, no_keys,
        "FLOAT64 in eight bytes.")
PLUGINS(boolean, CONVERTERS "BooleanConverter", plain_configure, plain_configure_header, no_keys,
        "BOOLEAN in one byte.")
HEADER_PLUGIN(simple, STORAGE "SimpleHeaderConverter", plain_configure_header, no_keys,
              "Headers as text whose form tells the type.")
