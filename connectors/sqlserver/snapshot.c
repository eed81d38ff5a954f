/* The initial snapshot: definitions under locks, then rows in one transaction.
 *
 * The marker of a row depends on what follows it (is it the table's last? the snapshot's?). A row is therefore turned
 * into a record, the reader looks one row ahead, and the marker is set before the batch is handed out: the record is
 * still ours. When the tables after it turn out empty, the same record becomes the last one. */
#include <ctype.h>
#include <strings.h>

#include "connectors/sqlserver/buf.h"
#include "connectors/sqlserver/task.h"

struct snapshot {
    uint32_t ntables, at; /* tables whose rows are read; the one in hand */
    const char **ids;
    bool reading;   /* a result set is open on task->conn */
    bool first_row; /* the next row is the table's first */
    int64_t ts_ns;
    shape_t *shape;
    row_plan_t plan;
    uint64_t rows, table_rows;
    bool with_data;
    bool has_last; /* the batch's last record is a row whose marker may still change */
};

void snapshot_free(part_t *p)
{
    if (p->snapshot == NULL) return;
    row_plan_done(&p->snapshot->plan);
    free(p->snapshot->ids);
    free(p->snapshot);
    p->snapshot = NULL;
}

static void say(const part_t *p, int step, const char *what)
{
    cd_log(p->task->ctx, CD_LOG_INFO, CONF_LOGGER, "Snapshot step %d - %s", step, what);
}

static cd_err_t *begin_transaction(part_t *p)
{
    task_t *t = p->task;
    static const char *const levels[] = {"READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SNAPSHOT",
                                         "REPEATABLE READ"};
    char sql[160];
    bool locks = t->conf.isolation == ISOLATION_REPEATABLE_READ || t->conf.isolation == ISOLATION_EXCLUSIVE;
    cd_err_t *err = conn_exec(t->conn, "IF @@TRANCOUNT > 0 ROLLBACK TRAN");
    if (err == NULL && locks) {
        (void)snprintf(sql, sizeof(sql), "SET LOCK_TIMEOUT %lld", (long long)t->conf.k.lock_timeout_ms);
        err = conn_exec(t->conn, sql);
    }
    if (err == NULL) {
        (void)snprintf(sql, sizeof(sql), "SET TRANSACTION ISOLATION LEVEL %s", levels[t->conf.isolation]);
        err = conn_exec(t->conn, sql);
    }
    if (err == NULL) err = conn_exec(t->conn, "BEGIN TRAN");
    if (err == NULL && locks) err = conn_exec(t->conn, "SAVE TRAN dbz_schema_snapshot");
    return err;
}

static void full_name(buf_t *b, const table_t *t)
{
    buf_ident(b, t->db);
    buf_add(b, ".");
    buf_ident(b, t->schema);
    buf_add(b, ".");
    buf_ident(b, t->name);
}

static cd_err_t *lock_tables(part_t *p, table_t *const *tables, uint32_t n)
{
    task_t *t = p->task;
    bool locks = t->conf.isolation == ISOLATION_REPEATABLE_READ || t->conf.isolation == ISOLATION_EXCLUSIVE;
    if (!locks || !t->conf.lock_tables) return NULL;
    buf_t sql = {0};
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        buf_reset(&sql);
        buf_add(&sql, "SELECT TOP(0) * FROM ");
        full_name(&sql, tables[i]);
        buf_add(&sql, " WITH (TABLOCKX)");
        err = conn_exec(t->conn, sql.p);
        if (err != NULL && err->cls == CD_ERR_RETRIABLE) {
            err = cd_err_wrap(err, CD_ERR_RETRIABLE, "io.debezium.DebeziumException",
                              "Table %s could not be locked within %lld ms; see snapshot.lock.timeout.ms, or use "
                              "snapshot.isolation.mode=snapshot, which takes no locks",
                              tables[i]->id, (long long)t->conf.k.lock_timeout_ms);
        }
    }
    buf_done(&sql);
    return err;
}

static bool wanted_in_snapshot(const conf_t *conf, const table_t *t)
{
    return conf->snapshot_include.n == 0 || match_list_find(&conf->snapshot_include, t->id) >= 0 ||
           match_list_find(&conf->snapshot_include, t->quoted) >= 0;
}

/* Order of the table list's patterns, and by id inside one pattern. The snapshot's own list selects but does not order. */
static int32_t pattern_of(const conf_t *conf, const table_t *t, cd_arena_t *scratch)
{
    if (conf->table_include.n == 0) return 0;
    return match_list_find(&conf->table_include, cd_arena_printf(scratch, "%s.%s", t->schema, t->name));
}

typedef struct ranked {
    int32_t rank;
    table_t *table;
} ranked_t;

static int ranked_order(const void *a, const void *b)
{
    const ranked_t *x = a, *y = b;
    if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
    return strcmp(x->table->id, y->table->id);
}

/* The captured ones of all tables, restricted to captured columns, in snapshot order. */
static uint32_t choose(part_t *p, table_t **all, uint32_t n, const instances_t *instances, table_t **out)
{
    task_t *t = p->task;
    cd_arena_t scratch = {0};
    ranked_t *ranked = calloc((size_t)n + 1, sizeof(*ranked));
    if (ranked == NULL) abort();
    uint32_t k = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (!catalog_wanted(&t->conf, all[i]->schema, all[i]->name)) continue;
        const instance_t *newest = catalog_newest(instances, all[i]->schema, all[i]->name);
        table_t *chosen = newest != NULL ? catalog_restrict(all[i], newest, &t->arena) : all[i];
        if (newest == NULL) {
            cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER,
                   "CDC is not enabled for table %s: its changes will not be captured. Enable it with "
                   "sys.sp_cdc_enable_table.",
                   all[i]->id);
        }
        ranked[k++] = (ranked_t){.rank = pattern_of(&t->conf, all[i], &scratch), .table = chosen};
    }
    qsort(ranked, k, sizeof(*ranked), ranked_order);
    for (uint32_t i = 0; i < k; i++) out[i] = ranked[i].table;
    free(ranked);
    cd_arena_done(&scratch);
    return k;
}

/* Go on where an attempt that was cut off stood, if the server still has the changes since then. */
static cd_err_t *resume_cut_off(part_t *p, bool *ret_resumed)
{
    task_t *t = p->task;
    *ret_resumed = false;
    if (!p->resume) return NULL;
    bool gone = true;
    cd_err_t *err = stream_check_position(p, &p->resume_at, &gone);
    if (err != NULL) return err;
    char text[LSN_TEXT + 1];
    (void)lsn_format(&p->resume_at, text);
    if (gone) {
        cd_log(
            t->ctx, CD_LOG_WARN, CONF_LOGGER,
            "An earlier snapshot was cut off at %s, and the changes since then are no longer available: rows that it "
            "sent and that were deleted since then get no delete event",
            text);
        return NULL;
    }
    offset_done(&p->offset);
    p->offset = (offset_t){.present = true, .snapshot = true, .pos.commit = p->resume_at};
    *ret_resumed = true;
    cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER,
           "An earlier snapshot was cut off before its end: streaming will begin where it stood, at %s", text);
    return NULL;
}

/* Step 4: after the locks, so that whatever is committed later comes with the stream. */
static cd_err_t *take_offset(part_t *p)
{
    lsn_t max;
    bool resumed = false;
    cd_err_t *err = resume_cut_off(p, &resumed);
    if (err != NULL || resumed) return err;
    err = catalog_max_lsn(p->task->conn, p->db, &max);
    if (err != NULL) return err;
    offset_done(&p->offset);
    p->offset = (offset_t){.present = true, .snapshot = true, .pos.commit = max};
    p->resume = true; /* should this attempt be cut off */
    p->resume_at = max;
    return NULL;
}

/* Step 6. With data, every table's event belongs to the running snapshot; without, the last one ends it. */
static cd_err_t *persist(part_t *p, table_t *const *tables, uint32_t n, bool with_data)
{
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        bool last = i + 1 == n && !with_data;
        offset_t event_offset = p->offset;
        if (p->rebuild_history) {
            err = part_schema_change(p, tables[i], "CREATE", NULL, &event_offset, "true");
            continue;
        }
        /* Stored as complete, or a restart before the first change would take a later position and skip changes. */
        event_offset.snapshot_completed = last;
        err = part_schema_change(p, tables[i], "CREATE", NULL, &event_offset, last ? "last" : "true");
    }
    return err;
}

static cd_err_t *read_structure(part_t *p, cd_arena_t *scratch, bool with_data)
{
    task_t *t = p->task;
    conn_t *c = t->conn;
    instances_t instances;
    table_t **all, **tables = NULL;
    uint32_t nall = 0, n = 0;
    say(p, 2, "Determining captured tables");
    cd_err_t *err = catalog_instances(c, p->db, NULL, scratch, &instances);
    if (err == NULL) err = catalog_tables(c, t->ctx, p->db, NULL, NULL, &t->arena, &nall, &all);
    if (err != NULL) goto out;
    tables = calloc((size_t)nall + 1, sizeof(*tables));
    if (tables == NULL) abort();
    n = choose(p, all, nall, &instances, tables);
    if (n == 0) {
        cd_log(t->ctx, CD_LOG_WARN, CONF_LOGGER,
               "After applying the include/exclude list filters, no changes will be "
               "captured. Please check your configuration!");
    }
    say(p, 3, "Locking captured tables");
    err = lock_tables(p, tables, n);
    if (err != NULL) goto out;
    say(p, 4, "Determining snapshot offset");
    if (!p->rebuild_history) err = take_offset(p);
    if (err != NULL) goto out;
    say(p, 5, "Reading structure of captured tables");
    say(p, 6, "Persisting schema history");
    err = persist(p, tables, n, with_data);
    struct snapshot *s = p->snapshot;
    s->ids = calloc((size_t)n + 1, sizeof(*s->ids));
    if (s->ids == NULL) abort();
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        if (!wanted_in_snapshot(&t->conf, tables[i])) continue;
        s->ids[s->ntables++] = tables[i]->id;
    }
    if (err == NULL && !t->conf.k.store_only_captured) {
        for (uint32_t i = 0; i < nall && err == NULL; i++) {
            if (catalog_wanted(&t->conf, all[i]->schema, all[i]->name) || strcasecmp(all[i]->schema, "cdc") == 0)
                continue;
            err = part_schema_change(p, all[i], "CREATE", NULL, &p->offset, "true");
        }
    }
out:
    free(tables);
    return err;
}

cd_err_t *snapshot_open(part_t *p, bool with_data)
{
    task_t *t = p->task;
    cd_arena_t scratch = {0};
    snapshot_free(p);
    p->snapshot = calloc(1, sizeof(*p->snapshot));
    if (p->snapshot == NULL) abort();
    p->snapshot->with_data = with_data;
    say(p, 1, "Preparing");
    cd_err_t *err = task_connect(t, &t->conn);
    if (err == NULL) err = begin_transaction(p);
    if (err == NULL) err = read_structure(p, &scratch, with_data);
    if (err == NULL && t->conf.isolation == ISOLATION_REPEATABLE_READ)
        err = conn_exec(t->conn, "IF @@TRANCOUNT > 0 ROLLBACK TRAN dbz_schema_snapshot");
    if (err == NULL) say(p, 7, with_data ? "Snapshotting data" : "Skipping snapshotting of data");
    cd_arena_done(&scratch);
    cd_metric_set(p->snapshot_running, err == NULL);
    cd_metric_set(p->snapshot_completed, 0);
    return err;
}

/* ---- rows ---------------------------------------------------------------------------------------------------------- */

static const char *override_of(const conf_t *conf, const table_t *t, cd_arena_t *scratch)
{
    if (conf->k.snapshot_overrides == NULL) return NULL;
    const char *names[] = {t->id, cd_arena_printf(scratch, "%s.%s", t->schema, t->name)};
    for (size_t i = 0; i < 2; i++) {
        const char *sql =
            cd_config_get(conf->config, cd_arena_printf(scratch, "snapshot.select.statement.overrides.%s", names[i]));
        if (sql != NULL) return sql;
    }
    return NULL;
}

static void column_list(buf_t *sql, const shape_t *s)
{
    for (uint32_t i = 0; i < s->ncells; i++) {
        bool again = false; /* a masked key column is read once and decoded twice */
        for (uint32_t k = 0; k < i; k++) again |= s->fields[k]->column == s->fields[i]->column;
        if (again) continue;
        if (i > 0) buf_add(sql, ", ");
        buf_ident(sql, s->fields[i]->column->name);
    }
}

/* `SELECT * …` of an override names the columns instead: computed and excluded ones need not travel. */
static void add_override(buf_t *sql, const char *text, const shape_t *s)
{
    const char *p = text;
    while (isspace((unsigned char)*p)) p++;
    if (strncasecmp(p, "select", 6) == 0) {
        const char *star = p + 6;
        while (isspace((unsigned char)*star)) star++;
        if (*star == '*') {
            buf_add(sql, "SELECT ");
            column_list(sql, s);
            buf_add(sql, star + 1);
            return;
        }
    }
    buf_add(sql, text);
}

static cd_err_t *open_table(part_t *p)
{
    task_t *t = p->task;
    struct snapshot *s = p->snapshot;
    known_t *k = part_find(p, s->ids[s->at]);
    if (k == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "No metadata registered for captured table %s", s->ids[s->at]);
    s->shape = part_shape(p, k);
    cd_arena_t scratch = {0};
    buf_t sql = {0};
    const char *override = override_of(&t->conf, k->table, &scratch);
    buf_add(&sql, "SELECT SYSDATETIMEOFFSET();");
    if (override != NULL) {
        add_override(&sql, override, s->shape);
    } else {
        buf_add(&sql, "SELECT ");
        column_list(&sql, s->shape);
        buf_add(&sql, " FROM ");
        full_name(&sql, k->table);
    }
    bool row = false, open = false;
    cd_err_t *err = conn_query(t->conn, sql.p);
    if (err == NULL) err = conn_row(t->conn, &row);
    moment_t m;
    s->ts_ns = emit_clock_ns();
    if (err == NULL && row && convert_wire_moment(dbcoltype(t->conn->db, 1), dbdata(t->conn->db, 1), &m))
        s->ts_ns = m.days * INT64_C(86400000000000) + m.ticks * 100;
    while (err == NULL && row) err = conn_row(t->conn, &row);
    if (err == NULL) err = conn_result(t->conn, &open);
    if (err == NULL && !open)
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "The snapshot statement of %s returned no result set",
                         k->table->id);
    row_plan_done(&s->plan);
    if (err == NULL) {
        row_plan_init(&s->plan, t->conn, s->shape->fields, s->shape->ncells);
        err = conn_row(t->conn, &s->reading);
        s->first_row = true;
        s->table_rows = 0;
        cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Exporting data from table '%s' (%u of %u tables)", k->table->id,
               s->at + 1, s->ntables);
    }
    buf_done(&sql);
    cd_arena_done(&scratch);
    return err;
}

static cd_err_t *close_table(part_t *p)
{
    task_t *t = p->task;
    struct snapshot *s = p->snapshot;
    bool open = true;
    cd_err_t *err = conn_result(t->conn, &open); /* an error at the end of the rows shows up here */
    conn_cancel(t->conn);
    if (s->plan.errors > 0) {
        cd_log(t->ctx, CD_LOG_ERROR, CONF_LOGGER, "%u values of table %s could not be converted and were left out",
               s->plan.errors, s->ids[s->at]);
    }
    cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Finished exporting %llu records for table '%s'",
           (unsigned long long)s->table_rows, s->ids[s->at]);
    s->at++;
    return err;
}

/* Turn the row in hand into a record, look at the next one, and mark. */
static cd_err_t *take_row(part_t *p, const cd_value_t *offset, cd_value_t commit)
{
    task_t *t = p->task;
    struct snapshot *s = p->snapshot;
    cd_arena_t *a = &t->emit.batch->arena;
    cd_value_t *cells = cd_arena_array(a, cd_value_t, (size_t)s->shape->ncells + 1);
    row_plan_read(&s->plan, t->conn, cells, a);
    bool first = s->first_row;
    s->first_row = false;
    cd_err_t *err = conn_row(t->conn, &s->reading);
    bool last = err == NULL && !s->reading, first_table = s->at == 0, last_table = s->at + 1 == s->ntables;
    const char *marker = last && last_table     ? "last"
                         : first && first_table ? "first"
                         : last                 ? "last_in_data_collection"
                         : first                ? "first_in_data_collection"
                                                : "true";
    origin_t origin = {.ts_ns = s->ts_ns, .snapshot = marker, .commit = commit, .change = CD_V_NULL, .serial = -1};
    (void)emit_row(&t->emit, s->shape, 'r', NULL, cells, &origin, NULL, offset);
    s->has_last = true;
    s->rows++;
    s->table_rows++;
    cd_metric_add(t->seen, 1);
    return err;
}

static cd_err_t *finish(part_t *p)
{
    task_t *t = p->task;
    struct snapshot *s = p->snapshot;
    cd_err_t *err = conn_exec(t->conn, "IF @@TRANCOUNT > 0 ROLLBACK TRAN");
    if (err == NULL) err = conn_exec(t->conn, "SET TRANSACTION ISOLATION LEVEL READ COMMITTED");
    if (err == NULL) err = conn_exec(t->conn, "SET LOCK_TIMEOUT -1");
    if (err != NULL) return err;
    if (p->rebuild_history) {
        p->rebuild_history = false; /* the stored position stays what it was */
    } else {
        p->offset.snapshot_completed = true;
        p->resume = false;
    }
    if (s->has_last) {
        cd_record_t *r = &t->emit.batch->records[t->emit.batch->count - 1];
        emit_marker(&t->emit, r, "last");
        r->source_offset = emit_offset(&t->emit, &p->offset);
    }
    cd_log(t->ctx, CD_LOG_INFO, CONF_LOGGER, "Snapshot completed: %llu records of %u tables in database %s",
           (unsigned long long)s->rows, s->with_data ? s->ntables : 0, p->db);
    cd_metric_set(p->snapshot_running, 0);
    cd_metric_set(p->snapshot_completed, 1);
    return part_heartbeat(p, true);
}

cd_err_t *snapshot_step(part_t *p, bool *ret_done)
{
    task_t *t = p->task;
    struct snapshot *s = p->snapshot;
    *ret_done = false;
    s->has_last = false;
    cd_err_t *err = NULL;
    const cd_value_t *offset = NULL;
    cd_value_t commit = CD_V_NULL;
    if (s->with_data && s->at < s->ntables) {
        offset = emit_offset(&t->emit, &p->offset);
        commit = lsn_cell(&p->offset.pos.commit, &t->emit.batch->arena);
    }
    while (err == NULL && s->with_data && s->at < s->ntables) {
        if (s->shape == NULL) err = open_table(p);
        while (err == NULL && s->reading && !task_full(t)) err = take_row(p, offset, commit);
        if (err != NULL || s->reading) return err;
        err = close_table(p);
        s->shape = NULL;
    }
    if (err == NULL) {
        err = finish(p);
        *ret_done = err == NULL;
    }
    return err;
}
