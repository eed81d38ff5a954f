/* buf.h: a growing text buffer for statements and JSON. Zero-initialised is empty and valid; buf_done frees it.
 * Threads    one owner.   Errors  aborts when memory is gone, like an arena. */
#ifndef SQLSERVER_BUF_H
#define SQLSERVER_BUF_H

#include "plugins/api/connectd_plugin.h"

typedef struct buf {
    char *p; /* NUL-terminated once something was added */
    size_t len, cap;
} buf_t;

static inline void buf_room(buf_t *b, size_t n)
{
    if (b->len + n + 1 <= b->cap) return;
    size_t cap = b->cap < 256 ? 256 : b->cap;
    while (cap < b->len + n + 1) cap *= 2;
    char *p = (char *)realloc(b->p, cap);
    if (p == NULL) abort();
    b->p = p;
    b->cap = cap;
}

static inline void buf_addn(buf_t *b, const char *s, size_t n)
{
    buf_room(b, n);
    if (n > 0) memcpy(b->p + b->len, s, n);
    b->len += n;
    b->p[b->len] = '\0';
}

static inline void buf_add(buf_t *b, const char *s)
{
    buf_addn(b, s, strlen(s));
}

CD_PRINTF(2, 3)
static inline void buf_printf(buf_t *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n <= 0) return;
    buf_room(b, (size_t)n);
    va_start(args, fmt);
    (void)vsnprintf(b->p + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
}

/** Add `s` between [ and ], with ] doubled: an identifier for any statement. */
static inline void buf_ident(buf_t *b, const char *s)
{
    buf_add(b, "[");
    for (; *s != '\0'; s++) buf_addn(b, *s == ']' ? "]]" : s, *s == ']' ? 2 : 1);
    buf_add(b, "]");
}

/** Add N'…' with quotes doubled. */
static inline void buf_literal(buf_t *b, const char *s)
{
    buf_add(b, "N'");
    for (; *s != '\0'; s++) buf_addn(b, *s == '\'' ? "''" : s, *s == '\'' ? 2 : 1);
    buf_add(b, "'");
}

static inline void buf_reset(buf_t *b)
{
    b->len = 0;
    if (b->p != NULL) b->p[0] = '\0';
}

static inline void buf_done(buf_t *b)
{
    free(b->p);
    *b = (buf_t){0};
}

#endif
