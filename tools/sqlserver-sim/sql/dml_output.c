/* dml_output.c: the OUTPUT clause: expressions over the inserted and the deleted row, kept until the statement has ended. */
#include <string.h>

#include "sql/dml.h"

enum { IMAGES = 2 };

static void add_column(output_t *o, const char *name, sim_typeinfo_t type)
{
    o->cols[o->n++] = (sim_column_t){name, type, 0};
}

/* inserted.* and deleted.* */
static bool add_star(output_t *o, binder_t *b, const expr_t *e, buf_t *q)
{
    for (size_t i = 0; i < o->t->ncols; i++) {
        expr_t ref = {.kind = E_COL, .line = e->line, .name = {{e->name.part[e->name.n - 1], o->t->cols[i].name}, 2}};
        bound_t v;
        if (!bind_expr(b, &ref, &v)) return false;
        buf_printf(q, "%s%s", q->len > 0 ? "," : "", v.sql);
        add_column(o, o->t->cols[i].name, v.type);
    }
    return true;
}

static bool bind_items(output_t *o, binder_t *b, buf_t *q)
{
    for (size_t i = 0; i < o->st->noutput; i++) {
        const select_item_t *it = &o->st->output[i];
        bound_t v;
        if (it->expr->kind == E_STAR) {
            if (it->expr->name.n == 0) return fail(o->s, 102, 15, 1, "Incorrect syntax near '*'.");
            if (!add_star(o, b, it->expr, q)) return false;
            continue;
        }
        if (!bind_expr(b, it->expr, &v)) return false;
        if (v.agg) return fail(o->s, 158, 15, 1, "An aggregate may not appear in the OUTPUT clause.");
        if (v.type.base == SIM_T_NULL) v.type = type_simple(SIM_T_INT);
        buf_printf(q, "%s%s", q->len > 0 ? "," : "", v.sql);
        add_column(o, it->alias != NULL ? it->alias : v.name != NULL ? v.name : "", v.type);
    }
    return true;
}

bool output_open(output_t *o, sim_session_t *s, stmt_t *st, const cat_table_t *t)
{
    static const char *const names[IMAGES] = {"inserted", "deleted"}, *const tn[IMAGES] = {"ins", "del"};
    memset(o, 0, sizeof(*o));
    o->s = s;
    o->st = st;
    o->t = t;
    if (st->noutput == 0) return true;
    binder_t b;
    scope_src_t srcs[IMAGES + 1] = {0};
    scope_t sc = {.srcs = srcs, .nsrcs = IMAGES + (st->kind == ST_MERGE)};
    buf_t items = {0}, q = {0};
    sim_value_t null = value_null();
    sim_typeinfo_t action_type = type_nvarchar(10);
    binder_init(&b, s);
    o->base = 1;
    o->cols = arena_alloc(&s->arena, sizeof(sim_column_t) * (st->noutput * (t->ncols + 1) + 1));
    /* the rows' parameters come first, so that their numbers are known */
    for (int k = 0; k < IMAGES; k++) {
        srcs[k] = (scope_src_t){.alias = names[k], .tn = tn[k], .ncols = t->ncols};
        srcs[k].cols = arena_alloc(&s->arena, sizeof(scope_col_t) * (t->ncols + 1));
        for (size_t i = 0; i < t->ncols; i++) {
            const cat_column_t *c = &t->cols[i];
            srcs[k].cols[i] = (scope_col_t){c->name, arena_printf(&s->arena, "c%d", c->id), c->type, 0, c};
            srcs[k].cols[i].type.not_null = false;
            buf_printf(&q, "%s%s AS c%d", i == 0 ? (k == 0 ? " FROM (SELECT " : ",(SELECT ") : ",",
                       bind_param(&b, &c->type, &null), c->id);
        }
        buf_printf(&q, ") AS %s", tn[k]);
    }
    scope_col_t action_col = {"$action", "a", action_type, 0, NULL};
    srcs[IMAGES] = (scope_src_t){.tn = "act", .cols = &action_col, .ncols = 1};
    buf_printf(&q, ",(SELECT %s AS a) AS act", bind_param(&b, &action_type, &null));
    b.scope = &sc;
    bool ok = bind_items(o, &b, &items);
    if (ok) o->eval = bind_prepare(&b, arena_printf(&s->arena, "SELECT %s%s", buf_text(&items), buf_text(&q)));
    buf_done(&items);
    buf_done(&q);
    return ok && o->eval != NULL;
}

static void bind_image(output_t *o, int base, const sim_value_t *cells)
{
    for (size_t i = 0; i < o->t->ncols; i++) {
        if (cells == NULL || o->t->cols[i].computed)
            sqlite3_bind_null(o->eval, base + (int)i);
        else
            store_bind(o->eval, base + (int)i, &o->t->cols[i].type, &cells[i]);
    }
}

bool output_row(output_t *o, const sim_value_t *before, const sim_value_t *after, const char *action)
{
    if (o->eval == NULL) return true;
    int n = (int)o->t->ncols;
    bind_image(o, o->base, after);
    bind_image(o, o->base + n, before);
    sqlite3_bind_text(o->eval, o->base + 2 * n, action, -1, SQLITE_STATIC);
    bool ok = sqlite3_step(o->eval) == SQLITE_ROW ? true : fail_sqlite(o->s);
    if (ok)
        kept_add(&o->s->arena, &o->rows, 0,
                 kept_read(&o->s->arena, o->eval, 0, &o->cols[0].type, sizeof(sim_column_t), o->n));
    sqlite3_reset(o->eval);
    return ok;
}

static bool insert_into(output_t *o)
{
    sdb_t *sdb;
    cat_table_t *t;
    inserter_t in;
    sim_typeinfo_t *types = arena_alloc(&o->s->arena, sizeof(*types) * (o->n + 1));
    for (size_t i = 0; i < o->n; i++) types[i] = o->cols[i].type;
    if (!dml_target(o->s, &o->st->output_into, &sdb, &t)) return false;
    memset(&in, 0, sizeof(in));
    bool ok = insert_target(&in, o->s, sdb, t, o->st->noutput_cols != 0 ? o->st->output_cols : NULL,
                            o->st->noutput_cols, o->n, false);
    for (size_t r = 0; ok && r < o->rows.n; r++) ok = insert_row(&in, o->rows.rows[r], types, NULL);
    if (in.w.s != NULL) ok = writer_close(&in.w, ok) && ok;
    return ok;
}

bool output_close(output_t *o, bool ok)
{
    if (o->eval == NULL) return ok;
    sqlite3_finalize(o->eval);
    o->eval = NULL;
    if (!ok) return false;
    if (o->st->output_into.n != 0) return insert_into(o);
    if (!send_columns(o->s, o->cols, o->n)) return false;
    for (size_t r = 0; r < o->rows.n; r++)
        if (!send_row(o->s, o->rows.rows[r], o->n)) return false;
    return true;
}
