/* datetime.c: day arithmetic by 400-year eras, one tolerant text parser for every date and time type. */
#include "util/datetime.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

int32_t dt_days(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = (y >= 0 ? y : y - 399) / 400;
    int yoe = y - era * 400;
    int doy = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 306;
}

void dt_civil(int32_t days, int *ret_year, int *ret_month, int *ret_day)
{
    int32_t z = days + 306;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    *ret_day = doy - (153 * mp + 2) / 5 + 1;
    *ret_month = mp < 10 ? mp + 3 : mp - 9;
    *ret_year = yoe + era * 400 + (*ret_month <= 2 ? 1 : 0);
}

int dt_month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

void dt_split(int32_t days, int64_t ticks, dt_parts_t *ret_parts)
{
    dt_civil(days, &ret_parts->year, &ret_parts->month, &ret_parts->day);
    int64_t sec = ticks / 10000000;
    ret_parts->fraction = ticks % 10000000;
    ret_parts->hour = (int)(sec / 3600);
    ret_parts->minute = (int)(sec / 60 % 60);
    ret_parts->second = (int)(sec % 60);
}

typedef struct scan {
    const char *s;
    size_t len, pos;
} scan_t;

static int peek(const scan_t *sc)
{
    return sc->pos < sc->len ? (unsigned char)sc->s[sc->pos] : 0;
}

static void blanks(scan_t *sc)
{
    while (peek(sc) == ' ' || peek(sc) == '\t') sc->pos++;
}

static int number(scan_t *sc, int *ret_digits)
{
    int v = 0, n = 0;
    while (isdigit(peek(sc)) && n < 9) {
        v = v * 10 + (sc->s[sc->pos++] - '0');
        n++;
    }
    *ret_digits = n;
    return v;
}

static int month_name(scan_t *sc)
{
    static const char *const names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                        "jul", "aug", "sep", "oct", "nov", "dec"};
    if (sc->len - sc->pos < 3) return 0;
    for (int i = 0; i < 12; i++) {
        if (strncasecmp(sc->s + sc->pos, names[i], 3) != 0) continue;
        while (isalpha(peek(sc))) sc->pos++;
        return i + 1;
    }
    return 0;
}

static bool set_date(dt_parsed_t *p, int y, int m, int d)
{
    p->impossible = y < 1 || y > 9999 || m < 1 || m > 12 || d < 1 || d > dt_month_days(y, m);
    if (p->impossible) return false;
    p->has_date = true;
    p->days = dt_days(y, m, d);
    return true;
}

static int full_year(int y, int digits)
{
    return digits <= 2 ? (y < 50 ? 2000 + y : 1900 + y) : y;
}

static bool parse_time(scan_t *sc, int hour, dt_parsed_t *p)
{
    int n, minute = 0, second = 0;
    int64_t frac = 0;
    if (peek(sc) == ':') {
        sc->pos++;
        minute = number(sc, &n);
        if (n == 0) return false;
        if (peek(sc) == ':') {
            sc->pos++;
            second = number(sc, &n);
            if (n == 0) return false;
            if (peek(sc) == '.' || peek(sc) == ':' || peek(sc) == ',') {
                sc->pos++;
                int digits = 0;
                for (; isdigit(peek(sc)); sc->pos++, digits++) {
                    if (digits < 7)
                        frac = frac * 10 + (peek(sc) - '0');
                    else if (digits == 7 && peek(sc) >= '5')
                        frac++;
                }
                if (digits == 0) return false;
                for (int i = digits; i < 7; i++) frac *= 10;
                p->frac_digits = digits > 7 ? 7 : digits;
            }
        }
    }
    blanks(sc);
    if (sc->len - sc->pos >= 2 && tolower((unsigned char)sc->s[sc->pos + 1]) == 'm') {
        int c = tolower(peek(sc));
        if (c == 'a' || c == 'p') {
            if (hour < 1 || hour > 12) return false;
            hour = hour % 12 + (c == 'p' ? 12 : 0);
            sc->pos += 2;
        }
    }
    p->impossible = hour > 23 || minute > 59 || second > 59;
    if (p->impossible) return false;
    p->has_time = true;
    p->ticks = ((int64_t)hour * 3600 + minute * 60 + second) * 10000000 + frac;
    return true;
}

static bool parse_offset(scan_t *sc, dt_parsed_t *p)
{
    blanks(sc);
    int c = peek(sc);
    if (c == 'Z' || c == 'z') {
        sc->pos++;
        p->has_offset = true;
        return true;
    }
    if (c != '+' && c != '-') return true;
    sc->pos++;
    int n, h = number(sc, &n), m = 0;
    if (n == 0 || peek(sc) != ':') return false;
    sc->pos++;
    m = number(sc, &n);
    if (n == 0 || h > 14 || m > 59) return false;
    p->has_offset = true;
    p->offset = (h * 60 + m) * (c == '-' ? -1 : 1);
    return p->offset >= -840 && p->offset <= 840;
}

static bool parse_date(scan_t *sc, dt_parsed_t *p, int first, int digits)
{
    int n2, n3, sep = peek(sc);
    if (digits == 8) return set_date(p, first / 10000, first / 100 % 100, first % 100);
    if (digits == 6 && sep != '-' && sep != '/' && sep != '.')
        return set_date(p, full_year(first / 10000, 2), first / 100 % 100, first % 100);
    if (sep != '-' && sep != '/' && sep != '.') {
        blanks(sc);
        int m = month_name(sc); /* 15 Mar 2024 */
        blanks(sc);
        if (m == 0) return false;
        int y = number(sc, &n3);
        return n3 != 0 && set_date(p, full_year(y, n3), m, first);
    }
    sc->pos++;
    int second = number(sc, &n2);
    if (n2 == 0 || peek(sc) != sep) return false;
    sc->pos++;
    int third = number(sc, &n3);
    if (n3 == 0) return false;
    if (digits == 4) return set_date(p, first, second, third);
    return set_date(p, full_year(third, n3), first, second);
}

bool dt_parse(const char *s, size_t len, dt_parsed_t *ret_parsed)
{
    scan_t sc = {s, len, 0};
    dt_parsed_t *p = ret_parsed;
    memset(p, 0, sizeof(*p));
    blanks(&sc);
    while (sc.len > sc.pos && (s[sc.len - 1] == ' ' || s[sc.len - 1] == '\0')) sc.len--;
    if (sc.pos == sc.len) return true; /* an empty string is 1900-01-01 00:00 in SQL Server: neither part given */
    int digits;
    if (isalpha(peek(&sc))) {
        int m = month_name(&sc);
        blanks(&sc);
        int d = number(&sc, &digits);
        if (m == 0 || digits == 0) return false;
        if (peek(&sc) == ',') sc.pos++;
        blanks(&sc);
        int y = number(&sc, &digits);
        if (digits == 0 || !set_date(p, full_year(y, digits), m, d)) return false;
    } else {
        int first = number(&sc, &digits);
        if (digits == 0) return false;
        if (peek(&sc) == ':' || (sc.pos == sc.len - 2 && tolower((unsigned char)s[sc.len - 1]) == 'm')) {
            if (!parse_time(&sc, first, p)) return false;
        } else if (digits == 4 && sc.pos == sc.len) {
            return set_date(p, first, 1, 1);
        } else if (!parse_date(&sc, p, first, digits)) {
            return false;
        }
    }
    if (p->has_date && sc.pos < sc.len) {
        if (peek(&sc) == 'T' || peek(&sc) == 't') sc.pos++;
        blanks(&sc);
        if (isdigit(peek(&sc))) {
            int h = number(&sc, &digits);
            if (!parse_time(&sc, h, p)) return false;
        }
    }
    if (!parse_offset(&sc, p)) return false;
    blanks(&sc);
    return sc.pos == sc.len;
}

size_t dt_format_date(int32_t days, char *out)
{
    int y, m, d;
    dt_civil(days, &y, &m, &d);
    return (size_t)snprintf(out, 32, "%04d-%02d-%02d", y, m, d);
}

size_t dt_format_time(int64_t ticks, int scale, char *out)
{
    int64_t sec = ticks / 10000000, frac = ticks % 10000000;
    size_t n = (size_t)snprintf(out, 32, "%02d:%02d:%02d", (int)(sec / 3600), (int)(sec / 60 % 60), (int)(sec % 60));
    if (scale > 0) {
        char digits[16];
        snprintf(digits, sizeof(digits), "%07d", (int)frac);
        out[n++] = '.';
        memcpy(out + n, digits, (size_t)scale);
        n += (size_t)scale;
        out[n] = '\0';
    }
    return n;
}

size_t dt_format_offset(int offset, char *out)
{
    int a = offset < 0 ? -offset : offset;
    return (size_t)snprintf(out, 16, "%c%02d:%02d", offset < 0 ? '-' : '+', a / 60 % 100, a % 60);
}

int64_t dt_round(int64_t ticks, int scale)
{
    int64_t unit = 1;
    for (int i = scale; i < 7; i++) unit *= 10;
    return (ticks + unit / 2) / unit * unit;
}
