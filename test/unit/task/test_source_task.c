#include "test/unit/task/flow.h"

#include <pthread.h>

/* A source that counts up to `limit`, from where the store says it left off. */
typedef struct counter {
    cd_ctx_t *ctx;
    int64_t next, limit;
    bool slow_stop;
    int fail_at; /* poll fails when next gets here; -1: never */
} counter_t;

static uint32_t committed_calls, stopped_calls; /* atomic: counted by task threads */

static cd_err_t *counter_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    counter_t *c = mem_new0(counter_t);
    cd_arena_t arena = {0};
    cd_value_t pair[2] = {cd_v_str("table"), cd_v_str("t")}, partition = cd_v_items(CD_MAP, pair, 1), offset;
    c->ctx = ctx;
    c->limit = atoll(cd_config_get(config, "limit"));
    c->fail_at = cd_config_get(config, "fail.at") != NULL ? atoi(cd_config_get(config, "fail.at")) : -1;
    c->slow_stop = cd_config_get(config, "slow.stop") != NULL;
    cd_err_t *err = cd_host->offset_read(ctx, &partition, &arena, &offset);
    const cd_value_t *position = cd_map_get(&offset, "position");
    if (err == NULL && position != NULL) c->next = position->i64 + 1;
    cd_arena_done(&arena);
    *ret = c;
    if (err != NULL) free(c);
    return err;
}

static cd_err_t *counter_poll(void *task, cd_batch_t *batch, int64_t timeout_ms)
{
    counter_t *c = task;
    if (c->next >= c->limit) {
        (void)cd_host->wait(c->ctx, timeout_ms);
        return NULL;
    }
    cd_value_t *partition = cd_arena_array(&batch->arena, cd_value_t, 3);
    partition[1] = cd_v_str("table");
    partition[2] = cd_v_str("t");
    partition[0] = cd_v_items(CD_MAP, &partition[1], 1);
    for (int i = 0; i < 100 && c->next < c->limit; i++, c->next++) {
        if (c->next == c->fail_at) {
            if (i > 0) return NULL;
            return cd_err_new(CD_ERR_FATAL, "java.lang.IllegalStateException", "no more");
        }
        cd_value_t *pair = cd_arena_array(&batch->arena, cd_value_t, 3);
        cd_record_t *r = cd_batch_add(batch);
        r->topic = "numbers";
        r->partition = 0;
        r->value = cd_v_str(cd_arena_printf(&batch->arena, "%lld", (long long)c->next));
        r->source_partition = partition;
        pair[1] = cd_v_str("position");
        pair[2] = cd_v_int(CD_INT64, c->next);
        pair[0] = cd_v_items(CD_MAP, &pair[1], 1);
        r->source_offset = &pair[0];
    }
    return NULL;
}

static void counter_committed(void *task)
{
    (void)task;
    (void)__atomic_fetch_add(&committed_calls, 1, __ATOMIC_SEQ_CST);
}

static void counter_stop(void *task)
{
    counter_t *c = task;
    (void)__atomic_fetch_add(&stopped_calls, 1, __ATOMIC_SEQ_CST);
    free(c);
}

static const cd_source_ops_t counter_ops = {.size = sizeof(counter_ops),
                                            .connector = FLOW_CONNECTOR,
                                            .task_start = counter_start,
                                            .poll = counter_poll,
                                            .committed = counter_committed,
                                            .task_stop = counter_stop};
static const cd_plugin_t counter_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_SOURCE, .jvm_class = "test.Counter",
                                           .version = "1", .ops = &counter_ops};

static void expect_next(void *arg, rd_kafka_message_t *m)
{
    int64_t *next = arg;
    char text[32] = {0};
    assert_true(m->len < sizeof(text));
    memcpy(text, m->payload, m->len);
    assert_int_equal(atoll(text), *next);
    (*next)++;
}

static void test_records_arrive_in_order_and_their_last_offset_is_stored(void **state)
{
    (void)state;
    flow_t f;
    int64_t next = 0;
    cd_pair_t pairs[] = {{"limit", "5000"}};
    flow_begin(&f, flow_builtin);
    flow_start(&f, &counter_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.stored == 4999);
    assert_int_equal(f.state, TASK_RUNNING);
    assert_int_equal(f.topics, 1);
    flow_read_topic(&f, "numbers", 5000, expect_next, &next);
    flow_stop(&f);
    assert_int_equal(f.failed, 0);
    flow_end(&f);
}

static void test_stop_commits_what_was_acknowledged(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "100000000"}};
    flow_begin(&f, flow_builtin);
    flow_start(&f, &counter_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.stored > 200);
    flow_stop(&f);
    int64_t last = f.stored, next = 0;
    assert_true(last > 200);
    flow_read_topic(&f, "numbers", (uint32_t)last + 1, expect_next, &next); /* nothing stored that is not in Kafka */
    flow_end(&f);
}

static void test_a_refused_offset_write_is_repeated(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "10"}};
    flow_begin(&f, flow_builtin);
    f.refuse_writes = true;
    flow_start(&f, &counter_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.writes >= 3);
    assert_int_equal(f.stored, -1);
    f.refuse_writes = false;
    flow_until(&f, f.stored == 9);
    flow_stop(&f);
    flow_end(&f);
}

static void test_a_failed_poll_fails_the_task_with_its_class_and_keeps_offsets(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "500"}, {"fail.at", "250"}};
    flow_begin(&f, flow_builtin);
    flow_start(&f, &counter_plugin, &(cd_config_t){2, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.failed == 1);
    assert_true(str_starts(f.trace, "java.lang.IllegalStateException: no more\n\tat "));
    assert_int_equal(f.stored, 249);
    assert_int_equal(f.stopped, 0);
    flow_stop(&f);
    flow_end(&f);
}

static void test_paused_before_start_then_resumed_and_paused_again(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "10"}};
    flow_begin(&f, flow_builtin);
    flow_start(&f, &counter_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_PAUSED);
    flow_until(&f, f.paused == 1);
    assert_int_equal(f.topics, 0);
    task_set_target(f.task, TASK_TARGET_RUNNING);
    flow_until(&f, f.running == 1 && f.stored == 9);
    task_set_target(f.task, TASK_TARGET_PAUSED);
    flow_until(&f, f.paused == 2);
    task_set_target(f.task, TASK_TARGET_RUNNING);
    flow_until(&f, f.running == 2);
    flow_stop(&f);
    flow_end(&f);
}

static void test_a_missing_converter_fails_with_its_key(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "10"}, {"value.converter", "no.such.Converter"}};
    flow_begin(&f, flow_builtin);
    flow_start(&f, &counter_plugin, &(cd_config_t){2, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.failed == 1);
    assert_true(str_starts(f.trace,
                           CD_JVM_CONFIG ": Invalid value no.such.Converter for configuration value.converter: "
                                         "Class no.such.Converter could not be found."));
    flow_stop(&f);
    flow_end(&f);
}

/* A stop right behind the failure used to be slept through now and then: it fell between a check and a poll. */
static void test_a_failed_task_hears_a_stop_at_any_moment(void **state)
{
    (void)state;
    cd_pair_t pairs[] = {{"limit", "10"}, {"value.converter", "no.such.Converter"}};
    for (int i = 0; i < 30; i++) {
        flow_t f;
        flow_begin(&f, flow_builtin);
        flow_start(&f, &counter_plugin, &(cd_config_t){2, pairs}, TASK_TARGET_RUNNING);
        flow_until(&f, f.failed == 1);
        flow_stop(&f);
        flow_end(&f);
    }
}

static void test_an_abandoned_task_says_nothing_more(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"limit", "100000000"}};
    flow_begin(&f, flow_builtin);
    uint32_t stops = __atomic_load_n(&stopped_calls, __ATOMIC_SEQ_CST);
    flow_start(&f, &counter_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.stored > 0);
    task_abandon(f.task);
    int64_t stored = f.stored;
    flow_until(&f, __atomic_load_n(&stopped_calls, __ATOMIC_SEQ_CST) > stops);
    assert_int_equal(f.stopped, 0);
    assert_int_equal(f.stored, stored);
    flow_end(&f);
}

typedef struct conn_seen {
    uint32_t started, configs, stopped;
} conn_seen_t;

static void on_started(void *arg, connector_t *c, cd_err_t *err)
{
    (void)c;
    assert_null(err);
    ((conn_seen_t *)arg)->started++;
}

static void on_configs(void *arg, connector_t *c, cd_err_t *err, const cd_config_t *configs, uint32_t n)
{
    (void)c;
    assert_null(err);
    assert_string_equal(cd_config_get(&configs[0], "limit"), "10");
    ((conn_seen_t *)arg)->configs = n;
}

static void on_conn_stopped(void *arg, connector_t *c, cd_err_t *err)
{
    (void)c;
    assert_null(err);
    ((conn_seen_t *)arg)->stopped++;
}

static void test_connector_operations_run_in_order(void **state)
{
    (void)state;
    flow_t f;
    conn_seen_t seen = {0};
    cd_pair_t pairs[] = {{"limit", "10"}};
    flow_begin(&f, flow_builtin);
    connector_events_t events = {0};
    connector_t *c = connector_new(f.hub, "flow", &counter_plugin, &(cd_config_t){1, pairs}, &events, NULL);
    connector_start(c, on_started, &seen);
    connector_task_configs(c, 3, on_configs, &seen);
    connector_stop(c, on_conn_stopped, &seen);
    flow_until(&f, seen.stopped == 1);
    assert_int_equal(seen.started, 1);
    assert_int_equal(seen.configs, 3);
    connector_start(c, on_started, &seen);
    connector_free(c); /* stops behind the start; nothing is reported */
    flow_end(&f);
    assert_int_equal(seen.started, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_arrive_in_order_and_their_last_offset_is_stored),
        cmocka_unit_test(test_stop_commits_what_was_acknowledged),
        cmocka_unit_test(test_a_refused_offset_write_is_repeated),
        cmocka_unit_test(test_a_failed_poll_fails_the_task_with_its_class_and_keeps_offsets),
        cmocka_unit_test(test_paused_before_start_then_resumed_and_paused_again),
        cmocka_unit_test(test_a_missing_converter_fails_with_its_key),
        cmocka_unit_test(test_a_failed_task_hears_a_stop_at_any_moment),
        cmocka_unit_test(test_an_abandoned_task_says_nothing_more),
        cmocka_unit_test(test_connector_operations_run_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
