/* connectors/postgres/table_def.h: what the catalogue says about a target table.
 *
 * Threads    task thread; table_def_load talks to the server.
 * Ownership  definitions live in the arena given. */
#ifndef POSTGRES_TABLE_DEF_H
#define POSTGRES_TABLE_DEF_H

#include "connectors/postgres/pg_conn.h"
#include "connectors/postgres/pg_type.h"
#include "connectors/postgres/table_id.h"

typedef struct column {
    const char *name;
    pg_type_t type;
} column_t;

typedef struct table_def {
    uint8_t kind; /* enum table_kind; 0: there is no such table among the kinds asked for */
    bool plain;   /* COPY into it does what INSERT does: no rules, row security or identity columns in the way */
    uint32_t ncolumns;
    column_t *columns;
} table_def_t;

/** @param kinds which relation kinds count (enum table_kind) */
enum pg_status table_def_load(pg_conn_t *c, const table_id_t *id, uint32_t kinds, bool quote, cd_arena_t *arena,
                              table_def_t *ret_def);

/** The column of that name: exactly, else the only one that differs just in case. NULL: there is none. */
const column_t *table_def_column(const table_def_t *def, const char *name);
/** True when a column of that name exists in any case. */
bool table_def_has(const table_def_t *def, const char *name);

#endif
