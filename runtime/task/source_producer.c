#include "runtime/base/clock.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/admin.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/task/source_priv.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define ADMIN_MS 30000
#define BUCKETS  64u

typedef struct topic {
    struct topic *next;
    uint32_t hash;
    rd_kafka_topic_t *rkt;
    char name[];
} topic_t;

/** What a delivery report brings back. Lives in the arena of the record's batch. */
typedef struct flight {
    offset_slot_t slot;
    cd_batch_t *batch;
    uint32_t index;
} flight_t;

struct source_producer {
    task_t *t;
    offset_tracker_t *tracker;
    error_handler_t *errors;
    rd_kafka_t *rk;
    rd_kafka_queue_t *queue;
    int fd;
    topic_rules_t *rules;
    topic_t *topics[BUCKETS], *last;
    cd_metric_t *written, *active;
};

static cd_err_t *producer_open(source_producer_t *p)
{
    cd_arena_t arena = {0};
    cd_config_t layers[TASK_LAYERS];
    rd_kafka_conf_t *conf;
    task_producer_layers(p->t, &arena, "connector-producer", layers);
    cd_err_t *err = kafka_conf_new(KAFKA_PRODUCER, layers, TASK_LAYERS, &conf);
    if (err == NULL) {
        rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR);
        err = kafka_conf_open(KAFKA_PRODUCER, conf, &p->rk);
    }
    cd_arena_done(&arena);
    return err;
}

cd_err_t *source_producer_new(task_t *t, offset_tracker_t *tracker, error_handler_t *errors,
                              source_producer_t **ret_producer)
{
    source_producer_t *p = mem_new0(source_producer_t);
    p->t = t;
    p->tracker = tracker;
    p->errors = errors;
    p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    cd_err_t *err = NULL;
    if (p->fd < 0)
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not create a descriptor: %s", strerrordesc_np(errno));
    const char *create = cd_config_get(&t->hub->worker_config, "topic.creation.enable");
    if (err == NULL)
        err = topic_rules_new(create == NULL || strcasecmp(create, "false") != 0, &t->connector_config, &p->rules);
    if (err == NULL) err = producer_open(p);
    if (err != NULL) goto out;
    p->queue = rd_kafka_queue_get_main(p->rk);
    rd_kafka_queue_io_event_enable(p->queue, p->fd, &(uint64_t){1}, sizeof(uint64_t));
    p->written = ctx_metric(t->ctx, "source-record-write-total", CD_COUNTER, "Records written to Kafka");
    p->active = ctx_metric(t->ctx, "source-record-active-count", CD_GAUGE, "Records read and not yet written to Kafka");
    *ret_producer = p;
    p = NULL;
out:
    source_producer_free(p);
    return err;
}

void source_producer_free(source_producer_t *p)
{
    if (p == NULL) return;
    if (p->rk != NULL) {
        (void)rd_kafka_purge(p->rk, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        if (p->queue != NULL) {
            rd_kafka_queue_io_event_enable(p->queue, -1, NULL, 0);
            rd_kafka_queue_destroy(p->queue);
        }
        for (uint32_t b = 0; b < BUCKETS; b++) {
            for (topic_t *tp = p->topics[b], *next; tp != NULL; tp = next) {
                next = tp->next;
                rd_kafka_topic_destroy(tp->rkt);
                free(tp);
            }
        }
        rd_kafka_destroy(p->rk); /* waits for its threads: no payload is read after this */
    }
    topic_rules_free(p->rules);
    if (p->fd >= 0) (void)close(p->fd);
    free(p);
}

int source_producer_fd(const source_producer_t *p)
{
    return p->fd;
}

/* ---- Topics ---- */

static cd_err_t *topic_create(source_producer_t *p, const char *name)
{
    bool exists, created;
    topic_plan_t plan;
    cd_err_t *err = admin_topic_exists(p->rk, name, ADMIN_MS, &exists, NULL);
    if (err != NULL || exists) return err;
    err = topic_rules_plan(p->rules, name, &plan);
    if (err != NULL) return err;
    err = admin_topic_create(p->rk, name, plan.partitions, plan.replication, &plan.config, ADMIN_MS, &created);
    if (err == NULL) {
        cd_log(p->t->ctx, CD_LOG_INFO, "org.apache.kafka.connect.runtime.AbstractWorkerSourceTask",
               "%s topic '%s' by topic creation group '%s'", created ? "Created" : "Found", name, plan.group);
        return NULL;
    }
    if (cd_err_is(err, CD_ERR_RETRIABLE)) return err;
    return cd_err_wrap(
        err, CD_ERR_FATAL, CD_JVM_CONNECT,
        "Task failed to create new topic %s. Ensure that the task is authorized to create topics or that "
        "the topic exists and restart the task",
        name);
}

/** @return NULL with *ret_err set when the topic cannot be used */
static topic_t *topic_of(source_producer_t *p, const char *name, cd_err_t **ret_err)
{
    if (p->last != NULL && strcmp(p->last->name, name) == 0) return p->last;
    uint32_t hash = 2166136261u;
    for (const char *s = name; *s != '\0'; s++) hash = (hash ^ (uint8_t)*s) * 16777619u;
    topic_t **at = &p->topics[hash % BUCKETS];
    while (*at != NULL && !((*at)->hash == hash && strcmp((*at)->name, name) == 0)) at = &(*at)->next;
    if (*at != NULL) return p->last = *at;
    *ret_err = p->rules != NULL ? topic_create(p, name) : NULL;
    if (*ret_err != NULL) return NULL;
    rd_kafka_topic_t *rkt = rd_kafka_topic_new(p->rk, name, NULL);
    if (rkt == NULL) {
        *ret_err = cd_err_wrap(kafka_err(rd_kafka_last_error(), name), CD_ERR_FATAL, CD_JVM_CONNECT,
                               "Unrecoverable exception trying to send");
        return NULL;
    }
    size_t size = strlen(name) + 1;
    topic_t *topic = mem_alloc(sizeof(*topic) + size);
    *topic = (topic_t){.hash = hash, .rkt = rkt};
    memcpy(topic->name, name, size);
    *at = topic;
    return p->last = topic;
}

/* ---- Sending ---- */

static rd_kafka_headers_t *headers_of(const cd_record_t *rec)
{
    rd_kafka_headers_t *h = rd_kafka_headers_new(rec->nheaders);
    for (uint32_t i = 0; i < rec->nheaders; i++) {
        const cd_header_t *from = &rec->headers[i];
        (void)rd_kafka_header_add(h, from->key, -1, from->raw.ptr, from->raw.ptr != NULL ? (ssize_t)from->raw.len : 0);
    }
    return h;
}

static rd_kafka_resp_err_t produce(source_producer_t *p, topic_t *topic, const cd_record_t *rec, flight_t *flight)
{
    rd_kafka_vu_t vus[] = {
        {.vtype = RD_KAFKA_VTYPE_RKT, .u.rkt = topic->rkt},
        {.vtype = RD_KAFKA_VTYPE_PARTITION, .u.i32 = rec->partition >= 0 ? rec->partition : RD_KAFKA_PARTITION_UA},
        {.vtype = RD_KAFKA_VTYPE_MSGFLAGS, .u.i = 0}, /* the payload stays where it is: the batch outlives it */
        {.vtype = RD_KAFKA_VTYPE_KEY, .u.mem = {(void *)(uintptr_t)rec->raw_key.ptr, rec->raw_key.len}},
        {.vtype = RD_KAFKA_VTYPE_VALUE, .u.mem = {(void *)(uintptr_t)rec->raw_value.ptr, rec->raw_value.len}},
        {.vtype = RD_KAFKA_VTYPE_OPAQUE, .u.ptr = flight},
        {.vtype = RD_KAFKA_VTYPE_TIMESTAMP, .u.i64 = rec->timestamp > 0 ? rec->timestamp : 0},
        {.vtype = RD_KAFKA_VTYPE_HEADERS},
    };
    size_t n = sizeof(vus) / sizeof(vus[0]);
    rd_kafka_headers_t *headers = rec->nheaders > 0 ? headers_of(rec) : NULL;
    if (headers == NULL)
        n--;
    else
        vus[n - 1].u.headers = headers;
    rd_kafka_error_t *bad = rd_kafka_produceva(p->rk, vus, n);
    if (bad == NULL) return RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_resp_err_t code = rd_kafka_error_code(bad);
    rd_kafka_error_destroy(bad);
    if (headers != NULL) rd_kafka_headers_destroy(headers);
    return code;
}

/** The producer refused the record for good, at once or in a report. */
static cd_err_t *refused(source_producer_t *p, const flight_t *f, rd_kafka_resp_err_t code)
{
    cd_record_t *rec = &f->batch->records[f->index];
    cd_err_t *err = kafka_err(code, rec->topic);
    return error_handler_produce_failed(p->errors, rec, err);
}

static cd_err_t *send_one(source_producer_t *p, cd_batch_t *batch, uint32_t index, flight_t *flight, bool *ret_full)
{
    cd_record_t *rec = &batch->records[index];
    if (rec->topic == NULL)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "a source record has no topic: this is a bug of the connector");
    cd_err_t *err = NULL;
    topic_t *topic = topic_of(p, rec->topic, &err);
    if (topic == NULL) return err;
    *flight = (flight_t){offset_tracker_submit(p->tracker, batch, rec), batch, index};
    rd_kafka_resp_err_t code = produce(p, topic, rec, flight);
    switch (code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
        return NULL;
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        offset_tracker_retract(p->tracker, flight->slot);
        *ret_full = true;
        return NULL;
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        /* Found here before the network, but a Java producer reports it through the callback, where it is tolerable. */
        err = refused(p, flight, code);
        if (err == NULL)
            offset_tracker_ack(p->tracker, flight->slot);
        else
            offset_tracker_retract(p->tracker, flight->slot);
        return err;
    default:
        offset_tracker_retract(p->tracker, flight->slot);
        return cd_err_wrap(kafka_err(code, rec->topic), CD_ERR_FATAL, CD_JVM_CONNECT,
                           "Unrecoverable exception trying to send");
    }
}

cd_err_t *source_producer_send(source_producer_t *p, cd_batch_t *batch, uint32_t *from, uint32_t to, bool *ret_full)
{
    *ret_full = false;
    if (*from >= to) return NULL;
    flight_t *flights = cd_arena_array(&batch->arena, flight_t, to - *from);
    for (; *from < to; (*from)++) {
        if ((batch->records[*from].flags & CD_REC_DROPPED) != 0) continue;
        cd_err_t *err = send_one(p, batch, *from, flights++, ret_full);
        if (err != NULL || *ret_full) return err;
    }
    return NULL;
}

static cd_err_t *delivered(source_producer_t *p, const rd_kafka_message_t *m)
{
    flight_t *f = m->_private;
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        cd_err_t *err = refused(p, f, m->err);
        if (err != NULL) return err;
    } else {
        task_topic_used(p->t, f->batch->records[f->index].topic);
        cd_metric_add(p->written, 1);
    }
    offset_tracker_ack(p->tracker, f->slot);
    return NULL;
}

cd_err_t *source_producer_drain(source_producer_t *p)
{
    cd_err_t *err = NULL;
    uint64_t bell;
    /* Before the queue is emptied, so that a report that comes during it rings again. */
    ssize_t r = read(p->fd, &bell, sizeof(bell));
    (void)r;
    for (rd_kafka_event_t *ev; (ev = rd_kafka_queue_poll(p->queue, 0)) != NULL;) {
        if (rd_kafka_event_type(ev) == RD_KAFKA_EVENT_DR) {
            const rd_kafka_message_t *m;
            while ((m = rd_kafka_event_message_next(ev)) != NULL) {
                cd_err_t *e = delivered(p, m);
                if (err == NULL)
                    err = e;
                else
                    cd_err_free(e);
            }
        }
        rd_kafka_event_destroy(ev);
    }
    offset_tracker_settle(p->tracker);
    cd_metric_set(p->active, (int64_t)offset_tracker_pending(p->tracker));
    return err;
}
