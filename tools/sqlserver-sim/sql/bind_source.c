/* bind_source.c: names of tables, and the sources of a FROM clause. */
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

/* Does a query read a table of this name? Looks into FROM clauses only: nothing else may hold a recursive reference. */
static bool reads_name(const source_t *src, const char *name)
{
    if (src == NULL) return false;
    if (src->kind == S_JOIN) return reads_name(src->left, name) || reads_name(src->right, name);
    return src->kind == S_TABLE && src->name.n == 1 && name_eq(src->name.part[0], name);
}

static bool bind_recursive(binder_t *b, const cte_t *cte, bound_query_t *ret)
{
    bound_query_t anchor, step;
    recursion_t rec = {.cte = cte, .outer = b->rec};
    recursion_t *outer = b->rec;
    b->rec = NULL;
    bool ok = bind_query(b, cte->query->left, false, &anchor);
    b->rec = outer;
    if (!ok) return false;
    rec.table = arena_printf(b->a, "r%d", ++b->next_alias);
    rec.cols = anchor.cols;
    rec.ncols = anchor.ncols;
    b->rec = &rec;
    ok = bind_query(b, cte->query->right, false, &step);
    b->rec = outer;
    if (!ok) return false;
    if (step.ncols != anchor.ncols)
        return fail(b->s, 205, 16, 1,
                    "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of "
                    "expressions in their target lists.");
    buf_t q = {0};
    buf_printf(&q, "WITH RECURSIVE %s(", rec.table);
    for (size_t i = 0; i < anchor.ncols; i++) {
        const sim_typeinfo_t *x = &anchor.cols[i].type, *y = &step.cols[i].type;
        if (y->base != SIM_T_NULL &&
            (x->base != y->base || x->len != y->len || x->prec != y->prec || x->scale != y->scale)) {
            buf_done(&q);
            return fail(
                b->s, 240, 16, 1,
                "Types don't match between the anchor and the recursive part in column \"%s\" of recursive query "
                "\"%s\".",
                i < cte->ncols ? cte->cols[i] : anchor.cols[i].name, cte->name);
        }
        buf_printf(&q, "k%zu,", i + 1);
    }
    buf_adds(&q, "lv) AS (SELECT ");
    for (size_t i = 0; i < anchor.ncols; i++) buf_printf(&q, "k%zu,", i + 1);
    buf_printf(&q, "0 FROM (%s) UNION ALL %s) SELECT * FROM %s", anchor.sql, step.sql, rec.table);
    *ret = anchor;
    ret->sql = arena_memdup(b->a, buf_text(&q), q.len);
    buf_done(&q);
    for (size_t i = 0; i < ret->ncols; i++) ret->cols[i].type.not_null = false;
    return true;
}

static bool bind_cte(binder_t *b, scope_cte_t *c, scope_t *sc, const char *alias, const char *tn, buf_t *out)
{
    scope_cte_t *save = b->ctes;
    scope_t *save_scope = b->scope;
    select_t *query = c->cte->query;
    bound_query_t q;
    b->ctes = c->next;
    b->scope = NULL;
    bool recursive =
        query->op == SET_UNION_ALL && query->right->op == SET_NONE && reads_name(query->right->from, c->cte->name);
    bool ok = recursive ? bind_recursive(b, c->cte, &q) : bind_query(b, query, false, &q);
    b->ctes = save;
    b->scope = save_scope;
    if (!ok) return false;
    scope_src_t *r = add_src(b, sc);
    *r = (scope_src_t){.alias = alias, .tn = tn};
    query_cols(b, r, &q, c->cte->cols, c->cte->ncols);
    buf_printf(out, "(%s) AS %s", q.sql, tn);
    return true;
}

static bool bind_table(binder_t *b, source_t *src, scope_t *sc, buf_t *out)
{
    sim_session_t *s = b->s;
    const char *tn = arena_printf(b->a, "t%d", ++b->next_alias), *schema, *object;
    const char *alias = src->alias != NULL ? src->alias : src->name.part[src->name.n - 1];
    if (src->name.n == 1) {
        for (recursion_t *r = b->rec; r != NULL; r = r->outer) {
            if (!name_eq(r->cte->name, src->name.part[0])) continue;
            if (r->alias != NULL || r != b->rec)
                return fail(s, 253, 16, 1,
                            "Recursive member of a common table expression '%s' has multiple recursive references.",
                            r->cte->name);
            r->alias = tn;
            bound_query_t q = {.cols = (sim_column_t *)(uintptr_t)r->cols, .ncols = r->ncols};
            scope_src_t *ref = add_src(b, sc);
            *ref = (scope_src_t){.alias = alias, .tn = tn};
            query_cols(b, ref, &q, r->cte->cols, r->cte->ncols);
            buf_printf(out, "%s AS %s", r->table, tn);
            return true;
        }
        for (scope_cte_t *c = b->ctes; c != NULL; c = c->next)
            if (name_eq(c->cte->name, src->name.part[0])) return bind_cte(b, c, sc, alias, tn, out);
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
