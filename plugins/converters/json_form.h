/* converters/json_form.h: Connect data as JsonConverter writes and reads it (06 §3). The converter proper, with its
 * envelope and its settings, is json_converter.c.
 * Threads    pure, but for schemas (the task's pool: the task's thread).
 * Errors     DATA with the JVM's sentences. */
#ifndef CONNECTD_CONVERTERS_JSON_FORM_H
#define CONNECTD_CONVERTERS_JSON_FORM_H

#include "plugins/converters/json_dom.h"
#include "runtime/base/strbuf.h"

typedef struct json_options {
    bool decimal_numeric; /* decimal.format=NUMERIC: only for writing */
    bool null_to_default; /* replace.null.with.default */
} json_options_t;

/** Append the JSON of a value. @param schema  NULL for schemaless data */
CD_CHECK cd_err_t *json_put_value(const cd_schema_t *schema, const cd_value_t *value, const json_options_t *options,
                                  strbuf_t *out);
/** Append the JSON of a schema. @param field  its name when it is the schema of a field, else NULL */
CD_CHECK cd_err_t *json_put_schema(const cd_schema_t *schema, const char *field, const json_options_t *options,
                                   strbuf_t *out);

/** @param node  the JSON of a schema. Interned in the pool. */
CD_CHECK cd_err_t *json_get_schema(const json_node_t *node, const json_options_t *options, cd_schema_pool_t *pool,
                                   cd_arena_t *arena, const cd_schema_t **ret_schema);
/** @param node  may be NULL: the member is missing. The value's memory is the arena's and the JSON text's. */
CD_CHECK cd_err_t *json_get_value(const cd_schema_t *schema, const json_node_t *node, const json_options_t *options,
                                  cd_arena_t *arena, cd_value_t *ret_value);

#endif
