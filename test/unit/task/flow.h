/* A small worker for tests: a loop, a hub, librdkafka's mock cluster, and plugins made of C structs. */
#ifndef TEST_UNIT_TASK_FLOW_H
#define TEST_UNIT_TASK_FLOW_H

#include "runtime/base/clock.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"
#include "runtime/data/value.h"
#include "runtime/task/connector.h"

#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include "test/unit/support/cmocka_all.h"

#define FLOW_DEADLINE_MS 30000

typedef struct flow {
    uv_loop_t loop;
    uv_timer_t tick;
    rd_kafka_t *mock_rk;
    rd_kafka_mock_cluster_t *mock;
    plugins_t *plugins;
    metrics_t *metrics;
    task_hub_t *hub;
    task_t *task;
    enum task_state state;
    uint32_t running, paused, failed, stopped, writes, topics;
    char *trace;
    int64_t stored; /* newest "position" that was written to the store; -1: none */
    bool refuse_writes;
} flow_t;

static void flow_on_state(void *arg, task_t *t, enum task_state state, const char *trace)
{
    flow_t *f = arg;
    (void)t;
    f->state = state;
    f->running += state == TASK_RUNNING;
    f->paused += state == TASK_PAUSED;
    f->failed += state == TASK_FAILED;
    if (trace == NULL) return;
    free(f->trace);
    f->trace = mem_strdup(trace);
}

static void flow_on_stopped(void *arg, task_t *t)
{
    (void)t;
    ((flow_t *)arg)->stopped++;
}

static void flow_on_topic(void *arg, task_t *t, const char *topic)
{
    (void)t;
    assert_non_null(topic);
    ((flow_t *)arg)->topics++;
}

static void flow_on_read(void *arg, task_t *t, task_offset_read_t *req)
{
    flow_t *f = arg;
    (void)t;
    cd_value_t pair[2] = {cd_v_str("position"), cd_v_int(CD_INT64, f->stored)};
    cd_value_t offset = cd_v_items(CD_MAP, pair, 1);
    task_offset_read_done(req, f->stored >= 0 ? &offset : NULL, NULL);
}

static void flow_on_write(void *arg, task_t *t, task_offset_write_t *req)
{
    flow_t *f = arg;
    (void)t;
    f->writes++;
    if (f->refuse_writes) {
        task_offset_write_done(req, cd_err_new(CD_ERR_RETRIABLE, CD_JVM_CONNECT, "store is away"));
        return;
    }
    for (uint32_t i = 0; i < req->n; i++) f->stored = cd_map_get(req->entries[i].offset, "position")->i64;
    task_offset_write_done(req, NULL);
}

static void flow_tick(uv_timer_t *timer)
{
    (void)timer; /* wakes the loop so that conditions are looked at again */
}

static inline void flow_begin(flow_t *f, const cd_plugin_t *const *builtin)
{
    char why[256];
    *f = (flow_t){.stored = -1};
    assert_int_equal(uv_loop_init(&f->loop), 0);
    assert_int_equal(uv_timer_init(&f->loop, &f->tick), 0);
    assert_int_equal(uv_timer_start(&f->tick, flow_tick, 5, 5), 0);
    f->mock_rk = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    assert_non_null(f->mock_rk);
    f->mock = rd_kafka_mock_cluster_new(f->mock_rk, 1);
    assert_non_null(f->mock);
    f->plugins = plugins_new();
    plugins_add_builtin(f->plugins, builtin);
    f->metrics = metrics_new();
    cd_pair_t worker[] = {{"bootstrap.servers", rd_kafka_mock_cluster_bootstraps(f->mock)},
                          {"key.converter", "test.RawConverter"},
                          {"value.converter", "test.RawConverter"},
                          {"header.converter", "test.RawHeaderConverter"},
                          {"offset.flush.interval.ms", "50"},
                          {"consumer.session.timeout.ms", "6000"}};
    cd_config_t config = {sizeof(worker) / sizeof(worker[0]), worker};
    task_events_t events = {f, flow_on_state, flow_on_stopped, flow_on_topic, flow_on_read, flow_on_write};
    f->hub = task_hub_new(&f->loop, f->plugins, f->metrics, &config, &events);
}

/** Run the loop until the condition holds; fails the test after FLOW_DEADLINE_MS. */
#define flow_until(f, condition)                                                                                       \
    do {                                                                                                               \
        int64_t deadline_ = clock_mono_ms() + FLOW_DEADLINE_MS;                                                        \
        while (!(condition)) {                                                                                         \
            if (clock_mono_ms() > deadline_) fail_msg("not within 30 s: %s (trace: %s)", #condition, (f)->trace);      \
            (void)uv_run(&(f)->loop, UV_RUN_ONCE);                                                                     \
        }                                                                                                              \
    } while (0)

static inline void flow_start(flow_t *f, const cd_plugin_t *plugin, const cd_config_t *config, enum task_target target)
{
    task_spec_t spec = {.connector = "flow",
                        .number = 0,
                        .generation = 7,
                        .plugin = plugin,
                        .connector_config = config,
                        .task_config = config,
                        .target = target,
                        .user = f};
    f->task = task_start(f->hub, &spec);
    assert_int_equal(task_generation(f->task), 7);
}

static inline void flow_stop(flow_t *f)
{
    task_stop(f->task);
    flow_until(f, f->stopped == 1);
    task_free(f->task);
    f->task = NULL;
}

static inline void flow_end(flow_t *f)
{
    task_hub_free(f->hub);
    uv_close((uv_handle_t *)&f->tick, NULL);
    while (uv_run(&f->loop, UV_RUN_DEFAULT) != 0) continue;
    assert_int_equal(uv_loop_close(&f->loop), 0);
    metrics_free(f->metrics);
    plugins_free(f->plugins);
    rd_kafka_mock_cluster_destroy(f->mock);
    rd_kafka_destroy(f->mock_rk);
    free(f->trace);
}

/* ---- Plugins: raw strings as bytes ---- */

static cd_err_t *raw_configure(cd_ctx_t *ctx, const cd_config_t *config, bool is_key, void **ret)
{
    (void)ctx;
    (void)config;
    *ret = (void *)(uintptr_t)(is_key ? 1 : 2);
    return NULL;
}

static uint32_t raw_encode(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    bool key = (uintptr_t)c == 1;
    (void)e;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        const cd_value_t *v = key ? &r->key : &r->value;
        cd_bytes_t raw = {v->type == CD_NULL ? NULL : v->bytes, v->type == CD_NULL ? 0 : v->len};
        if (key)
            r->raw_key = raw;
        else
            r->raw_value = raw;
    }
    return to;
}

/** "bad" cannot be read. */
static uint32_t raw_decode(void *c, cd_batch_t *b, uint32_t from, uint32_t to, const cd_needed_t *n, cd_err_t **e)
{
    bool key = (uintptr_t)c == 1;
    (void)n;
    for (uint32_t i = from; i < to; i++) {
        cd_record_t *r = &b->records[i];
        if ((r->flags & CD_REC_DROPPED) != 0) continue;
        cd_bytes_t raw = key ? r->raw_key : r->raw_value;
        if (raw.ptr != NULL && raw.len == 3 && memcmp(raw.ptr, "bad", 3) == 0) {
            *e = cd_err_new(CD_ERR_DATA, CD_JVM_DATA, "cannot read 'bad'");
            return i;
        }
        cd_value_t v = raw.ptr == NULL ? CD_V_NULL : cd_v_strn((const char *)raw.ptr, raw.len);
        if (key)
            r->key = v;
        else
            r->value = v;
    }
    return to;
}

static void raw_close(void *c)
{
    (void)c;
}

static cd_err_t *raw_header_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)ctx;
    (void)config;
    *ret = NULL;
    return NULL;
}

static uint32_t raw_header(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)c;
    (void)b;
    (void)from;
    (void)e;
    return to;
}

static const cd_converter_ops_t raw_ops = {sizeof(raw_ops), raw_configure, raw_encode, raw_decode, raw_close};
static const cd_header_converter_ops_t raw_header_ops = {sizeof(raw_header_ops), raw_header_configure, raw_header,
                                                         raw_header, raw_close};
static const cd_plugin_t raw_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_CONVERTER, .jvm_class = "test.RawConverter",
                                       .version = "1", .ops = &raw_ops};
static const cd_plugin_t raw_header_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_HEADER_CONVERTER,
                                              .jvm_class = "test.RawHeaderConverter", .version = "1",
                                              .ops = &raw_header_ops};

/** Renames every topic, as a RegexRouter would. */
static uint32_t rename_apply(void *c, cd_batch_t *b, uint32_t from, uint32_t to, cd_err_t **e)
{
    (void)c;
    (void)e;
    for (uint32_t i = from; i < to; i++) b->records[i].topic = "renamed";
    return to;
}

static const cd_transform_ops_t rename_ops = {
    .size = sizeof(rename_ops), .configure = raw_header_configure, .apply = rename_apply, .close = raw_close};
static const cd_plugin_t rename_plugin = {CD_PLUGIN_HEAD, .kind = CD_KIND_TRANSFORM, .jvm_class = "test.Rename",
                                          .version = "1", .ops = &rename_ops};

static const cd_plugin_t *const flow_builtin[] = {&raw_plugin, &raw_header_plugin, &rename_plugin, NULL};

/* ---- Connector part that every test plugin shares ---- */

static inline cd_err_t *flow_connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)config;
    *ret = ctx;
    return NULL;
}

static inline cd_err_t *flow_task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    for (int32_t i = 0; i < max_tasks; i++) out->add(out, cd_host->config(connector));
    return NULL;
}

static inline void flow_connector_stop(void *connector)
{
    (void)connector;
}

#define FLOW_CONNECTOR                                                                                                 \
    {                                                                                                                  \
        .size = sizeof(cd_connector_ops_t), .start = flow_connector_start, .task_configs = flow_task_configs,          \
        .stop = flow_connector_stop                                                                                    \
    }

/** Read `want` values of a topic with an independent consumer. */
static inline void flow_read_topic(flow_t *f, const char *topic, uint32_t want,
                                   void (*each)(void *, rd_kafka_message_t *), void *arg)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(f->mock), why, sizeof(why)),
        RD_KAFKA_CONF_OK);
    assert_int_equal(rd_kafka_conf_set(conf, "group.id", "reader", why, sizeof(why)), RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof(why));
    assert_non_null(rk);
    rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(parts, topic, 0)->offset = RD_KAFKA_OFFSET_BEGINNING;
    assert_int_equal(rd_kafka_assign(rk, parts), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(parts);
    int64_t deadline = clock_mono_ms() + FLOW_DEADLINE_MS;
    for (uint32_t n = 0; n < want;) {
        rd_kafka_message_t *m = rd_kafka_consumer_poll(rk, 100);
        if (clock_mono_ms() > deadline) fail_msg("topic %s: %u of %u records", topic, n, want);
        if (m == NULL) continue;
        if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            each(arg, m);
            n++;
        }
        rd_kafka_message_destroy(m);
    }
    (void)rd_kafka_consumer_close(rk);
    rd_kafka_destroy(rk);
}

/** Write values to partition 0 of a topic with an independent producer. */
static inline void flow_write_topic(flow_t *f, const char *topic, int32_t partition, const char *const *values)
{
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    assert_int_equal(
        rd_kafka_conf_set(conf, "bootstrap.servers", rd_kafka_mock_cluster_bootstraps(f->mock), why, sizeof(why)),
        RD_KAFKA_CONF_OK);
    rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    assert_non_null(rk);
    for (; *values != NULL; values++)
        assert_int_equal(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(partition),
                                           RD_KAFKA_V_VALUE((void *)(uintptr_t)*values, strlen(*values)),
                                           RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_HEADER("h", "1", 1),
                                           RD_KAFKA_V_END),
                         RD_KAFKA_RESP_ERR_NO_ERROR);
    assert_int_equal(rd_kafka_flush(rk, FLOW_DEADLINE_MS), RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_destroy(rk);
}

#endif
