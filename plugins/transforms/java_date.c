#include "plugins/transforms/java_date.h"

#include <strings.h>

#define DAY_MS  INT64_C(86400000)
#define LETTERS "GyYMLdDEuaHkKhmsSzZX"

static const char *const months[] = {"January", "February", "March",     "April",   "May",      "June",
                                     "July",    "August",   "September", "October", "November", "December"};
static const char *const days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};

typedef struct fields {
    int64_t year;
    int month, day, hour, minute, second, weekday, year_day;
} fields_t;

/** Days since the epoch of a date whose month and day may lie outside their ranges. */
static int64_t days_of(int64_t year, int64_t month, int64_t day)
{
    int64_t m0 = year * 12 + month - 1;
    int64_t y = m0 >= 0 ? m0 / 12 : -((11 - m0) / 12), m = m0 - y * 12 + 1;
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468 + day - 1;
}

static fields_t split(int64_t ms)
{
    int64_t day = ms >= 0 ? ms / DAY_MS : -((DAY_MS - 1 - ms) / DAY_MS), rest = ms - day * DAY_MS;
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097, doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365, doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    fields_t f = {.day = (int)(doy - (153 * mp + 2) / 5 + 1), .month = (int)(mp < 10 ? mp + 3 : mp - 9)};
    f.year = yoe + era * 400 + (f.month <= 2);
    f.hour = (int)(rest / 3600000);
    f.minute = (int)(rest / 60000 % 60);
    f.second = (int)(rest / 1000 % 60);
    f.weekday = (int)(((day + 4) % 7 + 7) % 7);
    f.year_day = (int)(day - days_of(f.year, 1, 1) + 1);
    return f;
}

/** The next piece of a pattern: a run of one letter, or literal text (letter '\0'). @return false at the end */
static bool next_piece(const char **p, char *ret_letter, size_t *ret_n, strbuf_t *literal)
{
    const char *s = *p;
    strbuf_clear(literal);
    if (*s == '\0') return false;
    if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z')) {
        *ret_letter = *s;
        for (*ret_n = 0; *s == *ret_letter; s++) (*ret_n)++;
        *p = s;
        return true;
    }
    *ret_letter = '\0';
    bool quoted = false;
    for (; *s != '\0'; s++) {
        bool letter = (*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z');
        if (*s == '\'' && s[1] == '\'') {
            strbuf_addc(literal, *s++);
        } else if (*s == '\'') {
            quoted = !quoted;
        } else if (letter && !quoted) {
            break;
        } else {
            strbuf_addc(literal, *s);
        }
    }
    *p = s;
    return true;
}

cd_err_t *java_date_check(const char *pattern)
{
    strbuf_t literal = {0};
    char letter = '\0';
    size_t n = 0;
    cd_err_t *err = NULL;
    uint32_t quotes = 0;
    for (const char *p = pattern; *p != '\0'; p++) quotes += *p == '\'';
    if (quotes % 2 != 0)
        err = cd_err_new(
            CD_ERR_CONFIG, CD_JVM_CONFIG,
            "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: %s (a quote "
            "is not closed)",
            pattern);
    for (const char *p = pattern; err == NULL && next_piece(&p, &letter, &n, &literal);) {
        if (letter != '\0' && strchr(LETTERS, letter) == NULL)
            err = cd_err_new(
                CD_ERR_CONFIG, CD_JVM_CONFIG,
                "TimestampConverter requires a SimpleDateFormat-compatible pattern for string timestamps: %s "
                "(the letter '%c' is not supported)",
                pattern, letter);
    }
    strbuf_done(&literal);
    return err;
}

static void put_number(int64_t v, size_t width, strbuf_t *out)
{
    strbuf_addf(out, "%0*lld", (int)(width > 20 ? 20 : width), (long long)v);
}

static void put_letter(char letter, size_t n, const fields_t *f, int64_t ms, strbuf_t *out)
{
    switch (letter) {
    case 'G':
        strbuf_adds(out, f->year > 0 ? "AD" : "BC");
        break;
    case 'y':
    case 'Y':
        put_number(n == 2 ? f->year % 100 : f->year, n, out);
        break;
    case 'M':
    case 'L':
        if (n >= 4)
            strbuf_adds(out, months[f->month - 1]);
        else if (n == 3)
            strbuf_add(out, months[f->month - 1], 3);
        else
            put_number(f->month, n, out);
        break;
    case 'd':
        put_number(f->day, n, out);
        break;
    case 'D':
        put_number(f->year_day, n, out);
        break;
    case 'E':
        if (n >= 4)
            strbuf_adds(out, days[f->weekday]);
        else
            strbuf_add(out, days[f->weekday], 3);
        break;
    case 'u':
        put_number(f->weekday == 0 ? 7 : f->weekday, n, out);
        break;
    case 'a':
        strbuf_adds(out, f->hour < 12 ? "AM" : "PM");
        break;
    case 'H':
        put_number(f->hour, n, out);
        break;
    case 'k':
        put_number(f->hour == 0 ? 24 : f->hour, n, out);
        break;
    case 'K':
        put_number(f->hour % 12, n, out);
        break;
    case 'h':
        put_number(f->hour % 12 == 0 ? 12 : f->hour % 12, n, out);
        break;
    case 'm':
        put_number(f->minute, n, out);
        break;
    case 's':
        put_number(f->second, n, out);
        break;
    case 'S':
        put_number(((ms % 1000) + 1000) % 1000, n, out);
        break;
    case 'Z':
        strbuf_adds(out, "+0000");
        break;
    case 'X':
        strbuf_adds(out, "Z");
        break;
    default:
        strbuf_adds(out, n >= 4 ? "Coordinated Universal Time" : "UTC");
    }
}

void java_date_format(const char *pattern, int64_t ms, strbuf_t *out)
{
    fields_t f = split(ms);
    strbuf_t literal = {0};
    char letter = '\0';
    size_t n = 0;
    for (const char *p = pattern; next_piece(&p, &letter, &n, &literal);) {
        if (letter == '\0')
            strbuf_add(out, strbuf_str(&literal), literal.len);
        else
            put_letter(letter, n, &f, ms, out);
    }
    strbuf_done(&literal);
}

/* ---- parsing ----------------------------------------------------------------------------------------------------- */

typedef struct parsed {
    const char *p, *end;
    int64_t year, month, day, year_day, hour, minute, second, milli, offset_ms;
    bool has_year_day, twelve, pm, bc;
} parsed_t;

/** @param width  digits to take at most, when the next piece is a number too; 0: as many as there are */
static bool get_number(parsed_t *r, size_t width, int64_t *ret_v)
{
    const char *start = r->p;
    int64_t v = 0;
    bool negative = r->p < r->end && *r->p == '-';
    if (negative) start = ++r->p;
    while (r->p < r->end && *r->p >= '0' && *r->p <= '9' && r->p - start < 12 &&
           (width == 0 || (size_t)(r->p - start) < width))
        v = v * 10 + (*r->p++ - '0');
    *ret_v = negative ? -v : v;
    return r->p > start;
}

static bool get_name(parsed_t *r, const char *const *names, int n, int *ret_index)
{
    for (int i = 0; i < n; i++) {
        size_t len = strlen(names[i]), left = (size_t)(r->end - r->p);
        if (left >= len && strncasecmp(r->p, names[i], len) == 0) {
            r->p += len;
        } else if (left >= 3 && strncasecmp(r->p, names[i], 3) == 0) {
            r->p += 3;
        } else {
            continue;
        }
        *ret_index = i;
        return true;
    }
    return false;
}

/** +hhmm, +hh:mm, +hh, Z, UTC, GMT */
static bool get_zone(parsed_t *r)
{
    size_t left = (size_t)(r->end - r->p);
    if (left >= 3 && (strncasecmp(r->p, "UTC", 3) == 0 || strncasecmp(r->p, "GMT", 3) == 0)) {
        r->p += 3;
        left -= 3;
        if (left == 0 || (*r->p != '+' && *r->p != '-')) return true;
    }
    if (left >= 1 && *r->p == 'Z') {
        r->p++;
        return true;
    }
    if (left < 3 || (*r->p != '+' && *r->p != '-')) return false;
    int64_t sign = *r->p++ == '-' ? -1 : 1, hours = 0, minutes = 0;
    if (!get_number(r, 2, &hours)) return false;
    if (r->p < r->end && *r->p == ':') r->p++;
    const char *before = r->p;
    if (!get_number(r, 2, &minutes)) r->p = before;
    r->offset_ms = sign * (hours * 60 + minutes) * 60000;
    return true;
}

static bool get_letter(parsed_t *r, char letter, size_t n, bool adjacent)
{
    size_t width = adjacent ? n : 0;
    int index = 0;
    const char *start = NULL;
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t')) r->p++;
    switch (letter) {
    case 'y':
    case 'Y':
        start = r->p;
        if (!get_number(r, width, &r->year)) return false;
        if (n == 2 && r->p - start == 2) r->year += r->year + 2000 <= 2045 ? 2000 : 1900; /* Java: within 80/20 years */
        return true;
    case 'M':
    case 'L':
        if (n < 3) return get_number(r, width, &r->month);
        if (!get_name(r, months, 12, &index)) return false;
        r->month = index + 1;
        return true;
    case 'd':
        return get_number(r, width, &r->day);
    case 'D':
        r->has_year_day = true;
        return get_number(r, width, &r->year_day);
    case 'E':
        return get_name(r, days, 7, &index);
    case 'u': {
        int64_t ignored = 0;
        return get_number(r, width, &ignored);
    }
    case 'G':
    case 'a': {
        const char *const words[] = {letter == 'a' ? "AM" : "AD", letter == 'a' ? "PM" : "BC"};
        for (index = 0; index < 2; index++)
            if (r->end - r->p >= 2 && strncasecmp(r->p, words[index], 2) == 0) break;
        if (index == 2) return false;
        r->p += 2;
        if (letter == 'a')
            r->pm = index == 1;
        else
            r->bc = index == 1;
        return true;
    }
    case 'H':
    case 'k':
        if (!get_number(r, width, &r->hour)) return false;
        if (letter == 'k' && r->hour == 24) r->hour = 0;
        return true;
    case 'K':
    case 'h':
        r->twelve = true;
        if (!get_number(r, width, &r->hour)) return false;
        if (letter == 'h' && r->hour == 12) r->hour = 0;
        return true;
    case 'm':
        return get_number(r, width, &r->minute);
    case 's':
        return get_number(r, width, &r->second);
    case 'S':
        return get_number(r, width, &r->milli);
    default:
        return get_zone(r);
    }
}

bool java_date_parse(const char *pattern, const char *text, size_t len, int64_t *ret_millis)
{
    parsed_t r = {.p = text, .end = text + len, .year = 1970, .month = 1, .day = 1};
    strbuf_t literal = {0};
    char letter = '\0';
    size_t n = 0;
    bool ok = true;
    for (const char *p = pattern; ok && next_piece(&p, &letter, &n, &literal);) {
        if (letter == '\0') {
            ok = (size_t)(r.end - r.p) >= literal.len && memcmp(r.p, strbuf_str(&literal), literal.len) == 0;
            if (ok) r.p += literal.len;
        } else {
            bool adjacent = *p != '\0' && strchr("yYMLdDuHkKhmsS", *p) != NULL;
            ok = get_letter(&r, letter, n, adjacent);
        }
    }
    strbuf_done(&literal);
    if (!ok) return false;
    if (r.twelve && r.pm) r.hour += 12;
    if (r.bc) r.year = 1 - r.year;
    int64_t day = r.has_year_day ? days_of(r.year, 1, 1) + r.year_day - 1 : days_of(r.year, r.month, r.day);
    *ret_millis = ((day * 24 + r.hour) * 60 + r.minute) * 60000 + r.second * 1000 + r.milli - r.offset_ms;
    return true;
}
