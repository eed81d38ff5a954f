/* connectors/postgres/table_id.h: which table a topic means, and how names are written in statements.
 *
 * Threads    pure functions.           Ownership  results live in the arena given.
 * Errors     FATAL, in the JVM connector's words. */
#ifndef POSTGRES_TABLE_ID_H
#define POSTGRES_TABLE_ID_H

#include "plugins/api/connectd_plugin.h"

/** What PostgreSQL keeps of an identifier, in bytes. */
#define IDENTIFIER_MAX 63

typedef struct table_id {
    const char *database, *schema; /* NULL when not given */
    const char *table;
    const char *sql; /* as statements and messages write it */
} table_id_t;

/** Fill in ${topic}, split at dots, cut the table name to the server's limit. @param quote false: never quote */
CD_CHECK cd_err_t *table_id_parse(const char *format, const char *topic, bool quote, cd_arena_t *arena,
                                  table_id_t *ret_id);

/** A name as statements write it: in quotes, quotes inside doubled; bare when `quote` is false. */
const char *identifier_sql(const char *name, bool quote, cd_arena_t *arena);

#endif
