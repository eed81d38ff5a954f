/* mem.h: arena and growable text for the SQL engine.
 * Threads    an arena or buffer belongs to one thread at a time.
 * Ownership  arena memory dies with arena_reset()/arena_done(); a buf_t owns its bytes until buf_done().
 * Errors     running out of memory aborts the process: the stand-in has nothing better to do.
 */
#ifndef SIM_MEM_H
#define SIM_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct arena_block arena_block_t;
typedef struct arena {
    arena_block_t *head;
    size_t used;
} arena_t;

void *sim_alloc(size_t size); /* zeroed */
void *sim_realloc(void *ptr, size_t size);
char *sim_strdup(const char *s);
char *sim_strndup(const char *s, size_t n);
char *sim_asprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

void *arena_alloc(arena_t *a, size_t size); /* zeroed, 16-byte aligned */
char *arena_strdup(arena_t *a, const char *s);
char *arena_strndup(arena_t *a, const char *s, size_t n); /* adds a NUL */
void *arena_memdup(arena_t *a, const void *p, size_t n);  /* never NULL, adds a NUL */
char *arena_printf(arena_t *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(arena_t *a, const char *fmt, va_list ap);
void arena_reset(arena_t *a); /* keeps one block */
void arena_done(arena_t *a);

typedef struct buf {
    char *ptr; /* NUL-terminated whenever non-NULL */
    size_t len, cap;
} buf_t;

void buf_add(buf_t *b, const void *p, size_t n);
void buf_adds(buf_t *b, const char *s);
void buf_addc(buf_t *b, char c);
void buf_printf(buf_t *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void buf_truncate(buf_t *b, size_t len);
void buf_done(buf_t *b);
const char *buf_text(const buf_t *b); /* "" when empty */

/* Case-insensitive compare as SQL Server compares names: ASCII and Latin-1 fold, nothing else. */
int name_cmp(const char *a, const char *b);
bool name_eq(const char *a, const char *b);

/* UTF-8 helpers; invalid bytes count as one character each. */
uint32_t utf8_next(const char *s, size_t len, size_t *pos);
size_t utf8_put(uint32_t cp, char out[4]);
size_t utf16_units(const char *s, size_t len);               /* UTF-16 code units */
size_t utf8_prefix(const char *s, size_t len, size_t units); /* bytes of the first `units` UTF-16 units */
uint32_t fold_char(uint32_t cp);                             /* lower case for CI compare */
bool cp1252_has(uint32_t cp);

#endif
