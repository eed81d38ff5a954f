#include "connectors/postgres/pg_conn.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

int64_t pg_now_ms(void)
{
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void pg_conn_init(pg_conn_t *c, cd_ctx_t *ctx, const sink_conf_t *conf)
{
    *c = (pg_conn_t){.ctx = ctx, .conf = conf, .style = {.detail = true, .redacted = conf->k.trim_sensitive}};
    c->attempts_failed = cd_host->metric(ctx, "kafka_connect_jdbc_connection_failed_total", CD_COUNTER,
                                         "Failed attempts to open a database connection");
}

void pg_conn_close(pg_conn_t *c)
{
    if (c->pg != NULL) PQfinish(c->pg);
    c->pg = NULL;
    c->in_transaction = c->wrote = false;
}

void pg_conn_done(pg_conn_t *c)
{
    pg_conn_close(c);
    cd_arena_done(&c->arena);
    cd_arena_done(&c->scratch);
}

/* ---- waiting --------------------------------------------------------------------------------------------------- */

static enum pg_status fail_text(pg_conn_t *c, const char *sqlstate, const char *text)
{
    memcpy(c->error.sqlstate, sqlstate, 6);
    c->error.text = text;
    return PG_FAILED;
}

/** Wait for the socket, a stop, or the deadline (monotonic ms, 0 for none). *ret_events is 0 after the deadline. */
static enum pg_status wait_socket(pg_conn_t *c, short events, int64_t deadline_ms, short *ret_events)
{
    for (;;) {
        struct pollfd fds[2] = {{.fd = PQsocket(c->pg), .events = events},
                                {.fd = cd_host->stop_fd(c->ctx), .events = POLLIN}};
        if (fds[0].fd < 0) {
            *ret_events = POLLERR;
            return PG_OK;
        }
        if (c->stop_at_ms != 0) fds[1].fd = -1; /* poll passes negative descriptors by */
        int64_t until = deadline_ms;
        if (c->stop_at_ms != 0 && (until == 0 || c->stop_at_ms < until)) until = c->stop_at_ms;
        int64_t left = until == 0 ? -1 : until - pg_now_ms();
        if (until != 0 && left < 0) left = 0;
        int n = poll(fds, 2, left > INT32_MAX ? INT32_MAX : (int)left);
        if (n < 0 && errno == EINTR) continue;
        *ret_events = n > 0 ? fds[0].revents : 0;
        if (*ret_events != 0) return PG_OK;
        if (n > 0 && fds[1].revents != 0) {
            c->stop_at_ms = pg_now_ms() + PG_STOP_GRACE_MS;
            continue;
        }
        if (c->stop_at_ms != 0 && pg_now_ms() >= c->stop_at_ms) return PG_STOPPED;
        if (deadline_ms != 0 && pg_now_ms() >= deadline_ms) return PG_OK;
    }
}

static int64_t read_deadline(const pg_conn_t *c)
{
    int32_t s = c->target.socket_timeout_s;
    return s > 0 ? pg_now_ms() + (int64_t)s * 1000 : 0;
}

static enum pg_status lost(pg_conn_t *c)
{
    c->error = sql_error_of(NULL, c->pg, &c->style, &c->scratch);
    return PG_FAILED;
}

enum pg_status pg_flush(pg_conn_t *c)
{
    int64_t deadline = read_deadline(c);
    for (;;) {
        int rc = PQflush(c->pg);
        if (rc == 0) return PG_OK;
        if (rc < 0) return lost(c);
        short events;
        enum pg_status st = wait_socket(c, POLLIN | POLLOUT, deadline, &events);
        if (st != PG_OK) return st;
        if (events == 0) return fail_text(c, "08006", "An I/O error occurred while sending to the backend. (timeout)");
        if ((events & (POLLIN | POLLERR | POLLHUP)) != 0 && PQconsumeInput(c->pg) == 0) return lost(c);
    }
}

enum pg_status pg_result(pg_conn_t *c, PGresult **ret_res)
{
    *ret_res = NULL;
    enum pg_status st = pg_flush(c);
    if (st != PG_OK) return st;
    int64_t deadline = read_deadline(c);
    while (PQisBusy(c->pg)) {
        short events;
        st = wait_socket(c, POLLIN, deadline, &events);
        if (st != PG_OK) return st;
        if (events == 0) return fail_text(c, "08006", "An I/O error occurred while sending to the backend. (timeout)");
        if (PQconsumeInput(c->pg) == 0) return lost(c);
    }
    *ret_res = PQgetResult(c->pg);
    return PG_OK;
}

enum pg_status pg_drain(pg_conn_t *c)
{
    for (;;) {
        PGresult *res;
        enum pg_status st = pg_result(c, &res);
        if (st != PG_OK || res == NULL) return st;
        ExecStatusType type = PQresultStatus(res);
        PQclear(res);
        if (type == PGRES_COPY_IN && PQputCopyEnd(c->pg, "given up") < 0) return lost(c);
    }
}

enum pg_status pg_fail(pg_conn_t *c, PGresult *res)
{
    c->error = sql_error_of(res, c->pg, &c->style, &c->scratch);
    PQclear(res);
    return PG_FAILED;
}

static bool result_is_good(const PGresult *res)
{
    ExecStatusType type = PQresultStatus(res);
    return type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK || type == PGRES_EMPTY_QUERY;
}

/** Results of a statement just sent: the last good one, or the first error. */
static enum pg_status collect(pg_conn_t *c, PGresult **ret_res)
{
    enum pg_status outcome = PG_OK;
    PGresult *last = NULL;
    for (;;) {
        PGresult *res;
        enum pg_status st = pg_result(c, &res);
        if (st != PG_OK) {
            PQclear(last);
            return st;
        }
        if (res == NULL) break;
        if (!result_is_good(res)) {
            if (outcome == PG_OK)
                outcome = pg_fail(c, res);
            else
                PQclear(res);
            continue;
        }
        PQclear(last);
        last = res;
    }
    if (outcome == PG_OK && last == NULL && PQstatus(c->pg) == CONNECTION_BAD) outcome = lost(c);
    c->used_at_ms = pg_now_ms();
    if (outcome != PG_OK || ret_res == NULL) {
        PQclear(last);
        return outcome;
    }
    *ret_res = last;
    return PG_OK;
}

enum pg_status pg_exec(pg_conn_t *c, const char *sql, PGresult **ret_res)
{
    if (!PQsendQuery(c->pg, sql)) return lost(c);
    return collect(c, ret_res);
}

enum pg_status pg_query(pg_conn_t *c, const char *sql, int n, const char *const *params, PGresult **ret_res)
{
    if (!PQsendQueryParams(c->pg, sql, n, NULL, params, NULL, NULL, 0)) return lost(c);
    return collect(c, ret_res);
}

/* ---- transactions ---------------------------------------------------------------------------------------------- */

enum pg_status pg_begin(pg_conn_t *c)
{
    enum pg_status st = pg_exec(c, "BEGIN", NULL);
    c->in_transaction = st == PG_OK;
    c->wrote = false;
    return st;
}

enum pg_status pg_commit(pg_conn_t *c)
{
    enum pg_status st = pg_exec(c, "COMMIT", NULL);
    if (st == PG_OK) c->in_transaction = c->wrote = false;
    return st;
}

void pg_rollback(pg_conn_t *c)
{
    if (c->pg == NULL) return;
    if (PQstatus(c->pg) == CONNECTION_BAD || PQpipelineStatus(c->pg) != PQ_PIPELINE_OFF ||
        (PQtransactionStatus(c->pg) != PQTRANS_IDLE && pg_exec(c, "ROLLBACK", NULL) != PG_OK))
        pg_conn_close(c);
    c->in_transaction = c->wrote = false;
}

/* ---- connecting ------------------------------------------------------------------------------------------------ */

/** The driver's words for why there is no connection. */
static cd_err_t *connect_error(pg_conn_t *c, bool timed_out)
{
    const char *why = c->pg != NULL ? PQerrorMessage(c->pg) : "out of memory";
    const char *fatal = strstr(why, "FATAL:");
    if (fatal != NULL) {
        const char *text = fatal + 6 + strspn(fatal + 6, " ");
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL_EXCEPTION, "FATAL: %.*s", (int)strcspn(text, "\n"), text);
    }
    if (strstr(why, "Connection refused") != NULL)
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL_EXCEPTION,
                          "Connection to %s:%s refused. Check that the hostname and port are correct and that the "
                          "postmaster is accepting TCP/IP connections.",
                          c->target.shown_host, c->target.shown_port);
    if (strstr(why, "does not support SSL") != NULL)
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL_EXCEPTION, "The server does not support SSL.");
    if (strstr(why, "session is read-only") != NULL || strstr(why, "in hot standby") != NULL ||
        strstr(why, "server is not in") != NULL)
        return cd_err_new(CD_ERR_FATAL, JVM_PSQL_EXCEPTION,
                          "Could not find a server with specified targetServerType: %s", c->target.server_type);
    cd_err_t *cause = timed_out ? cd_err_new(CD_ERR_FATAL, "java.net.SocketTimeoutException", "connect timed out")
                                : cd_err_new(CD_ERR_FATAL, "java.io.IOException", "%.*s", (int)strcspn(why, "\n"), why);
    return cd_err_wrap(cause, CD_ERR_FATAL, JVM_PSQL_EXCEPTION, "The connection attempt failed.");
}

/** One asynchronous attempt over all addresses. */
static cd_err_t *connect_start(pg_conn_t *c, int64_t deadline_ms)
{
    c->pg = PQconnectStartParams(c->target.keys, c->target.values, 0);
    if (c->pg == NULL || PQstatus(c->pg) == CONNECTION_BAD) return connect_error(c, false);
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (next != PGRES_POLLING_OK) {
        if (next == PGRES_POLLING_FAILED) return connect_error(c, false);
        short events;
        enum pg_status st = wait_socket(c, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms, &events);
        if (st == PG_STOPPED || cd_host->stopping(c->ctx))
            return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while connecting to %s", c->conf->shown_url);
        if (events == 0) return connect_error(c, true);
        next = PQconnectPoll(c->pg);
    }
    return NULL;
}

/** Notices of the server ("relation exists, skipping") would else go to stderr. */
static void on_notice(void *arg, const char *message)
{
    pg_conn_t *c = arg;
    cd_log(c->ctx, CD_LOG_DEBUG, PG_LOGGER, "%.*s", (int)strcspn(message, "\n"), message);
}

/** Let the server notice that we are gone even while a statement waits for a lock: after a stop, or a killed worker,
 *  such a statement would else hold what it has for as long as it waits. Not every server can; none has to. Poolers
 *  would hand the setting on to others. */
static void notice_our_end(pg_conn_t *c)
{
    if (PQserverVersion(c->pg) < 140000 || c->target.no_prepare) return;
    (void)pg_exec(c, "SET client_connection_check_interval = '2s'", NULL);
}

/** Values depend on these; the JDBC driver announces them in its start-up packet. */
static cd_err_t *session_setup(pg_conn_t *c)
{
    (void)PQsetNoticeProcessor(c->pg, on_notice, c);
    char *zone = PQescapeLiteral(c->pg, c->target.zone, strlen(c->target.zone));
    if (zone == NULL || PQsetnonblocking(c->pg, 1) != 0) {
        PQfreemem(zone);
        return connect_error(c, false);
    }
    char sql[256];
    (void)snprintf(sql, sizeof(sql), "SET DateStyle = 'ISO'; SET TimeZone = %s%s", zone,
                   PQserverVersion(c->pg) < 120000 ? "; SET extra_float_digits = 3" : "");
    PQfreemem(zone);
    switch (pg_exec(c, sql, NULL)) {
    case PG_OK:
        notice_our_end(c);
        return NULL;
    case PG_STOPPED:
        return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while connecting to %s", c->conf->shown_url);
    case PG_FAILED:
        break;
    }
    return cd_err_new(CD_ERR_FATAL, JVM_PSQL_EXCEPTION, "%s", c->error.text);
}

static cd_err_t *connect_once(pg_conn_t *c)
{
    int32_t limit_s = c->target.connect_timeout_s * (int32_t)c->target.nhosts;
    if (c->target.login_timeout_s > 0) limit_s = c->target.login_timeout_s;
    int64_t deadline = limit_s > 0 ? pg_now_ms() + (int64_t)limit_s * 1000 : 0;
    cd_err_t *err = connect_start(c, deadline);
    if (err != NULL && err->cls == CD_ERR_FATAL && c->target.prefer_primary) {
        pg_conn_close(c);
        cd_err_free(err);
        for (uint32_t i = 0; i < c->target.n; i++)
            if (strcmp(c->target.keys[i], "target_session_attrs") == 0) c->target.values[i] = "any";
        err = connect_start(c, deadline);
    }
    if (err == NULL) err = session_setup(c);
    if (err != NULL) pg_conn_close(c);
    return err;
}

static cd_err_t *connect_loop(pg_conn_t *c)
{
    cd_arena_reset(&c->arena);
    cd_err_t *err = conn_target_build(c->conf, &c->arena, &c->target);
    c->style.detail = err != NULL || c->target.error_detail;
    for (int32_t attempt = 1; err == NULL; attempt++) {
        err = connect_once(c);
        if (err == NULL) break;
        if (err->cls != CD_ERR_STOPPED) cd_metric_add(c->attempts_failed, 1);
        if (err->cls == CD_ERR_STOPPED || attempt >= c->conf->k.attempts) break;
        cd_log(c->ctx, CD_LOG_INFO, PG_LOGGER,
               "Unable to connect to database on attempt %d/%d. Will retry in %lld ms. (%s)", attempt,
               c->conf->k.attempts, (long long)c->conf->k.backoff_ms, err->message);
        cd_err_free(err);
        err = NULL;
        if (cd_host->wait(c->ctx, c->conf->k.backoff_ms))
            err = cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while connecting to %s", c->conf->shown_url);
    }
    if (err == NULL) {
        c->generation++;
        c->used_at_ms = pg_now_ms();
        return NULL;
    }
    if (err->cls == CD_ERR_STOPPED) return err;
    const char *jvm_class = err->jvm_class, *message = err->message;
    return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "%s: %s", jvm_class, message);
}

/** Alive, as far as a look at the socket tells; after some idle time the server is asked. */
static bool still_alive(pg_conn_t *c)
{
    if (PQstatus(c->pg) != CONNECTION_OK || PQtransactionStatus(c->pg) != PQTRANS_IDLE) return false;
    if (PQconsumeInput(c->pg) == 0) return false;
    if (pg_now_ms() - c->used_at_ms < PG_IDLE_CHECK_MS) return true;
    int32_t configured = c->target.socket_timeout_s;
    c->target.socket_timeout_s = PG_VALIDATE_LIMIT_MS / 1000;
    enum pg_status st = pg_exec(c, "", NULL);
    c->target.socket_timeout_s = configured;
    return st == PG_OK;
}

cd_err_t *pg_conn_ready(pg_conn_t *c)
{
    cd_arena_reset(&c->scratch);
    c->error = (sql_error_t){.sqlstate = "", .text = ""};
    if (c->pg != NULL && still_alive(c)) return NULL;
    if (c->pg != NULL) cd_log(c->ctx, CD_LOG_INFO, PG_LOGGER, "The database connection is invalid. Reconnecting...");
    pg_conn_close(c);
    return connect_loop(c);
}
