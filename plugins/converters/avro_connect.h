/* converters/avro_connect.h: an Avro schema as the Connect schema that Confluent's AvroData makes of it (06 §2.10).
 * Threads    the task's thread.    Ownership  the result is interned in the pool.    Errors  DATA, JVM wording. */
#ifndef CONNECTD_CONVERTERS_AVRO_CONNECT_H
#define CONNECTD_CONVERTERS_AVRO_CONNECT_H

#include "plugins/converters/avro_text.h"

#define AVRO_ANYTHING   AVRO_NAMESPACE ".Anything"
#define AVRO_NO_VERSION (-1)

/** @param version  the registry's version of the schema, stamped on the top level; AVRO_NO_VERSION for none
 *  @param ret_schema  NULL when the schema is the one that carries schemaless data */
CD_CHECK cd_err_t *avro_to_connect(const avro_node_t *node, const avro_options_t *options, int32_t version,
                                   cd_schema_pool_t *pool, const cd_schema_t **ret_schema);

/** Name of the field that stands for a branch in the struct that stands for a union. */
const char *avro_branch_name(const avro_node_t *branch, const avro_options_t *options);

/** A default in Avro's JSON form as a value of `schema`, in the arena. @return false when it does not fit */
bool avro_default_value(const avro_node_t *node, const cd_schema_t *schema, const json_t *json, cd_arena_t *arena,
                        cd_value_t *ret_value);

#endif
