/* catalog.h: what the server knows of tables, keys and capture instances. Every answer is one query for the whole
 * database, so that a thousand tables cost as much as one.
 * Threads    the connection's.
 * Ownership  results live in the given arena.
 * Errors     as conn.h. */
#ifndef SQLSERVER_CATALOG_H
#define SQLSERVER_CATALOG_H

#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/conn.h"
#include "connectors/sqlserver/model.h"

typedef struct instance {
    const char *schema, *table, *name; /* name: the capture instance */
    lsn_t start, stop;                 /* stop: a newer instance of the table takes over there; null without one */
    int32_t object_id;
    uint32_t ncolumns;
    const char **columns; /* captured, in order */
} instance_t;

typedef struct instances {
    uint32_t n;
    instance_t *items; /* by schema, table, start */
} instances_t;

/** Read the name as the server spells it. Error class IllegalStateException when there is not exactly one. */
CD_CHECK cd_err_t *catalog_database(conn_t *c, const char *name, cd_arena_t *arena, const char **ret_name);

/** Tables of the database with columns and keys, in catalogue order; all of them, or the one named. */
CD_CHECK cd_err_t *catalog_tables(conn_t *c, cd_ctx_t *ctx, const char *db, const char *schema, const char *table,
                                  cd_arena_t *arena, uint32_t *ret_n, table_t ***ret_tables);

/** Capture instances; with `to` only those that begin at or before it. */
CD_CHECK cd_err_t *catalog_instances(conn_t *c, const char *db, const lsn_t *to, cd_arena_t *arena, instances_t *ret);

/** The newest position of the database; null before anything was captured. */
CD_CHECK cd_err_t *catalog_max_lsn(conn_t *c, const char *db, lsn_t *ret_max);

/** What a query of the cdc schema or functions ended with: 208 means that the database has none. Takes err, NULL too. */
CD_CHECK cd_err_t *catalog_cdc_error(cd_err_t *err, const char *db);

/** Whether the login sees change data capture in the database. */
CD_CHECK cd_err_t *catalog_cdc_visible(conn_t *c, const char *db, bool *ret_visible);

/** The newest instance of a table, or NULL. */
const instance_t *catalog_newest(const instances_t *all, const char *schema, const char *table);

/** Keep only the columns (and the key's) that the instance captures; positions are renumbered. A new table. */
table_t *catalog_restrict(const table_t *t, const instance_t *i, cd_arena_t *arena);

/** Is the table captured under these filters (include/exclude lists, built-in schemas)? */
bool catalog_wanted(const conf_t *conf, const char *schema, const char *table);

#endif
