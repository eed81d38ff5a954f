#include "plugins/converters/json_dom.h"

#include "runtime/base/str.h"

#define DEPTH_MAX 500u

void json_reader_init(json_reader_t *r, const void *text, size_t len, cd_arena_t *arena)
{
    const char *p = (const char *)text;
    *r = (json_reader_t){.p = p, .start = p, .end = p + len, .arena = arena};
}

static bool bad(json_reader_t *r, const char *problem)
{
    r->problem = problem;
    return false;
}

static void skip_blanks(json_reader_t *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\n' || *r->p == '\r' || *r->p == '\t')) r->p++;
}

bool json_accept(json_reader_t *r, char c)
{
    skip_blanks(r);
    if (r->p == r->end || *r->p != c) return false;
    r->p++;
    return true;
}

bool json_at_end(json_reader_t *r)
{
    skip_blanks(r);
    return r->p == r->end;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/** Four hex digits at p. @return the unit, or -1 */
static int32_t hex_unit(const char *p, const char *end)
{
    int32_t v = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

static char *put_utf8(char *o, uint32_t c)
{
    if (c < 0x80) {
        *o++ = (char)c;
    } else if (c < 0x800) {
        *o++ = (char)(0xC0 | (c >> 6));
        *o++ = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        *o++ = (char)(0xE0 | (c >> 12));
        *o++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *o++ = (char)(0x80 | (c & 0x3F));
    } else {
        *o++ = (char)(0xF0 | (c >> 18));
        *o++ = (char)(0x80 | ((c >> 12) & 0x3F));
        *o++ = (char)(0x80 | ((c >> 6) & 0x3F));
        *o++ = (char)(0x80 | (c & 0x3F));
    }
    return o;
}

/** \uXXXX, with the second half of a pair when there is one; *pp is after the u. The scan has checked the digits. */
static uint32_t unicode_escape(const char **pp, const char *end)
{
    const char *p = *pp;
    uint32_t c = (uint32_t)hex_unit(p, end);
    p += 4;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int32_t low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex_unit(p + 2, end) : -1;
        if (c <= 0xDBFF && low >= 0xDC00 && low <= 0xDFFF) {
            c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            p += 6;
        } else {
            c = 0xFFFD; /* half a pair has no UTF-8 form */
        }
    }
    *pp = p;
    return c;
}

/** Content with escapes or broken UTF-8, rewritten. [p, end) has no closing quote. Never longer than 3 times. */
static void rewrite(json_reader_t *r, const char *p, const char *end, const char **ret_text, uint32_t *ret_len)
{
    char *out = (char *)cd_arena_alloc(r->arena, (size_t)(end - p) * 3 + 4), *o = out;
    while (p < end) {
        if (*p != '\\') {
            o = put_utf8(o, str_utf8_next(&p, end));
            continue;
        }
        p++;
        uint32_t c = (unsigned char)*p++;
        switch (c) {
        case 'b':
            c = '\b';
            break;
        case 'f':
            c = '\f';
            break;
        case 'n':
            c = '\n';
            break;
        case 'r':
            c = '\r';
            break;
        case 't':
            c = '\t';
            break;
        case 'u':
            c = unicode_escape(&p, end);
            break;
        default: /* the quote, the backslash and the slash; the scan refused everything else */
            break;
        }
        o = put_utf8(o, c);
    }
    *ret_text = out;
    *ret_len = (uint32_t)(o - out);
}

bool json_read_string(json_reader_t *r, const char **ret_text, uint32_t *ret_len)
{
    const char *start = ++r->p; /* after the quote */
    bool plain = true;
    uint8_t high = 0;
    for (;; r->p++) {
        if (r->p == r->end) return bad(r, "the string does not end");
        unsigned char c = (unsigned char)*r->p;
        if (c == '"') break;
        if (c < 0x20) return bad(r, "a control character inside a string must be escaped");
        high |= c;
        if (c != '\\') continue;
        plain = false;
        r->p++;
        if (r->p == r->end) return bad(r, "the string does not end");
        if (strchr("\"\\/bfnrtu", *r->p) == NULL || *r->p == '\0') return bad(r, "unknown escape in a string");
        if (*r->p == 'u' && hex_unit(r->p + 1, r->end) < 0) return bad(r, "a \\u escape needs four hexadecimal digits");
    }
    const char *end = r->p++;
    if (end - start > INT32_MAX) return bad(r, "the string is too long");
    if (ret_text == NULL) return true;
    if (plain && ((high & 0x80) == 0 || str_utf8_valid(start, (size_t)(end - start)))) {
        *ret_text = start;
        *ret_len = (uint32_t)(end - start);
        return true;
    }
    rewrite(r, start, end, ret_text, ret_len);
    return true;
}

static bool is_digit(const json_reader_t *r)
{
    return r->p < r->end && *r->p >= '0' && *r->p <= '9';
}

static bool read_number(json_reader_t *r, json_node_t *n)
{
    const char *start = r->p;
    bool integral = true;
    if (*r->p == '-') r->p++;
    if (!is_digit(r)) return bad(r, "a number needs a digit");
    while (is_digit(r)) r->p++;
    if (r->p < r->end && *r->p == '.') {
        integral = false;
        r->p++;
        if (!is_digit(r)) return bad(r, "a number needs a digit after its point");
        while (is_digit(r)) r->p++;
    }
    if (r->p < r->end && (*r->p == 'e' || *r->p == 'E')) {
        integral = false;
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-')) r->p++;
        if (!is_digit(r)) return bad(r, "a number needs a digit in its exponent");
        while (is_digit(r)) r->p++;
    }
    if (r->p - start > 1000) return bad(r, "the number is too long");
    if (n != NULL)
        *n = (json_node_t){.kind = JSON_K_NUMBER, .integral = integral, .text = start, .len = (uint32_t)(r->p - start)};
    return true;
}

static bool read_word(json_reader_t *r, const char *word, json_node_t *n, json_node_t value)
{
    size_t len = strlen(word);
    if ((size_t)(r->end - r->p) < len || memcmp(r->p, word, len) != 0) return bad(r, "unknown word");
    r->p += len;
    if (n != NULL) *n = value;
    return true;
}

static bool read_children(json_reader_t *r, json_node_t *n, bool object)
{
    char close = object ? '}' : ']';
    json_node_t **tail = n != NULL ? &n->first : NULL;
    if (n != NULL) *n = (json_node_t){.kind = object ? JSON_K_OBJECT : JSON_K_ARRAY};
    r->p++;
    if (json_accept(r, close)) return true;
    if (++r->depth > DEPTH_MAX) return bad(r, "the document is nested too deeply");
    do {
        const char *key = NULL;
        uint32_t key_len = 0;
        if (object) {
            skip_blanks(r);
            if (r->p == r->end || *r->p != '"') return bad(r, "a member needs a name in quotes");
            if (!json_read_string(r, n != NULL ? &key : NULL, &key_len)) return false;
            if (!json_accept(r, ':')) return bad(r, "a colon is missing");
        }
        json_node_t *child = n != NULL ? cd_arena_new(r->arena, json_node_t) : NULL;
        if (!json_read(r, child)) return false;
        if (n == NULL) continue;
        child->key = key;
        child->key_len = key_len;
        *tail = child;
        tail = &child->next;
        n->n++;
    } while (json_accept(r, ','));
    r->depth--;
    return json_accept(r, close) ? true : bad(r, "a comma or the closing bracket is missing");
}

bool json_read(json_reader_t *r, json_node_t *n)
{
    skip_blanks(r);
    if (r->p == r->end) return bad(r, "the document ends too early");
    switch (*r->p) {
    case '{':
        return read_children(r, n, true);
    case '[':
        return read_children(r, n, false);
    case '"': {
        json_node_t s = {.kind = JSON_K_STRING};
        if (!json_read_string(r, n != NULL ? &s.text : NULL, &s.len)) return false;
        if (n != NULL) *n = s;
        return true;
    }
    case 't':
        return read_word(r, "true", n, (json_node_t){.kind = JSON_K_BOOLEAN, .boolean = true});
    case 'f':
        return read_word(r, "false", n, (json_node_t){.kind = JSON_K_BOOLEAN});
    case 'n':
        return read_word(r, "null", n, (json_node_t){.kind = JSON_K_NULL});
    default:
        return read_number(r, n);
    }
}

const json_node_t *json_member(const json_node_t *object, const char *name)
{
    const json_node_t *found = NULL;
    size_t len = strlen(name);
    if (object == NULL || object->kind != JSON_K_OBJECT) return NULL;
    for (const json_node_t *c = object->first; c != NULL; c = c->next)
        if (c->key_len == len && memcmp(c->key, name, len) == 0) found = c;
    return found;
}

bool json_is_text(const json_node_t *n, const char *text)
{
    size_t len = strlen(text);
    return n != NULL && n->kind == JSON_K_STRING && n->len == len && memcmp(n->text, text, len) == 0;
}

const char *json_kind_name(const json_node_t *n)
{
    static const char *const names[] = {"NULL", "BOOLEAN", "NUMBER", "STRING", "ARRAY", "OBJECT"};
    return names[n->kind];
}

double json_double(const json_node_t *n)
{
    char text[1024]; /* numbers are shorter than that, and the input is not terminated */
    size_t len = n->len < sizeof(text) - 1 ? n->len : sizeof(text) - 1;
    memcpy(text, n->text, len);
    text[len] = '\0';
    return strtod(text, NULL);
}

int64_t json_int(const json_node_t *n)
{
    if (!n->integral) {
        double d = json_double(n);
        if (d >= 9223372036854775807.0) return INT64_MAX;
        return d <= -9223372036854775808.0 ? INT64_MIN : (int64_t)d;
    }
    uint64_t v = 0;
    bool negative = n->text[0] == '-';
    for (uint32_t i = negative ? 1 : 0; i < n->len; i++) v = v * 10 + (uint64_t)(n->text[i] - '0');
    return (int64_t)(negative ? 0 - v : v);
}
