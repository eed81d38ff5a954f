/* func_text.c: string, numeric and binary functions. */
#include <ctype.h>
#include <math.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "sql/func.h"
#include "sql/value_text.h"

static bool ret_buf(fn_call_t *c, buf_t *b)
{
    c->ret = value_bytes(arena_memdup(c->a, buf_text(b), b->len), b->len);
    buf_done(b);
    return true;
}

static size_t char_len(const sim_value_t *v)
{
    return utf16_units(v->u.s.ptr, v->u.s.len);
}

static bool fn_len(fn_call_t *c)
{
    size_t n = c->args[0].u.s.len;
    while (n > 0 && c->args[0].u.s.ptr[n - 1] == ' ') n--;
    c->ret = value_int((int64_t)utf16_units(c->args[0].u.s.ptr, n));
    return true;
}

static bool fn_datalength(fn_call_t *c)
{
    const sim_typeinfo_t *t = &c->types[0];
    const sim_value_t *v = &c->args[0];
    if (t->base == SIM_T_VARIANT) {
        t = v->u.v.type;
        v = v->u.v.value;
    }
    if (type_is_char(t->base) || t->base == SIM_T_XML) {
        size_t units = char_len(v);
        c->ret = value_int((int64_t)(type_is_unicode(t->base) || t->base == SIM_T_XML ? units * 2
                                     : t->utf8                                        ? v->u.s.len
                                                                                      : units));
    } else {
        c->ret = value_int(type_is_binary(t->base) ? (int64_t)v->u.s.len : type_max_length(t));
    }
    return true;
}

static bool fn_substring(fn_call_t *c)
{
    int64_t start = c->args[1].u.i, n = c->args[2].u.i;
    const sim_value_t *v = &c->args[0];
    if (n < 0)
        return sql_fail(c->a, c->err, 537, 16, 3, "Invalid length parameter passed to the LEFT or SUBSTRING function.");
    int64_t end = start + n;
    if (start < 1) start = 1;
    if (end < start) end = start;
    if (type_is_binary(c->types[0].base)) {
        size_t a = (size_t)(start - 1) > v->u.s.len ? v->u.s.len : (size_t)(start - 1),
               b = (size_t)(end - 1) > v->u.s.len ? v->u.s.len : (size_t)(end - 1);
        c->ret = value_bytes(v->u.s.ptr + a, b - a);
        return true;
    }
    size_t a = utf8_prefix(v->u.s.ptr, v->u.s.len, (size_t)(start - 1));
    size_t b = a + utf8_prefix(v->u.s.ptr + a, v->u.s.len - a, (size_t)(end - start));
    c->ret = value_bytes(v->u.s.ptr + a, b - a);
    return true;
}

static bool fn_left(fn_call_t *c)
{
    int64_t n = c->args[1].u.i;
    if (n < 0) return sql_fail(c->a, c->err, 536, 16, 1, "Invalid length parameter passed to the left function.");
    c->ret = value_bytes(c->args[0].u.s.ptr, utf8_prefix(c->args[0].u.s.ptr, c->args[0].u.s.len, (size_t)n));
    return true;
}

static bool fn_right(fn_call_t *c)
{
    int64_t n = c->args[1].u.i, len = (int64_t)char_len(&c->args[0]);
    if (n < 0) return sql_fail(c->a, c->err, 536, 16, 1, "Invalid length parameter passed to the right function.");
    size_t skip = n >= len ? 0 : utf8_prefix(c->args[0].u.s.ptr, c->args[0].u.s.len, (size_t)(len - n));
    c->ret = value_bytes(c->args[0].u.s.ptr + skip, c->args[0].u.s.len - skip);
    return true;
}

static bool match_at(const char *s, size_t n, const char *p, size_t np, size_t *ret_len)
{
    size_t i = 0, j = 0;
    while (j < np) {
        if (i >= n || fold_char(utf8_next(s, n, &i)) != fold_char(utf8_next(p, np, &j))) return false;
    }
    *ret_len = i;
    return true;
}

static bool fn_replace(fn_call_t *c)
{
    const sim_value_t *s = &c->args[0], *p = &c->args[1], *r = &c->args[2];
    buf_t b = {0};
    for (size_t i = 0; i < s->u.s.len;) {
        size_t hit;
        if (p->u.s.len > 0 && match_at(s->u.s.ptr + i, s->u.s.len - i, p->u.s.ptr, p->u.s.len, &hit) && hit > 0) {
            buf_add(&b, r->u.s.ptr, r->u.s.len);
            i += hit;
        } else {
            size_t from = i;
            utf8_next(s->u.s.ptr, s->u.s.len, &i);
            buf_add(&b, s->u.s.ptr + from, i - from);
        }
    }
    return ret_buf(c, &b);
}

static bool fn_charindex(fn_call_t *c)
{
    const sim_value_t *p = &c->args[0], *s = &c->args[1];
    int64_t start = c->n > 2 ? c->args[2].u.i : 1, at = 1;
    size_t hit;
    c->ret = value_int(0);
    for (size_t i = 0; i < s->u.s.len && p->u.s.len > 0; at++) {
        if (at >= start && match_at(s->u.s.ptr + i, s->u.s.len - i, p->u.s.ptr, p->u.s.len, &hit)) {
            c->ret = value_int(at);
            return true;
        }
        utf8_next(s->u.s.ptr, s->u.s.len, &i);
    }
    return true;
}

static uint32_t upper_char(uint32_t cp)
{
    if (cp < 0x80) return cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    for (uint32_t up = cp > 80 ? cp - 80 : 0; up < cp; up++)
        if (fold_char(up) == cp && up != cp) return up;
    return cp;
}

static bool map_case(fn_call_t *c, uint32_t (*map)(uint32_t))
{
    buf_t b = {0};
    char tmp[4];
    for (size_t i = 0; i < c->args[0].u.s.len;)
        buf_add(&b, tmp, utf8_put(map(utf8_next(c->args[0].u.s.ptr, c->args[0].u.s.len, &i)), tmp));
    return ret_buf(c, &b);
}

static bool fn_upper(fn_call_t *c)
{
    return map_case(c, upper_char);
}
static bool fn_lower(fn_call_t *c)
{
    return map_case(c, fold_char);
}

static bool trim(fn_call_t *c, bool left, bool right)
{
    const char *s = c->args[0].u.s.ptr;
    size_t n = c->args[0].u.s.len;
    while (left && n > 0 && *s == ' ') {
        s++;
        n--;
    }
    while (right && n > 0 && s[n - 1] == ' ') n--;
    c->ret = value_bytes(s, n);
    return true;
}

static bool fn_ltrim(fn_call_t *c)
{
    return trim(c, true, false);
}
static bool fn_rtrim(fn_call_t *c)
{
    return trim(c, false, true);
}
static bool fn_trim(fn_call_t *c)
{
    return trim(c, true, true);
}

static bool fn_concat(fn_call_t *c)
{
    buf_t b = {0};
    for (int i = 0; i < c->n; i++)
        if (!c->args[i].is_null) buf_add(&b, c->args[i].u.s.ptr, c->args[i].u.s.len);
    return ret_buf(c, &b);
}

static bool fn_concat_ws(fn_call_t *c)
{
    buf_t b = {0};
    bool any = false;
    for (int i = 1; i < c->n; i++) {
        if (c->args[i].is_null) continue;
        if (any && !c->args[0].is_null) buf_add(&b, c->args[0].u.s.ptr, c->args[0].u.s.len);
        buf_add(&b, c->args[i].u.s.ptr, c->args[i].u.s.len);
        any = true;
    }
    return ret_buf(c, &b);
}

static bool fn_replicate(fn_call_t *c)
{
    buf_t b = {0};
    int64_t n = c->args[1].u.i;
    if (n < 0) {
        c->ret = value_null();
        return true;
    }
    size_t unit = c->args[0].u.s.len, limit = type_is_lob(&c->types[0]) ? 1u << 28 : 8000;
    if (unit > 0 && (uint64_t)n > limit / unit) n = (int64_t)(limit / unit);
    for (int64_t i = 0; i < n; i++) buf_add(&b, c->args[0].u.s.ptr, unit);
    return ret_buf(c, &b);
}

static bool fn_space(fn_call_t *c)
{
    buf_t b = {0};
    for (int64_t i = 0; i < c->args[0].u.i && i < 8000; i++) buf_addc(&b, ' ');
    return ret_buf(c, &b);
}

static bool fn_reverse(fn_call_t *c)
{
    buf_t b = {0};
    const char *s = c->args[0].u.s.ptr;
    for (size_t end = c->args[0].u.s.len; end > 0;) {
        size_t from = end - 1;
        while (from > 0 && ((unsigned char)s[from] & 0xC0) == 0x80) from--;
        buf_add(&b, s + from, end - from);
        end = from;
    }
    return ret_buf(c, &b);
}

static bool fn_stuff(fn_call_t *c)
{
    int64_t start = c->args[1].u.i, n = c->args[2].u.i;
    const char *s = c->args[0].u.s.ptr;
    size_t len = c->args[0].u.s.len;
    if (start < 1 || n < 0 || start > (int64_t)char_len(&c->args[0])) {
        c->ret = value_null();
        return true;
    }
    buf_t b = {0};
    size_t a = utf8_prefix(s, len, (size_t)(start - 1)), e = a + utf8_prefix(s + a, len - a, (size_t)n);
    buf_add(&b, s, a);
    if (!c->args[3].is_null) buf_add(&b, c->args[3].u.s.ptr, c->args[3].u.s.len);
    buf_add(&b, s + e, len - e);
    return ret_buf(c, &b);
}

static bool fn_ascii(fn_call_t *c)
{
    if (c->args[0].u.s.len == 0) {
        c->ret = value_null();
        return true;
    }
    buf_t b = {0};
    sim_typeinfo_t t = type_varchar(1);
    text_encode(&t, &c->args[0], &b);
    c->ret = value_int((unsigned char)b.ptr[0]);
    buf_done(&b);
    return true;
}

static bool fn_unicode(fn_call_t *c)
{
    size_t pos = 0;
    c->ret =
        c->args[0].u.s.len == 0 ? value_null() : value_int(utf8_next(c->args[0].u.s.ptr, c->args[0].u.s.len, &pos));
    return true;
}

static bool fn_char(fn_call_t *c)
{
    buf_t b = {0};
    char x = (char)c->args[0].u.i;
    sim_typeinfo_t t = type_varchar(1);
    if (c->args[0].u.i < 0 || c->args[0].u.i > 255) {
        c->ret = value_null();
        return true;
    }
    text_decode(&t, &x, 1, &b);
    return ret_buf(c, &b);
}

static bool fn_nchar(fn_call_t *c)
{
    buf_t b = {0};
    char tmp[4];
    if (c->args[0].u.i < 0 || c->args[0].u.i > 0x10FFFF) {
        c->ret = value_null();
        return true;
    }
    buf_add(&b, tmp, utf8_put((uint32_t)c->args[0].u.i, tmp));
    return ret_buf(c, &b);
}

static bool fn_quotename(fn_call_t *c)
{
    buf_t b = {0};
    char q = c->n > 1 && c->args[1].u.s.len > 0 ? c->args[1].u.s.ptr[0] : '[', e = q == '[' ? ']' : q == '(' ? ')' : q;
    buf_addc(&b, q);
    for (size_t i = 0; i < c->args[0].u.s.len; i++) {
        if (c->args[0].u.s.ptr[i] == e) buf_addc(&b, e);
        buf_addc(&b, c->args[0].u.s.ptr[i]);
    }
    buf_addc(&b, e);
    return ret_buf(c, &b);
}

static bool fn_abs(fn_call_t *c)
{
    c->ret = c->args[0];
    sim_base_t t = c->types[0].base;
    if (type_is_decimal(t))
        c->ret.u.dec.neg = false;
    else if (type_is_float(t))
        c->ret.u.f = fabs(c->ret.u.f);
    else if (c->ret.u.i < 0)
        c->ret.u.i = -c->ret.u.i;
    return true;
}

static bool fn_sign(fn_call_t *c)
{
    sim_typeinfo_t ft = type_simple(SIM_T_FLOAT);
    sim_value_t f;
    if (!value_convert(c->a, &c->types[0], &c->args[0], &ft, 0, 0, &f, c->err)) return false;
    sim_value_t one = value_int(f.u.f > 0 ? 1 : f.u.f < 0 ? -1 : 0);
    sim_typeinfo_t it = type_simple(SIM_T_INT);
    return value_convert(c->a, &it, &one, &c->ret_type, 0, 0, &c->ret, c->err);
}

static bool fn_round(fn_call_t *c)
{
    int64_t n = c->args[1].u.i;
    bool cut = c->n > 2 && c->args[2].u.i != 0;
    sim_base_t t = c->types[0].base;
    c->ret = c->args[0];
    if (type_is_float(t)) {
        double p = pow(10, (double)n), x = c->args[0].u.f * p;
        c->ret.u.f = (cut ? trunc(x) : round(x)) / p;
        return true;
    }
    int scale = type_is_decimal(t) ? c->types[0].scale : type_is_money(t) ? 4 : 0;
    if (n >= scale || scale - n > 38) {
        if (n < scale) memset(&c->ret.u, 0, sizeof(c->ret.u));
        return true;
    }
    dec_t d = type_is_decimal(t) ? value_dec(&c->args[0]) : (dec_t)c->args[0].u.i, unit = dec_pow10((int)(scale - n));
    if (cut)
        d = d / unit;
    else
        dec_rescale(d, (int)(scale - n), 0, &d);
    d *= unit;
    if (type_is_decimal(t)) {
        if (!dec_fits(d, 38))
            return sql_fail(c->a, c->err, 8115, 16, 2,
                            "Arithmetic overflow error converting expression to data type numeric.");
        value_set_dec(&c->ret, d);
    } else {
        c->ret.u.i = (int64_t)d;
    }
    return true;
}

static bool floor_ceil(fn_call_t *c, bool up)
{
    sim_base_t t = c->types[0].base;
    c->ret = c->args[0];
    if (type_is_float(t)) {
        c->ret.u.f = up ? ceil(c->args[0].u.f) : floor(c->args[0].u.f);
        return true;
    }
    int scale = type_is_decimal(t) ? c->types[0].scale : type_is_money(t) ? 4 : 0;
    dec_t d = type_is_decimal(t) ? value_dec(&c->args[0]) : (dec_t)c->args[0].u.i, unit = dec_pow10(scale),
          q = d / unit;
    if (d % unit != 0 && ((up && d > 0) || (!up && d < 0))) q += up ? 1 : -1;
    d = q * unit;
    if (type_is_decimal(t))
        value_set_dec(&c->ret, d);
    else
        c->ret.u.i = (int64_t)d;
    return true;
}

static bool fn_floor(fn_call_t *c)
{
    return floor_ceil(c, false);
}
static bool fn_ceiling(fn_call_t *c)
{
    return floor_ceil(c, true);
}

static bool ret_float(fn_call_t *c, double f)
{
    if (!isfinite(f)) return sql_fail(c->a, c->err, 3623, 16, 1, "An invalid floating point operation occurred.");
    c->ret = (sim_value_t){.u.f = f};
    return true;
}

static bool fn_power(fn_call_t *c)
{
    return ret_float(c, pow(c->args[0].u.f, c->args[1].u.f));
}
static bool fn_sqrt(fn_call_t *c)
{
    return ret_float(c, sqrt(c->args[0].u.f));
}
static bool fn_exp(fn_call_t *c)
{
    return ret_float(c, exp(c->args[0].u.f));
}
static bool fn_log(fn_call_t *c)
{
    return ret_float(c, log(c->args[0].u.f));
}
static bool fn_pi(fn_call_t *c)
{
    return ret_float(c, M_PI);
}

static uint64_t next_random(sim_session_t *s)
{
    uint64_t z = s->rand_state += UINT64_C(0x9E3779B97F4A7C15); /* splitmix64: reproducible from the configured seed */
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static bool fn_rand(fn_call_t *c)
{
    if (c->n > 0 && !c->args[0].is_null) c->s->rand_state = (uint64_t)c->args[0].u.i;
    return ret_float(c, (double)(next_random(c->s) >> 11) / 9007199254740992.0);
}

static bool fn_newid(fn_call_t *c)
{
    c->ret = (sim_value_t){0};
    for (int i = 0; i < 2; i++) {
        uint64_t r = next_random(c->s);
        memcpy(c->ret.u.guid + 8 * i, &r, 8);
    }
    c->ret.u.guid[7] = (uint8_t)((c->ret.u.guid[7] & 0x0F) | 0x40);
    c->ret.u.guid[8] = (uint8_t)((c->ret.u.guid[8] & 0x3F) | 0x80);
    return true;
}

/* CHECKSUM differs from the product's formula; only its stability and sensitivity matter to clients. */
static bool fn_checksum(fn_call_t *c)
{
    uint32_t h = 0;
    for (int i = 0; i < c->n; i++) {
        buf_t b = {0};
        value_text(&c->types[i], &c->args[i], 0, &b);
        for (size_t k = 0; k < b.len; k++) h = (h << 4 | h >> 28) ^ (unsigned char)tolower((unsigned char)b.ptr[k]);
        h = h * 31 + (c->args[i].is_null ? 1 : 0);
        buf_done(&b);
    }
    c->ret = value_int((int32_t)h);
    return true;
}

static bool fn_hashbytes(fn_call_t *c)
{
    static const struct {
        const char *name, *evp;
    } algs[] = {{"MD5", "MD5"}, {"SHA", "SHA1"}, {"SHA1", "SHA1"}, {"SHA2_256", "SHA256"}, {"SHA2_512", "SHA512"}};
    char *name = arena_strndup(c->a, c->args[0].u.s.ptr, c->args[0].u.s.len);
    buf_t in = {0};
    if (type_is_char(c->types[1].base))
        text_encode(&c->types[1], &c->args[1], &in);
    else
        buf_add(&in, c->args[1].u.s.ptr, c->args[1].u.s.len);
    c->ret = value_null();
    for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
        unsigned char *out = arena_alloc(c->a, EVP_MAX_MD_SIZE);
        unsigned n = 0;
        if (!name_eq(name, algs[i].name)) continue;
        const EVP_MD *md = EVP_get_digestbyname(algs[i].evp);
        if (md != NULL && EVP_Digest(buf_text(&in), in.len, out, &n, md, NULL) == 1) c->ret = value_bytes(out, n);
    }
    buf_done(&in);
    return true;
}

static bool fn_isnumeric(fn_call_t *c)
{
    sim_value_t r;
    sim_typeinfo_t ft = type_simple(SIM_T_FLOAT);
    sql_error_t err = {0};
    c->ret = value_int(!c->args[0].is_null && c->args[0].u.s.len > 0 &&
                       value_convert(c->a, &c->types[0], &c->args[0], &ft, 0, 0, &r, &err));
    return true;
}

static bool fn_isdate(fn_call_t *c)
{
    sim_value_t r;
    sim_typeinfo_t dt = type_simple(SIM_T_DATETIME);
    sql_error_t err = {0};
    c->ret = value_int(!c->args[0].is_null && value_convert(c->a, &c->types[0], &c->args[0], &dt, 0, 0, &r, &err));
    return true;
}

static bool fn_str(fn_call_t *c)
{
    int64_t len = c->n > 1 ? c->args[1].u.i : 10, dec = c->n > 2 ? c->args[2].u.i : 0;
    if (len < 1 || len > 100 || dec < 0 || dec > 16) {
        c->ret = value_null();
        return true;
    }
    buf_t b = {0};
    buf_printf(&b, "%*.*f", (int)len, (int)dec, c->args[0].u.f);
    if ((int64_t)b.len > len) {
        buf_truncate(&b, 0);
        for (int64_t i = 0; i < len; i++) buf_addc(&b, '*');
    }
    return ret_buf(c, &b);
}

/* Behind sys.fn_cdc_increment_lsn and its siblings: 80-bit big-endian arithmetic. */
static bool fn_lsn_add(fn_call_t *c)
{
    int64_t carry = c->args[1].u.i;
    unsigned char *out = arena_alloc(c->a, 10);
    size_t n = c->args[0].u.s.len;
    memcpy(out, c->args[0].u.s.ptr, n < 10 ? n : 10);
    for (int i = 9; i >= 0 && carry != 0; i--) {
        int64_t v = out[i] + carry;
        out[i] = (unsigned char)v;
        carry = v < 0 ? -1 : v > 255 ? 1 : 0;
    }
    c->ret = value_bytes(out, 10);
    return true;
}

static bool fn_mask_bit(fn_call_t *c)
{
    int64_t n = c->args[0].u.i - 1, len = (int64_t)c->args[1].u.s.len;
    bool set = n >= 0 && n / 8 < len && ((unsigned char)c->args[1].u.s.ptr[len - 1 - n / 8] >> (n % 8) & 1) != 0;
    c->ret = value_int(set);
    return true;
}

const func_row_t func_text_rows[] = {
    {"cdc_lsn_add", 2, 2, "bi", 'B', fn_lsn_add, true, false},
    {"cdc_mask_bit", 2, 2, "ib", 'i', fn_mask_bit, true, false},
    {"len", 1, 1, "s", 'i', fn_len, true, false},
    {"datalength", 1, 1, "a", 'i', fn_datalength, true, false},
    {"substring", 3, 3, "aii", '0', fn_substring, true, false},
    {"left", 2, 2, "si", 'S', fn_left, true, false},
    {"right", 2, 2, "si", 'S', fn_right, true, false},
    {"replace", 3, 3, "s", 'R', fn_replace, true, false},
    {"charindex", 2, 3, "ssi", 'i', fn_charindex, true, false},
    {"upper", 1, 1, "s", 'S', fn_upper, true, false},
    {"lower", 1, 1, "s", 'S', fn_lower, true, false},
    {"ltrim", 1, 1, "s", 'S', fn_ltrim, true, false},
    {"rtrim", 1, 1, "s", 'S', fn_rtrim, true, false},
    {"trim", 1, 1, "s", 'S', fn_trim, true, false},
    {"concat", 2, 60, "s", 'R', fn_concat, false, false},
    {"concat_ws", 3, 60, "s", 'R', fn_concat_ws, false, false},
    {"replicate", 2, 2, "si", 'R', fn_replicate, true, false},
    {"space", 1, 1, "i", 'N', fn_space, true, false},
    {"reverse", 1, 1, "s", 'S', fn_reverse, true, false},
    {"stuff", 4, 4, "siis", 'R', fn_stuff, false, false},
    {"ascii", 1, 1, "s", 'i', fn_ascii, true, false},
    {"unicode", 1, 1, "s", 'i', fn_unicode, true, false},
    {"char", 1, 1, "i", 'N', fn_char, true, false},
    {"nchar", 1, 1, "i", 'N', fn_nchar, true, false},
    {"quotename", 1, 2, "s", 'n', fn_quotename, true, false},
    {"str", 1, 3, "fii", 'N', fn_str, true, false},
    {"abs", 1, 1, "n", 'A', fn_abs, true, false},
    {"sign", 1, 1, "n", 'A', fn_sign, true, false},
    {"round", 2, 3, "nii", 'A', fn_round, true, false},
    {"floor", 1, 1, "n", 'A', fn_floor, true, false},
    {"ceiling", 1, 1, "n", 'A', fn_ceiling, true, false},
    {"power", 2, 2, "f", 'f', fn_power, true, false},
    {"sqrt", 1, 1, "f", 'f', fn_sqrt, true, false},
    {"exp", 1, 1, "f", 'f', fn_exp, true, false},
    {"log", 1, 1, "f", 'f', fn_log, true, false},
    {"pi", 0, 0, "", 'f', fn_pi, false, false},
    {"rand", 0, 1, "i", 'f', fn_rand, false, true},
    {"newid", 0, 0, "", 'g', fn_newid, false, true},
    {"newsequentialid", 0, 0, "", 'g', fn_newid, false, true},
    {"checksum", 1, 60, "a", 'i', fn_checksum, false, false},
    {"binary_checksum", 1, 60, "a", 'i', fn_checksum, false, false},
    {"hashbytes", 2, 2, "sa", 'b', fn_hashbytes, true, false},
    {"isnumeric", 1, 1, "s", 'i', fn_isnumeric, false, false},
    {"isdate", 1, 1, "s", 'i', fn_isdate, false, false},
    {NULL, 0, 0, NULL, 0, NULL, false, false},
};
