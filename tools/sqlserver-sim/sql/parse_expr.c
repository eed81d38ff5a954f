/* parse_expr.c: scalar expressions and search conditions by precedence climbing. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sql/parser.h"
#include "sql/value_text.h"

static expr_t *node(parser_t *p, expr_kind_t kind)
{
    expr_t *e = arena_alloc(p->arena, sizeof(*e));
    e->kind = kind;
    e->line = p->tok.line;
    return e;
}

static expr_t *node_args(parser_t *p, expr_kind_t kind, expr_t *a, expr_t *b)
{
    expr_t *e = node(p, kind);
    e->nargs = b != NULL ? 2 : 1;
    e->args = arena_alloc(p->arena, 2 * sizeof(expr_t *));
    e->args[0] = a;
    e->args[1] = b;
    e->line = a->line;
    return e;
}

static bool any(parser_t *p, expr_t **ret);

static bool is_condition(const expr_t *e)
{
    switch (e->kind) {
    case E_CMP:
    case E_AND:
    case E_OR:
    case E_NOT:
    case E_EXISTS:
    case E_IN:
    case E_BETWEEN:
    case E_LIKE:
    case E_ISNULL:
        return true;
    default:
        return false;
    }
}

static bool literal(parser_t *p, expr_t **ret)
{
    expr_t *e = node(p, E_LIT);
    const token_t *t = &p->tok;
    sim_typeinfo_t *ty = &e->u.lit.type;
    sim_value_t *v = &e->u.lit.value;
    dec_t d;
    int scale, prec;
    switch (t->kind) {
    case T_INT:
        if (!dec_parse(t->text, t->len, &d, &scale, &prec))
            return sql_fail(p->arena, p->err, 1007, 15, 1,
                            "The number '%.*s' is out of the range for numeric representation (maximum precision 38).",
                            (int)t->len, t->text);
        if (d <= INT32_MAX) {
            *ty = type_simple(SIM_T_INT);
            *v = value_int((int64_t)d);
        } else {
            *ty = type_decimal(prec, 0);
            value_set_dec(v, d);
        }
        break;
    case T_DECIMAL:
        if (!dec_parse(t->text, t->len, &d, &scale, &prec))
            return sql_fail(p->arena, p->err, 1007, 15, 1,
                            "The number '%.*s' is out of the range for numeric representation (maximum precision 38).",
                            (int)t->len, t->text);
        *ty = type_decimal(prec, scale);
        value_set_dec(v, d);
        break;
    case T_FLOAT:
        *ty = type_simple(SIM_T_FLOAT);
        v->u.f = strtod(p_text(p, t), NULL);
        if (!isfinite(v->u.f))
            return sql_fail(p->arena, p->err, 168, 15, 1,
                            "The floating point value '%.*s' is out of the range of computer representation (8 bytes).",
                            (int)(t->len > 64 ? 64 : t->len), t->text);
        break;
    case T_MONEY:
        *ty = type_simple(SIM_T_MONEY);
        if (!dec_parse(t->text, t->len, &d, &scale, &prec) || !dec_rescale(d, scale, 4, &d)) return p_fail(p);
        v->u.i = (int64_t)d;
        break;
    case T_HEX: {
        size_t digits = t->len - 2, n = (digits + 1) / 2;
        char *b = arena_alloc(p->arena, n + 1);
        for (size_t i = 0; i < digits; i++) {
            int c = t->text[2 + i], x = c <= '9' ? c - '0' : (c | 32) - 'a' + 10;
            size_t at = i + (digits & 1);
            b[at / 2] = (char)((unsigned char)b[at / 2] | (unsigned)x << (at % 2 == 0 ? 4 : 0));
        }
        *ty = type_varbinary(n > 8000 ? SIM_LEN_MAX : (int)n);
        *v = value_bytes(b, n);
        break;
    }
    case T_STRING: {
        size_t n = t->len;
        const char *s = text_to_cp1252(p->arena, t->text, &n);
        size_t units = utf16_units(s, n);
        *ty = type_varchar(units > 8000 ? SIM_LEN_MAX : (int)units);
        *v = value_bytes(s, n);
        break;
    }
    default: {
        size_t units = utf16_units(t->text, t->len);
        *ty = type_nvarchar(units > 4000 ? SIM_LEN_MAX : (int)units);
        *v = value_bytes(t->text, t->len);
        break;
    }
    }
    ty->not_null = true;
    *ret = e;
    return p_next(p);
}

static bool arg_list(parser_t *p, expr_t *e)
{
    bool more = true, hit;
    if (!p_expect_op(p, '(')) return false;
    if (!p_accept_op(p, ')', &hit)) return false;
    if (hit) return true;
    if (p_is_kw(p, KW_DISTINCT)) {
        e->distinct = true;
        if (!p_next(p)) return false;
    } else if (p_is_kw(p, KW_ALL) && !p_next(p)) {
        return false;
    }
    if (p_is_op(p, '*')) {
        e->star = true;
        return p_next(p) && p_expect_op(p, ')');
    }
    while (more) {
        expr_t *a;
        if (p_is_kw(p, KW_DEFAULT)) {
            a = node(p, E_DEFAULT);
            if (!p_next(p)) return false;
        } else if (!p_expr(p, &a)) {
            return false;
        }
        P_PUSH(p, e->args, e->nargs, a);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return p_expect_op(p, ')');
}

/* n PRECEDING, UNBOUNDED FOLLOWING, CURRENT ROW, ... */
static bool frame_bound(parser_t *p, buf_t *text)
{
    bool current = p_is_word(p, "current");
    if (!current && !p_is_word(p, "unbounded") && p->tok.kind != T_INT) return p_fail(p);
    buf_add(text, p->tok.text, p->tok.len);
    if (!p_next(p)) return false;
    if (current ? !p_is_word(p, "row") : !p_is_word(p, "preceding") && !p_is_word(p, "following")) return p_fail(p);
    buf_addc(text, ' ');
    buf_add(text, p->tok.text, p->tok.len);
    return p_next(p);
}

static bool frame_clause(parser_t *p, over_t *o)
{
    buf_t text = {0};
    bool ok;
    if (o->norder == 0) return p_fail(p); /* a frame needs an order */
    buf_add(&text, p->tok.text, p->tok.len);
    buf_addc(&text, ' ');
    ok = p_next(p);
    if (ok && p_is_kw(p, KW_BETWEEN)) {
        buf_adds(&text, "BETWEEN ");
        ok = p_next(p) && frame_bound(p, &text) && p_expect_kw(p, KW_AND);
        buf_adds(&text, " AND ");
    }
    ok = ok && frame_bound(p, &text);
    o->frame = arena_strdup(p->arena, buf_text(&text));
    buf_done(&text);
    return ok;
}

static bool over_clause(parser_t *p, expr_t *e)
{
    bool hit, more = true;
    over_t *o = arena_alloc(p->arena, sizeof(*o));
    if (!p_expect_op(p, '(')) return false;
    if (!p_accept_word(p, "partition", &hit)) return false;
    if (hit) {
        if (!p_expect_kw(p, KW_BY)) return false;
        while (more) {
            expr_t *x;
            if (!p_expr(p, &x)) return false;
            P_PUSH(p, o->partition, o->npartition, x);
            if (!p_accept_op(p, ',', &more)) return false;
        }
    }
    if (p_is_kw(p, KW_ORDER) && !p_order(p, &o->order, &o->norder)) return false;
    if ((p_is_word(p, "rows") || p_is_word(p, "range")) && !frame_clause(p, o)) return false;
    e->u.over = o;
    return p_expect_op(p, ')');
}

static bool case_expr(parser_t *p, expr_t **ret)
{
    expr_t *e = node(p, E_CASE), *x = NULL;
    bool searched = true, hit;
    if (!p_next(p)) return false;
    if (!p_is_kw(p, KW_WHEN)) {
        searched = false;
        if (!p_expr(p, &x)) return false;
    }
    P_PUSH(p, e->args, e->nargs, x);
    if (!p_is_kw(p, KW_WHEN)) return p_fail(p);
    while (p_is_kw(p, KW_WHEN)) {
        if (!p_next(p) || !(searched ? p_cond(p, &x) : p_expr(p, &x))) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_expect_kw(p, KW_THEN) || !p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
    }
    x = NULL;
    if (!p_accept_kw(p, KW_ELSE, &hit)) return false;
    if (hit && !p_expr(p, &x)) return false;
    P_PUSH(p, e->args, e->nargs, x);
    *ret = e;
    return p_expect_kw(p, KW_END);
}

/* CAST(x AS t), TRY_CAST, PARSE, TRY_PARSE; CONVERT(t, x [, style]), TRY_CONVERT */
static bool cast_expr(parser_t *p, const char *fn, expr_t **ret)
{
    expr_t *e = node(p, E_CAST), *x;
    bool convert = strstr(fn, "convert") != NULL, hit;
    e->try_cast = strncmp(fn, "try_", 4) == 0;
    e->is_parse = strstr(fn, "parse") != NULL;
    if (!p_expect_op(p, '(')) return false;
    if (convert) {
        if (!p_type(p, &e->u.cast.to) || !p_expect_op(p, ',') || !p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_accept_op(p, ',', &hit)) return false;
        if (hit) {
            if (!p_expr(p, &x)) return false;
            P_PUSH(p, e->args, e->nargs, x);
        }
    } else {
        if (!p_expr(p, &x) || !p_expect_kw(p, KW_AS) || !p_type(p, &e->u.cast.to)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_accept_word(p, "using", &hit)) return false;
        if (hit && !p_expr(p, &x)) return false;
    }
    sim_typeinfo_t *t = &e->u.cast.to->type;
    if (t->len == 0 && (type_is_char(t->base) || type_is_binary(t->base))) t->len = type_is_unicode(t->base) ? 60 : 30;
    *ret = e;
    return p_expect_op(p, ')');
}

static const char *lower_word(parser_t *p, const token_t *t)
{
    char *w = p_text(p, t);
    for (char *c = w; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    return w;
}

static bool name_or_call(parser_t *p, expr_t **ret)
{
    token_t ahead;
    if (p->tok.kind == T_WORD) {
        if (!p_peek(p, &ahead)) return false;
        const char *w = lower_word(p, &p->tok);
        bool call = ahead.kind == T_OP && ahead.kw == '(';
        if (call && (strcmp(w, "cast") == 0 || strcmp(w, "convert") == 0 || strcmp(w, "try_cast") == 0 ||
                     strcmp(w, "try_convert") == 0 || strcmp(w, "parse") == 0 || strcmp(w, "try_parse") == 0))
            return p_next(p) && cast_expr(p, w, ret);
        int kw = p->tok.kw;
        if (kw == KW_CURRENT_TIMESTAMP || kw == KW_CURRENT_USER || kw == KW_SESSION_USER || kw == KW_SYSTEM_USER ||
            kw == KW_USER) {
            expr_t *e = node(p, E_FUNC);
            e->name = (name_t){{w}, 1};
            *ret = e;
            return p_next(p);
        }
        if (call && (kw == KW_COALESCE || kw == KW_NULLIF || kw == KW_LEFT || kw == KW_RIGHT || kw == KW_IDENTITY)) {
            expr_t *e = node(p, E_FUNC);
            e->name = (name_t){{w}, 1};
            *ret = e;
            return p_next(p) && arg_list(p, e);
        }
        if (call && strcmp(w, "iif") == 0) {
            expr_t *e = node(p, E_CASE), *x = NULL;
            P_PUSH(p, e->args, e->nargs, x);
            if (!p_next(p) || !p_expect_op(p, '(') || !p_cond(p, &x)) return false;
            P_PUSH(p, e->args, e->nargs, x);
            for (int i = 0; i < 2; i++) {
                if (!p_expect_op(p, ',') || !p_expr(p, &x)) return false;
                P_PUSH(p, e->args, e->nargs, x);
            }
            *ret = e;
            return p_expect_op(p, ')');
        }
    }
    expr_t *e = node(p, E_COL);
    if (!p_at_ident(p)) return p_fail(p);
    for (;;) {
        if (e->name.n == 4) return p_fail(p);
        if (p_is_op(p, '*') && e->name.n > 0) {
            e->kind = E_STAR;
            *ret = e;
            return p_next(p);
        }
        if (p_is_op(p, '.') && e->name.n > 0)
            e->name.part[e->name.n++] = "";
        else if (!p_ident(p, &e->name.part[e->name.n++]))
            return false;
        if (!p_is_op(p, '.')) break;
        if (!p_next(p)) return false;
    }
    if (p_is_op(p, '(')) {
        e->kind = E_FUNC;
        if (!arg_list(p, e)) return false;
        if (p_is_word(p, "within")) { /* STRING_AGG ... WITHIN GROUP (ORDER BY ...) */
            if (!p_next(p) || !p_expect_kw(p, KW_GROUP) || !p_expect_op(p, '(') ||
                !p_order(p, &e->within, &e->nwithin) || !p_expect_op(p, ')'))
                return false;
        }
        if (p_is_kw(p, KW_OVER)) {
            if (!p_next(p) || !over_clause(p, e)) return false;
        }
    }
    *ret = e;
    return true;
}

static bool primary(parser_t *p, expr_t **ret)
{
    expr_t *e;
    switch (p->tok.kind) {
    case T_INT:
    case T_DECIMAL:
    case T_FLOAT:
    case T_MONEY:
    case T_HEX:
    case T_STRING:
    case T_NSTRING:
        return literal(p, ret);
    case T_VAR:
        e = node(p, E_VAR);
        e->name.n = 1;
        *ret = e;
        return p_var(p, VAR_READ, &e->name.part[0]);
    case T_OP:
        if (p_is_op(p, '(')) {
            if (!p_next(p)) return false;
            if (p_is_kw(p, KW_SELECT) || p_is_kw(p, KW_WITH)) {
                e = node(p, E_SUB);
                if (!p_query(p, &e->u.sub)) return false;
                *ret = e;
            } else if (!any(p, ret)) {
                return false;
            }
            return p_expect_op(p, ')');
        }
        return p_fail(p);
    case T_WORD:
        if (p->tok.kw == KW_NULL) {
            e = node(p, E_LIT);
            e->u.lit.value = value_null();
            *ret = e;
            return p_next(p);
        }
        if (p->tok.kw == KW_CASE) return case_expr(p, ret);
        return name_or_call(p, ret);
    case T_QUOTED:
        return name_or_call(p, ret);
    default:
        return p_fail(p);
    }
}

static bool unary(parser_t *p, expr_t **ret)
{
    if (++p->depth > PARSE_DEPTH_MAX)
        return sql_fail(p->arena, p->err, 191, 15, 1,
                        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
                        "smaller queries.");
    bool ok;
    if (p_is_op(p, '-') || p_is_op(p, '+') || p_is_op(p, '~')) {
        char op = (char)p->tok.kw;
        expr_t *a;
        ok = p_next(p) && unary(p, &a);
        if (ok && op == '-' && a->kind == E_LIT && !a->u.lit.value.is_null && type_is_number(a->u.lit.type.base)) {
            sim_value_t *v = &a->u.lit.value; /* fold, so that -1 stays a literal */
            if (type_is_decimal(a->u.lit.type.base))
                v->u.dec.neg = v->u.dec.mag != 0 && !v->u.dec.neg;
            else if (type_is_float(a->u.lit.type.base))
                v->u.f = -v->u.f;
            else
                v->u.i = -v->u.i;
            if (type_is_decimal(a->u.lit.type.base) && a->u.lit.type.scale == 0 && value_dec(v) == INT32_MIN) {
                a->u.lit.type = type_simple(SIM_T_INT);
                *v = value_int(INT32_MIN);
            }
            *ret = a;
        } else if (ok && op == '+') {
            *ret = a;
        } else if (ok) {
            *ret = node_args(p, E_UNARY, a, NULL);
            (*ret)->op = op;
        }
    } else {
        ok = primary(p, ret);
        while (ok && p_is_kw(p, KW_COLLATE)) {
            expr_t *e = node_args(p, E_COLLATE, *ret, NULL);
            ok = p_next(p) && p_ident(p, &e->name.part[0]);
            e->name.n = 1;
            *ret = e;
        }
    }
    p->depth--;
    return ok;
}

static int binary_level(const parser_t *p)
{
    if (p->tok.kind != T_OP) return 0;
    switch (p->tok.kw) {
    case '*':
    case '/':
    case '%':
        return 2;
    case '+':
    case '-':
    case '&':
    case '|':
    case '^':
        return 1;
    default:
        return 0;
    }
}

bool p_link(parser_t *p, unsigned *chain)
{
    if (++*chain < PARSE_CHAIN_MAX && ++p->links < PARSE_LINKS_MAX) return true;
    return sql_fail(p->arena, p->err, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
}

static bool arith(parser_t *p, int level, expr_t **ret)
{
    unsigned chain = 0;
    if (level > 2) return unary(p, ret);
    if (!arith(p, level + 1, ret)) return false;
    while (binary_level(p) == level) {
        if (is_condition(*ret)) return p_fail(p);
        char op = (char)p->tok.kw;
        expr_t *b;
        if (!p_link(p, &chain) || !p_next(p) || !arith(p, level + 1, &b)) return false;
        *ret = node_args(p, E_BIN, *ret, b);
        (*ret)->op = op;
    }
    return true;
}

bool p_expr(parser_t *p, expr_t **ret_expr)
{
    if (!arith(p, 1, ret_expr)) return false;
    return is_condition(*ret_expr) ? p_fail(p) : true;
}

/* ---- conditions ---- */

static bool in_list(parser_t *p, expr_t *e)
{
    if (!p_expect_op(p, '(')) return false;
    if (p_is_kw(p, KW_SELECT) || p_is_kw(p, KW_WITH)) {
        if (!p_query(p, &e->u.sub)) return false;
        return p_expect_op(p, ')');
    }
    bool more = true;
    while (more) {
        expr_t *x;
        if (!p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_accept_op(p, ',', &more)) return false;
    }
    return p_expect_op(p, ')');
}

static bool predicate_tail(parser_t *p, expr_t *left, expr_t **ret)
{
    bool neg, hit;
    expr_t *x;
    if (p->tok.kind == T_OP && p->tok.kw != 0 && strchr("=<>lg!", p->tok.kw) != NULL) {
        char op = (char)p->tok.kw;
        if (!p_next(p)) return false;
        if (p_is_kw(p, KW_ANY) || p_is_kw(p, KW_ALL)) return p_fail(p);
        if (!p_expr(p, &x)) return false;
        *ret = node_args(p, E_CMP, left, x);
        (*ret)->op = op;
        return true;
    }
    if (p_is_kw(p, KW_IS)) {
        *ret = node_args(p, E_ISNULL, left, NULL);
        if (!p_next(p) || !p_accept_kw(p, KW_NOT, &(*ret)->negated)) return false;
        return p_expect_kw(p, KW_NULL);
    }
    if (!p_accept_kw(p, KW_NOT, &neg)) return false;
    if (p_is_kw(p, KW_IN)) {
        expr_t *e = node(p, E_IN);
        e->negated = neg;
        P_PUSH(p, e->args, e->nargs, left);
        *ret = e;
        return p_next(p) && in_list(p, e);
    }
    if (p_is_kw(p, KW_LIKE)) {
        expr_t *e = node(p, E_LIKE);
        e->negated = neg;
        P_PUSH(p, e->args, e->nargs, left);
        if (!p_next(p) || !p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_accept_kw(p, KW_ESCAPE, &hit)) return false;
        if (hit) {
            if (!p_expr(p, &x)) return false;
            P_PUSH(p, e->args, e->nargs, x);
        }
        *ret = e;
        return true;
    }
    if (p_is_kw(p, KW_BETWEEN)) {
        expr_t *e = node(p, E_BETWEEN);
        e->negated = neg;
        P_PUSH(p, e->args, e->nargs, left);
        if (!p_next(p) || !p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        if (!p_expect_kw(p, KW_AND) || !p_expr(p, &x)) return false;
        P_PUSH(p, e->args, e->nargs, x);
        *ret = e;
        return true;
    }
    return p_fail(p);
}

/* A parenthesis may hold a condition or a scalar; both are parsed by one grammar and told apart by the node kind, so
 * nothing is ever parsed twice. */
static bool cond_primary(parser_t *p, expr_t **ret)
{
    if (p_is_kw(p, KW_EXISTS)) {
        expr_t *e = node(p, E_EXISTS);
        *ret = e;
        return p_next(p) && p_expect_op(p, '(') && p_query(p, &e->u.sub) && p_expect_op(p, ')');
    }
    if (!arith(p, 1, ret)) return false;
    if (is_condition(*ret)) return true;
    bool predicate = (p->tok.kind == T_OP && p->tok.kw != 0 && strchr("=<>lg!", p->tok.kw) != NULL) ||
                     p_is_kw(p, KW_IS) || p_is_kw(p, KW_NOT) || p_is_kw(p, KW_IN) || p_is_kw(p, KW_LIKE) ||
                     p_is_kw(p, KW_BETWEEN);
    return predicate ? predicate_tail(p, *ret, ret) : true;
}

static bool cond_factor(parser_t *p, expr_t **ret)
{
    bool neg = false;
    while (p_is_kw(p, KW_NOT)) {
        neg = !neg;
        if (!p_next(p)) return false;
    }
    if (++p->depth > PARSE_DEPTH_MAX)
        return sql_fail(p->arena, p->err, 191, 15, 1,
                        "Some part of your SQL statement is nested too deeply. Rewrite the query or break it up into "
                        "smaller queries.");
    if (!cond_primary(p, ret)) return false;
    p->depth--;
    if (neg && !is_condition(*ret)) return p_fail(p);
    if (neg) *ret = node_args(p, E_NOT, *ret, NULL);
    return true;
}

static bool cond_and(parser_t *p, expr_t **ret)
{
    unsigned chain = 0;
    if (!cond_factor(p, ret)) return false;
    while (is_condition(*ret) && p_is_kw(p, KW_AND)) {
        expr_t *b;
        if (!p_link(p, &chain) || !p_next(p) || !cond_factor(p, &b)) return false;
        if (!is_condition(b)) return p_fail(p);
        *ret = node_args(p, E_AND, *ret, b);
    }
    return true;
}

static bool any(parser_t *p, expr_t **ret)
{
    unsigned chain = 0;
    if (!cond_and(p, ret)) return false;
    while (is_condition(*ret) && p_is_kw(p, KW_OR)) {
        expr_t *b;
        if (!p_link(p, &chain) || !p_next(p) || !cond_and(p, &b)) return false;
        if (!is_condition(b)) return p_fail(p);
        *ret = node_args(p, E_OR, *ret, b);
    }
    return true;
}

bool p_cond(parser_t *p, expr_t **ret_expr)
{
    if (!any(p, ret_expr)) return false;
    if (is_condition(*ret_expr)) return true;
    if (p->err->text != NULL) return false;
    p->err_line = p->tok.line;
    const char *near = p->tok.text;
    size_t len = p->tok.len > 128 ? 128 : p->tok.len;
    if (p->tok.kind == T_EOF) near = p_last(p, &len);
    return sql_fail(
        p->arena, p->err, 4145, 15, 1,
        "An expression of non-boolean type specified in a context where a condition is expected, near '%.*s'.",
        (int)len, near);
}
