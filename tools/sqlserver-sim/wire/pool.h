/* wire/pool.h: bump memory that lives as long as one request.
 * Threads    one owner at a time.     Ownership  everything dies with pool_reset or pool_done.
 * Errors     none: running out of memory aborts, but every caller asks for no more than a bounded request has sent.
 */
#ifndef SIM_WIRE_POOL_H
#define SIM_WIRE_POOL_H

#include <stddef.h>

typedef struct pool_block pool_block_t;
typedef struct pool {
    pool_block_t *head;
    char *at, *end;
} pool_t;

/** @return size bytes, aligned for any type, contents undefined; size 0 gives a unique pointer */
void *pool_alloc(pool_t *pool, size_t size);
/** @return count zeroed elements; aborts on overflow */
void *pool_zalloc(pool_t *pool, size_t count, size_t size);
/** @return a NUL-terminated copy */
char *pool_strdup(pool_t *pool, const char *ptr, size_t len);
/** Frees everything but one small block, so an idle connection stays small. */
void pool_reset(pool_t *pool);
void pool_done(pool_t *pool);

/** malloc family that aborts when memory is gone. */
void *wire_malloc(size_t size);
void *wire_calloc(size_t count, size_t size);
void *wire_realloc(void *ptr, size_t size);

#endif
