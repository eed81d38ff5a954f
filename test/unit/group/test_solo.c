/* A group of one worker: an assignment of everything, once per turn, with growing generations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/group/group.h"

typedef struct seen {
    uint32_t n;
    int64_t generation;
    uint32_t connectors, tasks;
    int32_t last_task;
    bool leader;
} seen_t;

static void world(void *arg, cd_arena_t *arena, group_world_t *ret_world)
{
    group_item_t *items = cd_arena_array(arena, group_item_t, 2);
    (void)arg;
    items[0] = (group_item_t){.connector = "a", .tasks = 2};
    items[1] = (group_item_t){.connector = "b", .tasks = 0};
    *ret_world = (group_world_t){.config_offset = 7, .n = 2, .items = items};
}

static void assigned(void *arg, const group_assignment_t *a)
{
    seen_t *s = arg;
    s->n++;
    s->generation = a->generation;
    s->connectors = a->nconnectors;
    s->tasks = a->ntasks;
    s->last_task = a->tasks[a->ntasks - 1].task;
    s->leader = a->is_leader && strcmp(a->leader_url, "http://w:1/") == 0 && a->config_offset == 7;
}

static void test_everything_is_assigned_once_per_turn(void **state)
{
    uv_loop_t loop;
    seen_t seen = {0};
    (void)state;
    assert_int_equal(uv_loop_init(&loop), 0);
    const group_events_t events = {.arg = &seen, .world = world, .assigned = assigned};
    group_t *g = group_solo_new(&loop, "http://w:1/", 41, &events);
    assert_false(g->ops->pending(g));
    g->ops->rejoin(g);
    g->ops->rejoin(g);
    assert_true(g->ops->pending(g));
    assert_int_equal(seen.n, 0);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_false(g->ops->pending(g));
    assert_int_equal(seen.n, 1);
    assert_int_equal(seen.generation, 42);
    assert_int_equal(seen.connectors, 2);
    assert_int_equal(seen.tasks, 2);
    assert_int_equal(seen.last_task, 1);
    assert_true(seen.leader);
    g->ops->rejoin(g);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(seen.generation, 43);
    g->ops->leave(g);
    (void)uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_everything_is_assigned_once_per_turn)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
