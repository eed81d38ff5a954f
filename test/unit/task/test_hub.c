/* The mailboxes between the loop, tasks and connector instances, without Kafka: this is the program to run under TSan. */
#include "test/unit/task/flow.h"

typedef struct hub_fixture {
    uv_loop_t loop;
    uv_timer_t tick;
    task_hub_t *hub;
    metrics_t *metrics;
    plugins_t *plugins;
    uint32_t failed, stopped, reconfigured, conn_failed, started, validated;
} hub_fixture_t;

static void on_state(void *arg, task_t *t, enum task_state state, const char *trace)
{
    hub_fixture_t *f = arg;
    (void)t;
    assert_int_equal(state, TASK_FAILED);
    assert_non_null(trace);
    f->failed++;
}

static void on_stopped(void *arg, task_t *t)
{
    (void)t;
    ((hub_fixture_t *)arg)->stopped++;
}

static void on_topic(void *arg, task_t *t, const char *topic)
{
    (void)arg;
    (void)t;
    (void)topic;
    fail();
}

static void on_read(void *arg, task_t *t, task_offset_read_t *req)
{
    (void)arg;
    (void)t;
    task_offset_read_done(req, NULL, NULL);
}

static void on_write(void *arg, task_t *t, task_offset_write_t *req)
{
    (void)arg;
    (void)t;
    task_offset_write_done(req, NULL);
}

static void begin(hub_fixture_t *f)
{
    *f = (hub_fixture_t){0};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_timer_init(&f->loop, &f->tick), 0);
    assert_int_equal(uv_timer_start(&f->tick, flow_tick, 2, 2), 0);
    f->metrics = metrics_new();
    f->plugins = plugins_new();
    plugins_add_builtin(f->plugins, flow_builtin);
    task_events_t events = {f, on_state, on_stopped, on_topic, on_read, on_write};
    f->hub = task_hub_new(&f->loop, f->plugins, f->metrics, &(cd_config_t){0, NULL}, &events);
}

static void end(hub_fixture_t *f)
{
    task_hub_free(f->hub);
    uv_close((uv_handle_t *)&f->tick, NULL);
    while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0) continue;
    assert_int_equal(uv_loop_close(&f->loop), 0);
    metrics_free(f->metrics);
    plugins_free(f->plugins);
}

#define until(f, condition)                                                                                            \
    do {                                                                                                               \
        int64_t deadline_ = clock_mono_ms() + FLOW_DEADLINE_MS;                                                        \
        while (!(condition)) {                                                                                         \
            assert_true(clock_mono_ms() < deadline_);                                                                  \
            (void)uv_run(&(f)->loop, UV_RUN_ONCE);                                                                     \
        }                                                                                                              \
    } while (0)

/* ---- Tasks that fail for want of a converter ---- */

static cd_err_t *idle_poll(void *task, cd_batch_t *batch, int64_t timeout_ms)
{
    (void)batch;
    (void)cd_host->wait(task, timeout_ms);
    return NULL;
}

/** Asks for new plans, and fails, from a pool thread; as a connector that watches its source would. (cmocka has a macro
 *  named fail, hence the parentheses.) */
static cd_err_t *restless_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)config;
    *ret = ctx;
    cd_host->reconfigure(ctx);
    cd_host->reconfigure(ctx);
    (cd_host->fail)(ctx, cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "watching ended"));
    return NULL;
}

static void complain(cd_ctx_t *ctx, const cd_config_t *config, cd_problems_t *problems)
{
    (void)ctx;
    (void)config;
    problems->report(problems, "a", "is wrong");
    problems->report(problems, "b", "is worse");
}

static const cd_source_ops_t idle_ops = {.size = sizeof(idle_ops),
                                         .connector = {.size = sizeof(cd_connector_ops_t),
                                                       .validate = complain,
                                                       .start = restless_start,
                                                       .task_configs = flow_task_configs,
                                                       .stop = flow_connector_stop},
                                         .task_start = flow_connector_start,
                                         .poll = idle_poll,
                                         .task_stop = flow_connector_stop};
static const cd_plugin_t idle_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_SOURCE, .jvm_class = "test.Idle",
                                        .version = "1", .ops = &idle_ops};

#define TASKS 24

static void test_many_tasks_start_fail_stop_and_are_left_behind(void **state)
{
    (void)state;
    hub_fixture_t f;
    task_t *tasks[TASKS];
    begin(&f);
    for (int i = 0; i < TASKS; i++) {
        task_spec_t spec = {.connector = "c",
                            .number = i,
                            .plugin = &idle_plugin,
                            .connector_config = &(cd_config_t){0, NULL},
                            .task_config = &(cd_config_t){0, NULL}};
        tasks[i] = task_start(f.hub, &spec);
        task_set_target(tasks[i], i % 2 == 0 ? TASK_TARGET_PAUSED : TASK_TARGET_RUNNING);
        task_topics_reset(tasks[i]);
    }
    until(&f, f.failed == TASKS);
    for (int i = 0; i < TASKS; i++) {
        if (i % 3 == 0) {
            task_abandon(tasks[i]);
        } else {
            task_stop(tasks[i]);
            task_stop(tasks[i]); /* asking twice changes nothing */
        }
    }
    until(&f, f.stopped == TASKS - TASKS / 3);
    for (int i = 0; i < TASKS; i++)
        if (i % 3 != 0) task_free(tasks[i]);
    end(&f);
}

static void on_reconfigure(void *arg, connector_t *c)
{
    assert_string_equal(connector_name(c), "c");
    ((hub_fixture_t *)arg)->reconfigured++;
}

static void on_conn_failed(void *arg, connector_t *c, cd_err_t *err)
{
    (void)c;
    assert_string_equal(err->message, "watching ended");
    cd_err_free(err);
    ((hub_fixture_t *)arg)->conn_failed++;
}

static void on_done(void *arg, connector_t *c, cd_err_t *err)
{
    (void)c;
    assert_null(err);
    ((hub_fixture_t *)arg)->started++;
}

static void on_validated(void *arg, const connector_problem_t *problems, uint32_t n)
{
    assert_int_equal(n, 2);
    assert_string_equal(problems[0].key, "a");
    assert_string_equal(problems[1].message, "is worse");
    ((hub_fixture_t *)arg)->validated++;
}

static void test_connectors_are_heard_from_the_pool(void **state)
{
    (void)state;
    hub_fixture_t f;
    begin(&f);
    connector_events_t events = {&f, on_reconfigure, on_conn_failed};
    connector_t *c[4];
    for (int i = 0; i < 4; i++) {
        c[i] = connector_new(f.hub, "c", &idle_plugin, &(cd_config_t){0, NULL}, &events, &f);
        connector_start(c[i], on_done, &f);
    }
    connector_validate(f.hub, &idle_plugin, &(cd_config_t){0, NULL}, on_validated, &f);
    until(&f, f.started == 4 && f.reconfigured == 8 && f.conn_failed == 4 && f.validated == 1);
    connector_start(c[0], on_done, &f); /* started already: answers without a second start */
    until(&f, f.started == 5);
    for (int i = 0; i < 4; i++) connector_free(c[i]);
    end(&f);
    assert_int_equal(f.reconfigured, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_tasks_start_fail_stop_and_are_left_behind),
        cmocka_unit_test(test_connectors_are_heard_from_the_pool),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
