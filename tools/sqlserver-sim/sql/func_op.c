/* func_op.c: the operators behind expressions: conversion, arithmetic, LIKE, SUM/AVG. Registered per connection. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sql/func.h"

static void op_error(sqlite3_context *ctx, const sql_error_t *err)
{
    sim_session_t *s = sqlite3_user_data(ctx);
    if (s != NULL && s->err.text == NULL && err->text != NULL) fail_err(s, err);
    sqlite3_result_error(ctx, "failed", -1);
}

/* sv_conv(value, from, to, style, try) */
static void op_conv(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) {
        sqlite3_result_null(ctx);
        return;
    }
    sim_typeinfo_t from = type_unpack(sqlite3_value_int64(argv[1])), to = type_unpack(sqlite3_value_int64(argv[2]));
    arena_t a = {0};
    sim_value_t v, r;
    sql_error_t err = {0};
    store_read(&a, argv[0], &from, &v);
    if (value_convert(&a, &from, &v, &to, sqlite3_value_int(argv[3]), 0, &r, &err))
        store_result(ctx, &to, &r);
    else if (sqlite3_value_int(argv[4]) != 0)
        sqlite3_result_null(ctx);
    else
        op_error(ctx, &err);
    arena_done(&a);
}

/* ---- arithmetic: op(a, ta, b, tb, tr); NULL in, NULL out ---- */

static bool exact_of(const sim_typeinfo_t *t, const sim_value_t *v, dec_t *ret, int *ret_scale)
{
    *ret_scale = type_is_decimal(t->base) ? t->scale : type_is_money(t->base) ? 4 : 0;
    *ret = type_is_decimal(t->base) ? value_dec(v) : (dec_t)v->u.i;
    return true;
}

static bool arith(arena_t *a, char op, const sim_typeinfo_t *t, const sim_value_t *v, const sim_typeinfo_t *rt,
                  sim_value_t *ret, sql_error_t *err)
{
    ret->is_null = false;
    if (type_is_float(rt->base)) {
        double x = v[0].u.f, y = v[1].u.f, r;
        if ((op == '/' || op == '%') && y == 0) goto by_zero;
        r = op == '+' ? x + y : op == '-' ? x - y : op == '*' ? x * y : op == '/' ? x / y : fmod(x, y);
        if (!isfinite(r))
            return sql_fail(a, err, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                            type_name(rt->base));
        ret->u.f = rt->base == SIM_T_REAL ? (double)(float)r : r;
        return true;
    }
    if (op == '&' || op == '|' || op == '^') {
        ret->u.i = op == '&' ? v[0].u.i & v[1].u.i : op == '|' ? v[0].u.i | v[1].u.i : v[0].u.i ^ v[1].u.i;
        return true;
    }
    dec_t x, y, r = 0;
    int sx, sy, rs = type_is_decimal(rt->base) ? rt->scale : type_is_money(rt->base) ? 4 : 0;
    exact_of(&t[0], &v[0], &x, &sx);
    exact_of(&t[1], &v[1], &y, &sy);
    bool ok = true;
    int scale = rs;
    if ((op == '/' || op == '%') && y == 0) goto by_zero;
    switch (op) {
    case '*':
        ok = dec_mul(x, y, &r);
        scale = sx + sy;
        if (!ok) { /* 38 digits overflow before rescaling: drop fraction digits first */
            ok = dec_rescale(x, sx, sx / 2, &x) && dec_rescale(y, sy, sy / 2, &y) && dec_mul(x, y, &r);
            scale = sx / 2 + sy / 2;
        }
        break;
    case '/':
        ok = dec_div(x, sx, y, sy, rs, &r);
        break;
    default: {
        int m = sx > sy ? sx : sy;
        ok = dec_rescale(x, sx, m, &x) && dec_rescale(y, sy, m, &y);
        if (ok) ok = op == '%' ? (r = x % y, true) : dec_add(x, op == '-' ? -y : y, &r);
        scale = m;
    }
    }
    if (ok) ok = dec_rescale(r, scale, rs, &r);
    if (ok && type_is_decimal(rt->base)) {
        if (!dec_fits(r, rt->prec)) ok = false;
        value_set_dec(ret, r);
    } else if (ok) {
        sim_typeinfo_t dt = type_decimal(38, rs);
        sim_value_t dv;
        value_set_dec(&dv, r);
        return value_convert(a, &dt, &dv, rt, 0, 0, ret, err);
    }
    if (ok) return true;
    return sql_fail(a, err, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                    type_name(rt->base));
by_zero:
    return sql_fail(a, err, 8134, 16, 1, "Divide by zero error encountered.");
}

static void op_arith(sqlite3_context *ctx, sqlite3_value **argv, char op)
{
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[2]) == SQLITE_NULL) {
        sqlite3_result_null(ctx);
        return;
    }
    arena_t a = {0};
    sim_typeinfo_t t[2] = {type_unpack(sqlite3_value_int64(argv[1])), type_unpack(sqlite3_value_int64(argv[3]))};
    sim_typeinfo_t rt = type_unpack(sqlite3_value_int64(argv[4]));
    sim_value_t v[2], r;
    sql_error_t err = {0};
    store_read(&a, argv[0], &t[0], &v[0]);
    store_read(&a, argv[2], &t[1], &v[1]);
    if (arith(&a, op, t, v, &rt, &r, &err))
        store_result(ctx, &rt, &r);
    else
        op_error(ctx, &err);
    arena_done(&a);
}

#define ARITH(fn, op)                                                                                                  \
    static void fn(sqlite3_context *ctx, int argc, sqlite3_value **argv)                                               \
    {                                                                                                                  \
        (void)argc;                                                                                                    \
        op_arith(ctx, argv, op);                                                                                       \
    }
ARITH(op_add, '+')
ARITH(op_sub, '-')
ARITH(op_mul, '*')
ARITH(op_div, '/')
ARITH(op_mod, '%')
ARITH(op_and, '&')
ARITH(op_or, '|')
ARITH(op_xor, '^')

static void op_neg(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sim_typeinfo_t t = type_unpack(sqlite3_value_int64(argv[1]));
    arena_t a = {0};
    sim_value_t v;
    store_read(&a, argv[0], &t, &v);
    if (!v.is_null && type_is_decimal(t.base))
        value_set_dec(&v, -value_dec(&v));
    else if (!v.is_null && type_is_float(t.base))
        v.u.f = -v.u.f;
    else
        v.u.i = -v.u.i;
    store_result(ctx, &t, &v);
    arena_done(&a);
}

static void op_not(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sim_typeinfo_t t = type_unpack(sqlite3_value_int64(argv[1]));
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
        sqlite3_result_null(ctx);
    else
        sqlite3_result_int64(ctx, t.base == SIM_T_BIT       ? !sqlite3_value_int64(argv[0])
                                  : t.base == SIM_T_TINYINT ? (~sqlite3_value_int64(argv[0]) & 255)
                                                            : ~sqlite3_value_int64(argv[0]));
}

/* datetime plus/minus: both as days */
static void op_dt(sqlite3_context *ctx, sqlite3_value **argv, int sign)
{
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[2]) == SQLITE_NULL) {
        sqlite3_result_null(ctx);
        return;
    }
    arena_t a = {0};
    sim_typeinfo_t rt = type_unpack(sqlite3_value_int64(argv[4])), dt = type_simple(SIM_T_DATETIME);
    sim_value_t v[2], r;
    int64_t ticks[2];
    sql_error_t err = {0};
    bool ok = true;
    for (int i = 0; ok && i < 2; i++) {
        sim_typeinfo_t t = type_unpack(sqlite3_value_int64(argv[2 * i + 1]));
        store_read(&a, argv[2 * i], &t, &v[i]);
        ok = value_convert(&a, &t, &v[i], &dt, 0, 0, &v[i], &err);
        ticks[i] = (int64_t)v[i].u.t.days * 25920000 + v[i].u.t.ticks;
    }
    if (ok) {
        int64_t k = ticks[0] + sign * ticks[1], d = k / 25920000;
        if (k % 25920000 < 0) d--;
        r = (sim_value_t){.u.t = {(int32_t)d, k - d * 25920000, 0}};
        ok = value_convert(&a, &dt, &r, &rt, 0, 0, &r, &err);
    }
    if (ok)
        store_result(ctx, &rt, &r);
    else
        op_error(ctx, &err);
    arena_done(&a);
}

static void op_dtadd(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    op_dt(ctx, argv, 1);
}

static void op_dtsub(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    op_dt(ctx, argv, -1);
}

/* ---- LIKE with %, _, [a-z], [^a-z] and ESCAPE ---- */

static bool like_set(const char *p, size_t np, size_t *pos, uint32_t c)
{
    size_t i = *pos;
    bool neg = false, hit = false, first = true;
    if (i < np && p[i] == '^') {
        neg = true;
        i++;
    }
    while (i < np && (p[i] != ']' || first)) {
        uint32_t lo = fold_char(utf8_next(p, np, &i)), hi = lo;
        if (i + 1 < np && p[i] == '-' && p[i + 1] != ']') {
            i++;
            hi = fold_char(utf8_next(p, np, &i));
        }
        if (c >= lo && c <= hi) hit = true;
        first = false;
    }
    *pos = i < np ? i + 1 : i;
    return hit != neg;
}

static bool like(const char *s, size_t ns, const char *p, size_t np, uint32_t esc)
{
    size_t i = 0, j = 0, star_p = SIZE_MAX, star_s = 0;
    for (;;) {
        if (j < np && p[j] == '%' && esc != '%') {
            star_p = ++j;
            star_s = i;
            continue;
        }
        if (i >= ns) {
            if (j >= np) return true;
            return false;
        }
        bool ok = false;
        if (j < np) {
            size_t si = i, pj = j;
            uint32_t c = fold_char(utf8_next(s, ns, &si));
            uint32_t raw = utf8_next(p, np, &pj);
            if (esc != 0 && raw == esc && pj < np) {
                ok = fold_char(utf8_next(p, np, &pj)) == c;
            } else if (raw == '_') {
                ok = true;
            } else if (raw == '[') {
                ok = like_set(p, np, &pj, c);
            } else {
                ok = fold_char(raw) == c;
            }
            if (ok) {
                i = si;
                j = pj;
            }
        }
        if (ok) continue;
        if (star_p == SIZE_MAX) return false;
        utf8_next(s, ns, &star_s);
        i = star_s;
        j = star_p;
    }
}

static void op_like(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL) {
        sqlite3_result_null(ctx);
        return;
    }
    uint32_t esc = 0;
    if (sqlite3_value_type(argv[2]) != SQLITE_NULL && sqlite3_value_bytes(argv[2]) > 0) {
        size_t pos = 0;
        esc = utf8_next((const char *)sqlite3_value_text(argv[2]), (size_t)sqlite3_value_bytes(argv[2]), &pos);
    }
    const char *s = (const char *)sqlite3_value_text(argv[0]), *p = (const char *)sqlite3_value_text(argv[1]);
    size_t ns = (size_t)sqlite3_value_bytes(argv[0]), np = (size_t)sqlite3_value_bytes(argv[1]);
    bool hit = like(s, ns, p, np, esc);
    while (!hit && ns > 0 && s[ns - 1] == ' ')
        hit = like(s, --ns, p, np, esc); /* trailing blanks of the value may be ignored */
    sqlite3_result_int(ctx, hit);
}

/* ---- aggregates ---- */

typedef struct sum_state {
    uint64_t exact[2]; /* a dec_t by memcpy: SQLite aligns the state to 8 bytes only */
    double real;
    int64_t n;
    bool overflow;
} sum_state_t;

static dec_t exact_get(const sum_state_t *st)
{
    dec_t d;
    memcpy(&d, st->exact, sizeof(d));
    return d;
}

static void exact_set(sum_state_t *st, dec_t d)
{
    memcpy(st->exact, &d, sizeof(d));
}

static void exact_add(sum_state_t *st, dec_t add)
{
    dec_t d = exact_get(st);
    if (!dec_add(d, add, &d)) st->overflow = true;
    exact_set(st, d);
}

typedef struct agg_state {
    sum_state_t sum;
    sim_typeinfo_t from, to;
} agg_state_t;

static void agg_add(agg_state_t *st, sqlite3_value *value)
{
    if (sqlite3_value_type(value) == SQLITE_NULL) return;
    sim_value_t v;
    store_read(NULL, value, &st->from, &v);
    st->sum.n++;
    if (type_is_float(st->from.base))
        st->sum.real += v.u.f;
    else
        exact_add(&st->sum, type_is_decimal(st->from.base) ? value_dec(&v) : (dec_t)v.u.i);
}

static void agg_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    agg_state_t *st = sqlite3_aggregate_context(ctx, sizeof(*st));
    if (st == NULL) return;
    (void)argc;
    st->from = type_unpack(sqlite3_value_int64(argv[1]));
    st->to = type_unpack(sqlite3_value_int64(argv[2]));
    agg_add(st, argv[0]);
}

static void agg_result(sqlite3_context *ctx, agg_state_t *st, bool avg)
{
    if (st == NULL || st->sum.n == 0) {
        sqlite3_result_null(ctx);
        return;
    }
    arena_t a = {0};
    sql_error_t err = {0};
    sim_value_t v = {0}, r;
    bool ok = !st->sum.overflow;
    if (type_is_float(st->from.base)) {
        v.u.f = avg ? st->sum.real / (double)st->sum.n : st->sum.real;
        sim_typeinfo_t ft = type_simple(SIM_T_FLOAT);
        ok = ok && value_convert(&a, &ft, &v, &st->to, 0, 0, &r, &err);
    } else {
        int scale = type_is_decimal(st->from.base) ? st->from.scale : type_is_money(st->from.base) ? 4 : 0;
        int to_scale = type_is_decimal(st->to.base) ? st->to.scale : scale;
        dec_t d = exact_get(&st->sum);
        if (avg) ok = ok && dec_div(d, scale, st->sum.n, 0, to_scale, &d);
        sim_typeinfo_t dt = type_decimal(38, avg ? to_scale : scale);
        value_set_dec(&v, d);
        ok = ok && value_convert(&a, &dt, &v, &st->to, 0, 0, &r, &err);
    }
    if (ok) {
        store_result(ctx, &st->to, &r);
    } else {
        if (err.text == NULL || st->sum.overflow)
            sql_fail(&a, &err, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                     type_name(st->to.base));
        else if (err.number == 220 || err.number == 8115)
            sql_fail(&a, &err, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                     type_name(st->to.base));
        op_error(ctx, &err);
    }
    arena_done(&a);
}

static void sum_end(sqlite3_context *ctx)
{
    agg_result(ctx, sqlite3_aggregate_context(ctx, 0), false);
}
static void avg_end(sqlite3_context *ctx)
{
    agg_result(ctx, sqlite3_aggregate_context(ctx, 0), true);
}

typedef struct sum_types {
    sim_typeinfo_t from, to;
    bool avg;
} sum_types_t;

static void distinct_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const sum_types_t *types = sqlite3_user_data(ctx);
    agg_state_t *st = sqlite3_aggregate_context(ctx, sizeof(*st));
    (void)argc;
    if (st == NULL) return;
    st->from = types->from;
    st->to = types->to;
    agg_add(st, argv[0]);
}

static void distinct_end(sqlite3_context *ctx)
{
    const sum_types_t *types = sqlite3_user_data(ctx);
    agg_result(ctx, sqlite3_aggregate_context(ctx, 0), types->avg);
}

const char *sum_distinct_function(binder_t *b, bool avg, const sim_typeinfo_t *from, const sim_typeinfo_t *to)
{
    const char *name = arena_printf(b->a, "sa_d%d_%llx_%llx", avg, (unsigned long long)type_pack(from),
                                    (unsigned long long)type_pack(to));
    sum_types_t *types = sim_alloc(sizeof(*types));
    *types = (sum_types_t){*from, *to, avg};
    int rc = sqlite3_create_function_v2(b->s->sq, name, 1, SQLITE_UTF8, types, NULL, distinct_step, distinct_end, free);
    if (rc == SQLITE_OK || rc == SQLITE_BUSY) return name; /* busy: it exists and is in use right now */
    fail_sqlite(b->s);
    return NULL;
}

static void agg_inverse(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    agg_state_t *st = sqlite3_aggregate_context(ctx, sizeof(*st));
    (void)argc;
    if (st == NULL || sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    sim_value_t v;
    store_read(NULL, argv[0], &st->from, &v);
    st->sum.n--;
    if (type_is_float(st->from.base))
        st->sum.real -= v.u.f;
    else
        exact_add(&st->sum, -(type_is_decimal(st->from.base) ? value_dec(&v) : (dec_t)v.u.i));
}

static void checksum_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    int64_t *st = sqlite3_aggregate_context(ctx, 2 * sizeof(int64_t));
    (void)argc;
    if (st == NULL || sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    st[0] ^= sqlite3_value_int64(argv[0]);
    st[1]++;
}

static void checksum_end(sqlite3_context *ctx)
{
    int64_t *st = sqlite3_aggregate_context(ctx, 0);
    if (st == NULL || st[1] == 0)
        sqlite3_result_null(ctx);
    else
        sqlite3_result_int64(ctx, (int32_t)st[0]);
}

/* The value of a scalar subquery: the second row is an error. */
typedef struct single {
    int64_t rows;
    sqlite3_value *value;
} single_t;

static void single_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    single_t *st = sqlite3_aggregate_context(ctx, sizeof(*st));
    (void)argc;
    if (st == NULL) return;
    if (++st->rows == 1) {
        st->value = sqlite3_value_dup(argv[0]);
        return;
    }
    fail((sim_session_t *)sqlite3_user_data(ctx), 512, 16, 1,
         "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or "
         "when the subquery is used as an expression.");
    sqlite3_result_error(ctx, "failed", -1);
}

static void single_end(sqlite3_context *ctx)
{
    single_t *st = sqlite3_aggregate_context(ctx, 0);
    if (st == NULL || st->value == NULL) {
        sqlite3_result_null(ctx);
        return;
    }
    if (st->rows == 1) sqlite3_result_value(ctx, st->value);
    sqlite3_value_free(st->value);
    st->value = NULL;
}

/* STRING_AGG: the parts are put in order at the end. */
typedef struct part {
    char *text;
    size_t len, at; /* at: order of arrival */
    sqlite3_value *key;
} part_t;

typedef struct parts {
    part_t *list;
    size_t n;
    char *separator;
    bool desc;
} parts_t;

static int by_key(const void *a, const void *b)
{
    const part_t *x = a, *y = b;
    int tx = sqlite3_value_type(x->key), ty = sqlite3_value_type(y->key), o = 0;
    if (tx == SQLITE_NULL || ty == SQLITE_NULL) {
        o = (tx != SQLITE_NULL) - (ty != SQLITE_NULL);
    } else if (tx == SQLITE_INTEGER && ty == SQLITE_INTEGER) {
        int64_t i = sqlite3_value_int64(x->key), k = sqlite3_value_int64(y->key);
        o = i < k ? -1 : i > k;
    } else if (tx == SQLITE_FLOAT || ty == SQLITE_FLOAT) {
        double i = sqlite3_value_double(x->key), k = sqlite3_value_double(y->key);
        o = i < k ? -1 : i > k;
    } else if (tx == SQLITE_TEXT) {
        o = text_cmp_ci((const char *)sqlite3_value_text(x->key), (size_t)sqlite3_value_bytes(x->key),
                        (const char *)sqlite3_value_text(y->key), (size_t)sqlite3_value_bytes(y->key));
    } else {
        size_t nx = (size_t)sqlite3_value_bytes(x->key), ny = (size_t)sqlite3_value_bytes(y->key);
        o = memcmp(sqlite3_value_blob(x->key), sqlite3_value_blob(y->key), nx < ny ? nx : ny);
        if (o == 0) o = nx < ny ? -1 : nx > ny;
    }
    return o;
}

static int by_key_up(const void *a, const void *b)
{
    int o = by_key(a, b);
    return o != 0 ? o : ((const part_t *)a)->at < ((const part_t *)b)->at ? -1 : 1;
}

static int by_key_down(const void *a, const void *b)
{
    int o = by_key(b, a);
    return o != 0 ? o : ((const part_t *)a)->at < ((const part_t *)b)->at ? -1 : 1;
}

static void string_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    parts_t *st = sqlite3_aggregate_context(ctx, sizeof(*st));
    (void)argc;
    if (st == NULL || sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    if (st->n == 0) {
        const char *sep = (const char *)sqlite3_value_text(argv[1]);
        st->separator = sim_strdup(sep != NULL ? sep : "");
        st->desc = sqlite3_value_int(argv[3]) != 0;
    }
    if ((st->n & (st->n - 1)) == 0) st->list = sim_realloc(st->list, sizeof(part_t) * (st->n == 0 ? 1 : st->n * 2));
    part_t *p = &st->list[st->n];
    p->len = (size_t)sqlite3_value_bytes(argv[0]);
    p->text = sim_strndup((const char *)sqlite3_value_text(argv[0]), p->len);
    p->key = sqlite3_value_dup(argv[2]);
    p->at = st->n++;
}

static void string_end(sqlite3_context *ctx)
{
    parts_t *st = sqlite3_aggregate_context(ctx, 0);
    if (st == NULL || st->n == 0) {
        sqlite3_result_null(ctx);
        return;
    }
    buf_t out = {0};
    qsort(st->list, st->n, sizeof(part_t), st->desc ? by_key_down : by_key_up);
    for (size_t i = 0; i < st->n; i++) {
        if (i > 0) buf_adds(&out, st->separator);
        buf_add(&out, st->list[i].text, st->list[i].len);
        free(st->list[i].text);
        sqlite3_value_free(st->list[i].key);
    }
    sqlite3_result_text64(ctx, buf_text(&out), out.len, SQLITE_TRANSIENT, SQLITE_UTF8);
    buf_done(&out);
    free(st->list);
    free(st->separator);
    st->n = 0;
}

/* TOP and FETCH counts. */
static void op_rows(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sim_session_t *s = sqlite3_user_data(ctx);
    int64_t n = sqlite3_value_int64(argv[0]);
    (void)argc;
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL && n >= 0) {
        sqlite3_result_int64(ctx, n);
        return;
    }
    if (n < 0)
        fail(s, 127, 15, 1, "A TOP N or FETCH rowcount value may not be negative.");
    else
        fail(s, 1060, 15, 1,
             "The number of rows provided for a TOP or FETCH clauses row count parameter must be an integer.");
    sqlite3_result_error(ctx, "failed", -1);
}

/* TOP (p) PERCENT of n rows. */
static void op_percent(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    double p = sqlite3_value_double(argv[0]);
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || p < 0 || p > 100) {
        fail((sim_session_t *)sqlite3_user_data(ctx), 1031, 15, 1, "Percent values must be between 0 and 100.");
        sqlite3_result_error(ctx, "failed", -1);
        return;
    }
    sqlite3_result_int64(ctx, (int64_t)ceil(p * (double)sqlite3_value_int64(argv[1]) / 100));
}

/* The depth of a recursive query against its limit, 0 = none. */
static void op_level(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    int64_t level = sqlite3_value_int64(argv[0]), max = sqlite3_value_int64(argv[1]);
    (void)argc;
    if (max == 0 || level <= max) {
        sqlite3_result_int64(ctx, level);
        return;
    }
    fail((sim_session_t *)sqlite3_user_data(ctx), 530, 16, 1,
         "The statement terminated. The maximum recursion %lld has been exhausted before statement completion.",
         (long long)max);
    sqlite3_result_error(ctx, "failed", -1);
}

static int collate_ci(void *arg, int na, const void *a, int nb, const void *b)
{
    (void)arg;
    return text_cmp_ci(a, (size_t)na, b, (size_t)nb);
}

bool functions_register_operators(sim_session_t *s, sqlite3 *sq);

bool functions_register_operators(sim_session_t *s, sqlite3 *sq)
{
    static const struct {
        const char *name;
        int n;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } ops[] = {{"sv_conv", 5, op_conv},       {"sv_add", 5, op_add},    {"sv_sub", 5, op_sub},
               {"sv_mul", 5, op_mul},         {"sv_div", 5, op_div},    {"sv_mod", 5, op_mod},
               {"sv_and", 5, op_and},         {"sv_or", 5, op_or},      {"sv_xor", 5, op_xor},
               {"sv_neg", 3, op_neg},         {"sv_not", 3, op_not},    {"sv_dtadd", 5, op_dtadd},
               {"sv_dtsub", 5, op_dtsub},     {"sv_like", 4, op_like},  {"sv_rows", 1, op_rows},
               {"sv_percent", 2, op_percent}, {"sv_level", 2, op_level}};
    bool ok = sqlite3_create_collation(sq, "SQLCI", SQLITE_UTF8, NULL, collate_ci) == SQLITE_OK;
    for (size_t i = 0; ok && i < sizeof(ops) / sizeof(ops[0]); i++)
        ok = sqlite3_create_function(sq, ops[i].name, ops[i].n, SQLITE_UTF8 | SQLITE_DETERMINISTIC, s, ops[i].fn, NULL,
                                     NULL) == SQLITE_OK;
    return ok &&
           sqlite3_create_window_function(sq, "sa_sum", 3, SQLITE_UTF8, s, agg_step, sum_end, sum_end, agg_inverse,
                                          NULL) == SQLITE_OK &&
           sqlite3_create_window_function(sq, "sa_avg", 3, SQLITE_UTF8, s, agg_step, avg_end, avg_end, agg_inverse,
                                          NULL) == SQLITE_OK &&
           sqlite3_create_function(sq, "sa_string", 4, SQLITE_UTF8, s, NULL, string_step, string_end) == SQLITE_OK &&
           sqlite3_create_function(sq, "sa_single", 1, SQLITE_UTF8, s, NULL, single_step, single_end) == SQLITE_OK &&
           sqlite3_create_function(sq, "sa_checksum", 1, SQLITE_UTF8, s, NULL, checksum_step, checksum_end) ==
               SQLITE_OK;
}
