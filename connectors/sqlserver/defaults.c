#include "connectors/sqlserver/defaults.h"

#include <ctype.h>
#include <errno.h>
#include <strings.h>

typedef struct part {
    const char *p;
    size_t n;
} part_t;

static bool is_null(part_t t)
{
    return t.n == 4 && strncasecmp(t.p, "NULL", 4) == 0;
}

/* Between the last ( and the first ). */
static part_t inner(part_t t)
{
    size_t from = 0, to = t.n;
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == '(') from = i + 1;
    }
    for (size_t i = 0; i < t.n; i++) {
        if (t.p[i] == ')') {
            to = i;
            break;
        }
    }
    return to >= from ? (part_t){t.p + from, to - from} : (part_t){t.p, 0};
}

static part_t cut(part_t t, size_t front, size_t back)
{
    return t.n >= front + back ? (part_t){t.p + front, t.n - front - back} : (part_t){t.p, 0};
}

static default_result_t read_int(const field_t *f, part_t t, bool is_big, cd_value_t *ret)
{
    char text[40], *end = NULL;
    t = inner(t);
    if (is_null(t)) return DEFAULT_NONE;
    if (is_big && t.n > 0 && t.p[t.n - 1] == '.') t.n--;
    if (t.n == 0 || t.n >= sizeof(text)) return DEFAULT_UNREADABLE;
    memcpy(text, t.p, t.n);
    text[t.n] = '\0';
    if (isspace((unsigned char)text[0])) return DEFAULT_UNREADABLE;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0) return DEFAULT_UNREADABLE;
    if ((f->type == CD_INT16 && v != (int16_t)v) || (f->type == CD_INT32 && v != (int32_t)v)) return DEFAULT_UNREADABLE;
    *ret = cd_v_int(f->type, v);
    return DEFAULT_VALUE;
}

static default_result_t read_float(const field_t *f, part_t t, cd_value_t *ret)
{
    char text[80], *end = NULL;
    t = inner(t);
    if (is_null(t)) return DEFAULT_NONE;
    if (t.n == 0 || t.n >= sizeof(text)) return DEFAULT_UNREADABLE;
    memcpy(text, t.p, t.n);
    text[t.n] = '\0';
    double v = strtod(text, &end);
    if (*end != '\0') return DEFAULT_UNREADABLE;
    *ret = f->type == CD_FLOAT32 ? cd_v_f32((float)v) : cd_v_f64(v);
    return DEFAULT_VALUE;
}

/* A decimal literal, with or without exponent, as magnitude and scale. */
static bool scan_decimal(part_t t, bool *negative, unsigned __int128 *magnitude, int32_t *scale)
{
    size_t i = 0;
    uint32_t ndigits = 0;
    *negative = false;
    *magnitude = 0;
    *scale = 0;
    if (i < t.n && (t.p[i] == '-' || t.p[i] == '+')) *negative = t.p[i++] == '-';
    bool point = false;
    for (; i < t.n && (isdigit((unsigned char)t.p[i]) || (t.p[i] == '.' && !point)); i++) {
        if (t.p[i] == '.') {
            point = true;
            continue;
        }
        if (++ndigits > 38) return false;
        *magnitude = *magnitude * 10 + (unsigned)(t.p[i] - '0');
        *scale += point;
    }
    if (ndigits == 0) return false;
    if (i < t.n && (t.p[i] == 'e' || t.p[i] == 'E')) {
        char text[8] = {0}, *end = NULL;
        if (t.n - i - 1 >= sizeof(text)) return false;
        memcpy(text, t.p + i + 1, t.n - i - 1);
        long e = strtol(text, &end, 10);
        if (*end != '\0' || end == text || e < -60 || e > 38) return false;
        *scale -= (int32_t)e;
        i = t.n;
    }
    return i == t.n;
}

static default_result_t read_decimal(const field_t *f, part_t t, cd_arena_t *arena, cd_value_t *ret)
{
    bool negative;
    unsigned __int128 m;
    int32_t scale;
    t = cut(t, 2, 2);
    if (is_null(t) || (t.n == 2 && strncasecmp(t.p, "UL", 2) == 0)) return DEFAULT_NONE; /* (NULL) loses a letter */
    if (!scan_decimal(t, &negative, &m, &scale)) return DEFAULT_UNREADABLE;
    if (f->form == FORM_DECIMAL_STRING && scale >= 0) {
        /* Text keeps the literal's own scale. */
        field_t own = *f;
        own.scale = scale;
        *ret = convert_decimal(&own, negative, m, arena);
        return DEFAULT_VALUE;
    }
    for (; scale < f->scale; scale++) {
        if (m > ((unsigned __int128)-1 >> 1) / 10) return DEFAULT_UNREADABLE;
        m *= 10;
    }
    bool up = false;
    for (; scale > f->scale; scale--) {
        up = m % 10 >= 5;
        m /= 10;
    }
    *ret = convert_decimal(f, negative, m + up, arena);
    return DEFAULT_VALUE;
}

static default_result_t read_text(const conf_t *conf, part_t t, cd_arena_t *arena, cd_value_t *ret)
{
    if (conf->profile == PROFILE_A) {
        t = cut(t, 2, 2);
    } else {
        const char *first = memchr(t.p, '\'', t.n), *last = first;
        for (size_t i = 0; i < t.n; i++) {
            if (t.p[i] == '\'') last = t.p + i;
        }
        if (first != NULL && last > first) t = (part_t){first + 1, (size_t)(last - first - 1)};
        bool parens = memchr(t.p, '(', t.n) != NULL || memchr(t.p, ')', t.n) != NULL;
        if (parens) t = inner(t);
        if (is_null(t)) return DEFAULT_NONE;
    }
    *ret = cd_v_strn(cd_arena_strndup(arena, t.p, t.n), t.n);
    return DEFAULT_VALUE;
}

static default_result_t read_binary(const field_t *f, part_t t, cd_arena_t *arena, cd_value_t *ret)
{
    t = cut(t, 3, 1);
    if (t.n % 2 != 0) return DEFAULT_UNREADABLE;
    uint8_t *bytes = cd_arena_alloc(arena, t.n / 2 + 1);
    for (size_t i = 0; i < t.n; i++) {
        int c = tolower((unsigned char)t.p[i]);
        if (!isxdigit(c)) return DEFAULT_UNREADABLE;
        uint8_t d = (uint8_t)(c <= '9' ? c - '0' : c - 'a' + 10);
        bytes[i / 2] = (uint8_t)(i % 2 == 0 ? d << 4 : bytes[i / 2] | d);
    }
    *ret = convert_bytes(f, bytes, (uint32_t)(t.n / 2), arena);
    return DEFAULT_VALUE;
}

/* The server rounds a literal to the column's precision when it stores it. */
static void round_to(const char *type, int32_t scale, moment_t *m)
{
    int64_t unit = TICKS_PER_SECOND;
    if (strcmp(type, "datetime") == 0) {
        m->ticks = (m->ticks * 3 + 50000) / 100000; /* to 1/300 s, half up */
        m->ticks = (m->ticks * 10 + 1) / 3 * 10000;
    } else if (strcmp(type, "smalldatetime") == 0) {
        unit = 60 * TICKS_PER_SECOND;
        m->ticks = (m->ticks + unit / 2) / unit * unit;
    } else {
        for (int32_t i = 0; i < scale && unit > 1; i++) unit /= 10;
        m->ticks = (m->ticks + unit / 2) / unit * unit;
    }
    if (m->ticks >= TICKS_PER_DAY) {
        m->ticks -= TICKS_PER_DAY;
        m->days++;
    }
}

/* Up to 2.6 a time went through java.sql.Time, which counts milliseconds: rounded, and past midnight at 0 again. */
static void to_java_time(moment_t *m)
{
    m->ticks = (m->ticks + 5000) / 10000 * 10000 % TICKS_PER_DAY;
}

static default_result_t read_moment(const conf_t *conf, const field_t *f, part_t t, cd_arena_t *arena, cd_value_t *ret)
{
    moment_t m;
    bool ok;
    t = cut(t, 2, 2);
    if (!temporal_parse(t.p, t.n, &m)) return DEFAULT_UNREADABLE;
    if (f->form != FORM_DATE && f->form != FORM_DATE_ISO) round_to(f->column->type_name, f->scale, &m);
    if (conf->profile == PROFILE_A && strcmp(f->column->type_name, "time") == 0) to_java_time(&m);
    *ret = convert_moment(f, &m, arena, &ok);
    return ok ? DEFAULT_VALUE : DEFAULT_UNREADABLE;
}

static bool one_of(const char *name, const char *list)
{
    size_t n = strlen(name);
    for (const char *p = list; *p != '\0'; p += strcspn(p, " "), p += *p == ' ') {
        if (strncasecmp(p, name, n) == 0 && (p[n] == ' ' || p[n] == '\0')) return true;
    }
    return false;
}

default_result_t default_read(const conf_t *conf, const field_t *f, cd_arena_t *arena, cd_value_t *ret_value)
{
    const char *type = f->column->type_name;
    if (f->column->default_expr == NULL) return DEFAULT_NONE;
    part_t t = {f->column->default_expr, strlen(f->column->default_expr)};
    if (one_of(type, "bit")) {
        *ret_value = cd_v_bool(t.n == 5 && memcmp(t.p, "((1))", 5) == 0);
        return DEFAULT_VALUE;
    }
    if (one_of(type, "int smallint tinyint bigint")) return read_int(f, t, one_of(type, "bigint"), ret_value);
    if (one_of(type, "float real")) return read_float(f, t, ret_value);
    if (one_of(type, "decimal numeric money smallmoney")) return read_decimal(f, t, arena, ret_value);
    if (one_of(type, "char varchar text nchar nvarchar ntext")) return read_text(conf, t, arena, ret_value);
    if (one_of(type, "binary varbinary image")) return read_binary(f, t, arena, ret_value);
    if (one_of(type, "date time datetime datetime2 smalldatetime datetimeoffset"))
        return read_moment(conf, f, t, arena, ret_value);
    return DEFAULT_NONE;
}
