/* converters/avro_decode.h: Avro binary to Connect values by a plan that is compiled once per schema.
 * Threads    the task's thread. Plans are read-only once made.
 * Ownership  a plan lives in the arena it was made in. Strings and bytes of decoded values are views of the input, all
 *            else is in the batch's arena: both live as long as the batch.
 * Errors     DATA: the input ends early, a length or branch is impossible, a value does not fit. Nothing is assumed
 *            about the input: no length is believed before it was compared with what is left.
 * Limits     elements without any byte of their own (nulls, empty records): 65,536 per record. */
#ifndef CONNECTD_CONVERTERS_AVRO_DECODE_H
#define CONNECTD_CONVERTERS_AVRO_DECODE_H

#include "plugins/converters/avro_connect.h"

typedef struct dec_node avro_dec_t;

/** Compile how data written as `writer` becomes a value of `schema`, which was made of `reader` (often the same node).
 *  Differences are resolved as Avro does: fields by name or alias, defaults, promotions.
 *  @param schema  NULL for schemaless data
 *  @param needed  which top-level fields are read later, or NULL for all; the others are parsed but not built */
CD_CHECK cd_err_t *avro_dec_new(const avro_node_t *writer, const avro_node_t *reader, const cd_schema_t *schema,
                                const avro_options_t *options, const cd_needed_t *needed, cd_arena_t *arena,
                                const avro_dec_t **ret_plan);

/** Decode one datum; bytes after it are ignored, as in Java. */
CD_CHECK cd_err_t *avro_decode(const avro_dec_t *plan, const uint8_t *data, size_t len, cd_arena_t *arena,
                               cd_value_t *ret_value);

#endif
