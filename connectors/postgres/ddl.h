/* connectors/postgres/ddl.h: text of CREATE TABLE and ALTER TABLE for the fields of a record.
 *
 * Threads    pure functions.          Ownership  texts live in the arena given.
 * Errors     FATAL for a schema that has no column type. */
#ifndef POSTGRES_DDL_H
#define POSTGRES_DDL_H

#include "connectors/postgres/fields.h"
#include "connectors/postgres/table_id.h"

CD_CHECK cd_err_t *ddl_create(const sink_conf_t *conf, const table_id_t *id, const field_set_t *fields,
                              cd_arena_t *arena, const char **ret_sql);

/** Add `n` missing columns. */
CD_CHECK cd_err_t *ddl_alter(const sink_conf_t *conf, const table_id_t *id, const sink_field_t *const *missing,
                             uint32_t n, cd_arena_t *arena, const char **ret_sql);

/** "[SinkRecordField{schema=Schema{STRING}, name='x', isPrimaryKey=false}, ...]" without the brackets. */
const char *ddl_fields_text(const sink_field_t *const *fields, uint32_t n, cd_arena_t *arena);

#endif
