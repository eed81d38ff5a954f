/* wire/pool.c: see pool.h */
#include "wire/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { POOL_BLOCK = 8 << 10, POOL_ALIGN = 16 };

struct pool_block {
    pool_block_t *next;
    size_t size;
    _Alignas(POOL_ALIGN) char data[];
};

void *wire_malloc(size_t size)
{
    void *ptr = malloc(size == 0 ? 1 : size);
    if (ptr == NULL) abort();
    return ptr;
}

void *wire_calloc(size_t count, size_t size)
{
    void *ptr = calloc(count == 0 ? 1 : count, size == 0 ? 1 : size);
    if (ptr == NULL) abort();
    return ptr;
}

void *wire_realloc(void *ptr, size_t size)
{
    void *grown = realloc(ptr, size == 0 ? 1 : size);
    if (grown == NULL) abort();
    return grown;
}

void *pool_alloc(pool_t *pool, size_t size)
{
    if (size > SIZE_MAX / 2) abort();
    size = (size + POOL_ALIGN - 1) & ~(size_t)(POOL_ALIGN - 1);
    if (size == 0) size = POOL_ALIGN;
    if (pool->at == NULL || (size_t)(pool->end - pool->at) < size) {
        size_t room = size > POOL_BLOCK ? size : POOL_BLOCK;
        pool_block_t *block = wire_malloc(sizeof(*block) + room);
        block->size = room;
        block->next = pool->head;
        pool->head = block;
        pool->at = block->data;
        pool->end = block->data + room;
    }
    void *ptr = pool->at;
    pool->at += size;
    return ptr;
}

void *pool_zalloc(pool_t *pool, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total)) abort();
    return memset(pool_alloc(pool, total), 0, total);
}

char *pool_strdup(pool_t *pool, const char *ptr, size_t len)
{
    char *copy = pool_alloc(pool, len + 1);
    memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

void pool_reset(pool_t *pool)
{
    while (pool->head != NULL && (pool->head->next != NULL || pool->head->size > POOL_BLOCK)) {
        pool_block_t *next = pool->head->next;
        free(pool->head);
        pool->head = next;
    }
    pool->at = pool->head == NULL ? NULL : pool->head->data;
    pool->end = pool->head == NULL ? NULL : pool->head->data + pool->head->size;
}

void pool_done(pool_t *pool)
{
    while (pool->head != NULL) {
        pool_block_t *next = pool->head->next;
        free(pool->head);
        pool->head = next;
    }
    pool->at = pool->end = NULL;
}
