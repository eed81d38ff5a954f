#include "connectors/postgres/temporal.h"

#include "connectors/postgres/civil.h"

bool conv_fail(conv_err_t *err, const char *sqlstate, const char *fmt, ...)
{
    memcpy(err->sqlstate, sqlstate, 5);
    err->sqlstate[5] = '\0';
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return false;
}

/* ---- reading --------------------------------------------------------------------------------------------------- */

typedef struct scan {
    const char *p, *end;
} scan_t;

static bool scan_char(scan_t *s, char c)
{
    if (s->p >= s->end || *s->p != c) return false;
    s->p++;
    return true;
}

/** Between `min` and `max` digits. */
static bool scan_digits(scan_t *s, int min, int max, int64_t *ret_v)
{
    int n = 0;
    int64_t v = 0;
    while (n < max && s->p < s->end && *s->p >= '0' && *s->p <= '9') {
        v = v * 10 + (*s->p++ - '0');
        n++;
    }
    *ret_v = v;
    return n >= min;
}

static bool scan_date(scan_t *s, int64_t *ret_days)
{
    int64_t year, month, day;
    bool negative = scan_char(s, '-');
    if (!negative) (void)scan_char(s, '+');
    if (!scan_digits(s, 4, 9, &year) || !scan_char(s, '-') || !scan_digits(s, 2, 2, &month) || !scan_char(s, '-') ||
        !scan_digits(s, 2, 2, &day))
        return false;
    if (negative) year = -year;
    if (month < 1 || month > 12 || day < 1 || day > civil_month_days(year, (int)month)) return false;
    *ret_days = civil_days(year, (int)month, (int)day);
    return true;
}

static bool scan_fraction_us(scan_t *s, int64_t *ret_us)
{
    int64_t ns = 0;
    int n = 0;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9' && n < 9) {
        ns = ns * 10 + (*s->p++ - '0');
        n++;
    }
    for (int i = n; i < 9; i++) ns *= 10;
    *ret_us = temporal_ns_to_us(ns);
    return n > 0;
}

static bool scan_time(scan_t *s, int64_t *ret_us)
{
    int64_t hour, minute, second = 0, us = 0;
    if (!scan_digits(s, 2, 2, &hour) || !scan_char(s, ':') || !scan_digits(s, 2, 2, &minute)) return false;
    if (scan_char(s, ':')) {
        if (!scan_digits(s, 2, 2, &second)) return false;
        if (scan_char(s, '.') && !scan_fraction_us(s, &us)) return false;
    }
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && (minute > 0 || second > 0 || us > 0))) return false;
    *ret_us = ((hour * 60 + minute) * 60 + second) * 1000000 + us;
    return true;
}

static bool scan_offset(scan_t *s, int32_t *ret_s)
{
    *ret_s = 0;
    if (scan_char(s, 'Z') || scan_char(s, 'z')) return true;
    bool west = scan_char(s, '-');
    if (!west && !scan_char(s, '+')) return false;
    int64_t hour, minute = 0, second = 0;
    if (!scan_digits(s, 2, 2, &hour)) return false;
    bool colon = scan_char(s, ':');
    if (s->p < s->end || colon) {
        if (!scan_digits(s, 2, 2, &minute)) return false;
        if (scan_char(s, ':') && !scan_digits(s, 2, 2, &second)) return false;
    }
    if (hour > 18 || minute > 59 || second > 59) return false;
    int32_t v = (int32_t)(hour * 3600 + minute * 60 + second);
    *ret_s = west ? -v : v;
    return true;
}

bool iso_text_parse(const char *text, size_t len, iso_text_t *ret_iso)
{
    scan_t s = {text, text + len};
    iso_text_t iso = {0};
    *ret_iso = iso;
    if (len == 8 && memcmp(text, "infinity", 8) == 0) {
        ret_iso->infinity = 1;
        return true;
    }
    if (len == 9 && memcmp(text, "-infinity", 9) == 0) {
        ret_iso->infinity = -1;
        return true;
    }
    bool time_first = len >= 3 && text[2] == ':';
    if (!time_first) {
        if (!scan_date(&s, &iso.days)) return false;
        iso.has_date = true;
        if (scan_char(&s, 'T') || scan_char(&s, 't') || scan_char(&s, ' ')) time_first = true;
    }
    if (time_first) {
        if (!scan_time(&s, &iso.us)) return false;
        iso.has_time = true;
    }
    if (s.p < s.end) {
        if (!scan_offset(&s, &iso.offset_s) || s.p != s.end) return false;
        iso.has_offset = true;
    }
    *ret_iso = iso;
    return true;
}

bool temporal_parse_interval(const char *text, size_t len, int64_t *ret_us, int32_t *ret_days, int32_t *ret_months)
{
    scan_t s = {text, text + len};
    int64_t us = 0, days = 0, months = 0;
    bool all_negative = scan_char(&s, '-'), in_time = false, any = false;
    if (!scan_char(&s, 'P')) return false;
    while (s.p < s.end) {
        if (scan_char(&s, 'T')) {
            if (in_time) return false;
            in_time = true;
            continue;
        }
        bool negative = scan_char(&s, '-');
        int64_t v, fraction = 0;
        if (!scan_digits(&s, 1, 9, &v)) return false;
        bool has_fraction = scan_char(&s, '.');
        if (has_fraction && !scan_fraction_us(&s, &fraction)) return false;
        if (s.p >= s.end) return false;
        char unit = *s.p++;
        if (has_fraction && (unit != 'S' || !in_time)) return false;
        int64_t sign = negative ? -1 : 1;
        if (in_time && unit == 'H')
            us += sign * v * INT64_C(3600000000);
        else if (in_time && unit == 'M')
            us += sign * v * 60000000;
        else if (in_time && unit == 'S')
            us += sign * (v * 1000000 + fraction);
        else if (!in_time && unit == 'Y')
            months += sign * v * 12;
        else if (!in_time && unit == 'M')
            months += sign * v;
        else if (!in_time && unit == 'W')
            days += sign * v * 7;
        else if (!in_time && unit == 'D')
            days += sign * v;
        else
            return false;
        any = true;
    }
    if (!any || days > INT32_MAX || days < -INT32_MAX || months > INT32_MAX || months < -INT32_MAX) return false;
    *ret_us = all_negative ? -us : us;
    *ret_days = (int32_t)(all_negative ? -days : days);
    *ret_months = (int32_t)(all_negative ? -months : months);
    return true;
}

/* ---- moments --------------------------------------------------------------------------------------------------- */

temporal_t temporal_of_wall(int64_t wall_us, const tz_t *tz)
{
    temporal_t t = {.wall_us = wall_us, .instant_us = wall_us};
    if (tz_is_utc(tz)) return t;
    int32_t offset = tz_offset_of_wall(tz, civil_floor_div(wall_us, 1000000));
    if (__builtin_sub_overflow(wall_us, (int64_t)offset * 1000000, &t.instant_us)) t.instant_us = wall_us;
    return t;
}

temporal_t temporal_of_instant(int64_t instant_us, const tz_t *tz)
{
    temporal_t t = {.wall_us = instant_us, .instant_us = instant_us};
    if (tz_is_utc(tz)) return t;
    t.offset_s = tz_offset_at(tz, civil_floor_div(instant_us, 1000000));
    if (__builtin_add_overflow(instant_us, (int64_t)t.offset_s * 1000000, &t.wall_us)) t.wall_us = instant_us;
    return t;
}

/* ---- text ------------------------------------------------------------------------------------------------------ */

static size_t text_time(char *out, size_t cap, int64_t us)
{
    int64_t second = us / 1000000;
    int n = snprintf(out, cap, "%02d:%02d:%02d", (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60));
    size_t len = (size_t)n;
    int fraction = (int)(us % 1000000);
    if (fraction == 0) return len;
    len += (size_t)snprintf(out + len, cap - len, ".%06d", fraction);
    while (out[len - 1] == '0') out[--len] = '\0';
    return len;
}

static size_t text_offset(char *out, size_t cap, int32_t offset_s)
{
    int abs_s = offset_s < 0 ? -offset_s : offset_s;
    int n = snprintf(out, cap, "%c%02d", offset_s < 0 ? '-' : '+', abs_s / 3600);
    if (abs_s % 3600 != 0) n += snprintf(out + n, cap - (size_t)n, ":%02d", abs_s / 60 % 60);
    if (abs_s % 60 != 0) n += snprintf(out + n, cap - (size_t)n, ":%02d", abs_s % 60);
    return (size_t)n;
}

size_t temporal_text(char out[TEMPORAL_TEXT_MAX], enum temporal_style style, const temporal_t *t, bool with_offset)
{
    if (t->infinity != 0)
        return (size_t)snprintf(out, TEMPORAL_TEXT_MAX, "%s", t->infinity > 0 ? "infinity" : "-infinity");
    size_t len = 0;
    int64_t days = civil_floor_div(t->wall_us, WIRE_DAY_US);
    civil_t c = civil_from_days(days);
    bool bc = style != TEMPORAL_STYLE_TIME && c.year <= 0;
    if (style != TEMPORAL_STYLE_TIME)
        len = (size_t)snprintf(out, TEMPORAL_TEXT_MAX, "%04lld-%02d-%02d", (long long)(bc ? 1 - c.year : c.year),
                               c.month, c.day);
    if (style == TEMPORAL_STYLE_TIMESTAMP) out[len++] = ' ';
    if (style != TEMPORAL_STYLE_DATE)
        len += text_time(out + len, TEMPORAL_TEXT_MAX - len, t->wall_us - days * WIRE_DAY_US);
    if (with_offset && style == TEMPORAL_STYLE_DATE) out[len++] = ' ';
    if (with_offset) len += text_offset(out + len, TEMPORAL_TEXT_MAX - len, t->offset_s);
    if (bc) len += (size_t)snprintf(out + len, TEMPORAL_TEXT_MAX - len, " BC");
    out[len] = '\0';
    return len;
}

/* ---- binary ---------------------------------------------------------------------------------------------------- */

static bool put_timestamp(wire_buf_t *b, int64_t us, conv_err_t *err)
{
    if (us < WIRE_TS_MIN) {
        char text[TEMPORAL_TEXT_MAX];
        temporal_t t = {.wall_us = us};
        (void)temporal_text(text, TEMPORAL_STYLE_TIMESTAMP, &t, false);
        return conv_fail(err, "22008", "timestamp out of range: \"%s\"", text);
    }
    wire_field_64(b, (uint64_t)us - (uint64_t)WIRE_EPOCH_US);
    return true;
}

bool temporal_put_date(wire_buf_t *b, int64_t days, conv_err_t *err)
{
    if (days < WIRE_DATE_MIN || days > WIRE_DATE_MAX) {
        civil_t c = civil_from_days(days);
        return conv_fail(err, "22008", "date out of range: \"%lld-%02d-%02d%s\"",
                         (long long)(c.year <= 0 ? 1 - c.year : c.year), c.month, c.day, c.year <= 0 ? " BC" : "");
    }
    wire_field_32(b, (uint32_t)(int32_t)(days - WIRE_EPOCH_DAYS));
    return true;
}

bool temporal_put_time(wire_buf_t *b, enum temporal_target target, int64_t us, int32_t offset_s, conv_err_t *err)
{
    if (us < 0 || us > WIRE_DAY_US) {
        char text[TEMPORAL_TEXT_MAX];
        int64_t abs_us = us < 0 ? -us : us;
        (void)snprintf(text, sizeof(text), "%s%02lld:%02d:%02d.%06d", us < 0 ? "-" : "",
                       (long long)(abs_us / INT64_C(3600000000)), (int)(abs_us / 60000000 % 60),
                       (int)(abs_us / 1000000 % 60), (int)(abs_us % 1000000));
        return conv_fail(err, "22008", "date/time field value out of range: \"%s\"", text);
    }
    if (target == TEMPORAL_TIME) {
        wire_field_64(b, (uint64_t)us);
        return true;
    }
    uint8_t *p = wire_reserve(b, 16);
    wire_set32(p, 12);
    wire_set64(p + 4, (uint64_t)us);
    wire_set32(p + 12, (uint32_t)-offset_s); /* on the wire seconds count west */
    b->len += 16;
    return true;
}

bool temporal_put(wire_buf_t *b, enum temporal_target target, const temporal_t *t, conv_err_t *err)
{
    switch (target) {
    case TEMPORAL_TIMESTAMP:
    case TEMPORAL_TIMESTAMPTZ:
        if (t->infinity != 0) {
            wire_field_64(b, (uint64_t)(t->infinity > 0 ? INT64_MAX : INT64_MIN));
            return true;
        }
        return put_timestamp(b, target == TEMPORAL_TIMESTAMP ? t->wall_us : t->instant_us, err);
    case TEMPORAL_DATE:
        if (t->infinity != 0) {
            wire_field_32(b, (uint32_t)(t->infinity > 0 ? INT32_MAX : INT32_MIN));
            return true;
        }
        return temporal_put_date(b, civil_floor_div(t->wall_us, WIRE_DAY_US), err);
    case TEMPORAL_TIME:
    case TEMPORAL_TIMETZ:
        if (t->infinity != 0)
            return conv_fail(err, "22007", "invalid input syntax for type time: \"%s\"",
                             t->infinity > 0 ? "infinity" : "-infinity");
        return temporal_put_time(b, target, civil_floor_mod(t->wall_us, WIRE_DAY_US), t->offset_s, err);
    }
    return conv_fail(err, "42804", "no such temporal type");
}

void temporal_put_interval(wire_buf_t *b, int64_t us, int32_t days, int32_t months)
{
    uint8_t *p = wire_reserve(b, 20);
    wire_set32(p, 16);
    wire_set64(p + 4, (uint64_t)us);
    wire_set32(p + 12, (uint32_t)days);
    wire_set32(p + 16, (uint32_t)months);
    b->len += 20;
}
