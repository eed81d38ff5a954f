#include "runtime/base/strbuf.h"

#include "runtime/base/mem.h"

void strbuf_done(strbuf_t *b)
{
    free(b->data);
    *b = (strbuf_t){0};
}

char *strbuf_reserve(strbuf_t *b, size_t n)
{
    if (n > SIZE_MAX / 2 - b->len) abort();
    if (b->data == NULL || b->cap - b->len < n) {
        size_t cap = b->cap < 64 ? 64 : b->cap * 2;
        while (cap - b->len < n) cap *= 2;
        b->data = mem_realloc_array(b->data, cap + 1, 1);
        b->cap = cap;
        b->data[b->len] = '\0';
    }
    return b->data + b->len;
}

void strbuf_add(strbuf_t *b, const void *p, size_t n)
{
    char *at = strbuf_reserve(b, n);
    if (n > 0) memcpy(at, p, n);
    strbuf_advance(b, n);
}

void strbuf_adds(strbuf_t *b, const char *s)
{
    strbuf_add(b, s, strlen(s));
}

void strbuf_addc(strbuf_t *b, char c)
{
    *strbuf_reserve(b, 1) = c;
    strbuf_advance(b, 1);
}

void strbuf_vaddf(strbuf_t *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n <= 0) return;
    char *at = strbuf_reserve(b, (size_t)n);
    if (vsnprintf(at, (size_t)n + 1, fmt, args) == n) strbuf_advance(b, (size_t)n);
}

void strbuf_addf(strbuf_t *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    strbuf_vaddf(b, fmt, args);
    va_end(args);
}

char *strbuf_take(strbuf_t *b)
{
    (void)strbuf_reserve(b, 0);
    char *text = b->data;
    *b = (strbuf_t){0};
    return text;
}
