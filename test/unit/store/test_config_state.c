/* The config topic's state machine on sequences of records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/log.h"
#include "runtime/store/config_state.h"

typedef struct rig {
    config_state_t *s;
    int64_t next;
    config_event_t ev;
} rig_t;

static int set_up(void **state)
{
    rig_t *r = calloc(1, sizeof(*r));
    if (r == NULL) return -1;
    r->s = config_state_new();
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    rig_t *r = *state;
    config_state_free(r->s);
    free(r);
    return 0;
}

static cd_bytes_t bytes(const char *s)
{
    return (cd_bytes_t){.ptr = (const uint8_t *)s, .len = s == NULL ? 0 : (uint32_t)strlen(s)};
}

static void feed(rig_t *r, const char *key, const char *value)
{
    config_state_apply(r->s, r->next++, bytes(key), bytes(value), &r->ev);
}

#define CONNECTOR "{\"properties\":{\"connector.class\":\"X\",\"name\":\"c\"}}"
#define TASK      "{\"properties\":{\"task.class\":\"XTask\"}}"

static const config_connector_t *c(rig_t *r)
{
    return config_state_find(r->s, "c");
}

static void test_complete_commit(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", CONNECTOR);
    feed(r, "task-c-0", TASK);
    feed(r, "task-c-1", TASK);
    assert_int_equal(config_connector_tasks(c(r)), 0);
    feed(r, "commit-c", "{\"tasks\":2}");
    assert_int_equal(config_connector_tasks(c(r)), 2);
    assert_int_equal(c(r)->task_generation, 0);
    assert_string_equal(props_get(config_connector_task(c(r), 1), "task.class"), "XTask");
    assert_string_equal(c(r)->config.pairs[0].name, "connector.class");
    assert_string_equal(c(r)->config.pairs[1].name, "name");
}

static void test_incomplete_commit_is_cured_by_a_full_one(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", CONNECTOR);
    feed(r, "task-c-1", TASK);
    feed(r, "commit-c", "{\"tasks\":2}");
    assert_true(c(r)->inconsistent);
    assert_int_equal(config_connector_tasks(c(r)), 0);
    feed(r, "task-c-0", TASK);
    feed(r, "commit-c", "{\"tasks\":1}");
    assert_false(c(r)->inconsistent);
    assert_int_equal(config_connector_tasks(c(r)), 1);
}

static void test_extra_task_configs_do_not_matter(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", CONNECTOR);
    feed(r, "task-c-1", TASK);
    feed(r, "task-c-0", TASK);
    feed(r, "commit-c", "{\"tasks\":1}");
    assert_int_equal(config_connector_tasks(c(r)), 1);
    assert_non_null(config_connector_task(c(r), 1));
}

static void test_zero_tasks_are_complete(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", CONNECTOR);
    feed(r, "commit-c", "{\"tasks\":0}");
    assert_false(c(r)->inconsistent);
    assert_int_equal(config_connector_tasks(c(r)), 0);
    assert_int_equal(c(r)->task_generation, -1);
}

static void test_commit_before_connector_starts_without_tasks(void **state)
{
    rig_t *r = *state;
    feed(r, "task-c-0", TASK);
    feed(r, "commit-c", "{\"tasks\":1}");
    feed(r, "connector-c", CONNECTOR);
    assert_true(c(r)->exists);
    assert_int_equal(config_connector_tasks(c(r)), 0);
}

static void test_delete_forgets_and_tombstone_of_target_follows(void **state)
{
    rig_t *r = *state;
    config_state_started(r->s);
    feed(r, "connector-c", CONNECTOR);
    assert_int_equal(r->ev.type, CONFIG_EV_CONNECTOR);
    assert_string_equal(r->ev.name, "c");
    feed(r, "task-c-0", TASK);
    feed(r, "commit-c", "{\"tasks\":1}");
    assert_int_equal(r->ev.type, CONFIG_EV_TASKS);
    feed(r, "target-state-c", "{\"state\":\"PAUSED\"}");
    assert_int_equal(r->ev.type, CONFIG_EV_TARGET);
    feed(r, "connector-c", NULL);
    assert_int_equal(r->ev.type, CONFIG_EV_REMOVED);
    assert_false(c(r)->exists);
    assert_int_equal(config_connector_tasks(c(r)), 0);
    assert_null(config_connector_task(c(r), 0));
    feed(r, "target-state-c", NULL);
    assert_int_equal(r->ev.type, CONFIG_EV_NONE);
    assert_int_equal(c(r)->target, TARGET_NONE);
    feed(r, "connector-c", CONNECTOR);
    assert_int_equal(c(r)->target, TARGET_STARTED);
}

static void test_target_states(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", CONNECTOR);
    assert_int_equal(c(r)->target, TARGET_STARTED);
    feed(r, "target-state-c", "{\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}");
    assert_int_equal(c(r)->target, TARGET_STOPPED);
    feed(r, "target-state-c", "{\"state\":\"PAUSED\",\"state.v2\":7}");
    assert_int_equal(c(r)->target, TARGET_PAUSED);
    feed(r, "target-state-c", "{\"state\":\"FOO\"}");
    assert_int_equal(c(r)->target, TARGET_PAUSED);
    feed(r, "target-state-c", NULL);
    assert_int_equal(c(r)->target, TARGET_STARTED);
    feed(r, "target-state-later", "{\"state\":\"STOPPED\"}");
    feed(r, "connector-later", CONNECTOR);
    assert_int_equal(config_state_find(r->s, "later")->target, TARGET_STOPPED);
}

static void test_same_target_again_is_no_event(void **state)
{
    rig_t *r = *state;
    config_state_started(r->s);
    feed(r, "connector-c", CONNECTOR);
    feed(r, "target-state-c", "{\"state\":\"STARTED\"}");
    assert_int_equal(r->ev.type, CONFIG_EV_NONE);
    feed(r, "target-state-unknown", "{\"state\":\"PAUSED\"}");
    assert_int_equal(r->ev.type, CONFIG_EV_NONE);
}

static void test_offset_counts_parsed_records_only(void **state)
{
    rig_t *r = *state;
    assert_int_equal(config_state_offset(r->s), -1);
    r->next = 8;
    feed(r, "connector-c", CONNECTOR);
    assert_int_equal(config_state_offset(r->s), 9);
    feed(r, "connector-c", "not-json");
    assert_int_equal(config_state_offset(r->s), 9);
    r->next = 9;
    feed(r, "unknown", "{}");
    assert_int_equal(config_state_offset(r->s), 10);
    config_state_apply(r->s, 10, (cd_bytes_t){0}, bytes("{}"), &r->ev);
    assert_int_equal(config_state_offset(r->s), 11);
}

static void test_task_keys(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-a-b", CONNECTOR);
    feed(r, "task-a-b-3", TASK);
    assert_int_equal(config_state_find(r->s, "a-b")->deferred.items[0].id, 3);
    feed(r, "task-x", TASK);
    feed(r, "task-x-y", TASK);
    feed(r, "task-x-99999999999", TASK);
    assert_null(config_state_find(r->s, "x"));
    feed(r, "tasks-fencing-x", "{\"task-count\":3}");
    assert_int_equal(config_state_find(r->s, "x")->task_count_record, 3);
    assert_int_equal(config_state_find(r->s, "x")->deferred.n, 0);
}

static void test_restart_records_only_count_when_live(void **state)
{
    rig_t *r = *state;
    feed(r, "restart-connector-c", "{\"include-tasks\":true,\"only-failed\":true}");
    assert_int_equal(r->ev.type, CONFIG_EV_NONE);
    config_state_started(r->s);
    feed(r, "restart-connector-c", "{\"include-tasks\":true}");
    assert_int_equal(r->ev.type, CONFIG_EV_RESTART);
    assert_true(r->ev.include_tasks);
    assert_false(r->ev.only_failed);
}

static void test_session_key_and_logger(void **state)
{
    rig_t *r = *state;
    config_state_started(r->s);
    feed(r, "session-key", "{\"key\":\"AAEC\",\"algorithm\":\"HmacSHA256\",\"creation-timestamp\":5}");
    assert_int_equal(r->ev.type, CONFIG_EV_SESSION_KEY);
    assert_string_equal(config_state_session_key(r->s)->key, "AAEC");
    feed(r, "session-key", "{\"key\":1}");
    assert_int_equal(r->ev.type, CONFIG_EV_NONE);
    feed(r, "logger-cluster-io.debezium", "{\"level\":\"debug\"}");
    assert_int_equal(r->ev.type, CONFIG_EV_LOGGER);
    assert_string_equal(r->ev.name, "io.debezium");
    assert_string_equal(r->ev.level, "debug");
}

static void test_nulls_and_scalars_in_configs(void **state)
{
    rig_t *r = *state;
    feed(r, "connector-c", "{\"properties\":{\"a\":null,\"b\":1,\"c\":true}}");
    assert_true(props_has(&c(r)->config, "a"));
    assert_null(props_get(&c(r)->config, "a"));
    assert_string_equal(props_get(&c(r)->config, "b"), "1");
    feed(r, "connector-c", "{\"properties\":{\"a\":[1]}}");
    assert_string_equal(props_get(&c(r)->config, "b"), "1");
    feed(r, "connector-c", "null");
    assert_false(c(r)->exists);
}

static void test_written_bytes(void **state)
{
    (void)state;
    strbuf_t b = {0};
    const cd_pair_t pairs[] = {{"connector.class", "X"}, {"q", "a\"\\\n"}, {"n", NULL}, {"name", "s1"}};
    const cd_config_t config = {.n = 4, .pairs = pairs};
    config_value_properties(&config, &b);
    assert_string_equal(b.data, "{\"properties\":{\"connector.class\":\"X\",\"q\":\"a\\\"\\\\\\n\",\"n\":null,"
                                "\"name\":\"s1\"}}");
    strbuf_clear(&b);
    config_value_target(TARGET_STOPPED, &b);
    assert_string_equal(b.data, "{\"state\":\"PAUSED\",\"state.v2\":\"STOPPED\"}");
    strbuf_clear(&b);
    config_value_target(TARGET_STARTED, &b);
    assert_string_equal(b.data, "{\"state\":\"STARTED\",\"state.v2\":\"STARTED\"}");
    strbuf_clear(&b);
    config_value_commit(2, &b);
    assert_string_equal(b.data, "{\"tasks\":2}");
    strbuf_clear(&b);
    config_value_restart(true, false, &b);
    assert_string_equal(b.data, "{\"include-tasks\":true,\"only-failed\":false}");
    strbuf_clear(&b);
    config_value_logger("debug", &b);
    assert_string_equal(b.data, "{\"level\":\"debug\"}");
    strbuf_done(&b);
}

#define WITH_RIG(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_RIG(test_complete_commit),
        WITH_RIG(test_incomplete_commit_is_cured_by_a_full_one),
        WITH_RIG(test_extra_task_configs_do_not_matter),
        WITH_RIG(test_zero_tasks_are_complete),
        WITH_RIG(test_commit_before_connector_starts_without_tasks),
        WITH_RIG(test_delete_forgets_and_tombstone_of_target_follows),
        WITH_RIG(test_target_states),
        WITH_RIG(test_same_target_again_is_no_event),
        WITH_RIG(test_offset_counts_parsed_records_only),
        WITH_RIG(test_task_keys),
        WITH_RIG(test_restart_records_only_count_when_live),
        WITH_RIG(test_session_key_and_logger),
        WITH_RIG(test_nulls_and_scalars_in_configs),
        cmocka_unit_test(test_written_bytes),
    };
    log_set_level("root", LOG_OFF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_done();
    return failed;
}
