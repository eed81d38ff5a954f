/* func_table.c: binds calls: aggregates, windows and the few special forms here, the rest from the rows of func_*.c. */
#include "catalog/metafuncs.h"
#include "sql/func.h"

#include <stdlib.h>
#include <string.h>

static const func_row_t *find_row(const char *name)
{
    static const func_row_t *const sets[] = {func_text_rows, func_date_rows, func_meta_rows};
    for (size_t i = 0; i < 3; i++)
        for (const func_row_t *r = sets[i]; r->name != NULL; r++)
            if (name_eq(r->name, name)) return r;
    return NULL;
}

static bool arg_error(binder_t *b, const expr_t *e, const func_row_t *r)
{
    b->s->err_line = e->line;
    if (r->min == r->max) return fail(b->s, 174, 15, 1, "The %s function requires %d argument(s).", r->name, r->min);
    return fail(b->s, 189, 15, 1, "The %s function requires %d to %d arguments.", r->name, r->min, r->max);
}

static sim_typeinfo_t result_type(char ret, const bound_t *args, size_t n)
{
    sim_typeinfo_t t;
    switch (ret) {
    case 'i':
        return type_simple(SIM_T_INT);
    case 'l':
        return type_simple(SIM_T_BIGINT);
    case 't':
        return type_simple(SIM_T_SMALLINT);
    case 'n':
        return type_nvarchar(128);
    case 'N':
        return type_nvarchar(4000);
    case 'd':
        return type_simple(SIM_T_DATETIME);
    case '2':
        return type_simple(SIM_T_DATETIME2);
    case 'o':
        return type_simple(SIM_T_DATETIMEOFFSET);
    case 'f':
        return type_simple(SIM_T_FLOAT);
    case 'g':
        return type_simple(SIM_T_UNIQUEIDENTIFIER);
    case 'v':
        return type_simple(SIM_T_VARIANT);
    case 'b':
        return type_varbinary(8000);
    case 'B':
        return type_binary(10);
    case 'I':
        return type_decimal(38, 0);
    case 'e':
        return type_simple(SIM_T_DATE);
    case 'S':
        t = args[0].type;
        if (!type_is_char(t.base)) return type_nvarchar(4000);
        if (type_is_lob(&t)) return type_is_unicode(t.base) ? type_nvarchar(SIM_LEN_MAX) : type_varchar(SIM_LEN_MAX);
        t.base = type_is_unicode(t.base) ? SIM_T_NVARCHAR : SIM_T_VARCHAR;
        t.not_null = false;
        return t;
    case 'R': /* as S with room to grow */
        t = args[0].type;
        if (n > 0 && type_is_char(t.base) && !type_is_unicode(t.base))
            return type_varchar(type_is_lob(&t) ? SIM_LEN_MAX : 8000);
        return type_nvarchar(n > 0 && type_is_lob(&t) ? SIM_LEN_MAX : 4000);
    case 'O': /* TODATETIMEOFFSET, SWITCHOFFSET: the scale of the argument */
        t = type_simple(SIM_T_DATETIMEOFFSET);
        if (n > 0 && type_is_datetime(args[0].type.base))
            t.scale = (uint8_t)(args[0].type.base == SIM_T_DATE ? 0 : type_scale(&args[0].type));
        return t;
    case '3':
        return n > 2 ? args[2].type : type_simple(SIM_T_DATETIME);
    case 'A': /* ABS, ROUND: numeric as given, small integers as int */
        t = args[0].type;
        if (t.base == SIM_T_BIT || t.base == SIM_T_NULL) t = type_simple(SIM_T_INT);
        if (t.base == SIM_T_REAL) t = type_simple(SIM_T_FLOAT);
        t.not_null = false;
        return t;
    default:
        t = n > 0 ? args[0].type : type_simple(SIM_T_INT);
        t.not_null = false;
        return t;
    }
}

static void convert_arg(binder_t *b, char sig, bound_t *v)
{
    sim_typeinfo_t to = v->type;
    sim_base_t x = v->type.base;
    switch (sig) {
    case 's':
        if (!type_is_char(x) && x != SIM_T_XML) to = type_nvarchar(SIM_LEN_MAX);
        break;
    case 'i':
        to = type_simple(SIM_T_INT);
        break;
    case 'l':
        to = type_simple(SIM_T_BIGINT);
        break;
    case 'f':
        to = type_simple(SIM_T_FLOAT);
        break;
    case 'n':
        if (!type_is_number(x)) to = type_simple(SIM_T_FLOAT);
        break;
    case 't':
        if (!type_is_datetime(x)) to = type_is_char(x) ? type_simple(SIM_T_DATETIME2) : type_simple(SIM_T_DATETIME);
        break;
    case 'b':
        if (!type_is_binary(x)) to = type_varbinary(SIM_LEN_MAX);
        break;
    default:
        break;
    }
    if (x == SIM_T_NULL) {
        v->type = to.base == SIM_T_NULL ? type_simple(SIM_T_INT) : to;
        return;
    }
    to.not_null = false;
    v->sql = bind_convert(b, v->sql, &v->type, &to);
    if (!value_same_storage(&v->type, &to)) v->type = to;
}

static bool bind_row(binder_t *b, const expr_t *e, const func_row_t *r, bound_t *ret)
{
    if ((int)e->nargs < r->min || (int)e->nargs > r->max) return arg_error(b, e, r);
    bound_t *args = arena_alloc(b->a, sizeof(*args) * (e->nargs + 1));
    size_t sl = strlen(r->sig);
    *ret = (bound_t){.name = ""};
    for (size_t i = 0; i < e->nargs; i++) {
        char sig = sl == 0 ? 'a' : r->sig[i < sl ? i : sl - 1];
        if (sig == 'p') {
            const char *w = e->args[i]->kind == E_COL ? e->args[i]->name.part[0] : "";
            int part = date_part(w);
            if (part < 0) return fail(b->s, 155, 15, 1, "'%s' is not a recognized %s option.", w, r->name);
            args[i] = (bound_t){.sql = arena_printf(b->a, "%d", part), .type = type_simple(SIM_T_INT)};
            continue;
        }
        if (!bind_expr(b, e->args[i], &args[i])) return false;
        if (r->ret == '3' && i == 2 && type_is_char(args[i].type.base)) { /* DATEADD on text works on datetime */
            sim_typeinfo_t dt = type_simple(SIM_T_DATETIME);
            args[i].sql = bind_convert(b, args[i].sql, &args[i].type, &dt);
            args[i].type = dt;
        }
        convert_arg(b, sig, &args[i]);
        ret->agg |= args[i].agg;
    }
    ret->type = result_type(r->ret, args, e->nargs);
    ret->type.not_null = false;
    char *fn = arena_printf(b->a, "sf_%s", r->name);
    for (char *c = fn; *c != '\0'; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c + 32);
    ret->sql = bind_call(b, fn, args, e->nargs, &ret->type);
    return true;
}

/* ---- aggregates and windows ---- */

static bool over_text(binder_t *b, const over_t *o, buf_t *t)
{
    bound_t v;
    buf_adds(t, " OVER (");
    for (size_t i = 0; i < o->npartition; i++) {
        if (!bind_expr(b, o->partition[i], &v)) return false;
        buf_printf(t, "%s%s%s", i == 0 ? "PARTITION BY " : ",", v.sql, collate_for(&v.type));
    }
    for (size_t i = 0; i < o->norder; i++) {
        if (o->order[i].expr->kind == E_SUB) { /* ORDER BY (SELECT NULL) */
            buf_printf(t, "%sNULL", i == 0 ? " ORDER BY " : ",");
            continue;
        }
        if (!bind_expr(b, o->order[i].expr, &v)) return false;
        buf_printf(t, "%s%s%s%s", i == 0 ? " ORDER BY " : ",", v.sql, collate_for(&v.type),
                   o->order[i].desc ? " DESC" : "");
    }
    if (o->frame != NULL) buf_printf(t, " %s", o->frame);
    buf_addc(t, ')');
    return true;
}

static bool finish_agg(binder_t *b, const expr_t *e, const char *sql, bound_t *ret)
{
    ret->sql = sql;
    ret->name = "";
    ret->type.not_null = false;
    if (e->u.over == NULL) {
        if (b->in_agg)
            return fail(b->s, 130, 16, 1,
                        "Cannot perform an aggregate function on an expression containing an aggregate or a subquery.");
        if (b->no_agg)
            return fail(b->s, 147, 15, 1,
                        "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a "
                        "HAVING clause or a select list, and the column being aggregated is an outer reference.");
        b->saw_agg = ret->agg = true;
        return true;
    }
    buf_t t = {0};
    buf_adds(&t, sql);
    bool ok = over_text(b, e->u.over, &t);
    ret->sql = arena_strdup(b->a, buf_text(&t));
    buf_done(&t);
    return ok;
}

static bool bind_aggregate(binder_t *b, const expr_t *e, const char *fn, bound_t *ret)
{
    const char *dist = e->distinct ? "DISTINCT " : "";
    bound_t v = {0};
    bool count = name_eq(fn, "count") || name_eq(fn, "count_big");
    if (count && e->star) {
        ret->type = type_simple(name_eq(fn, "count") ? SIM_T_INT : SIM_T_BIGINT);
        return finish_agg(b, e, "count(*)", ret);
    }
    if (e->nargs < 1) return fail(b->s, 174, 15, 1, "The %s function requires 1 argument(s).", fn);
    bool save = b->in_agg;
    b->in_agg = e->u.over == NULL ? true : save;
    bool ok = bind_expr(b, e->args[0], &v);
    b->in_agg = save;
    if (!ok) return false;
    if (count) {
        ret->type = type_simple(name_eq(fn, "count") ? SIM_T_INT : SIM_T_BIGINT);
        return finish_agg(b, e, arena_printf(b->a, "count(%s%s%s)", dist, v.sql, collate_for(&v.type)), ret);
    }
    ret->type = v.type;
    if (name_eq(fn, "min") || name_eq(fn, "max")) {
        if (v.type.base == SIM_T_BIT || v.type.base == SIM_T_NULL)
            return fail(b->s, 8117, 16, 1, "Operand data type %s is invalid for %s operator.", type_name(v.type.base),
                        name_eq(fn, "min") ? "min" : "max");
        return finish_agg(
            b, e, arena_printf(b->a, "%s(%s%s)", name_eq(fn, "min") ? "min" : "max", v.sql, collate_for(&v.type)), ret);
    }
    if (name_eq(fn, "checksum_agg")) {
        sim_typeinfo_t it = type_simple(SIM_T_BIGINT);
        ret->type = type_simple(SIM_T_INT);
        return finish_agg(b, e, arena_printf(b->a, "sa_checksum(%s)", bind_convert(b, v.sql, &v.type, &it)), ret);
    }
    if (name_eq(fn, "string_agg")) {
        bound_t sep;
        sim_typeinfo_t st = type_nvarchar(SIM_LEN_MAX);
        if (e->nargs != 2 || !bind_expr(b, e->args[1], &sep))
            return fail(b->s, 174, 15, 1, "The string_agg function requires 2 argument(s).");
        ret->type =
            type_is_char(v.type.base) && !type_is_unicode(v.type.base) ? type_varchar(8000) : type_nvarchar(4000);
        if (type_is_lob(&v.type)) ret->type.len = SIM_LEN_MAX;
        bound_t key = {.sql = "0"};
        bool desc = e->nwithin > 0 && e->within[0].desc;
        if (e->nwithin > 1) return fail(b->s, 102, 15, 1, "Incorrect syntax near 'WITHIN'.");
        if (e->nwithin == 1 && !bind_expr(b, e->within[0].expr, &key)) return false;
        return finish_agg(
            b, e,
            arena_printf(b->a, "sa_string(%s,%s,%s,%d)", bind_convert(b, v.sql, &v.type, &st), sep.sql, key.sql, desc),
            ret);
    }
    /* SUM, AVG */
    if (!type_is_number(v.type.base) || v.type.base == SIM_T_BIT)
        return fail(b->s, 8117, 16, 1, "Operand data type %s is invalid for %s operator.", type_name(v.type.base),
                    name_eq(fn, "sum") ? "sum" : "avg");
    if (type_is_integer(v.type.base)) ret->type = type_simple(v.type.base == SIM_T_BIGINT ? SIM_T_BIGINT : SIM_T_INT);
    if (type_is_decimal(v.type.base)) {
        int sc = v.type.scale;
        if (name_eq(fn, "avg") && sc < 6) sc = 6;
        ret->type = type_decimal(38, sc);
    }
    if (type_is_money(v.type.base)) ret->type = type_simple(SIM_T_MONEY);
    if (v.type.base == SIM_T_REAL) ret->type = type_simple(SIM_T_FLOAT);
    if (e->distinct) {
        if (e->u.over != NULL) return fail(b->s, 10759, 15, 1, "Use of DISTINCT is not allowed with the OVER clause.");
        const char *name = sum_distinct_function(b, name_eq(fn, "avg"), &v.type, &ret->type);
        return name != NULL && finish_agg(b, e, arena_printf(b->a, "%s(DISTINCT %s)", name, v.sql), ret);
    }
    return finish_agg(b, e,
                      arena_printf(b->a, "%s(%s,%lld,%lld)", name_eq(fn, "sum") ? "sa_sum" : "sa_avg", v.sql,
                                   (long long)type_pack(&v.type), (long long)type_pack(&ret->type)),
                      ret);
}

static bool bind_window(binder_t *b, const expr_t *e, const char *fn, bound_t *ret)
{
    if (e->u.over == NULL) return fail(b->s, 10753, 15, 3, "The function '%s' must have an OVER clause.", fn);
    buf_t t = {0};
    bound_t v;
    bool ok = true;
    if (e->nargs < 1 && strchr("lfn", fn[0]) != NULL)
        return fail(b->s, 174, 15, 1, "The %s function requires 1 argument(s).", fn);
    if (name_eq(fn, "ntile")) {
        sim_typeinfo_t big = type_simple(SIM_T_BIGINT);
        if (!bind_expr(b, e->args[0], &v)) return false;
        ret->type = big;
        buf_printf(&t, "ntile(%s)", bind_convert(b, v.sql, &v.type, &big));
    } else if (e->nargs > 0) {
        if (!bind_expr(b, e->args[0], &v)) return false;
        ret->type = v.type;
        buf_printf(&t, "%s(%s", fn, v.sql);
        for (size_t i = 1; ok && i < e->nargs; i++) { /* LAG and LEAD: how far, and what stands for a missing row */
            sim_typeinfo_t to = i == 1 ? type_simple(SIM_T_BIGINT) : ret->type;
            ok = bind_expr(b, e->args[i], &v);
            if (ok) buf_printf(&t, ",%s", v.type.base == SIM_T_NULL ? "NULL" : bind_convert(b, v.sql, &v.type, &to));
        }
        buf_addc(&t, ')');
    } else {
        ret->type = type_simple(SIM_T_BIGINT);
        buf_printf(&t, "%s()", fn);
    }
    ok = ok && over_text(b, e->u.over, &t);
    ret->sql = arena_strdup(b->a, buf_text(&t));
    ret->name = "";
    ret->type.not_null = false;
    buf_done(&t);
    return ok;
}

/* COALESCE, ISNULL, NULLIF are written in SQLite's own forms. */
static bool bind_coalesce(binder_t *b, const expr_t *e, const char *fn, bound_t *ret)
{
    bound_t *v = arena_alloc(b->a, sizeof(*v) * (e->nargs + 1));
    bool isnull = name_eq(fn, "isnull");
    if (e->nargs < 2 || (isnull && e->nargs != 2))
        return fail(b->s, 174, 15, 1, "The %s function requires 2 argument(s).", fn);
    *ret = (bound_t){.name = ""};
    bool all_null = true, any_not_null = false;
    for (size_t i = 0; i < e->nargs; i++) {
        if (!bind_expr(b, e->args[i], &v[i])) return false;
        all_null = all_null && v[i].type.base == SIM_T_NULL;
        any_not_null = any_not_null || v[i].type.not_null;
        ret->type = i == 0                                   ? v[0].type
                    : isnull && v[0].type.base != SIM_T_NULL ? v[0].type
                                                             : type_unify(&ret->type, &v[i].type);
        ret->agg |= v[i].agg;
    }
    if (all_null && !isnull)
        return fail(b->s, 4127, 16, 1,
                    "At least one of the arguments to COALESCE must be an expression that is not the NULL constant.");
    if (all_null) ret->type = type_simple(SIM_T_INT);
    ret->type.not_null = any_not_null;
    buf_t t = {0};
    buf_adds(&t, "coalesce(");
    for (size_t i = 0; i < e->nargs; i++)
        buf_printf(&t, "%s%s", i > 0 ? "," : "", bind_convert(b, v[i].sql, &v[i].type, &ret->type));
    buf_addc(&t, ')');
    ret->sql = arena_strdup(b->a, buf_text(&t));
    buf_done(&t);
    return true;
}

static bool bind_nullif(binder_t *b, const expr_t *e, bound_t *ret)
{
    if (e->nargs != 2) return fail(b->s, 174, 15, 1, "The nullif function requires 2 argument(s).");
    expr_t cmp = {.kind = E_CMP, .op = '=', .args = e->args, .nargs = 2, .line = e->line};
    const char *c;
    if (!bind_expr(b, e->args[0], ret) || !bind_cond(b, &cmp, &c)) return false;
    ret->sql = arena_printf(b->a, "CASE WHEN %s THEN NULL ELSE %s END", c, ret->sql);
    ret->name = "";
    ret->col = NULL;
    ret->chain = NULL;
    ret->type.not_null = false;
    return true;
}

bool bind_function(binder_t *b, const expr_t *e, bound_t *ret)
{
    static const char *const aggs[] = {"count", "count_big", "sum", "avg", "min", "max", "checksum_agg", "string_agg"};
    static const char *const windows[] = {"row_number", "rank",        "dense_rank", "lag",
                                          "lead",       "first_value", "last_value", "ntile"};
    const char *fn = e->name.part[e->name.n - 1];
    *ret = (bound_t){.name = ""};
    b->s->err_line = e->line;
    if (e->name.n == 1) {
        for (size_t i = 0; i < sizeof(aggs) / sizeof(aggs[0]); i++)
            if (name_eq(aggs[i], fn)) return bind_aggregate(b, e, fn, ret);
        for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++)
            if (name_eq(windows[i], fn)) return bind_window(b, e, windows[i], ret);
        if (name_eq(fn, "coalesce") || name_eq(fn, "isnull")) return bind_coalesce(b, e, fn, ret);
        if (name_eq(fn, "nullif")) return bind_nullif(b, e, ret);
        const func_row_t *r = find_row(fn);
        if (r != NULL) return bind_row(b, e, r, ret);
        return fail(b->s, 195, 15, 10, "'%s' is not a recognized built-in function name.", fn);
    }
    bool found = false;
    if (!cdc_bind_function(b, e, ret, &found)) return false;
    if (found) return true;
    return fail(
        b->s, 4121, 16, 1,
        "Cannot find either column \"%s\" or the user-defined function or aggregate \"%s\", or the name is ambiguous.",
        e->name.part[0], name_dotted(b->a, &e->name));
}

/* ---- registration ---- */

typedef struct reg {
    sim_session_t *s;
    const func_row_t *row;
} reg_t;

static void call_row(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    reg_t *r = sqlite3_user_data(ctx);
    sim_value_t args[64];
    sim_typeinfo_t types[64];
    int n = (argc - 1) / 2;
    if (n > 64) {
        sqlite3_result_error(ctx, "too many arguments", -1);
        return;
    }
    arena_t a = {0};
    sql_error_t err = {0};
    fn_call_t c = {.s = r->s, .a = &a, .n = n, .args = args, .types = types, .err = &err};
    c.ret_type = type_unpack(sqlite3_value_int64(argv[argc - 1]));
    bool null = false;
    for (int i = 0; i < n; i++) {
        types[i] = type_unpack(sqlite3_value_int64(argv[2 * i + 1]));
        store_read(&a, argv[2 * i], &types[i], &args[i]);
        null = null || args[i].is_null;
    }
    if (null && r->row->null_in_null_out) {
        sqlite3_result_null(ctx);
    } else if (r->row->impl(&c)) {
        store_result(ctx, &c.ret_type, &c.ret);
    } else {
        if (r->s != NULL && r->s->err.text == NULL && err.text != NULL) fail_err(r->s, &err);
        sqlite3_result_error(ctx, "failed", -1);
    }
    arena_done(&a);
}

bool functions_register_operators(sim_session_t *s, sqlite3 *sq);

bool functions_register(sim_session_t *s, sqlite3 *sq)
{
    static const func_row_t *const sets[] = {func_text_rows, func_date_rows, func_meta_rows};
    for (size_t i = 0; i < 3; i++) {
        for (const func_row_t *r = sets[i]; r->name != NULL; r++) {
            reg_t *reg = sim_alloc(sizeof(*reg));
            char name[64];
            *reg = (reg_t){s, r};
            sqlite3_snprintf(sizeof(name), name, "sf_%s", r->name);
            int flags = SQLITE_UTF8 | (r->volatile_ ? 0 : SQLITE_DETERMINISTIC);
            if (sqlite3_create_function_v2(sq, name, -1, flags, reg, call_row, NULL, NULL, free) != SQLITE_OK)
                return false;
        }
    }
    return metafuncs_register(sq) && cdc_register(sq) && functions_register_operators(s, sq);
}
