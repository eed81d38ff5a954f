/* parse_query.c: SELECT, FROM, ORDER BY, common table expressions. */
#include <string.h>

#include "sql/parser.h"

bool p_order(parser_t *p, order_item_t **ret_items, size_t *ret_n)
{
    bool more = true;
    if (!p_expect_kw(p, KW_ORDER) || !p_expect_kw(p, KW_BY)) return false;
    while (more) {
        order_item_t it = {0};
        bool asc;
        if (!p_expr(p, &it.expr) || !p_accept_kw(p, KW_ASC, &asc)) return false;
        if (!asc && !p_accept_kw(p, KW_DESC, &it.desc)) return false;
        P_PUSH(p, *ret_items, *ret_n, it);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

bool p_select_items(parser_t *p, select_item_t **ret_items, size_t *ret_n)
{
    bool more = true, hit;
    while (more) {
        select_item_t it = {0};
        token_t ahead;
        if (p_is_op(p, '*')) {
            it.expr = arena_alloc(p->arena, sizeof(expr_t));
            it.expr->kind = E_STAR;
            it.expr->line = p->tok.line;
            if (!p_next(p)) return false;
            P_PUSH(p, *ret_items, *ret_n, it);
            if (!p_accept_op(p, ',', &more)) return false;
            continue;
        }
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_OP && (ahead.kw == '=' || (ahead.kw >= 'A' && ahead.kw <= 'H')) && p->tok.kind == T_VAR) {
            it.assign_op = ahead.kw == '=' ? '=' : "+-*/%&|^"[ahead.kw - 'A'];
            if (!p_var(p, VAR_WRITE, &it.var) || !p_next(p)) return false;
        } else if (ahead.kind == T_OP && ahead.kw == '=' && p_at_ident(p)) { /* alias = expr */
            if (!p_ident(p, &it.alias) || !p_next(p)) return false;
        }
        if (!p_expr(p, &it.expr)) return false;
        if (it.alias == NULL && it.var == NULL) {
            if (!p_accept_kw(p, KW_AS, &hit)) return false;
            if (hit || p_at_ident(p) || p->tok.kind == T_STRING) {
                if (p->tok.kind == T_STRING) {
                    it.alias = p_text(p, &p->tok);
                    if (!p_next(p)) return false;
                } else if (!p_ident(p, &it.alias)) {
                    return false;
                }
            }
        }
        P_PUSH(p, *ret_items, *ret_n, it);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool hints(parser_t *p, source_t *s)
{
    bool more = true, hit;
    if (!p_expect_op(p, '(')) return false;
    while (more) {
        if (p->tok.kind != T_WORD) return p_fail(p);
        if (p_is_word(p, "tablockx")) s->tablockx = true;
        if (p_is_word(p, "nolock") || p_is_word(p, "readuncommitted")) s->nolock = true;
        if (!p_next(p)) return false;
        if (p_is_op(p, '(')) {
            if (!p_next(p)) return false;
            while (!p_is_op(p, ')'))
                if (p->tok.kind == T_EOF || !p_next(p)) return p_fail(p);
            if (!p_next(p)) return false;
        }
        if (!p_accept_op(p, ',', &hit)) return false;
        more = hit || p->tok.kind == T_WORD;
    }
    return p_expect_op(p, ')');
}

static bool source_alias(parser_t *p, source_t *s)
{
    bool as;
    if (!p_accept_kw(p, KW_AS, &as)) return false;
    if (as || p_at_ident(p)) {
        if (!p_ident(p, &s->alias)) return false;
        if (s->kind != S_TABLE && p_is_op(p, '(') && !p_name_list(p, &s->cols, &s->ncols)) return false;
    }
    return true;
}

static bool values_rows(parser_t *p, expr_t ***ret_args, size_t *ret_n, size_t *ret_width)
{
    bool more = true, col;
    size_t width = 0;
    while (more) {
        size_t start = *ret_n;
        if (!p_expect_op(p, '(')) return false;
        col = true;
        while (col) {
            expr_t *e;
            if (!p_expr(p, &e)) return false;
            P_PUSH(p, *ret_args, *ret_n, e);
            if (!p_accept_op(p, ',', &col)) return false;
        }
        if (!p_expect_op(p, ')')) return false;
        if (width != 0 && *ret_n - start != width)
            return sql_fail(p->arena, p->err, 10709, 16, 1,
                            "The number of columns for each row in a table value constructor must be the same.");
        width = *ret_n - start;
        if (!p_accept_op(p, ',', &more)) return false;
    }
    *ret_width = width;
    return true;
}

static bool table_source(parser_t *p, source_t **ret)
{
    source_t *s = arena_alloc(p->arena, sizeof(*s));
    bool hit;
    s->line = p->tok.line;
    *ret = s;
    if (p_is_op(p, '(')) {
        if (!p_next(p)) return false;
        if (p_is_kw(p, KW_SELECT) || p_is_kw(p, KW_WITH)) {
            s->kind = S_SUBQUERY;
            if (!p_query(p, &s->sub) || !p_expect_op(p, ')')) return false;
            return source_alias(p, s);
        }
        if (p_is_kw(p, KW_VALUES)) {
            s->kind = S_VALUES;
            if (!p_next(p) || !values_rows(p, &s->args, &s->nargs, &s->width) || !p_expect_op(p, ')')) return false;
            return source_alias(p, s);
        }
        if (++p->depth > PARSE_DEPTH_MAX) return p_fail(p);
        if (!p_source(p, ret) || !p_expect_op(p, ')')) return false;
        p->depth--;
        return true;
    }
    s->kind = S_TABLE;
    if (p->tok.kind == T_VAR) {
        s->name.n = 1;
        if (!p_var(p, VAR_TABLE, &s->name.part[0])) return false;
    } else if (!p_name(p, &s->name)) {
        return false;
    }
    if (p_is_op(p, '(')) {
        /* t (NOLOCK) is an old-style hint, anything else in parentheses makes it a function */
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (tok_is_word(&ahead, "nolock") || tok_is_word(&ahead, "tablockx") || tok_is_word(&ahead, "holdlock") ||
            tok_is_word(&ahead, "updlock")) {
            if (!hints(p, s)) return false;
        } else {
            s->kind = S_TVF;
            if (!p_next(p) || !p_accept_op(p, ')', &hit)) return false;
            while (!hit) {
                expr_t *e;
                if (!p_expr(p, &e)) return false;
                P_PUSH(p, s->args, s->nargs, e);
                bool more;
                if (!p_accept_op(p, ',', &more)) return false;
                if (!more) {
                    if (!p_expect_op(p, ')')) return false;
                    hit = true;
                }
            }
        }
    }
    if (!source_alias(p, s)) return false;
    if (p_is_kw(p, KW_WITH)) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_OP && ahead.kw == '(') {
            if (!p_next(p) || !hints(p, s)) return false;
        }
        if (s->alias == NULL && !source_alias(p, s)) return false;
    } else if (s->kind == S_TABLE && p_is_op(p, '(')) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if ((tok_is_word(&ahead, "nolock") || tok_is_word(&ahead, "tablockx") || tok_is_word(&ahead, "holdlock")) &&
            !hints(p, s))
            return false;
    }
    return true;
}

/* One more table of a FROM list. */
static bool one_more(parser_t *p, unsigned *tables)
{
    if (*tables + 1 < PARSE_TABLES_MAX) return p_link(p, tables);
    return sql_fail(p->arena, p->err, 106, 15, 1, "Too many table names in the query. The maximum allowable is %d.",
                    PARSE_TABLES_MAX);
}

static bool joined(parser_t *p, unsigned *tables, source_t **ret)
{
    if (!table_source(p, ret)) return false;
    for (;;) {
        join_kind_t kind;
        bool hit;
        if (p_is_kw(p, KW_JOIN) || p_is_kw(p, KW_INNER)) {
            kind = J_INNER;
            if (p_is_kw(p, KW_INNER) && !p_next(p)) return false;
        } else if (p_is_kw(p, KW_LEFT) || p_is_kw(p, KW_RIGHT) || p_is_kw(p, KW_FULL)) {
            kind = p_is_kw(p, KW_LEFT) ? J_LEFT : p_is_kw(p, KW_RIGHT) ? J_RIGHT : J_FULL;
            if (!p_next(p) || !p_accept_kw(p, KW_OUTER, &hit)) return false;
        } else if (p_is_kw(p, KW_CROSS)) {
            kind = J_CROSS;
            if (!p_next(p)) return false;
            if (p_is_word(p, "apply")) kind = J_CROSS_APPLY;
        } else if (p_is_kw(p, KW_OUTER)) {
            kind = J_OUTER_APPLY;
            if (!p_next(p)) return false;
        } else {
            return true;
        }
        if (kind == J_CROSS_APPLY || kind == J_OUTER_APPLY) {
            if (!p_expect_word(p, "apply")) return false;
        } else if (!p_expect_kw(p, KW_JOIN)) {
            return false;
        }
        source_t *j = arena_alloc(p->arena, sizeof(*j));
        j->kind = S_JOIN;
        j->join = kind;
        j->line = p->tok.line;
        j->left = *ret;
        if (!one_more(p, tables) || !table_source(p, &j->right)) return false;
        if (kind <= J_FULL && (!p_expect_kw(p, KW_ON) || !p_cond(p, &j->on))) return false;
        *ret = j;
    }
}

bool p_source(parser_t *p, source_t **ret_source)
{
    unsigned tables = 0;
    if (!joined(p, &tables, ret_source)) return false;
    while (p_is_op(p, ',')) {
        source_t *j = arena_alloc(p->arena, sizeof(*j));
        j->kind = S_JOIN;
        j->join = J_CROSS;
        j->left = *ret_source;
        if (!one_more(p, &tables) || !p_next(p) || !joined(p, &tables, &j->right)) return false;
        *ret_source = j;
    }
    return true;
}

static bool top_clause(parser_t *p, select_t *s)
{
    bool hit;
    if (!p_next(p)) return false;
    if (p_is_op(p, '(')) {
        if (!p_next(p) || !p_expr(p, &s->top) || !p_expect_op(p, ')')) return false;
    } else {
        if (p->tok.kind != T_INT && p->tok.kind != T_VAR) return p_fail(p);
        parser_t *q = p;
        expr_t *e;
        /* TOP 10 *: the number ends here, so only one token may be taken as the expression */
        e = arena_alloc(p->arena, sizeof(*e));
        e->line = p->tok.line;
        if (p->tok.kind == T_VAR) {
            e->kind = E_VAR;
            e->name.n = 1;
            if (!p_var(q, VAR_READ, &e->name.part[0])) return false;
        } else {
            int64_t v;
            e->kind = E_LIT;
            if (!p_int(p, &v)) return false;
            e->u.lit.type = type_simple(SIM_T_BIGINT);
            e->u.lit.value = value_int(v);
        }
        s->top = e;
    }
    if (!p_accept_kw(p, KW_PERCENT, &s->top_percent)) return false;
    if (p_is_kw(p, KW_WITH)) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (tok_is_word(&ahead, "ties")) {
            s->top_ties = true;
            return p_skip_two(p);
        }
    }
    (void)hit;
    return true;
}

static bool core(parser_t *p, select_t **ret)
{
    bool hit, more = true;
    if (p_is_op(p, '(')) {
        if (++p->depth > PARSE_DEPTH_MAX) return p_fail(p);
        if (!p_next(p) || !p_query(p, ret)) return false;
        p->depth--;
        return p_expect_op(p, ')');
    }
    select_t *s = arena_alloc(p->arena, sizeof(*s));
    s->line = p->tok.line;
    *ret = s;
    if (!p_expect_kw(p, KW_SELECT)) return false;
    if (!p_accept_kw(p, KW_DISTINCT, &s->distinct)) return false;
    if (!s->distinct && !p_accept_kw(p, KW_ALL, &hit)) return false;
    if (p_is_kw(p, KW_TOP) && !top_clause(p, s)) return false;
    if (!p_select_items(p, &s->items, &s->nitems)) return false;
    if (!p_accept_kw(p, KW_INTO, &hit)) return false;
    if (hit) {
        s->into = arena_alloc(p->arena, sizeof(name_t));
        if (!p_name(p, s->into)) return false;
    }
    if (!p_accept_kw(p, KW_FROM, &hit)) return false;
    if (hit && !p_source(p, &s->from)) return false;
    if (!p_accept_kw(p, KW_WHERE, &hit)) return false;
    if (hit && !p_cond(p, &s->where)) return false;
    if (p_is_kw(p, KW_GROUP)) {
        if (!p_next(p) || !p_expect_kw(p, KW_BY)) return false;
        while (more) {
            expr_t *e;
            if (!p_expr(p, &e)) return false;
            P_PUSH(p, s->group, s->ngroup, e);
            if (!p_accept_op(p, ',', &more)) return false;
        }
    }
    if (!p_accept_kw(p, KW_HAVING, &hit)) return false;
    return hit ? p_cond(p, &s->having) : true;
}

static bool set_chain(parser_t *p, select_t **ret)
{
    if (!core(p, ret)) return false;
    while (p_is_kw(p, KW_UNION) || p_is_kw(p, KW_EXCEPT) || p_is_kw(p, KW_INTERSECT)) {
        select_t *u = arena_alloc(p->arena, sizeof(*u));
        bool all = false;
        u->line = p->tok.line;
        u->op = p_is_kw(p, KW_UNION) ? SET_UNION : p_is_kw(p, KW_EXCEPT) ? SET_EXCEPT : SET_INTERSECT;
        if (!p_next(p)) return false;
        if (u->op == SET_UNION && !p_accept_kw(p, KW_ALL, &all)) return false;
        if (all) u->op = SET_UNION_ALL;
        u->left = *ret;
        if (!core(p, &u->right)) return false;
        *ret = u;
    }
    return true;
}

bool p_query(parser_t *p, select_t **ret_select)
{
    cte_t *ctes = NULL;
    size_t nctes = 0;
    bool more = true, hit;
    if (++p->depth > PARSE_DEPTH_MAX)
        return sql_fail(p->arena, p->err, 191, 15, 1,
                        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
                        "smaller queries.");
    if (p_is_kw(p, KW_WITH)) {
        if (!p_next(p)) return false;
        while (more) {
            cte_t c = {0};
            if (!p_ident(p, &c.name)) return false;
            if (p_is_op(p, '(') && !p_name_list(p, &c.cols, &c.ncols)) return false;
            if (!p_expect_kw(p, KW_AS) || !p_expect_op(p, '(') || !p_query(p, &c.query) || !p_expect_op(p, ')'))
                return false;
            P_PUSH(p, ctes, nctes, c);
            if (!p_accept_op(p, ',', &more)) return false;
        }
    }
    if (!set_chain(p, ret_select)) return false;
    select_t *s = *ret_select;
    if (nctes != 0) {
        s->ctes = ctes;
        s->nctes = nctes;
    }
    if (p_is_kw(p, KW_ORDER)) {
        if (!p_order(p, &s->order, &s->norder)) return false;
        if (!p_accept_word(p, "offset", &hit)) return false;
        if (hit) {
            if (!p_expr(p, &s->offset)) return false;
            if (!p_is_word(p, "rows") && !p_is_word(p, "row")) return p_fail(p);
            if (!p_next(p)) return false;
            if (p_is_kw(p, KW_FETCH)) {
                if (!p_next(p) || !(p_is_word(p, "next") || p_is_word(p, "first")) || !p_next(p)) return p_fail(p);
                if (!p_expr(p, &s->fetch)) return false;
                if (!p_is_word(p, "rows") && !p_is_word(p, "row")) return p_fail(p);
                if (!p_next(p) || !p_expect_word(p, "only")) return false;
            }
        }
    }
    p->depth--;
    return true;
}

bool p_select(parser_t *p, select_t **ret_select)
{
    if (!p_query(p, ret_select)) return false;
    if (p_is_kw(p, KW_OPTION)) {
        int depth = 0;
        if (!p_next(p) || !p_is_op(p, '(')) return p_fail(p);
        do {
            if (p_is_op(p, '(')) depth++;
            if (p_is_op(p, ')')) depth--;
            if (p->tok.kind == T_EOF) return p_fail(p);
            if (p_is_word(p, "maxrecursion")) {
                if (!p_next(p) || !p_int(p, &(*ret_select)->maxrec)) return false;
                if ((*ret_select)->maxrec < 0 || (*ret_select)->maxrec > 32767)
                    return sql_fail(
                        p->arena, p->err, 310, 15, 1,
                        "The value %lld specified for the MAXRECURSION option exceeds the allowed maximum of "
                        "32767.",
                        (long long)(*ret_select)->maxrec);
                (*ret_select)->has_maxrec = true;
                continue;
            }
            if (!p_next(p)) return false;
        } while (depth > 0);
    }
    return true;
}
