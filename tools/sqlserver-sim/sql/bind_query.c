/* bind_query.c: select lists, grouping, ordering, TOP and set operations. */
#include <stdlib.h>
#include <string.h>

#include "sql/bind.h"

/* ---- select list ---- */

typedef struct items {
    bound_t *v;
    const char **names, **vars;
    char *ops;
    uint32_t *flags;
    size_t n;
} items_t;

static void add_item(binder_t *b, items_t *it, const bound_t *v, const char *name, const char *var, char op,
                     uint32_t flags)
{
    size_t n = it->n;
    if ((n & (n - 1)) == 0) {
        size_t cap = n == 0 ? 1 : n * 2;
        items_t g = {arena_alloc(b->a, cap * sizeof(bound_t)),  arena_alloc(b->a, cap * sizeof(char *)),
                     arena_alloc(b->a, cap * sizeof(char *)),   arena_alloc(b->a, cap),
                     arena_alloc(b->a, cap * sizeof(uint32_t)), n};
        if (n != 0) {
            memcpy(g.v, it->v, n * sizeof(bound_t));
            memcpy(g.names, it->names, n * sizeof(char *));
            memcpy(g.vars, it->vars, n * sizeof(char *));
            memcpy(g.ops, it->ops, n);
            memcpy(g.flags, it->flags, n * sizeof(uint32_t));
        }
        *it = g;
    }
    it->v[n] = *v;
    it->names[n] = name;
    it->vars[n] = var;
    it->ops[n] = op;
    it->flags[n] = flags;
    it->n++;
}

static bool expand_star(binder_t *b, const expr_t *e, items_t *it)
{
    bool any = false;
    for (size_t i = 0; i < b->scope->nsrcs; i++) {
        scope_src_t *src = &b->scope->srcs[i];
        if (e->name.n > 0) {
            name_t q = e->name;
            if (src->alias == NULL || !name_eq(src->alias, q.part[q.n - 1])) continue;
        }
        any = true;
        for (size_t k = 0; k < src->ncols; k++) {
            scope_col_t *c = &src->cols[k];
            expr_t ref = {
                .kind = E_COL, .line = e->line, .name = {{src->alias != NULL ? src->alias : c->name, c->name}, 2}};
            bound_t v;
            scope_t only = {.srcs = src, .nsrcs = 1}, *save = b->scope;
            if (src->alias == NULL) ref.name = (name_t){{c->name}, 1};
            if (c->col != NULL && c->col->computed) {
                b->scope = &only;
                bool ok = bind_expr(b, &ref, &v);
                b->scope = save;
                if (!ok) return false;
            } else {
                v = (bound_t){.type = c->type,
                              .col = c->col,
                              .name = c->name,
                              .sql = arena_printf(b->a, "%s.%s", src->tn, c->sql)};
                if (src->outer_joined) v.type.not_null = false;
            }
            add_item(b, it, &v, c->name, NULL, 0, c->flags);
        }
    }
    if (any) return true;
    if (e->name.n > 0)
        return fail(b->s, 107, 15, 1,
                    "The column prefix '%s' does not match with a table name or alias name used in the query.",
                    name_dotted(b->a, &e->name));
    return fail(b->s, 263, 16, 1, "Must specify table to select from.");
}

static uint32_t column_flags(binder_t *b, const expr_t *e, const bound_t *v)
{
    (void)b;
    if (e->kind != E_COL) return SIM_COL_EXPRESSION;
    if (v->col == NULL) return 0;
    return (v->col->identity ? SIM_COL_IDENTITY : 0) | (v->col->computed ? SIM_COL_COMPUTED : 0);
}

static bool in_group(const select_t *q, const expr_t *e)
{
    for (size_t i = 0; i < q->ngroup; i++) {
        const expr_t *g = q->group[i];
        if (g->kind == E_COL && e->kind == E_COL && name_eq(g->name.part[g->name.n - 1], e->name.part[e->name.n - 1]))
            return true;
        if (g->kind != E_COL && g->kind == e->kind) return true; /* expressions: SQLite evaluates them per group */
    }
    return false;
}

bool expr_is_aggregate(const expr_t *e)
{
    static const char *const aggs[] = {"count", "count_big", "sum", "avg", "min", "max", "checksum_agg", "string_agg"};
    if (e->kind != E_FUNC || e->name.n != 1 || e->u.over != NULL) return false;
    for (size_t i = 0; i < sizeof(aggs) / sizeof(aggs[0]); i++)
        if (name_eq(aggs[i], e->name.part[0])) return true;
    return false;
}

static bool check_grouping(binder_t *b, const select_t *q, const expr_t *e)
{
    if (e == NULL || in_group(q, e) || expr_is_aggregate(e) || e->kind == E_SUB) return true;
    if (e->kind == E_COL) {
        for (size_t i = 0; i < b->scope->nsrcs; i++)
            for (size_t k = 0; k < b->scope->srcs[i].ncols; k++)
                if (name_eq(b->scope->srcs[i].cols[k].name, e->name.part[e->name.n - 1]))
                    return fail(b->s, 8120, 16, 1,
                                "Column '%s.%s' is invalid in the select list because it is not contained in either an "
                                "aggregate function or the GROUP BY clause.",
                                b->scope->srcs[i].alias != NULL ? b->scope->srcs[i].alias : "",
                                e->name.part[e->name.n - 1]);
        return true;
    }
    for (size_t i = 0; i < e->nargs; i++)
        if (!check_grouping(b, q, e->args[i])) return false;
    return true;
}

/* The item of the select list that an ORDER BY item means: an ordinal or an alias; 0 = neither. */
static bool order_ordinal(binder_t *b, const expr_t *e, const items_t *it, size_t *ret)
{
    *ret = 0;
    if (e->kind == E_LIT && e->u.lit.type.base == SIM_T_INT) {
        *ret = (size_t)e->u.lit.value.u.i;
        if (*ret < 1 || *ret > it->n)
            return fail(b->s, 108, 16, 1,
                        "The ORDER BY position number %lld is out of range of the number of items in the select list.",
                        (long long)e->u.lit.value.u.i);
    } else if (e->kind == E_COL && e->name.n == 1) {
        for (size_t k = 0; k < it->n && *ret == 0; k++)
            if (it->names[k][0] != '\0' && name_eq(it->names[k], e->name.part[0])) *ret = k + 1;
    }
    return true;
}

static bool bind_order(binder_t *b, select_t *q, items_t *it, bool set_op, bound_query_t *ret, buf_t *out)
{
    for (size_t i = 0; i < q->norder; i++) {
        const expr_t *e = q->order[i].expr;
        const char *dir = q->order[i].desc ? " DESC" : "";
        size_t ordinal;
        if (!order_ordinal(b, e, it, &ordinal)) return false;
        buf_adds(out, i == 0 ? " ORDER BY " : ",");
        if (ordinal != 0) {
            buf_printf(out, "%zu%s%s", ordinal, collate_for(&it->v[ordinal - 1].type), dir);
            if (ret->norder < 32) ret->order[ret->norder++] = (uint16_t)ordinal;
            continue;
        }
        if (set_op)
            return fail(b->s, 104, 16, 1,
                        "ORDER BY items must appear in the select list if the statement contains a UNION, INTERSECT or "
                        "EXCEPT operator.");
        bound_t v;
        if (!bind_expr(b, e, &v)) return false;
        buf_printf(out, "%s%s%s", v.sql, collate_for(&v.type), dir);
    }
    return true;
}

/* The number of rows TOP leaves, as text; `all` is the query without order, for PERCENT. */
static bool top_rows(binder_t *b, select_t *q, const char *all, const char **ret)
{
    sim_typeinfo_t big = type_simple(SIM_T_BIGINT), real = type_simple(SIM_T_FLOAT);
    bound_t top;
    scope_t *save = b->scope;
    b->scope = NULL;
    bool ok = bind_expr(b, q->top, &top);
    b->scope = save;
    if (!ok) return false;
    *ret = q->top_percent ? arena_printf(b->a, "(SELECT sv_percent(%s,count(*)) FROM (%s))",
                                         bind_convert(b, top.sql, &top.type, &real), all)
                          : arena_printf(b->a, "sv_rows(%s)", bind_convert(b, top.sql, &top.type, &big));
    return true;
}

static bool bind_limit(binder_t *b, select_t *q, const char *all, buf_t *out)
{
    sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
    bound_t n = {0}, off = {0};
    const char *rows;
    if (q->top != NULL) {
        if (!top_rows(b, q, all, &rows)) return false;
        buf_printf(out, " LIMIT %s", rows);
    } else if (q->offset != NULL) {
        if (!bind_expr(b, q->offset, &off)) return false;
        if (q->fetch != NULL) {
            if (!bind_expr(b, q->fetch, &n)) return false;
            buf_printf(out, " LIMIT sv_rows(%s)", bind_convert(b, n.sql, &n.type, &big));
        } else {
            buf_adds(out, " LIMIT -1");
        }
        buf_printf(out, " OFFSET %s", bind_convert(b, off.sql, &off.type, &big));
    }
    return true;
}

/* TOP ... WITH TIES: the rank of each row decides. `tail` is the query behind its select list. */
static bool bind_ties(binder_t *b, select_t *q, items_t *it, const char *tail, bound_query_t *ret, buf_t *out)
{
    buf_t order = {0}, inner = {0};
    const char *rows;
    bool ok = true;
    if (q->norder == 0)
        return fail(b->s, 1062, 15, 1,
                    "The TOP N WITH TIES clause is not allowed without a corresponding ORDER BY clause.");
    buf_adds(&inner, buf_text(out));
    for (size_t i = 0; ok && i < q->norder; i++) {
        size_t ordinal;
        bound_t v;
        ok = order_ordinal(b, q->order[i].expr, it, &ordinal);
        if (ok && ordinal != 0) {
            v = it->v[ordinal - 1];
            if (ret->norder < 32) ret->order[ret->norder++] = (uint16_t)ordinal;
        } else {
            ok = ok && bind_expr(b, q->order[i].expr, &v);
        }
        if (!ok) break;
        buf_printf(&inner, ",%s AS o%zu", v.sql, i + 1);
        buf_printf(&order, "%so%zu%s%s", i > 0 ? "," : "", i + 1, collate_for(&v.type),
                   q->order[i].desc ? " DESC" : "");
    }
    buf_adds(&inner, tail);
    ok = ok && top_rows(b, q, buf_text(&inner), &rows);
    if (ok) {
        buf_truncate(out, 0);
        buf_adds(out, "SELECT ");
        for (size_t i = 0; i < it->n; i++) buf_printf(out, "%sk%zu", i > 0 ? "," : "", i + 1);
        buf_printf(out, " FROM (SELECT *,rank() OVER (ORDER BY %s) AS rk FROM (%s)) WHERE rk<=%s ORDER BY rk",
                   buf_text(&order), buf_text(&inner), rows);
    }
    buf_done(&order);
    buf_done(&inner);
    return ok;
}

static void finish(binder_t *b, const items_t *it, buf_t *out, bound_query_t *ret)
{
    ret->cols = arena_alloc(b->a, sizeof(sim_column_t) * (it->n + 1));
    ret->ncols = it->n;
    for (size_t i = 0; i < it->n; i++) {
        ret->cols[i] = (sim_column_t){it->names[i], it->v[i].type, it->flags[i]};
    }
    ret->sql = arena_memdup(b->a, buf_text(out), out->len);
    buf_done(out);
}

static bool bind_set(binder_t *b, select_t *q, bound_query_t *ret)
{
    static const char *const words[] = {"", "UNION", "UNION ALL", "EXCEPT", "INTERSECT"};
    bound_query_t side[2];
    if (!bind_query(b, q->left, false, &side[0]) || !bind_query(b, q->right, false, &side[1])) return false;
    if (side[0].ncols != side[1].ncols)
        return fail(b->s, 205, 16, 1,
                    "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
                    "expressions in their target lists.");
    items_t it = {0};
    for (size_t i = 0; i < side[0].ncols; i++) {
        bound_t v = {.type = type_unify(&side[0].cols[i].type, &side[1].cols[i].type)};
        add_item(b, &it, &v, side[0].cols[i].name, NULL, 0, SIM_COL_EXPRESSION);
    }
    buf_t out = {0};
    for (int k = 0; k < 2; k++) {
        if (k == 1) buf_printf(&out, " %s ", words[q->op]);
        buf_adds(&out, "SELECT ");
        for (size_t i = 0; i < it.n; i++) {
            const char *col = arena_printf(b->a, "k%zu", i + 1);
            buf_printf(&out, "%s%s%s AS k%zu", i > 0 ? "," : "",
                       bind_convert(b, col, &side[k].cols[i].type, &it.v[i].type),
                       q->op == SET_UNION_ALL ? "" : collate_for(&it.v[i].type), i + 1);
        }
        buf_printf(&out, " FROM (%s)", side[k].sql);
    }
    const char *all = arena_memdup(b->a, buf_text(&out), out.len);
    bool ok = bind_order(b, q, &it, true, ret, &out) && bind_limit(b, q, all, &out);
    finish(b, &it, &out, ret);
    return ok;
}

static bool bind_plain(binder_t *b, select_t *q, bool top_level, bound_query_t *ret)
{
    scope_t sc = {.outer = b->scope}, *save = b->scope;
    buf_t from = {0}, out = {0}, tail = {0};
    items_t it = {0};
    const char *cond;
    bool ok = false, save_agg = b->saw_agg, save_no = b->no_agg, assigns = false;
    b->saw_agg = b->no_agg = false;
    if (q->from != NULL && !bind_source(b, q->from, &sc, &from)) goto out;
    sc.outer = save;
    b->scope = &sc;
    for (size_t i = 0; i < q->nitems; i++) {
        select_item_t *si = &q->items[i];
        bound_t v;
        if (si->expr->kind == E_STAR) {
            if (!expand_star(b, si->expr, &it)) goto out;
            continue;
        }
        if (!bind_expr(b, si->expr, &v)) goto out;
        if (si->var != NULL) assigns = true;
        add_item(b, &it, &v,
                 si->alias != NULL ? si->alias
                 : v.name != NULL  ? v.name
                                   : "",
                 si->var, si->assign_op, column_flags(b, si->expr, &v));
    }
    bool grouped = q->ngroup > 0 || b->saw_agg;
    if (grouped)
        for (size_t i = 0; i < q->nitems; i++)
            if (q->items[i].expr->kind != E_STAR && !check_grouping(b, q, q->items[i].expr)) goto out;
    buf_adds(&out, q->distinct ? "SELECT DISTINCT " : "SELECT ");
    for (size_t i = 0; i < it.n; i++)
        buf_printf(&out, "%s%s%s AS k%zu", i > 0 ? "," : "", it.v[i].sql, q->distinct ? collate_for(&it.v[i].type) : "",
                   i + 1);
    if (q->from != NULL) buf_printf(&tail, " FROM %s", buf_text(&from));
    if (q->where != NULL) {
        b->no_agg = true;
        bool bound = bind_cond(b, q->where, &cond);
        b->no_agg = false;
        if (!bound) goto out;
        buf_printf(&tail, " WHERE %s", cond);
    }
    for (size_t i = 0; i < q->ngroup; i++) {
        bound_t v;
        if (!bind_expr(b, q->group[i], &v)) goto out;
        buf_printf(&tail, "%s%s%s", i == 0 ? " GROUP BY " : ",", v.sql, collate_for(&v.type));
    }
    if (q->having != NULL) {
        if (!bind_cond(b, q->having, &cond)) goto out;
        if (q->ngroup == 0) buf_adds(&tail, " GROUP BY NULL");
        buf_printf(&tail, " HAVING %s", cond);
    }
    if (q->top_ties) {
        if (!bind_ties(b, q, &it, buf_text(&tail), ret, &out)) goto out;
    } else {
        if (b->rec != NULL && b->rec->alias != NULL && b->rec->cte->query->right == q)
            buf_printf(&out, ",sv_level(%s.lv+1,%lld) AS lv", b->rec->alias, (long long)b->maxrec);
        buf_adds(&out, buf_text(&tail));
        const char *all = q->top_percent ? arena_memdup(b->a, buf_text(&out), out.len) : "";
        if (!bind_order(b, q, &it, false, ret, &out) || !bind_limit(b, q, all, &out)) goto out;
    }
    if (assigns && !top_level) {
        fail(b->s, 141, 15, 1,
             "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
             "operations.");
        goto out;
    }
    for (size_t i = 0; assigns && i < it.n; i++)
        if (it.vars[i] == NULL) {
            fail(b->s, 141, 15, 1,
                 "A SELECT statement that assigns a value to a variable must not be combined with data-retrieval "
                 "operations.");
            goto out;
        }
    ret->vars = assigns ? it.vars : NULL;
    ret->assign_ops = it.ops;
    ok = true;
    finish(b, &it, &out, ret);
out:
    b->scope = save;
    b->saw_agg = save_agg;
    b->no_agg = save_no;
    buf_done(&from);
    buf_done(&out);
    buf_done(&tail);
    return ok;
}

bool bind_query(binder_t *b, select_t *q, bool top_level, bound_query_t *ret)
{
    memset(ret, 0, sizeof(*ret));
    scope_cte_t *save = b->ctes;
    for (size_t i = 0; i < q->nctes; i++) {
        scope_cte_t *c = arena_alloc(b->a, sizeof(*c));
        c->cte = &q->ctes[i];
        c->next = b->ctes;
        b->ctes = c;
    }
    if (q->has_maxrec) b->maxrec = q->maxrec;
    if (++b->depth > 60) return fail(b->s, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
    bool ok = q->op != SET_NONE ? bind_set(b, q, ret) : bind_plain(b, q, top_level, ret);
    /* a NULL literal is an int only in the end: until then the other side of a UNION decides */
    for (size_t i = 0; ok && top_level && i < ret->ncols; i++)
        if (ret->cols[i].type.base == SIM_T_NULL) ret->cols[i].type = type_simple(SIM_T_INT);
    b->depth--;
    b->ctes = save;
    return ok;
}
