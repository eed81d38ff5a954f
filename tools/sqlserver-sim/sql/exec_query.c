/* exec_query.c: SELECT and scalar evaluation. */
#include <string.h>

#include "faults/fault.h"
#include "gen/gen.h"
#include "sql/bind.h"
#include "sql/exec.h"

bool send_columns(sim_session_t *s, const sim_column_t *cols, size_t n)
{
    if (!s->gone && !s->sink->ops->columns(s->sink, cols, n)) s->gone = true;
    return !s->gone;
}

bool send_row(sim_session_t *s, const sim_value_t *cells, size_t n)
{
    if (!s->gone && !s->sink->ops->row(s->sink, cells, n)) s->gone = true;
    return !s->gone;
}

bool eval_scalar(sim_session_t *s, expr_t *e, const sim_typeinfo_t *want, sim_value_t *ret_v, sim_typeinfo_t *ret_t)
{
    sim_typeinfo_t got;
    sql_error_t err = {0};
    if (e->kind == E_LIT) {
        got = e->u.lit.type;
        *ret_v = e->u.lit.value;
    } else {
        binder_t b;
        bound_t v;
        binder_init(&b, s);
        if (!bind_expr(&b, e, &v)) return false;
        sqlite3_stmt *st = bind_prepare(&b, arena_printf(&s->arena, "SELECT %s", v.sql));
        if (st == NULL) return false;
        if (sqlite3_step(st) != SQLITE_ROW) {
            fail_sqlite(s);
            sqlite3_finalize(st);
            return false;
        }
        got = v.type;
        store_column(&s->arena, st, 0, &got, ret_v);
        if (!ret_v->is_null && (type_is_char(got.base) || type_is_binary(got.base) || got.base == SIM_T_XML))
            ret_v->u.s.ptr = arena_memdup(&s->arena, ret_v->u.s.ptr, ret_v->u.s.len);
        sqlite3_finalize(st);
    }
    if (ret_t != NULL) *ret_t = want != NULL ? *want : got;
    if (want == NULL) return true;
    sim_value_t out;
    if (!value_convert(&s->arena, &got, ret_v, want, 0, 0, &out, &err)) return fail_err(s, &err);
    *ret_v = out;
    return true;
}

bool eval_cond(sim_session_t *s, expr_t *e, bool *ret_v)
{
    binder_t b;
    const char *sql;
    binder_init(&b, s);
    if (!bind_cond(&b, e, &sql)) return false;
    sqlite3_stmt *st = bind_prepare(&b, arena_printf(&s->arena, "SELECT %s", sql));
    if (st == NULL) return false;
    bool ok = sqlite3_step(st) == SQLITE_ROW;
    if (ok)
        *ret_v = sqlite3_column_type(st, 0) != SQLITE_NULL && sqlite3_column_int(st, 0) != 0;
    else
        fail_sqlite(s);
    sqlite3_finalize(st);
    return ok;
}

static bool assign_row(sim_session_t *s, const bound_query_t *q, const sim_value_t *cells)
{
    for (size_t i = 0; i < q->ncols; i++) {
        sim_var_t *v = session_var(s, q->vars[i]);
        sql_error_t err = {0};
        sim_value_t out;
        if (v == NULL) return fail(s, 137, 15, 2, "Must declare the scalar variable \"%s\".", q->vars[i]);
        if (q->assign_ops[i] != '=') {
            expr_t left = {.kind = E_VAR, .name = {{q->vars[i]}, 1}}, right = {.kind = E_LIT},
                   bin = {.kind = E_BIN, .op = q->assign_ops[i], .nargs = 2};
            expr_t *args[2] = {&left, &right};
            right.u.lit.type = q->cols[i].type;
            right.u.lit.value = cells[i];
            bin.args = args;
            if (!eval_scalar(s, &bin, &v->type, &out, NULL)) return false;
        } else if (!value_convert(&s->row_arena, &q->cols[i].type, &cells[i], &v->type, 0, 0, &out, &err)) {
            return fail_err(s, &err);
        }
        var_set(v, &out);
    }
    return true;
}

static bool select_into(sim_session_t *s, select_t *q, const bound_query_t *bq, sqlite3_stmt *st, uint64_t *rows)
{
    sdb_t *sdb;
    cat_table_t *t;
    writer_t w;
    if (!ddl_select_into(s, q->into, bq->cols, bq->ncols, &t, &sdb)) return false;
    if (!writer_open(&w, s, sdb, t, "INSERT")) return false;
    w.identity_given = true;
    sim_value_t *cells = arena_alloc(&s->arena, sizeof(*cells) * (bq->ncols + 1));
    bool *given = arena_alloc(&s->arena, bq->ncols + 1);
    memset(given, 1, bq->ncols);
    int rc;
    bool ok = true;
    while (ok && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        arena_reset(&s->row_arena);
        for (size_t i = 0; i < bq->ncols; i++) store_column(&s->row_arena, st, (int)i, &bq->cols[i].type, &cells[i]);
        ok = writer_insert(&w, cells, given);
        (*rows)++;
    }
    if (ok && rc != SQLITE_DONE) ok = fail_sqlite(s);
    return writer_close(&w, ok);
}

bool exec_select(sim_session_t *s, stmt_t *stmt, select_t *q, uint64_t *ret_rows)
{
    binder_t b;
    bound_query_t bq;
    (void)stmt;
    *ret_rows = 0;
    binder_init(&b, s);
    if (!bind_query(&b, q, true, &bq)) return false;
    if (b.gen != NULL) return gen_select(s, b.gen, q, bq.cols, bq.ncols, ret_rows);
    sqlite3_stmt *st = bind_prepare(&b, bq.sql);
    if (st == NULL) return false;
    bool ok = true;
    int rc = SQLITE_DONE;
    if (q->op == SET_NONE && q->into != NULL) {
        ok = select_into(s, q, &bq, st, ret_rows);
        sqlite3_finalize(st);
        return ok;
    }
    sim_value_t *cells = arena_alloc(&s->arena, sizeof(*cells) * (bq.ncols + 1));
    if (bq.vars == NULL) {
        /* the first row is fetched before COLMETADATA, so that an immediate run-time error comes without a result set */
        rc = s->fmtonly ? SQLITE_DONE : sqlite3_step(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) ok = fail_sqlite(s);
        ok = ok && send_columns(s, bq.cols, bq.ncols);
        if (ok && bq.norder > 0 && bq.norder == q->norder && s->sink->ops->order != NULL &&
            !s->sink->ops->order(s->sink, bq.order, bq.norder))
            s->gone = true;
    } else {
        rc = sqlite3_step(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) ok = fail_sqlite(s);
    }
    while (ok && rc == SQLITE_ROW && !s->gone) {
        arena_reset(&s->row_arena);
        for (size_t i = 0; i < bq.ncols; i++) store_column(&s->row_arena, st, (int)i, &bq.cols[i].type, &cells[i]);
        ok = bq.vars != NULL ? assign_row(s, &bq, cells) : send_row(s, cells, bq.ncols);
        (*ret_rows)++;
        if (s->error_after_rows > 0 && (uint64_t)s->error_after_rows == *ret_rows) {
            ok = fault_late(s);
        }
        if (!ok || (s->rowcount_limit > 0 && (int64_t)*ret_rows >= s->rowcount_limit)) break;
        rc = sqlite3_step(st);
        if (rc != SQLITE_ROW && rc != SQLITE_DONE) ok = fail_sqlite(s);
    }
    sqlite3_finalize(st);
    return ok && !s->gone;
}
