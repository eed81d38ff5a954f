/* writer_keys.c: foreign keys: a row needs its parents, and what happens to the children of a row that goes. */
#include <stdio.h>
#include <string.h>

#include "sql/dml.h"

int writer_column(const cat_table_t *t, int id)
{
    for (size_t i = 0; i < t->ncols; i++)
        if (t->cols[i].id == id) return (int)i;
    return -1;
}

static bool fk_conflict(writer_t *w, const cat_fk_t *f, const cat_table_t *named, int col_id)
{
    const cat_column_t *c = table_column_id(named, col_id);
    char col[300] = "";
    if (f->ncols == 1 && c != NULL) snprintf(col, sizeof(col), ", column '%s'", c->name);
    return fail(w->s, 547, 16, 0,
                "The %s statement conflicted with the %s constraint \"%s\". The conflict occurred in database \"%s\", "
                "table \"%s.%s\"%s.",
                w->verb, named->id == f->ref_id && w->t->id == f->table_id ? "FOREIGN KEY" : "REFERENCE", f->name,
                w->sdb->db->name, named->schema, named->name, col);
}

/* Is there a row of `other` whose columns `other_cols` equal this row's `my_cols`? */
static bool row_exists(writer_t *w, const cat_table_t *other, const int *other_cols, const int *my_cols, int n,
                       const sim_value_t *cells, bool *ret)
{
    buf_t q = {0};
    sqlite3_stmt *st = NULL;
    buf_printf(&q, "SELECT 1 FROM %s WHERE ", other->storage);
    for (int i = 0; i < n; i++) buf_printf(&q, "%sc%d=?%d", i > 0 ? " AND " : "", other_cols[i], i + 1);
    buf_adds(&q, " LIMIT 1");
    bool ok = sqlite3_prepare_v2(w->s->sq, buf_text(&q), -1, &st, NULL) == SQLITE_OK;
    buf_done(&q);
    *ret = false;
    for (int i = 0; ok && i < n; i++) {
        int at = writer_column(w->t, my_cols[i]);
        if (at < 0 || cells[at].is_null) {
            *ret = true; /* a NULL part satisfies the constraint on either side */
            sqlite3_finalize(st);
            return true;
        }
        store_bind(st, i + 1, &w->t->cols[at].type, &cells[at]);
    }
    if (ok) {
        int rc = sqlite3_step(st);
        *ret = rc == SQLITE_ROW;
        ok = rc == SQLITE_ROW || rc == SQLITE_DONE;
    }
    sqlite3_finalize(st);
    return ok ? true : fail_sqlite(w->s);
}

bool writer_parents(writer_t *w, const sim_value_t *cells, const bool *changed)
{
    const catalog_t *cat = w->sdb != NULL && !w->t->temp ? w->sdb->cat : NULL;
    for (size_t i = 0; cat != NULL && i < cat->nfks; i++) {
        const cat_fk_t *f = &cat->fks[i];
        if (f->table_id != w->t->id || f->disabled) continue;
        bool touched = changed == NULL, found, null = false;
        for (int k = 0; k < f->ncols; k++) {
            int at = writer_column(w->t, f->cols[k]);
            if (at < 0) continue;
            touched = touched || changed[at];
            null = null || cells[at].is_null;
        }
        const cat_table_t *ref = catalog_table_id(cat, f->ref_id);
        if (!touched || null || ref == NULL) continue;
        if (!row_exists(w, ref, f->ref_cols, f->cols, f->ncols, cells, &found)) return false;
        if (!found) return fk_conflict(w, f, ref, f->ref_cols[0]);
    }
    return true;
}

/* What a referenced row's end or new key does to one referencing row. */
static bool follow(writer_t *cw, const writer_t *w, const cat_fk_t *f, int64_t rowid, sim_value_t *row,
                   const sim_value_t *after, int action)
{
    const cat_table_t *child = cw->t;
    if (after == NULL && action == 1) return writer_delete(cw, rowid, row);
    sim_value_t *cells = arena_alloc(&cw->s->arena, sizeof(*cells) * (child->ncols + 1));
    bool *changed = arena_alloc(&cw->s->arena, child->ncols + 1);
    memcpy(cells, row, sizeof(*cells) * child->ncols);
    for (int i = 0; i < f->ncols; i++) {
        int at = writer_column(child, f->cols[i]), from = writer_column(w->t, f->ref_cols[i]);
        if (at < 0 || from < 0) continue;
        changed[at] = true;
        if (action == 1)
            cells[at] = after[from];
        else if (action == 2)
            cells[at] = value_null();
        else if (!writer_default(cw, (size_t)at, &cells[at]))
            return false;
    }
    return writer_update(cw, rowid, row, cells, changed) && writer_keys_moved(cw, row, cells, changed);
}

static bool cascade(writer_t *w, const cat_fk_t *f, cat_table_t *child, const sim_value_t *before,
                    const sim_value_t *after, int action)
{
    writer_t cw;
    buf_t q = {0};
    sqlite3_stmt *st = NULL;
    kept_t hit = {0};
    if (++w->s->cascade_depth > 32) {
        w->s->cascade_depth--;
        return fail(w->s, 217, 16, 1,
                    "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit 32).");
    }
    if (!writer_open(&cw, w->s, w->sdb, child, w->verb)) {
        w->s->cascade_depth--;
        return false;
    }
    buf_adds(&q, "SELECT rowid");
    for (size_t i = 0; i < child->ncols; i++) {
        if (child->cols[i].computed)
            buf_adds(&q, ",NULL");
        else
            buf_printf(&q, ",c%d", child->cols[i].id);
    }
    buf_printf(&q, " FROM %s WHERE ", child->storage);
    for (int i = 0; i < f->ncols; i++) buf_printf(&q, "%sc%d=?%d", i > 0 ? " AND " : "", f->cols[i], i + 1);
    bool ok = sqlite3_prepare_v2(w->s->sq, buf_text(&q), -1, &st, NULL) == SQLITE_OK ? true : fail_sqlite(w->s);
    buf_done(&q);
    for (int i = 0; ok && i < f->ncols; i++) {
        int at = writer_column(w->t, f->ref_cols[i]);
        if (at >= 0) store_bind(st, i + 1, &w->t->cols[at].type, &before[at]);
    }
    while (ok && sqlite3_step(st) == SQLITE_ROW)
        kept_add(&w->s->arena, &hit, sqlite3_column_int64(st, 0),
                 kept_read(&w->s->arena, st, 1, &child->cols[0].type, sizeof(cat_column_t), child->ncols));
    sqlite3_finalize(st);
    for (size_t r = 0; ok && r < hit.n; r++) ok = follow(&cw, w, f, hit.rowids[r], hit.rows[r], after, action);
    w->s->cascade_depth--;
    return writer_close(&cw, ok) && ok;
}

static bool same_key(const writer_t *w, const cat_fk_t *f, const sim_value_t *a, const sim_value_t *b)
{
    for (int k = 0; k < f->ncols; k++) {
        int at = writer_column(w->t, f->ref_cols[k]);
        if (at < 0 || a[at].is_null || b[at].is_null) continue;
        if (value_cmp(&w->t->cols[at].type, &a[at], &b[at]) != 0) return false;
    }
    return true;
}

/* Rows that point to a row that has left (after NULL) or has another key now. */
static bool leave(writer_t *w, const sim_value_t *before, const sim_value_t *after)
{
    const catalog_t *cat = w->sdb != NULL && !w->t->temp ? w->sdb->cat : NULL;
    for (size_t i = 0; cat != NULL && i < cat->nfks; i++) {
        const cat_fk_t *f = &cat->fks[i];
        bool found, still;
        if (f->ref_id != w->t->id || f->disabled || (after != NULL && same_key(w, f, before, after))) continue;
        cat_table_t *child = catalog_table_id(cat, f->table_id);
        if (child == NULL) continue;
        int action = after == NULL ? f->on_delete : f->on_update;
        if (action != 0) {
            if (!cascade(w, f, child, before, after, action)) return false;
            continue;
        }
        if (!row_exists(w, child, f->cols, f->ref_cols, f->ncols, before, &found)) return false;
        if (!found || (child->id == w->t->id && after == NULL)) continue; /* self reference: the final state counts */
        if (after != NULL) { /* another row of the statement may have taken the key over */
            if (!row_exists(w, w->t, f->ref_cols, f->ref_cols, f->ncols, before, &still)) return false;
            if (still) continue;
        }
        return fk_conflict(w, f, child, f->cols[0]);
    }
    return true;
}

bool writer_keys_left(writer_t *w, const sim_value_t *before)
{
    return leave(w, before, NULL);
}

bool writer_keys_moved(writer_t *w, const sim_value_t *before, const sim_value_t *after, const bool *changed)
{
    for (size_t i = 0; i < w->t->ncols; i++)
        if (changed[i]) return leave(w, before, after);
    return true;
}
