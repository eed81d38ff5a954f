#include "test/unit/task/flow.h"

#include <pthread.h>

/* A sink that remembers what it was given. Its task thread writes, the test reads under the lock. */
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    uint32_t puts, records, failures_left, opened, closed;
    char last[64], topic[64], orig_topic[64];
    bool report_all, fatal;
    uint32_t commit_failures, fail_every, out_of_order; /* values are 0, 1, 2 … */
} seen;

#define SEEN(field)                                                                                                    \
    ({                                                                                                                 \
        (void)pthread_mutex_lock(&seen_lock);                                                                          \
        __typeof__(seen.field) v_ = seen.field;                                                                        \
        (void)pthread_mutex_unlock(&seen_lock);                                                                        \
        v_;                                                                                                            \
    })

static cd_err_t *memory_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)config;
    *ret = ctx;
    return NULL;
}

static cd_err_t *memory_open(void *task, const cd_topic_partition_t *parts, uint32_t n)
{
    (void)task;
    (void)parts;
    (void)pthread_mutex_lock(&seen_lock);
    seen.opened += n;
    (void)pthread_mutex_unlock(&seen_lock);
    return NULL;
}

static void memory_close(void *task, const cd_topic_partition_t *parts, uint32_t n)
{
    (void)task;
    (void)parts;
    (void)pthread_mutex_lock(&seen_lock);
    seen.closed += n;
    (void)pthread_mutex_unlock(&seen_lock);
}

static cd_err_t *put_locked(cd_ctx_t *ctx, cd_batch_t *batch)
{
    seen.puts++;
    if (seen.failures_left > 0) {
        seen.failures_left--;
        cd_host->sink_backoff(ctx, 20);
        return cd_err_new(CD_ERR_RETRIABLE, CD_JVM_RETRIABLE, "try again");
    }
    if (seen.fail_every > 0 && seen.puts % seen.fail_every == 0) {
        cd_host->sink_backoff(ctx, 5);
        return cd_err_new(CD_ERR_RETRIABLE, CD_JVM_RETRIABLE, "now and then");
    }
    if (seen.fatal) return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "cannot go on");
    for (uint32_t i = 0; i < batch->count; i++) {
        cd_record_t *r = &batch->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        if (seen.report_all) {
            cd_err_t *err = cd_host->report(ctx, r, cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "not wanted"));
            if (err != NULL) return err;
            continue;
        }
        if (seen.fail_every > 0) {
            char number[16];
            (void)snprintf(number, sizeof(number), "%u", seen.records);
            seen.out_of_order += !cd_v_is_str(&r->value, number);
        }
        seen.records++;
        (void)snprintf(seen.last, sizeof(seen.last), "%.*s", (int)r->value.len, r->value.str);
        (void)snprintf(seen.topic, sizeof(seen.topic), "%s", r->topic);
        (void)snprintf(seen.orig_topic, sizeof(seen.orig_topic), "%s", r->orig_topic);
    }
    return NULL;
}

static cd_err_t *memory_put(void *task, cd_batch_t *batch)
{
    (void)pthread_mutex_lock(&seen_lock);
    cd_err_t *err = put_locked(task, batch);
    (void)pthread_mutex_unlock(&seen_lock);
    return err;
}

static cd_err_t *memory_pre_commit(void *task, cd_topic_partition_t *parts, uint32_t n)
{
    (void)task;
    (void)parts;
    cd_err_t *err = NULL;
    (void)pthread_mutex_lock(&seen_lock);
    if (seen.commit_failures > 0 && n > 0) {
        seen.commit_failures--;
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "not durable yet");
    }
    (void)pthread_mutex_unlock(&seen_lock);
    return err;
}

static void memory_stop(void *task)
{
    (void)task;
}

static const cd_sink_ops_t memory_ops = {.size = sizeof(memory_ops),
                                         .connector = FLOW_CONNECTOR,
                                         .task_start = memory_start,
                                         .open = memory_open,
                                         .close = memory_close,
                                         .put = memory_put,
                                         .pre_commit = memory_pre_commit,
                                         .task_stop = memory_stop};
static const cd_plugin_t memory_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_SINK, .jvm_class = "test.Memory",
                                          .version = "1", .ops = &memory_ops};

static int reset(void **state)
{
    (void)state;
    memset(&seen, 0, sizeof(seen));
    return 0;
}

static int64_t metric_value;
static void find_metric(void *arg, const metrics_sample_t *s)
{
    if (strcmp(s->name, arg) == 0) metric_value = s->value;
}

static int64_t metric(flow_t *f, const char *name)
{
    metric_value = -1;
    metrics_each(f->metrics, find_metric, (void *)(uintptr_t)name);
    return metric_value;
}

static void test_records_are_put_once_and_their_offsets_survive_a_restart(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in , in"}, {"transforms", "r"}, {"transforms.r.type", "Rename"}};
    cd_config_t config = {3, pairs};
    flow_begin(&f, flow_builtin);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", "b", "c", NULL});
    flow_start(&f, &memory_plugin, &config, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 3);
    flow_stop(&f);
    assert_string_equal(seen.last, "c");
    assert_string_equal(seen.topic, "renamed");
    assert_string_equal(seen.orig_topic, "in");
    assert_int_equal(seen.opened, 1);
    assert_int_equal(seen.closed, 1);
    f.stopped = 0;
    flow_write_topic(&f, "in", 0, (const char *const[]){"d", NULL});
    flow_start(&f, &memory_plugin, &config, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 4);
    assert_string_equal(seen.last, "d");
    flow_stop(&f);
    assert_int_equal(seen.records, 4);
    flow_end(&f);
}

static void test_a_retriable_put_is_delivered_again_whole(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"}};
    flow_begin(&f, flow_builtin);
    seen.failures_left = 3;
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", "b", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 2);
    assert_true(SEEN(puts) >= 4);
    flow_write_topic(&f, "in", 0, (const char *const[]){"c", NULL}); /* partitions were resumed */
    flow_until(&f, SEEN(records) == 3);
    flow_until(&f, metric(&f, "offset-commit-success-total") > 0);
    flow_stop(&f);
    assert_int_equal(f.failed, 0);
    flow_end(&f);
}

/* While a batch waits for its redelivery, thousands of records lie in the consumer's queue. The pause throws them away:
 * each must come again, once, and in order. */
static void test_records_queued_behind_a_failed_put_all_arrive_in_order(void **state)
{
    (void)state;
    enum { MANY = 20000 };
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"}, {"consumer.override.max.poll.records", "100"}};
    char **values = mem_alloc0(MANY + 1, sizeof(*values));
    for (int i = 0; i < MANY; i++) assert_true(asprintf(&values[i], "%d", i) > 0);
    flow_begin(&f, flow_builtin);
    seen.fail_every = 17;
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const *)values);
    flow_start(&f, &memory_plugin, &(cd_config_t){2, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) >= MANY);
    flow_stop(&f);
    assert_int_equal(seen.records, MANY);
    assert_int_equal(seen.out_of_order, 0);
    assert_true(seen.puts > MANY / 100);
    flow_end(&f);
    for (int i = 0; i < MANY; i++) free(values[i]);
    free(values);
}

/* A queue that one fetch fills: librdkafka alone would fetch about once in a second. */
static void test_a_small_queue_is_filled_up_as_fast_as_it_is_emptied(void **state)
{
    (void)state;
    enum { FETCHES = 12, EACH = 5000 };
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"},
                         {"consumer.override.queued.min.messages", "4000"},
                         {"consumer.override.max.poll.records", "100"}};
    const char *values[EACH + 1] = {0};
    for (int i = 0; i < EACH; i++) values[i] = "v";
    flow_begin(&f, flow_builtin);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    for (int i = 0; i < FETCHES; i++) flow_write_topic(&f, "in", 0, values); /* the mock sends one batch in an answer */
    flow_start(&f, &memory_plugin, &(cd_config_t){3, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) > 0);
    int64_t began = clock_mono_ms();
    flow_until(&f, SEEN(records) == FETCHES * EACH);
    assert_true(clock_mono_ms() - began < FETCHES * 1000 / 2);
    flow_stop(&f);
    flow_end(&f);
}

static void test_a_failed_commit_rewinds_to_what_is_committed(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"}};
    flow_begin(&f, flow_builtin);
    seen.commit_failures = 1;
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", "b", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, metric(&f, "offset-commit-failure-total") == 1);
    flow_until(&f, SEEN(records) == 4); /* both again */
    flow_until(&f, metric(&f, "offset-commit-success-total") > 0);
    flow_stop(&f);
    assert_int_equal(f.failed, 0);
    assert_int_equal(seen.records, 4);
    flow_end(&f);
}

static void test_another_error_of_put_fails_the_task_and_commits_nothing(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"}};
    flow_begin(&f, flow_builtin);
    seen.fatal = true;
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.failed == 1);
    assert_true(str_starts(f.trace, CD_JVM_CONNECT ": Exiting WorkerSinkTask due to unrecoverable exception.\n\tat "));
    assert_non_null(strstr(f.trace, "\nCaused by: " CD_JVM_CONNECT ": cannot go on\n"));
    flow_stop(&f);
    reset(NULL);
    f.stopped = 0;
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 1);
    flow_stop(&f);
    flow_end(&f);
}

static void test_pause_holds_records_back_until_resume(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics.regex", "i(n|\\d)"}};
    flow_begin(&f, flow_builtin);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 1);
    task_set_target(f.task, TASK_TARGET_PAUSED);
    flow_until(&f, f.paused == 1);
    flow_write_topic(&f, "in", 0, (const char *const[]){"b", NULL});
    int64_t commits = metric(&f, "offset-commit-success-total");
    flow_until(&f, metric(&f, "offset-commit-success-total") >= commits); /* it keeps serving the group */
    assert_int_equal(SEEN(records), 1);
    task_set_target(f.task, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 2);
    flow_stop(&f);
    flow_end(&f);
}

typedef struct letters {
    uint32_t n;
    char stage[64], topic[64], message[64], class_name[128];
    bool original;
} letters_t;

static void copy_header(const rd_kafka_headers_t *h, const char *name, char *out, size_t cap)
{
    const void *value;
    size_t len;
    assert_int_equal(rd_kafka_header_get_last(h, name, &value, &len), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_true(len < cap);
    memcpy(out, value, len);
    out[len] = '\0';
}

static void on_letter(void *arg, rd_kafka_message_t *m)
{
    letters_t *l = arg;
    rd_kafka_headers_t *h;
    const char *name;
    const void *value;
    size_t len;
    assert_int_equal(rd_kafka_message_headers(m, &h), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_header_get_all(h, 0, &name, &value, &len), RD_KAFKA_RESP_ERR_NO_ERROR);
    l->original = strcmp(name, "h") == 0 && len == 1;
    copy_header(h, "__connect.errors.stage", l->stage, sizeof(l->stage));
    copy_header(h, "__connect.errors.topic", l->topic, sizeof(l->topic));
    copy_header(h, "__connect.errors.exception.message", l->message, sizeof(l->message));
    copy_header(h, "__connect.errors.class.name", l->class_name, sizeof(l->class_name));
    l->n++;
}

static void test_unreadable_records_go_to_the_dead_letter_queue(void **state)
{
    (void)state;
    flow_t f;
    letters_t l = {0};
    cd_pair_t pairs[] = {{"topics", "in"},
                         {"transforms", "r"},
                         {"transforms.r.type", "test.Rename"},
                         {"errors.tolerance", "all"},
                         {"errors.deadletterqueue.topic.name", "dlq"},
                         {"errors.deadletterqueue.context.headers.enable", "true"}};
    flow_begin(&f, flow_builtin);
    /* The mock cluster cannot create topics by request, so the queue exists beforehand. */
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "dlq", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", "bad", "b", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){6, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, SEEN(records) == 2);
    flow_read_topic(&f, "dlq", 1, on_letter, &l);
    assert_string_equal(l.stage, "VALUE_CONVERTER");
    assert_string_equal(l.topic, "in");
    assert_string_equal(l.message, "cannot read 'bad'");
    assert_string_equal(l.class_name, "test.RawConverter");
    assert_true(l.original);
    assert_int_equal(metric(&f, "total-record-failures"), 1);
    assert_int_equal(metric(&f, "total-record-errors"), 1);
    assert_int_equal(metric(&f, "total-records-skipped"), 1);
    assert_int_equal(metric(&f, "deadletterqueue-produce-requests"), 1);
    flow_stop(&f);
    flow_end(&f);
}

static void test_a_sink_reports_with_the_original_topic(void **state)
{
    (void)state;
    flow_t f;
    letters_t l = {0};
    cd_pair_t pairs[] = {{"topics", "in"},
                         {"transforms", "r"},
                         {"transforms.r.type", "test.Rename"},
                         {"errors.tolerance", "all"},
                         {"errors.deadletterqueue.topic.name", "dlq"},
                         {"errors.deadletterqueue.context.headers.enable", "true"}};
    flow_begin(&f, flow_builtin);
    seen.report_all = true;
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "dlq", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){6, pairs}, TASK_TARGET_RUNNING);
    flow_read_topic(&f, "dlq", 1, on_letter, &l);
    assert_string_equal(l.stage, "TASK_PUT");
    assert_string_equal(l.topic, "in");
    flow_stop(&f);
    assert_int_equal(f.failed, 0);
    flow_end(&f);
}

static void test_without_tolerance_an_unreadable_record_fails_the_task(void **state)
{
    (void)state;
    flow_t f;
    cd_pair_t pairs[] = {{"topics", "in"}};
    flow_begin(&f, flow_builtin);
    assert_int_equal(rd_kafka_mock_topic_create(f.mock, "in", 1, 1), RD_KAFKA_RESP_ERR_NO_ERROR);
    flow_write_topic(&f, "in", 0, (const char *const[]){"a", "bad", NULL});
    flow_start(&f, &memory_plugin, &(cd_config_t){1, pairs}, TASK_TARGET_RUNNING);
    flow_until(&f, f.failed == 1);
    assert_true(str_starts(f.trace, CD_JVM_CONNECT ": Tolerance exceeded in error handler\n\tat "));
    assert_non_null(strstr(f.trace, "\nCaused by: " CD_JVM_DATA ": cannot read 'bad'\n"));
    assert_int_equal(SEEN(records), 0);
    flow_stop(&f);
    flow_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_records_are_put_once_and_their_offsets_survive_a_restart, reset),
        cmocka_unit_test_setup(test_a_retriable_put_is_delivered_again_whole, reset),
        cmocka_unit_test_setup(test_records_queued_behind_a_failed_put_all_arrive_in_order, reset),
        cmocka_unit_test_setup(test_a_small_queue_is_filled_up_as_fast_as_it_is_emptied, reset),
        cmocka_unit_test_setup(test_a_failed_commit_rewinds_to_what_is_committed, reset),
        cmocka_unit_test_setup(test_another_error_of_put_fails_the_task_and_commits_nothing, reset),
        cmocka_unit_test_setup(test_pause_holds_records_back_until_resume, reset),
        cmocka_unit_test_setup(test_unreadable_records_go_to_the_dead_letter_queue, reset),
        cmocka_unit_test_setup(test_a_sink_reports_with_the_original_topic, reset),
        cmocka_unit_test_setup(test_without_tolerance_an_unreadable_record_fails_the_task, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
