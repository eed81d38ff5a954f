#include "runtime/store/kafka_hub.h"

#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/client/kafka_conf.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define LOGGER       "org.apache.kafka.clients"
#define DRAIN_ROUNDS 64 /* events taken in one turn, so that a long replay does not hold up REST */

struct kafka_hub {
    uv_loop_t *loop;
    rd_kafka_t *producer, *consumer;
    rd_kafka_queue_t *producer_queue, *consumer_queue, *admin_queue;
    int fd;
    uv_poll_t poll;
    uv_timer_t flush_timer;
    int64_t flush_deadline;
    kafka_hub_flush_fn *flush_done;
    void *flush_arg;
    kafka_hub_reader_t *readers, *next_reader; /* next_reader: the one after the reader being drained */
    uint32_t jobs, handles;
    bool closing;
    void (*closed)(void *arg);
    void *closed_arg;
};

typedef struct setting {
    const char *name, *value;
} setting_t;

static cd_err_t *force_settings(rd_kafka_conf_t *conf, bool producer)
{
    /* murmur2: the same partition for a key as Java's producer, else two live versions of one key would exist */
    static const setting_t for_producer[] = {{"acks", "all"},
                                             {"max.in.flight.requests.per.connection", "1"},
                                             {"enable.idempotence", "false"},
                                             {"message.timeout.ms", "0"},
                                             {"partitioner", "murmur2_random"},
                                             {"linger.ms", "0"},
                                             /* a topic that was just made has its leaders in a moment */
                                             {"topic.metadata.refresh.fast.interval.ms", "20"},
                                             {"retry.backoff.ms", "20"},
                                             {NULL, NULL}};
    static const setting_t for_consumer[] = {
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "earliest"},
        {"enable.partition.eof", "true"},
        {"allow.auto.create.topics", "true"}, /* as Java; creation has been tried by then */
        /* a partition whose reading starts while a long poll is under way waits for its end: at most this long, so
         * that a start is not held up */
        {"fetch.wait.max.ms", "100"},
        {NULL, NULL}};
    char text[256];
    for (const setting_t *s = producer ? for_producer : for_consumer; s->name != NULL; s++)
        if (rd_kafka_conf_set(conf, s->name, s->value, text, sizeof(text)) != RD_KAFKA_CONF_OK)
            return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s", text);
    return NULL;
}

/* ---- Events ---- */

static void on_delivered(rd_kafka_event_t *ev)
{
    for (const rd_kafka_message_t *m; (m = rd_kafka_event_message_next(ev)) != NULL;) {
        kafka_hub_send_t *s = m->_private;
        if (s != NULL) s->fn(s, m);
    }
}

static void on_event(rd_kafka_event_t *ev)
{
    switch (rd_kafka_event_type(ev)) {
    case RD_KAFKA_EVENT_DR:
        on_delivered(ev);
        break;
    case RD_KAFKA_EVENT_ERROR:
        log_write(CD_LOG_WARN, LOGGER, NULL, "%s", rd_kafka_event_error_string(ev));
        break;
    case RD_KAFKA_EVENT_CREATETOPICS_RESULT:
    case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
    case RD_KAFKA_EVENT_LISTCONSUMERGROUPOFFSETS_RESULT: {
        kafka_hub_admin_t *a = rd_kafka_event_opaque(ev);
        if (a != NULL) a->fn(a, ev);
        break;
    }
    default:
        break;
    }
}

/* @return whether the queue may hold more */
static bool drain_queue(rd_kafka_queue_t *q)
{
    for (int i = 0; i < DRAIN_ROUNDS; i++) {
        rd_kafka_event_t *ev = rd_kafka_queue_poll(q, 0);
        if (ev == NULL) return false;
        on_event(ev);
        rd_kafka_event_destroy(ev);
    }
    return true;
}

void kafka_hub_wake(kafka_hub_t *hub)
{
    const uint64_t one = 1;
    /* EAGAIN means the counter is at its limit: then the loop is woken anyway */
    if (write(hub->fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Cannot wake the loop: %s", strerror(errno));
}

static void finish_flush(kafka_hub_t *hub)
{
    kafka_hub_flush_fn *done = hub->flush_done;
    if (done == NULL) return;
    int waiting = rd_kafka_outq_len(hub->producer);
    if (waiting > 0 && clock_mono_ms() < hub->flush_deadline) return;
    hub->flush_done = NULL;
    if (uv_timer_stop(&hub->flush_timer) != 0) abort(); /* never fails */
    done(hub->flush_arg, waiting > 0 ? (uint32_t)waiting : 0);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    kafka_hub_t *hub = poll->data;
    uint64_t count;
    (void)status;
    (void)events;
    /* librdkafka writes to the descriptor only when a queue stops being empty: take everything, or wake ourselves */
    if (read(hub->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
        log_write(CD_LOG_ERROR, LOGGER, NULL, "Cannot read the event descriptor: %s", strerror(errno));
    bool more = drain_queue(hub->producer_queue);
    more = drain_queue(hub->admin_queue) || more;
    more = drain_queue(hub->consumer_queue) || more;
    for (kafka_hub_reader_t *r = hub->readers; r != NULL; r = hub->next_reader) {
        hub->next_reader = r->next;
        more = r->drain(r) || more;
    }
    if (more) kafka_hub_wake(hub);
    finish_flush(hub);
}

static void enable(kafka_hub_t *hub, rd_kafka_queue_t *q)
{
    static const uint64_t one = 1;
    rd_kafka_queue_io_event_enable(q, hub->fd, &one, sizeof(one));
}

static void disable(rd_kafka_queue_t *q)
{
    rd_kafka_queue_io_event_enable(q, -1, NULL, 0);
}

void kafka_hub_add_reader(kafka_hub_t *hub, kafka_hub_reader_t *r, rd_kafka_queue_t *queue)
{
    r->next = hub->readers;
    hub->readers = r;
    enable(hub, queue);
    kafka_hub_wake(hub); /* what came before the line above woke nobody */
}

void kafka_hub_remove_reader(kafka_hub_t *hub, kafka_hub_reader_t *r, rd_kafka_queue_t *queue)
{
    disable(queue);
    if (hub->next_reader == r) hub->next_reader = r->next;
    for (kafka_hub_reader_t **at = &hub->readers; *at != NULL; at = &(*at)->next) {
        if (*at != r) continue;
        *at = r->next;
        return;
    }
}

/* ---- Life ---- */

static cd_err_t *make_client(enum kafka_role role, const cd_config_t *settings, rd_kafka_t **ret_rk)
{
    rd_kafka_conf_t *conf;
    cd_err_t *err = kafka_conf_new(role, settings, 1, &conf);
    if (err != NULL) return err;
    err = force_settings(conf, role == KAFKA_PRODUCER);
    if (err != NULL) {
        rd_kafka_conf_destroy(conf);
        return err;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR);
    return kafka_conf_open(role, conf, ret_rk);
}

static void free_hub(kafka_hub_t *hub)
{
    rd_kafka_queue_t *queues[] = {hub->producer_queue, hub->consumer_queue, hub->admin_queue};
    for (size_t i = 0; i < sizeof(queues) / sizeof(*queues); i++)
        if (queues[i] != NULL) rd_kafka_queue_destroy(queues[i]);
    if (hub->consumer != NULL) rd_kafka_destroy(hub->consumer);
    if (hub->producer != NULL) rd_kafka_destroy(hub->producer);
    if (hub->fd >= 0 && close(hub->fd) != 0) log_write(CD_LOG_WARN, LOGGER, NULL, "close: %s", strerror(errno));
    free(hub);
}

cd_err_t *kafka_hub_new(uv_loop_t *loop, const cd_config_t *settings, kafka_hub_t **ret_hub)
{
    kafka_hub_t *hub = mem_new0(kafka_hub_t);
    hub->loop = loop;
    hub->fd = -1;
    cd_err_t *err = make_client(KAFKA_PRODUCER, settings, &hub->producer);
    if (err == NULL) err = make_client(KAFKA_CONSUMER, settings, &hub->consumer);
    if (err != NULL) goto out;
    hub->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (hub->fd < 0 || uv_poll_init(loop, &hub->poll, hub->fd) != 0) {
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Cannot make an event descriptor: %s", strerror(errno));
        goto out;
    }
    if (uv_timer_init(loop, &hub->flush_timer) != 0) abort(); /* fails only for a NULL loop */
    hub->poll.data = hub->flush_timer.data = hub;
    hub->handles = 2;
    hub->producer_queue = rd_kafka_queue_get_main(hub->producer);
    hub->consumer_queue = rd_kafka_queue_get_main(hub->consumer);
    hub->admin_queue = rd_kafka_queue_new(hub->producer);
    enable(hub, hub->producer_queue);
    enable(hub, hub->consumer_queue);
    enable(hub, hub->admin_queue);
    if (uv_poll_start(&hub->poll, UV_READABLE, on_readable) != 0) abort(); /* fails only for a closing handle */
    kafka_hub_wake(hub);
    *ret_hub = hub;
    hub = NULL;
out:
    if (hub != NULL) free_hub(hub);
    return err;
}

static void try_free(kafka_hub_t *hub)
{
    if (!hub->closing || hub->jobs > 0 || hub->handles > 0) return;
    void (*closed)(void *arg) = hub->closed;
    void *arg = hub->closed_arg;
    free_hub(hub);
    closed(arg);
}

static void on_handle_closed(uv_handle_t *h)
{
    kafka_hub_t *hub = h->data;
    hub->handles--;
    try_free(hub);
}

void kafka_hub_close(kafka_hub_t *hub, void (*closed)(void *arg), void *arg)
{
    hub->closing = true;
    hub->closed = closed;
    hub->closed_arg = arg;
    disable(hub->producer_queue);
    disable(hub->consumer_queue);
    disable(hub->admin_queue);
    /* what is not acknowledged by now is given up: rd_kafka_destroy would wait for it without limit */
    (void)rd_kafka_purge(hub->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    while (drain_queue(hub->producer_queue)) {
    }
    uv_close((uv_handle_t *)&hub->poll, on_handle_closed);
    uv_close((uv_handle_t *)&hub->flush_timer, on_handle_closed);
}

uv_loop_t *kafka_hub_loop(const kafka_hub_t *hub)
{
    return hub->loop;
}

rd_kafka_t *kafka_hub_producer(const kafka_hub_t *hub)
{
    return hub->producer;
}

rd_kafka_t *kafka_hub_consumer(const kafka_hub_t *hub)
{
    return hub->consumer;
}

rd_kafka_queue_t *kafka_hub_admin_queue(const kafka_hub_t *hub)
{
    return hub->admin_queue;
}

/* ---- Flush ---- */

static void on_flush_timer(uv_timer_t *t)
{
    finish_flush(t->data);
}

void kafka_hub_flush(kafka_hub_t *hub, int64_t deadline, kafka_hub_flush_fn *done, void *arg)
{
    int64_t left = deadline - clock_mono_ms();
    hub->flush_deadline = deadline;
    hub->flush_done = done;
    hub->flush_arg = arg;
    /* with nothing to send, the answer comes by the wake-up below, after this call has returned */
    if (uv_timer_start(&hub->flush_timer, on_flush_timer, left > 0 ? (uint64_t)left + 1 : 0, 0) != 0) abort();
    kafka_hub_wake(hub);
}

/* ---- Blocking calls ---- */

typedef struct job {
    uv_work_t work;
    kafka_hub_t *hub;
    void (*run)(void *arg);
    void (*done)(void *arg);
    void *arg;
} job_t;

static void job_run(uv_work_t *w)
{
    job_t *j = w->data;
    j->run(j->arg);
}

static void job_done(uv_work_t *w, int status)
{
    job_t *j = w->data;
    kafka_hub_t *hub = j->hub;
    (void)status; /* never cancelled */
    j->done(j->arg);
    free(j);
    hub->jobs--;
    try_free(hub);
}

void kafka_hub_run(kafka_hub_t *hub, void (*run)(void *arg), void (*done)(void *arg), void *arg)
{
    job_t *j = mem_new0(job_t);
    *j = (job_t){.hub = hub, .run = run, .done = done, .arg = arg};
    j->work.data = j;
    hub->jobs++;
    if (uv_queue_work(hub->loop, &j->work, job_run, job_done) != 0) abort(); /* fails only without a callback */
}

typedef struct describe {
    kafka_hub_t *hub;
    int64_t deadline;
    char *id;
    kafka_hub_cluster_fn *done;
    void *arg;
} describe_t;

#define DESCRIBE_STEP_MS 2000 /* a close waits at most this long for the call in hand */

static void describe_run(void *arg)
{
    describe_t *d = arg;
    char *id = rd_kafka_clusterid(d->hub->producer, DESCRIBE_STEP_MS);
    if (id == NULL) return;
    d->id = mem_strdup(id);
    rd_kafka_mem_free(d->hub->producer, id);
}

static void describe_done(void *arg)
{
    describe_t *d = arg;
    cd_err_t *err = NULL;
    if (d->id == NULL && !d->hub->closing && clock_mono_ms() < d->deadline) {
        kafka_hub_run(d->hub, describe_run, describe_done, d);
        return;
    }
    if (d->id == NULL)
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                         "Failed to connect to and describe Kafka cluster. Check worker's broker connection and "
                         "security properties.");
    d->done(d->arg, err, d->id);
    free(d->id);
    free(d);
}

void kafka_hub_describe(kafka_hub_t *hub, int64_t timeout_ms, kafka_hub_cluster_fn *done, void *arg)
{
    describe_t *d = mem_new0(describe_t);
    *d = (describe_t){.hub = hub, .deadline = clock_mono_ms() + timeout_ms, .done = done, .arg = arg};
    kafka_hub_run(hub, describe_run, describe_done, d);
}
