/* bind_expr.c: expressions. Every value keeps its SQL Server type beside its SQLite text; wherever two types meet, an
 * explicit conversion is written into the text, so SQLite never guesses. */
#include <string.h>

#include "sql/bind.h"
#include "sql/cursor.h"
#include "sql/parser.h"

void binder_init(binder_t *b, sim_session_t *s)
{
    *b = (binder_t){.s = s, .a = &s->arena, .maxrec = 100};
}

const char *bind_param(binder_t *b, const sim_typeinfo_t *t, const sim_value_t *v)
{
    bind_param_t p = {*t, *v};
    size_t n = b->nparams;
    if ((n & (n - 1)) == 0) {
        bind_param_t *grown = arena_alloc(b->a, sizeof(*grown) * (n == 0 ? 1 : n * 2));
        if (n != 0) memcpy(grown, b->params, sizeof(*grown) * n);
        b->params = grown;
    }
    b->params[b->nparams++] = p;
    return arena_printf(b->a, "?%zu", b->nparams);
}

sqlite3_stmt *bind_prepare(binder_t *b, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(b->s->sq, sql, -1, &st, NULL) != SQLITE_OK) {
        fail_sqlite(b->s);
        return NULL;
    }
    int used = sqlite3_bind_parameter_count(st);
    for (size_t i = 0; i < b->nparams && (int)i < used; i++)
        store_bind(st, (int)i + 1, &b->params[i].type, &b->params[i].value);
    return st;
}

const char *collate_for(const sim_typeinfo_t *t)
{
    return type_is_char(t->base) ? " COLLATE SQLCI" : "";
}

const char *bind_convert(binder_t *b, const char *sql, const sim_typeinfo_t *from, const sim_typeinfo_t *to)
{
    if (value_same_storage(from, to)) return sql;
    return arena_printf(b->a, "sv_conv(%s,%lld,%lld,0,0)", sql, (long long)type_pack(from), (long long)type_pack(to));
}

const char *comparable(binder_t *b, const char *sql, const sim_typeinfo_t *t)
{
    return t->base == SIM_T_DATETIMEOFFSET ? arena_printf(b->a, "substr(%s,1,8)", sql) : sql;
}

/* Types of one family compare without conversion: SQLite's order is already theirs. */
static bool same_family(const sim_typeinfo_t *x, const sim_typeinfo_t *y)
{
    if (x->base == SIM_T_NULL || y->base == SIM_T_NULL) return true;
    if (type_is_char(x->base) && type_is_char(y->base)) return true;
    if (type_is_binary(x->base) && type_is_binary(y->base)) return true;
    if (type_is_integer(x->base) && type_is_integer(y->base)) return true;
    if (type_is_money(x->base) && type_is_money(y->base)) return true;
    if (type_is_float(x->base) && type_is_float(y->base)) return true;
    return x->base == y->base && (!type_is_decimal(x->base) || x->scale == y->scale);
}

static bool compare_operands(binder_t *b, bound_t *l, bound_t *r)
{
    if ((l->type.base == SIM_T_TEXT || l->type.base == SIM_T_NTEXT || l->type.base == SIM_T_IMAGE) &&
        r->type.base != SIM_T_NULL)
        return fail(b->s, 402, 16, 1, "The data types %s and %s are incompatible in the equal to operator.",
                    type_name(l->type.base), type_name(r->type.base));
    if (!same_family(&l->type, &r->type)) {
        sim_typeinfo_t t = type_unify(&l->type, &r->type);
        if ((type_is_binary(l->type.base) && type_is_datetime(r->type.base)) ||
            (type_is_integer(l->type.base) && r->type.base == SIM_T_DATE) ||
            (type_is_integer(r->type.base) && l->type.base == SIM_T_DATE))
            return fail(b->s, 206, 16, 2, "Operand type clash: %s is incompatible with %s", type_name(l->type.base),
                        type_name(r->type.base));
        l->sql = bind_convert(b, l->sql, &l->type, &t);
        r->sql = bind_convert(b, r->sql, &r->type, &t);
        l->type = r->type = t;
    }
    l->sql = comparable(b, l->sql, &l->type);
    r->sql = comparable(b, r->sql, &r->type);
    return true;
}

/* ---- columns ---- */

static bool qualifier_matches(const scope_src_t *src, const name_t *n)
{
    if (n->n == 1) return true;
    const char *table = n->part[n->n - 2];
    if (src->alias == NULL || !name_eq(src->alias, table)) return false;
    if (n->n >= 3 &&
        (src->schema == NULL || (n->part[n->n - 3][0] != '\0' && !name_eq(src->schema, n->part[n->n - 3]))))
        return false;
    return n->n < 4 || (src->db != NULL && name_eq(src->db, n->part[0]));
}

static bool bind_column_of(binder_t *b, scope_src_t *src, scope_col_t *c, bound_t *ret)
{
    *ret = (bound_t){.type = c->type, .col = c->col, .name = c->name};
    if (src->outer_joined) ret->type.not_null = false;
    if (c->col != NULL && c->col->computed) {
        expr_t *e;
        sql_error_t err = {0};
        scope_t only = {.srcs = src, .nsrcs = 1}, *save = b->scope;
        bound_t v;
        if (++b->depth > 50) return fail(b->s, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
        if (!parse_expression(b->a, c->col->computed_text, strlen(c->col->computed_text), false, &e, &err))
            return fail_err(b->s, &err);
        b->scope = &only;
        bool ok = bind_expr(b, e, &v);
        b->scope = save;
        b->depth--;
        if (!ok) return false;
        ret->sql = bind_convert(b, v.sql, &v.type, &c->type);
        return true;
    }
    ret->sql = arena_printf(b->a, "%s.%s", src->tn, c->sql);
    return true;
}

const char *name_dotted(arena_t *a, const name_t *n)
{
    buf_t t = {0};
    for (int i = 0; i < n->n; i++) buf_printf(&t, "%s%s", i > 0 ? "." : "", n->part[i]);
    const char *r = arena_strdup(a, buf_text(&t));
    buf_done(&t);
    return r;
}

static bool bind_column(binder_t *b, const expr_t *e, bound_t *ret)
{
    const char *col = e->name.part[e->name.n - 1];
    for (scope_t *sc = b->scope; sc != NULL; sc = sc->outer) {
        scope_src_t *hit = NULL;
        scope_col_t *hit_col = NULL;
        for (size_t i = 0; i < sc->nsrcs; i++) {
            if (!qualifier_matches(&sc->srcs[i], &e->name)) continue;
            for (size_t k = 0; k < sc->srcs[i].ncols; k++) {
                if (!name_eq(sc->srcs[i].cols[k].name, col)) continue;
                if (hit != NULL) return fail(b->s, 209, 16, 1, "Ambiguous column name '%s'.", col);
                hit = &sc->srcs[i];
                hit_col = &sc->srcs[i].cols[k];
                break;
            }
        }
        if (hit != NULL) return bind_column_of(b, hit, hit_col, ret);
    }
    b->s->err_line = e->line;
    if (e->name.n > 1) {
        for (scope_t *sc = b->scope; sc != NULL; sc = sc->outer)
            for (size_t i = 0; i < sc->nsrcs; i++)
                if (qualifier_matches(&sc->srcs[i], &e->name))
                    return fail(b->s, 207, 16, 1, "Invalid column name '%s'.", col);
        return fail(b->s, 4104, 16, 1, "The multi-part identifier \"%s\" could not be bound.",
                    name_dotted(b->a, &e->name));
    }
    return fail(b->s, 207, 16, 1, "Invalid column name '%s'.", col);
}

/* ---- variables ---- */

static bool global_value(sim_session_t *s, const char *n, sim_typeinfo_t *t, sim_value_t *v)
{
    *t = type_simple(SIM_T_INT);
    t->not_null = true;
    if (name_eq(n, "@@rowcount"))
        *v = value_int(s->rowcount);
    else if (name_eq(n, "@@trancount"))
        *v = value_int(s->trancount);
    else if (name_eq(n, "@@error"))
        *v = value_int(s->last_error);
    else if (name_eq(n, "@@nestlevel"))
        *v = value_int(s->frame != NULL ? s->frame->nest : 0);
    else if (name_eq(n, "@@lock_timeout"))
        *v = value_int(s->lock_timeout);
    else if (name_eq(n, "@@microsoftversion"))
        *v = value_int((int64_t)s->server->config.product_major << 24 | 4096);
    else if (name_eq(n, "@@options"))
        *v = value_int(5496 | (s->nocount ? 512 : 0) | (s->implicit_tran ? 2 : 0) | (s->xact_abort ? 16384 : 0));
    else if (name_eq(n, "@@max_connections"))
        *v = value_int(32767);
    else if (name_eq(n, "@@textsize"))
        *v = value_int(s->textsize < 0 ? 2147483647 : s->textsize);
    else if (name_eq(n, "@@fetch_status"))
        *v = value_int(s->fetch_status);
    else if (name_eq(n, "@@cursor_rows"))
        *v = value_int(s->cursors != NULL && s->cursors->open ? (int64_t)s->cursors->nrows : 0);
    else if (name_eq(n, "@@datefirst")) {
        *t = type_simple(SIM_T_TINYINT);
        *v = value_int(s->datefirst);
    } else if (name_eq(n, "@@langid")) {
        *t = type_simple(SIM_T_SMALLINT);
        *v = value_int(0);
    } else if (name_eq(n, "@@procid"))
        *v = value_int(0);
    else if (name_eq(n, "@@spid")) {
        *t = type_simple(SIM_T_SMALLINT);
        *v = value_int(s->spid);
    } else if (name_eq(n, "@@max_precision")) {
        *t = type_simple(SIM_T_TINYINT);
        *v = value_int(38);
    } else if (name_eq(n, "@@identity")) {
        *t = type_decimal(38, 0);
        if (s->has_identity)
            *v = s->last_identity;
        else
            *v = value_null();
    } else if (name_eq(n, "@@servername")) {
        *t = type_nvarchar(128);
        *v = value_str(s->server->name);
    } else if (name_eq(n, "@@servicename")) {
        *t = type_nvarchar(128);
        *v = value_str("MSSQLSERVER");
    } else if (name_eq(n, "@@language")) {
        *t = type_nvarchar(128);
        *v = value_str(s->language);
    } else if (name_eq(n, "@@dbts")) {
        *t = type_varbinary(8);
        *v = value_bytes("\0\0\0\0\0\0\x07\xd0", 8);
    } else if (name_eq(n, "@@version")) {
        *t = type_nvarchar(300);
        int m = s->server->config.product_major;
        *v = value_str(
            arena_printf(&s->arena,
                         "Microsoft SQL Server %d (RTM) - %d.0.4096.1 (X64) \n\tJan  1 2024 00:00:00 \n\tCopyright (C) "
                         "Microsoft Corporation\n\tDeveloper Edition (64-bit) on Linux (stand-in) <X64>",
                         m >= 17   ? 2025
                         : m == 16 ? 2022
                         : m == 15 ? 2019
                                   : 2017,
                         m));
    } else
        return false;
    return true;
}

static bool bind_var(binder_t *b, const expr_t *e, bound_t *ret)
{
    const char *n = e->name.part[0];
    *ret = (bound_t){.name = ""};
    if (n[1] == '@') {
        sim_value_t v;
        if (!global_value(b->s, n, &ret->type, &v))
            return fail(b->s, 137, 15, 2, "Must declare the scalar variable \"%s\".", n);
        ret->sql = bind_param(b, &ret->type, &v);
        return true;
    }
    sim_var_t *var = session_var(b->s, n);
    if (var == NULL || var->table != NULL) {
        b->s->err_line = e->line;
        return fail(b->s, 137, 15, 2, "Must declare the scalar variable \"%s\".", n);
    }
    ret->type = var->type;
    ret->type.not_null = false;
    ret->sql = bind_param(b, &var->type, &var->value);
    return true;
}

/* ---- operators ---- */

static sim_typeinfo_t arith_type(char op, const sim_typeinfo_t *x, const sim_typeinfo_t *y)
{
    sim_typeinfo_t t = type_unify(x, y);
    t.not_null = false;
    if (t.base == SIM_T_NULL) return type_simple(SIM_T_INT);
    if (type_is_decimal(t.base)) {
        int s1, s2, p1 = type_digits(x, &s1), p2 = type_digits(y, &s2), p, s;
        switch (op) {
        case '*':
            p = p1 + p2 + 1;
            s = s1 + s2;
            break;
        case '/':
            s = s1 + p2 + 1 > 6 ? s1 + p2 + 1 : 6;
            p = p1 - s1 + s2 + s;
            break;
        case '%':
            s = s1 > s2 ? s1 : s2;
            p = (p1 - s1 < p2 - s2 ? p1 - s1 : p2 - s2) + s;
            break;
        default:
            s = s1 > s2 ? s1 : s2;
            p = (p1 - s1 > p2 - s2 ? p1 - s1 : p2 - s2) + s + 1;
            break;
        }
        if (p > 38) { /* keep at least six fraction digits, as SQL Server does for * and / */
            int whole = p - s, keep = op == '*' || op == '/' ? (s < 6 ? s : 6) : 0;
            s = 38 - whole > keep ? 38 - whole : keep;
            if (s > p) s = p;
            p = 38;
        }
        t.prec = (uint8_t)(p < 1 ? 1 : p);
        t.scale = (uint8_t)(s > p ? p : s);
        t.base = SIM_T_NUMERIC;
    } else if (t.base == SIM_T_BIT) {
        t.base = op == '&' || op == '|' || op == '^' ? SIM_T_BIT : SIM_T_TINYINT;
    }
    return t;
}

const char *bind_call(binder_t *b, const char *fn, const bound_t *args, size_t n, const sim_typeinfo_t *ret_type)
{
    buf_t t = {0};
    buf_printf(&t, "%s(", fn);
    for (size_t i = 0; i < n; i++) buf_printf(&t, "%s,%lld,", args[i].sql, (long long)type_pack(&args[i].type));
    buf_printf(&t, "%lld)", (long long)type_pack(ret_type));
    const char *r = arena_memdup(b->a, buf_text(&t), t.len);
    buf_done(&t);
    return r;
}

static bool bind_binary(binder_t *b, const expr_t *e, bound_t *ret)
{
    bound_t v[2];
    if (!bind_expr(b, e->args[0], &v[0]) || !bind_expr(b, e->args[1], &v[1])) return false;
    *ret = (bound_t){.name = "", .agg = v[0].agg || v[1].agg};
    sim_base_t x = v[0].type.base, y = v[1].type.base;
    bool cx = type_is_char(x) || x == SIM_T_NULL, cy = type_is_char(y) || y == SIM_T_NULL;
    if (e->op == '+' && cx && cy && !(x == SIM_T_NULL && y == SIM_T_NULL)) {
        sim_typeinfo_t t = type_unify(&v[0].type, &v[1].type);
        int n0 = x == SIM_T_NULL ? 1 : type_chars(&v[0].type), n1 = y == SIM_T_NULL ? 1 : type_chars(&v[1].type);
        bool uni = type_is_unicode(t.base);
        if (type_is_lob(&v[0].type) || type_is_lob(&v[1].type)) n0 = n1 = -1;
        int n = n0 < 0 || n1 < 0 ? SIM_LEN_MAX : n0 + n1 > (uni ? 4000 : 8000) ? (uni ? 4000 : 8000) : n0 + n1;
        ret->type = uni ? type_nvarchar(n) : type_varchar(n);
        ret->type.utf8 = t.utf8;
        ret->chain = arena_printf(b->a, "%s||%s", v[0].chain != NULL ? v[0].chain : v[0].sql, v[1].sql);
        ret->sql = arena_printf(b->a, "(%s)", ret->chain);
        if (n0 >= 0 && n1 >= 0 && n0 + n1 > n)
            ret->sql = bind_convert(b, ret->sql, &(sim_typeinfo_t){.base = t.base, .len = SIM_LEN_MAX}, &ret->type),
            ret->chain = NULL;
        return true;
    }
    if (e->op == '+' && type_is_binary(x) && type_is_binary(y)) {
        int n = v[0].type.len < 0 || v[1].type.len < 0 ? SIM_LEN_MAX : v[0].type.len + v[1].type.len;
        ret->type = type_varbinary(n);
        ret->sql = arena_printf(b->a, "CAST(%s||%s AS BLOB)", v[0].sql, v[1].sql);
        return true;
    }
    for (int i = 0; i < 2; i++) {
        sim_base_t o = v[1 - i].type.base;
        if ((v[i].type.base == SIM_T_DATETIME || v[i].type.base == SIM_T_SMALLDATETIME) && !type_is_float(o) &&
            (e->op == '+' || e->op == '-') && (type_is_number(o) || o == v[i].type.base || type_is_char(o))) {
            ret->type = type_simple(v[i].type.base);
            ret->sql = bind_call(b, e->op == '+' ? "sv_dtadd" : "sv_dtsub", v, 2, &ret->type);
            return true;
        }
    }
    ret->type = arith_type(e->op, &v[0].type, &v[1].type);
    sim_base_t r = ret->type.base;
    bool bitop = strchr("&|^", e->op) != NULL;
    if (!type_is_number(r) || (bitop && !type_is_integer(r) && !type_is_binary(r)))
        return fail(b->s, 402, 16, 1, "The data types %s and %s are incompatible in the %s operator.", type_name(x),
                    type_name(y),
                    e->op == '+'   ? "add"
                    : e->op == '-' ? "subtract"
                    : e->op == '*' ? "multiply"
                    : e->op == '/' ? "divide"
                    : e->op == '%' ? "modulo"
                                   : "bitwise");
    for (int i = 0; i < 2; i++) {
        if (type_is_exact(v[i].type.base) && type_is_decimal(r)) continue; /* sv_arith rescales exact operands itself */
        if (v[i].type.base == SIM_T_NULL) v[i].type = ret->type;
        v[i].sql = bind_convert(b, v[i].sql, &v[i].type, &ret->type);
        v[i].type = ret->type;
    }
    static const char *const fns[] = {"sv_add", "sv_sub", "sv_mul", "sv_div", "sv_mod", "sv_and", "sv_or", "sv_xor"};
    ret->sql = bind_call(b, fns[strchr("+-*/%&|^", e->op) - "+-*/%&|^"], v, 2, &ret->type);
    return true;
}

static bool bind_case(binder_t *b, const expr_t *e, bound_t *ret)
{
    bound_t op = {0}, *vals = arena_alloc(b->a, sizeof(bound_t) * e->nargs);
    const char **conds = arena_alloc(b->a, sizeof(char *) * e->nargs);
    bool have = false;
    *ret = (bound_t){.name = ""};
    if (e->args[0] != NULL && !bind_expr(b, e->args[0], &op)) return false;
    for (size_t i = 1; i < e->nargs; i++) {
        bool when = i % 2 == 1 && i != e->nargs - 1;
        if (when && e->args[0] == NULL) {
            if (!bind_cond(b, e->args[i], &conds[i])) return false;
        } else if (when) {
            bound_t l = op, r;
            if (!bind_expr(b, e->args[i], &r) || !compare_operands(b, &l, &r)) return false;
            conds[i] = arena_printf(b->a, "%s=%s%s", l.sql, r.sql, collate_for(&l.type));
        } else if (e->args[i] != NULL) {
            if (!bind_expr(b, e->args[i], &vals[i])) return false;
            ret->type = have ? type_unify(&ret->type, &vals[i].type) : vals[i].type;
            ret->agg |= vals[i].agg;
            have = true;
        }
    }
    if (ret->type.base == SIM_T_NULL)
        return fail(b->s, 8133, 16, 1,
                    "At least one of the result expressions in a CASE specification must be an expression other than "
                    "the NULL constant.");
    if (e->args[e->nargs - 1] == NULL) ret->type.not_null = false;
    buf_t t = {0};
    buf_adds(&t, "CASE");
    for (size_t i = 1; i < e->nargs; i++) {
        bool when = i % 2 == 1 && i != e->nargs - 1;
        if (when)
            buf_printf(&t, " WHEN %s", conds[i]);
        else if (e->args[i] != NULL)
            buf_printf(&t, " %s %s", i == e->nargs - 1 ? "ELSE" : "THEN",
                       bind_convert(b, vals[i].sql, &vals[i].type, &ret->type));
    }
    buf_adds(&t, " END");
    ret->sql = arena_strdup(b->a, buf_text(&t));
    buf_done(&t);
    return true;
}

static bool is_utf8_collation(const char *name)
{
    return strstr(name, "UTF8") != NULL;
}

static bool bind_cast(binder_t *b, const expr_t *e, bound_t *ret)
{
    bound_t v;
    if (!bind_expr(b, e->args[0], &v)) return false;
    *ret = (bound_t){.name = "", .type = e->u.cast.to->type, .agg = v.agg};
    if (e->is_parse && !type_is_char(v.type.base) && v.type.base != SIM_T_NULL)
        return fail(b->s, 8116, 16, 1, "Argument data type %s is invalid for argument 1 of parse function.",
                    type_name(v.type.base));
    const char *style = "0";
    if (e->nargs > 1) {
        bound_t st;
        sim_typeinfo_t it = type_simple(SIM_T_INT);
        if (!bind_expr(b, e->args[1], &st)) return false;
        style = bind_convert(b, st.sql, &st.type, &it);
    }
    ret->type.not_null = v.type.not_null && !e->try_cast;
    /* Text keeps its collation through a conversion, also one that is written behind Unicode text, which has no use for it. */
    const expr_t *from = e->args[0];
    bool utf8 = v.type.utf8 || (from->kind == E_COLLATE && is_utf8_collation(from->name.part[0]));
    if (type_is_char(ret->type.base) && !type_is_unicode(ret->type.base)) ret->type.utf8 = utf8;
    if (v.type.base == SIM_T_NULL)
        ret->sql = "NULL";
    else if (e->nargs == 1 && value_same_storage(&v.type, &ret->type) && !type_is_lob(&v.type))
        ret->sql = v.sql;
    else
        ret->sql = arena_printf(b->a, "sv_conv(%s,%lld,%lld,%s,%d)", v.sql, (long long)type_pack(&v.type),
                                (long long)type_pack(&ret->type), style, e->try_cast ? 1 : 0);
    return true;
}

/* SQLite takes the first of several rows; SQL Server refuses them, so only queries that cannot give two go unwatched. */
static bool query_is_single(const select_t *q)
{
    if (q->op != SET_NONE) return false;
    if (q->from == NULL) return true;
    if (q->top != NULL && q->top->kind == E_LIT && !q->top_percent && !q->top_ties && q->top->u.lit.value.u.i <= 1)
        return true;
    if (q->ngroup > 0 || q->nitems != 1) return false;
    const expr_t *e = q->items[0].expr;
    return e->kind == E_FUNC && e->name.n == 1 && e->u.over == NULL && expr_is_aggregate(e);
}

static bool bind_sub(binder_t *b, const expr_t *e, bound_t *ret)
{
    bound_query_t q;
    if (!bind_query(b, e->u.sub, false, &q)) return false;
    if (q.ncols != 1)
        return fail(
            b->s, 116, 16, 1,
            "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS.");
    *ret = (bound_t){.name = "", .type = q.cols[0].type};
    ret->sql = query_is_single(e->u.sub) ? arena_printf(b->a, "(%s)", q.sql)
                                         : arena_printf(b->a, "(SELECT sa_single(k1) FROM (%s))", q.sql);
    ret->type.not_null = false;
    return true;
}

bool bind_expr(binder_t *b, const expr_t *e, bound_t *ret)
{
    *ret = (bound_t){.name = ""};
    switch (e->kind) {
    case E_LIT:
        ret->type = e->u.lit.type;
        if (e->u.lit.value.is_null)
            ret->sql = "NULL";
        else if (type_is_integer(ret->type.base))
            ret->sql = arena_printf(b->a, "%lld", (long long)e->u.lit.value.u.i);
        else
            ret->sql = bind_param(b, &ret->type, &e->u.lit.value);
        return true;
    case E_VAR:
        return bind_var(b, e, ret);
    case E_COL:
        return bind_column(b, e, ret);
    case E_FUNC:
        return bind_function(b, e, ret);
    case E_UNARY: {
        bound_t v;
        if (!bind_expr(b, e->args[0], &v)) return false;
        if (v.type.base == SIM_T_NULL) v.type = type_simple(SIM_T_INT);
        if (type_is_char(v.type.base)) {
            sim_typeinfo_t it = type_simple(SIM_T_INT);
            v.sql = bind_convert(b, v.sql, &v.type, &it);
            v.type = it;
        }
        if (!type_is_number(v.type.base))
            return fail(b->s, 8117, 16, 1, "Operand data type %s is invalid for minus operator.",
                        type_name(v.type.base));
        ret->type = v.type;
        ret->agg = v.agg;
        ret->sql = bind_call(b, e->op == '~' ? "sv_not" : "sv_neg", &v, 1, &ret->type);
        return true;
    }
    case E_BIN:
        return bind_binary(b, e, ret);
    case E_CASE:
        return bind_case(b, e, ret);
    case E_CAST:
        return bind_cast(b, e, ret);
    case E_SUB:
        return bind_sub(b, e, ret);
    case E_COLLATE: {
        if (!bind_expr(b, e->args[0], ret)) return false;
        if (!type_is_char(ret->type.base) && ret->type.base != SIM_T_NULL)
            return fail(b->s, 447, 16, 0, "Expression type %s is invalid for COLLATE clause.",
                        type_name(ret->type.base));
        const char *c = e->name.part[0];
        ret->chain = NULL;
        if (is_utf8_collation(c) && !type_is_unicode(ret->type.base)) ret->type.utf8 = true;
        if (strstr(c, "_BIN") != NULL || strstr(c, "_CS_") != NULL)
            ret->sql = arena_printf(b->a, "(%s COLLATE BINARY)", ret->sql);
        return true;
    }
    case E_STAR:
        return fail(b->s, 102, 15, 1, "Incorrect syntax near '*'.");
    case E_DEFAULT:
        return fail(b->s, 156, 15, 1, "Incorrect syntax near the keyword 'DEFAULT'.");
    default:
        return fail(b->s, 4145, 15, 1,
                    "An expression of non-boolean type specified in a context where a condition is expected.");
    }
}

/* ---- conditions ---- */

static bool cond_in(binder_t *b, const expr_t *e, const char **ret)
{
    bound_t l;
    if (!bind_expr(b, e->args[0], &l)) return false;
    const char *no = e->negated ? "NOT " : "";
    if (e->u.sub != NULL) {
        bound_query_t q;
        if (!bind_query(b, e->u.sub, false, &q)) return false;
        if (q.ncols != 1)
            return fail(b->s, 116, 16, 1,
                        "Only one expression can be specified in the select list when the subquery is not introduced "
                        "with EXISTS.");
        bound_t r = {.sql = "k1", .type = q.cols[0].type};
        if (!compare_operands(b, &l, &r)) return false;
        *ret = arena_printf(b->a, "(%s%s %sIN (SELECT %s FROM (%s)))", l.sql, collate_for(&l.type), no, r.sql, q.sql);
        return true;
    }
    bound_t *v = arena_alloc(b->a, sizeof(*v) * e->nargs);
    sim_typeinfo_t t = l.type;
    bool family = true;
    for (size_t i = 1; i < e->nargs; i++) {
        if (!bind_expr(b, e->args[i], &v[i])) return false;
        family = family && same_family(&l.type, &v[i].type);
        t = type_unify(&t, &v[i].type);
    }
    buf_t x = {0};
    buf_printf(&x, "(%s%s %sIN (",
               comparable(b, family ? l.sql : bind_convert(b, l.sql, &l.type, &t), family ? &l.type : &t),
               collate_for(&t), no);
    for (size_t i = 1; i < e->nargs; i++)
        buf_printf(
            &x, "%s%s", i > 1 ? "," : "",
            comparable(b, family ? v[i].sql : bind_convert(b, v[i].sql, &v[i].type, &t), family ? &v[i].type : &t));
    buf_adds(&x, "))");
    *ret = arena_strdup(b->a, buf_text(&x));
    buf_done(&x);
    return true;
}

static bool cond_like(binder_t *b, const expr_t *e, const char **ret)
{
    sim_typeinfo_t st = type_nvarchar(SIM_LEN_MAX);
    const char *part[3] = {"NULL", "NULL", "NULL"};
    for (size_t i = 0; i < e->nargs; i++) {
        bound_t v;
        if (!bind_expr(b, e->args[i], &v)) return false;
        part[i] = type_is_char(v.type.base) || v.type.base == SIM_T_NULL ? v.sql : bind_convert(b, v.sql, &v.type, &st);
    }
    *ret = arena_printf(b->a, "(%ssv_like(%s,%s,%s,%d))", e->negated ? "NOT " : "", part[0], part[1], part[2],
                        e->nargs > 2);
    return true;
}

static void balanced(const char *const *terms, size_t n, const char *op, buf_t *out)
{
    if (n == 1) {
        buf_adds(out, terms[0]);
        return;
    }
    buf_addc(out, '(');
    balanced(terms, n / 2, op, out);
    buf_adds(out, op);
    balanced(terms + n / 2, n - n / 2, op, out);
    buf_addc(out, ')');
}

/* a AND b AND c ... hangs to the left in the tree; SQLite's parser has a stack of 100, so it gets a flat tree. */
static bool cond_chain(binder_t *b, const expr_t *e, const char **ret)
{
    size_t n = 1;
    const expr_t *at = e;
    for (; at->kind == e->kind; at = at->args[0]) n++;
    const char **terms = arena_alloc(b->a, sizeof(*terms) * n);
    size_t i = n;
    for (at = e; at->kind == e->kind; at = at->args[0])
        if (!bind_cond(b, at->args[1], &terms[--i])) return false;
    if (!bind_cond(b, at, &terms[0])) return false;
    buf_t out = {0};
    balanced(terms, n, e->kind == E_AND ? " AND " : " OR ", &out);
    *ret = arena_memdup(b->a, buf_text(&out), out.len);
    buf_done(&out);
    return true;
}

bool bind_cond(binder_t *b, const expr_t *e, const char **ret)
{
    bound_t l, r;
    const char *x;
    switch (e->kind) {
    case E_AND:
    case E_OR:
        return cond_chain(b, e, ret);
    case E_NOT:
        if (!bind_cond(b, e->args[0], &x)) return false;
        *ret = arena_printf(b->a, "(NOT %s)", x);
        return true;
    case E_CMP: {
        if (!bind_expr(b, e->args[0], &l) || !bind_expr(b, e->args[1], &r) || !compare_operands(b, &l, &r))
            return false;
        const char *op = e->op == 'l'   ? "<="
                         : e->op == 'g' ? ">="
                         : e->op == '!' ? "<>"
                         : e->op == '<' ? "<"
                         : e->op == '>' ? ">"
                                        : "=";
        *ret = arena_printf(b->a, "(%s%s%s%s)", l.sql, op, r.sql,
                            type_is_char(l.type.base) || type_is_char(r.type.base) ? " COLLATE SQLCI" : "");
        return true;
    }
    case E_ISNULL:
        if (!bind_expr(b, e->args[0], &l)) return false;
        *ret = arena_printf(b->a, "(%s IS %sNULL)", l.sql, e->negated ? "NOT " : "");
        return true;
    case E_BETWEEN: {
        bound_t lo, hi, l2;
        if (!bind_expr(b, e->args[0], &l) || !bind_expr(b, e->args[1], &lo) || !bind_expr(b, e->args[2], &hi))
            return false;
        l2 = l;
        if (!compare_operands(b, &l, &lo) || !compare_operands(b, &l2, &hi)) return false;
        *ret = arena_printf(b->a, "(%s(%s>=%s%s AND %s<=%s%s))", e->negated ? "NOT " : "", l.sql, lo.sql,
                            collate_for(&l.type), l2.sql, hi.sql, collate_for(&l2.type));
        return true;
    }
    case E_IN:
        return cond_in(b, e, ret);
    case E_LIKE:
        return cond_like(b, e, ret);
    case E_EXISTS: {
        bound_query_t q;
        if (!bind_query(b, e->u.sub, false, &q)) return false;
        *ret = arena_printf(b->a, "EXISTS (%s)", q.sql);
        return true;
    }
    default:
        return fail(b->s, 4145, 15, 1,
                    "An expression of non-boolean type specified in a context where a condition is expected.");
    }
}
