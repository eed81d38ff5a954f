/* The status topic: parsing, the stale filter, safe writes and exact bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/store/status_map.h"

static cd_bytes_t bytes(const char *s)
{
    return (cd_bytes_t){.ptr = (const uint8_t *)s, .len = s == NULL ? 0 : (uint32_t)strlen(s)};
}

static void feed(status_map_t *m, const char *key, const char *value)
{
    status_map_apply(m, bytes(key), bytes(value));
}

#define STATUS(state, gen) "{\"state\":\"" state "\",\"trace\":null,\"worker_id\":\"w:1\",\"generation\":" gen "}"

static void test_connector_and_tasks(void **state)
{
    (void)state;
    status_map_t *m = status_map_new();
    feed(m, "status-connector-a-b", STATUS("RUNNING", "5"));
    feed(m, "status-task-a-b-1",
         "{\"state\":\"FAILED\",\"trace\":\"x\\n\\tat y\",\"worker_id\":\"w:1\",\"generation\":6}");
    feed(m, "status-task-a-b-0", STATUS("RUNNING", "5"));
    const status_connector_t *c = status_map_find(m, "a-b");
    assert_true(c->known);
    assert_int_equal(c->ntasks, 2);
    assert_int_equal(c->tasks[0].id, 0);
    assert_string_equal(c->tasks[1].status.trace, "x\n\tat y");
    assert_null(c->status.trace);
    assert_int_equal(status_map_generation(m), 6);
    feed(m, "status-task-a-b-1", NULL);
    assert_int_equal(c->ntasks, 1);
    feed(m, "status-connector-a-b", NULL);
    assert_null(status_map_get(m, "a-b", -1));
    status_map_free(m);
}

static void test_strange_records_are_ignored(void **state)
{
    (void)state;
    status_map_t *m = status_map_new();
    feed(m, "status-connector-c", STATUS("SLEEPING", "5"));
    feed(m, "status-connector-c", STATUS("RUNNING", "5.5"));
    feed(m, "status-connector-c", "[1]");
    feed(m, "status-connector-c", "not-json");
    feed(m, "status-connector-c", "{}");
    feed(m, "status-connector-", STATUS("RUNNING", "5"));
    feed(m, "status-task-c", STATUS("RUNNING", "5"));
    feed(m, "status-task-c-x", STATUS("RUNNING", "5"));
    feed(m, "other", STATUS("RUNNING", "5"));
    status_map_apply(m, (cd_bytes_t){0}, bytes("{}"));
    assert_int_equal(status_map_count(m), 0);
    status_map_free(m);
}

static void test_late_unassigned_does_not_hide_a_running_task(void **state)
{
    (void)state;
    status_map_t *m = status_map_new();
    feed(m, "status-task-c-0", STATUS("RUNNING", "5"));
    feed(m, "status-task-c-0", STATUS("UNASSIGNED", "5"));
    assert_string_equal(status_map_get(m, "c", 0)->state, "RUNNING");
    feed(m, "status-task-c-0", STATUS("UNASSIGNED", "6"));
    assert_string_equal(status_map_get(m, "c", 0)->state, "UNASSIGNED");
    feed(m, "status-connector-c", STATUS("RUNNING", "5"));
    feed(m, "status-connector-c", STATUS("UNASSIGNED", "5"));
    assert_string_equal(status_map_get(m, "c", -1)->state, "UNASSIGNED");
    status_map_free(m);
}

static void test_safe_writes(void **state)
{
    (void)state;
    char running[] = "RUNNING", other[] = "b:1";
    const status_t cached = {.state = running, .worker_id = other, .generation = 7};
    assert_false(status_may_replace(&cached, "a:1", 6));
    assert_true(status_may_replace(&cached, "a:1", 7));
    assert_true(status_may_replace(&cached, "b:1", 1));
    assert_true(status_may_replace(NULL, "a:1", 0));
}

static void test_topics(void **state)
{
    (void)state;
    status_map_t *m = status_map_new();
    strbuf_t k = {0}, v = {0};
    status_topic_key("connector-sink", "orders", &k);
    assert_string_equal(k.data, "status-topic-orders:connector-connector-sink");
    status_topic_value("connector-sink", "orders", 0, 1764672000000, &v);
    assert_string_equal(v.data, "{\"topic\":{\"name\":\"orders\",\"connector\":\"connector-sink\",\"task\":0,"
                                "\"discoverTimestamp\":1764672000000}}");
    feed(m, k.data, v.data);
    assert_true(status_map_has_topic(m, "connector-sink", "orders"));
    feed(m, "status-topic-:connector-x", v.data);
    feed(m, "status-topic-t:connector-", v.data);
    assert_int_equal(status_map_count(m), 1);
    feed(m, k.data, NULL);
    assert_false(status_map_has_topic(m, "connector-sink", "orders"));
    strbuf_done(&k);
    strbuf_done(&v);
    status_map_free(m);
}

static void test_written_bytes(void **state)
{
    (void)state;
    strbuf_t b = {0};
    status_value("RUNNING", NULL, "kafka-connect:8083", 5, &b);
    assert_string_equal(b.data,
                        "{\"state\":\"RUNNING\",\"trace\":null,\"worker_id\":\"kafka-connect:8083\",\"generation\":5}");
    strbuf_clear(&b);
    status_key("c", 3, &b);
    assert_string_equal(b.data, "status-task-c-3");
    strbuf_clear(&b);
    status_key("c", -1, &b);
    assert_string_equal(b.data, "status-connector-c");
    strbuf_done(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connector_and_tasks),
        cmocka_unit_test(test_strange_records_are_ignored),
        cmocka_unit_test(test_late_unassigned_does_not_hide_a_running_task),
        cmocka_unit_test(test_safe_writes),
        cmocka_unit_test(test_topics),
        cmocka_unit_test(test_written_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
