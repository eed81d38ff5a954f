#include "connectors/postgres/writer.h"

#define CHUNK_ROWS   32768
#define CHUNK_BYTES  ((size_t)8 << 20)
#define SYNC_ROWS    1000 /* results pile up in libpq until a sync; this bounds them */
#define UNNEST_MIN   6
#define COPY_MIN     1500
#define COPY_SEND    ((size_t)256 << 10)
#define SLOW_FLUSHES 1000

static const uint8_t copy_head[19] = "PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0";
static const uint8_t copy_tail[2] = {0xff, 0xff};

void writer_init(writer_t *w, pg_conn_t *conn)
{
    *w = (writer_t){.conn = conn};
}

void writer_done(writer_t *w)
{
    row_set_done(&w->rows);
    wire_buf_done(&w->arrays);
    wire_buf_done(&w->texts);
    free(w->values);
    free(w->lengths);
    *w = (writer_t){0};
}

static void reserve_values(writer_t *w, uint32_t n)
{
    if (n <= w->nvalues) return;
    free(w->values);
    free(w->lengths);
    w->values = malloc(n * sizeof(*w->values));
    w->lengths = malloc(n * sizeof(*w->lengths));
    if (w->values == NULL || w->lengths == NULL) abort();
    w->nvalues = n;
}

static enum pg_status lost(writer_t *w)
{
    w->conn->error = sql_error_of(NULL, w->conn->pg, &w->conn->style, &w->conn->scratch);
    return PG_FAILED;
}

static bool connection_is_gone(const writer_t *w)
{
    return w->conn->pg == NULL || PQstatus(w->conn->pg) == CONNECTION_BAD || sql_error_is_connection(&w->conn->error);
}

/* ---- pipelines ------------------------------------------------------------------------------------------------- */

static enum pg_status pipe_command(writer_t *w, const char *sql)
{
    if (!PQsendQueryParams(w->conn->pg, sql, 0, NULL, NULL, NULL, NULL, 1)) return lost(w);
    w->ncommands++;
    return PG_OK;
}

/** Enter pipeline mode; the transaction's BEGIN travels with the first statements. */
static enum pg_status pipe_start(writer_t *w)
{
    w->ncommands = w->npreparing = 0;
    w->sends_begin = !w->conn->in_transaction;
    if (!PQenterPipelineMode(w->conn->pg)) return lost(w);
    return w->sends_begin ? pipe_command(w, "BEGIN") : PG_OK;
}

static enum pg_status pipe_prepare(writer_t *w, plan_statement_t *s)
{
    if (w->conn->target.no_prepare || s->generation == w->conn->generation) return PG_OK;
    for (uint32_t i = 0; i < w->npreparing; i++)
        if (w->preparing[i].statement == s) return PG_OK;
    if (!PQsendPrepare(w->conn->pg, s->name, s->sql, (int)s->nparams, s->oids)) return lost(w);
    w->preparing[w->npreparing].statement = s;
    w->preparing[w->npreparing++].command = w->ncommands++;
    return PG_OK;
}

static enum pg_status pipe_execute(writer_t *w, const plan_statement_t *s)
{
    PGconn *pg = w->conn->pg;
    int ok = w->conn->target.no_prepare
                 ? PQsendQueryParams(pg, s->sql, (int)s->nparams, s->oids, w->values, w->lengths, s->formats, 1)
                 : PQsendQueryPrepared(pg, s->name, (int)s->nparams, w->values, w->lengths, s->formats, 1);
    if (!ok) return lost(w);
    w->ncommands++;
    return PG_OK;
}

static void pipe_succeeded(writer_t *w, uint32_t command)
{
    if (command == 0 && w->sends_begin) {
        w->conn->in_transaction = true;
        w->conn->wrote = false;
        w->transaction++;
    }
    for (uint32_t i = 0; i < w->npreparing; i++)
        if (w->preparing[i].command == command) w->preparing[i].statement->generation = w->conn->generation;
}

/** Send a sync and take all results. *ret_command is the first command that failed. */
static enum pg_status pipe_finish(writer_t *w, uint32_t *ret_command)
{
    pg_conn_t *c = w->conn;
    bool failed = false;
    *ret_command = 0;
    if (!PQpipelineSync(c->pg)) return lost(w);
    for (uint32_t i = 0; i < w->ncommands; i++) {
        PGresult *res;
        enum pg_status st = pg_result(c, &res);
        if (st != PG_OK) return st;
        if (res == NULL) return lost(w);
        ExecStatusType type = PQresultStatus(res);
        if (type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK) {
            pipe_succeeded(w, i);
            PQclear(res);
        } else if (!failed) {
            failed = true;
            *ret_command = i;
            (void)pg_fail(c, res);
        } else {
            PQclear(res);
        }
        st = pg_result(c, &res); /* the NULL behind each command */
        if (st != PG_OK) return st;
        PQclear(res);
    }
    PGresult *sync;
    enum pg_status st = pg_result(c, &sync);
    if (st != PG_OK) return st;
    PQclear(sync);
    if (!PQexitPipelineMode(c->pg)) return lost(w);
    c->used_at_ms = pg_now_ms();
    return failed ? PG_FAILED : PG_OK;
}

/* ---- one statement per record ---------------------------------------------------------------------------------- */

static bool point_at_fields(writer_t *w, const plan_t *plan, const row_t *row, conv_err_t *err)
{
    const uint8_t *at = w->rows.buf.data + row->at + 2;
    uint32_t n = row->is_delete ? plan->nkeys : plan->nbinds;
    w->texts.len = 0;
    size_t text_bytes = 0;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t len = wire_get32(at);
        bool null = len == UINT32_MAX;
        at += 4;
        w->values[i] = null ? NULL : (const char *)at;
        w->lengths[i] = null ? 0 : (int)len;
        if (null) continue;
        if (plan->binds[i].row_text) text_bytes += (size_t)len + 1;
        at += len;
    }
    if (text_bytes == 0) return true;
    (void)wire_reserve(&w->texts, text_bytes); /* once, so that the pointers below stay valid */
    for (uint32_t i = 0; i < n; i++) {
        if (w->values[i] == NULL || !plan->binds[i].row_text) continue;
        size_t len = (size_t)w->lengths[i];
        if (memchr(w->values[i], 0, len) != NULL)
            return conv_fail(err, "22021", "invalid byte sequence for encoding \"UTF8\": 0x00");
        const char *copy = (const char *)w->texts.data + w->texts.len;
        wire_put_raw(&w->texts, w->values[i], len);
        wire_put_raw(&w->texts, "", 1);
        w->values[i] = copy;
    }
    return true;
}

/** Entry number that a JDBC batch would report: updates and deletes are batches of their own. */
static uint32_t entry_of(const writer_t *w, uint32_t i)
{
    int32_t batch = w->conn->conf->k.batch_size;
    return batch > 1 ? w->rows.rows[i].rec % (uint32_t)batch : 0;
}

static void blame(writer_t *w, const plan_t *plan, const uint32_t *recs, uint32_t i, write_failure_t *ret_failure)
{
    const row_t *row = &w->rows.rows[i];
    *ret_failure =
        (write_failure_t){.has_record = true,
                          .record = recs[row->rec],
                          .entry = entry_of(w, i),
                          .statement = plan_show(plan, row->is_delete, w->rows.buf.data + row->at, &w->conn->scratch)};
}

/** Rows [from, to) in one pipeline. *ret_bad is the row that failed, when it is a row's fault. */
static enum pg_status write_pipeline(writer_t *w, plan_t *plan, uint32_t from, uint32_t to, uint32_t *ret_bad)
{
    conv_err_t err;
    bool bad_text = false;
    uint32_t head = 0, sent = from;
    enum pg_status st = pipe_start(w);
    bool any_upsert = false, any_delete = false;
    for (uint32_t i = from; i < to; i++) {
        any_delete = any_delete || w->rows.rows[i].is_delete;
        any_upsert = any_upsert || !w->rows.rows[i].is_delete;
    }
    if (st == PG_OK && any_upsert) st = pipe_prepare(w, &plan->row);
    if (st == PG_OK && any_delete) st = pipe_prepare(w, &plan->remove);
    head = w->ncommands;
    while (st == PG_OK && sent < to) {
        const row_t *row = &w->rows.rows[sent];
        if (!point_at_fields(w, plan, row, &err)) {
            bad_text = true;
            break;
        }
        st = pipe_execute(w, row->is_delete ? &plan->remove : &plan->row);
        sent++;
        if (st == PG_OK && sent % 64 == 0) st = pg_flush(w->conn);
    }
    uint32_t command = 0;
    if (st == PG_OK) st = pipe_finish(w, &command);
    if (st == PG_OK && bad_text) {
        w->conn->error = sql_error_of_value(&err, "?", &w->conn->style, &w->conn->scratch);
        *ret_bad = sent;
        return PG_FAILED;
    }
    *ret_bad = command >= head ? from + (command - head) : from;
    if (st == PG_OK) w->conn->wrote = true;
    return st;
}

static enum pg_status write_rows(writer_t *w, plan_t *plan, const uint32_t *recs, write_failure_t *ret_failure)
{
    reserve_values(w, plan->nbinds + 1);
    for (uint32_t from = 0; from < w->rows.n; from += SYNC_ROWS) {
        uint32_t to = from + SYNC_ROWS < w->rows.n ? from + SYNC_ROWS : w->rows.n, bad = from;
        enum pg_status st = write_pipeline(w, plan, from, to, &bad);
        if (st == PG_OK) continue;
        if (st == PG_FAILED) blame(w, plan, recs, bad, ret_failure);
        return st;
    }
    return PG_OK;
}

/* ---- arrays ---------------------------------------------------------------------------------------------------- */

/** Turn rows into one array per column: fields have the form of array elements already. */
static void build_arrays(writer_t *w, const plan_t *plan, uint32_t ncolumns, bool deletes)
{
    const row_set_t *s = &w->rows;
    uint32_t count = deletes ? s->ndeletes : s->n - s->ndeletes - s->ndead;
    wire_buf_t *out = &w->arrays;
    wire_buf_reset(out);
    reserve_values(w, ncolumns * 2);
    /* One pass per column keeps reading and writing sequential within a chunk that fits the cache; the position in
     * each row is remembered from column to column in the row's own slot of `cursor`. */
    uint32_t *cursor = malloc(((size_t)count + 1) * sizeof(*cursor));
    size_t *starts = malloc(((size_t)ncolumns + 1) * sizeof(*starts));
    if (cursor == NULL || starts == NULL) abort();
    memset(cursor, 0, ((size_t)count + 1) * sizeof(*cursor));
    for (uint32_t col = 0; col < ncolumns; col++) {
        starts[col] = out->len;
        wire_put32(out, 1);
        size_t null_at = out->len;
        wire_put32(out, 0);
        wire_put32(out, plan->binds[col].oid);
        wire_put32(out, count);
        wire_put32(out, 1);
        bool any_null = false;
        uint32_t live = 0;
        for (uint32_t i = 0; i < s->n; i++) {
            if (s->rows[i].dead || s->rows[i].is_delete != deletes) continue;
            const uint8_t *field = s->buf.data + s->rows[i].at + 2 + cursor[live];
            uint32_t len = wire_get32(field);
            uint32_t size = len == UINT32_MAX ? 4 : len + 4;
            any_null = any_null || len == UINT32_MAX;
            wire_put_raw(out, field, size);
            cursor[live++] += size;
        }
        if (any_null) wire_set32(out->data + null_at, 1);
    }
    starts[ncolumns] = out->len;
    for (uint32_t col = 0; col < ncolumns; col++) {
        w->values[col] = (const char *)out->data + starts[col];
        w->lengths[col] = (int)(starts[col + 1] - starts[col]);
    }
    free(cursor);
    free(starts);
}

static enum pg_status write_unnest(writer_t *w, plan_t *plan, bool guarded, bool upserts)
{
    enum pg_status st = pipe_start(w);
    bool deletes = w->rows.ndeletes > 0;
    upserts = upserts && w->rows.n > w->rows.ndeletes + w->rows.ndead;
    if (st == PG_OK && guarded) st = pipe_command(w, "SAVEPOINT cd_fast");
    if (st == PG_OK && deletes) st = pipe_prepare(w, &plan->unnest_remove);
    if (st == PG_OK && upserts) st = pipe_prepare(w, &plan->unnest);
    if (st == PG_OK && deletes) {
        build_arrays(w, plan, plan->nkeys, true);
        st = pipe_execute(w, &plan->unnest_remove);
    }
    if (st == PG_OK && upserts) {
        build_arrays(w, plan, plan->nbinds, false);
        st = pipe_execute(w, &plan->unnest);
    }
    if (st == PG_OK && guarded && upserts) st = pipe_command(w, "RELEASE SAVEPOINT cd_fast");
    uint32_t command;
    if (st == PG_OK) st = pipe_finish(w, &command);
    return st;
}

/* ---- COPY ------------------------------------------------------------------------------------------------------ */

static enum pg_status copy_send(writer_t *w, const uint8_t *data, size_t len)
{
    while (len > 0) {
        size_t n = len < COPY_SEND ? len : COPY_SEND;
        int rc = PQputCopyData(w->conn->pg, (const char *)data, (int)n);
        if (rc < 0) return lost(w);
        enum pg_status st = pg_flush(w->conn);
        if (st != PG_OK) return st;
        if (rc == 0) continue;
        data += n;
        len -= n;
    }
    return PG_OK;
}

/** All rows that live, neighbours together. */
static enum pg_status copy_rows(writer_t *w)
{
    const row_set_t *s = &w->rows;
    enum pg_status st = copy_send(w, copy_head, sizeof(copy_head));
    for (uint32_t i = 0; st == PG_OK && i < s->n;) {
        if (s->rows[i].dead || s->rows[i].is_delete) {
            i++;
            continue;
        }
        size_t from = s->rows[i].at;
        while (i < s->n && !s->rows[i].dead && !s->rows[i].is_delete) i++;
        st = copy_send(w, s->buf.data + from, (i < s->n ? s->rows[i].at : s->buf.len) - from);
    }
    return st == PG_OK ? copy_send(w, copy_tail, sizeof(copy_tail)) : st;
}

/** One message holds everything from BEGIN to the INSERT; the server runs what stands behind the COPY once the data is
 *  complete. */
static enum pg_status write_copy(writer_t *w, plan_t *plan, bool guarded)
{
    pg_conn_t *c = w->conn;
    bool direct = plan->copy_direct != NULL, begins = !c->in_transaction;
    bool refill = !direct && !begins && plan->stage_transaction == w->transaction;
    const char *truncate = refill ? cd_arena_printf(&c->scratch, "TRUNCATE pg_temp.%s; ", plan->stage) : "";
    const char *sql =
        cd_arena_printf(&c->scratch, "%s%s%s%s%s%s%s", begins ? "BEGIN; " : "", guarded ? "SAVEPOINT cd_fast; " : "",
                        truncate, direct ? plan->copy_direct : plan->stage_copy, direct ? "" : "; ",
                        direct ? "" : plan->stage_insert, guarded ? "; RELEASE SAVEPOINT cd_fast" : "");
    if (!PQsendQuery(c->pg, sql)) return lost(w);
    if (begins) {
        c->in_transaction = true;
        c->wrote = false;
        w->transaction++;
    }
    plan->stage_transaction = w->transaction;
    enum pg_status outcome = PG_OK;
    for (;;) {
        PGresult *res;
        enum pg_status st = pg_result(c, &res);
        if (st != PG_OK) return st;
        if (res == NULL) break;
        ExecStatusType type = PQresultStatus(res);
        if (type == PGRES_COPY_IN) {
            PQclear(res);
            st = copy_rows(w);
            if (st != PG_OK) return st;
            if (PQputCopyEnd(c->pg, NULL) < 0) return lost(w);
        } else if (type == PGRES_COMMAND_OK || type == PGRES_TUPLES_OK) {
            PQclear(res);
        } else if (outcome == PG_OK) {
            outcome = pg_fail(c, res);
        } else {
            PQclear(res);
        }
    }
    c->used_at_ms = pg_now_ms();
    return outcome;
}

void writer_prepare(writer_t *w, plan_t *plan, uint32_t records)
{
    pg_conn_t *c = w->conn;
    if (records < COPY_MIN || !plan->can_copy || plan->copy_direct != NULL || c->target.no_prepare) return;
    if (plan->stage_generation == c->generation || c->in_transaction) return;
    if (pg_exec(c, plan->stage_create, NULL) == PG_OK)
        plan->stage_generation = c->generation;
    else
        plan->can_copy = false; /* no TEMP privilege: arrays do as well */
}

/* ---- choosing -------------------------------------------------------------------------------------------------- */

enum write_path { PATH_ROWS, PATH_UNNEST, PATH_COPY };

static enum write_path choose(const writer_t *w, const plan_t *plan, bool row_only)
{
    const sink_conf_t *conf = w->conn->conf;
    const row_set_t *s = &w->rows;
    if (row_only || conf->row_path || conf->insert_mode == INSERT_MODE_UPDATE || s->n < UNNEST_MIN) return PATH_ROWS;
    bool folds = conf->insert_mode == INSERT_MODE_UPSERT || s->ndeletes > 0;
    if (folds && (!plan->can_fold || s->null_key)) return PATH_ROWS;
    /* Deletes run before inserts, which only upserts make up for. */
    if (s->ndeletes > 0 && (conf->insert_mode != INSERT_MODE_UPSERT || !plan->can_unnest_delete)) return PATH_ROWS;
    bool staged = plan->copy_direct != NULL || plan->stage_generation == w->conn->generation;
    if (plan->can_copy && staged && s->n - s->ndeletes >= COPY_MIN) return PATH_COPY;
    return plan->can_unnest ? PATH_UNNEST : plan->can_copy && staged ? PATH_COPY : PATH_ROWS;
}

static enum pg_status write_set(writer_t *w, plan_t *plan, enum write_path path)
{
    bool guarded = w->conn->in_transaction && w->conn->wrote;
    if (w->conn->conf->insert_mode == INSERT_MODE_UPSERT) row_set_fold(&w->rows);
    if (path == PATH_UNNEST) return write_unnest(w, plan, guarded, true);
    if (w->rows.ndeletes > 0) {
        enum pg_status st = write_unnest(w, plan, guarded, false);
        if (st != PG_OK) return st;
        guarded = false; /* the savepoint above stands before the deletes */
    }
    return write_copy(w, plan, guarded);
}

/** Undo what a set-based way left, so that the run can go record by record. */
static enum pg_status take_back(writer_t *w, bool guarded)
{
    pg_conn_t *c = w->conn;
    if (connection_is_gone(w)) return PG_FAILED;
    if (PQpipelineStatus(c->pg) != PQ_PIPELINE_OFF) return PG_FAILED;
    if (!guarded) {
        pg_rollback(c);
        return c->pg != NULL ? PG_OK : PG_FAILED;
    }
    return pg_exec(c, "ROLLBACK TO SAVEPOINT cd_fast", NULL);
}

static enum pg_status write_chunk(writer_t *w, plan_t *plan, const uint32_t *recs, bool row_only, uint32_t *slow_left,
                                  write_failure_t *ret_failure)
{
    bool slow = *slow_left > 0;
    if (slow) (*slow_left)--;
    enum write_path path = choose(w, plan, row_only || slow);
    if (path != PATH_ROWS) {
        bool guarded = w->conn->in_transaction && w->conn->wrote;
        enum pg_status st = write_set(w, plan, path);
        if (st == PG_OK) {
            w->conn->wrote = true;
            return PG_OK;
        }
        if (st == PG_STOPPED) return st;
        sql_error_t first = w->conn->error;
        if (take_back(w, guarded) != PG_OK) {
            if (!connection_is_gone(w)) w->conn->error = first;
            return PG_FAILED;
        }
        cd_log(w->conn->ctx, CD_LOG_DEBUG, PG_LOGGER, "A set-based write failed (%s); the records go one by one",
               first.sqlstate);
        st = write_rows(w, plan, recs, ret_failure);
        if (st == PG_OK) *slow_left = SLOW_FLUSHES;
        return st;
    }
    return write_rows(w, plan, recs, ret_failure);
}

enum pg_status writer_write(writer_t *w, plan_t *plan, const cd_batch_t *batch, const uint32_t *recs, uint32_t n,
                            bool row_only, uint32_t *slow_left, write_failure_t *ret_failure)
{
    *ret_failure = (write_failure_t){0};
    for (uint32_t pos = 0; pos < n;) {
        conv_err_t err;
        uint32_t bad = 0;
        bool refused = false;
        row_set_reset(&w->rows);
        while (pos < n && !refused && w->rows.n < CHUNK_ROWS && w->rows.buf.len < CHUNK_BYTES) {
            const cd_record_t *rec = &batch->records[recs[pos]];
            bool is_delete = rec->value.type == CD_NULL;
            if (!is_delete && !plan->writes) {
                pos++;
                continue;
            }
            refused = !row_set_add(&w->rows, plan, rec, pos, is_delete, &err, &bad);
            if (!refused) pos++;
        }
        enum pg_status st = PG_OK;
        if (w->rows.n > 0) st = write_chunk(w, plan, recs, row_only || refused, slow_left, ret_failure);
        if (st != PG_OK) return st;
        if (!refused) continue;
        int32_t batch_size = w->conn->conf->k.batch_size;
        w->conn->error = sql_error_of_value(&err, plan->binds[bad].column, &w->conn->style, &w->conn->scratch);
        *ret_failure = (write_failure_t){.has_record = true,
                                         .record = recs[pos],
                                         .entry = batch_size > 1 ? pos % (uint32_t)batch_size : 0,
                                         .statement = batch->records[recs[pos]].value.type == CD_NULL ? plan->remove.sql
                                                                                                      : plan->row.sql};
        return PG_FAILED;
    }
    return PG_OK;
}
