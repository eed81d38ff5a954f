/* value_text.c: CONVERT styles, comparison and code pages. */
#include "sql/value_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "util/datetime.h"

static const uint16_t c1[32] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

const char *text_to_cp1252(arena_t *a, const char *s, size_t *len)
{
    size_t n = *len, i = 0;
    while (i < n && (unsigned char)s[i] < 0x80) i++;
    if (i == n) return s;
    char *d = arena_alloc(a, n + 1);
    size_t m = 0;
    for (size_t pos = 0; pos < n;) {
        size_t start = pos;
        uint32_t cp = utf8_next(s, n, &pos);
        if (cp1252_has(cp)) {
            memcpy(d + m, s + start, pos - start);
            m += pos - start;
        } else {
            d[m++] = '?';
            if (cp > 0xFFFF) d[m++] = '?';
        }
    }
    *len = m;
    return d;
}

void text_encode(const sim_typeinfo_t *t, const sim_value_t *v, buf_t *out)
{
    if (t->utf8 && !type_is_unicode(t->base)) {
        buf_add(out, v->u.s.ptr, v->u.s.len);
        return;
    }
    for (size_t pos = 0; pos < v->u.s.len;) {
        uint32_t cp = utf8_next(v->u.s.ptr, v->u.s.len, &pos);
        if (type_is_unicode(t->base)) {
            if (cp > 0xFFFF) {
                uint32_t hi = 0xD800 + ((cp - 0x10000) >> 10);
                buf_addc(out, (char)hi);
                buf_addc(out, (char)(hi >> 8));
                cp = 0xDC00 + ((cp - 0x10000) & 0x3FF);
            }
            buf_addc(out, (char)cp);
            buf_addc(out, (char)(cp >> 8));
        } else if (cp < 0x80 || (cp >= 0xA0 && cp <= 0xFF)) {
            buf_addc(out, (char)cp);
        } else {
            int found = '?';
            for (int i = 0; i < 32; i++)
                if (c1[i] == cp) found = 0x80 + i;
            buf_addc(out, (char)found);
        }
    }
}

void text_decode(const sim_typeinfo_t *t, const char *p, size_t n, buf_t *out)
{
    const unsigned char *u = (const unsigned char *)p;
    char tmp[4];
    if (type_is_unicode(t->base)) {
        for (size_t i = 0; i + 1 < n; i += 2) {
            uint32_t cp = u[i] | (uint32_t)u[i + 1] << 8;
            if (cp >= 0xD800 && cp < 0xDC00 && i + 3 < n) {
                cp = 0x10000 + ((cp - 0xD800) << 10) + ((u[i + 2] | (uint32_t)u[i + 3] << 8) - 0xDC00);
                i += 2;
            }
            buf_add(out, tmp, utf8_put(cp, tmp));
        }
        return;
    }
    if (t->utf8) {
        buf_add(out, p, n);
        return;
    }
    for (size_t i = 0; i < n; i++)
        buf_add(out, tmp, utf8_put(u[i] >= 0x80 && u[i] < 0xA0 ? c1[u[i] - 0x80] : u[i], tmp));
}

void text_guid(const uint8_t g[16], buf_t *out)
{
    buf_printf(out, "%02X%02X%02X%02X-%02X%02X-%02X%02X-%02X%02X-%02X%02X%02X%02X%02X%02X", g[3], g[2], g[1], g[0],
               g[5], g[4], g[7], g[6], g[8], g[9], g[10], g[11], g[12], g[13], g[14], g[15]);
}

static void text_float(double f, bool real, int style, buf_t *out)
{
    char t[64];
    if (style == 3)
        snprintf(t, sizeof(t), "%.17g", f);
    else if (style == 1)
        snprintf(t, sizeof(t), "%.7e", f);
    else if (style == 2)
        snprintf(t, sizeof(t), "%.15e", f);
    else
        snprintf(t, sizeof(t), "%.6g", f);
    (void)real;
    char *e = strchr(t, 'e');
    if (e == NULL) {
        buf_adds(out, t);
        return;
    }
    int exp = 0;
    sscanf(e + 1, "%d", &exp);
    *e = '\0';
    buf_printf(out, "%se%c%03d", t, exp < 0 ? '-' : '+', exp < 0 ? -exp : exp);
}

static void text_time12(const dt_parts_t *p, buf_t *out, bool seconds, int ms)
{
    int h = p->hour % 12 == 0 ? 12 : p->hour % 12;
    buf_printf(out, "%2d:%02d", h, p->minute);
    if (seconds) buf_printf(out, ":%02d:%03d", p->second, ms);
    buf_adds(out, p->hour < 12 ? "AM" : "PM");
}

static void text_moment(const sim_typeinfo_t *t, const sim_value_t *v, int style, buf_t *out)
{
    static const char *const mon[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    int32_t days = v->u.t.days;
    int64_t ticks = v->u.t.ticks;
    int scale = type_scale(t), offset = v->u.t.offset;
    bool old = t->base == SIM_T_DATETIME || t->base == SIM_T_SMALLDATETIME;
    if (old) {
        days += DT_DAYS_1900;
        ticks = t->base == SIM_T_DATETIME ? (ticks * 10 + 1) / 3 * 10000 : ticks * 600000000;
        scale = t->base == SIM_T_DATETIME ? 3 : 0;
    }
    if (t->base == SIM_T_DATETIMEOFFSET) {
        ticks += (int64_t)offset * 600000000;
        days += (int32_t)(ticks < 0 ? -1 : ticks / DT_DAY_TICKS);
        ticks = (ticks + DT_DAY_TICKS) % DT_DAY_TICKS;
    }
    bool has_date = t->base != SIM_T_TIME, has_time = t->base != SIM_T_DATE;
    dt_parts_t p;
    dt_split(days, ticks, &p);
    char tmp[48];
    int ms = (int)(p.fraction / 10000);
    switch (style) {
    case 101:
        buf_printf(out, "%02d/%02d/%04d", p.month, p.day, p.year);
        return;
    case 102:
        buf_printf(out, "%04d.%02d.%02d", p.year, p.month, p.day);
        return;
    case 103:
        buf_printf(out, "%02d/%02d/%04d", p.day, p.month, p.year);
        return;
    case 104:
        buf_printf(out, "%02d.%02d.%04d", p.day, p.month, p.year);
        return;
    case 105:
        buf_printf(out, "%02d-%02d-%04d", p.day, p.month, p.year);
        return;
    case 108:
        buf_printf(out, "%02d:%02d:%02d", p.hour, p.minute, p.second);
        return;
    case 110:
        buf_printf(out, "%02d-%02d-%04d", p.month, p.day, p.year);
        return;
    case 111:
        buf_printf(out, "%04d/%02d/%02d", p.year, p.month, p.day);
        return;
    case 112:
        buf_printf(out, "%04d%02d%02d", p.year, p.month, p.day);
        return;
    case 114:
        buf_printf(out, "%02d:%02d:%02d:%03d", p.hour, p.minute, p.second, ms);
        return;
    case 23:
        buf_printf(out, "%04d-%02d-%02d", p.year, p.month, p.day);
        return;
    case 120:
    case 20:
        scale = 0;
        break;
    case 121:
    case 21:
    case 25:
    case 126:
    case 127:
        break;
    case 9:
    case 109:
        buf_printf(out, "%s %2d %04d ", mon[p.month - 1], p.day, p.year);
        text_time12(&p, out, true, ms);
        return;
    default:
        if (old || style == 100) {
            buf_printf(out, "%s %2d %04d ", mon[p.month - 1], p.day, p.year);
            text_time12(&p, out, false, 0);
            return;
        }
        break;
    }
    if (has_date) {
        dt_format_date(days, tmp);
        buf_adds(out, tmp);
    }
    if (!has_time) return;
    if (has_date) buf_addc(out, style == 126 || style == 127 ? 'T' : ' ');
    if (style == 126 && old && p.fraction == 0) scale = 0;
    dt_format_time(ticks, scale, tmp);
    buf_adds(out, tmp);
    if (t->base == SIM_T_DATETIMEOFFSET && style != 120 && style != 20) {
        if (style != 126 && style != 127) buf_addc(out, ' ');
        dt_format_offset(offset, tmp);
        buf_adds(out, tmp);
    }
}

void value_text(const sim_typeinfo_t *t, const sim_value_t *v, int style, buf_t *out)
{
    char tmp[64];
    if (v->is_null) return;
    switch (t->base) {
    case SIM_T_DECIMAL:
    case SIM_T_NUMERIC:
        dec_format(value_dec(v), t->scale, tmp);
        buf_adds(out, tmp);
        return;
    case SIM_T_MONEY:
    case SIM_T_SMALLMONEY: {
        dec_t d = v->u.i;
        int scale = style == 2 || style == 126 ? 4 : 2;
        if (scale == 2) dec_rescale(d, 4, 2, &d);
        dec_format(d, scale, tmp);
        buf_adds(out, tmp);
        return;
    }
    case SIM_T_REAL:
    case SIM_T_FLOAT:
        text_float(v->u.f, t->base == SIM_T_REAL, style, out);
        return;
    case SIM_T_DATE:
    case SIM_T_TIME:
    case SIM_T_DATETIME:
    case SIM_T_SMALLDATETIME:
    case SIM_T_DATETIME2:
    case SIM_T_DATETIMEOFFSET:
        text_moment(t, v, style, out);
        return;
    case SIM_T_UNIQUEIDENTIFIER:
        text_guid(v->u.guid, out);
        return;
    case SIM_T_BINARY:
    case SIM_T_VARBINARY:
    case SIM_T_IMAGE:
    case SIM_T_TIMESTAMP:
        if (style != 2) buf_adds(out, "0x");
        for (size_t i = 0; i < v->u.s.len; i++) buf_printf(out, "%02X", (unsigned char)v->u.s.ptr[i]);
        return;
    case SIM_T_VARIANT:
        value_text(v->u.v.type, v->u.v.value, style, out);
        return;
    case SIM_T_BIT:
    case SIM_T_TINYINT:
    case SIM_T_SMALLINT:
    case SIM_T_INT:
    case SIM_T_BIGINT:
        buf_printf(out, "%lld", (long long)v->u.i);
        return;
    default:
        buf_add(out, v->u.s.ptr, v->u.s.len);
        return;
    }
}

int text_cmp_ci(const char *a, size_t na, const char *b, size_t nb)
{
    while (na > 0 && a[na - 1] == ' ') na--;
    while (nb > 0 && b[nb - 1] == ' ') nb--;
    size_t i = 0, j = 0;
    while (i < na && j < nb) {
        uint32_t x, y;
        if (((unsigned char)a[i] | (unsigned char)b[j]) < 0x80) {
            x = fold_char((unsigned char)a[i++]);
            y = fold_char((unsigned char)b[j++]);
        } else {
            x = fold_char(utf8_next(a, na, &i));
            y = fold_char(utf8_next(b, nb, &j));
        }
        if (x != y) {
            bool ax = (x >= 'a' && x <= 'z') || x >= 0xC0, ay = (y >= 'a' && y <= 'z') || y >= 0xC0;
            bool dx = x >= '0' && x <= '9', dy = y >= '0' && y <= '9';
            int cx = ax ? 2 : dx ? 1 : 0, cy = ay ? 2 : dy ? 1 : 0; /* punctuation, digits, letters */
            if (cx != cy) return cx < cy ? -1 : 1;
            return x < y ? -1 : 1;
        }
    }
    return i < na ? 1 : j < nb ? -1 : 0;
}

static int sign64(int64_t x)
{
    return x < 0 ? -1 : x > 0;
}

int value_cmp(const sim_typeinfo_t *t, const sim_value_t *a, const sim_value_t *b)
{
    if (type_is_char(t->base) || t->base == SIM_T_XML)
        return text_cmp_ci(a->u.s.ptr, a->u.s.len, b->u.s.ptr, b->u.s.len);
    if (type_is_binary(t->base)) {
        size_t n = a->u.s.len < b->u.s.len ? a->u.s.len : b->u.s.len;
        int c = memcmp(a->u.s.ptr, b->u.s.ptr, n);
        return c != 0 ? c : a->u.s.len < b->u.s.len ? -1 : a->u.s.len > b->u.s.len;
    }
    if (type_is_decimal(t->base)) {
        dec_t x = value_dec(a), y = value_dec(b);
        return x < y ? -1 : x > y;
    }
    if (type_is_float(t->base)) return a->u.f < b->u.f ? -1 : a->u.f > b->u.f;
    if (type_is_datetime(t->base))
        return a->u.t.days != b->u.t.days ? sign64((int64_t)a->u.t.days - b->u.t.days)
                                          : sign64(a->u.t.ticks - b->u.t.ticks);
    if (t->base == SIM_T_UNIQUEIDENTIFIER) return memcmp(a->u.guid, b->u.guid, 16);
    if (t->base == SIM_T_VARIANT) {
        if (a->u.v.type->base != b->u.v.type->base) return a->u.v.type->base < b->u.v.type->base ? -1 : 1;
        return value_cmp(a->u.v.type, a->u.v.value, b->u.v.value);
    }
    return a->u.i < b->u.i ? -1 : a->u.i > b->u.i;
}
