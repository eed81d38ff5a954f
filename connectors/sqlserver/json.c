#include "connectors/sqlserver/json.h"

#include <errno.h>

#define DEPTH_MAX 64u

typedef struct reader {
    const char *p, *end;
    cd_arena_t *arena;
    uint32_t depth;
} reader_t;

static void skip(reader_t *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) r->p++;
}

static bool take(reader_t *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->p) < n || memcmp(r->p, word, n) != 0) return false;
    r->p += n;
    return true;
}

static bool hex4(reader_t *r, uint32_t *ret)
{
    if (r->end - r->p < 4) return false;
    *ret = 0;
    for (int i = 0; i < 4; i++) {
        char c = *r->p++;
        uint32_t d = c >= '0' && c <= '9'   ? (uint32_t)(c - '0')
                     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
                     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
                                            : 16;
        if (d == 16) return false;
        *ret = *ret << 4 | d;
    }
    return true;
}

static char *put_utf8(char *o, uint32_t c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    } else if (c < 0x800) {
        *o++ = (char)(0xc0 | c >> 6);
        *o++ = (char)(0x80 | (c & 63));
    } else if (c < 0x10000) {
        *o++ = (char)(0xe0 | c >> 12);
        *o++ = (char)(0x80 | (c >> 6 & 63));
        *o++ = (char)(0x80 | (c & 63));
    } else {
        *o++ = (char)(0xf0 | c >> 18);
        *o++ = (char)(0x80 | (c >> 12 & 63));
        *o++ = (char)(0x80 | (c >> 6 & 63));
        *o++ = (char)(0x80 | (c & 63));
    }
    return o;
}

static bool read_escape(reader_t *r, char **o)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    if (r->p >= r->end) return false;
    char c = *r->p++;
    const char *at = c != '\0' ? strchr(from, c) : NULL;
    if (at != NULL) {
        *(*o)++ = to[at - from];
        return true;
    }
    uint32_t u, low;
    if (c != 'u' || !hex4(r, &u)) return false;
    if (u >= 0xd800 && u < 0xdc00) {
        if (!take(r, "\\u") || !hex4(r, &low) || low < 0xdc00 || low > 0xdfff) return false;
        u = 0x10000 + ((u - 0xd800) << 10) + (low - 0xdc00);
    }
    *o = put_utf8(*o, u);
    return true;
}

static bool read_string(reader_t *r, cd_value_t *ret)
{
    const char *end = ++r->p;
    while (end < r->end && *end != '"') end += *end == '\\' ? 2 : 1;
    if (end >= r->end) return false;
    char *out = cd_arena_alloc(r->arena, (size_t)(end - r->p) + 1), *o = out;
    while (r->p < end) {
        char c = *r->p++;
        if (c != '\\') {
            *o++ = c;
        } else if (!read_escape(r, &o)) {
            return false;
        }
    }
    *o = '\0';
    r->p = end + 1;
    *ret = cd_v_strn(out, (size_t)(o - out));
    return true;
}

static bool read_number(reader_t *r, cd_value_t *ret)
{
    char text[64], *end = NULL;
    size_t n = 0;
    while (r->p + n < r->end && n < sizeof(text) - 1 && strchr("+-.0123456789eE", r->p[n]) != NULL && r->p[n] != '\0')
        n++;
    if (n == 0) return false;
    memcpy(text, r->p, n);
    text[n] = '\0';
    r->p += n;
    errno = 0;
    long long v = strtoll(text, &end, 10);
    if (*end == '\0' && errno == 0) {
        *ret = cd_v_int(CD_INT64, v);
        return true;
    }
    double d = strtod(text, &end);
    *ret = cd_v_f64(d);
    return *end == '\0';
}

static bool read_any(reader_t *r, cd_value_t *ret);

/* Members grow in an arena by doubling; cells[step] per member. */
static bool read_members(reader_t *r, bool object, cd_value_t *ret)
{
    char close = object ? '}' : ']';
    uint32_t n = 0, cap = 0, step = object ? 2 : 1;
    cd_value_t *items = NULL;
    r->p++;
    skip(r);
    if (r->p < r->end && *r->p == close) {
        r->p++;
        *ret = cd_v_items(object ? CD_MAP : CD_ARRAY, NULL, 0);
        return true;
    }
    for (;;) {
        cd_value_t cells[2];
        skip(r);
        if (object) {
            if (r->p >= r->end || *r->p != '"' || !read_string(r, &cells[0])) return false;
            skip(r);
            if (!take(r, ":")) return false;
        }
        if (!read_any(r, &cells[step - 1])) return false;
        if (n == cap) {
            cap = cap == 0 ? 8 : cap * 2;
            cd_value_t *more = cd_arena_array(r->arena, cd_value_t, (size_t)cap * step);
            if (n > 0) memcpy(more, items, (size_t)n * step * sizeof(*more));
            items = more;
        }
        memcpy(items + (size_t)n * step, cells, step * sizeof(*cells));
        n++;
        skip(r);
        if (take(r, ",")) continue;
        if (r->p >= r->end || *r->p++ != close) return false;
        *ret = cd_v_items(object ? CD_MAP : CD_ARRAY, items, n);
        return true;
    }
}

static bool read_any(reader_t *r, cd_value_t *ret)
{
    skip(r);
    if (r->p >= r->end || r->depth >= DEPTH_MAX) return false;
    if (take(r, "null")) {
        *ret = CD_V_NULL;
        return true;
    }
    if (take(r, "true") || take(r, "false")) {
        *ret = cd_v_bool(r->p[-2] == 'u');
        return true;
    }
    if (*r->p == '"') return read_string(r, ret);
    if (*r->p != '{' && *r->p != '[') return read_number(r, ret);
    r->depth++;
    bool ok = read_members(r, *r->p == '{', ret);
    r->depth--;
    return ok;
}

bool djson_read(const char *text, size_t len, cd_arena_t *arena, cd_value_t *ret)
{
    reader_t r = {.p = text, .end = text + len, .arena = arena};
    if (!read_any(&r, ret)) return false;
    skip(&r);
    return r.p == r.end;
}

/* ---- writer -------------------------------------------------------------------------------------------------------- */

static uint32_t objects_open(const djson_writer_t *w)
{
    uint32_t n = 0;
    for (uint32_t i = 1; i <= w->depth; i++) n += !w->in_array[i];
    return n;
}

static void line(const djson_writer_t *w)
{
    buf_add(w->out, "\n");
    for (uint32_t i = objects_open(w); i > 0; i--) buf_add(w->out, "  ");
}

/* Before a member of an array; members of objects are introduced by their key. */
static void member(djson_writer_t *w)
{
    if (w->depth == 0 || !w->in_array[w->depth]) return;
    if (w->more[w->depth]) buf_add(w->out, ",");
    if (w->pretty) buf_add(w->out, " ");
    w->more[w->depth] = true;
}

static void begin(djson_writer_t *w, bool array)
{
    member(w);
    buf_add(w->out, array ? "[" : "{");
    if (w->depth + 1 < DEPTH_MAX) w->depth++;
    w->in_array[w->depth] = array;
    w->more[w->depth] = false;
}

void djson_object(djson_writer_t *w)
{
    begin(w, false);
}

void djson_array(djson_writer_t *w)
{
    begin(w, true);
}

void djson_end(djson_writer_t *w)
{
    bool array = w->in_array[w->depth], more = w->more[w->depth];
    w->depth--;
    if (w->pretty && (array || !more)) buf_add(w->out, " ");
    if (w->pretty && !array && more) line(w);
    buf_add(w->out, array ? "]" : "}");
}

static void quoted(djson_writer_t *w, const char *s, size_t n)
{
    static const char shorts[] = "\b\t\n\f\r\"\\", names[] = "btnfr\"\\";
    buf_add(w->out, "\"");
    for (size_t i = 0; i < n; i++) {
        const char *at = s[i] != '\0' ? strchr(shorts, s[i]) : NULL;
        if (at != NULL) {
            char esc[2] = {'\\', names[at - shorts]};
            buf_addn(w->out, esc, 2);
        } else if ((unsigned char)s[i] < 0x20) {
            buf_printf(w->out, "\\u%04X", (unsigned)s[i]);
        } else {
            buf_addn(w->out, s + i, 1);
        }
    }
    buf_add(w->out, "\"");
}

static void key_text(djson_writer_t *w, const char *key, size_t n)
{
    if (w->more[w->depth]) buf_add(w->out, ",");
    w->more[w->depth] = true;
    if (w->pretty) line(w);
    quoted(w, key, n);
    buf_add(w->out, w->pretty ? " : " : ":");
}

void djson_key(djson_writer_t *w, const char *key)
{
    key_text(w, key, strlen(key));
}

void djson_text(djson_writer_t *w, const char *text)
{
    member(w);
    if (text == NULL) {
        buf_add(w->out, "null");
    } else {
        quoted(w, text, strlen(text));
    }
}

void djson_int(djson_writer_t *w, int64_t v)
{
    member(w);
    buf_printf(w->out, "%lld", (long long)v);
}

void djson_bool(djson_writer_t *w, bool v)
{
    member(w);
    buf_add(w->out, v ? "true" : "false");
}

void djson_value(djson_writer_t *w, const cd_value_t *v)
{
    switch (v->type) {
    case CD_STRING:
        member(w);
        quoted(w, v->str, v->len);
        break;
    case CD_BOOLEAN:
        djson_bool(w, v->boolean);
        break;
    case CD_INT8:
    case CD_INT16:
    case CD_INT32:
    case CD_INT64:
        djson_int(w, v->i64);
        break;
    case CD_FLOAT64:
        member(w);
        buf_printf(w->out, "%.17g", v->f64);
        break;
    case CD_MAP:
    case CD_ARRAY:
        begin(w, v->type == CD_ARRAY);
        for (uint32_t i = 0; i < v->len; i++) {
            if (v->type == CD_MAP) key_text(w, v->items[2 * i].str, v->items[2 * i].len);
            djson_value(w, v->type == CD_MAP ? &v->items[2 * i + 1] : &v->items[i]);
        }
        djson_end(w);
        break;
    default:
        djson_text(w, NULL);
        break;
    }
}
