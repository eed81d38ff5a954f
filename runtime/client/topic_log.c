#include "runtime/client/topic_log.h"

#include "runtime/base/clock.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/admin.h"
#include "runtime/client/kafka_conf.h"

#define READ_BATCH 512
#define SLICE_MS   200 /* how long one wait may ignore the stop signal */

struct cd_topic_log {
    char *topic;
    cd_arena_t arena;
    cd_config_t config;
    bool (*stopping)(void *arg);
    void *stop_arg;
    rd_kafka_t *producer; /* made on first use: open does not touch the network */
    rd_kafka_resp_err_t last_error;
    bool delivered;
};

static cd_err_t *stopped(const cd_topic_log_t *log)
{
    if (log->stopping == NULL || !log->stopping(log->stop_arg)) return NULL;
    return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while using topic '%s'", log->topic);
}

cd_err_t *topic_log_open(const char *topic, const cd_config_t *config, bool (*stopping)(void *arg), void *stop_arg,
                         cd_topic_log_t **ret_log)
{
    cd_topic_log_t *log = mem_new0(cd_topic_log_t);
    log->topic = mem_strdup(topic);
    log->config = config_copy(config, &log->arena);
    log->stopping = stopping;
    log->stop_arg = stop_arg;
    *ret_log = log;
    return NULL;
}

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    cd_topic_log_t *log = opaque;
    (void)rk;
    log->last_error = m->err;
    log->delivered = true;
}

static cd_err_t *producer_of(cd_topic_log_t *log)
{
    if (log->producer != NULL) return NULL;
    static const cd_pair_t forced[] = {{"acks", "all"}, {"max.in.flight.requests.per.connection", "1"}};
    cd_config_t layers[] = {log->config, {2, forced}};
    rd_kafka_conf_t *conf;
    cd_err_t *err = kafka_conf_new(KAFKA_PRODUCER, layers, 2, &conf);
    if (err != NULL) return err;
    rd_kafka_conf_set_opaque(conf, log);
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    return kafka_conf_open(KAFKA_PRODUCER, conf, &log->producer);
}

cd_err_t *topic_log_ensure(cd_topic_log_t *log, bool create, int32_t replication, const cd_config_t *topic_config,
                           int64_t timeout_ms, bool *ret_exists)
{
    bool created;
    *ret_exists = false;
    cd_err_t *err = producer_of(log);
    int64_t deadline = clock_mono_ms() + timeout_ms;
    while (err == NULL) {
        err = admin_topic_exists(log->producer, log->topic, SLICE_MS * 10, ret_exists, NULL);
        if (!cd_err_is(err, CD_ERR_RETRIABLE) || clock_mono_ms() >= deadline) break;
        cd_err_free(err);
        err = stopped(log);
    }
    if (err != NULL || *ret_exists || !create) return err;
    err = admin_topic_create(log->producer, log->topic, 1, replication, topic_config, timeout_ms, &created);
    if (err == NULL) *ret_exists = true;
    return err;
}

static cd_err_t *read_all(cd_topic_log_t *log, rd_kafka_t *rk, rd_kafka_queue_t *queue, int64_t end, int64_t deadline,
                          cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg)
{
    cd_err_t *err = NULL;
    int64_t next = 0;
    (void)rk;
    while (err == NULL && next < end) {
        rd_kafka_message_t *m[READ_BATCH];
        ssize_t n = rd_kafka_consume_batch_queue(queue, SLICE_MS, m, READ_BATCH);
        for (ssize_t i = 0; i < n; i++) {
            if (err != NULL) {
                /* only released */
            } else if (m[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
                /* The end may lie behind transaction markers, which are never delivered. */
                if (m[i]->offset >= end) next = end;
            } else if (m[i]->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
                cd_err_t *e = kafka_err(m[i]->err, log->topic);
                if (cd_err_is(e, CD_ERR_RETRIABLE))
                    cd_err_free(e);
                else
                    err = e;
            } else {
                next = m[i]->offset + 1;
                if (m[i]->offset < end)
                    err = each(arg, (cd_bytes_t){m[i]->key, (uint32_t)m[i]->key_len},
                               (cd_bytes_t){m[i]->payload, (uint32_t)m[i]->len});
            }
            rd_kafka_message_destroy(m[i]);
        }
        if (err == NULL) err = stopped(log);
        if (err == NULL && next < end && clock_mono_ms() >= deadline)
            err = cd_err_new(CD_ERR_RETRIABLE, "org.apache.kafka.common.errors.TimeoutException",
                             "Timed out reading topic '%s' to its end (at offset %lld of %lld)", log->topic,
                             (long long)next, (long long)end);
    }
    return err;
}

cd_err_t *topic_log_read(cd_topic_log_t *log, int64_t timeout_ms,
                         cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg)
{
    static const cd_pair_t forced[] = {{"auto.offset.reset", "earliest"}, {"enable.partition.eof", "true"}};
    static const cd_pair_t fallback[] = {{"group.id", "connectd-topic-log"}};
    cd_config_t layers[] = {{1, fallback}, log->config, {2, forced}};
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int64_t low = 0, high = 0;
    rd_kafka_conf_t *conf;
    rd_kafka_t *rk = NULL;
    cd_err_t *err = kafka_conf_new(KAFKA_CONSUMER, layers, 3, &conf);
    if (err == NULL) err = kafka_conf_open(KAFKA_CONSUMER, conf, &rk);
    if (err != NULL) return err;
    for (;;) {
        rd_kafka_resp_err_t rc = rd_kafka_query_watermark_offsets(rk, log->topic, 0, &low, &high, SLICE_MS * 10);
        err = rc == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : kafka_err(rc, log->topic);
        if (!cd_err_is(err, CD_ERR_RETRIABLE) || clock_mono_ms() >= deadline) break;
        cd_err_free(err);
        err = stopped(log);
        if (err != NULL) break;
    }
    if (err == NULL && low < high) {
        rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
        rd_kafka_topic_partition_list_t *parts = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(parts, log->topic, 0)->offset = low;
        (void)rd_kafka_assign(rk, parts); /* fails only for a list that is malformed */
        rd_kafka_topic_partition_list_destroy(parts);
        err = read_all(log, rk, queue, high, deadline, each, arg);
        (void)rd_kafka_assign(rk, NULL);
        rd_kafka_queue_destroy(queue);
    }
    rd_kafka_destroy_flags(rk, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
    return err;
}

cd_err_t *topic_log_append(cd_topic_log_t *log, cd_bytes_t key, cd_bytes_t value, int64_t timeout_ms)
{
    cd_err_t *err = producer_of(log);
    if (err != NULL) return err;
    int64_t deadline = clock_mono_ms() + timeout_ms;
    log->delivered = false;
    rd_kafka_vu_t vus[] = {{.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = log->topic},
                           {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = 0},
                           {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
                           {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.ptr, key.len}},
                           {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.ptr, value.len}}};
    rd_kafka_error_t *bad = rd_kafka_produceva(log->producer, vus, sizeof(vus) / sizeof(vus[0]));
    if (bad != NULL) {
        err = kafka_err(rd_kafka_error_code(bad), log->topic);
        rd_kafka_error_destroy(bad);
        return err;
    }
    while (!log->delivered && err == NULL) {
        (void)rd_kafka_poll(log->producer, SLICE_MS);
        if (log->delivered) break;
        if (clock_mono_ms() >= deadline)
            err = kafka_err(RD_KAFKA_RESP_ERR__TIMED_OUT, log->topic);
        else
            err = stopped(log);
    }
    if (err != NULL) {
        /* Nothing of an append that was given up may arrive behind a later one's back. */
        (void)rd_kafka_purge(log->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        (void)rd_kafka_poll(log->producer, 0);
        return err;
    }
    return log->last_error == RD_KAFKA_RESP_ERR_NO_ERROR ? NULL : kafka_err(log->last_error, log->topic);
}

void topic_log_close(cd_topic_log_t *log)
{
    if (log == NULL) return;
    if (log->producer != NULL) rd_kafka_destroy(log->producer);
    cd_arena_done(&log->arena);
    free(log->topic);
    free(log);
}
