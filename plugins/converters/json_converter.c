/* org.apache.kafka.connect.json.JsonConverter, for records and headers. The schema half of the envelope is written once
 * per schema, and read once per text: equal bytes are the same schema. */
#include "plugins/converters/converters.h"
#include "plugins/converters/json_form.h"
#include "plugins/converters/one_value.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"

#include <stddef.h>

#define CLASS          "org.apache.kafka.connect.json.JsonConverter"
#define CACHE_TEXT_MAX ((size_t)16 * 1024 * 1024)
#define NOT_AN_ENVELOPE                                                                                                \
    "JsonConverter with schemas.enable requires \"schema\" and \"payload\" fields and may not contain additional "     \
    "fields. If you are trying to deserialize plain JSON data, set schemas.enable=false in your converter "            \
    "configuration."

typedef struct json_settings {
    bool schemas, null_to_default;
    int32_t cache_size;
    const char *decimal_format;
} json_settings_t;

static const char *const decimal_formats[] = {"BASE64", "NUMERIC", NULL};

static const cd_key_t keys[] = {
    {.name = "schemas.enable",
     .type = CD_T_BOOLEAN,
     .importance = CD_HIGH,
     .dflt = "true",
     .at = offsetof(json_settings_t, schemas),
     .doc = "Carry the schema with each value, as {\"schema\":…,\"payload\":…}."},
    {.name = "schemas.cache.size",
     .type = CD_T_INT,
     .importance = CD_HIGH,
     .dflt = "1000",
     .min = 1,
     .flags = CD_K_RANGE_MIN,
     .at = offsetof(json_settings_t, cache_size),
     .doc = "How many schemas are kept."},
    {.name = "decimal.format",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .dflt = "BASE64",
     .choices = decimal_formats,
     .flags = CD_K_ANY_CASE,
     .at = offsetof(json_settings_t, decimal_format),
     .doc = "How Decimals are written: BASE64 of their bytes, or NUMERIC. Both are always read."},
    {.name = "replace.null.with.default",
     .type = CD_T_BOOLEAN,
     .importance = CD_LOW,
     .dflt = "true",
     .at = offsetof(json_settings_t, null_to_default),
     .doc = "Write and read the schema's default where a value is null."},
    CD_KEY_END,
};

/** A schema text that was read. */
typedef struct known_schema {
    const char *text;
    size_t len;
    const cd_schema_t *schema;
} known_schema_t;

typedef struct json_converter {
    bool is_key;
    json_settings_t settings;
    json_options_t options;
    cd_arena_t settings_arena, arena; /* arena: cached texts */
    strbuf_t out;
    const char **heads; /* by schema id: {"schema":…,"payload": */
    uint32_t nheads;
    known_schema_t *known;
    uint32_t nknown, cap, last;
} json_converter_t;

static void json_close(void *converter)
{
    json_converter_t *c = (json_converter_t *)converter;
    if (c == NULL) return;
    free(c->heads);
    free(c->known);
    strbuf_done(&c->out);
    cd_arena_done(&c->arena);
    cd_arena_done(&c->settings_arena);
    free(c);
}

static cd_err_t *configure(const cd_config_t *config, bool is_key, void **ret_converter)
{
    json_converter_t *c = mem_new0(json_converter_t);
    c->is_key = is_key;
    cd_err_t *err = cd_host->config_parse(keys, sizeof(cd_key_t), config, &c->settings_arena, &c->settings, NULL);
    if (err != NULL) {
        json_close(c);
        return err;
    }
    c->options = (json_options_t){.decimal_numeric = strcasecmp(c->settings.decimal_format, "NUMERIC") == 0,
                                  .null_to_default = c->settings.null_to_default};
    *ret_converter = c;
    return NULL;
}

static cd_err_t *json_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter)
{
    (void)ctx;
    return configure(config, is_key, ret_converter);
}

static cd_err_t *json_configure_header(cd_ctx_t *ctx, const cd_config_t *config, void **ret_converter)
{
    (void)ctx;
    return configure(config, false, ret_converter);
}

/** Start over when the caches hold too much: refilling is cheaper than keeping an order. */
static void bound_caches(json_converter_t *c)
{
    if (c->arena.used < CACHE_TEXT_MAX && c->nknown < (uint32_t)c->settings.cache_size) return;
    cd_arena_done(&c->arena);
    free(c->heads);
    c->heads = NULL;
    c->nheads = c->nknown = c->last = 0;
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static cd_err_t *head_of(json_converter_t *c, const cd_schema_t *schema, const char **ret_head)
{
    if (schema->id < c->nheads && c->heads[schema->id] != NULL) {
        *ret_head = c->heads[schema->id];
        return NULL;
    }
    bound_caches(c);
    strbuf_t text = {0};
    strbuf_adds(&text, "{\"schema\":");
    cd_err_t *err = json_put_schema(schema, NULL, &c->options, &text);
    if (err == NULL) {
        strbuf_adds(&text, ",\"payload\":");
        if (schema->id >= c->nheads) {
            uint32_t n = (schema->id + 64) * 2;
            c->heads = (const char **)mem_realloc_array(c->heads, n, sizeof(*c->heads));
            memset(c->heads + c->nheads, 0, (n - c->nheads) * sizeof(*c->heads));
            c->nheads = n;
        }
        *ret_head = c->heads[schema->id] = cd_arena_strdup(&c->arena, strbuf_str(&text));
    }
    strbuf_done(&text);
    return err;
}

static cd_err_t *encode_one(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                            cd_bytes_t *ret_bytes)
{
    json_converter_t *c = (json_converter_t *)converter;
    const char *head = "{\"schema\":null,\"payload\":";
    cd_err_t *err = NULL;
    if (schema == NULL && value->type == CD_NULL) return NULL;
    strbuf_clear(&c->out);
    if (c->settings.schemas) {
        if (schema != NULL) err = head_of(c, schema, &head);
        if (err != NULL) return err;
        strbuf_adds(&c->out, head);
    }
    err = json_put_value(schema, value, &c->options, &c->out);
    if (err != NULL) return err;
    if (c->settings.schemas) strbuf_addc(&c->out, '}');
    *ret_bytes = one_bytes(batch, c->out.data, c->out.len);
    return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static cd_err_t *not_json(const json_reader_t *r)
{
    cd_err_t *cause = cd_err_new(CD_ERR_DATA, CD_JVM_SERIALIZATION, "%s at byte %zu",
                                 r->problem != NULL ? r->problem : "the document is empty", (size_t)(r->p - r->start));
    return cd_err_wrap(cause, CD_ERR_DATA, CD_JVM_DATA,
                       "Converting byte[] to Kafka Connect data failed due to serialization error: ");
}

/** The schema of a text, parsed when it was not met before. */
static cd_err_t *schema_of(json_converter_t *c, const char *text, size_t len, cd_batch_t *batch,
                           const cd_schema_t **ret_schema)
{
    *ret_schema = NULL;
    if (len == 4 && memcmp(text, "null", 4) == 0) return NULL;
    for (uint32_t i = 0; i < c->nknown; i++) {
        uint32_t at = (c->last + i) % c->nknown;
        if (c->known[at].len != len || memcmp(c->known[at].text, text, len) != 0) continue;
        c->last = at;
        *ret_schema = c->known[at].schema;
        return NULL;
    }
    bound_caches(c);
    json_reader_t r;
    json_node_t node;
    json_reader_init(&r, text, len, &batch->arena);
    if (!json_read(&r, &node)) return not_json(&r);
    cd_err_t *err = json_get_schema(&node, &c->options, batch->schemas, &batch->arena, ret_schema);
    if (err != NULL) return err;
    mem_grow(c->known, c->nknown, c->cap);
    c->last = c->nknown;
    c->known[c->nknown++] =
        (known_schema_t){.text = cd_arena_strndup(&c->arena, text, len), .len = len, .schema = *ret_schema};
    return NULL;
}

/** {"schema":…,"payload":…}: the schema's text is only skipped over, the payload is read. */
static cd_err_t *decode_envelope(json_converter_t *c, cd_batch_t *batch, json_reader_t *r,
                                 const cd_schema_t **ret_schema, cd_value_t *ret_value)
{
    const char *schema = NULL;
    size_t schema_len = 0;
    json_node_t payload = {0};
    bool has_payload = false, fits = json_accept(r, '{');
    if (!fits) { /* not an object: malformed, or the wrong kind of document */
        if (json_at_end(r) || json_read(r, NULL)) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, NOT_AN_ENVELOPE);
        return not_json(r);
    }
    if (!json_accept(r, '}')) {
        do {
            const char *key = NULL;
            uint32_t len = 0;
            if (json_at_end(r) || *r->p != '"') {
                r->problem = "a member needs a name in quotes";
                return not_json(r);
            }
            if (!json_read_string(r, &key, &len)) return not_json(r);
            if (!json_accept(r, ':')) {
                r->problem = "a colon is missing";
                return not_json(r);
            }
            bool ok = true;
            if (len == 6 && memcmp(key, "schema", 6) == 0) {
                (void)json_at_end(r); /* to the first character of the schema */
                schema = r->p;
                ok = json_read(r, NULL);
                schema_len = (size_t)(r->p - schema);
            } else if (len == 7 && memcmp(key, "payload", 7) == 0) {
                ok = json_read(r, &payload);
                has_payload = true;
            } else {
                ok = json_read(r, NULL);
                fits = false;
            }
            if (!ok) return not_json(r);
        } while (json_accept(r, ','));
        if (!json_accept(r, '}')) {
            r->problem = "a comma or the closing bracket is missing";
            return not_json(r);
        }
    }
    if (!fits || schema == NULL || !has_payload) return cd_err_new(CD_ERR_DATA, CD_JVM_DATA, NOT_AN_ENVELOPE);
    cd_err_t *err = schema_of(c, schema, schema_len, batch, ret_schema);
    if (err != NULL) return err;
    return json_get_value(*ret_schema, &payload, &c->options, &batch->arena, ret_value);
}

static cd_err_t *decode_one(void *converter, cd_batch_t *batch, cd_bytes_t raw, const cd_schema_t **ret_schema,
                            cd_value_t *ret_value)
{
    json_converter_t *c = (json_converter_t *)converter;
    json_reader_t r;
    json_node_t node;
    if (raw.ptr == NULL) return NULL;
    json_reader_init(&r, raw.ptr, raw.len, &batch->arena);
    if (c->settings.schemas) return decode_envelope(c, batch, &r, ret_schema, ret_value);
    if (json_at_end(&r)) return NULL;
    if (!json_read(&r, &node)) return not_json(&r);
    return json_get_value(NULL, &node, &c->options, &batch->arena, ret_value);
}

static uint32_t json_encode(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return one_encode_part(c, encode_one, ((json_converter_t *)c)->is_key, b, from, to, ret_err);
}

static uint32_t json_decode(void *c, cd_batch_t *b, uint32_t from, uint32_t to, const cd_needed_t *needed,
                            cd_err_t **ret_err)
{
    (void)needed; /* the text has to be parsed anyway */
    return one_decode_part(c, decode_one, ((json_converter_t *)c)->is_key, b, from, to, ret_err);
}

static uint32_t json_encode_headers(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return one_encode_headers(c, encode_one, b, from, to, ret_err);
}

static uint32_t json_decode_headers(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    return one_decode_headers(c, decode_one, b, from, to, ret_err);
}

static const cd_converter_ops_t ops = {.size = sizeof(ops),
                                       .configure = json_configure,
                                       .encode = json_encode,
                                       .decode = json_decode,
                                       .close = json_close};
static const cd_header_converter_ops_t header_ops = {.size = sizeof(header_ops),
                                                     .configure = json_configure_header,
                                                     .encode = json_encode_headers,
                                                     .decode = json_decode_headers,
                                                     .close = json_close};

const cd_plugin_t json_converter_plugin = {CD_PLUGIN_HEAD,
                                           .kind = CD_KIND_CONVERTER,
                                           .jvm_class = CLASS,
                                           .version = CONNECT_VERSION,
                                           .doc = "JSON, with or without the schema in each value.",
                                           .keys = keys,
                                           .ops = &ops};
const cd_plugin_t json_header_converter_plugin = {CD_PLUGIN_HEAD,
                                                  .kind = CD_KIND_HEADER_CONVERTER,
                                                  .jvm_class = CLASS,
                                                  .version = CONNECT_VERSION,
                                                  .doc = "Headers as JSON, with or without their schemas.",
                                                  .keys = keys,
                                                  .ops = &header_ops};
