#include "plugins/converters/plan_cache.h"

#include "runtime/base/mem.h"

static uint64_t hash_of(uint64_t number, const char *topic)
{
    uint64_t h = UINT64_C(0xCBF29CE484222325) ^ (number * UINT64_C(0x9E3779B97F4A7C15));
    for (const char *p = topic; *p != '\0'; p++) h = (h ^ (uint8_t)*p) * UINT64_C(0x100000001B3);
    return h ^ (h >> 31);
}

static plan_entry_t *find(const plan_cache_t *c, uint64_t number, const char *topic, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (c->cap - 1);
    while (c->slots[i].plan != NULL) {
        const plan_entry_t *e = &c->slots[i];
        if (e->hash == hash && e->number == number && strcmp(e->topic, topic) == 0) break;
        i = (i + 1) & (c->cap - 1);
    }
    return &c->slots[i];
}

void *plan_cache_get(plan_cache_t *c, uint64_t number, const char *topic)
{
    if (c->last.plan != NULL && c->last.number == number && strcmp(c->last.topic, topic) == 0) return c->last.plan;
    if (c->count == 0) return NULL;
    const plan_entry_t *e = find(c, number, topic, hash_of(number, topic));
    if (e->plan != NULL) c->last = *e;
    return e->plan;
}

void plan_cache_put(plan_cache_t *c, uint64_t number, const char *topic, void *plan)
{
    if (c->count * 2 >= c->cap) {
        plan_cache_t bigger = {.cap = c->cap == 0 ? 64 : c->cap * 2};
        bigger.slots = mem_alloc0(bigger.cap, sizeof(*bigger.slots));
        for (uint32_t i = 0; i < c->cap; i++) {
            const plan_entry_t *e = &c->slots[i];
            if (e->plan != NULL) *find(&bigger, e->number, e->topic, e->hash) = *e;
        }
        free(c->slots);
        c->slots = bigger.slots;
        c->cap = bigger.cap;
    }
    uint64_t hash = hash_of(number, topic);
    plan_entry_t *e = find(c, number, topic, hash);
    *e = (plan_entry_t){.number = number, .topic = cd_arena_strdup(&c->arena, topic), .hash = hash, .plan = plan};
    c->count++;
    c->last = *e;
}

void plan_cache_clear(plan_cache_t *c)
{
    free(c->slots);
    cd_arena_done(&c->arena);
    *c = (plan_cache_t){0};
}
