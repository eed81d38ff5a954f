/* Avro binary of hostile origin. The first byte picks a schema; the rest is a datum. What decodes must encode, and
 * decode and encode again to the same bytes. */
#include "plugins/converters/avro_decode.h"
#include "plugins/converters/avro_encode.h"
#include "runtime/data/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const schemas[] = {
    "{\"type\":\"record\",\"name\":\"Envelope\",\"namespace\":\"t\",\"fields\":[{\"name\":\"before\",\"type\":["
    "\"null\","
    "{\"type\":\"record\",\"name\":\"Value\",\"fields\":[{\"name\":\"id\",\"type\":\"int\"},{\"name\":\"s\",\"type\":["
    "\"null\","
    "\"string\"],\"default\":null},{\"name\":\"d\",\"type\":[\"null\",{\"type\":\"bytes\",\"scale\":2,\"precision\":10,"
    "\"logicalType\":\"decimal\"}],\"default\":null},{\"name\":\"b\",\"type\":\"boolean\"},{\"name\":\"f\",\"type\":"
    "\"double\"}"
    "]}],\"default\":null},{\"name\":\"after\",\"type\":[\"null\",\"Value\"],\"default\":null},{\"name\":\"op\","
    "\"type\":"
    "\"string\"},{\"name\":\"ts_ms\",\"type\":[\"null\",\"long\"],\"default\":null}]}",
    "{\"type\":\"array\",\"items\":{\"type\":\"map\",\"values\":[\"null\",\"int\",\"string\",{\"type\":\"fixed\","
    "\"name\":"
    "\"F\",\"size\":3}]}}",
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"MapEntry\",\"namespace\":\"io.confluent.connect."
    "avro\","
    "\"fields\":[{\"name\":\"key\",\"type\":\"int\"},{\"name\":\"value\",\"type\":{\"type\":\"enum\",\"name\":\"E\","
    "\"symbols\":[\"A\",\"B\"]}}]}}",
    "{\"type\":\"array\",\"items\":{\"type\":\"record\",\"name\":\"Empty\",\"fields\":[]}}",
    "{\"type\":\"record\",\"name\":\"T\",\"fields\":[{\"name\":\"t\",\"type\":{\"type\":\"int\",\"logicalType\":"
    "\"time-millis\"}},{\"name\":\"i8\",\"type\":{\"type\":\"int\",\"connect.type\":\"int8\"}},{\"name\":\"f\","
    "\"type\":"
    "\"float\"},{\"name\":\"l\",\"type\":{\"type\":\"array\",\"items\":{\"type\":\"array\",\"items\":\"bytes\"}}}]}",
    "{\"type\":\"record\",\"name\":\"Anything\",\"namespace\":\"io.confluent.connect.avro\",\"fields\":[]}",
    "\"bytes\"",
};

/** Compared as bytes: hostile maps may hold a key twice, which no comparison of maps allows for. */
static void check_again(const avro_enc_t *enc, const avro_dec_t *dec, const cd_value_t *v)
{
    avro_out_t first = {0}, second = {0};
    cd_arena_t arena = {0};
    cd_value_t back = CD_V_NULL;
    cd_err_t *err = avro_encode(enc, v, &first);
    if (err == NULL) err = avro_decode(dec, first.base, (size_t)(first.cur - first.base), &arena, &back);
    if (err == NULL) err = avro_encode(enc, &back, &second);
    if (err != NULL) abort();
    size_t n = (size_t)(first.cur - first.base);
    if ((size_t)(second.cur - second.base) != n || memcmp(first.base, second.base, n) != 0) abort();
    cd_arena_done(&arena);
    avro_out_done(&first);
    avro_out_done(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536) return 0;
    static const avro_options_t options = {.meta_data = true, .flatten_singletons = true};
    cd_schema_pool_t *pool = schema_pool_new();
    avro_schema_t *parsed = NULL;
    const cd_schema_t *schema = NULL;
    const avro_dec_t *dec = NULL;
    const avro_enc_t *enc = NULL;
    cd_arena_t plans = {0}, arena = {0};
    cd_value_t v = CD_V_NULL;
    const char *text = schemas[data[0] % (sizeof(schemas) / sizeof(schemas[0]))];
    cd_err_t *err = avro_schema_parse(text, NULL, 0, &parsed);
    if (err == NULL) err = avro_to_connect(parsed->root, &options, AVRO_NO_VERSION, pool, &schema);
    if (err == NULL) err = avro_dec_new(parsed->root, parsed->root, schema, &options, NULL, &plans, &dec);
    if (err == NULL) err = avro_enc_new(schema, parsed->root, &options, &plans, &enc);
    if (err != NULL) abort();
    err = avro_decode(dec, data + 1, size - 1, &arena, &v);
    /* schemaless bytes can be read but not written */
    if (err == NULL && schema != NULL && v.type != CD_NULL) check_again(enc, dec, &v);
    cd_err_free(err);
    cd_arena_done(&arena);
    cd_arena_done(&plans);
    avro_schema_free(parsed);
    schema_pool_free(pool);
    return 0;
}
