/* converters/plan_cache.h: what a converter compiled, by (number, topic): a schema's pointer when writing, a registry
 * id when reading.
 * Threads    the task's thread.
 * Ownership  topics are copied; plans live in `arena`, and everything goes together in plan_cache_clear.
 * Limits     the caller clears a cache that reached its limit: refilling it is cheaper than keeping order. */
#ifndef CONNECTD_CONVERTERS_PLAN_CACHE_H
#define CONNECTD_CONVERTERS_PLAN_CACHE_H

#include "plugins/api/connectd_plugin.h"

typedef struct plan_entry {
    uint64_t number;
    const char *topic;
    uint64_t hash;
    void *plan;
} plan_entry_t;

/** Zero-initialised is empty and valid. */
typedef struct plan_cache {
    cd_arena_t arena;
    plan_entry_t *slots; /* open addressing, a power of two */
    uint32_t cap, count;
    plan_entry_t last; /* the latest answer; its topic is only compared by content */
} plan_cache_t;

/** NULL when there is none. */
void *plan_cache_get(plan_cache_t *cache, uint64_t number, const char *topic);
/** Add; there must be none yet. */
void plan_cache_put(plan_cache_t *cache, uint64_t number, const char *topic, void *plan);
/** Forget all plans and their memory. */
void plan_cache_clear(plan_cache_t *cache);

#endif
