/* Task configs on their way to the topic: class names, placeholders, comparison, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/base/log.h"
#include "runtime/herder/task_plan.h"

static cd_bytes_t bytes(const char *s)
{
    return (cd_bytes_t){.ptr = (const uint8_t *)s, .len = (uint32_t)strlen(s)};
}

static void test_class_names(void **state)
{
    cd_arena_t arena = {0};
    (void)state;
    assert_string_equal(task_plan_class("io.debezium.connector.sqlserver.SqlServerConnector", &arena),
                        "io.debezium.connector.sqlserver.SqlServerConnectorTask");
    assert_string_equal(task_plan_class("io.confluent.connect.jdbc.JdbcSinkConnector", &arena),
                        "io.confluent.connect.jdbc.sink.JdbcSinkTask");
    assert_string_equal(task_plan_class("org.apache.kafka.connect.file.FileStreamSinkConnector", &arena),
                        "org.apache.kafka.connect.file.FileStreamSinkTask");
    cd_arena_done(&arena);
}

static void test_secrets_become_placeholders_again(void **state)
{
    static const cd_plugin_t plugin = {.kind = CD_KIND_SINK, .jvm_class = "x.FooConnector"};
    const cd_pair_t raw_pairs[] = {{"password", "${vault:db:pw}"}, {"url", "jdbc:x"}, {"topics", "a,b"}};
    const cd_pair_t made_pairs[] = {{"password", "secret"}, {"url", "jdbc:x"}, {"task.id", "0"}};
    const cd_config_t raw = {.n = 3, .pairs = raw_pairs}, made = {.n = 3, .pairs = made_pairs};
    cd_arena_t arena = {0};
    cd_config_t *out;
    (void)state;
    task_plan_finish(&plugin, &raw, &made, 1, &arena, &out);
    assert_string_equal(cd_config_get(&out[0], "password"), "${vault:db:pw}");
    assert_string_equal(cd_config_get(&out[0], "task.id"), "0");
    assert_string_equal(cd_config_get(&out[0], "task.class"), "x.FooTask");
    assert_string_equal(cd_config_get(&out[0], "topics"), "a,b");
    assert_int_equal(out[0].n, 5);
    cd_arena_done(&arena);
}

static void test_changes(void **state)
{
    config_state_t *s = config_state_new();
    config_event_t ev;
    const cd_pair_t same_pair = {"k", "v"}, other_pair = {"k", "w"};
    const cd_config_t same = {.n = 1, .pairs = &same_pair}, other = {.n = 1, .pairs = &other_pair};
    (void)state;
    config_state_apply(s, 0, bytes("connector-c"), bytes("{\"properties\":{\"a\":\"1\"}}"), &ev);
    const config_connector_t *c = config_state_find(s, "c");
    assert_true(task_plan_changed(c, &same, 1));
    config_state_apply(s, 1, bytes("task-c-0"), bytes("{\"properties\":{\"k\":\"v\"}}"), &ev);
    config_state_apply(s, 2, bytes("commit-c"), bytes("{\"tasks\":1}"), &ev);
    assert_false(task_plan_changed(c, &same, 1));
    assert_true(task_plan_changed(c, &other, 1));
    assert_true(task_plan_changed(c, &same, 0));
    config_state_apply(s, 3, bytes("connector-c"), bytes("{\"properties\":{\"a\":\"2\"}}"), &ev);
    assert_true(task_plan_changed(c, &same, 1));
    config_state_free(s);
}

static void test_too_many_tasks(void **state)
{
    const cd_pair_t two = {"tasks.max", "2"}, lax[] = {{"tasks.max", "2"}, {"tasks.max.enforce", "false"}};
    const cd_config_t strict_config = {.n = 1, .pairs = &two}, lax_config = {.n = 2, .pairs = lax}, none = {0};
    (void)state;
    assert_int_equal(task_plan_max(&strict_config), 2);
    assert_int_equal(task_plan_max(&none), 1);
    assert_null(task_plan_check("c", &strict_config, 2));
    cd_err_t *err = task_plan_check("c", &strict_config, 4);
    assert_non_null(err);
    assert_non_null(
        strstr(err->message, "The connector c has generated 4 tasks, which is greater than 2, the maximum"));
    cd_err_free(err);
    assert_null(task_plan_check("c", &lax_config, 4));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_names),
        cmocka_unit_test(test_secrets_become_placeholders_again),
        cmocka_unit_test(test_changes),
        cmocka_unit_test(test_too_many_tasks),
    };
    log_set_level("root", LOG_OFF);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    log_done();
    return failed;
}
