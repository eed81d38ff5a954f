/* connectors/postgres/fields.h: what a record must look like, and which of its fields become which columns.
 *
 * Threads    pure functions.          Ownership  results live in the arena given and point into the schemas.
 * Errors     FATAL ("class D"): the task fails at once, in the JVM connector's words. */
#ifndef POSTGRES_FIELDS_H
#define POSTGRES_FIELDS_H

#include "connectors/postgres/bind.h"
#include "connectors/postgres/sink_conf.h"

typedef struct sink_field {
    const char *name;
    const cd_schema_t *schema;
    uint8_t source; /* enum bind_source */
    bool is_key, optional;
    uint32_t index; /* in the key's or value's struct */
} sink_field_t;

typedef struct field_set {
    uint32_t nkeys, nvalues, nall;
    sink_field_t *keys;       /* in the order of pk.fields */
    sink_field_t *values;     /* in the order of the value schema */
    const sink_field_t **all; /* in the order of CREATE TABLE */
} field_set_t;

/** May this record be written at all? (key and value present and of usable types) */
CD_CHECK cd_err_t *record_check(const sink_conf_t *conf, const cd_record_t *rec);

/** @param table the bare table name, for messages; @param value_schema NULL when only deletes were seen */
CD_CHECK cd_err_t *field_set_extract(const sink_conf_t *conf, const char *table, const cd_schema_t *key_schema,
                                     const cd_schema_t *value_schema, cd_arena_t *arena, field_set_t *ret_fields);

/** "Schema{STRING}" or "Schema{name:STRING}". */
const char *schema_text(const cd_schema_t *schema, cd_arena_t *arena);
const char *connect_type_name(uint8_t type); /* "STRING" */

#endif
