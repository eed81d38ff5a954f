/* Avro schema texts as a registry could send them: parsed, turned into a Connect schema and compiled. The text that is
 * written from that Connect schema must parse, and mean the same Connect schema. */
#include "plugins/converters/avro_decode.h"
#include "plugins/converters/avro_encode.h"
#include "runtime/data/schema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 65536) return 0;
    static const avro_options_t options = {.meta_data = true, .flatten_singletons = true};
    cd_schema_pool_t *pool = schema_pool_new();
    cd_arena_t arena = {0};
    strbuf_t text = {0};
    avro_schema_t *first = NULL, *second = NULL;
    const cd_schema_t *schema = NULL, *again = NULL;
    const avro_dec_t *dec = NULL;
    const avro_enc_t *enc = NULL;
    cd_err_t *err = avro_schema_parse(cd_arena_strndup(&arena, data, size), NULL, 0, &first);
    if (err == NULL) err = avro_to_connect(first->root, &options, 3, pool, &schema);
    if (err == NULL) err = avro_dec_new(first->root, first->root, schema, &options, NULL, &arena, &dec);
    if (err == NULL) err = avro_text_write(schema, &options, pool, &text);
    if (err == NULL) err = avro_schema_parse(strbuf_str(&text), NULL, 0, &second);
    if (err == NULL) err = avro_to_connect(second->root, &options, AVRO_NO_VERSION, pool, &again);
    if (err == NULL) err = avro_enc_new(schema, second->root, &options, &arena, &enc);
    cd_err_free(err);
    avro_schema_free(first);
    avro_schema_free(second);
    strbuf_done(&text);
    cd_arena_done(&arena);
    schema_pool_free(pool);
    return 0;
}
