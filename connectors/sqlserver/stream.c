/* Streaming: which LSN window comes next, which tables changed in it, and how their rows are fetched. */
#include "connectors/sqlserver/stream.h"

#define LIVE_MAX         16u    /* more tables than this at once: the window is made smaller first */
#define LIGHT_ROWS       20000u /* a window with fewer rows is light again */
#define PROBE_STATEMENTS 200u

static void window_close(part_t *p)
{
    stream_t *s = p->stream;
    for (uint32_t i = 0; i < s->ncursors; i++) {
        if (s->cursors[i].row && s->cursors[i].conn != NULL) conn_cancel(s->cursors[i].conn);
        if (s->cursors[i].plan.errors > 0) {
            cd_log(p->task->ctx, CD_LOG_ERROR, CONF_LOGGER,
                   "%u values of table %s could not be converted and were left out", s->cursors[i].plan.errors,
                   s->cursors[i].shape->table->id);
        }
        cursor_done(&s->cursors[i]);
    }
    free(s->cursors);
    s->cursors = NULL;
    s->ncursors = 0;
    s->open = false;
    cd_arena_reset(&s->kept);
}

void stream_free(part_t *p)
{
    stream_t *s = p->stream;
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->ncursors; i++) s->cursors[i].row = false; /* connections go too: nothing to cancel */
    window_close(p);
    for (uint32_t i = 0; i < s->nextra; i++) conn_close(s->extra[i]);
    free(s->extra);
    free(s->pending);
    cd_arena_done(&s->kept);
    cd_arena_done(&s->list_arena);
    free(s);
    p->stream = NULL;
}

static void stream_begin(part_t *p)
{
    stream_t *s = calloc(1, sizeof(*s));
    if (s == NULL) abort();
    p->stream = s;
    s->last = p->offset.pos.commit;
    s->after = p->offset.snapshot_completed;
    s->ts_ns = emit_clock_ns();
    cd_log(p->task->ctx, CD_LOG_INFO, CONF_LOGGER, "Starting streaming of database %s", p->db);
}

/* ---- the window ---------------------------------------------------------------------------------------------------- */

static cd_err_t *upper_bound(part_t *p, int64_t transactions, lsn_t *ret_to)
{
    stream_t *s = p->stream;
    buf_t sql = {0};
    char low[2 * LSN_BYTES + 3];
    if (transactions == 0) {
        buf_add(&sql, "SELECT MAX(start_lsn) FROM ");
        buf_ident(&sql, p->db);
        buf_add(&sql, ".cdc.lsn_time_mapping WHERE tran_id <> 0x00");
    } else if (!s->last.set) {
        buf_printf(&sql, "SELECT MAX(start_lsn) FROM (SELECT TOP (%lld) start_lsn FROM ", (long long)transactions);
        buf_ident(&sql, p->db);
        buf_add(&sql, ".cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn) as next_lsns");
    } else {
        lsn_literal(&s->last, low);
        buf_printf(&sql, "SELECT MAX(start_lsn) FROM (SELECT TOP (%lld) start_lsn FROM ", (long long)transactions + 1);
        buf_ident(&sql, p->db);
        buf_printf(&sql,
                   ".cdc.lsn_time_mapping WHERE start_lsn >= %s AND tran_id <> 0x00 ORDER BY start_lsn) as next_lsns",
                   low);
    }
    cd_err_t *err = conn_query_lsn(p->task->conn, sql.p, ret_to);
    buf_done(&sql);
    return catalog_cdc_error(err, p->db);
}

/* No LSN yet: usual in a quiet new database, unless nobody fills it. Said once. */
static cd_err_t *report_agent(part_t *p)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    if (s->agent_reported) return NULL;
    s->agent_reported = true;
    buf_t sql = {0};
    const char *own = conf_driver(t->conf.config, "sqlserver.agent.status.query");
    if (own != NULL) {
        for (const char *at = own; *at != '\0';) {
            size_t n = strncmp(at, "[#db]", 5) == 0 ? 5 : strncmp(at, "#db", 3) == 0 ? 3 : 0;
            if (n > 0) {
                buf_ident(&sql, p->db);
            } else {
                buf_addn(&sql, at, 1);
            }
            at += n > 0 ? n : 1;
        }
    } else {
        buf_add(&sql, "SELECT CASE WHEN dss.[status]=4 THEN 1 ELSE 0 END AS isRunning FROM ");
        buf_ident(&sql, p->db);
        buf_add(&sql, ".sys.dm_server_services dss WHERE dss.[servicename] LIKE N'SQL Server Agent (%';");
    }
    bool row = false;
    cd_err_t *err = conn_query(t->conn, sql.p);
    if (err == NULL) err = conn_row(t->conn, &row);
    if (err == NULL && row && conn_int(t->conn, 1, 1) == 0) {
        cd_log(t->ctx, CD_LOG_ERROR, CONF_LOGGER,
               "No maximum LSN recorded in the database; SQL Server Agent is not running");
    } else if (err != NULL || !row) {
        cd_log(
            t->ctx, CD_LOG_WARN, CONF_LOGGER,
            "No maximum LSN recorded in the database; this may happen if there are no changes recorded in the change "
            "table yet or low activity database where the cdc clean up job periodically clears entries from the cdc "
            "tables. Otherwise, this may be an indication that the SQL Server Agent is not running.");
        cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER, "Cannot query the status of the SQL Server Agent");
    }
    conn_cancel(t->conn);
    buf_done(&sql);
    if (err != NULL && err->code != 0) {
        cd_err_free(err); /* no permission to look: that was the warning */
        err = NULL;
    }
    return err;
}

/* ---- capture instances ------------------------------------------------------------------------------------------------ */

static cd_err_t *list_changed(part_t *p, bool *ret_changed)
{
    stream_t *s = p->stream;
    char low[2 * LSN_BYTES + 3], high[2 * LSN_BYTES + 3];
    *ret_changed = false;
    if (!s->from.set) return NULL;
    lsn_literal(&s->from, low);
    lsn_literal(&s->to, high);
    buf_t sql = {0};
    buf_add(&sql, "SELECT * FROM ");
    buf_ident(&sql, p->db);
    buf_printf(&sql, ".cdc.change_tables WHERE start_lsn BETWEEN %s AND %s", low, high);
    cd_err_t *err = conn_query(p->task->conn, sql.p);
    if (err == NULL) err = conn_row(p->task->conn, ret_changed);
    conn_cancel(p->task->conn);
    buf_done(&sql);
    return err;
}

static cd_err_t *read_definition(part_t *p, const instance_t *i, table_t **ret_table)
{
    task_t *t = p->task;
    uint32_t n = 0;
    table_t **tables;
    *ret_table = NULL;
    cd_err_t *err = task_connect(t, &t->meta);
    if (err == NULL) err = catalog_tables(t->meta, t->ctx, p->db, i->schema, i->table, &t->arena, &n, &tables);
    if (err == NULL && n > 0) *ret_table = catalog_restrict(tables[0], i, &t->arena);
    return err;
}

cd_err_t *stream_migrate(part_t *p, const lsn_t *at)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < s->list.n && err == NULL && s->npending > 0; i++) {
        const instance_t *it = &s->list.items[i];
        if (!s->pending[i] || (at != NULL && lsn_cmp(&it->start, at) > 0)) continue;
        table_t *table = NULL;
        err = read_definition(p, it, &table);
        if (err != NULL) break;
        s->pending[i] = false;
        s->npending--;
        known_t *k = table != NULL ? part_find(p, table->id) : NULL;
        if (k == NULL) continue;
        if (table_equal(table, k->table)) {
            cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Migration skipped, no table schema changes detected.");
            continue;
        }
        cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Migrating schema to capture instance %s of table %s", it->name,
               table->id);
        err = part_schema_change(p, table, "ALTER", "N/A", &p->offset, NULL);
        k = part_find(p, table->id);
        for (uint32_t c = 0; c < s->ncursors && err == NULL; c++) {
            if (s->cursors[c].index == i) s->cursors[c].shape = part_shape(p, k);
        }
    }
    return err;
}

/* A table that was never seen: its definition is published before its rows. */
static cd_err_t *learn(part_t *p, const instance_t *i, bool *ret_known)
{
    task_t *t = p->task;
    table_t *table = NULL;
    cd_err_t *err = read_definition(p, i, &table);
    *ret_known = table != NULL;
    if (err != NULL || table == NULL) return err;
    cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Table %s is new to be monitored by capture instance %s", table->id,
           i->name);
    return part_schema_change(p, table, "CREATE", "N/A", &p->offset, NULL);
}

static known_t *known_of(part_t *p, const instance_t *i, cd_arena_t *arena)
{
    return part_find(p, cd_arena_printf(arena, "%s.%s.%s", p->db, i->schema, i->table));
}

/* The clean-up job moves the start of every instance forward, and an instance may have been made anew. */
static void warn_gap(part_t *p, const instances_t *all, uint32_t i)
{
    const instance_t *it = &all->items[i];
    const instance_t *before = i > 0 ? it - 1 : NULL;
    bool older = before != NULL && strcmp(before->schema, it->schema) == 0 && strcmp(before->table, it->table) == 0;
    if (older || !p->stream->from.set || lsn_cmp(&it->start, &p->stream->from) <= 0) return;
    char from[LSN_TEXT + 1], start[LSN_TEXT + 1];
    (void)lsn_format(&p->stream->from, from);
    (void)lsn_format(&it->start, start);
    cd_log(
        p->task->ctx, CD_LOG_WARN, CONF_LOGGER,
        "Changes of table %s.%s from %s to %s are not available: they were not captured, or the clean-up job removed "
        "them. If rows are missing, take a new snapshot.",
        it->schema, it->table, from, start);
}

static cd_err_t *load_list(part_t *p)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    instances_t all;
    cd_arena_done(&s->list_arena);
    s->have_list = false;
    cd_err_t *err = catalog_instances(t->conn, p->db, &s->to, &s->list_arena, &all);
    if (err != NULL) return err;
    free(s->pending);
    s->pending = calloc((size_t)all.n + 1, sizeof(bool));
    if (s->pending == NULL) abort();
    s->npending = 0;
    s->list = (instances_t){.items = all.items};
    if (all.n == 0) {
        cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER,
               "No table has enabled CDC or security constraints prevents getting the list "
               "of change tables");
    }
    for (uint32_t i = 0; i < all.n && err == NULL; i++) {
        instance_t it = all.items[i];
        if (!catalog_wanted(&t->conf, it.schema, it.table)) {
            cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER,
                   "CDC is enabled for table %s.%s but the table is not on connector's table include list", it.schema,
                   it.table);
            continue;
        }
        bool known = known_of(p, &it, &s->list_arena) != NULL, fresh = !known;
        if (known) warn_gap(p, &all, i);
        if (!known) err = learn(p, &it, &known);
        if (!known) continue;
        if (it.stop.set) {
            cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Multiple capture instances present for the same table: %s and %s",
                   it.name, all.items[i + 1].name);
        }
        bool pending = !fresh && lsn_cmp(&it.start, &s->to) < 0 && (!s->from.set || lsn_cmp(&it.start, &s->from) >= 0);
        s->pending[s->list.n] = pending;
        s->npending += pending;
        s->list.items[s->list.n++] = it;
    }
    if (err == NULL && all.n > 0 && s->list.n == 0) {
        cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER,
               "No table on connector's include list has enabled CDC, tables on include list do not contain any table "
               "with "
               "CDC enabled or no table match the include/exclude filter(s)");
    }
    s->have_list = err == NULL;
    return err;
}

/* ---- which tables changed -------------------------------------------------------------------------------------------- */

/* The newest LSN of every change table, from the end of its clustered index: a thousand quiet tables cost one short
 * answer each, and only the others get a change query. The text does not change, so the server's plans are reused. */
static cd_err_t *probe(part_t *p, bool *active)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    buf_t sql = {0};
    cd_err_t *err = NULL;
    for (uint32_t first = 0; first < s->list.n && err == NULL; first += PROBE_STATEMENTS) {
        uint32_t end = first + PROBE_STATEMENTS < s->list.n ? first + PROBE_STATEMENTS : s->list.n;
        buf_reset(&sql);
        for (uint32_t i = first; i < end; i++) {
            buf_add(&sql, "SELECT MAX([__$start_lsn]) FROM ");
            buf_ident(&sql, p->db);
            char *name = cd_arena_printf(&s->kept, "%s_CT", s->list.items[i].name);
            buf_add(&sql, ".cdc.");
            buf_ident(&sql, name);
            buf_add(&sql, ";");
        }
        err = conn_send(t->conn, sql.p);
        for (uint32_t i = first; i < end && err == NULL; i++) {
            bool open = false, row = false;
            err = conn_result(t->conn, &open);
            if (err == NULL && open) err = conn_row(t->conn, &row);
            lsn_t max = {.set = false};
            if (err == NULL && row) max = conn_lsn(t->conn, 1);
            while (err == NULL && row) err = conn_row(t->conn, &row);
            active[i] = max.set && lsn_cmp(&max, &s->from) >= 0 && lsn_cmp(&max, &s->list.items[i].start) >= 0 &&
                        (!s->list.items[i].stop.set || lsn_cmp(&s->from, &s->list.items[i].stop) < 0);
        }
        bool open = false;
        if (err == NULL) err = conn_result(t->conn, &open);
    }
    buf_done(&sql);
    return err;
}

static cd_err_t *open_live(part_t *p)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    cd_err_t *err = NULL;
    if (s->ncursors > s->nextra + 1) {
        conn_t **more = realloc(s->extra, s->ncursors * sizeof(*more));
        if (more == NULL) abort();
        memset(more + s->nextra, 0, (s->ncursors - s->nextra) * sizeof(*more));
        s->extra = more;
        s->nextra = s->ncursors;
    }
    for (uint32_t i = 0; i < s->ncursors && err == NULL; i++) {
        conn_t **slot = i == 0 ? &t->conn : &s->extra[i - 1];
        err = task_connect(t, slot);
        if (err == NULL) err = cursor_open(&s->cursors[i], &t->conf, p->db, *slot, s->npending > 0, &s->from, &s->to);
    }
    return err;
}

static cd_err_t *open_cursors(part_t *p, const bool *active, bool *ret_too_many)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    uint32_t n = 0;
    *ret_too_many = false;
    for (uint32_t i = 0; i < s->list.n; i++) n += active[i];
    s->cursors = calloc((size_t)n + 1, sizeof(cursor_t));
    if (s->cursors == NULL) abort();
    for (uint32_t i = 0; i < s->list.n; i++) {
        if (!active[i]) continue;
        known_t *k = known_of(p, &s->list.items[i], &s->kept);
        if (k == NULL) continue;
        s->cursors[s->ncursors++] = (cursor_t){.instance = &s->list.items[i], .index = i, .shape = part_shape(p, k)};
    }
    s->open = true;
    /* Kept rows are decoded at once, so a definition that changes inside the window needs live rows. */
    if (s->ncursors > 1 && s->npending == 0 && !(s->heavy && s->ncursors <= LIVE_MAX)) {
        bool fits = true;
        cd_err_t *err =
            cursors_buffer(s->cursors, s->ncursors, &t->conf, p->db, t->conn, &s->kept, &s->from, &s->to, &fits);
        if (err != NULL || fits) return err;
        s->heavy = true;
        cd_arena_done(&s->kept);
        if (s->ncursors > LIVE_MAX) *ret_too_many = true;
        if (*ret_too_many) return NULL;
    }
    return open_live(p);
}

static void position_of_window(part_t *p)
{
    stream_t *s = p->stream;
    s->start = p->offset.pos;
    s->start_serial = p->offset.serial;
    s->k = 1;
    s->window_rows = 0;
}

static cd_err_t *fetch(part_t *p, int64_t transactions)
{
    stream_t *s = p->stream;
    bool too_many = false;
    cd_err_t *err = NULL;
    for (;;) {
        bool *active = calloc((size_t)s->list.n + 1, sizeof(bool));
        if (active == NULL) abort();
        err = probe(p, active);
        if (err == NULL) err = open_cursors(p, active, &too_many);
        free(active);
        if (err != NULL || !too_many) return err;
        window_close(p);
        if (transactions == 1 || !s->last.set) {
            s->ncursors = 0;
            return cd_err_new(
                CD_ERR_FATAL, CD_JVM_CONNECT,
                "One transaction changed more than %u tables with more rows than fit in memory; split the "
                "tables over several connectors",
                LIVE_MAX);
        }
        transactions = transactions == 0 || transactions > 50 ? 50
                       : transactions / 8 + 1 < transactions  ? transactions / 8 + 1
                                                              : 1;
        err = upper_bound(p, transactions, &s->to);
        if (err != NULL) return err;
    }
}

/* An instance was dropped while it was on the list: 208 names its table or function. */
static bool instance_gone(const cd_err_t *err)
{
    return err != NULL && err->code == 208 && strstr(err->message, "cdc.") != NULL;
}

/* No transaction from our position on: cleaned away, or the server is a copy from before it. Changes that come after such
 * a failover have positions that count as read, and no query ever returns them. Said once. */
static cd_err_t *check_behind(part_t *p)
{
    stream_t *s = p->stream;
    lsn_t max;
    if (s->behind_reported) return NULL;
    cd_err_t *err = catalog_max_lsn(p->task->conn, p->db, &max);
    if (err != NULL || !max.set || lsn_cmp(&max, &s->last) >= 0) return err;
    s->behind_reported = true;
    char newest[LSN_TEXT + 1], last[LSN_TEXT + 1];
    (void)lsn_format(&max, newest);
    (void)lsn_format(&s->last, last);
    cd_log(p->task->ctx, CD_LOG_WARN, CONF_LOGGER,
           "The newest position of database %s is %s, before the position %s that was read already: the database was "
           "restored or failed over to an older copy. Changes up to that position are not seen; reset the connector's "
           "offsets to take a new snapshot.",
           p->db, newest, last);
    return NULL;
}

static cd_err_t *open_window(part_t *p, bool *ret_idle)
{
    task_t *t = p->task;
    stream_t *s = p->stream;
    *ret_idle = true;
    cd_err_t *err = upper_bound(p, t->conf.k.max_iteration_transactions, &s->to);
    if (err != NULL) return err;
    if (!s->to.set && s->last.set && (err = check_behind(p)) != NULL) return err;
    if (!s->to.set) return report_agent(p);
    s->agent_reported = false;
    if (s->after && lsn_cmp(&s->to, &s->last) <= 0) return NULL;
    s->from = s->last.set && s->after ? lsn_next(s->last) : s->last;
    bool changed = false;
    if (s->npending > 0) err = stream_migrate(p, NULL);
    if (err == NULL) err = list_changed(p, &changed);
    if (err == NULL && (changed || !s->have_list)) err = load_list(p);
    if (err != NULL) return err;
    position_of_window(p);
    err = fetch(p, t->conf.k.max_iteration_transactions);
    if (instance_gone(err)) {
        cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER, "A table is no longer captured, its capture instance is gone: %s",
               err->message);
        cd_err_free(err);
        window_close(p);
        err = load_list(p);
        if (err == NULL) err = fetch(p, t->conf.k.max_iteration_transactions);
    }
    *ret_idle = false;
    return err;
}

cd_err_t *stream_step(part_t *p, bool *ret_idle)
{
    task_t *t = p->task;
    *ret_idle = false;
    cd_err_t *err = task_connect(t, &t->conn);
    if (err != NULL) return err;
    if (p->stream == NULL) stream_begin(p);
    stream_t *s = p->stream;
    if (!s->open) {
        err = open_window(p, ret_idle);
        if (err != NULL || *ret_idle) return err;
    }
    bool done = false;
    err = merge_step(p, &done);
    if (err != NULL || !done) return err;
    s->heavy = s->heavy && s->window_rows >= LIGHT_ROWS;
    window_close(p);
    s->last = s->to;
    s->after = true;
    t->retries = 0;
    return NULL;
}

cd_err_t *stream_check_position(part_t *p, const lsn_t *position, bool *ret_gone)
{
    task_t *t = p->task;
    lsn_t oldest;
    buf_t sql = {0};
    *ret_gone = false;
    buf_add(&sql, "select min(start_lsn) from ");
    buf_ident(&sql, p->db);
    buf_add(&sql, ".cdc.change_tables");
    cd_err_t *err = task_connect(t, &t->conn);
    if (err == NULL) err = conn_query_lsn(t->conn, sql.p, &oldest);
    buf_done(&sql);
    if (err == NULL && position->set) *ret_gone = !oldest.set || lsn_cmp(position, &oldest) < 0;
    return err;
}
