/* transforms/schema_plans.h: what a transform worked out for each schema it met. Schemas of a task are numbered from 1
 * without gaps (cd_schema_t.id), so a plan is found by index. Zero-initialised is empty; one thread. */
#ifndef CONNECTD_TRANSFORMS_SCHEMA_PLANS_H
#define CONNECTD_TRANSFORMS_SCHEMA_PLANS_H

#include "plugins/api/connectd_plugin.h"
#include "runtime/base/mem.h"

typedef struct schema_plans {
    void **items;
    uint32_t cap;
} schema_plans_t;

static inline void *schema_plans_get(const schema_plans_t *p, const cd_schema_t *schema)
{
    return schema->id < p->cap ? p->items[schema->id] : NULL;
}

static inline void schema_plans_put(schema_plans_t *p, const cd_schema_t *schema, void *plan)
{
    if (schema->id >= p->cap) {
        uint32_t cap = (schema->id + 64) * 2;
        p->items = (void **)mem_realloc_array(p->items, cap, sizeof(*p->items));
        memset(p->items + p->cap, 0, (cap - p->cap) * sizeof(*p->items));
        p->cap = cap;
    }
    p->items[schema->id] = plan;
}

static inline void schema_plans_done(schema_plans_t *p)
{
    free(p->items);
    *p = (schema_plans_t){0};
}

#endif
