/* parse_dml.c: INSERT, UPDATE, DELETE, EXEC arguments. */
#include <string.h>

#include "sql/parser.h"

static bool output_clause(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_accept_word(p, "output", &hit)) return false;
    if (!hit) return true;
    if (!p_select_items(p, &s->output, &s->noutput)) return false;
    if (!p_accept_kw(p, KW_INTO, &hit)) return false;
    if (!hit) return true;
    if (p->tok.kind == T_VAR) {
        s->output_into.n = 1;
        if (!p_var(p, VAR_TABLE, &s->output_into.part[0])) return false;
    } else if (!p_name(p, &s->output_into)) {
        return false;
    }
    token_t ahead;
    if (p_is_op(p, '(')) { /* a column list, unless the query of an INSERT follows */
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_WORD && (ahead.kw == KW_SELECT || ahead.kw == KW_WITH)) return true;
    }
    return p_is_op(p, '(') ? p_name_list(p, &s->output_cols, &s->noutput_cols) : true;
}

static bool top_prefix(parser_t *p, stmt_t *s)
{
    bool hit;
    if (!p_accept_kw(p, KW_TOP, &hit) || !hit) return p->err->text == NULL;
    bool paren;
    if (!p_accept_op(p, '(', &paren)) return false;
    if (!p_expr(p, &s->top)) return false;
    return paren ? p_expect_op(p, ')') : true;
}

static bool table_hint(parser_t *p)
{
    token_t ahead;
    if (!p_is_kw(p, KW_WITH)) return true;
    if (!p_peek(p, &ahead)) return false;
    if (!(ahead.kind == T_OP && ahead.kw == '(')) return true;
    if (!p_next(p)) return false;
    while (!p_is_op(p, ')'))
        if (p->tok.kind == T_EOF || !p_next(p)) return p_fail(p);
    return p_next(p);
}

static bool target(parser_t *p, stmt_t *s)
{
    if (p->tok.kind == T_VAR) {
        s->name.n = 1;
        return p_var(p, VAR_TABLE, &s->name.part[0]);
    }
    return p_name(p, &s->name) && table_hint(p);
}

static bool value_or_default(parser_t *p, expr_t **ret)
{
    if (!p_is_kw(p, KW_DEFAULT)) return p_expr(p, ret);
    *ret = arena_alloc(p->arena, sizeof(expr_t));
    (*ret)->kind = E_DEFAULT;
    return p_next(p);
}

static bool insert_values(parser_t *p, stmt_t *s)
{
    bool more = true, col;
    size_t rows = 0;
    if (!p_next(p)) return false;
    while (more) {
        size_t start = s->nvalues;
        if (!p_expect_op(p, '(')) return false;
        col = true;
        while (col) {
            expr_t *e;
            if (!value_or_default(p, &e)) return false;
            P_PUSH(p, s->values, s->nvalues, e);
            if (!p_accept_op(p, ',', &col)) return false;
        }
        if (!p_expect_op(p, ')')) return false;
        size_t width = s->nvalues - start;
        if (rows > 0 && width != s->width)
            return sql_fail(p->arena, p->err, 10709, 16, 1,
                            "The number of columns for each row in a table value constructor must be the same.");
        s->width = width;
        if (++rows > 1000) {
            p->err_line = p->tok.line;
            return sql_fail(p->arena, p->err, 10738, 15, 1,
                            "The number of row value expressions in the INSERT statement exceeds the maximum allowed "
                            "number of 1000 row values.");
        }
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool insert_stmt(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_INSERT;
    if (!p_next(p)) return false;
    if (p_is_kw(p, KW_BULK)) { /* INSERT BULK t ([c] type, ...) WITH (...) */
        s->kind = ST_INSERT_BULK;
        if (!p_next(p) || !p_name(p, &s->name) || !p_expect_op(p, '(')) return false;
        bool more = true;
        while (more) {
            const char *c;
            type_ref_t *t;
            if (!p_ident(p, &c) || !p_type(p, &t)) return false;
            if (p_is_kw(p, KW_COLLATE) && (!p_skip_two(p))) return false;
            P_PUSH(p, s->cols, s->ncols, c);
            if (!p_accept_op(p, ',', &more)) return false;
        }
        if (!p_expect_op(p, ')')) return false;
        if (p_is_kw(p, KW_WITH)) return table_hint(p);
        return true;
    }
    if (!top_prefix(p, s) || !p_accept_kw(p, KW_INTO, &hit) || !target(p, s)) return false;
    if (p_is_op(p, '(')) {
        token_t ahead;
        if (!p_peek(p, &ahead)) return false;
        if (!(ahead.kind == T_WORD && (ahead.kw == KW_SELECT || ahead.kw == KW_WITH)) &&
            !p_name_list(p, &s->cols, &s->ncols))
            return false;
    }
    if (!output_clause(p, s)) return false;
    if (p_is_kw(p, KW_VALUES)) return insert_values(p, s);
    if (p_is_kw(p, KW_DEFAULT)) {
        s->flag = true; /* DEFAULT VALUES */
        return p_next(p) && p_expect_kw(p, KW_VALUES);
    }
    if (p_is_kw(p, KW_EXEC) || p_is_kw(p, KW_EXECUTE)) {
        s->exec = arena_alloc(p->arena, sizeof(stmt_t));
        s->exec->line = p->tok.line;
        return p_exec(p, s->exec, false);
    }
    if (p_is_kw(p, KW_SELECT) || p_is_kw(p, KW_WITH) || p_is_op(p, '(')) return p_select(p, &s->select);
    return p_fail(p);
}

/* col = value, col += value, @v = value, @v = col = value, ... */
static bool set_items(parser_t *p, set_item_t **sets, size_t *nsets)
{
    bool more = true;
    while (more) {
        set_item_t it = {0};
        if (p->tok.kind == T_VAR) {
            if (!p_var(p, VAR_WRITE, &it.var) || !p_expect_op(p, '=')) return false;
            token_t ahead;
            if (p_at_ident(p)) {
                if (!p_peek(p, &ahead)) return false;
                if (ahead.kind == T_OP && ahead.kw == '=' && (!p_name(p, &it.col) || !p_expect_op(p, '=')))
                    return false;
            }
            if (!p_expr(p, &it.value)) return false;
        } else {
            if (!p_name(p, &it.col)) return false;
            char op = 0;
            if (p->tok.kind == T_OP && p->tok.kw >= 'A' && p->tok.kw <= 'H') {
                op = "+-*/%&|^"[p->tok.kw - 'A'];
                if (!p_next(p)) return false;
            } else if (!p_expect_op(p, '=')) {
                return false;
            }
            if (!value_or_default(p, &it.value)) return false;
            if (op != 0) {
                expr_t *c = arena_alloc(p->arena, sizeof(*c)), *b = arena_alloc(p->arena, sizeof(*b));
                c->kind = E_COL;
                c->name = it.col;
                b->kind = E_BIN;
                b->op = op;
                b->nargs = 2;
                b->args = arena_alloc(p->arena, 2 * sizeof(expr_t *));
                b->args[0] = c;
                b->args[1] = it.value;
                it.value = b;
            }
        }
        P_PUSH(p, *sets, *nsets, it);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return true;
}

static bool update_stmt(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_UPDATE;
    if (!p_next(p) || !top_prefix(p, s) || !target(p, s) || !p_expect_kw(p, KW_SET) ||
        !set_items(p, &s->sets, &s->nsets))
        return false;
    if (!output_clause(p, s) || !p_accept_kw(p, KW_FROM, &hit)) return false;
    if (hit && !p_source(p, &s->from)) return false;
    if (!p_accept_kw(p, KW_WHERE, &hit)) return false;
    if (hit && !p_cond(p, &s->expr)) return false;
    return true;
}

static bool delete_stmt(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_DELETE;
    if (!p_next(p) || !top_prefix(p, s) || !p_accept_kw(p, KW_FROM, &hit) || !target(p, s)) return false;
    if (!output_clause(p, s) || !p_accept_kw(p, KW_FROM, &hit)) return false;
    if (hit && !p_source(p, &s->from)) return false;
    if (!p_accept_kw(p, KW_WHERE, &hit)) return false;
    return hit ? p_cond(p, &s->expr) : true;
}

static bool merge_insert(parser_t *p, merge_when_t *w)
{
    bool more = true;
    w->action = 'i';
    if (p_is_op(p, '(') && !p_name_list(p, &w->cols, &w->ncols)) return false;
    if (p_is_kw(p, KW_DEFAULT)) {
        w->defaults = true;
        return p_next(p) && p_expect_kw(p, KW_VALUES);
    }
    if (!p_expect_kw(p, KW_VALUES) || !p_expect_op(p, '(')) return false;
    while (more) {
        expr_t *e;
        if (!value_or_default(p, &e)) return false;
        P_PUSH(p, w->values, w->nvalues, e);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return p_expect_op(p, ')');
}

static bool merge_when(parser_t *p, merge_when_t *w)
{
    bool hit;
    memset(w, 0, sizeof(*w));
    w->kind = 'm';
    if (!p_expect_kw(p, KW_WHEN) || !p_accept_kw(p, KW_NOT, &hit) || !p_expect_word(p, "matched")) return false;
    if (hit) {
        w->kind = 't';
        if (!p_accept_kw(p, KW_BY, &hit)) return false;
        if (hit && p_is_word(p, "source")) w->kind = 's';
        if (hit && !p_is_word(p, "source") && !p_is_word(p, "target")) return p_fail(p);
        if (hit && !p_next(p)) return false;
    }
    if (!p_accept_kw(p, KW_AND, &hit) || (hit && !p_cond(p, &w->cond)) || !p_expect_kw(p, KW_THEN)) return false;
    if (w->kind == 't') return p_expect_kw(p, KW_INSERT) && merge_insert(p, w);
    if (p_is_kw(p, KW_DELETE)) {
        w->action = 'd';
        return p_next(p);
    }
    w->action = 'u';
    return p_expect_kw(p, KW_UPDATE) && p_expect_kw(p, KW_SET) && set_items(p, &w->sets, &w->nsets);
}

static bool merge_stmt(parser_t *p, stmt_t *s)
{
    bool hit;
    s->kind = ST_MERGE;
    if (!p_next(p) || !p_accept_kw(p, KW_INTO, &hit) || !target(p, s) || !p_accept_kw(p, KW_AS, &hit)) return false;
    if ((hit || (p_at_ident(p) && !p_is_word(p, "using"))) && !p_ident(p, &s->word)) return false;
    if (!p_expect_word(p, "using") || !p_source(p, &s->from) || !p_expect_kw(p, KW_ON) || !p_cond(p, &s->expr))
        return false;
    while (p_is_kw(p, KW_WHEN)) {
        merge_when_t w;
        if (!merge_when(p, &w)) return false;
        P_PUSH(p, s->whens, s->nwhens, w);
    }
    if (s->nwhens == 0 || !output_clause(p, s)) return p_fail(p);
    if (p_is_op(p, ';')) return true;
    p->err_line = p->tok.line;
    return sql_fail(p->arena, p->err, 10713, 15, 1, "A MERGE statement must be terminated by a semi-colon (;).");
}

bool p_dml(parser_t *p, stmt_t *s)
{
    if (p_is_kw(p, KW_MERGE)) return merge_stmt(p, s);
    if (p_is_kw(p, KW_INSERT)) return insert_stmt(p, s);
    if (p_is_kw(p, KW_UPDATE)) return update_stmt(p, s);
    return delete_stmt(p, s);
}

static bool exec_arg(parser_t *p, exec_arg_t *a)
{
    token_t ahead;
    if (p->tok.kind == T_VAR) {
        if (!p_peek(p, &ahead)) return false;
        if (ahead.kind == T_OP && ahead.kw == '=') {
            a->name = p_text(p, &p->tok);
            if (!p_skip_two(p)) return false;
        }
    }
    if (p_is_kw(p, KW_DEFAULT)) return p_next(p);
    if (p_at_ident(p)) { /* a bare word is a string: sp_help customers */
        expr_t *e = arena_alloc(p->arena, sizeof(*e));
        name_t nm;
        size_t from = p->tok.start;
        if (!p_name(p, &nm)) return false;
        e->kind = E_LIT;
        const char *t = nm.n == 1 ? nm.part[0] : arena_strndup(p->arena, p->lx.src + from, p->prev_end - from);
        e->u.lit.value = value_str(t);
        e->u.lit.type = type_nvarchar((int)strlen(t));
        a->value = e;
    } else if (!p_expr(p, &a->value)) {
        return false;
    }
    bool hit;
    if (!p_accept_word(p, "output", &a->output)) return false;
    if (!a->output) {
        if (!p_accept_word(p, "out", &hit)) return false;
        a->output = hit;
    }
    return true;
}

bool p_exec(parser_t *p, stmt_t *s, bool implied)
{
    bool hit, more = true;
    s->kind = ST_EXEC;
    if (!implied && !p_next(p)) return false;
    if (!implied && p_is_op(p, '(')) {
        s->kind = ST_EXEC_STRING;
        return p_next(p) && p_expr(p, &s->expr) && p_expect_op(p, ')');
    }
    token_t ahead;
    if (p->tok.kind == T_VAR) {
        if (!p_peek(p, &ahead) || !p_var(p, VAR_WRITE, &s->var)) return false;
        if (p_is_op(p, '=')) {
            if (!p_next(p)) return false;
        } else {
            s->word = s->var; /* EXEC @procname */
            s->var = NULL;
        }
    }
    if (s->word == NULL && !p_name(p, &s->name)) return false;
    if (p_is_op(p, ';') || p->tok.kind == T_EOF || p_is_op(p, ')')) return true;
    if (p->tok.kind == T_WORD && p->tok.kw != KW_NONE && p->tok.kw != KW_DEFAULT && p->tok.kw != KW_NULL) return true;
    while (more) {
        exec_arg_t a = {0};
        if (!exec_arg(p, &a)) return false;
        P_PUSH(p, s->args, s->nargs, a);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    if (p_is_kw(p, KW_WITH)) { /* WITH RECOMPILE */
        if (!p_skip_two(p)) return false;
    }
    (void)hit;
    return true;
}
