/* bulk.c: INSERT BULK: the wire hands over rows, one statement takes them all. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"
#include "sql/dml.h"
#include "sql/security.h"

struct bulk {
    char *table; /* rendered name */
    char **cols;
    size_t ncols, width;
    int db_id, object_id;
    inserter_t in;
    sim_typeinfo_t *types;
    bool open, failed;
};

static void bulk_free(sim_session_t *s)
{
    struct bulk *b = s->bulk;
    if (b == NULL) return;
    for (size_t i = 0; i < b->ncols; i++) free(b->cols[i]);
    free(b->cols);
    free(b->types);
    free(b);
    s->bulk = NULL;
}

bool bulk_prepare(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    cat_table_t *t;
    if (!dml_target(s, &st->name, &sdb, &t) || !security_check_table(s, sdb, t, "INSERT")) return false;
    for (size_t i = 0; i < st->ncols; i++)
        if (table_column(t, st->cols[i]) == NULL) return fail(s, 207, 16, 1, "Invalid column name '%s'.", st->cols[i]);
    bulk_free(s);
    struct bulk *b = s->bulk = sim_alloc(sizeof(*b));
    b->db_id = sdb->db->id;
    b->object_id = t->id;
    b->cols = sim_alloc(sizeof(char *) * (st->ncols + 1));
    for (size_t i = 0; i < st->ncols; i++) b->cols[i] = sim_strdup(st->cols[i]);
    b->ncols = st->ncols;
    return true;
}

bool sim_session_bulk_ready(const sim_session_t *s)
{
    return s->bulk != NULL;
}

static bool bulk_fail(sim_session_t *s)
{
    if (s->err.text != NULL) send_message(s, s->err.number, s->err.class, s->err.state, s->err.text, 1);
    s->last_error = s->err.number;
    s->err = (sql_error_t){0};
    if (s->bulk != NULL) s->bulk->failed = true;
    return false;
}

bool sim_session_bulk_columns(sim_session_t *s, const sim_column_t *cols, size_t n, sim_sink_t *sink)
{
    struct bulk *b = s->bulk;
    s->sink = sink;
    s->gone = false;
    arena_reset(&s->arena);
    s->err = (sql_error_t){0};
    if (b == NULL || n != b->ncols) {
        fail(s, 4002, 16, 1,
             "The incoming tabular data stream (TDS) protocol stream is incorrect. The stream ended unexpectedly.");
        return bulk_fail(s);
    }
    s->stmt_time = server_utc(s->server);
    b->types = sim_alloc(sizeof(sim_typeinfo_t) * (n + 1));
    for (size_t i = 0; i < n; i++) b->types[i] = cols[i].type;
    sim_db_t *db = server_db_id(s->server, b->db_id);
    sdb_t *sdb = db != NULL ? session_db_attach(s, db) : NULL;
    if (sdb == NULL || !session_catalog(s, sdb)) return bulk_fail(s);
    cat_table_t *t = catalog_table_id(sdb->cat, b->object_id);
    if (t == NULL) {
        fail(s, 208, 16, 1, "Invalid object name.");
        return bulk_fail(s);
    }
    stmt_begin(s, true);
    if (!insert_target(&b->in, s, sdb, t, (const char **)b->cols, n, n, true)) return bulk_fail(s);
    b->open = true;
    return true;
}

bool sim_session_bulk_row(sim_session_t *s, const sim_value_t *cells, size_t n, sim_sink_t *sink)
{
    s->sink = sink;
    if (s->bulk == NULL || !s->bulk->open || n != s->bulk->ncols) return false;
    return insert_row(&s->bulk->in, cells, s->bulk->types, NULL) ? true : bulk_fail(s);
}

bool sim_session_bulk_end(sim_session_t *s, bool commit, sim_sink_t *sink)
{
    struct bulk *b = s->bulk;
    if (b == NULL) return true;
    s->sink = sink;
    s->gone = sink == NULL;
    bool ok = commit && b->open && !b->failed;
    uint64_t rows = b->in.w.rows;
    if (b->open) {
        ok = writer_close(&b->in.w, ok) && ok;
        ok = stmt_end(s, ok) && ok;
    } else if (b->failed) {
        stmt_end(s, false);
    }
    if (!ok && s->err.text != NULL && sink != NULL) bulk_fail(s);
    bulk_free(s);
    if (sink != NULL) send_done(s, SIM_DONE_BATCH, ok, ok ? rows : 0, !ok, 0xF0);
    s->sink = NULL;
    return !s->gone;
}
