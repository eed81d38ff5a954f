/* What to do next with an instance, from what is wanted and what is there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/herder/plan.h"

static const plan_wanted_t wanted = {.assigned = true, .version = 3, .restart = 1, .target = TARGET_STARTED};
static const plan_actual_t running = {.state = PLAN_ACTIVE, .version = 3, .restart = 1, .target = TARGET_STARTED};

static void test_nothing_to_do(void **state)
{
    (void)state;
    assert_int_equal(plan_connector(&wanted, &running, 0, false), PLAN_NOTHING);
    assert_int_equal(plan_task(&wanted, &running, false), PLAN_NOTHING);
}

static void test_start_and_stop(void **state)
{
    const plan_wanted_t lost = {0};
    const plan_actual_t none = {0}, busy = {.state = PLAN_BUSY},
                        failed = {.state = PLAN_FAILED, .version = 3, .restart = 1};
    (void)state;
    assert_int_equal(plan_connector(&wanted, &none, 0, false), PLAN_START);
    assert_int_equal(plan_connector(&wanted, &none, 0, true), PLAN_NOTHING);
    assert_int_equal(plan_connector(&wanted, &busy, 0, false), PLAN_NOTHING);
    assert_int_equal(plan_connector(&lost, &running, 0, false), PLAN_STOP);
    assert_int_equal(plan_connector(&lost, &failed, 0, false), PLAN_STOP);
    assert_int_equal(plan_connector(&wanted, &running, 0, true), PLAN_STOP);
    assert_int_equal(plan_connector(&lost, &none, 0, false), PLAN_NOTHING);
    assert_int_equal(plan_task(&wanted, &none, false), PLAN_START);
    assert_int_equal(plan_task(&lost, &running, false), PLAN_STOP);
}

static void test_failed_stays_failed(void **state)
{
    plan_actual_t failed = running;
    (void)state;
    failed.state = PLAN_FAILED;
    assert_int_equal(plan_connector(&wanted, &failed, 0, false), PLAN_NOTHING);
    assert_int_equal(plan_task(&wanted, &failed, false), PLAN_NOTHING);
    plan_wanted_t again = wanted;
    again.restart++;
    assert_int_equal(plan_connector(&again, &failed, 0, false), PLAN_STOP);
    assert_int_equal(plan_task(&again, &failed, false), PLAN_STOP);
}

static void test_new_config_restarts(void **state)
{
    plan_wanted_t newer = wanted;
    (void)state;
    newer.version++;
    assert_int_equal(plan_connector(&newer, &running, 0, false), PLAN_STOP);
    assert_int_equal(plan_task(&newer, &running, false), PLAN_STOP);
}

static void test_targets(void **state)
{
    plan_wanted_t paused = wanted, stopped = wanted;
    plan_actual_t failed = running;
    (void)state;
    paused.target = TARGET_PAUSED;
    stopped.target = TARGET_STOPPED;
    failed.state = PLAN_FAILED;
    assert_int_equal(plan_connector(&paused, &running, 0, false), PLAN_SET_TARGET);
    assert_int_equal(plan_connector(&paused, &failed, 0, false), PLAN_NOTHING);
    assert_int_equal(plan_connector(&stopped, &failed, 0, false), PLAN_SET_TARGET);
    assert_int_equal(plan_task(&paused, &running, false), PLAN_SET_TARGET);
    assert_int_equal(plan_task(&paused, &failed, false), PLAN_NOTHING);
    assert_int_equal(plan_task(&stopped, &running, false), PLAN_STOP);
    const plan_actual_t none = {0};
    assert_int_equal(plan_connector(&paused, &none, 0, false), PLAN_START);
    assert_int_equal(plan_task(&stopped, &none, false), PLAN_NOTHING);
}

static void test_task_configs_are_asked_for_when_due(void **state)
{
    plan_actual_t a = running;
    plan_wanted_t paused = wanted;
    (void)state;
    a.want_tasks = true;
    a.want_tasks_at = 100;
    assert_int_equal(plan_connector(&wanted, &a, 99, false), PLAN_NOTHING);
    assert_int_equal(plan_connector(&wanted, &a, 100, false), PLAN_TASKS);
    paused.target = a.target = TARGET_PAUSED;
    assert_int_equal(plan_connector(&paused, &a, 100, false), PLAN_NOTHING);
}

static void test_restart_requests_merge_to_the_larger(void **state)
{
    plan_restart_t r = {0};
    (void)state;
    plan_restart_merge(&r, true, true);
    plan_restart_merge(&r, true, false);
    assert_true(r.include_tasks && !r.only_failed);
    plan_restart_merge(&r, true, true);
    assert_true(r.include_tasks && !r.only_failed);
    r = (plan_restart_t){0};
    plan_restart_merge(&r, true, true);
    plan_restart_merge(&r, false, false);
    assert_true(!r.include_tasks && !r.only_failed);
    plan_restart_merge(&r, false, true);
    assert_true(!r.only_failed);
}

static void test_what_a_restart_names(void **state)
{
    const plan_restart_t failed = {.pending = true, .only_failed = true};
    const plan_restart_t failed_tasks = {.pending = true, .only_failed = true, .include_tasks = true};
    const plan_restart_t all = {.pending = true, .include_tasks = true};
    (void)state;
    assert_true(plan_restarts_connector(&failed, "FAILED"));
    assert_false(plan_restarts_connector(&failed, "RUNNING"));
    assert_false(plan_restarts_task(&failed, "FAILED"));
    assert_true(plan_restarts_task(&failed_tasks, "FAILED"));
    assert_false(plan_restarts_task(&failed_tasks, "PAUSED"));
    assert_true(plan_restarts_connector(&all, "PAUSED"));
    assert_true(plan_restarts_task(&all, NULL));
}

static void test_retry_delays(void **state)
{
    (void)state;
    assert_int_equal(plan_retry_ms(1), 250);
    assert_int_equal(plan_retry_ms(2), 500);
    assert_int_equal(plan_retry_ms(8), 32000);
    assert_int_equal(plan_retry_ms(9), 60000);
    assert_int_equal(plan_retry_ms(1000), 60000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_to_do),
        cmocka_unit_test(test_start_and_stop),
        cmocka_unit_test(test_failed_stays_failed),
        cmocka_unit_test(test_new_config_restarts),
        cmocka_unit_test(test_targets),
        cmocka_unit_test(test_task_configs_are_asked_for_when_due),
        cmocka_unit_test(test_restart_requests_merge_to_the_larger),
        cmocka_unit_test(test_what_a_restart_names),
        cmocka_unit_test(test_retry_delays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
