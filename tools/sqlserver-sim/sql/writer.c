/* writer.c: the one way rows enter, change and leave tables. Every constraint is checked here with SQL Server's own
 * messages; SQLite enforces only uniqueness, whose failures are translated back to the index they belong to. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc.h"
#include "sql/bind.h"
#include "sql/exec.h"
#include "sql/parser.h"

bool writer_open(writer_t *w, sim_session_t *s, sdb_t *sdb, cat_table_t *t, const char *verb)
{
    memset(w, 0, sizeof(*w));
    w->s = s;
    w->sdb = sdb;
    w->t = t;
    w->verb = verb;
    w->identity_at = -1;
    w->logged = t->tracked && !t->temp;
    for (size_t i = 0; i < t->ncols; i++)
        if (t->cols[i].identity) w->identity_at = (int)i;
    if (!t->temp && !tran_write(s, sdb, t->in_cdc)) return false;
    if (!t->temp && !t->in_cdc && !lock_take(s, sdb->db->id, t->id, false)) return false;
    return true;
}

bool writer_convert(writer_t *w, const cat_column_t *c, const sim_typeinfo_t *from, const sim_value_t *v,
                    sim_value_t *ret)
{
    sql_error_t err = {0};
    sim_session_t *s = w->s;
    if (value_convert(&w->arena, from, v, &c->type, 0, CONVERT_IMPLICIT, ret, &err)) return true;
    if (err.number != 8152) return fail_err(s, &err);
    buf_t text = {0};
    value_text(from, v, 0, &text);
    size_t limit = (size_t)(type_chars(&c->type) < 0 ? 0 : type_chars(&c->type));
    size_t cut = type_is_binary(c->type.base) ? 0 : utf8_prefix(buf_text(&text), text.len, limit);
    fail(s, 2628, 16, 1,
         "String or binary data would be truncated in table '%s.%s.%s', column '%s'. Truncated value: '%.*s'.",
         w->t->temp ? "tempdb" : w->sdb->db->name, w->t->schema, w->t->name, c->name, (int)cut, buf_text(&text));
    buf_done(&text);
    return false;
}

static void key_text(const cat_table_t *t, const cat_index_t *ix, const sim_value_t *cells, buf_t *out)
{
    for (int i = 0; i < ix->ncols; i++) {
        if (i > 0) buf_adds(out, ", ");
        for (size_t k = 0; k < t->ncols; k++) {
            if (t->cols[k].id != ix->cols[i]) continue;
            if (cells[k].is_null)
                buf_adds(out, "<NULL>");
            else
                value_text(&t->cols[k].type, &cells[k], 121, out);
        }
    }
}

/* Has another row this key? NULLs are equal here, unlike in SQLite's own unique indexes. */
static bool key_taken(writer_t *w, const cat_index_t *ix, const sim_value_t *cells, bool *ret)
{
    buf_t q = {0};
    sqlite3_stmt *st = NULL;
    buf_printf(&q, "SELECT 1 FROM %s WHERE rowid<>?1", w->t->storage);
    for (int i = 0; i < ix->ncols; i++) buf_printf(&q, " AND c%d IS ?%d", ix->cols[i], i + 2);
    buf_adds(&q, " LIMIT 1");
    bool ok = sqlite3_prepare_v2(w->s->sq, buf_text(&q), -1, &st, NULL) == SQLITE_OK;
    buf_done(&q);
    if (ok) sqlite3_bind_int64(st, 1, w->rowid);
    for (int i = 0; ok && i < ix->ncols; i++) {
        int at = writer_column(w->t, ix->cols[i]);
        store_bind(st, i + 2, &w->t->cols[at].type, &cells[at]);
    }
    int rc = ok ? sqlite3_step(st) : SQLITE_ERROR;
    *ret = rc == SQLITE_ROW;
    sqlite3_finalize(st);
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? true : fail_sqlite(w->s);
}

static bool duplicate(writer_t *w, const cat_index_t *ix, const sim_value_t *cells)
{
    buf_t key = {0};
    key_text(w->t, ix, cells, &key);
    if (ix->pk || ix->uq)
        fail(w->s, 2627, 14, 1,
             "Violation of %s constraint '%s'. Cannot insert duplicate key in object '%s.%s'. The duplicate key value "
             "is "
             "(%s).",
             ix->pk ? "PRIMARY KEY" : "UNIQUE KEY", ix->name, w->t->schema, w->t->name, buf_text(&key));
    else
        fail(w->s, 2601, 14, 1,
             "Cannot insert duplicate key row in object '%s.%s' with unique index '%s'. The duplicate key value is "
             "(%s).",
             w->t->schema, w->t->name, ix->name, buf_text(&key));
    buf_done(&key);
    return false;
}

/* The first violated index by its number; with only_nulls those that SQLite does not watch: keys with a NULL. */
static bool check_unique(writer_t *w, const sim_value_t *cells, bool only_nulls)
{
    for (size_t i = 0; i < w->t->nindexes; i++) {
        const cat_index_t *ix = &w->t->indexes[i];
        bool null = false, taken = false;
        for (int k = 0; k < ix->ncols; k++) {
            int at = writer_column(w->t, ix->cols[k]);
            null = null || (at >= 0 && cells[at].is_null);
        }
        if (!ix->unique || (only_nulls && !null)) continue;
        if (!key_taken(w, ix, cells, &taken)) return false;
        if (taken) return duplicate(w, ix, cells);
    }
    return true;
}

static bool step_write(writer_t *w, sqlite3_stmt *st, const sim_value_t *cells)
{
    int rc = sqlite3_step(st);
    sqlite3_reset(st);
    if (rc == SQLITE_DONE) return true;
    if ((sqlite3_extended_errcode(w->s->sq) & 0xFF) == SQLITE_CONSTRAINT && cells != NULL)
        return check_unique(w, cells, false) && fail_sqlite(w->s);
    return fail_sqlite(w->s);
}

static bool check_nulls(writer_t *w, const sim_value_t *cells)
{
    for (size_t i = 0; i < w->t->ncols; i++) {
        const cat_column_t *c = &w->t->cols[i];
        if (!cells[i].is_null || !c->type.not_null || c->computed) continue;
        return fail(
            w->s, 515, 16, 2,
            "Cannot insert the value NULL into column '%s', table '%s.%s.%s'; column does not allow nulls. %s fails.",
            c->name, w->t->temp ? "tempdb" : w->sdb->db->name, w->t->schema, w->t->name, w->verb);
    }
    return true;
}

/* The only column an expression names, for the message of a violated CHECK; *several is set when there are more. */
static void only_column(const cat_table_t *t, const expr_t *e, const cat_column_t **hit, bool *several)
{
    if (e == NULL) return;
    if (e->kind == E_COL) {
        const cat_column_t *c = table_column(t, e->name.part[e->name.n - 1]);
        if (*hit != NULL && c != *hit) *several = true;
        if (c != NULL) *hit = c;
    }
    for (size_t i = 0; i < e->nargs; i++) only_column(t, e->args[i], hit, several);
}

static bool check_conditions(writer_t *w, const sim_value_t *cells)
{
    for (size_t i = 0; i < w->t->nchecks; i++) {
        const cat_check_t *c = &w->t->checks[i];
        expr_t *e;
        sql_error_t err = {0};
        binder_t b;
        const char *sql;
        if (c->disabled) continue;
        if (!parse_expression(&w->arena, c->text, strlen(c->text), true, &e, &err)) return fail_err(w->s, &err);
        binder_init(&b, w->s);
        scope_src_t src = {.alias = w->t->name, .tn = "r", .ncols = w->t->ncols, .table = w->t};
        scope_t sc = {.srcs = &src, .nsrcs = 1};
        src.cols = arena_alloc(&w->arena, sizeof(scope_col_t) * (w->t->ncols + 1));
        buf_t q = {0};
        for (size_t k = 0; k < w->t->ncols; k++) {
            const cat_column_t *col = &w->t->cols[k];
            src.cols[k] = (scope_col_t){col->name, arena_printf(&w->arena, "c%d", col->id), col->type, 0, col};
            buf_printf(&q, "%s%s AS c%d", k > 0 ? "," : "", bind_param(&b, &col->type, &cells[k]), col->id);
        }
        b.scope = &sc;
        bool ok = bind_cond(&b, e, &sql);
        bool violated = false;
        if (ok) {
            sqlite3_stmt *st =
                bind_prepare(&b, arena_printf(&w->s->arena, "SELECT %s FROM (SELECT %s) AS r", sql, buf_text(&q)));
            ok = st != NULL;
            if (ok && sqlite3_step(st) == SQLITE_ROW)
                violated = sqlite3_column_type(st, 0) != SQLITE_NULL && sqlite3_column_int(st, 0) == 0;
            else
                ok = fail_sqlite(w->s);
            sqlite3_finalize(st);
        }
        buf_done(&q);
        if (!ok) return false;
        if (!violated) continue;
        const cat_column_t *one = NULL;
        bool several = false;
        only_column(w->t, e, &one, &several);
        bool named = one != NULL && !several;
        return fail(w->s, 547, 16, 0,
                    "The %s statement conflicted with the CHECK constraint \"%s\". The conflict occurred in "
                    "database \"%s\", table \"%s.%s\"%s%s%s.",
                    w->verb, c->name, w->t->temp ? "tempdb" : w->sdb->db->name, w->t->schema, w->t->name,
                    named ? ", column '" : "", named ? one->name : "", named ? "'" : "");
    }
    return true;
}

/* Captured values above "max text repl size" fail the statement, as with the server option's default of 65536. */
static bool check_lobs(writer_t *w, const sim_value_t *cells)
{
    for (size_t i = 0; w->logged && i < w->t->ncols; i++) {
        const sim_typeinfo_t *t = &w->t->cols[i].type;
        if (!type_is_lob(t) || cells[i].is_null) continue;
        size_t n = type_is_unicode(t->base) || t->base == SIM_T_XML
                       ? utf16_units(cells[i].u.s.ptr, cells[i].u.s.len) * 2
                       : cells[i].u.s.len;
        if (n > 65536)
            return fail(
                w->s, 7139, 16, 1,
                "Length of LOB data (%zu) to be replicated exceeds configured maximum 65536. Use the stored procedure "
                "sp_configure to increase the configured maximum value for max text repl size option, which defaults "
                "to 65536. A configured value of -1 indicates no limit, other that the limit imposed by the data type.",
                n);
    }
    return true;
}

static bool prepare_insert(writer_t *w)
{
    buf_t q = {0}, v = {0};
    buf_printf(&q, "INSERT INTO %s(rowid", w->t->storage);
    buf_adds(&v, "?1");
    for (size_t i = 0; i < w->t->ncols; i++) {
        if (w->t->cols[i].computed) continue;
        buf_printf(&q, ",c%d", w->t->cols[i].id);
        buf_printf(&v, ",?%zu", i + 2);
    }
    buf_printf(&q, ") VALUES(%s)", buf_text(&v));
    bool ok = sqlite3_prepare_v3(w->s->sq, buf_text(&q), -1, SQLITE_PREPARE_PERSISTENT, &w->insert, NULL) == SQLITE_OK;
    buf_done(&q);
    buf_done(&v);
    return ok ? true : fail_sqlite(w->s);
}

bool writer_default(writer_t *w, size_t i, sim_value_t *cell)
{
    const cat_column_t *c = &w->t->cols[i];
    *cell = value_null();
    if (c->type.base == SIM_T_TIMESTAMP || c->dflt == NULL) return true;
    if (w->defaults == NULL) {
        w->defaults = arena_alloc(&w->s->arena, sizeof(*w->defaults) * w->t->ncols);
        w->has_default = arena_alloc(&w->s->arena, w->t->ncols);
    }
    if (w->has_default[i]) {
        *cell = w->defaults[i];
        return true;
    }
    expr_t *e;
    sql_error_t err = {0};
    sim_typeinfo_t t;
    sim_value_t v;
    if (!parse_expression(&w->arena, c->dflt, strlen(c->dflt), false, &e, &err)) return fail_err(w->s, &err);
    if (!eval_scalar(w->s, e, NULL, &v, &t) || !writer_convert(w, c, &t, &v, cell)) return false;
    if (strstr(c->dflt, "new") != NULL || strstr(c->dflt, "rand") != NULL) return true;
    w->defaults[i] = *cell;
    if (!cell->is_null && (type_is_char(c->type.base) || type_is_binary(c->type.base) || c->type.base == SIM_T_XML))
        w->defaults[i].u.s.ptr = arena_memdup(&w->s->arena, cell->u.s.ptr, cell->u.s.len);
    w->has_default[i] = c->type.base != SIM_T_VARIANT;
    return true;
}

static bool next_identity(writer_t *w, sim_value_t *cell)
{
    const cat_column_t *c = &w->t->cols[w->identity_at];
    int64_t last = c->seed - c->incr, v;
    bool fresh;
    sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
    if (w->t->temp) {
        if (!sq_int(w->s, &last, "SELECT max(c%d) FROM %s", c->id, w->t->storage)) return false;
        v = (w->wrote_identity || last != 0 ? last : c->seed - c->incr) + c->incr;
        if (!w->wrote_identity && last == 0) v = c->seed;
    } else {
        if (!w->wrote_identity)
            sq_int(w->s, &last, "SELECT last FROM %s._sim_identity WHERE object_id=%d", w->sdb->db->attach, w->t->id);
        v = server_identity_next(w->sdb->db, w->t->id, last, c->incr, &fresh);
    }
    w->max_identity = v;
    w->wrote_identity = true;
    sim_value_t iv = value_int(v);
    sql_error_t err = {0};
    if (!value_convert(&w->arena, &big, &iv, &c->type, 0, 0, cell, &err))
        return fail(w->s, 8115, 16, 1, "Arithmetic overflow error converting IDENTITY to data type %s.",
                    type_name(c->type.base));
    return true;
}

static void remember_identity(writer_t *w, const sim_value_t *cell)
{
    const sim_typeinfo_t *t = &w->t->cols[w->identity_at].type;
    sim_session_t *s = w->s;
    s->has_identity = s->has_scope_identity = true;
    s->last_identity.is_null = false;
    if (type_is_decimal(t->base)) {
        s->last_identity = *cell;
    } else {
        value_set_dec(&s->last_identity, cell->u.i);
    }
}

static bool next_rowversion(writer_t *w, sim_value_t *cell)
{
    int64_t v = 0;
    if (!w->t->temp) {
        if (!sq_exec(w->s, "UPDATE %s._sim_meta SET v=v+1 WHERE k='rowver'", w->sdb->db->attach) ||
            !sq_int(w->s, &v, "SELECT v FROM %s._sim_meta WHERE k='rowver'", w->sdb->db->attach))
            return false;
    }
    char *b = arena_alloc(&w->arena, 8);
    for (int i = 0; i < 8; i++) b[i] = (char)((uint64_t)v >> (8 * (7 - i)));
    *cell = value_bytes(b, 8);
    return true;
}

static bool put_row(writer_t *w, int64_t rowid, const sim_value_t *cells)
{
    if (w->insert == NULL && !prepare_insert(w)) return false;
    if (rowid == 0)
        sqlite3_bind_null(w->insert, 1);
    else
        sqlite3_bind_int64(w->insert, 1, rowid);
    for (size_t i = 0; i < w->t->ncols; i++)
        if (!w->t->cols[i].computed) store_bind(w->insert, (int)i + 2, &w->t->cols[i].type, &cells[i]);
    return step_write(w, w->insert, cells);
}

bool writer_insert(writer_t *w, sim_value_t *cells, const bool *given)
{
    const cat_table_t *t = w->t;
    bool ok = true;
    for (size_t i = 0; ok && i < t->ncols; i++) {
        if (t->cols[i].type.base == SIM_T_TIMESTAMP && !t->cols[i].computed && !t->in_cdc)
            ok = next_rowversion(w, &cells[i]);
        else if ((int)i == w->identity_at && !given[i])
            ok = next_identity(w, &cells[i]);
        else if (!given[i])
            ok = writer_default(w, i, &cells[i]);
    }
    ok = ok && check_nulls(w, cells) && check_lobs(w, cells);
    ok = ok && (t->nchecks == 0 || check_conditions(w, cells));
    w->rowid = 0;
    ok = ok && check_unique(w, cells, true) && put_row(w, 0, cells) && writer_parents(w, cells, NULL);
    if (ok && w->identity_at >= 0) {
        remember_identity(w, &cells[w->identity_at]);
        if (given[w->identity_at] && !type_is_decimal(t->cols[w->identity_at].type.base)) {
            int64_t v = cells[w->identity_at].u.i;
            if (!w->wrote_identity || v > w->max_identity) w->max_identity = v;
            w->wrote_identity = true;
        }
    }
    if (ok && w->logged) log_change(w->s, w->sdb, t, 2, NULL, cells);
    w->rows++;
    return ok;
}

bool writer_update(writer_t *w, int64_t rowid, const sim_value_t *before, sim_value_t *after, const bool *changed)
{
    const cat_table_t *t = w->t;
    bool ok = true, any = false, key = false;
    for (size_t i = 0; ok && i < t->ncols; i++) {
        if (t->cols[i].type.base == SIM_T_TIMESTAMP && !t->cols[i].computed) ok = next_rowversion(w, &after[i]);
        any = any || (changed[i] && !t->cols[i].computed);
    }
    ok = ok && check_nulls(w, after) && check_lobs(w, after);
    ok = ok && (t->nchecks == 0 || check_conditions(w, after)) && writer_parents(w, after, changed);
    w->rowid = rowid;
    ok = ok && (!any || check_unique(w, after, true));
    if (ok && w->parked) {
        ok = put_row(w, rowid, after);
    } else if (ok && any) {
        if (w->update == NULL) {
            buf_t q = {0};
            bool first = true;
            buf_printf(&q, "UPDATE %s SET ", t->storage);
            for (size_t i = 0; i < t->ncols; i++) {
                if (t->cols[i].computed) continue;
                buf_printf(&q, "%sc%d=?%zu", first ? "" : ",", t->cols[i].id, i + 2);
                first = false;
            }
            buf_adds(&q, " WHERE rowid=?1");
            ok =
                sqlite3_prepare_v3(w->s->sq, buf_text(&q), -1, SQLITE_PREPARE_PERSISTENT, &w->update, NULL) == SQLITE_OK
                    ? true
                    : fail_sqlite(w->s);
            buf_done(&q);
        }
        if (ok) {
            sqlite3_bind_int64(w->update, 1, rowid);
            for (size_t i = 0; i < t->ncols; i++)
                if (!t->cols[i].computed) store_bind(w->update, (int)i + 2, &t->cols[i].type, &after[i]);
            ok = step_write(w, w->update, after);
        }
    }
    if (ok && w->logged) {
        for (size_t i = 0; i < t->nindexes; i++) /* a changed key column of any unique index makes it delete + insert */
            for (int k = 0; t->indexes[i].pk && k < t->indexes[i].ncols; k++) {
                int at = writer_column(t, t->indexes[i].cols[k]);
                key = key || (at >= 0 && changed[at]);
            }
        if (key) {
            log_change(w->s, w->sdb, t, 1, before, NULL);
            log_change(w->s, w->sdb, t, 2, NULL, after);
        } else if (any) {
            log_change(w->s, w->sdb, t, 4, before, after);
        }
    }
    w->rows++;
    return ok;
}

bool writer_park(writer_t *w, int64_t rowid)
{
    if (w->del == NULL) {
        char *q = sqlite3_mprintf("DELETE FROM %s WHERE rowid=?1", w->t->storage);
        bool ok = sqlite3_prepare_v3(w->s->sq, q, -1, SQLITE_PREPARE_PERSISTENT, &w->del, NULL) == SQLITE_OK
                      ? true
                      : fail_sqlite(w->s);
        sqlite3_free(q);
        if (!ok) return false;
    }
    sqlite3_bind_int64(w->del, 1, rowid);
    return step_write(w, w->del, NULL);
}

bool writer_delete(writer_t *w, int64_t rowid, const sim_value_t *before)
{
    bool ok = writer_park(w, rowid) && writer_keys_left(w, before);
    if (ok && w->logged) log_change(w->s, w->sdb, w->t, 1, before, NULL);
    w->rows++;
    return ok;
}

bool writer_close(writer_t *w, bool ok)
{
    sqlite3_finalize(w->insert);
    sqlite3_finalize(w->update);
    sqlite3_finalize(w->del);
    if (ok && w->wrote_identity && !w->t->temp) {
        int64_t last = 0;
        sq_int(w->s, &last, "SELECT last FROM %s._sim_identity WHERE object_id=%d", w->sdb->db->attach, w->t->id);
        int64_t incr = w->t->cols[w->identity_at].incr;
        if (incr > 0 ? w->max_identity > last : w->max_identity < last) {
            ok = sq_exec(w->s, "UPDATE %s._sim_identity SET last=%lld WHERE object_id=%d", w->sdb->db->attach,
                         (long long)w->max_identity, w->t->id);
            if (w->identity_given) server_identity_set(w->sdb->db, w->t->id, w->max_identity);
        }
    }
    arena_done(&w->arena);
    return ok;
}
