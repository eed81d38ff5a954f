/* value.c: conversions between SQL Server types. */
#include "sql/value.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/value_text.h"
#include "util/datetime.h"

void sql_fail_set(arena_t *a, sql_error_t *err, int number, int class, int state, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    *err = (sql_error_t){number, class, state, arena_vprintf(a, fmt, ap)};
    va_end(ap);
}

dec_t value_dec(const sim_value_t *v)
{
    return v->u.dec.neg ? -(dec_t)v->u.dec.mag : (dec_t)v->u.dec.mag;
}

void value_set_dec(sim_value_t *v, dec_t d)
{
    v->is_null = false;
    v->u.dec.neg = d < 0;
    v->u.dec.mag = d < 0 ? -(unsigned __int128)d : (unsigned __int128)d;
}

sim_value_t value_int(int64_t i)
{
    sim_value_t v = {.u.i = i};
    return v;
}

sim_value_t value_null(void)
{
    sim_value_t v = {.is_null = true};
    return v;
}

sim_value_t value_bytes(const void *p, size_t n)
{
    sim_value_t v = {.u.s = {p, n}};
    return v;
}

sim_value_t value_str(const char *s)
{
    return value_bytes(s, strlen(s));
}

/* Conversion messages know only the name numeric. */
static const char *shown_type(sim_base_t t)
{
    return type_is_decimal(t) ? "numeric" : type_name(t);
}

static bool overflow(arena_t *a, sql_error_t *err, const sim_typeinfo_t *to)
{
    return sql_fail(a, err, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                    type_name(to->base));
}

static bool put_integer(arena_t *a, dec_t d, const sim_typeinfo_t *to, sim_value_t *ret, sql_error_t *err)
{
    switch (to->base) {
    case SIM_T_BIT:
        ret->u.i = d != 0;
        return true;
    case SIM_T_TINYINT:
        if (d < 0 || d > 255) break;
        goto fits;
    case SIM_T_SMALLINT:
        if (d < INT16_MIN || d > INT16_MAX) break;
        goto fits;
    case SIM_T_INT:
        if (d < INT32_MIN || d > INT32_MAX) return overflow(a, err, to);
        goto fits;
    default:
        if (d < INT64_MIN || d > INT64_MAX) return overflow(a, err, to);
    fits:
        ret->u.i = (int64_t)d;
        return true;
    }
    return sql_fail(a, err, 220, 16, to->base == SIM_T_TINYINT ? 2 : 1,
                    "Arithmetic overflow error for data type %s, value = %lld.", type_name(to->base), (long long)d);
}

/* Puts an exact number with its scale into any numeric type. */
static bool put_exact(arena_t *a, dec_t d, int scale, const sim_typeinfo_t *to, sim_value_t *ret, sql_error_t *err)
{
    dec_t r;
    ret->is_null = false;
    switch (to->base) {
    case SIM_T_BIT:
        ret->u.i = d != 0;
        return true;
    case SIM_T_TINYINT:
    case SIM_T_SMALLINT:
    case SIM_T_INT:
    case SIM_T_BIGINT: /* decimals are truncated towards zero */
        return put_integer(a, scale > 0 ? d / dec_pow10(scale) : d, to, ret, err);
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        if (!dec_rescale(d, scale, to->scale, &r) || !dec_fits(r, to->prec))
            return sql_fail(a, err, 8115, 16, 8, "Arithmetic overflow error converting numeric to data type numeric.");
        value_set_dec(ret, r);
        return true;
    case SIM_T_MONEY:
    case SIM_T_SMALLMONEY:
        if (!dec_rescale(d, scale, 4, &r) || r > INT64_MAX || r < INT64_MIN) return overflow(a, err, to);
        if (to->base == SIM_T_SMALLMONEY && (r > INT32_MAX || r < INT32_MIN)) return overflow(a, err, to);
        ret->u.i = (int64_t)r;
        return true;
    case SIM_T_REAL:
        ret->u.f = (double)(float)dec_to_double(d, scale);
        return true;
    default:
        ret->u.f = dec_to_double(d, scale);
        return true;
    }
}

static bool put_float(arena_t *a, double f, const sim_typeinfo_t *to, sim_value_t *ret, sql_error_t *err)
{
    ret->is_null = false;
    if (to->base == SIM_T_FLOAT) {
        ret->u.f = f;
        return true;
    }
    if (to->base == SIM_T_REAL) {
        ret->u.f = (double)(float)f;
        return isinf(ret->u.f) ? overflow(a, err, to) : true;
    }
    if (to->base == SIM_T_BIT) {
        ret->u.i = f != 0;
        return true;
    }
    if (type_is_integer(to->base)) {
        if (fabs(f) >= 9.3e18) return overflow(a, err, to);
        return put_integer(a, (dec_t)f, to, ret, err);
    }
    dec_t d;
    int scale = type_is_money(to->base) ? 4 : to->scale;
    if (!dec_from_double(f, scale, &d)) return overflow(a, err, to);
    return put_exact(a, d, scale, to, ret, err);
}

/* ---- dates: everything goes through (days since 0001, local ticks, offset) ---- */

typedef struct moment {
    int32_t days;
    int64_t ticks;
    int offset;
} moment_t;

static void moment_norm(moment_t *m)
{
    while (m->ticks < 0) {
        m->ticks += DT_DAY_TICKS;
        m->days--;
    }
    while (m->ticks >= DT_DAY_TICKS) {
        m->ticks -= DT_DAY_TICKS;
        m->days++;
    }
}

static moment_t moment_of(const sim_typeinfo_t *t, const sim_value_t *v)
{
    moment_t m = {v->u.t.days, v->u.t.ticks, 0};
    switch (t->base) {
    case SIM_T_DATE:
        m.ticks = 0;
        break;
    case SIM_T_TIME:
        m.days = DT_DAYS_1900;
        break;
    case SIM_T_DATETIME:
        m.days += DT_DAYS_1900;
        m.ticks = (v->u.t.ticks * 200000 + 3) / 6;
        break;
    case SIM_T_SMALLDATETIME:
        m.days += DT_DAYS_1900;
        m.ticks = v->u.t.ticks * 600000000;
        break;
    case SIM_T_DATETIMEOFFSET:
        m.offset = v->u.t.offset;
        m.ticks += (int64_t)v->u.t.offset * 600000000;
        moment_norm(&m);
        break;
    default:
        break;
    }
    return m;
}

static bool out_of_range(arena_t *a, sim_base_t from, const sim_typeinfo_t *to, sql_error_t *err)
{
    return sql_fail(a, err, 242, 16, 3,
                    "The conversion of a %s data type to a %s data type resulted in an out-of-range value.",
                    type_name(from), type_name(to->base));
}

static bool put_moment(arena_t *a, moment_t m, sim_base_t from, const sim_typeinfo_t *to, sim_value_t *ret,
                       sql_error_t *err)
{
    ret->is_null = false;
    ret->u.t.offset = 0;
    switch (to->base) {
    case SIM_T_DATE:
        ret->u.t.days = m.days;
        ret->u.t.ticks = 0;
        return true;
    case SIM_T_TIME:
        ret->u.t.days = 0;
        ret->u.t.ticks = dt_round(m.ticks, to->scale) % DT_DAY_TICKS;
        return true;
    case SIM_T_DATETIME: {
        int64_t t = (m.ticks * 3 + 50000) / 100000;
        m.days -= DT_DAYS_1900;
        if (t >= 25920000) {
            t -= 25920000;
            m.days++;
        }
        if (m.days < -53690 || m.days > 2958463) goto range;
        ret->u.t.days = m.days;
        ret->u.t.ticks = t;
        return true;
    }
    case SIM_T_SMALLDATETIME: {
        int64_t t = (m.ticks + 300000000) / 600000000;
        m.days -= DT_DAYS_1900;
        if (t >= 1440) {
            t -= 1440;
            m.days++;
        }
        if (m.days < 0 || m.days > 65535) goto range;
        ret->u.t.days = m.days;
        ret->u.t.ticks = t;
        return true;
    }
    default:
        m.ticks = dt_round(m.ticks, to->scale);
        if (to->base == SIM_T_DATETIMEOFFSET) {
            m.ticks -= (int64_t)m.offset * 600000000;
            ret->u.t.offset = (int16_t)m.offset;
        }
        moment_norm(&m);
        if (m.days < 0 || m.days > DT_DAYS_MAX) goto range;
        ret->u.t.days = m.days;
        ret->u.t.ticks = m.ticks;
        return true;
    }
range:
    return out_of_range(a, from, to, err);
}

static bool put_days_float(arena_t *a, double f, const sim_typeinfo_t *to, sim_value_t *ret, sql_error_t *err)
{
    double whole = floor(f);
    if (whole < -53690 || whole > 2958463) return overflow(a, err, to);
    moment_t m = {(int32_t)whole + DT_DAYS_1900, (int64_t)((f - whole) * (double)DT_DAY_TICKS), 0};
    return put_moment(a, m, SIM_T_FLOAT, to, ret, err);
}

/* ---- strings ---- */

static bool string_to_number(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to,
                             sim_value_t *ret, sql_error_t *err)
{
    const char *s = v->u.s.ptr;
    size_t n = v->u.s.len;
    while (n > 0 && s[n - 1] == ' ') n--;
    while (n > 0 && *s == ' ') {
        s++;
        n--;
    }
    ret->is_null = false;
    dec_t d = 0;
    int scale = 0, prec;
    if (to->base == SIM_T_BIT && n == 4 && strncasecmp(s, "true", 4) == 0) {
        ret->u.i = 1;
        return true;
    }
    if (to->base == SIM_T_BIT && n == 5 && strncasecmp(s, "false", 5) == 0) {
        ret->u.i = 0;
        return true;
    }
    if (type_is_float(to->base)) {
        char text[400], *end;
        if (n == 0) {
            ret->u.f = 0;
            return true;
        }
        bool hex = n > 1 && (s[1] == 'x' || s[1] == 'X' || isalpha((unsigned char)s[0]));
        if (n < sizeof(text) && !hex) {
            memcpy(text, s, n);
            text[n] = '\0';
            double f = strtod(text, &end);
            if (*end == '\0' && isfinite(f)) return put_float(a, f, to, ret, err);
        }
        return sql_fail(a, err, 8114, 16, 5, "Error converting data type %s to %s.", type_name(from->base),
                        shown_type(to->base));
    }
    if (type_is_integer(to->base)) {
        if (n == 0) {
            ret->u.i = 0;
            return true;
        }
        if (memchr(s, '.', n) == NULL && memchr(s, 'e', n) == NULL && memchr(s, 'E', n) == NULL &&
            dec_parse(s, n, &d, &scale, &prec)) {
            if (to->base == SIM_T_INT && (d > INT32_MAX || d < INT32_MIN))
                return sql_fail(a, err, 248, 16, 1, "The conversion of the %s value '%.*s' overflowed an int column.",
                                type_name(from->base), (int)n, s);
            return put_integer(a, d, to, ret, err);
        }
        if (to->base == SIM_T_BIGINT)
            return sql_fail(a, err, 8114, 16, 5, "Error converting data type %s to bigint.", type_name(from->base));
        return sql_fail(a, err, 245, 16, 1, "Conversion failed when converting the %s value '%.*s' to data type %s.",
                        type_name(from->base), (int)v->u.s.len, v->u.s.ptr, type_name(to->base));
    }
    if (type_is_money(to->base)) {
        char text[64];
        size_t m = 0;
        for (size_t i = 0; i < n && m < sizeof(text); i++)
            if (s[i] != ',' && s[i] != '$') text[m++] = s[i];
        if (n == 0 || dec_parse(text, m, &d, &scale, &prec)) return put_exact(a, d, scale, to, ret, err);
        return sql_fail(a, err, 235, 16, 0,
                        "Cannot convert a char value to money. The char value has incorrect syntax.");
    }
    if (dec_parse(s, n, &d, &scale, &prec)) return put_exact(a, d, scale, to, ret, err);
    return sql_fail(a, err, 8114, 16, 5, "Error converting data type %s to %s.", type_name(from->base),
                    shown_type(to->base));
}

static bool string_to_guid(arena_t *a, const sim_value_t *v, sim_value_t *ret, sql_error_t *err)
{
    static const int8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    const char *s = v->u.s.ptr;
    size_t n = v->u.s.len, i = 0;
    if (n >= 38 && s[0] == '{') {
        s++;
        n--;
    }
    if (n >= 36) {
        for (size_t b = 0; b < 16; b++) {
            if (b == 4 || b == 6 || b == 8 || b == 10) {
                if (s[i++] != '-') goto bad;
            }
            unsigned x = 0;
            for (int k = 0; k < 2; k++, i++) {
                if (!isxdigit((unsigned char)s[i])) goto bad;
                x = x * 16 + (unsigned)(isdigit((unsigned char)s[i]) ? s[i] - '0' : (s[i] | 32) - 'a' + 10);
            }
            ret->u.guid[order[b]] = (uint8_t)x;
        }
        ret->is_null = false;
        return true;
    }
bad:
    return sql_fail(a, err, 8169, 16, 2,
                    "Conversion failed when converting from a character string to uniqueidentifier.");
}

static bool string_to_moment(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to,
                             sim_value_t *ret, sql_error_t *err)
{
    dt_parsed_t p;
    if (!dt_parse(v->u.s.ptr, v->u.s.len, &p)) {
        if (p.impossible && (to->base == SIM_T_DATETIME || to->base == SIM_T_SMALLDATETIME))
            return out_of_range(a, from->base, to, err);
        goto bad;
    }
    if (p.frac_digits > 3 && to->base == SIM_T_DATETIME) goto bad;
    moment_t m = {p.has_date ? p.days : DT_DAYS_1900, p.ticks, p.offset};
    if (p.has_offset && to->base == SIM_T_DATETIME) {
        m.ticks -= (int64_t)p.offset * 600000000; /* datetime takes the UTC instant, as SQL Server does for ISO text */
        moment_norm(&m);
    }
    return put_moment(a, m, from->base, to, ret, err);
bad:
    if (to->base == SIM_T_SMALLDATETIME)
        return sql_fail(a, err, 295, 16, 3,
                        "Conversion failed when converting character string to smalldatetime data type.");
    return sql_fail(a, err, 241, 16, 1, "Conversion failed when converting date and/or time from character string.");
}

static bool hex_text(const char *s, size_t n, bool prefix, buf_t *out)
{
    if (prefix) {
        if (n < 2 || s[0] != '0' || (s[1] | 32) != 'x') return false;
        s += 2;
        n -= 2;
    }
    if (n % 2 != 0) return false;
    for (size_t i = 0; i < n; i += 2) {
        if (!isxdigit((unsigned char)s[i]) || !isxdigit((unsigned char)s[i + 1])) return false;
        char pair[3] = {s[i], s[i + 1], 0};
        buf_addc(out, (char)strtoul(pair, NULL, 16));
    }
    return true;
}

static bool fit_binary(arena_t *a, const char *p, size_t n, const sim_typeinfo_t *to, unsigned flags, bool pad_left,
                       sim_value_t *ret, sql_error_t *err)
{
    size_t max = to->len == SIM_LEN_MAX || to->base == SIM_T_IMAGE ? SIZE_MAX : (size_t)to->len;
    if (n > max) {
        if (flags & CONVERT_IMPLICIT)
            return sql_fail(a, err, 8152, 16, 10, "String or binary data would be truncated.");
        if (pad_left) p += n - max;
        n = max;
    }
    if ((to->base == SIM_T_BINARY || to->base == SIM_T_TIMESTAMP) && n < max) {
        char *d = arena_alloc(a, max + 1);
        memcpy(pad_left ? d + (max - n) : d, p, n);
        *ret = value_bytes(d, max);
    } else {
        *ret = value_bytes(arena_memdup(a, p, n), n);
    }
    return true;
}

static bool to_binary(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to, int style,
                      unsigned flags, sim_value_t *ret, sql_error_t *err)
{
    buf_t b = {0};
    bool left = false, ok = true;
    if (type_is_binary(from->base)) {
        return fit_binary(a, v->u.s.ptr, v->u.s.len, to, flags, false, ret, err);
    } else if (type_is_char(from->base)) {
        if (style == 1 || style == 2)
            ok = hex_text(v->u.s.ptr, v->u.s.len, style == 1, &b);
        else
            text_encode(from, v, &b);
        if (!ok) sql_fail(a, err, 8114, 16, 5, "Error converting data type %s to varbinary.", type_name(from->base));
    } else if (from->base == SIM_T_UNIQUEIDENTIFIER) {
        buf_add(&b, v->u.guid, 16);
    } else if (type_is_integer(from->base) || type_is_money(from->base)) {
        int n = type_row(from->base)->size;
        for (int i = n - 1; i >= 0; i--) buf_addc(&b, (char)((uint64_t)v->u.i >> (8 * i)));
        left = true;
    } else if (type_is_float(from->base)) {
        uint64_t bits;
        float f = (float)v->u.f;
        uint32_t b32;
        memcpy(&bits, &v->u.f, 8);
        memcpy(&b32, &f, 4);
        int n = from->base == SIM_T_REAL ? 4 : 8;
        uint64_t x = n == 4 ? b32 : bits;
        for (int i = n - 1; i >= 0; i--) buf_addc(&b, (char)(x >> (8 * i)));
        left = true;
    } else if (type_is_decimal(from->base)) {
        buf_addc(&b, (char)from->prec);
        buf_addc(&b, (char)from->scale);
        buf_addc(&b, 0);
        buf_addc(&b, v->u.dec.neg ? 0 : 1);
        unsigned __int128 m = v->u.dec.mag;
        for (int i = 0; i < 4 || m != 0; i++, m >>= 8) buf_addc(&b, (char)(uint8_t)m);
    } else if (from->base == SIM_T_DATETIME) {
        for (int i = 3; i >= 0; i--) buf_addc(&b, (char)((uint32_t)v->u.t.days >> (8 * i)));
        for (int i = 3; i >= 0; i--) buf_addc(&b, (char)((uint32_t)v->u.t.ticks >> (8 * i)));
        left = true;
    } else {
        ok = sql_fail(a, err, 529, 16, 2, "Explicit conversion from data type %s to %s is not allowed.",
                      type_name(from->base), type_name(to->base));
    }
    if (ok) ok = fit_binary(a, buf_text(&b), b.len, to, flags, left, ret, err);
    buf_done(&b);
    return ok;
}

static bool fit_string(arena_t *a, const char *s, size_t n, const sim_typeinfo_t *from, const sim_typeinfo_t *to,
                       unsigned flags, sim_value_t *ret, sql_error_t *err)
{
    bool uni = type_is_unicode(to->base);
    if (!uni && !to->utf8 && to->base != SIM_T_XML) s = text_to_cp1252(a, s, &n);
    int64_t limit = type_is_lob(to) ? INT64_MAX : type_chars(to);
    size_t units = to->utf8 && !uni ? n : utf16_units(s, n);
    if ((int64_t)units > limit) {
        size_t cut = to->utf8 && !uni ? (size_t)limit : utf8_prefix(s, n, (size_t)limit);
        while (cut > 0 && ((uint8_t)s[cut] & 0xC0) == 0x80) cut--; /* no half characters */
        if (from != NULL && type_is_integer(from->base)) {
            *ret = value_str("*");
            return true;
        }
        if (from != NULL && from->base == SIM_T_UNIQUEIDENTIFIER)
            return sql_fail(a, err, 8170, 16, 2,
                            "Insufficient result space to convert uniqueidentifier value to char.");
        if (flags & CONVERT_IMPLICIT) {
            bool blanks = true; /* dropping trailing blanks is not a truncation */
            for (size_t i = cut; i < n; i++) blanks = blanks && s[i] == ' ';
            if (!blanks) return sql_fail(a, err, 8152, 16, 10, "String or binary data would be truncated.");
        }
        n = cut;
    }
    if ((to->base == SIM_T_CHAR || to->base == SIM_T_NCHAR) && (int64_t)units < limit) {
        size_t pad = (size_t)(limit - (int64_t)units);
        char *d = arena_alloc(a, n + pad + 1);
        memcpy(d, s, n);
        memset(d + n, ' ', pad);
        *ret = value_bytes(d, n + pad);
        return true;
    }
    *ret = value_bytes(s, n);
    return true;
}

static bool to_string(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to, int style,
                      unsigned flags, sim_value_t *ret, sql_error_t *err)
{
    if (type_is_char(from->base) || from->base == SIM_T_XML)
        return fit_string(a, v->u.s.ptr, v->u.s.len, NULL, to, flags, ret, err);
    buf_t b = {0};
    if (type_is_binary(from->base) && style != 1 && style != 2)
        text_decode(to, v->u.s.ptr, v->u.s.len, &b);
    else
        value_text(from, v, style, &b);
    const char *s = arena_memdup(a, buf_text(&b), b.len);
    size_t n = b.len;
    buf_done(&b);
    return fit_string(a, s, n, from, to, flags, ret, err);
}

static bool from_binary(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to,
                        sim_value_t *ret, sql_error_t *err)
{
    const unsigned char *p = (const unsigned char *)v->u.s.ptr;
    size_t n = v->u.s.len;
    ret->is_null = false;
    if (type_is_integer(to->base) || type_is_money(to->base)) {
        size_t w = type_row(to->base)->size;
        uint64_t x = 0;
        for (size_t i = n > w ? n - w : 0; i < n; i++) x = x << 8 | p[i];
        ret->u.i = w == 4 ? (int32_t)x : w == 2 ? (int16_t)x : to->base == SIM_T_BIT ? x != 0 : (int64_t)x;
        return true;
    }
    if (to->base == SIM_T_UNIQUEIDENTIFIER) {
        memset(ret->u.guid, 0, 16);
        memcpy(ret->u.guid, p, n < 16 ? n : 16);
        return true;
    }
    if (to->base == SIM_T_DATETIME) {
        uint64_t x = 0;
        for (size_t i = n > 8 ? n - 8 : 0; i < n; i++) x = x << 8 | p[i];
        ret->u.t.days = (int32_t)(x >> 32);
        ret->u.t.ticks = (int64_t)(x & 0xFFFFFFFF);
        return true;
    }
    return sql_fail(a, err, 529, 16, 2, "Explicit conversion from data type %s to %s is not allowed.",
                    type_name(from->base), type_name(to->base));
}

bool value_same_storage(const sim_typeinfo_t *from, const sim_typeinfo_t *to)
{
    if (from->base == SIM_T_NULL) return true;
    if (type_is_integer(from->base) && type_is_integer(to->base)) {
        static const uint8_t rank[] = {
            [SIM_T_BIT] = 0, [SIM_T_TINYINT] = 1, [SIM_T_SMALLINT] = 2, [SIM_T_INT] = 3, [SIM_T_BIGINT] = 4};
        return from->base == to->base || (to->base != SIM_T_BIT && rank[from->base] <= rank[to->base]);
    }
    if (type_is_decimal(from->base) && type_is_decimal(to->base))
        return from->scale == to->scale && from->prec <= to->prec;
    if (type_is_money(from->base) && to->base == SIM_T_MONEY) return true;
    if (from->base == SIM_T_REAL && to->base == SIM_T_FLOAT) return true;
    if ((from->base == SIM_T_VARCHAR || from->base == SIM_T_NVARCHAR || from->base == SIM_T_CHAR ||
         from->base == SIM_T_NCHAR) &&
        (to->base == SIM_T_NVARCHAR || (to->base == SIM_T_VARCHAR && !type_is_unicode(from->base))) &&
        (!from->utf8 || to->utf8 || to->base == SIM_T_NVARCHAR)) {
        int cf = type_chars(from), ct = type_chars(to);
        return ct < 0 || (cf >= 0 && cf <= ct);
    }
    if (type_is_binary(from->base) && (to->base == SIM_T_VARBINARY))
        return to->len == SIM_LEN_MAX || (from->len != SIM_LEN_MAX && from->len <= to->len);
    if (from->base != to->base) return false;
    return from->scale <= to->scale && from->prec == to->prec && from->len == to->len && from->utf8 == to->utf8;
}

bool value_convert(arena_t *a, const sim_typeinfo_t *from, const sim_value_t *v, const sim_typeinfo_t *to, int style,
                   unsigned flags, sim_value_t *ret_v, sql_error_t *err)
{
    if (v->is_null || value_same_storage(from, to)) {
        *ret_v = *v;
        return true;
    }
    sim_base_t f = from->base, t = to->base;
    ret_v->is_null = false;
    if (f == SIM_T_VARIANT && t != SIM_T_VARIANT)
        return value_convert(a, v->u.v.type, v->u.v.value, to, style, flags, ret_v, err);
    if (t == SIM_T_VARIANT) {
        if (f == SIM_T_VARIANT) {
            *ret_v = *v;
            return true;
        }
        if (type_is_lob(from))
            return sql_fail(a, err, 206, 16, 2, "Operand type clash: %s is incompatible with sql_variant",
                            type_name(f));
        ret_v->u.v.type = arena_memdup(a, from, sizeof(*from));
        ret_v->u.v.value = arena_memdup(a, v, sizeof(*v));
        return true;
    }
    if (type_is_char(t) || t == SIM_T_XML) return to_string(a, from, v, to, style, flags, ret_v, err);
    if (type_is_binary(t)) return to_binary(a, from, v, to, style, flags, ret_v, err);
    if (type_is_binary(f)) return from_binary(a, from, v, to, ret_v, err);
    if (type_is_char(f)) {
        if (type_is_number(t)) return string_to_number(a, from, v, to, ret_v, err);
        if (type_is_datetime(t)) return string_to_moment(a, from, v, to, ret_v, err);
        if (t == SIM_T_UNIQUEIDENTIFIER) return string_to_guid(a, v, ret_v, err);
    }
    if (type_is_number(f) && type_is_number(t)) {
        if (type_is_float(f)) return put_float(a, v->u.f, to, ret_v, err);
        if (type_is_decimal(f)) return put_exact(a, value_dec(v), from->scale, to, ret_v, err);
        if (type_is_money(f) && type_is_integer(t) && t != SIM_T_BIT) { /* money rounds where decimal truncates */
            dec_t r;
            dec_rescale(v->u.i, 4, 0, &r);
            return put_exact(a, r, 0, to, ret_v, err);
        }
        return put_exact(a, v->u.i, type_is_money(f) ? 4 : 0, to, ret_v, err);
    }
    if (type_is_datetime(f) && type_is_datetime(t)) {
        if ((f == SIM_T_DATE && t == SIM_T_TIME) || (f == SIM_T_TIME && t == SIM_T_DATE)) goto refused;
        return put_moment(a, moment_of(from, v), from->base, to, ret_v, err);
    }
    if (type_is_number(f) && (t == SIM_T_DATETIME || t == SIM_T_SMALLDATETIME)) {
        sim_typeinfo_t ft = type_simple(SIM_T_FLOAT);
        sim_value_t fv;
        return value_convert(a, from, v, &ft, 0, 0, &fv, err) && put_days_float(a, fv.u.f, to, ret_v, err);
    }
    if ((f == SIM_T_DATETIME || f == SIM_T_SMALLDATETIME) && type_is_number(t)) {
        moment_t m = moment_of(from, v);
        return put_float(a, m.days - DT_DAYS_1900 + (double)m.ticks / (double)DT_DAY_TICKS, to, ret_v, err);
    }
refused:
    if (flags & CONVERT_IMPLICIT)
        return sql_fail(a, err, 206, 16, 2, "Operand type clash: %s is incompatible with %s", type_name(f),
                        type_name(t));
    return sql_fail(a, err, 529, 16, 2, "Explicit conversion from data type %s to %s is not allowed.", type_name(f),
                    type_name(t));
}
