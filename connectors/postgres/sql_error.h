/* connectors/postgres/sql_error.h: a failed statement, and the texts that users and their alerts know from the JDBC
 * driver.
 *
 * Ownership  strings live in the arena given; the cd_err_t copies what it shows.
 * Errors     sql_error_batch and sql_error_single make class DATA errors ("class B": retried, then reported per
 *            record). */
#ifndef POSTGRES_SQL_ERROR_H
#define POSTGRES_SQL_ERROR_H

#include <libpq-fe.h>

#include "connectors/postgres/temporal.h"

#define JVM_SQL_EXCEPTION   "java.sql.SQLException"
#define JVM_PSQL_EXCEPTION  "org.postgresql.util.PSQLException"
#define JVM_BATCH_EXCEPTION "java.sql.BatchUpdateException"
#define JVM_TABLE_EXCEPTION "io.confluent.connect.jdbc.sink.TableAlterOrCreateException"

typedef struct sql_error {
    char sqlstate[6];
    const char *text; /* as the driver prints it: severity, message and the indented lines */
} sql_error_t;

/** How much an error text may tell. */
typedef struct sql_error_style {
    bool detail;   /* logServerErrorDetail: lines behind the first, and the statement */
    bool redacted; /* trim.sensitive.log: class and SQLSTATE only */
} sql_error_style_t;

/** From a result that is an error, or NULL for the connection's own message (SQLSTATE 08006). */
sql_error_t sql_error_of(const PGresult *res, PGconn *conn, const sql_error_style_t *style, cd_arena_t *arena);
/** From a value we could not convert. */
sql_error_t sql_error_of_value(const conv_err_t *conv, const char *column, const sql_error_style_t *style,
                               cd_arena_t *arena);

bool sql_error_is(const sql_error_t *e, const char *sqlstate);
/** SQLSTATE class 08, or the server is going away. */
bool sql_error_is_connection(const sql_error_t *e);

/** The chain of a failed entry of a batch. @param entry position in its batch; @param statement with its values */
cd_err_t *sql_error_batch(const sql_error_t *e, const sql_error_style_t *style, uint32_t entry, const char *statement);
/** The chain of any other failed statement (DDL, commit, reading the catalogue). */
cd_err_t *sql_error_single(const sql_error_t *e, const sql_error_style_t *style);

#endif
