/* Writes of the config store over a log in memory: order of records, answers, what the state shows by then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/log.h"
#include "runtime/store/config_store.h"
#include "runtime/store/memory_log.h"

typedef struct rig {
    uv_loop_t loop;
    deferred_t *deferred;
    config_store_t *store;
    uint32_t events[16], nevents;
    uint32_t answers;
    cd_err_t *err; /* of the last answer */
} rig_t;

static void on_event(void *arg, const config_event_t *ev)
{
    rig_t *r = arg;
    if (r->nevents < 16) r->events[r->nevents++] = ev->type;
}

static void on_done(void *arg, cd_err_t *err)
{
    rig_t *r = arg;
    r->answers++;
    cd_err_free(r->err);
    r->err = err;
}

static int set_up(void **state)
{
    rig_t *r = calloc(1, sizeof(*r));
    if (r == NULL || uv_loop_init(&r->loop) != 0) return -1;
    r->deferred = deferred_new(&r->loop);
    r->store = config_store_new(&r->loop, memory_log_new(r->deferred), on_event, r);
    config_store_start(r->store, on_done, r);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    *state = r;
    return r->answers == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
    rig_t *r = *state;
    if (r->store != NULL) config_store_close(r->store);
    deferred_close(r->deferred);
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    cd_err_free(r->err);
    int rc = uv_loop_close(&r->loop);
    free(r);
    return rc;
}

static void run(rig_t *r)
{
    r->answers = 0;
    (void)uv_run(&r->loop, UV_RUN_DEFAULT);
    assert_int_equal(r->answers, 1);
    assert_null(r->err);
}

static const config_connector_t *c(rig_t *r)
{
    return config_state_find(config_store_state(r->store), "c");
}

static const cd_pair_t pair = {"name", "c"};
static const cd_config_t config = {.n = 1, .pairs = &pair};

static void test_create_with_a_state_and_delete(void **state)
{
    rig_t *r = *state;
    r->answers = 0;
    config_store_put_connector(r->store, "c", &config, TARGET_PAUSED, on_done, r);
    assert_int_equal(r->answers, 0);
    run(r);
    assert_true(c(r)->exists);
    assert_int_equal(c(r)->target, TARGET_PAUSED);
    assert_int_equal(r->nevents, 1);
    assert_int_equal(r->events[0], CONFIG_EV_CONNECTOR);
    config_store_remove_connector(r->store, "c", on_done, r);
    run(r);
    assert_false(c(r)->exists);
    assert_int_equal(c(r)->target, TARGET_NONE);
}

static void test_tasks_are_committed_as_a_whole(void **state)
{
    rig_t *r = *state;
    const cd_config_t tasks[] = {config, config};
    config_store_put_connector(r->store, "c", &config, TARGET_NONE, on_done, r);
    run(r);
    config_store_put_tasks(r->store, "c", tasks, 2, on_done, r);
    run(r);
    assert_int_equal(config_connector_tasks(c(r)), 2);
    assert_int_equal(config_state_offset(config_store_state(r->store)), 4);
    config_store_put_tasks(r->store, "c", NULL, 0, on_done, r);
    run(r);
    assert_int_equal(config_connector_tasks(c(r)), 0);
    config_store_put_target(r->store, "c", TARGET_STOPPED, on_done, r);
    run(r);
    assert_int_equal(c(r)->target, TARGET_STOPPED);
}

static void test_restart_requests_come_as_events(void **state)
{
    rig_t *r = *state;
    config_store_put_restart(r->store, "c", true, false, on_done, r);
    run(r);
    assert_int_equal(r->events[0], CONFIG_EV_RESTART);
}

static void test_a_close_answers_what_is_under_way(void **state)
{
    rig_t *r = *state;
    r->answers = 0;
    config_store_put_connector(r->store, "c", &config, TARGET_NONE, on_done, r);
    config_store_close(r->store);
    r->store = NULL;
    assert_int_equal(r->answers, 1);
    assert_true(cd_err_is(r->err, CD_ERR_STOPPED));
}

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_create_with_a_state_and_delete),
        WITH_RIG(test_tasks_are_committed_as_a_whole),
        WITH_RIG(test_restart_requests_come_as_events),
        WITH_RIG(test_a_close_answers_what_is_under_way),
    };
    log_set_level("root", LOG_OFF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_done();
    return failed;
}
