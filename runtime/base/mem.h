/* base/mem.h: small control-plane allocations, which abort when memory is gone.
 * Anything sized by outside data is checked against its limit by the caller first. Free with free(). Any thread. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdlib.h>
#include <string.h>

static inline void *mem_check(void *p)
{
    if (p == NULL) abort();
    return p;
}

static inline void *mem_alloc(size_t n)
{
    return mem_check(malloc(n == 0 ? 1 : n));
}

static inline void *mem_alloc0(size_t n, size_t size)
{
    return mem_check(calloc(n == 0 ? 1 : n, size));
}

static inline void *mem_realloc_array(void *p, size_t n, size_t size)
{
    return mem_check(reallocarray(p, n == 0 ? 1 : n, size));
}

/** NULL stays NULL. */
static inline char *mem_strdup(const char *s)
{
    return s == NULL ? NULL : (char *)mem_check(strdup(s));
}

static inline char *mem_strndup(const char *s, size_t n)
{
    char *p = (char *)mem_alloc(n + 1);
    if (n > 0) memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

#define mem_new0(type) ((type *)mem_alloc0(1, sizeof(type)))

/** Make room for one more element in a heap array with `n` used of `cap`. */
#define mem_grow(items, n, cap)                                                                                        \
    do {                                                                                                               \
        if ((n) == (cap)) {                                                                                            \
            (cap) = (cap) == 0 ? 8 : (cap)*2;                                                                          \
            (items) = mem_realloc_array((items), (cap), sizeof(*(items)));                                             \
        }                                                                                                              \
    } while (0)

#endif
