/* StringConverter: any value as the text that Java's toString gives, and back as an optional string.
 * Strings pass as views, without a copy, in both directions. */
#include "plugins/converters/converters.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"
#include "runtime/data/value.h"

#include <stdlib.h>

typedef struct settings {
    const char *encoding;
} settings_t;

static const char *const charsets[] = {"UTF-8", "UTF8", "US-ASCII", "ASCII", NULL};

static const cd_key_t keys[] = {{.name = "converter.encoding",
                                 .type = CD_T_STRING,
                                 .importance = CD_HIGH,
                                 .dflt = "UTF-8",
                                 .flags = CD_K_ANY_CASE,
                                 .choices = charsets,
                                 .at = offsetof(settings_t, encoding),
                                 .doc = "The character set of the texts. This worker writes and reads UTF-8."},
                                CD_KEY_END};

typedef struct string_converter {
    bool is_key;
    const cd_schema_t *schema; /* STRING? */
} string_converter_t;

static cd_err_t *configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret_converter)
{
    settings_t set;
    cd_arena_t arena = {0};
    cd_err_t *err = cd_host->config_parse(keys, sizeof(keys[0]), config, &arena, &set, NULL);
    cd_arena_done(&arena);
    if (err != NULL) return err;
    string_converter_t *c = calloc(1, sizeof(*c));
    if (c == NULL) abort();
    cd_schema_spec_t spec = {.type = CD_STRING, .optional = true};
    c->is_key = is_key;
    c->schema = cd_host->schema_intern(cd_host->schemas(ctx), &spec);
    *ret_converter = c;
    return NULL;
}

static cd_bytes_t text_of(cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *v)
{
    if (v->type == CD_NULL) return (cd_bytes_t){0};
    if (v->type == CD_STRING) return (cd_bytes_t){(const uint8_t *)v->str, v->len};
    strbuf_t text = {0};
    value_text(schema, v, &text);
    cd_bytes_t out = {(const uint8_t *)cd_arena_strndup(&batch->arena, strbuf_str(&text), text.len),
                      (uint32_t)text.len};
    strbuf_done(&text);
    return out;
}

static uint32_t encode(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    const string_converter_t *c = converter;
    (void)ret_err;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *rec = &batch->records[i];
        if ((rec->flags & CD_REC_DROPPED) != 0) continue;
        if (c->is_key)
            rec->raw_key = text_of(batch, rec->key_schema, &rec->key);
        else
            rec->raw_value = text_of(batch, rec->value_schema, &rec->value);
    }
    return to;
}

/** As Java decodes: what is not UTF-8 becomes U+FFFD. */
static cd_value_t string_of(cd_batch_t *batch, cd_bytes_t raw)
{
    const char *p = (const char *)raw.ptr, *end = p + raw.len;
    if (raw.ptr == NULL) return CD_V_NULL;
    if (str_utf8_valid(p, raw.len)) return cd_v_strn(p, raw.len);
    char *out = cd_arena_alloc(&batch->arena, (size_t)raw.len * 3 + 1); /* U+FFFD takes three bytes */
    size_t n = 0;
    while (p < end) {
        const char *at = p;
        uint32_t c = str_utf8_next(&p, end);
        size_t len = (size_t)(p - at);
        if (c == 0xFFFD)
            memcpy(out + n, "\xEF\xBF\xBD", len = 3);
        else
            memcpy(out + n, at, len);
        n += len;
    }
    return cd_v_strn(out, n);
}

static uint32_t decode(void *converter, cd_batch_t *batch, uint32_t from, uint32_t to, const cd_needed_t *needed,
                       cd_err_t **ret_err)
{
    const string_converter_t *c = converter;
    (void)needed;
    (void)ret_err;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *rec = &batch->records[i];
        if ((rec->flags & CD_REC_DROPPED) != 0) continue;
        if (c->is_key) {
            rec->key_schema = c->schema;
            rec->key = string_of(batch, rec->raw_key);
        } else {
            rec->value_schema = c->schema;
            rec->value = string_of(batch, rec->raw_value);
        }
    }
    return to;
}

static void close_converter(void *converter)
{
    free(converter);
}

static const cd_converter_ops_t ops = {
    .size = sizeof(ops), .configure = configure, .encode = encode, .decode = decode, .close = close_converter};

const cd_plugin_t string_converter_plugin = {
    CD_PLUGIN_HEAD,     .kind = CD_KIND_CONVERTER,      .jvm_class = "org.apache.kafka.connect.storage.StringConverter",
    .version = "3.9.1", .doc = "Values as plain text.", .keys = keys,
    .ops = &ops,
};
