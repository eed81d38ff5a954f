/* bind_query.c: FROM sources, select lists, ordering and set operations. */
#include <stdlib.h>
#include <string.h>

#include "gen/gen.h"
#include "sql/bind.h"
#include "sql/module.h"
#include "sql/security.h"

bool resolve_db(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, const char **ret_schema, const char **ret_object)
{
    *ret_object = n->part[n->n - 1];
    *ret_schema = n->n >= 2 && n->part[n->n - 2][0] != '\0' ? n->part[n->n - 2] : "dbo";
    *ret_sdb = s->cur;
    if (n->n == 4)
        return fail(s, 7202, 11, 2,
                    "Could not find server '%s' in sys.servers. Verify that the correct server name was specified.",
                    n->part[0]);
    if (n->n == 3 && n->part[0][0] != '\0') {
        *ret_sdb = session_db(s, n->part[0]);
        if (*ret_sdb == NULL && s->err.text == NULL)
            fail(s, 208, 16, 1, "Invalid object name '%s'.", name_dotted(&s->arena, n));
    }
    if (*ret_sdb == NULL) return false;
    return session_catalog(s, *ret_sdb);
}

bool resolve_table(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_table)
{
    const char *schema, *object = n->part[n->n - 1];
    *ret_table = NULL;
    *ret_sdb = s->cur;
    if (object[0] == '@') {
        sim_var_t *v = session_var(s, object);
        if (v == NULL || v->table == NULL)
            return fail(s, 1087, 15, 2, "Must declare the table variable \"%s\".", object);
        *ret_table = v->table;
        return true;
    }
    if (object[0] == '#') {
        *ret_table = session_temp(s, object);
        return true;
    }
    if (!resolve_db(s, n, ret_sdb, &schema, &object)) return false;
    *ret_table = catalog_table((*ret_sdb)->cat, schema, object);
    return true;
}

static scope_src_t *add_src(binder_t *b, scope_t *sc)
{
    scope_src_t *grown = arena_alloc(b->a, sizeof(*grown) * (sc->nsrcs + 1));
    if (sc->nsrcs != 0) memcpy(grown, sc->srcs, sizeof(*grown) * sc->nsrcs);
    sc->srcs = grown;
    return &sc->srcs[sc->nsrcs++];
}

static void table_cols(binder_t *b, scope_src_t *src, cat_table_t *t)
{
    src->ncols = t->ncols;
    src->cols = arena_alloc(b->a, sizeof(scope_col_t) * (t->ncols + 1));
    for (size_t i = 0; i < t->ncols; i++) {
        const cat_column_t *c = &t->cols[i];
        uint32_t flags = (c->identity ? SIM_COL_IDENTITY : 0) | (c->computed ? SIM_COL_COMPUTED : 0);
        src->cols[i] = (scope_col_t){c->name, arena_printf(b->a, "c%d", c->id), c->type, flags, c};
    }
    src->table = t;
}

static void query_cols(binder_t *b, scope_src_t *src, const bound_query_t *q, const char **names, size_t nnames)
{
    src->ncols = q->ncols;
    src->cols = arena_alloc(b->a, sizeof(scope_col_t) * (q->ncols + 1));
    for (size_t i = 0; i < q->ncols; i++) {
        src->cols[i] = (scope_col_t){i < nnames ? names[i] : q->cols[i].name, arena_printf(b->a, "k%zu", i + 1),
                                     q->cols[i].type, q->cols[i].flags & ~(uint32_t)SIM_COL_EXPRESSION, NULL};
    }
}

static bool bind_table(binder_t *b, source_t *src, scope_t *sc, buf_t *out)
{
    sim_session_t *s = b->s;
    const char *tn = arena_printf(b->a, "t%d", ++b->next_alias), *schema, *object;
    const char *alias = src->alias != NULL ? src->alias : src->name.part[src->name.n - 1];
    if (src->name.n == 1) {
        for (scope_cte_t *c = b->ctes; c != NULL; c = c->next) {
            if (!name_eq(c->cte->name, src->name.part[0])) continue;
            scope_cte_t *save = b->ctes;
            scope_t *save_scope = b->scope;
            bound_query_t q;
            b->ctes = c->next;
            b->scope = NULL;
            bool ok = bind_query(b, c->cte->query, false, &q);
            b->ctes = save;
            b->scope = save_scope;
            if (!ok) return false;
            scope_src_t *r = add_src(b, sc);
            *r = (scope_src_t){.alias = alias, .tn = tn};
            query_cols(b, r, &q, c->cte->cols, c->cte->ncols);
            buf_printf(out, "(%s) AS %s", q.sql, tn);
            return true;
        }
    }
    sdb_t *sdb;
    cat_table_t *t;
    if (!resolve_table(s, &src->name, &sdb, &t)) return false;
    /* a generator's tables exist, empty, for the catalogs; their rows are computed */
    gen_table_t *g = t == NULL || t->temp ? NULL : gen_find(s->server, sdb->db->id, t->schema, t->name);
    if (g != NULL) {
        scope_src_t *r = add_src(b, sc);
        *r = (scope_src_t){.alias = alias, .schema = t->schema, .db = sdb->db->name, .tn = tn};
        b->gen = g;
        b->reads_table = b->select_starts_tran = true;
        gen_scope(b, g, t->name, r);
        buf_printf(out, "(SELECT 1 WHERE 0) AS %s", tn);
        return true;
    }
    if (t != NULL) {
        if (!t->temp) {
            b->reads_table = b->select_starts_tran = true;
            if (!security_check_table(s, sdb, t, "SELECT") || !tran_read(s, sdb)) return false;
            if (src->tablockx && !t->in_cdc && s->trancount > 0 && !lock_take(s, sdb->db->id, t->id, true))
                return false;
        }
        scope_src_t *r = add_src(b, sc);
        *r = (scope_src_t){.alias = alias, .tn = tn, .sdb = sdb};
        if (src->alias == NULL) {
            r->schema = t->schema;
            r->db = sdb->db->name;
        }
        table_cols(b, r, t);
        buf_printf(out, "%s AS %s", t->storage, tn);
        return true;
    }
    bool found = false;
    if (src->name.part[src->name.n - 1][0] != '#') {
        if (!resolve_db(s, &src->name, &sdb, &schema, &object)) return false;
        bound_query_t view;
        const char **view_cols;
        size_t view_ncols;
        if (!module_bind_view(b, sdb, schema, object, &view, &view_cols, &view_ncols, &found)) return false;
        if (found) {
            scope_src_t *r = add_src(b, sc);
            *r = (scope_src_t){.alias = alias, .schema = src->alias == NULL ? schema : NULL, .tn = tn};
            query_cols(b, r, &view, view_cols, view_ncols);
            buf_printf(out, "(%s) AS %s", view.sql, tn);
            return true;
        }
        const char *sql;
        scope_col_t *cols;
        size_t n;
        if (!sysview_find(b, sdb, schema, object, &sql, &cols, &n, &found)) return false;
        if (found) {
            if (sdb->db->user_db && !tran_read(s, sdb)) return false;
            if (name_eq(schema, "cdc")) {
                const cat_schema_t *sc_cdc = catalog_schema(sdb->cat, "cdc");
                if (!security_check(s, sdb, 0, sc_cdc != NULL ? sc_cdc->id : 0, object, "cdc", "SELECT")) return false;
                b->reads_table = b->select_starts_tran = true;
            }
            scope_src_t *r = add_src(b, sc);
            *r = (scope_src_t){.alias = alias,
                               .schema = src->alias == NULL ? schema : NULL,
                               .db = src->alias == NULL ? sdb->db->name : NULL,
                               .tn = tn};
            r->cols = cols;
            r->ncols = n;
            buf_printf(out, "%s AS %s", sql, tn);
            return true;
        }
    }
    s->err_line = src->line;
    return fail(s, 208, 16, 1, "Invalid object name '%s'.", name_dotted(b->a, &src->name));
}

static bool bind_values(binder_t *b, source_t *src, scope_t *sc, buf_t *out)
{
    size_t w = src->width, rows = src->nargs / w;
    bound_t *v = arena_alloc(b->a, sizeof(*v) * src->nargs);
    sim_column_t *cols = arena_alloc(b->a, sizeof(*cols) * w);
    for (size_t i = 0; i < src->nargs; i++) {
        if (!bind_expr(b, src->args[i], &v[i])) return false;
        cols[i % w].type = i < w ? v[i].type : type_unify(&cols[i % w].type, &v[i].type);
        cols[i % w].name = "";
    }
    buf_addc(out, '(');
    for (size_t r = 0; r < rows; r++) {
        buf_adds(out, r == 0 ? "SELECT " : " UNION ALL SELECT ");
        for (size_t c = 0; c < w; c++)
            buf_printf(out, "%s%s AS k%zu", c > 0 ? "," : "",
                       bind_convert(b, v[r * w + c].sql, &v[r * w + c].type, &cols[c].type), c + 1);
    }
    const char *tn = arena_printf(b->a, "t%d", ++b->next_alias);
    buf_printf(out, ") AS %s", tn);
    bound_query_t q = {.cols = cols, .ncols = w};
    scope_src_t *r = add_src(b, sc);
    *r = (scope_src_t){.alias = src->alias, .tn = tn};
    query_cols(b, r, &q, src->cols, src->ncols);
    return true;
}

bool bind_source(binder_t *b, source_t *src, scope_t *sc, buf_t *out)
{
    switch (src->kind) {
    case S_TABLE:
        return bind_table(b, src, sc, out);
    case S_VALUES:
        return bind_values(b, src, sc, out);
    case S_SUBQUERY: {
        bound_query_t q;
        if (!bind_query(b, src->sub, false, &q)) return false;
        const char *tn = arena_printf(b->a, "t%d", ++b->next_alias);
        scope_src_t *r = add_src(b, sc);
        *r = (scope_src_t){.alias = src->alias, .tn = tn};
        for (size_t i = 0; i < q.ncols; i++)
            if (q.cols[i].name[0] == '\0' && i >= src->ncols)
                return fail(b->s, 8155, 16, 2, "No column name was specified for column %zu of '%s'.", i + 1,
                            src->alias != NULL ? src->alias : "");
        query_cols(b, r, &q, src->cols, src->ncols);
        buf_printf(out, "(%s) AS %s", q.sql, tn);
        return true;
    }
    case S_TVF: {
        sdb_t *sdb;
        const char *schema, *object, *sql;
        bool found = false;
        if (!resolve_db(b->s, &src->name, &sdb, &schema, &object)) return false;
        scope_src_t r = {0};
        if (!cdc_bind_tvf(b, src, sdb, schema, object, &r, &sql, &found)) return false;
        if (!found) {
            const char *full = name_dotted(b->a, &src->name);
            return fail(b->s, 208, 16, 1, "Invalid object name '%s'.", full);
        }
        b->reads_table = b->select_starts_tran = true;
        r.alias = src->alias != NULL ? src->alias : object;
        r.tn = arena_printf(b->a, "t%d", ++b->next_alias);
        *add_src(b, sc) = r;
        buf_printf(out, "%s AS %s", sql, r.tn);
        return true;
    }
    case S_JOIN: {
        static const char *const words[] = {"JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", "CROSS JOIN"};
        if (src->join >= J_CROSS_APPLY) return fail(b->s, 102, 15, 1, "Incorrect syntax near 'APPLY'.");
        size_t first = sc->nsrcs;
        if (!bind_source(b, src->left, sc, out)) return false;
        size_t mid = sc->nsrcs;
        buf_printf(out, " %s ", words[src->join]);
        bool paren = src->right->kind == S_JOIN;
        if (paren) buf_addc(out, '(');
        if (!bind_source(b, src->right, sc, out)) return false;
        if (paren) buf_addc(out, ')');
        for (size_t i = first; i < sc->nsrcs; i++)
            if ((i < mid && (src->join == J_RIGHT || src->join == J_FULL)) ||
                (i >= mid && (src->join == J_LEFT || src->join == J_FULL)))
                sc->srcs[i].outer_joined = true;
        if (src->on != NULL) {
            scope_t *save = b->scope;
            const char *on;
            sc->outer = save;
            b->scope = sc;
            bool ok = bind_cond(b, src->on, &on);
            b->scope = save;
            if (!ok) return false;
            buf_printf(out, " ON %s", on);
        }
        return true;
    }
    default:
        return false;
    }
}

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

static bool bind_order(binder_t *b, select_t *q, items_t *it, bool set_op, bound_query_t *ret, buf_t *out)
{
    for (size_t i = 0; i < q->norder; i++) {
        const expr_t *e = q->order[i].expr;
        const char *dir = q->order[i].desc ? " DESC" : "";
        buf_adds(out, i == 0 ? " ORDER BY " : ",");
        size_t ordinal = 0;
        if (e->kind == E_LIT && e->u.lit.type.base == SIM_T_INT) {
            ordinal = (size_t)e->u.lit.value.u.i;
            if (ordinal < 1 || ordinal > it->n)
                return fail(
                    b->s, 108, 16, 1,
                    "The ORDER BY position number %lld is out of range of the number of items in the select list.",
                    (long long)e->u.lit.value.u.i);
        } else if (e->kind == E_COL && e->name.n == 1) {
            for (size_t k = 0; k < it->n && ordinal == 0; k++)
                if (it->names[k][0] != '\0' && name_eq(it->names[k], e->name.part[0])) ordinal = k + 1;
        }
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

static bool bind_limit(binder_t *b, select_t *q, buf_t *out)
{
    sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
    bound_t top = {0}, off = {0};
    if (q->top != NULL) {
        scope_t *save = b->scope;
        b->scope = NULL;
        bool ok = bind_expr(b, q->top, &top);
        b->scope = save;
        if (!ok) return false;
        if (q->top_percent || q->top_ties)
            return fail(b->s, 102, 15, 1, "Incorrect syntax near '%s'.", q->top_percent ? "PERCENT" : "TIES");
        buf_printf(out, " LIMIT sv_rows(%s)", bind_convert(b, top.sql, &top.type, &big));
    } else if (q->offset != NULL) {
        if (!bind_expr(b, q->offset, &off)) return false;
        if (q->fetch != NULL) {
            if (!bind_expr(b, q->fetch, &top)) return false;
            buf_printf(out, " LIMIT sv_rows(%s)", bind_convert(b, top.sql, &top.type, &big));
        } else {
            buf_adds(out, " LIMIT -1");
        }
        buf_printf(out, " OFFSET %s", bind_convert(b, off.sql, &off.type, &big));
    }
    return true;
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
    bool ok = bind_order(b, q, &it, true, ret, &out) && bind_limit(b, q, &out);
    finish(b, &it, &out, ret);
    return ok;
}

static bool bind_plain(binder_t *b, select_t *q, bool top_level, bound_query_t *ret)
{
    scope_t sc = {.outer = b->scope}, *save = b->scope;
    buf_t from = {0}, out = {0};
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
    if (q->from != NULL) buf_printf(&out, " FROM %s", buf_text(&from));
    if (q->where != NULL) {
        b->no_agg = true;
        bool bound = bind_cond(b, q->where, &cond);
        b->no_agg = false;
        if (!bound) goto out;
        buf_printf(&out, " WHERE %s", cond);
    }
    for (size_t i = 0; i < q->ngroup; i++) {
        bound_t v;
        if (!bind_expr(b, q->group[i], &v)) goto out;
        buf_printf(&out, "%s%s%s", i == 0 ? " GROUP BY " : ",", v.sql, collate_for(&v.type));
    }
    if (q->having != NULL) {
        if (!bind_cond(b, q->having, &cond)) goto out;
        if (q->ngroup == 0) buf_adds(&out, " GROUP BY NULL");
        buf_printf(&out, " HAVING %s", cond);
    }
    if (!bind_order(b, q, &it, false, ret, &out) || !bind_limit(b, q, &out)) goto out;
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
    if (++b->depth > 60) return fail(b->s, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
    bool ok = q->op != SET_NONE ? bind_set(b, q, ret) : bind_plain(b, q, top_level, ret);
    /* a NULL literal is an int only in the end: until then the other side of a UNION decides */
    for (size_t i = 0; ok && top_level && i < ret->ncols; i++)
        if (ret->cols[i].type.base == SIM_T_NULL) ret->cols[i].type = type_simple(SIM_T_INT);
    b->depth--;
    b->ctes = save;
    return ok;
}
