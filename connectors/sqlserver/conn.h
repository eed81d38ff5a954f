/* conn.h: one connection to SQL Server through FreeTDS' db-lib.
 * Threads    a connection belongs to one thread. Opening may happen on several threads at once.
 * Blocking   everything that talks to the server blocks, but gives up within about a second of a stop request, and
 *            after the query timeout. Only a login can outlast a stop: by the login timeout (15 s by default).
 * Ownership  row data is borrowed until the next conn_row on the same connection.
 * Errors     RETRIABLE with class SQLServerException for whatever server, network or library report, `code` is the
 *            server's message number (0 when it was not the server); STOPPED when a stop was asked for. Texts name the
 *            thing and the next step, never the password.
 * Encoding   text goes in and comes out as UTF-8. */
#ifndef SQLSERVER_CONN_H
#define SQLSERVER_CONN_H

#include <sybdb.h>
#undef _res

#include "plugins/api/connectd_plugin.h"

#include "connectors/sqlserver/lsn.h"

#define CONN_SQL_EXCEPTION "com.microsoft.sqlserver.jdbc.SQLServerException"

/** Where and how to log in. Strings are borrowed for the call of conn_open. */
typedef struct conn_options {
    const char *host, *instance, *user, *password, *database, *application;
    int32_t port;
    bool port_given;
    bool encrypt, trust, read_only;
    const char *ca_file, *certificate_host;
    int32_t login_timeout_s, packet_size;
    int64_t query_timeout_ms; /* 0: for ever */
    const char *initial_statements;
} conn_options_t;

typedef struct conn {
    DBPROCESS *db;
    cd_ctx_t *ctx;
    int64_t query_timeout_ms, deadline_ms;
    bool stopped, timed_out, dead;
    uint32_t msg_number, cancels;
    int lib_error;
    char message[1024];
} conn_t;

/** Options from the connector's settings; `database` NULL means the login's own. */
cd_err_t *conn_options(const cd_config_t *config, const char *host, int32_t port, const char *instance,
                       const char *user, const char *password, const char *database, conn_options_t *ret_options);

CD_CHECK cd_err_t *conn_open(cd_ctx_t *ctx, const conn_options_t *options, conn_t **ret_conn);
void conn_close(conn_t *c);

/** Run a batch and drop its results. */
CD_CHECK cd_err_t *conn_exec(conn_t *c, const char *sql);

/** Send a batch; the first result set is opened by conn_result. Results left over from before are dropped. */
CD_CHECK cd_err_t *conn_send(conn_t *c, const char *sql);

/** Open the next result set that has columns. @param ret_open false when there is none left */
CD_CHECK cd_err_t *conn_result(conn_t *c, bool *ret_open);

/** Move to the next row. @param ret_row false at the end of the result set */
CD_CHECK cd_err_t *conn_row(conn_t *c, bool *ret_row);

/** conn_send and the first result set, which must exist. */
CD_CHECK cd_err_t *conn_query(conn_t *c, const char *sql);

/** Drop whatever the server still wants to send. */
void conn_cancel(conn_t *c);

/** Run a query whose first row's first column is an LSN; null when there is no row or it is NULL. */
CD_CHECK cd_err_t *conn_query_lsn(conn_t *c, const char *sql, lsn_t *ret_lsn);

/** Column `col` (from 1) of the row in hand as text of the arena; NULL for SQL NULL. Character columns only. */
char *conn_text(const conn_t *c, int col, cd_arena_t *arena);

/** Column `col` as an integer (bit to bigint); `null_value` for SQL NULL and other types. */
int64_t conn_int(const conn_t *c, int col, int64_t null_value);

lsn_t conn_lsn(const conn_t *c, int col);

/** Monotonic milliseconds. */
int64_t conn_now_ms(void);

#endif
