#include "runtime/task/dead_letters.h"

#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/client/admin.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/config/config_key.h"

#define LOGGER    "org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter"
#define WAIT_MS   100
#define ADMIN_MS  30000
#define PREFIX    "__connect.errors."
#define PARTS_MAX 12

typedef struct settings {
    const char *topic;
    int32_t replication;
    bool headers;
} settings_t;

static const cd_key_t keys[] = {
    {.name = "errors.deadletterqueue.topic.name", .type = CD_T_STRING, .dflt = "", .at = offsetof(settings_t, topic)},
    {.name = "errors.deadletterqueue.topic.replication.factor",
     .type = CD_T_SHORT,
     .dflt = "3",
     .at = offsetof(settings_t, replication)},
    {.name = "errors.deadletterqueue.context.headers.enable",
     .type = CD_T_BOOLEAN,
     .dflt = "false",
     .at = offsetof(settings_t, headers)},
    CD_KEY_END};

struct dead_letters {
    cd_ctx_t *ctx;
    char *connector;
    int32_t task;
    settings_t set;
    cd_arena_t arena;
    rd_kafka_t *rk;
    dead_letters_origin_fn *origin;
    void *origin_arg;
    uint32_t lost; /* since the last flush */
    cd_metric_t *requests, *failures;
};

static void lose(dead_letters_t *d, const char *why)
{
    d->lost++;
    cd_metric_add(d->failures, 1);
    log_write(CD_LOG_ERROR, LOGGER, ctx_log_context(d->ctx),
              "Could not produce message to dead letter queue. topic=%s (%s)", d->set.topic, why);
}

static void on_delivered(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
    (void)rk;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) lose(opaque, rd_kafka_err2str(m->err));
}

static cd_err_t *ensure_topic(dead_letters_t *d)
{
    bool exists = false, created;
    cd_err_t *err = admin_topic_exists(d->rk, d->set.topic, ADMIN_MS, &exists, NULL);
    if (err == NULL && !exists) {
        log_write(CD_LOG_ERROR, LOGGER, ctx_log_context(d->ctx),
                  "Topic %s doesn't exist. Will attempt to create topic.", d->set.topic);
        err = admin_topic_create(d->rk, d->set.topic, 1, d->set.replication, NULL, ADMIN_MS, &created);
    }
    if (err == NULL) return NULL;
    return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Could not initialize dead letter queue with topic=%s",
                       d->set.topic);
}

cd_err_t *dead_letters_open(cd_ctx_t *ctx, const char *connector, int32_t task, const cd_config_t *config,
                            const cd_config_t *layers, uint32_t nlayers, dead_letters_origin_fn *origin,
                            void *origin_arg, dead_letters_t **ret_letters)
{
    dead_letters_t *d = mem_new0(dead_letters_t);
    rd_kafka_conf_t *conf;
    *ret_letters = NULL;
    cd_err_t *err = config_parse(keys, sizeof(keys[0]), config, &d->arena, &d->set, NULL);
    if (err != NULL || d->set.topic[0] == '\0') goto out;
    d->ctx = ctx;
    d->connector = cd_arena_strdup(&d->arena, connector);
    d->task = task;
    d->origin = origin;
    d->origin_arg = origin_arg;
    d->requests =
        ctx_metric(ctx, "deadletterqueue-produce-requests", CD_COUNTER, "Records sent to the dead letter queue");
    d->failures = ctx_metric(ctx, "deadletterqueue-produce-failures", CD_COUNTER,
                             "Records that could not be written to the dead letter queue");
    err = kafka_conf_new(KAFKA_PRODUCER, layers, nlayers, &conf);
    if (err != NULL) goto out;
    rd_kafka_conf_set_dr_msg_cb(conf, on_delivered);
    rd_kafka_conf_set_opaque(conf, d);
    err = kafka_conf_open(KAFKA_PRODUCER, conf, &d->rk);
    if (err == NULL) err = ensure_topic(d);
    if (err != NULL) goto out;
    *ret_letters = d;
    d = NULL;
out:
    dead_letters_close(d);
    return err;
}

void dead_letters_close(dead_letters_t *d)
{
    if (d == NULL) return;
    if (d->rk != NULL) {
        (void)rd_kafka_purge(d->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT | RD_KAFKA_PURGE_F_NON_BLOCKING);
        rd_kafka_destroy(d->rk);
    }
    cd_arena_done(&d->arena);
    free(d);
}

/* ---- Headers ---- */

static void add_header(rd_kafka_headers_t *h, const char *name, const char *value)
{
    (void)rd_kafka_header_add(h, name, -1, value, value != NULL ? (ssize_t)strlen(value) : 0);
}

rd_kafka_headers_t *dead_letters_context(rd_kafka_headers_t *h, const char *connector, int32_t task,
                                         const cd_record_t *rec, const char *stage, const char *class_name,
                                         const cd_err_t *err)
{
    char number[32];
    strbuf_t trace = {0};
    add_header(h, PREFIX "topic", rec->orig_topic);
    (void)snprintf(number, sizeof(number), "%d", rec->orig_partition);
    add_header(h, PREFIX "partition", number);
    (void)snprintf(number, sizeof(number), "%lld", (long long)rec->kafka_offset);
    add_header(h, PREFIX "offset", number);
    add_header(h, PREFIX "connector.name", connector);
    (void)snprintf(number, sizeof(number), "%d", task);
    add_header(h, PREFIX "task.id", number);
    add_header(h, PREFIX "stage", stage);
    add_header(h, PREFIX "class.name", class_name);
    add_header(h, PREFIX "exception.class.name", err->jvm_class);
    add_header(h, PREFIX "exception.message", err->message[0] != '\0' ? err->message : NULL);
    err_text_trace(err, &trace);
    add_header(h, PREFIX "exception.stacktrace", strbuf_str(&trace));
    strbuf_done(&trace);
    return h;
}

static rd_kafka_headers_t *original_headers(const cd_record_t *rec, const rd_kafka_message_t *origin)
{
    rd_kafka_headers_t *there = NULL;
    if (origin != NULL) {
        if (rd_kafka_message_headers(origin, &there) == RD_KAFKA_RESP_ERR_NO_ERROR && there != NULL)
            return rd_kafka_headers_copy(there);
        return rd_kafka_headers_new(PARTS_MAX);
    }
    rd_kafka_headers_t *h = rd_kafka_headers_new(rec->nheaders + PARTS_MAX);
    for (uint32_t i = 0; i < rec->nheaders; i++)
        if (rec->headers[i].raw_valid)
            (void)rd_kafka_header_add(h, rec->headers[i].key, -1, rec->headers[i].raw.ptr, rec->headers[i].raw.len);
    return h;
}

void dead_letters_send(dead_letters_t *d, const cd_record_t *rec, const char *stage, const char *class_name,
                       const cd_err_t *err)
{
    const rd_kafka_message_t *origin = d->origin != NULL ? d->origin(d->origin_arg, rec) : NULL;
    rd_kafka_headers_t *headers = original_headers(rec, origin);
    if (d->set.headers) headers = dead_letters_context(headers, d->connector, d->task, rec, stage, class_name, err);
    cd_bytes_t key = rec->raw_key, value = rec->raw_value;
    int64_t timestamp = rec->timestamp_type != CD_TS_NONE ? rec->timestamp : 0;
    if (origin != NULL) {
        rd_kafka_timestamp_type_t type;
        key = (cd_bytes_t){origin->key, (uint32_t)origin->key_len};
        value = (cd_bytes_t){origin->payload, (uint32_t)origin->len};
        timestamp = rd_kafka_message_timestamp(origin, &type);
    }
    cd_metric_add(d->requests, 1);
    for (;;) {
        rd_kafka_vu_t vus[] = {{.vtype = RD_KAFKA_VTYPE_TOPIC, .u.cstr = d->set.topic},
                               {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = RD_KAFKA_MSG_F_COPY},
                               {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)key.ptr, key.len}},
                               {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)value.ptr, value.len}},
                               {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = timestamp > 0 ? timestamp : 0},
                               {.vtype = RD_KAFKA_VTYPE_HEADERS, .u.headers = headers}};
        rd_kafka_error_t *bad = rd_kafka_produceva(d->rk, vus, sizeof(vus) / sizeof(vus[0]));
        if (bad == NULL) {
            (void)rd_kafka_poll(d->rk, 0);
            return;
        }
        rd_kafka_resp_err_t code = rd_kafka_error_code(bad);
        rd_kafka_error_destroy(bad);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !ctx_stopping(d->ctx)) {
            (void)rd_kafka_poll(d->rk,
                                WAIT_MS); /* an unreachable cluster holds the task up rather than lose a record */
            continue;
        }
        lose(d, rd_kafka_err2str(code));
        rd_kafka_headers_destroy(headers);
        return;
    }
}

cd_err_t *dead_letters_flush(dead_letters_t *d)
{
    if (d == NULL) return NULL;
    while (rd_kafka_outq_len(d->rk) > 0) {
        (void)rd_kafka_poll(d->rk, WAIT_MS);
        if (rd_kafka_outq_len(d->rk) > 0 && ctx_stopping(d->ctx) &&
            rd_kafka_flush(d->rk, 1000) != RD_KAFKA_RESP_ERR_NO_ERROR)
            return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped before the dead letter queue had everything");
    }
    uint32_t lost = d->lost;
    d->lost = 0;
    if (lost == 0) return NULL;
    return cd_err_new(
        CD_ERR_FATAL, CD_JVM_CONNECT,
        "%u record(s) could not be written to dead letter queue topic '%s'; their offsets are not committed", lost,
        d->set.topic);
}
