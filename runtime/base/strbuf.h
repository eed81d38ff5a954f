/* base/strbuf.h: a growing text or byte buffer.
 * Zero-initialised is empty and valid; `data` is NUL-terminated once anything was added (use strbuf_str for a string
 * that is never NULL). Owned by its holder; not thread safe; aborts when memory is gone. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include "plugins/api/connectd_plugin.h"

typedef struct strbuf {
    char *data;
    size_t len, cap; /* cap excludes the terminator */
} strbuf_t;

void strbuf_done(strbuf_t *b);
/** Room for n more bytes; returns where to write them (then strbuf_advance). */
char *strbuf_reserve(strbuf_t *b, size_t n);
void strbuf_add(strbuf_t *b, const void *p, size_t n);
void strbuf_adds(strbuf_t *b, const char *s);
void strbuf_addc(strbuf_t *b, char c);
void strbuf_addf(strbuf_t *b, const char *fmt, ...) CD_PRINTF(2, 3);
void strbuf_vaddf(strbuf_t *b, const char *fmt, va_list args) CD_PRINTF(2, 0);
/** Hand the text over (heap, free() it; never NULL) and leave the buffer empty. */
char *strbuf_take(strbuf_t *b);

static inline void strbuf_advance(strbuf_t *b, size_t n)
{
    b->len += n;
    b->data[b->len] = '\0';
}

static inline void strbuf_clear(strbuf_t *b)
{
    b->len = 0;
    if (b->data != NULL) b->data[0] = '\0';
}

static inline const char *strbuf_str(const strbuf_t *b)
{
    return b->data != NULL ? b->data : "";
}

#endif
