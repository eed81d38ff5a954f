#include "connectors/sqlserver/cursor.h"

#include <strings.h>

static bool needed(const shape_t *need, const char *column)
{
    if (need == NULL) return true;
    for (uint32_t i = 0; i < need->ncells; i++) {
        if (strcasecmp(need->fields[i]->column->name, column) == 0) return true;
    }
    return false;
}

static void operation_filter(buf_t *sql, const conf_t *conf, const char *word, const char *column)
{
    if (!conf->skip_create && !conf->skip_update && !conf->skip_delete) return;
    const char *comma = "";
    buf_printf(sql, " %s %s NOT IN (", word, column);
    if (conf->skip_create) {
        buf_add(sql, "2");
        comma = ",";
    }
    if (conf->skip_update) {
        buf_printf(sql, "%s3,4", comma);
        comma = ",";
    }
    if (conf->skip_delete) buf_printf(sql, "%s1", comma);
    buf_add(sql, ")");
}

static void statement_direct(buf_t *sql, const conf_t *conf, const char *db, const instance_t *i, const shape_t *need,
                             const char *from, const char *to)
{
    buf_add(sql, "SELECT cdc_data.[__$start_lsn], cdc_data.[__$seqval], cdc_data.[__$operation]");
    for (uint32_t k = 0; k < i->ncolumns; k++) {
        if (!needed(need, i->columns[k])) continue;
        buf_add(sql, ", cdc_data.");
        buf_ident(sql, i->columns[k]);
    }
    buf_add(sql, ", TODATETIMEOFFSET(ltm.tran_end_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM ");
    buf_ident(sql, db);
    buf_add(sql, ".cdc.");
    size_t size = strlen(i->name) + sizeof("_CT");
    char *table = malloc(size);
    if (table == NULL) abort();
    (void)snprintf(table, size, "%s_CT", i->name);
    buf_ident(sql, table);
    free(table);
    buf_add(sql, " AS cdc_data LEFT JOIN ");
    buf_ident(sql, db);
    buf_printf(
        sql,
        ".cdc.lsn_time_mapping ltm ON ltm.start_lsn = cdc_data.[__$start_lsn] WHERE [cdc_data].[__$start_lsn] >= %s "
        "AND [cdc_data].[__$start_lsn] <= %s",
        from, to);
    operation_filter(sql, conf, "AND", "[cdc_data].[__$operation]");
    buf_add(sql, " ORDER BY cdc_data.[__$start_lsn] ASC, cdc_data.[__$command_id] ASC, cdc_data.[__$seqval] ASC, "
                 "cdc_data.[__$operation] ASC");
}

static void statement_function(buf_t *sql, const conf_t *conf, const char *db, const instance_t *i, const shape_t *need,
                               const char *from, const char *to)
{
    buf_add(sql, "SELECT [__$start_lsn], [__$seqval], [__$operation]");
    for (uint32_t k = 0; k < i->ncolumns; k++) {
        if (!needed(need, i->columns[k])) continue;
        buf_add(sql, ", ");
        buf_ident(sql, i->columns[k]);
    }
    buf_add(sql, ", TODATETIMEOFFSET(");
    buf_ident(sql, db);
    buf_add(sql, ".sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM ");
    buf_ident(sql, db);
    size_t size = strlen(i->name) + sizeof("fn_cdc_get_all_changes_");
    char *name = malloc(size);
    if (name == NULL) abort();
    (void)snprintf(name, size, "fn_cdc_get_all_changes_%s", i->name);
    buf_add(sql, ".cdc.");
    buf_ident(sql, name);
    free(name);
    buf_printf(sql, "(%s, %s, N'all update old')", from, to);
    operation_filter(sql, conf, "WHERE", "[__$operation]");
    buf_add(sql, " ORDER BY [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC");
}

void cursor_statement(buf_t *sql, const conf_t *conf, const char *db, const instance_t *i, const shape_t *need,
                      const lsn_t *from, const lsn_t *to)
{
    char low[2 * LSN_BYTES + 3], high[2 * LSN_BYTES + 3];
    const lsn_t *first = lsn_cmp(&i->start, from) > 0 ? &i->start : from;
    lsn_t zero = {.set = true};
    lsn_literal(first->set ? first : &zero, low);
    lsn_literal(to, high);
    if (conf->query == QUERY_FUNCTION) {
        statement_function(sql, conf, db, i, need, low, high);
    } else {
        statement_direct(sql, conf, db, i, need, low, high);
    }
}

/* The first three columns are binary(10), binary(10) and int in every change table. */
static void read_row(cursor_t *c)
{
    DBPROCESS *db = c->conn->db;
    const uint8_t *op = dbdata(db, 3);
    lsn_t commit = lsn_from_bytes(dbdata(db, 1), LSN_BYTES);
    c->op = 0;
    if (op != NULL) memcpy(&c->op, op, sizeof(c->op));
    c->pos.change = lsn_from_bytes(dbdata(db, 2), LSN_BYTES);
    if (commit.set && lsn_equal(&commit, &c->pos.commit)) return; /* one transaction has one time */
    c->pos.commit = commit;
    moment_t m;
    const uint8_t *time = dbdata(db, c->time_col);
    c->ts_ns = INT64_MIN;
    if (time != NULL && convert_wire_moment(c->time_wire, time, &m))
        c->ts_ns = m.days * INT64_C(86400000000000) + m.ticks * 100;
}

/* Where the row's own columns are in the open result set; a server that answers with other ones is not understood. */
static cd_err_t *find_columns(cursor_t *c)
{
    DBPROCESS *db = c->conn->db;
    c->time_col = dbnumcols(db);
    if (c->time_col < 4 || dbcollen(db, 1) != LSN_BYTES || dbcollen(db, 2) != LSN_BYTES ||
        dbcoltype(db, 3) != SYBINT4) {
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "The change table of capture instance %s has an unknown layout",
                          c->instance->name);
    }
    c->time_wire = dbcoltype(db, c->time_col);
    return NULL;
}

cd_err_t *cursor_next(cursor_t *c)
{
    if (c->conn == NULL) {
        c->row = ++c->at < c->nkept;
        if (c->row) {
            const kept_row_t *k = &c->kept[c->at];
            c->pos = k->pos;
            c->op = k->op;
            c->ts_ns = k->ts_ns;
        }
        return NULL;
    }
    cd_err_t *err = conn_row(c->conn, &c->row);
    if (err == NULL && c->row) {
        read_row(c);
        return NULL;
    }
    bool open = false;
    if (err == NULL) err = conn_result(c->conn, &open); /* an error at the end of the rows shows up here */
    return err;
}

cd_err_t *cursor_open(cursor_t *c, const conf_t *conf, const char *db, conn_t *conn, bool all_columns,
                      const lsn_t *from, const lsn_t *to)
{
    buf_t sql = {0};
    cursor_statement(&sql, conf, db, c->instance, all_columns ? NULL : c->shape, from, to);
    c->conn = conn;
    cd_err_t *err = conn_query(conn, sql.p);
    buf_done(&sql);
    if (err == NULL) err = find_columns(c);
    return err != NULL ? err : cursor_next(c);
}

static void plan(cursor_t *c)
{
    row_plan_init(&c->plan, c->conn, c->shape->fields, c->shape->ncells);
    c->planned = true;
}

cd_value_t *cursor_cells(cursor_t *c, cd_arena_t *arena)
{
    uint32_t n = c->shape->ncells;
    cd_value_t *cells = cd_arena_array(arena, cd_value_t, (size_t)n + 1);
    if (c->conn != NULL) {
        if (CD_UNLIKELY(!c->planned)) plan(c);
        row_plan_read(&c->plan, c->conn, cells, arena);
        return cells;
    }
    memcpy(cells, c->kept[c->at].cells, n * sizeof(*cells));
    for (uint32_t i = 0; i < n; i++) {
        /* Constant cells (masks, defaults) are copied as well: that is cheaper than telling them apart. */
        if ((cells[i].type == CD_STRING || cells[i].type == CD_BYTES) && cells[i].bytes != NULL)
            cells[i].str = cd_arena_strndup(arena, cells[i].str, cells[i].len);
    }
    return cells;
}

static void keep(cursor_t *c, cd_arena_t *arena)
{
    if (c->nkept == c->cap_kept) {
        c->cap_kept = c->cap_kept == 0 ? 64 : c->cap_kept * 2;
        kept_row_t *more = realloc(c->kept, c->cap_kept * sizeof(*more));
        if (more == NULL) abort();
        c->kept = more;
    }
    c->kept[c->nkept++] = (kept_row_t){.pos = c->pos, .op = c->op, .ts_ns = c->ts_ns, .cells = cursor_cells(c, arena)};
}

cd_err_t *cursors_buffer(cursor_t *cursors, uint32_t n, const conf_t *conf, const char *db, conn_t *conn,
                         cd_arena_t *arena, const lsn_t *from, const lsn_t *to, bool *ret_fits)
{
    buf_t sql = {0};
    size_t total = 0;
    *ret_fits = true;
    for (uint32_t i = 0; i < n; i++) {
        cursor_statement(&sql, conf, db, cursors[i].instance, cursors[i].shape, from, to);
        buf_add(&sql, ";");
    }
    cd_err_t *err = conn_send(conn, sql.p);
    for (uint32_t i = 0; i < n && err == NULL && *ret_fits; i++) {
        cursor_t *c = &cursors[i];
        bool open = false, row = true;
        err = conn_result(conn, &open);
        if (err == NULL && !open)
            err = cd_err_new(CD_ERR_RETRIABLE, CONN_SQL_EXCEPTION, "The statement did not return a result set.");
        if (err != NULL) break;
        c->conn = conn;
        err = find_columns(c);
        while (err == NULL && row && *ret_fits) {
            err = conn_row(conn, &row);
            if (err != NULL || !row) break;
            read_row(c);
            keep(c, arena);
            total += sizeof(kept_row_t);
            *ret_fits = arena->used + total <= CURSOR_KEEP_BYTES;
        }
        c->conn = NULL;
    }
    bool open = false;
    if (err == NULL && *ret_fits) err = conn_result(conn, &open);
    if (!*ret_fits) conn_cancel(conn);
    buf_done(&sql);
    for (uint32_t i = 0; i < n; i++) {
        cursor_t *c = &cursors[i];
        if (!*ret_fits) {
            row_plan_done(&c->plan);
            c->planned = false;
            c->nkept = 0;
        }
        c->at = UINT32_MAX; /* before the first row */
        if (err == NULL) err = cursor_next(c);
    }
    return err;
}

void cursor_done(cursor_t *c)
{
    row_plan_done(&c->plan);
    free(c->kept);
    *c = (cursor_t){0};
}
