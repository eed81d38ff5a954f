#include "connectors/postgres/sink_task.h"

#include "connectors/postgres/tables.h"
#include "connectors/postgres/writer.h"

typedef struct sink_task {
    cd_ctx_t *ctx;
    cd_arena_t arena;
    cd_config_t config;
    sink_conf_t conf;
    pg_conn_t conn;
    tables_t tables;
    writer_t writer;
    int32_t remaining_retries;
} sink_task_t;

/** Where a write went wrong, for finding the bad records of a batch. */
typedef struct write_outcome {
    bool has_record;
    uint32_t record; /* index in the batch */
    bool connection_lost;
    bool unsent;         /* the record was found wanting before anything of the range was written */
    bool value_at_fault; /* SQLSTATE class 22 or 23, or unsent: connection and caches are as good as before */
} write_outcome_t;

/** Driver properties that change what a connection is, and that there is nothing like here. */
static void warn_of_ignored(sink_task_t *t)
{
    static const char *const ignored[] = {"socketFactory", "replication"};
    for (size_t i = 0; i < sizeof(ignored) / sizeof(*ignored); i++) {
        const char *key = cd_arena_printf(&t->arena, "connection.%s", ignored[i]);
        if (jdbc_url_param(&t->conf.url, ignored[i]) == NULL && cd_config_get(&t->config, key) == NULL) continue;
        cd_log(t->ctx, CD_LOG_WARN, PG_LOGGER, "The driver property '%s' is not supported and has no effect",
               ignored[i]);
    }
}

cd_err_t *sink_task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task)
{
    sink_task_t *t = calloc(1, sizeof(*t));
    if (t == NULL) abort();
    t->ctx = ctx;
    t->config = sink_conf_copy(config, &t->arena);
    cd_err_t *err = sink_conf_parse(&t->config, &t->arena, &t->conf);
    if (err != NULL) {
        cd_arena_done(&t->arena);
        free(t);
        return err;
    }
    pg_conn_init(&t->conn, ctx, &t->conf);
    tables_init(&t->tables, &t->conn, &t->conf);
    writer_init(&t->writer, &t->conn);
    t->remaining_retries = t->conf.k.max_retries;
    warn_of_ignored(t);
    cd_log(ctx, CD_LOG_INFO, PG_LOGGER, "Starting JDBC sink task to %s", t->conf.shown_url);
    *ret_task = t;
    return NULL;
}

void sink_task_stop(void *task)
{
    sink_task_t *t = task;
    if (t == NULL) return;
    tables_drop(&t->tables);
    writer_done(&t->writer);
    pg_conn_done(&t->conn);
    sink_conf_done(&t->conf);
    cd_arena_done(&t->arena);
    free(t);
}

/* ---- one transaction ------------------------------------------------------------------------------------------- */

static cd_err_t *write_error(sink_task_t *t, enum pg_status st, const write_failure_t *failure,
                             write_outcome_t *outcome)
{
    if (st == PG_STOPPED) return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while writing to the database");
    const pg_conn_t *c = &t->conn;
    outcome->connection_lost = c->pg == NULL || PQstatus(c->pg) == CONNECTION_BAD || sql_error_is_connection(&c->error);
    if (failure == NULL || !failure->has_record) return sql_error_single(&c->error, &c->style);
    outcome->has_record = !outcome->connection_lost;
    outcome->value_at_fault =
        outcome->has_record && (strncmp(c->error.sqlstate, "22", 2) == 0 || strncmp(c->error.sqlstate, "23", 2) == 0);
    outcome->record = failure->record;
    return sql_error_batch(&c->error, &c->style, failure->entry, failure->statement);
}

static cd_err_t *write_tables(sink_task_t *t, const cd_batch_t *batch, bool row_only, write_outcome_t *outcome)
{
    for (sink_table_t *table = t->tables.first; table != NULL && !row_only; table = table->next)
        for (uint32_t i = 0; i < table->nsegments; i++)
            writer_prepare(&t->writer, table->segments[i].plan, table->segments[i].to - table->segments[i].from);
    for (sink_table_t *table = t->tables.first; table != NULL; table = table->next) {
        for (uint32_t i = 0; i < table->nsegments; i++) {
            const segment_t *s = &table->segments[i];
            write_failure_t failure;
            enum pg_status st = writer_write(&t->writer, s->plan, batch, table->recs + s->from, s->to - s->from,
                                             row_only, &table->slow_left, &failure);
            if (st != PG_OK) return write_error(t, st, &failure, outcome);
        }
    }
    enum pg_status st = t->conn.in_transaction ? pg_commit(&t->conn) : PG_OK;
    return st == PG_OK ? NULL : write_error(t, st, NULL, outcome);
}

/** Write records [from, to) of the batch as one transaction; on error nothing of it stays. The connection and all caches
 *  go too, since the table may have changed; but not in an unroll (row_only) for what is clearly a value's fault: a
 *  batch full of bad records would reconnect for each of them. */
static cd_err_t *write_range(sink_task_t *t, const cd_batch_t *batch, uint32_t from, uint32_t to, bool row_only,
                             write_outcome_t *outcome)
{
    *outcome = (write_outcome_t){0};
    cd_err_t *err = pg_conn_ready(&t->conn);
    if (err != NULL) return err;
    tables_clear(&t->tables);
    uint32_t i = from;
    for (; err == NULL && i < to; i++)
        if ((batch->records[i].flags & CD_REC_DROPPED) == 0) err = tables_add(&t->tables, batch, i);
    if (err != NULL) {
        outcome->connection_lost = t->conn.pg == NULL || PQstatus(t->conn.pg) == CONNECTION_BAD;
        outcome->has_record = outcome->unsent = !outcome->connection_lost;
        outcome->record = i - 1;
        outcome->value_at_fault = outcome->unsent && strcmp(err->jvm_class, JVM_TABLE_EXCEPTION) == 0;
    } else {
        err = write_tables(t, batch, row_only, outcome);
    }
    if (err == NULL) return NULL;
    if (row_only && outcome->value_at_fault) {
        pg_rollback(&t->conn);
        if (t->conn.pg != NULL) return err;
    }
    pg_conn_close(&t->conn);
    tables_drop(&t->tables);
    return err;
}

/* ---- bad records ----------------------------------------------------------------------------------------------- */

/** Class A and B of errors: a record's or the database's fault, which may be reported. */
static bool is_reportable(const cd_err_t *err)
{
    return err->cls == CD_ERR_DATA;
}

/** Write what can be written and report the rest, in order. Ranges shrink towards a bad record and grow again behind
 *  it, so that one bad record among thousands costs a few transactions, and a batch of bad ones stays linear. */
static cd_err_t *unroll(sink_task_t *t, const cd_batch_t *batch)
{
    uint32_t pos = 0, reach = batch->count, end = batch->count;
    bool reconnected = false, unfit = false;
    while (pos < batch->count) {
        if (cd_host->stopping(t->ctx))
            return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Stopped while writing a batch");
        write_outcome_t outcome;
        cd_err_t *err = write_range(t, batch, pos, end, true, &outcome);
        if (err == NULL) {
            pos = end;
            reach = reach < batch->count / 2 ? reach * 2 : batch->count;
            end = batch->count - pos < reach ? batch->count : pos + reach;
            reconnected = false;
            continue;
        }
        if (!is_reportable(err)) return err;
        if (outcome.connection_lost && !reconnected) { /* not the records' fault: once more on a new connection */
            reconnected = true;
            cd_err_free(err);
            continue;
        }
        bool certain = end - pos == 1 || (outcome.unsent && outcome.record == pos);
        if (!certain) {
            uint32_t bad = outcome.has_record && outcome.record > pos && outcome.record < end ? outcome.record
                           : outcome.has_record                                               ? pos + 1
                                                                                              : pos + (end - pos) / 2;
            end = bad;
            cd_err_free(err);
            continue;
        }
        unfit = unfit || outcome.unsent;
        err = cd_host->report(t->ctx, &batch->records[pos], err);
        if (err != NULL) return err;
        pos++;
        reach = reach > 4 ? reach / 4 : 1;
        end = batch->count - pos < reach ? batch->count : pos + reach;
        reconnected = false;
    }
    if (unfit) { /* look at the tables anew next time: somebody may be mending them */
        pg_conn_close(&t->conn);
        tables_drop(&t->tables);
    }
    t->remaining_retries = t->conf.k.max_retries;
    return NULL;
}

/* ---- put ------------------------------------------------------------------------------------------------------- */

static uint32_t count_live(const cd_batch_t *batch)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < batch->count; i++) n += (batch->records[i].flags & CD_REC_DROPPED) == 0 ? 1 : 0;
    return n;
}

/** Class A: the table cannot take the records and no retry will change that. */
static cd_err_t *put_unfit(sink_task_t *t, const cd_batch_t *batch, cd_err_t *err)
{
    if (cd_host->can_report(t->ctx)) {
        cd_err_free(err);
        return unroll(t, batch);
    }
    err->cls = CD_ERR_FATAL;
    return err;
}

/** Class B: retry, then report or fail. */
static cd_err_t *put_failed(sink_task_t *t, const cd_batch_t *batch, uint32_t live, cd_err_t *err)
{
    cd_log(t->ctx, CD_LOG_WARN, PG_LOGGER, "Write of %u records failed, remainingRetries=%d: %s: %s", live,
           t->remaining_retries, err->jvm_class, err->message);
    const char *jvm_class = err->jvm_class, *message = err->message;
    if (t->remaining_retries > 0) {
        t->remaining_retries--;
        cd_host->sink_backoff(t->ctx, t->conf.k.retry_backoff_ms);
        return cd_err_wrap(err, CD_ERR_RETRIABLE, CD_JVM_RETRIABLE, "%s: %s", jvm_class, message);
    }
    if (cd_host->can_report(t->ctx)) {
        cd_err_free(err);
        return unroll(t, batch);
    }
    cd_log(t->ctx, CD_LOG_ERROR, PG_LOGGER,
           "Failing task after exhausting retries; encountered %d exceptions on last write attempt. For complete "
           "details on "
           "each exception, please enable DEBUG logging.",
           1);
    return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "%s: %s", jvm_class, message);
}

cd_err_t *sink_task_put(void *task, cd_batch_t *batch)
{
    sink_task_t *t = task;
    uint32_t live = count_live(batch);
    if (live == 0) return NULL;
    write_outcome_t outcome;
    cd_err_t *err = write_range(t, batch, 0, batch->count, false, &outcome);
    if (err == NULL) {
        t->remaining_retries = t->conf.k.max_retries;
        return NULL;
    }
    if (!is_reportable(err)) return err;
    return strcmp(err->jvm_class, JVM_TABLE_EXCEPTION) == 0 ? put_unfit(t, batch, err)
                                                            : put_failed(t, batch, live, err);
}
