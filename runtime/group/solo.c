#include "runtime/group/group.h"

#include "runtime/base/mem.h"

typedef struct solo {
    group_t base;
    uv_timer_t timer; /* fires on the next turn: several wishes become one assignment */
    group_events_t events;
    char *url;
    int64_t generation;
    bool pending;
} solo_t;

static void assign(uv_timer_t *t)
{
    solo_t *s = t->data;
    cd_arena_t arena = {0};
    group_world_t world = {0};
    uint32_t ntasks = 0;
    s->pending = false;
    s->events.world(s->events.arg, &arena, &world);
    for (uint32_t i = 0; i < world.n; i++) ntasks += world.items[i].tasks;
    const char **connectors = cd_arena_array(&arena, const char *, world.n);
    group_task_t *tasks = cd_arena_array(&arena, group_task_t, ntasks);
    ntasks = 0;
    for (uint32_t i = 0; i < world.n; i++) {
        connectors[i] = world.items[i].connector;
        for (uint32_t n = 0; n < world.items[i].tasks; n++)
            tasks[ntasks++] = (group_task_t){.connector = world.items[i].connector, .task = (int32_t)n};
    }
    const group_assignment_t a = {.generation = ++s->generation,
                                  .is_leader = true,
                                  .leader_url = s->url,
                                  .config_offset = world.config_offset,
                                  .nconnectors = world.n,
                                  .connectors = connectors,
                                  .ntasks = ntasks,
                                  .tasks = tasks};
    s->events.assigned(s->events.arg, &a);
    cd_arena_done(&arena);
}

static void rejoin(group_t *g)
{
    solo_t *s = (solo_t *)g;
    if (s->pending) return;
    s->pending = true;
    if (uv_timer_start(&s->timer, assign, 0, 0) != 0) abort(); /* fails only for a closing handle */
}

static bool pending(const group_t *g)
{
    return ((const solo_t *)g)->pending;
}

static void on_closed(uv_handle_t *h)
{
    solo_t *s = h->data;
    free(s->url);
    free(s);
}

static void leave(group_t *g)
{
    solo_t *s = (solo_t *)g;
    uv_close((uv_handle_t *)&s->timer, on_closed);
}

static const group_ops_t ops = {.rejoin = rejoin, .pending = pending, .leave = leave};

group_t *group_solo_new(uv_loop_t *loop, const char *url, int64_t generation, const group_events_t *events)
{
    solo_t *s = mem_new0(solo_t);
    s->base.ops = &ops;
    s->events = *events;
    s->url = mem_strdup(url);
    s->generation = generation;
    s->timer.data = s;
    if (uv_timer_init(loop, &s->timer) != 0) abort(); /* fails only for a NULL loop */
    return &s->base;
}
