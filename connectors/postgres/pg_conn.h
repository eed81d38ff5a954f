/* connectors/postgres/pg_conn.h: one connection to PostgreSQL, always non-blocking below, with its deadlines.
 *
 * Threads    the task's thread only.
 * Ownership  the caller owns the pg_conn_t; results belong to whoever got them (PQclear).
 * Errors     statements answer a pg_status; the reason of PG_FAILED is in conn->error until the next statement.
 *            pg_conn_open answers FATAL after its last attempt ("class C"), or STOPPED.
 * Waiting    on the socket, the stop signal and a deadline. After a stop the server gets PG_STOP_GRACE_MS to finish
 *            what runs, then the connection is given up and the transaction rolls back. */
#ifndef POSTGRES_PG_CONN_H
#define POSTGRES_PG_CONN_H

#include "connectors/postgres/conn_target.h"
#include "connectors/postgres/sql_error.h"

#define PG_STOP_GRACE_MS     3000
#define PG_IDLE_CHECK_MS     5000
#define PG_VALIDATE_LIMIT_MS 5000
#define PG_LOGGER            "io.confluent.connect.jdbc.sink.JdbcSinkTask"

enum pg_status { PG_OK = 0, PG_FAILED, PG_STOPPED };

typedef struct pg_conn {
    cd_ctx_t *ctx;
    const sink_conf_t *conf;
    PGconn *pg; /* NULL: not connected */
    conn_target_t target;
    cd_arena_t arena;   /* holds target */
    cd_arena_t scratch; /* holds error texts; reset by pg_conn_ready */
    sql_error_style_t style;
    sql_error_t error;
    int64_t used_at_ms;  /* monotonic */
    int64_t stop_at_ms;  /* when to give up after a stop; 0 before one */
    uint32_t generation; /* counts connections: what was prepared on an older one is gone */
    uint32_t next_id;    /* for names of statements and staging tables */
    bool in_transaction, wrote;
    cd_metric_t *attempts_failed;
} pg_conn_t;

void pg_conn_init(pg_conn_t *c, cd_ctx_t *ctx, const sink_conf_t *conf);
void pg_conn_close(pg_conn_t *c);
void pg_conn_done(pg_conn_t *c);

/** Connected and alive on return; connects, with the configured attempts, if need be. Drops earlier error texts. */
CD_CHECK cd_err_t *pg_conn_ready(pg_conn_t *c);

/** Send all that is buffered, taking in what arrives meanwhile: both sides would block for ever otherwise. */
enum pg_status pg_flush(pg_conn_t *c);
/** The next result, NULL in *ret_res at the end of a statement. PG_OK also for results that are errors. */
enum pg_status pg_result(pg_conn_t *c, PGresult **ret_res);
/** Take and drop results to the end of the statement. */
enum pg_status pg_drain(pg_conn_t *c);
/** Keep a result's error in conn->error, clear it and answer PG_FAILED. */
enum pg_status pg_fail(pg_conn_t *c, PGresult *res);

/** Run one or more statements by the simple protocol. @param ret_res the last result, or NULL if not wanted */
enum pg_status pg_exec(pg_conn_t *c, const char *sql, PGresult **ret_res);
/** Run one statement with text parameters. */
enum pg_status pg_query(pg_conn_t *c, const char *sql, int n, const char *const *params, PGresult **ret_res);

enum pg_status pg_begin(pg_conn_t *c);
enum pg_status pg_commit(pg_conn_t *c);
/** Give up the transaction, if there is one. Closes the connection when the server does not answer properly. */
void pg_rollback(pg_conn_t *c);

int64_t pg_now_ms(void);

#endif
