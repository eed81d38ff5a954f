#include "connectors/sqlserver/temporal.h"

#include <ctype.h>

/* Days from civil and back, over eras of 400 years (146,097 days) that begin on 1 March. */
int64_t temporal_days(int64_t year, uint32_t month, uint32_t day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (int64_t)(month > 2 ? month - 3 : month + 9) + 2) / 5 + (int64_t)day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    return era * 146097 + doe - 719468;
}

void temporal_civil(int64_t days, int64_t *year, uint32_t *month, uint32_t *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;
    *day = (uint32_t)(doy - (153 * mp + 2) / 5 + 1);
    *month = (uint32_t)(mp < 10 ? mp + 3 : mp - 9);
    *year = yoe + era * 400 + (*month <= 2);
}

static char *digits(char *p, uint64_t v, uint32_t width)
{
    for (uint32_t i = width; i > 0; i--) {
        p[i - 1] = (char)('0' + v % 10);
        v /= 10;
    }
    return p + width;
}

size_t temporal_date_text(int64_t days, char *out)
{
    int64_t y;
    uint32_t m, d;
    temporal_civil(days, &y, &m, &d);
    char *p = digits(out, (uint64_t)y, 4);
    *p++ = '-';
    p = digits(p, m, 2);
    *p++ = '-';
    p = digits(p, d, 2);
    *p = '\0';
    return (size_t)(p - out);
}

size_t temporal_time_text(int64_t ticks, char *out)
{
    int64_t s = ticks / TICKS_PER_SECOND, fraction = ticks % TICKS_PER_SECOND;
    char *p = digits(out, (uint64_t)(s / 3600), 2);
    *p++ = ':';
    p = digits(p, (uint64_t)(s / 60 % 60), 2);
    *p++ = ':';
    p = digits(p, (uint64_t)(s % 60), 2);
    if (fraction != 0) {
        *p++ = '.';
        p = digits(p, (uint64_t)fraction, 7);
        while (p[-1] == '0') p--;
    }
    *p = '\0';
    return (size_t)(p - out);
}

size_t temporal_zoned_text(const moment_t *m, char *out)
{
    int64_t ticks = m->ticks + (int64_t)m->offset * 60 * TICKS_PER_SECOND, days = m->days;
    if (ticks < 0) {
        ticks += TICKS_PER_DAY;
        days--;
    } else if (ticks >= TICKS_PER_DAY) {
        ticks -= TICKS_PER_DAY;
        days++;
    }
    size_t n = temporal_date_text(days, out);
    out[n++] = 'T';
    n += temporal_time_text(ticks, out + n);
    if (m->offset == 0) {
        out[n++] = 'Z';
    } else {
        uint32_t minutes = (uint32_t)(m->offset < 0 ? -m->offset : m->offset);
        out[n++] = m->offset < 0 ? '-' : '+';
        char *p = digits(out + n, minutes / 60, 2);
        *p++ = ':';
        p = digits(p, minutes % 60, 2);
        n = (size_t)(p - out);
    }
    out[n] = '\0';
    return n;
}

int64_t temporal_millis(const moment_t *m)
{
    return m->days * 86400000 + m->ticks / 10000;
}

typedef struct scan {
    const char *p, *end;
} scan_t;

/* Between `least` and `most` digits. */
static bool number(scan_t *s, uint32_t least, uint32_t most, uint32_t *ret)
{
    uint32_t n = 0, v = 0;
    while (s->p < s->end && n < most && isdigit((unsigned char)*s->p)) {
        v = v * 10 + (uint32_t)(*s->p++ - '0');
        n++;
    }
    *ret = v;
    return n >= least;
}

static bool literal(scan_t *s, char c)
{
    if (s->p >= s->end || *s->p != c) return false;
    s->p++;
    return true;
}

static void blanks(scan_t *s)
{
    while (s->p < s->end && *s->p == ' ') s->p++;
}

static bool scan_date(scan_t *s, moment_t *m)
{
    scan_t t = *s;
    uint32_t y, mo, d;
    if (!number(&t, 4, 4, &y)) return false;
    char sep = t.p < t.end && (*t.p == '-' || *t.p == '/' || *t.p == '.') ? *t.p : '\0';
    if (sep != '\0') t.p++;
    if (!number(&t, sep != '\0' ? 1 : 2, 2, &mo) || (sep != '\0' && !literal(&t, sep)) ||
        !number(&t, sep != '\0' ? 1 : 2, 2, &d))
        return false;
    static const uint8_t month_days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (y < 1 || mo < 1 || mo > 12 || d < 1 || d > month_days[mo - 1]) return false;
    if (mo == 2 && d == 29 && (y % 4 != 0 || (y % 100 == 0 && y % 400 != 0))) return false;
    m->days = temporal_days(y, mo, d);
    *s = t;
    return true;
}

static bool scan_time(scan_t *s, moment_t *m)
{
    scan_t t = *s;
    uint32_t h, mi, sec = 0;
    int64_t fraction = 0;
    if (!number(&t, 1, 2, &h) || !literal(&t, ':') || !number(&t, 2, 2, &mi)) return false;
    if (literal(&t, ':')) {
        if (!number(&t, 2, 2, &sec)) return false;
        if (literal(&t, '.')) {
            int64_t unit = TICKS_PER_SECOND / 10;
            if (t.p >= t.end || !isdigit((unsigned char)*t.p)) return false;
            for (; t.p < t.end && isdigit((unsigned char)*t.p); t.p++) {
                fraction += unit * (*t.p - '0');
                unit /= 10;
            }
        }
    }
    if (h > 23 || mi > 59 || sec > 59) return false;
    m->ticks = ((int64_t)h * 3600 + (int64_t)mi * 60 + sec) * TICKS_PER_SECOND + fraction;
    *s = t;
    return true;
}

bool temporal_parse(const char *text, size_t len, moment_t *ret)
{
    scan_t s = {.p = text, .end = text + len};
    moment_t m = {.days = -DAYS_1900};
    blanks(&s);
    bool date = scan_date(&s, &m);
    if (date && !literal(&s, 'T')) blanks(&s);
    bool time = scan_time(&s, &m);
    if (!date && !time) return false;
    blanks(&s);
    if (literal(&s, 'Z')) {
        m.offset = 0;
    } else if (s.p < s.end && (*s.p == '+' || *s.p == '-')) {
        bool minus = *s.p++ == '-';
        uint32_t h, mi;
        if (!number(&s, 2, 2, &h) || !literal(&s, ':') || !number(&s, 2, 2, &mi) || h > 14 || mi > 59) return false;
        m.offset = (int32_t)(h * 60 + mi) * (minus ? -1 : 1);
        m.ticks -= (int64_t)m.offset * 60 * TICKS_PER_SECOND;
        if (m.ticks < 0 || m.ticks >= TICKS_PER_DAY) {
            int64_t step = m.ticks < 0 ? -1 : 1;
            m.ticks -= step * TICKS_PER_DAY;
            m.days += step;
        }
    }
    blanks(&s);
    if (s.p != s.end) return false;
    *ret = m;
    return true;
}
