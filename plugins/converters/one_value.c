#include "plugins/converters/one_value.h"

cd_bytes_t one_bytes(cd_batch_t *batch, const void *data, size_t len)
{
    uint8_t *copy =
        (uint8_t *)cd_arena_alloc(&batch->arena, len + 1); /* empty is not null: there is always a pointer */
    if (len > 0) memcpy(copy, data, len);
    return (cd_bytes_t){.ptr = copy, .len = (uint32_t)len};
}

uint32_t one_encode_part(void *c, one_encode_fn *fn, bool is_key, cd_batch_t *b, uint32_t from, uint32_t to,
                         cd_err_t **ret_err)
{
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        cd_bytes_t bytes = {0};
        cd_err_t *err = fn(c, b, is_key ? r->key_schema : r->value_schema, is_key ? &r->key : &r->value, &bytes);
        if (err != NULL) {
            *ret_err = err;
            return i;
        }
        if (is_key)
            r->raw_key = bytes;
        else
            r->raw_value = bytes;
    }
    return to;
}

uint32_t one_decode_part(void *c, one_decode_fn *fn, bool is_key, cd_batch_t *b, uint32_t from, uint32_t to,
                         cd_err_t **ret_err)
{
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        const cd_schema_t *schema = NULL;
        cd_value_t value = CD_V_NULL;
        cd_err_t *err = fn(c, b, is_key ? r->raw_key : r->raw_value, &schema, &value);
        if (err != NULL) {
            *ret_err = err;
            return i;
        }
        if (is_key) {
            r->key_schema = schema;
            r->key = value;
        } else {
            r->value_schema = schema;
            r->value = value;
        }
    }
    return to;
}

uint32_t one_encode_headers(void *c, one_encode_fn *fn, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        for (uint32_t h = 0; h < r->nheaders; h++) {
            cd_header_t *header = &r->headers[h];
            if (header->raw_valid) continue;
            cd_err_t *err = fn(c, b, header->schema, &header->value, &header->raw);
            if (err != NULL) {
                *ret_err = err;
                return i;
            }
            header->raw_valid = true;
        }
    }
    return to;
}

uint32_t one_decode_headers(void *c, one_decode_fn *fn, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **ret_err)
{
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        for (uint32_t h = 0; h < r->nheaders; h++) {
            cd_header_t *header = &r->headers[h];
            header->schema = NULL;
            header->value = CD_V_NULL;
            cd_err_t *err = fn(c, b, header->raw, &header->schema, &header->value);
            if (err != NULL) {
                *ret_err = err;
                return i;
            }
            header->raw_valid = true;
        }
    }
    return to;
}
