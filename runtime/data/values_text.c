#include "runtime/data/values_text.h"

#include "runtime/base/base64.h"
#include "runtime/base/java_text.h"
#include "runtime/data/schema.h"
#include "runtime/data/value.h"

#include <time.h>

#define DAY_MS    INT64_C(86400000)
#define DEPTH_MAX 64u

/* ---- writing ----------------------------------------------------------------------------------------------------- */

static int64_t millis_of(const cd_schema_t *s, const cd_value_t *v)
{
    return s->logical == CD_LOGICAL_DATE ? v->i64 * DAY_MS : v->i64;
}

static bool is_instant(const cd_schema_t *s, const cd_value_t *v)
{
    return s != NULL && s->logical >= CD_LOGICAL_DATE && (v->type == CD_INT32 || v->type == CD_INT64);
}

static void put_instant(int64_t ms, strbuf_t *out)
{
    int64_t of_day = ((ms % DAY_MS) + DAY_MS) % DAY_MS;
    time_t seconds = (time_t)((ms - of_day) / 1000 + of_day / 1000);
    struct tm tm;
    if (gmtime_r(&seconds, &tm) == NULL) { /* beyond the years that a struct tm can hold */
        strbuf_addf(out, "%lld", (long long)ms);
        return;
    }
    bool only_time = ms < DAY_MS && ms > -DAY_MS;
    if (!only_time) strbuf_addf(out, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday);
    if (!only_time && of_day == 0) return;
    if (!only_time) strbuf_addc(out, 'T');
    strbuf_addf(out, "%02d:%02d:%02d.%03dZ", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(of_day % 1000));
}

static void put_quoted(const cd_value_t *v, strbuf_t *out)
{
    strbuf_addc(out, '"');
    for (uint32_t i = 0; i < v->len; i++) {
        if (v->str[i] == '"' || v->str[i] == '\\') strbuf_addc(out, '\\');
        strbuf_addc(out, v->str[i]);
    }
    strbuf_addc(out, '"');
}

static void put_value(const cd_schema_t *s, const cd_value_t *v, bool embedded, strbuf_t *out)
{
    char number[JAVA_TEXT_MAX];
    if (is_instant(s, v)) {
        put_instant(millis_of(s, v), out);
        return;
    }
    switch (v->type) {
    case CD_NULL:
        strbuf_adds(out, "null");
        break;
    case CD_BOOLEAN:
        strbuf_adds(out, v->boolean ? "true" : "false");
        break;
    case CD_FLOAT32:
        strbuf_add(out, number, java_text_float(v->f32, number));
        break;
    case CD_FLOAT64:
        strbuf_add(out, number, java_text_double(v->f64, number));
        break;
    case CD_STRING:
        if (embedded)
            put_quoted(v, out);
        else
            strbuf_add(out, v->str, v->len);
        break;
    case CD_BYTES:
        if (s != NULL && s->logical == CD_LOGICAL_DECIMAL && s->scale != INT32_MIN &&
            java_text_decimal(v->bytes, v->len, s->scale, out))
            break;
        base64_encode(v->bytes, v->len, out);
        break;
    case CD_ARRAY:
        strbuf_addc(out, '[');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_addc(out, ',');
            put_value(s != NULL ? s->value_schema : NULL, &v->items[i], true, out);
        }
        strbuf_addc(out, ']');
        break;
    case CD_MAP:
        strbuf_addc(out, '{');
        for (uint32_t i = 0; i < v->len; i++) {
            if (i > 0) strbuf_addc(out, ',');
            put_value(s != NULL ? s->key_schema : NULL, &v->items[2 * i], true, out);
            strbuf_addc(out, ':');
            put_value(s != NULL ? s->value_schema : NULL, &v->items[2 * i + 1], true, out);
        }
        strbuf_addc(out, '}');
        break;
    case CD_STRUCT:
        strbuf_addc(out, '{');
        for (uint32_t i = 0; s != NULL && i < v->len && i < s->nfields; i++) {
            if (i > 0) strbuf_addc(out, ',');
            cd_value_t name = cd_v_strn(s->fields[i].name, s->fields[i].name_len);
            put_quoted(&name, out);
            strbuf_addc(out, ':');
            put_value(s->fields[i].schema, cd_value_or_default(s->fields[i].schema, &v->items[i]), true, out);
        }
        strbuf_addc(out, '}');
        break;
    default:
        strbuf_addf(out, "%lld", (long long)v->i64);
    }
}

void values_to_text(const cd_schema_t *schema, const cd_value_t *value, strbuf_t *out)
{
    put_value(schema, value, false, out);
}

void values_java_string(const cd_schema_t *s, const cd_value_t *v, strbuf_t *out)
{
    if (is_instant(s, v)) { /* java.util.Date.toString */
        static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
        static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        int64_t ms = millis_of(s, v);
        time_t seconds = (time_t)((ms - (((ms % 1000) + 1000) % 1000)) / 1000);
        struct tm tm;
        if (gmtime_r(&seconds, &tm) != NULL) {
            strbuf_addf(out, "%s %s %02d %02d:%02d:%02d UTC %d", days[tm.tm_wday], months[tm.tm_mon], tm.tm_mday,
                        tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_year + 1900);
            return;
        }
    }
    if (v->type >= CD_ARRAY || v->type == CD_NULL) {
        value_text(s, v, out);
    } else {
        put_value(s, v, false, out);
    }
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct parser {
    const char *p, *end;
    cd_schema_pool_t *pool;
    cd_arena_t *arena;
    uint32_t depth;
} parser_t;

typedef struct typed {
    const cd_schema_t *schema;
    cd_value_t value;
} typed_t;

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void trim(const char **p, const char **end)
{
    while (*p < *end && is_blank(**p)) (*p)++;
    while (*end > *p && is_blank((*end)[-1])) (*end)--;
}

static bool word_is(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) == n && memcmp(p, word, n) == 0;
}

/** Digits of a fixed form: '9' stands for a digit, everything else for itself. Fills in the groups of digits. */
static bool fits_form(const char *p, size_t len, const char *form, int *ret_groups)
{
    int group = -1;
    bool in_digits = false;
    if (strlen(form) != len) return false;
    for (size_t i = 0; i < len; i++) {
        if (form[i] != '9') {
            if (p[i] != form[i]) return false;
            in_digits = false;
            continue;
        }
        if (p[i] < '0' || p[i] > '9') return false;
        if (!in_digits) ret_groups[++group] = 0;
        in_digits = true;
        ret_groups[group] = ret_groups[group] * 10 + (p[i] - '0');
    }
    return true;
}

/** Days since the epoch; months and days beyond their range count on, as in Java's lenient calendar. */
static int64_t days_of(int year, int month, int day)
{
    int64_t months = (int64_t)year * 12 + month - 1;
    int64_t y = months / 12, m = months % 12 + 1;
    if (m < 1) {
        m += 12;
        y--;
    }
    y -= m <= 2;
    int64_t era = (y >= 0 ? y : y - 399) / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468 + day - 1;
}

static const cd_schema_t *logical_schema(cd_schema_pool_t *pool, uint8_t type, const char *name)
{
    return schema_intern(pool, &(cd_schema_spec_t){.type = type, .name = name, .has_version = true, .version = 1});
}

static bool parse_instant(const parser_t *r, const char *p, size_t len, typed_t *ret)
{
    int g[8];
    if (fits_form(p, len, "9999-99-99", g)) {
        *ret =
            (typed_t){logical_schema(r->pool, CD_INT32, CD_NAME_DATE), cd_v_int(CD_INT32, days_of(g[0], g[1], g[2]))};
        return true;
    }
    if (fits_form(p, len, "99:99:99.999Z", g)) {
        int64_t ms = ((g[0] * 60 + g[1]) * 60 + g[2]) * INT64_C(1000) + g[3];
        *ret = (typed_t){logical_schema(r->pool, CD_INT32, CD_NAME_TIME), cd_v_int(CD_INT32, ms)};
        return true;
    }
    if (fits_form(p, len, "9999-99-99T99:99:99.999Z", g)) {
        int64_t ms = days_of(g[0], g[1], g[2]) * DAY_MS + ((g[3] * 60 + g[4]) * 60 + g[5]) * INT64_C(1000) + g[6];
        *ret = (typed_t){logical_schema(r->pool, CD_INT64, CD_NAME_TIMESTAMP), cd_v_int(CD_INT64, ms)};
        return true;
    }
    return false;
}

/** BigDecimal.longValueExact. */
static bool exact_long(const uint8_t *p, size_t len, int32_t scale, int64_t *ret_v)
{
    if (len == 0 || len > 8 || scale > 30 || scale < -18) return false;
    int64_t v = (p[0] & 0x80) != 0 ? -1 : 0;
    for (size_t i = 0; i < len; i++) v = (int64_t)((uint64_t)v << 8 | p[i]);
    for (; scale > 0; scale--) {
        if (v % 10 != 0) return false;
        v /= 10;
    }
    for (; scale < 0; scale++)
        if (__builtin_mul_overflow(v, 10, &v)) return false;
    *ret_v = v;
    return true;
}

static bool parse_number(const parser_t *r, const char *p, size_t len, typed_t *ret)
{
    strbuf_t unscaled = {0};
    int32_t scale = 0;
    int64_t v = 0;
    bool ok = len <= 1000 && java_text_parse_decimal(p, len, &unscaled, &scale);
    if (ok && exact_long((const uint8_t *)unscaled.data, unscaled.len, scale, &v)) {
        uint8_t type = v >= INT8_MIN && v <= INT8_MAX     ? CD_INT8
                       : v >= INT16_MIN && v <= INT16_MAX ? CD_INT16
                       : v >= INT32_MIN && v <= INT32_MAX ? CD_INT32
                                                          : CD_INT64;
        *ret = (typed_t){schema_primitive(r->pool, type, false), cd_v_int(type, v)};
    } else if (ok) {
        char *text = cd_arena_strndup(r->arena, p, len);
        double d = strtod(text, NULL);
        float f = strtof(text, NULL);
        if (scale != 0 && !__builtin_isinf(f)) {
            *ret = (typed_t){schema_primitive(r->pool, CD_FLOAT32, false), cd_v_f32(f)};
        } else if (scale != 0 && !__builtin_isinf(d)) {
            *ret = (typed_t){schema_primitive(r->pool, CD_FLOAT64, false), cd_v_f64(d)};
        } else {
            char digits[16];
            (void)snprintf(digits, sizeof(digits), "%d", scale);
            cd_param_t param = {"scale", digits};
            cd_schema_spec_t spec = {.type = CD_BYTES,
                                     .name = CD_NAME_DECIMAL,
                                     .has_version = true,
                                     .version = 1,
                                     .params = &param,
                                     .nparams = 1};
            *ret = (typed_t){schema_intern(r->pool, &spec),
                             cd_v_bytes(cd_arena_strndup(r->arena, unscaled.data, unscaled.len), unscaled.len)};
        }
    }
    strbuf_done(&unscaled);
    return ok;
}

/** A token without quotes: word, date or number. @return false when it is none of these */
static bool parse_token(const parser_t *r, const char *p, const char *end, typed_t *ret)
{
    trim(&p, &end);
    if (p == end) return false;
    if (word_is(p, end, "null")) {
        *ret = (typed_t){NULL, CD_V_NULL};
        return true;
    }
    if (word_is(p, end, "true") || word_is(p, end, "false")) {
        *ret = (typed_t){schema_primitive(r->pool, CD_BOOLEAN, false), cd_v_bool(*p == 't')};
        return true;
    }
    bool digit = *p >= '0' && *p <= '9';
    if (digit && parse_instant(r, p, (size_t)(end - p), ret)) return true;
    return (digit || *p == '+' || *p == '-') && parse_number(r, p, (size_t)(end - p), ret);
}

static bool parse_embedded(parser_t *r, typed_t *ret);

static void skip_blanks(parser_t *r)
{
    while (r->p < r->end && is_blank(*r->p)) r->p++;
}

static bool accept(parser_t *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

static bool parse_quoted(parser_t *r, typed_t *ret)
{
    char *out = (char *)cd_arena_alloc(r->arena, (size_t)(r->end - r->p) + 1);
    size_t n = 0;
    for (; r->p < r->end && *r->p != '"'; r->p++) {
        if (*r->p == '\\' && r->p + 1 < r->end) r->p++;
        out[n++] = *r->p;
    }
    if (r->p == r->end) return false;
    r->p++;
    *ret = (typed_t){schema_primitive(r->pool, CD_STRING, false), cd_v_strn(out, n)};
    return true;
}

/** The one type that both fit: themselves, or the wider of two numbers; NULL when there is none. */
static const cd_schema_t *merge(const cd_schema_t *a, const cd_schema_t *b)
{
    if (a == b) return a;
    bool numbers = a->name == NULL && b->name == NULL && a->type <= CD_FLOAT64 && b->type <= CD_FLOAT64;
    return numbers ? (a->type > b->type ? a : b) : NULL;
}

static void widen(const cd_schema_t *to, cd_value_t *v)
{
    if (v->type == CD_NULL || v->type == to->type || v->type > CD_FLOAT64) return;
    double d = v->type == CD_FLOAT32 ? (double)v->f32 : v->type == CD_FLOAT64 ? v->f64 : (double)v->i64;
    if (to->type == CD_FLOAT32)
        *v = cd_v_f32((float)d);
    else if (to->type == CD_FLOAT64)
        *v = cd_v_f64(d);
    else
        v->type = to->type;
}

/** Elements seen so far and the type they share. */
typedef struct elements {
    typed_t *items;
    uint32_t n, cap;
    const cd_schema_t *schema;
    bool mixed;
} elements_t;

static void add_element(parser_t *r, elements_t *e, const typed_t *t)
{
    if (e->n == e->cap) {
        uint32_t cap = e->cap == 0 ? 8 : e->cap * 2;
        typed_t *grown = cd_arena_array(r->arena, typed_t, cap);
        if (e->n > 0) memcpy(grown, e->items, e->n * sizeof(*grown));
        e->items = grown;
        e->cap = cap;
    }
    e->items[e->n++] = *t;
    if (t->schema == NULL) {
        e->mixed = e->mixed || t->value.type != CD_NULL;
        return;
    }
    if (e->schema == NULL)
        e->schema = t->schema;
    else
        e->schema = merge(e->schema, t->schema);
    if (e->schema == NULL) e->mixed = true;
}

static const cd_schema_t *shared_schema(const elements_t *e)
{
    return e->mixed ? NULL : e->schema;
}

static bool parse_array(parser_t *r, typed_t *ret)
{
    elements_t e = {0};
    while (!accept(r, ']')) {
        typed_t t;
        if (e.n > 0 && !accept(r, ',')) return false;
        if (!parse_embedded(r, &t)) return false;
        add_element(r, &e, &t);
    }
    const cd_schema_t *s = shared_schema(&e);
    cd_value_t *cells = cd_arena_array(r->arena, cd_value_t, e.n);
    for (uint32_t i = 0; i < e.n; i++) {
        cells[i] = e.items[i].value;
        if (s != NULL) widen(s, &cells[i]);
    }
    *ret = (typed_t){schema_intern(r->pool, &(cd_schema_spec_t){.type = CD_ARRAY, .value_schema = s}),
                     cd_v_items(CD_ARRAY, cells, e.n)};
    return true;
}

static bool parse_map(parser_t *r, typed_t *ret)
{
    elements_t keys = {0}, values = {0};
    while (!accept(r, '}')) {
        typed_t k, v;
        if (keys.n > 0 && !accept(r, ',')) return false;
        if (!parse_embedded(r, &k) || k.value.type == CD_NULL || !accept(r, ':') || !parse_embedded(r, &v))
            return false;
        add_element(r, &keys, &k);
        add_element(r, &values, &v);
    }
    const cd_schema_t *ks = shared_schema(&keys), *vs = shared_schema(&values);
    cd_value_t *cells = cd_arena_array(r->arena, cd_value_t, 2 * (size_t)keys.n);
    for (uint32_t i = 0; i < keys.n; i++) {
        cells[2 * i] = keys.items[i].value;
        cells[2 * i + 1] = values.items[i].value;
        if (ks != NULL) widen(ks, &cells[2 * i]);
        if (vs != NULL) widen(vs, &cells[2 * i + 1]);
    }
    cd_schema_spec_t spec = {.type = CD_MAP, .key_schema = ks, .value_schema = vs};
    *ret = (typed_t){schema_intern(r->pool, &spec), cd_v_items(CD_MAP, cells, keys.n)};
    return true;
}

static bool parse_container(parser_t *r, bool map, typed_t *ret)
{
    if (r->depth == DEPTH_MAX) return false;
    r->depth++;
    bool ok = map ? parse_map(r, ret) : parse_array(r, ret);
    r->depth--;
    return ok;
}

static bool parse_embedded(parser_t *r, typed_t *ret)
{
    if (accept(r, '[')) return parse_container(r, false, ret);
    if (accept(r, '{')) return parse_container(r, true, ret);
    if (accept(r, '"')) return parse_quoted(r, ret);
    /* dates hold the colons that also end a token: the longest token without list delimiters is tried first */
    const char *far = r->p, *near = r->p;
    while (far < r->end && strchr("\",[]{}", *far) == NULL) far++;
    while (near < far && *near != ':') near++;
    typed_t t;
    if (parse_token(r, r->p, far, &t)) {
        r->p = far;
    } else if (parse_token(r, r->p, near, &t)) {
        r->p = near;
    } else {
        return false;
    }
    *ret = t;
    return true;
}

void values_from_text(const char *text, size_t len, cd_schema_pool_t *pool, cd_arena_t *arena,
                      const cd_schema_t **ret_schema, cd_value_t *ret_value)
{
    parser_t r = {.p = text, .end = text + len, .pool = pool, .arena = arena};
    typed_t t = {schema_primitive(pool, CD_STRING, false), cd_v_strn(text, len)};
    typed_t found;
    bool ok = false;
    skip_blanks(&r);
    if (r.p < r.end && (*r.p == '[' || *r.p == '{')) {
        bool map = *r.p++ == '{';
        ok = parse_container(&r, map, &found);
    } else if (r.p < r.end && *r.p != '"') {
        /* Java looks at the first token only: "1,2" is the number 1 */
        const char *token_end = r.p;
        while (token_end < r.end && strchr("\",:[]{}\\", *token_end) == NULL) token_end++;
        ok = parse_token(&r, r.p, r.end, &found) || parse_token(&r, r.p, token_end, &found);
    }
    if (ok) t = found;
    *ret_schema = t.schema;
    *ret_value = t.value;
}
