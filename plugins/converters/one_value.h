/* converters/one_value.h: the batch loops of converters that treat each value by itself, for record parts and headers.
 * Threads    the task's thread. */
#ifndef CONNECTD_CONVERTERS_ONE_VALUE_H
#define CONNECTD_CONVERTERS_ONE_VALUE_H

#include "plugins/api/connectd_plugin.h"

/** Bytes of a value, in the batch's arena (ptr NULL: no bytes). */
typedef cd_err_t *one_encode_fn(void *converter, cd_batch_t *batch, const cd_schema_t *schema, const cd_value_t *value,
                                cd_bytes_t *ret_bytes);
/** Schema and value of bytes, which may be null (ptr NULL). */
typedef cd_err_t *one_decode_fn(void *converter, cd_batch_t *batch, cd_bytes_t bytes, const cd_schema_t **ret_schema,
                                cd_value_t *ret_value);

uint32_t one_encode_part(void *converter, one_encode_fn *fn, bool is_key, cd_batch_t *batch, uint32_t from, uint32_t to,
                         cd_err_t **ret_err);
uint32_t one_decode_part(void *converter, one_decode_fn *fn, bool is_key, cd_batch_t *batch, uint32_t from, uint32_t to,
                         cd_err_t **ret_err);
/** Headers that still hold their bytes from the wire are left alone. */
uint32_t one_encode_headers(void *converter, one_encode_fn *fn, cd_batch_t *batch, uint32_t from, uint32_t to,
                            cd_err_t **ret_err);
uint32_t one_decode_headers(void *converter, one_decode_fn *fn, cd_batch_t *batch, uint32_t from, uint32_t to,
                            cd_err_t **ret_err);

/** The buffer's content as bytes in the batch's arena. */
cd_bytes_t one_bytes(cd_batch_t *batch, const void *data, size_t len);

#endif
