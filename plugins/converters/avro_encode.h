/* converters/avro_encode.h: Connect values to Avro binary by a plan that is compiled once per pair of schemas.
 * Threads    the task's thread. Plans are read-only once made; a writer belongs to one converter.
 * Ownership  a plan lives in the arena it was made in and points into the Connect schema.
 * Errors     DATA with AvroData's wording. The text that fits a wrong value is made only when one is met. */
#ifndef CONNECTD_CONVERTERS_AVRO_ENCODE_H
#define CONNECTD_CONVERTERS_AVRO_ENCODE_H

#include "plugins/converters/avro_connect.h"

typedef struct enc_node avro_enc_t;

/** Where encoded bytes are gathered; reused from record to record, so that encoding allocates nothing. */
typedef struct avro_out {
    uint8_t *base, *cur, *end;
} avro_out_t;

/** Compile how values of `schema` (NULL: schemaless) are written as `node`. Record fields meet by name; a field of the
 *  Avro schema that the Connect schema lacks is an error. The plan lives in `arena` and does not need `node` later. */
CD_CHECK cd_err_t *avro_enc_new(const cd_schema_t *schema, const avro_node_t *node, const avro_options_t *options,
                                cd_arena_t *arena, const avro_enc_t **ret_plan);

/** Append the value's bytes to `out`. A value of the top-level type bytes goes without its length (06 §2.2). */
CD_CHECK cd_err_t *avro_encode(const avro_enc_t *plan, const cd_value_t *value, avro_out_t *out);

void avro_out_done(avro_out_t *out);
/** Make room for n more bytes. */
void avro_out_grow(avro_out_t *out, size_t n);

#endif
