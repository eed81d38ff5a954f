/* The task: start, the poll loop over its databases, retries. */
#include "connectors/sqlserver/task.h"

#define GONE_TEXT                                                                                                      \
    "The connector is trying to read change stream starting at %s, but this is no longer available on the server. "    \
    "Reconfigure the connector to use a snapshot mode when needed."

#define CUT_OFF_MS 600000 /* longer than any usual offset.flush.interval.ms */

cd_err_t *task_connect(task_t *t, conn_t **slot)
{
    if (*slot != NULL && !(*slot)->dead) return NULL;
    conn_close(*slot);
    *slot = NULL;
    const conf_keys_t *k = &t->conf.k;
    conn_options_t o;
    cd_err_t *err = conn_options(t->conf.config, k->hostname, k->port, k->instance, k->user, k->password,
                                 t->conf.ndatabases == 1 ? t->conf.databases[0] : NULL, &o);
    if (err == NULL) err = conn_open(t->ctx, &o, slot);
    return err;
}

bool task_full(const task_t *t)
{
    const cd_batch_t *b = t->emit.batch;
    if (b->count >= (uint32_t)t->conf.k.max_batch_size) return true;
    if (CD_UNLIKELY(b->arena.used >= TASK_BATCH_BYTES) && b->count > 0) return true;
    return (t->conf.k.max_queue_bytes > 0 && b->count > 0 && (int64_t)b->arena.used >= t->conf.k.max_queue_bytes) ||
           ((b->count & 63) == 63 && cd_host->stopping(t->ctx));
}

/* ---- known tables ---------------------------------------------------------------------------------------------------- */

static uint32_t known_at(const part_t *p, const char *id)
{
    uint32_t low = 0, high = p->nknown;
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        if (strcmp(p->known[mid].table->id, id) < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

known_t *part_find(part_t *p, const char *id)
{
    uint32_t at = known_at(p, id);
    return at < p->nknown && strcmp(p->known[at].table->id, id) == 0 ? &p->known[at] : NULL;
}

known_t *part_put(part_t *p, const table_t *table)
{
    known_t *k = part_find(p, table->id);
    if (k == NULL) {
        uint32_t at = known_at(p, table->id);
        if (p->nknown == p->cap_known) {
            p->cap_known = p->cap_known == 0 ? 64 : p->cap_known * 2;
            known_t *more = realloc(p->known, p->cap_known * sizeof(*more));
            if (more == NULL) abort();
            p->known = more;
        }
        memmove(&p->known[at + 1], &p->known[at], (p->nknown - at) * sizeof(*p->known));
        p->nknown++;
        k = &p->known[at];
    }
    *k = (known_t){.table = table, .captured = catalog_wanted(&p->task->conf, table->schema, table->name)};
    return k;
}

void part_drop(part_t *p, const char *id)
{
    known_t *k = part_find(p, id);
    if (k == NULL) return;
    uint32_t at = (uint32_t)(k - p->known);
    memmove(k, k + 1, (p->nknown - at - 1) * sizeof(*k));
    p->nknown--;
}

shape_t *part_shape(part_t *p, known_t *k)
{
    if (k->shape == NULL) k->shape = shape_new(&p->task->forms, p->task->ctx, k->table, &p->task->arena);
    return k->shape;
}

cd_err_t *part_schema_change(part_t *p, const table_t *table, const char *type, const char *ddl, const offset_t *offset,
                             const char *snapshot_marker)
{
    task_t *t = p->task;
    cd_err_t *err = history_write(t->history, table, type, ddl, offset);
    if (err != NULL) return err;
    known_t *k = part_put(p, table);
    if (!t->conf.k.schema_changes || (!k->captured && t->conf.k.store_only_captured)) return NULL;
    cd_arena_t *a = &t->emit.batch->arena;
    bool streaming = snapshot_marker == NULL && !offset->snapshot;
    origin_t origin = {.ts_ns = emit_clock_ns(),
                       .snapshot = snapshot_marker,
                       .commit = lsn_cell(&offset->pos.commit, a),
                       .change = lsn_cell(&offset->pos.change, a),
                       .serial = streaming ? offset->serial : -1};
    emit_schema_change(&t->emit, table, type, ddl, &origin, emit_offset(&t->emit, offset));
    return NULL;
}

cd_err_t *part_heartbeat(part_t *p, bool force)
{
    task_t *t = p->task;
    if (t->conf.k.heartbeat_ms <= 0 || !p->offset.present) return NULL;
    int64_t now = conn_now_ms();
    if (!force && now < p->heartbeat_at_ms) return NULL;
    p->heartbeat_at_ms = now + t->conf.k.heartbeat_ms;
    emit_database(&t->emit, p->db);
    emit_heartbeat(&t->emit, emit_offset(&t->emit, &p->offset));
    const char *query = t->conf.k.heartbeat_query;
    if (query == NULL || *query == '\0') return NULL;
    cd_err_t *err = task_connect(t, &t->heartbeat);
    if (err == NULL) err = conn_exec(t->heartbeat, query);
    if (err != NULL && err->cls == CD_ERR_RETRIABLE && err->code != 0) {
        /* The statement itself is wrong: trying again would not help, and nobody would see it. */
        err = cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Could not execute heartbeat action query (Error: %u)",
                          err->code);
    }
    return err;
}

/* ---- start ----------------------------------------------------------------------------------------------------------- */

static void recovered(void *arg, const char *id, table_t *table)
{
    part_t *p = arg;
    if (table == NULL) {
        part_drop(p, id);
    } else {
        (void)part_put(p, table);
    }
}

static cd_err_t *read_offset(part_t *p)
{
    task_t *t = p->task;
    cd_arena_t scratch = {0};
    cd_value_t stored = CD_V_NULL;
    cd_value_t partition = offset_partition(t->conf.k.topic_prefix, p->db, &scratch);
    cd_err_t *err = cd_host->offset_read(t->ctx, &partition, &scratch, &stored);
    if (err == NULL && (stored.type != CD_MAP || stored.len == 0) && t->conf.ndatabases == 1) {
        /* Releases before 2.0 stored without the database. */
        cd_value_t old[2] = {cd_v_str("server"), cd_v_str(t->conf.k.topic_prefix)};
        partition = cd_v_items(CD_MAP, old, 1);
        err = cd_host->offset_read(t->ctx, &partition, &scratch, &stored);
    }
    if (err == NULL) offset_load(&p->offset, &stored);
    cd_arena_done(&scratch);
    return err;
}

static bool snapshot_finished(const part_t *p)
{
    return p->offset.present && (!p->offset.snapshot || p->offset.snapshot_completed);
}

static bool wants_data(const conf_t *c)
{
    switch (c->mode) {
    case SNAPSHOT_NO_DATA:
    case SNAPSHOT_WHEN_NEEDED_NO_DATA:
    case SNAPSHOT_RECOVERY:
        return false;
    case SNAPSHOT_CONFIGURATION_BASED:
        return c->k.based_data;
    default:
        return true;
    }
}

/* A snapshot takes its position from the server. When it is cut off and begins anew, it must not take a later one: rows
 * that it had sent may have been deleted in between, and without data nothing at all replaces the changes in between.
 * The position it had is in the unfinished offset, or else in the definitions it wrote. Older definitions belong to a
 * source that was reset on purpose. */
static cd_err_t *find_cut_off(part_t *p)
{
    task_t *t = p->task;
    int64_t ts_ms = 0;
    if (p->offset.present) {
        p->resume = true;
        p->resume_at = p->offset.pos.commit;
        return NULL;
    }
    cd_err_t *err = history_last_snapshot(t->history, p->db, &p->resume_at, &ts_ms);
    p->resume = err == NULL && ts_ms > 0 && emit_clock_ns() / 1000000 - ts_ms <= CUT_OFF_MS;
    return err;
}

static cd_err_t *part_start(part_t *p)
{
    task_t *t = p->task;
    snapshot_mode_t mode = t->conf.mode;
    cd_err_t *err = read_offset(p);
    if (err != NULL) return err;
    if (!p->offset.present && mode == SNAPSHOT_RECOVERY) {
        return cd_err_new(
            CD_ERR_FATAL, "io.debezium.DebeziumException",
            "Could not find existing redo log information while attempting schema only recovery snapshot");
    }
    if (!snapshot_finished(p)) return find_cut_off(p);
    err = history_recover(t->history, p->db, &p->offset, &t->arena, recovered, p, &p->history_records);
    if (err != NULL) return err;
    cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Recovered %u table definitions of database %s from the schema history",
           p->nknown, p->db);
    if (mode == SNAPSHOT_RECOVERY) {
        p->rebuild_history = true;
    } else if (p->history_records == 0 && mode != SNAPSHOT_ALWAYS) {
        if (mode == SNAPSHOT_CONFIGURATION_BASED && t->conf.k.based_on_schema_error) {
            p->rebuild_history = true;
            return NULL;
        }
        err = cd_err_new(
            CD_ERR_FATAL, "io.debezium.DebeziumException",
            "The db history topic or its content is fully or partially missing. Please check database schema "
            "history topic configuration and re-execute the snapshot.");
    }
    return err;
}

static cd_metric_t *metric(task_t *t, const char *name, uint32_t kind, const char *help)
{
    return cd_host->metric(t->ctx, name, kind, help);
}

static void metrics_init(task_t *t)
{
    t->seen = metric(t, "TotalNumberOfEventsSeen", CD_COUNTER, "Change and snapshot events read");
    t->created = metric(t, "TotalNumberOfCreateEventsSeen", CD_COUNTER, "Insert events read");
    t->updated = metric(t, "TotalNumberOfUpdateEventsSeen", CD_COUNTER, "Update events read");
    t->deleted = metric(t, "TotalNumberOfDeleteEventsSeen", CD_COUNTER, "Delete events read");
    t->connected = metric(t, "Connected", CD_GAUGE, "1 while the server answers");
    cd_metric_t *behind =
        metric(t, "MilliSecondsBehindSource", CD_GAUGE, "Age of the last event when it was read; -1 before");
    cd_metric_set(behind, -1);
    for (uint32_t i = 0; i < t->nparts; i++) {
        t->parts[i].behind_ms = behind;
        t->parts[i].snapshot_running = metric(t, "SnapshotRunning", CD_GAUGE, "1 while a snapshot is taken");
        t->parts[i].snapshot_completed = metric(t, "SnapshotCompleted", CD_GAUGE, "1 after a snapshot of this run");
    }
}

cd_err_t *task_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_task)
{
    task_t *t = calloc(1, sizeof(*t));
    if (t == NULL) abort();
    t->ctx = ctx;
    cd_err_t *err = conf_load(ctx, config, "SqlServerConnectorTask", &t->conf);
    if (err == NULL) err = history_open(ctx, &t->conf, &t->history);
    if (err != NULL) goto out;
    forms_init(&t->forms, &t->conf, cd_host->schemas(ctx), &t->arena);
    const char *id = cd_config_get(config, "task.id");
    t->emit = (emitter_t){.conf = &t->conf, .forms = &t->forms, .task_id = id != NULL ? id : "0"};
    t->nparts = t->conf.ndatabases;
    t->parts = calloc((size_t)t->nparts + 1, sizeof(part_t));
    if (t->parts == NULL) abort();
    metrics_init(t);
    for (uint32_t i = 0; i < t->nparts && err == NULL; i++) {
        t->parts[i].task = t;
        t->parts[i].db = t->conf.databases[i];
        t->parts[i].start_at_ms = conn_now_ms() + t->conf.k.snapshot_delay_ms;
        err = part_start(&t->parts[i]);
    }
out:
    if (err != NULL) {
        task_stop(t);
        return err;
    }
    *ret_task = t;
    return NULL;
}

static void disconnect(task_t *t)
{
    for (uint32_t i = 0; i < t->nparts; i++) {
        stream_free(&t->parts[i]);
        snapshot_free(&t->parts[i]);
        /* An unfinished snapshot begins again; streaming goes on at the position in memory. */
        if (t->parts[i].state == PART_SNAPSHOT) t->parts[i].state = PART_START;
        t->parts[i].idle_until_ms = 0;
    }
    conn_close(t->conn);
    conn_close(t->meta);
    conn_close(t->heartbeat);
    t->conn = t->meta = t->heartbeat = NULL;
}

void task_stop(void *task)
{
    task_t *t = task;
    if (t == NULL) return;
    disconnect(t);
    history_free(t->history);
    for (uint32_t i = 0; i < t->nparts; i++) {
        offset_done(&t->parts[i].offset);
        free(t->parts[i].known);
    }
    free(t->parts);
    cd_err_free(t->pending);
    conf_done(&t->conf);
    cd_arena_done(&t->arena);
    free(t);
}

/* ---- poll ------------------------------------------------------------------------------------------------------------ */

static bool wants_stream(const conf_t *c)
{
    return c->mode != SNAPSHOT_INITIAL_ONLY && (c->mode != SNAPSHOT_CONFIGURATION_BASED || c->k.based_stream);
}

/* Decide what a database needs first. */
static cd_err_t *part_decide(part_t *p, bool *ret_snapshot)
{
    task_t *t = p->task;
    snapshot_mode_t mode = t->conf.mode;
    *ret_snapshot = !snapshot_finished(p) || p->rebuild_history || (mode == SNAPSHOT_ALWAYS && !p->position_checked);
    if (*ret_snapshot || p->position_checked || !t->conf.k.position_check) {
        p->position_checked = true;
        return NULL;
    }
    bool gone = false;
    cd_err_t *err = stream_check_position(p, &p->offset.pos.commit, &gone);
    if (err != NULL) return err;
    p->position_checked = true;
    if (!gone) return NULL;
    bool again = mode == SNAPSHOT_WHEN_NEEDED || mode == SNAPSHOT_WHEN_NEEDED_NO_DATA ||
                 (mode == SNAPSHOT_CONFIGURATION_BASED && t->conf.k.based_on_data_error);
    char commit[LSN_TEXT + 1];
    (void)lsn_format(&p->offset.pos.commit, commit);
    if (!again) return cd_err_new(CD_ERR_FATAL, "io.debezium.DebeziumException", GONE_TEXT, commit);
    cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER, "Position %s is no longer available on the server: taking a new snapshot",
           commit);
    offset_done(&p->offset);
    *ret_snapshot = true;
    return find_cut_off(p); /* of this new snapshot, should the offset still be the one from before it */
}

static cd_err_t *part_step(part_t *p, bool *ret_idle)
{
    task_t *t = p->task;
    bool flag = false;
    cd_err_t *err = NULL;
    *ret_idle = false;
    switch (p->state) {
    case PART_START:
        if (conn_now_ms() < p->start_at_ms) {
            p->idle_until_ms = p->start_at_ms;
            *ret_idle = true;
            return NULL;
        }
        err = part_decide(p, &flag);
        if (err != NULL) return err;
        if (flag) {
            err = snapshot_open(p, wants_data(&t->conf) && !p->rebuild_history);
            if (err == NULL) p->state = PART_SNAPSHOT;
        } else {
            p->state = wants_stream(&t->conf) ? PART_STREAM : PART_DONE;
        }
        return err;
    case PART_SNAPSHOT:
        err = snapshot_step(p, &flag);
        if (err == NULL && flag) {
            snapshot_free(p);
            t->retries = 0;
            p->state = wants_stream(&t->conf) ? PART_STREAM : PART_DONE;
            p->idle_until_ms = conn_now_ms() + t->conf.k.streaming_delay_ms;
        }
        return err;
    case PART_STREAM:
        if (conn_now_ms() < p->idle_until_ms) {
            *ret_idle = true;
            return NULL;
        }
        err = stream_step(p, ret_idle);
        if (err == NULL) {
            cd_metric_set(t->connected, 1);
            err = part_heartbeat(p, false);
        }
        if (err == NULL && *ret_idle) {
            t->retries = 0;
            p->idle_until_ms = conn_now_ms() + t->conf.k.poll_interval_ms;
        }
        return err;
    case PART_DONE:
        p->idle_until_ms = INT64_MAX;
        *ret_idle = true;
        return NULL;
    }
    return NULL;
}

/* A server or network error: what it costs is a pause. Takes err. @return NULL, or what fails the task */
static cd_err_t *recoverable(task_t *t, cd_err_t *err)
{
    cd_metric_set(t->connected, 0);
    disconnect(t);
    if (err->cls == CD_ERR_STOPPED) {
        cd_err_free(err);
        return NULL;
    }
    int32_t most = t->conf.k.errors_max_retries;
    if (err->cls != CD_ERR_RETRIABLE || (most >= 0 && t->retries >= most)) {
        if (err->cls == CD_ERR_RETRIABLE && most > 0)
            cd_log(t->ctx, CD_LOG_ERROR, CONF_LOGGER, "The maximum number of %d retries has been attempted", most);
        return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT,
                           "An exception occurred in the change event producer. This connector will be stopped.");
    }
    t->retries++;
    t->retry_at_ms = conn_now_ms() + t->conf.k.retry_wait_ms;
    const cd_err_t *root = cd_err_root(err);
    char limit[16] = "unlimited";
    if (most > 0) (void)snprintf(limit, sizeof(limit), "%d", most);
    cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER,
           "Going to restart connector after %lld sec. after a retriable exception: %s%s%s (Retry %d of %s retries "
           "will be "
           "attempted)",
           (long long)(t->conf.k.retry_wait_ms / 1000), err->message, root != err ? ": " : "",
           root != err ? root->message : "", t->retries, limit);
    cd_err_free(err);
    return NULL;
}

static int64_t soonest(const task_t *t)
{
    int64_t at = INT64_MAX;
    for (uint32_t i = 0; i < t->nparts; i++) {
        if (t->parts[i].idle_until_ms < at) at = t->parts[i].idle_until_ms;
    }
    return at;
}

/* One round over the databases. @return true when all of them are idle */
static cd_err_t *round_of(task_t *t, bool *ret_idle)
{
    uint32_t idle = 0;
    while (idle < t->nparts && !task_full(t) && !cd_host->stopping(t->ctx)) {
        part_t *p = &t->parts[t->current];
        bool part_idle = false;
        emit_database(&t->emit, p->db);
        cd_err_t *err = part_step(p, &part_idle);
        if (err != NULL) return err;
        /* One database at a time takes its snapshot; streaming ones take turns. */
        if (part_idle || p->state == PART_STREAM) t->current = (t->current + 1) % t->nparts;
        idle = part_idle ? idle + 1 : 0;
        if (!part_idle && t->emit.batch->count > 0 && p->state == PART_STREAM) return NULL;
    }
    *ret_idle = idle >= t->nparts;
    return NULL;
}

cd_err_t *task_poll(void *task, cd_batch_t *batch, int64_t timeout_ms)
{
    task_t *t = task;
    int64_t deadline = conn_now_ms() + timeout_ms;
    emit_begin(&t->emit, batch);
    if (t->pending != NULL) {
        cd_err_t *err = t->pending;
        t->pending = NULL;
        return err;
    }
    cd_err_t *err = NULL;
    while (err == NULL && batch->count == 0 && !cd_host->stopping(t->ctx)) {
        int64_t now = conn_now_ms(), until = t->retry_at_ms;
        if (until == 0) {
            bool idle = false;
            err = round_of(t, &idle);
            if (err != NULL) err = recoverable(t, err);
            if (err != NULL || batch->count > 0) break;
            if (!idle && t->retry_at_ms == 0) continue;
            until = t->retry_at_ms != 0 ? t->retry_at_ms : soonest(t);
            now = conn_now_ms();
        }
        if (now < until) {
            int64_t end = until < deadline ? until : deadline;
            if (now >= end) break;
            (void)cd_host->wait(t->ctx, end - now);
            now = conn_now_ms();
        }
        if (t->retry_at_ms != 0 && now >= t->retry_at_ms) t->retry_at_ms = 0;
        if (now >= deadline) break;
    }
    if (err != NULL && batch->count > 0) {
        t->pending = err; /* what was read before it goes out first */
        err = NULL;
    }
    return err;
}
