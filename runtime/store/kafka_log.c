#include "runtime/store/kafka_log.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/client/kafka_conf.h"

#define LOGGER            "org.apache.kafka.connect.util.KafkaBasedLog"
#define BATCH             256
#define ENDS_STEP_MS      5000
#define ENDS_RETRY_MIN_MS 20 /* a topic that was just made: its leader is ready in a moment */
#define ENDS_RETRY_MAX_MS 2000
#define ENDS_START_MS     (15 * 60 * 1000) /* how long a start waits for the end offsets */

/** Somebody who waits for the positions to reach some ends. */
typedef struct waiter {
    struct waiter *next;
    int64_t *ends; /* per partition; NULL: wants the ends of the topic, which are not asked for yet */
    store_done_fn *done;
    void *arg;
} waiter_t;

typedef struct kafka_log kafka_log_t;

/** A record in flight. It outlives the log when the log is closed first. */
typedef struct send {
    kafka_hub_send_t base;
    kafka_log_t *log; /* NULL once the log is closed */
    struct send *prev, *next;
    store_done_fn *done;
    void *arg;
} send_t;

/** One question for the end offsets, on the pool. It outlives the log too. */
typedef struct ends_job {
    kafka_hub_t *hub;
    kafka_log_t *log; /* NULL once the log is closed */
    rd_kafka_topic_partition_list_t *parts;
    rd_kafka_resp_err_t code;
} ends_job_t;

struct kafka_log {
    store_log_t base;
    kafka_hub_reader_t reader;
    kafka_hub_t *hub;
    char *topic;
    int32_t npartitions;
    rd_kafka_topic_t *producer_topic, *consumer_topic;
    rd_kafka_queue_t *queue;
    int64_t *positions, *acked; /* per partition: next offset to read; end of what was acknowledged to us */
    bool started, draining, closed;
    int64_t start_deadline, retry_ms;
    waiter_t *waiting;  /* with ends */
    waiter_t *asking;   /* their end offsets are being asked for */
    waiter_t *next_ask; /* came too late for that question */
    ends_job_t *job;
    uv_timer_t *retry;
    send_t sends; /* list head */
    uint32_t pending;
};

static kafka_log_t *log_of(store_log_t *base)
{
    return (kafka_log_t *)base;
}

/* ---- Waiting for positions ---- */

static waiter_t *waiter_new(store_done_fn *done, void *arg)
{
    waiter_t *w = mem_new0(waiter_t);
    w->done = done;
    w->arg = arg;
    return w;
}

/* Keeps the order of asking: the answers come in the same order. */
static void waiter_push(waiter_t **list, waiter_t *w)
{
    while (*list != NULL) list = &(*list)->next;
    w->next = NULL;
    *list = w;
}

static void waiter_answer(waiter_t *w, cd_err_t *err)
{
    w->done(w->arg, err);
    free(w->ends);
    free(w);
}

static bool reached(const kafka_log_t *log, const int64_t *ends)
{
    for (int32_t p = 0; p < log->npartitions; p++)
        if (log->positions[p] < ends[p]) return false;
    return true;
}

static void answer_reached(kafka_log_t *log)
{
    for (waiter_t **at = &log->waiting; *at != NULL && !log->closed;) {
        waiter_t *w = *at;
        if (!reached(log, w->ends)) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        waiter_answer(w, NULL);
        at = &log->waiting; /* the answer may have changed the list */
    }
}

/* ---- Reading ---- */

static void on_message(kafka_log_t *log, const rd_kafka_message_t *m)
{
    if (m->partition < 0 || m->partition >= log->npartitions) return;
    int64_t *position = &log->positions[m->partition];
    if (m->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
        if (m->offset > *position) *position = m->offset; /* past control records, which are not delivered */
        return;
    }
    if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
        log_write(CD_LOG_WARN, LOGGER, NULL, "Reading topic '%s': %s", log->topic, rd_kafka_message_errstr(m));
        return;
    }
    rd_kafka_timestamp_type_t type;
    int64_t timestamp = rd_kafka_message_timestamp(m, &type);
    const store_record_t r = {
        .offset = m->offset,
        .timestamp = type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? CD_NO_TIMESTAMP : timestamp,
        .key = {.ptr = m->key, .len = (uint32_t)m->key_len},
        .value = {.ptr = m->payload, .len = (uint32_t)m->len},
    };
    *position = m->offset + 1;
    log->base.on_record(log->base.arg, &r);
}

static void free_log(kafka_log_t *log);

static bool drain(kafka_hub_reader_t *r)
{
    kafka_log_t *log = (kafka_log_t *)((char *)r - offsetof(kafka_log_t, reader));
    rd_kafka_message_t *messages[BATCH];
    ssize_t n = rd_kafka_consume_batch_queue(log->queue, 0, messages, BATCH);
    log->draining = true; /* a callback may close the log */
    for (ssize_t i = 0; i < n; i++) {
        if (!log->closed) on_message(log, messages[i]);
        rd_kafka_message_destroy(messages[i]);
    }
    if (!log->closed) answer_reached(log);
    log->draining = false;
    if (log->closed) {
        free_log(log);
        return false;
    }
    return n == BATCH;
}

/* ---- End offsets ---- */

static void ask_ends(kafka_log_t *log);

static void ends_run(void *arg)
{
    ends_job_t *j = arg;
    /* the special time -1 asks for the end, one request per broker. The producer asks: a broker answers the requests of
     * a connection in order, and the consumer has a long poll waiting on its own. */
    j->code = rd_kafka_offsets_for_times(kafka_hub_producer(j->hub), j->parts, ENDS_STEP_MS);
}

static cd_err_t *ends_take(kafka_log_t *log, const ends_job_t *j, int64_t *ends)
{
    char doing[300];
    rd_kafka_resp_err_t code = j->code;
    for (int i = 0; i < j->parts->cnt && code == RD_KAFKA_RESP_ERR_NO_ERROR; i++) {
        code = j->parts->elems[i].err;
        ends[j->parts->elems[i].partition] = j->parts->elems[i].offset;
    }
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return NULL;
    (void)snprintf(doing, sizeof(doing), "Failed to list the end offsets of topic '%s'", log->topic);
    return kafka_err(code, doing);
}

static void on_retry_closed(uv_handle_t *h)
{
    free(h);
}

static void retry_stop(kafka_log_t *log)
{
    if (log->retry == NULL) return;
    uv_close((uv_handle_t *)log->retry, on_retry_closed);
    log->retry = NULL;
}

static void on_retry(uv_timer_t *t)
{
    kafka_log_t *log = t->data;
    retry_stop(log);
    ask_ends(log);
}

static void retry_later(kafka_log_t *log)
{
    log->retry = mem_new0(uv_timer_t);
    if (uv_timer_init(kafka_hub_loop(log->hub), log->retry) != 0) abort(); /* fails only for a NULL loop */
    log->retry->data = log;
    if (uv_timer_start(log->retry, on_retry, (uint64_t)log->retry_ms, 0) != 0) abort(); /* never fails when live */
    log->retry_ms = log->retry_ms * 2 < ENDS_RETRY_MAX_MS ? log->retry_ms * 2 : ENDS_RETRY_MAX_MS;
}

static void ends_answer(kafka_log_t *log, cd_err_t *err, const int64_t *ends)
{
    waiter_t *asked = log->asking;
    log->asking = NULL;
    while (asked != NULL) {
        waiter_t *w = asked;
        asked = w->next;
        if (err != NULL) {
            w->next = NULL;
            waiter_answer(w, cd_err_new(err->cls, err->jvm_class, "%s", err->message));
        } else {
            w->ends = mem_alloc((size_t)log->npartitions * sizeof(*ends));
            memcpy(w->ends, ends, (size_t)log->npartitions * sizeof(*ends));
            waiter_push(&log->waiting, w);
        }
    }
}

static void ends_done(void *arg)
{
    ends_job_t *j = arg;
    kafka_log_t *log = j->log;
    if (log == NULL) goto out;
    log->job = NULL;
    int64_t *ends = mem_alloc0((size_t)log->npartitions, sizeof(*ends));
    cd_err_t *err = ends_take(log, j, ends);
    if (err != NULL && !log->started && clock_mono_ms() < log->start_deadline) {
        log_err(log->retry_ms < 500 ? CD_LOG_DEBUG : CD_LOG_WARN, LOGGER, NULL,
                "Reading to the end of an internal topic, retrying", err);
        retry_later(log);
    } else {
        log->started = true;
        ends_answer(log, err, ends);
        log->asking = log->next_ask;
        log->next_ask = NULL;
        if (log->asking != NULL) ask_ends(log);
        answer_reached(log);
    }
    cd_err_free(err);
    free(ends);
out:
    rd_kafka_topic_partition_list_destroy(j->parts);
    free(j);
}

static void ask_ends(kafka_log_t *log)
{
    ends_job_t *j = mem_new0(ends_job_t);
    j->hub = log->hub;
    j->log = log;
    j->parts = rd_kafka_topic_partition_list_new(log->npartitions);
    for (int32_t p = 0; p < log->npartitions; p++)
        rd_kafka_topic_partition_list_add(j->parts, log->topic, p)->offset = RD_KAFKA_OFFSET_END;
    log->job = j;
    kafka_hub_run(log->hub, ends_run, ends_done, j);
}

static void read_to_end(store_log_t *base, store_done_fn *done, void *arg)
{
    kafka_log_t *log = log_of(base);
    waiter_t *w = waiter_new(done, arg);
    if (log->asking != NULL) {
        waiter_push(&log->next_ask, w);
        return;
    }
    waiter_push(&log->asking, w);
    ask_ends(log);
}

static void read_back(store_log_t *base, store_done_fn *done, void *arg)
{
    kafka_log_t *log = log_of(base);
    waiter_t *w = waiter_new(done, arg);
    w->ends = mem_alloc((size_t)log->npartitions * sizeof(*w->ends));
    memcpy(w->ends, log->acked, (size_t)log->npartitions * sizeof(*w->ends));
    waiter_push(&log->waiting, w);
    kafka_hub_wake(log->hub); /* what is reached already is answered by the next drain */
}

static void start(store_log_t *base, store_done_fn *done, void *arg)
{
    kafka_log_t *log = log_of(base);
    for (int32_t p = 0; p < log->npartitions; p++) {
        if (rd_kafka_consume_start_queue(log->consumer_topic, p, RD_KAFKA_OFFSET_BEGINNING, log->queue) != 0)
            log_write(CD_LOG_ERROR, LOGGER, NULL, "Cannot read partition %d of topic '%s': %s", p, log->topic,
                      rd_kafka_err2str(rd_kafka_last_error()));
    }
    kafka_hub_add_reader(log->hub, &log->reader, log->queue);
    log->retry_ms = ENDS_RETRY_MIN_MS;
    log->start_deadline = clock_mono_ms() + ENDS_START_MS;
    read_to_end(base, done, arg);
}

/* ---- Writing ---- */

static void send_unlink(send_t *s)
{
    s->prev->next = s->next;
    s->next->prev = s->prev;
}

static void on_sent(kafka_hub_send_t *base, const rd_kafka_message_t *m)
{
    send_t *s = (send_t *)base;
    kafka_log_t *log = s->log;
    if (log != NULL) {
        cd_err_t *err = NULL;
        send_unlink(s);
        log->pending--;
        if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
            err = kafka_err(m->err, "Failed to write to an internal topic");
        } else if (m->partition >= 0 && m->partition < log->npartitions && m->offset + 1 > log->acked[m->partition]) {
            log->acked[m->partition] = m->offset + 1;
        }
        if (s->done != NULL)
            s->done(s->arg, err);
        else
            cd_err_free(err);
    }
    free(s);
}

/* A record that librdkafka did not take: its answer must still come later than the call. */
typedef struct refusal {
    uv_timer_t timer;
    store_done_fn *done;
    void *arg;
    cd_err_t *err;
} refusal_t;

static void on_refusal_closed(uv_handle_t *h)
{
    free(h->data);
}

static void on_refusal(uv_timer_t *t)
{
    refusal_t *r = t->data;
    r->done(r->arg, r->err);
    uv_close((uv_handle_t *)t, on_refusal_closed);
}

static void refuse(kafka_log_t *log, cd_err_t *err, store_done_fn *done, void *arg)
{
    if (done == NULL) {
        log_err(CD_LOG_ERROR, LOGGER, NULL, "A record was not written", err);
        cd_err_free(err);
        return;
    }
    refusal_t *r = mem_new0(refusal_t);
    r->done = done;
    r->arg = arg;
    r->err = err;
    r->timer.data = r;
    if (uv_timer_init(kafka_hub_loop(log->hub), &r->timer) != 0 || uv_timer_start(&r->timer, on_refusal, 0, 0) != 0)
        abort(); /* fail only for a NULL loop */
}

static void append(store_log_t *base, cd_bytes_t key, cd_bytes_t value, store_done_fn *done, void *arg)
{
    kafka_log_t *log = log_of(base);
    send_t *s = mem_new0(send_t);
    s->base.fn = on_sent;
    s->log = log;
    s->done = done;
    s->arg = arg;
    if (rd_kafka_produce(log->producer_topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value.ptr,
                         value.len, key.ptr, key.len, s) != 0) {
        refuse(log, kafka_err(rd_kafka_last_error(), "Failed to write to an internal topic"), done, arg);
        free(s);
        return;
    }
    s->next = &log->sends;
    s->prev = log->sends.prev;
    s->prev->next = s;
    log->sends.prev = s;
    log->pending++;
}

static uint32_t pending(const store_log_t *base)
{
    return ((const kafka_log_t *)base)->pending;
}

/* ---- Life ---- */

static void free_log(kafka_log_t *log)
{
    if (log->queue != NULL) rd_kafka_queue_destroy(log->queue);
    if (log->producer_topic != NULL) rd_kafka_topic_destroy(log->producer_topic);
    if (log->consumer_topic != NULL) rd_kafka_topic_destroy(log->consumer_topic);
    free(log->positions);
    free(log->acked);
    free(log->topic);
    free(log);
}

static cd_err_t *stopped(void)
{
    return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Worker is shutting down");
}

static void drop_waiters(waiter_t **list)
{
    while (*list != NULL) {
        waiter_t *w = *list;
        *list = w->next;
        waiter_answer(w, stopped());
    }
}

static void close_log(store_log_t *base)
{
    kafka_log_t *log = log_of(base);
    log->closed = true;
    kafka_hub_remove_reader(log->hub, &log->reader, log->queue);
    for (int32_t p = 0; p < log->npartitions; p++)
        if (rd_kafka_consume_stop(log->consumer_topic, p) != 0)
            log_write(CD_LOG_DEBUG, LOGGER, NULL, "Partition %d of topic '%s' was not being read", p, log->topic);
    retry_stop(log);
    if (log->job != NULL) log->job->log = NULL;
    drop_waiters(&log->waiting);
    drop_waiters(&log->asking);
    drop_waiters(&log->next_ask);
    for (send_t *s; (s = log->sends.next) != &log->sends;) {
        send_unlink(s);
        s->log = NULL;
        if (s->done != NULL) s->done(s->arg, stopped());
    }
    if (!log->draining) free_log(log);
}

static const store_log_ops_t ops = {
    .start = start,
    .append = append,
    .read_back = read_back,
    .read_to_end = read_to_end,
    .pending = pending,
    .close = close_log,
};

cd_err_t *kafka_log_new(kafka_hub_t *hub, const char *topic, int32_t partitions, store_log_t **ret_log)
{
    kafka_log_t *log = mem_new0(kafka_log_t);
    log->base.ops = &ops;
    log->reader.drain = drain;
    log->hub = hub;
    log->topic = mem_strdup(topic);
    log->npartitions = partitions;
    log->positions = mem_alloc0((size_t)partitions, sizeof(*log->positions));
    log->acked = mem_alloc0((size_t)partitions, sizeof(*log->acked));
    log->sends.next = log->sends.prev = &log->sends;
    log->producer_topic = rd_kafka_topic_new(kafka_hub_producer(hub), topic, NULL);
    log->consumer_topic = rd_kafka_topic_new(kafka_hub_consumer(hub), topic, NULL);
    if (log->producer_topic == NULL || log->consumer_topic == NULL) {
        cd_err_t *err = kafka_err(rd_kafka_last_error(), "Cannot use an internal topic");
        free_log(log);
        return err;
    }
    log->queue = rd_kafka_queue_new(kafka_hub_consumer(hub));
    *ret_log = &log->base;
    return NULL;
}
