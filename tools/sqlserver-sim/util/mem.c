/* mem.c: arena blocks grow by doubling; text buffers keep a NUL so they can be read as C strings. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "util/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct arena_block {
    arena_block_t *next;
    size_t cap;
    _Alignas(16) char data[];
};

static void out_of_memory(void)
{
    fputs("sqlserver-sim: out of memory\n", stderr);
    abort();
}

void *sim_alloc(size_t size)
{
    void *p = calloc(1, size != 0 ? size : 1);
    if (p == NULL) out_of_memory();
    return p;
}

void *sim_realloc(void *ptr, size_t size)
{
    void *p = realloc(ptr, size != 0 ? size : 1);
    if (p == NULL) out_of_memory();
    return p;
}

char *sim_strndup(const char *s, size_t n)
{
    char *p = sim_alloc(n + 1);
    memcpy(p, s, n);
    return p;
}

char *sim_strdup(const char *s)
{
    return sim_strndup(s, strlen(s));
}

char *sim_asprintf(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = NULL;
    int n = vasprintf(&p, fmt, ap);
    va_end(ap);
    if (n < 0) out_of_memory();
    return p;
}

void *arena_alloc(arena_t *a, size_t size)
{
    size_t need = (size + 15u) & ~(size_t)15u;
    if (a->head == NULL || a->head->cap - a->used < need) {
        size_t cap = a->head == NULL ? 4096 : a->head->cap * 2;
        if (cap > (1u << 20)) cap = 1u << 20;
        if (cap < need) cap = need;
        arena_block_t *b = sim_realloc(NULL, sizeof(*b) + cap);
        b->next = a->head;
        b->cap = cap;
        a->head = b;
        a->used = 0;
    }
    void *p = a->head->data + a->used;
    a->used += need;
    memset(p, 0, need);
    return p;
}

void *arena_memdup(arena_t *a, const void *p, size_t n)
{
    char *d = arena_alloc(a, n + 1);
    if (n != 0) memcpy(d, p, n);
    return d;
}

char *arena_strndup(arena_t *a, const char *s, size_t n)
{
    return arena_memdup(a, s, n);
}

char *arena_strdup(arena_t *a, const char *s)
{
    return arena_memdup(a, s, strlen(s));
}

char *arena_vprintf(arena_t *a, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *p = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
    if (n > 0) vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

char *arena_printf(arena_t *a, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return p;
}

void arena_reset(arena_t *a)
{
    arena_block_t *b = a->head;
    if (b == NULL) return;
    for (arena_block_t *n = b->next; n != NULL;) {
        arena_block_t *next = n->next;
        free(n);
        n = next;
    }
    b->next = NULL;
    a->used = 0;
}

void arena_done(arena_t *a)
{
    for (arena_block_t *b = a->head; b != NULL;) {
        arena_block_t *next = b->next;
        free(b);
        b = next;
    }
    a->head = NULL;
    a->used = 0;
}

static void buf_room(buf_t *b, size_t more)
{
    if (b->cap - b->len > more) return;
    size_t cap = b->cap == 0 ? 64 : b->cap * 2;
    while (cap - b->len <= more) cap *= 2;
    b->ptr = sim_realloc(b->ptr, cap);
    b->cap = cap;
}

void buf_add(buf_t *b, const void *p, size_t n)
{
    buf_room(b, n);
    if (n != 0) memcpy(b->ptr + b->len, p, n);
    b->len += n;
    b->ptr[b->len] = '\0';
}

void buf_adds(buf_t *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_addc(buf_t *b, char c)
{
    buf_add(b, &c, 1);
}

void buf_printf(buf_t *b, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    if (n > 0) {
        buf_room(b, (size_t)n);
        vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_truncate(buf_t *b, size_t len)
{
    if (len >= b->len) return;
    b->len = len;
    b->ptr[len] = '\0';
}

void buf_done(buf_t *b)
{
    free(b->ptr);
    *b = (buf_t){0};
}

const char *buf_text(const buf_t *b)
{
    return b->ptr != NULL ? b->ptr : "";
}

uint32_t utf8_next(const char *s, size_t len, size_t *pos)
{
    const unsigned char *p = (const unsigned char *)s + *pos;
    size_t left = len - *pos;
    uint32_t cp = p[0];
    size_t n = 1;
    if (cp >= 0xF0 && cp < 0xF8 && left >= 4) {
        cp = (cp & 7u) << 18 | (p[1] & 0x3Fu) << 12 | (p[2] & 0x3Fu) << 6 | (p[3] & 0x3Fu);
        n = 4;
    } else if (cp >= 0xE0 && cp < 0xF0 && left >= 3) {
        cp = (cp & 15u) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
        n = 3;
    } else if (cp >= 0xC0 && cp < 0xE0 && left >= 2) {
        cp = (cp & 31u) << 6 | (p[1] & 0x3Fu);
        n = 2;
    }
    *pos += n;
    return cp;
}

size_t utf8_put(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xC0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 0x3F));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xE0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 0x3F));
        out[2] = (char)(0x80 | (cp & 0x3F));
        return 3;
    }
    out[0] = (char)(0xF0 | (cp >> 18 & 7));
    out[1] = (char)(0x80 | (cp >> 12 & 0x3F));
    out[2] = (char)(0x80 | (cp >> 6 & 0x3F));
    out[3] = (char)(0x80 | (cp & 0x3F));
    return 4;
}

size_t utf16_units(const char *s, size_t len)
{
    size_t units = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if ((c & 0xC0) != 0x80) units += c >= 0xF0 ? 2 : 1;
    }
    return units;
}

size_t utf8_prefix(const char *s, size_t len, size_t units)
{
    size_t pos = 0;
    while (pos < len) {
        size_t next = pos;
        size_t take = utf8_next(s, len, &next) > 0xFFFF ? 2 : 1;
        if (take > units) break;
        units -= take;
        pos = next;
    }
    return pos;
}

uint32_t fold_char(uint32_t cp)
{
    if (cp < 0x80) return cp >= 'A' && cp <= 'Z' ? cp + 32 : cp;
    if (cp >= 0xC0 && cp <= 0xDE && cp != 0xD7) return cp + 32;
    if (cp >= 0x100 && cp <= 0x17F && cp != 0x130 && cp != 0x131 && cp != 0x138 && cp != 0x149 && cp != 0x178 &&
        cp != 0x17F) {
        bool odd_upper = (cp >= 0x139 && cp <= 0x148) || cp >= 0x179;
        return ((cp & 1u) != 0) == odd_upper ? cp + 1 : cp;
    }
    if (cp >= 0x391 && cp <= 0x3A9) return cp + 32;
    if (cp >= 0x410 && cp <= 0x42F) return cp + 32;
    if (cp >= 0x400 && cp <= 0x40F) return cp + 80;
    return cp;
}

static const uint16_t cp1252_high[] = {0x20AC, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030,
                                       0x0160, 0x2039, 0x0152, 0x017D, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                       0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x017E, 0x0178};

bool cp1252_has(uint32_t cp)
{
    if (cp < 0x80 || (cp >= 0xA0 && cp <= 0xFF)) return true;
    if (cp == 0x81 || cp == 0x8D || cp == 0x8F || cp == 0x90 || cp == 0x9D) return true;
    for (size_t i = 0; i < sizeof(cp1252_high) / sizeof(cp1252_high[0]); i++)
        if (cp1252_high[i] == cp) return true;
    return false;
}

int name_cmp(const char *a, const char *b)
{
    size_t la = strlen(a), lb = strlen(b), i = 0, j = 0;
    while (i < la && j < lb) {
        uint32_t x = fold_char(utf8_next(a, la, &i)), y = fold_char(utf8_next(b, lb, &j));
        if (x != y) return x < y ? -1 : 1;
    }
    return i < la ? 1 : j < lb ? -1 : 0;
}

bool name_eq(const char *a, const char *b)
{
    return name_cmp(a, b) == 0;
}
