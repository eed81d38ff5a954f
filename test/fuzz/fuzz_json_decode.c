/* JSON records of hostile origin. The first byte picks: plain values, values with schemas, header texts. What was read
 * must be writable or refused with an error. */
#include "plugins/converters/json_form.h"
#include "runtime/data/schema.h"
#include "runtime/data/values_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > 65536) return 0;
    static const json_options_t options = {.null_to_default = true, .decimal_numeric = true};
    cd_schema_pool_t *pool = schema_pool_new();
    cd_arena_t arena = {0};
    strbuf_t out = {0};
    const cd_schema_t *schema = NULL;
    cd_value_t v = CD_V_NULL;
    cd_err_t *err = NULL;
    json_reader_t r;
    json_node_t root;
    if (data[0] % 3 == 2) {
        values_from_text((const char *)data + 1, size - 1, pool, &arena, &schema, &v);
        values_to_text(schema, &v, &out);
        goto out;
    }
    json_reader_init(&r, data + 1, size - 1, &arena);
    if (!json_read(&r, NULL)) goto out;
    json_reader_init(&r, data + 1, size - 1, &arena);
    if (!json_read(&r, &root)) abort(); /* skipping and reading agree about what is well-formed … */
    const json_node_t *payload = &root;
    if (data[0] % 3 == 1) {
        payload = json_member(&root, "payload");
        const json_node_t *s = json_member(&root, "schema");
        if (s != NULL) err = json_get_schema(s, &options, pool, &arena, &schema);
    }
    if (err == NULL) err = json_get_value(schema, payload, &options, &arena, &v);
    if (err == NULL) err = json_put_value(schema, &v, &options, &out);
    if (err != NULL) goto out;
    json_reader_init(&r, out.data, out.len, &arena);
    if (!json_read(&r, NULL) || !json_at_end(&r)) abort(); /* … and what is written is JSON */
    strbuf_clear(&out);
    err = json_put_schema(schema, NULL, &options, &out);
out:
    cd_err_free(err);
    strbuf_done(&out);
    cd_arena_done(&arena);
    schema_pool_free(pool);
    return 0;
}
