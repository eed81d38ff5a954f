#include "runtime/base/properties.h"

#include <errno.h>

static char *text_dup(const char *s, size_t n)
{
    char *p = malloc(n + 1);
    if (p == NULL) abort();
    if (n > 0) memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

static cd_pair_t *find(const props_t *p, const char *name)
{
    for (uint32_t i = 0; i < p->n; i++)
        if (strcmp(p->pairs[i].name, name) == 0) return &p->pairs[i];
    return NULL;
}

/* Names and values are ours although the view type says const. */
static void text_free(const char *s)
{
    free((void *)(uintptr_t)s);
}

void props_done(props_t *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        text_free(p->pairs[i].name);
        text_free(p->pairs[i].value);
    }
    free(p->pairs);
    *p = (props_t){0};
}

void props_setn(props_t *p, const char *name, size_t name_len, const char *value, size_t value_len)
{
    char *key = text_dup(name, name_len);
    char *text = value == NULL ? NULL : text_dup(value, value_len);
    cd_pair_t *at = find(p, key);
    if (at != NULL) {
        free(key);
        text_free(at->value);
        at->value = text;
        return;
    }
    if (p->n == p->cap) {
        uint32_t cap = p->cap == 0 ? 16 : p->cap * 2;
        cd_pair_t *pairs = realloc(p->pairs, cap * sizeof(*pairs));
        if (pairs == NULL) abort();
        p->pairs = pairs;
        p->cap = cap;
    }
    p->pairs[p->n++] = (cd_pair_t){.name = key, .value = text};
}

void props_set(props_t *p, const char *name, const char *value)
{
    props_setn(p, name, strlen(name), value, value == NULL ? 0 : strlen(value));
}

bool props_remove(props_t *p, const char *name)
{
    cd_pair_t *at = find(p, name);
    if (at == NULL) return false;
    text_free(at->name);
    text_free(at->value);
    size_t after = (size_t)(p->pairs + p->n - (at + 1));
    memmove(at, at + 1, after * sizeof(*at));
    p->n--;
    return true;
}

bool props_has(const props_t *p, const char *name)
{
    return find(p, name) != NULL;
}

const char *props_get(const props_t *p, const char *name)
{
    const cd_pair_t *at = find(p, name);
    return at == NULL ? NULL : at->value;
}

void props_copy(props_t *p, const cd_config_t *from)
{
    for (uint32_t i = 0; i < from->n; i++) props_set(p, from->pairs[i].name, from->pairs[i].value);
}

cd_config_t props_view(const props_t *p)
{
    return (cd_config_t){.n = p->n, .pairs = p->pairs};
}

static const cd_pair_t *config_find(const cd_config_t *c, const char *name)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (strcmp(c->pairs[i].name, name) == 0) return &c->pairs[i];
    return NULL;
}

bool props_equal(const cd_config_t *a, const cd_config_t *b)
{
    if (a->n != b->n) return false;
    for (uint32_t i = 0; i < a->n; i++) {
        const cd_pair_t *other = config_find(b, a->pairs[i].name);
        if (other == NULL) return false;
        const char *x = a->pairs[i].value, *y = other->value;
        if ((x == NULL) != (y == NULL) || (x != NULL && strcmp(x, y) != 0)) return false;
    }
    return true;
}

/* ---- Java properties syntax ---- */

typedef struct text {
    char *at;
    size_t len, cap;
} text_t;

static void text_put(text_t *t, const void *s, size_t n)
{
    if (t->cap - t->len < n) {
        size_t cap = t->cap == 0 ? 256 : t->cap * 2;
        while (cap - t->len < n) cap *= 2;
        char *at = realloc(t->at, cap);
        if (at == NULL) abort();
        t->at = at;
        t->cap = cap;
    }
    memcpy(t->at + t->len, s, n);
    t->len += n;
}

static void text_putc(text_t *t, char c)
{
    text_put(t, &c, 1);
}

static void put_code_point(text_t *t, uint32_t c)
{
    uint8_t u[4];
    size_t n;
    if (c < 0x80) {
        u[0] = (uint8_t)c;
        n = 1;
    } else if (c < 0x800) {
        u[0] = (uint8_t)(0xC0 | (c >> 6));
        u[1] = (uint8_t)(0x80 | (c & 0x3F));
        n = 2;
    } else if (c < 0x10000) {
        u[0] = (uint8_t)(0xE0 | (c >> 12));
        u[1] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
        u[2] = (uint8_t)(0x80 | (c & 0x3F));
        n = 3;
    } else {
        u[0] = (uint8_t)(0xF0 | (c >> 18));
        u[1] = (uint8_t)(0x80 | ((c >> 12) & 0x3F));
        u[2] = (uint8_t)(0x80 | ((c >> 6) & 0x3F));
        u[3] = (uint8_t)(0x80 | (c & 0x3F));
        n = 4;
    }
    text_put(t, u, n);
}

/* Length of the UTF-8 sequence at s, or 0 when it is not one. */
static size_t utf8_len(const uint8_t *s, size_t n)
{
    uint8_t a = s[0];
    if (a < 0x80) return 1;
    size_t need = a >= 0xC2 && a <= 0xDF ? 2 : a >= 0xE0 && a <= 0xEF ? 3 : a >= 0xF0 && a <= 0xF4 ? 4 : 0;
    if (need == 0 || need > n) return 0;
    for (size_t i = 1; i < need; i++)
        if ((s[i] & 0xC0) != 0x80) return 0;
    if ((a == 0xE0 && s[1] < 0xA0) || (a == 0xED && s[1] > 0x9F)) return 0;
    if ((a == 0xF0 && s[1] < 0x90) || (a == 0xF4 && s[1] > 0x8F)) return 0;
    return need;
}

/* Bytes of the file as UTF-8; what is not UTF-8 becomes U+FFFD, as Java's reader does. */
static void decode(text_t *out, const char *text, size_t len, enum props_charset charset)
{
    const uint8_t *s = (const uint8_t *)text;
    for (size_t i = 0; i < len;) {
        if (charset == PROPS_LATIN1) {
            put_code_point(out, s[i++]);
            continue;
        }
        size_t n = utf8_len(s + i, len - i);
        if (n == 0) {
            put_code_point(out, 0xFFFD);
            i++;
        } else {
            text_put(out, s + i, n);
            i += n;
        }
    }
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_eol(char c)
{
    return c == '\n' || c == '\r';
}

/* One logical line without comments and blank lines; escapes are still in it.
 * @return false at the end of the text */
static bool next_line(const char *text, size_t len, size_t *at, text_t *line)
{
    size_t i = *at;
    line->len = 0;
    while (i < len) {
        while (i < len && (is_blank(text[i]) || is_eol(text[i]))) i++;
        if (i == len) break;
        if (text[i] != '#' && text[i] != '!') {
            for (;;) {
                size_t backslashes = 0;
                while (i < len && !is_eol(text[i])) {
                    backslashes = text[i] == '\\' ? backslashes + 1 : 0;
                    text_putc(line, text[i++]);
                }
                if (i < len && text[i] == '\r' && i + 1 < len && text[i + 1] == '\n') i++;
                if (i < len) i++;
                if (backslashes % 2 == 0) break;
                line->len--; /* the backslash that continues the line, also at the end of the file */
                while (i < len && is_blank(text[i])) i++;
                if (i == len) break;
            }
            *at = i;
            return true;
        }
        while (i < len && !is_eol(text[i])) i++;
    }
    *at = i;
    return false;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* The four digits of an escape, or -1. */
static int32_t hex_unit(const char *s, const char *end)
{
    if (end - s < 4) return -1;
    int32_t v = 0;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(s[i]);
        if (d < 0) return -1;
        v = v * 16 + d;
    }
    return v;
}

static cd_err_t *unescape(const char *s, const char *end, text_t *out)
{
    out->len = 0;
    while (s < end) {
        if (*s != '\\' || s + 1 == end) {
            if (*s != '\\') text_putc(out, *s);
            s++;
            continue;
        }
        char c = s[1];
        s += 2;
        if (c != 'u') {
            text_putc(out, c == 't' ? '\t' : c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'f' ? '\f' : c);
            continue;
        }
        int32_t unit = hex_unit(s, end);
        if (unit < 0)
            return cd_err_new(CD_ERR_DATA, "java.lang.IllegalArgumentException", "Malformed \\uxxxx encoding.");
        s += 4;
        uint32_t point = (uint32_t)unit;
        if (unit >= 0xD800 && unit <= 0xDBFF && end - s >= 6 && s[0] == '\\' && s[1] == 'u') {
            int32_t low = hex_unit(s + 2, end);
            if (low >= 0xDC00 && low <= 0xDFFF) {
                point = 0x10000 + (((uint32_t)unit - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
                s += 6;
            }
        }
        if (point >= 0xD800 && point <= 0xDFFF) point = '?'; /* half a pair has no UTF-8 form; Java writes this too */
        put_code_point(out, point);
    }
    return NULL;
}

static cd_err_t *parse_line(props_t *p, const text_t *line, text_t *key, text_t *value)
{
    const char *s = line->at, *end = line->at + line->len;
    const char *k = s;
    while (k < end && *k != '=' && *k != ':' && !is_blank(*k)) k += *k == '\\' && k + 1 < end ? 2 : 1;
    const char *v = k;
    while (v < end && is_blank(*v)) v++;
    if (v < end && (*v == '=' || *v == ':')) {
        v++;
        while (v < end && is_blank(*v)) v++;
    }
    cd_err_t *err = unescape(s, k, key);
    if (err == NULL) err = unescape(v, end, value);
    if (err != NULL) return err;
    if ((key->len > 0 && memchr(key->at, 0, key->len) != NULL) ||
        (value->len > 0 && memchr(value->at, 0, value->len) != NULL))
        return cd_err_new(CD_ERR_DATA, CD_JVM_CONFIG, "A property holds a NUL character, which no setting can use");
    props_setn(p, key->len > 0 ? key->at : "", key->len, value->len > 0 ? value->at : "", value->len);
    return NULL;
}

cd_err_t *props_parse(props_t *p, const char *text, size_t len, enum props_charset charset)
{
    text_t all = {0}, line = {0}, key = {0}, value = {0};
    cd_err_t *err = NULL;
    decode(&all, text, len, charset);
    for (size_t at = 0; err == NULL && next_line(all.at, all.len, &at, &line);)
        err = parse_line(p, &line, &key, &value);
    free(all.at);
    free(line.at);
    free(key.at);
    free(value.at);
    return err;
}

cd_err_t *props_load(props_t *p, const char *path, enum props_charset charset)
{
    text_t all = {0};
    cd_err_t *err = NULL;
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        uint32_t cls = errno == ENOENT ? CD_ERR_NOT_FOUND : CD_ERR_FATAL;
        return cd_err_new(cls, "java.nio.file.NoSuchFileException", "%s: %s", path, strerror(errno));
    }
    char chunk[8192];
    size_t n;
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0) {
        if (all.len + n > PROPS_FILE_MAX) {
            err = cd_err_new(CD_ERR_DATA, CD_JVM_CONFIG, "%s: larger than %zu bytes", path, PROPS_FILE_MAX);
            goto out;
        }
        text_put(&all, chunk, n);
    }
    if (ferror(f)) {
        err = cd_err_new(CD_ERR_FATAL, "java.io.IOException", "%s: %s", path, strerror(errno));
        goto out;
    }
    err = props_parse(p, all.at, all.len, charset);
    if (err != NULL) err = cd_err_wrap(err, CD_ERR_DATA, CD_JVM_CONFIG, "Reading '%s'", path);
out:
    free(all.at);
    if (fclose(f) != 0 && err == NULL)
        err = cd_err_new(CD_ERR_FATAL, "java.io.IOException", "%s: %s", path, strerror(errno));
    return err;
}
