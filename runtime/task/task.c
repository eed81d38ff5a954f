#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/config/config_key.h"
#include "runtime/data/value.h"
#include "runtime/task/task_priv.h"

#include <poll.h>

#define TASK_LOGGER "org.apache.kafka.connect.runtime.WorkerTask"
#define STACK_BYTES ((size_t)2 * 1024 * 1024)

/* ---- Life ---- */

void task_ref(task_t *t)
{
    (void)__atomic_fetch_add(&t->refs, 1, __ATOMIC_RELAXED);
}

void task_unref(task_t *t)
{
    if (__atomic_sub_fetch(&t->refs, 1, __ATOMIC_ACQ_REL) > 0) return;
    mailbox_free(t->inbox); /* drops what waits: such messages hold no reference to this task */
    ctx_free(t->ctx);
    cd_err_free(t->failure);
    for (uint32_t i = 0; i < t->ntopics; i++) free(t->topics[i]);
    free(t->topics);
    hub_unref(t->hub);
    cd_arena_done(&t->arena);
    free(t);
}

static void note_drop(msg_t *m)
{
    task_note_t *n = (task_note_t *)m;
    if (n->task != NULL) task_unref(n->task);
    free(n->text);
    cd_err_free(n->err);
    free(n);
}

static task_note_t *note_new(uint32_t type, task_t *t)
{
    task_note_t *n = mem_new0(task_note_t);
    n->msg.type = type;
    n->msg.drop = note_drop;
    if (t != NULL) task_ref(t);
    n->task = t;
    return n;
}

/** Messages to the thread hold no reference: the inbox dies with the task. */
static void inbox_send(task_t *t, task_note_t *n)
{
    if (!mailbox_send(t->inbox, &n->msg)) n->msg.drop(&n->msg);
}

static void report_failure(task_t *t, const cd_err_t *err)
{
    strbuf_t trace = {0};
    err_text_trace(err, &trace);
    log_write(CD_LOG_ERROR, TASK_LOGGER, ctx_log_context(t->ctx),
              "%s Task threw an uncaught and unrecoverable exception. Task is being killed and will not recover until "
              "manually restarted\n%s",
              t->id, strbuf_str(&trace));
    task_note_t *n = note_new(MSG_STATE, t);
    n->state = TASK_FAILED;
    n->text = strbuf_take(&trace);
    hub_send(t->hub, &n->msg);
}

static void *task_main(void *arg)
{
    task_t *t = arg;
    cd_err_t *err = t->plugin->kind == CD_KIND_SOURCE ? source_run(t) : sink_run(t);
    if (err != NULL && !(cd_err_is(err, CD_ERR_STOPPED) && ctx_stopping(t->ctx))) report_failure(t, err);
    cd_err_free(err);
    while (!ctx_stopping(t->ctx)) {
        task_inbox(t); /* a dead task still takes its messages, so that they do not pile up */
        task_sleep(t, -1, INT32_MAX);
    }
    hub_send(t->hub, &note_new(MSG_DONE, t)->msg);
    task_unref(t);
    return NULL;
}

static cd_err_t *spawn(task_t *t)
{
    pthread_attr_t attr;
    pthread_t thread;
    cd_err_t *err = NULL;
    (void)pthread_attr_init(&attr);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    task_ref(t);
    int rc = pthread_create(&thread, &attr, task_main, t);
    if (rc != 0) {
        task_unref(t);
        err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not start a thread: %s", strerrordesc_np(rc));
    }
    (void)pthread_attr_destroy(&attr);
    return err;
}

task_t *task_start(task_hub_t *hub, const task_spec_t *spec)
{
    task_t *t = mem_new0(task_t);
    bool source = spec->plugin->kind == CD_KIND_SOURCE;
    t->refs = 1;
    hub_ref(hub);
    t->hub = hub;
    t->connector = cd_arena_strdup(&t->arena, spec->connector);
    t->number = spec->number;
    t->generation = spec->generation;
    t->user = spec->user;
    t->plugin = spec->plugin;
    t->target = spec->target;
    t->connector_config = config_copy(spec->connector_config, &t->arena);
    t->task_config = config_copy(spec->task_config, &t->arena);
    t->id = cd_arena_printf(&t->arena, "%s{id=%s-%d}", source ? "WorkerSourceTask" : "WorkerSinkTask", t->connector,
                            t->number);
    cd_err_t *err = ctx_new(t->connector, t->number, &t->task_config, hub->metrics,
                            source ? &source_services : sink_services(), t, &t->ctx);
    if (err == NULL) err = mailbox_new_fd(&t->inbox);
    if (err == NULL) err = spawn(t);
    if (err != NULL) { /* out of descriptors or threads: aborting one task start must not take the worker down */
        strbuf_t trace = {0};
        err_text_trace(err, &trace);
        task_note_t *n = note_new(MSG_STATE, t);
        n->state = TASK_FAILED;
        n->text = strbuf_take(&trace);
        hub_send(hub, &n->msg);
        cd_err_free(err);
        mailbox_free(t->inbox);
        t->inbox = NULL;
    }
    return t;
}

void task_set_target(task_t *t, enum task_target target)
{
    if (t->inbox == NULL) return;
    task_note_t *n = note_new(MSG_TARGET, NULL);
    n->target = target;
    inbox_send(t, n);
}

void task_stop(task_t *t)
{
    if (t->inbox == NULL) { /* never had a thread */
        hub_send(t->hub, &note_new(MSG_DONE, t)->msg);
        return;
    }
    ctx_stop(t->ctx);
}

void task_abandon(task_t *t)
{
    __atomic_store_n(&t->cancelled, true, __ATOMIC_SEQ_CST);
    if (t->ctx != NULL) ctx_stop(t->ctx);
    t->released = true;
    task_unref(t);
}

void task_free(task_t *t)
{
    if (t == NULL) return;
    t->released = true;
    task_unref(t);
}

void task_topics_reset(task_t *t)
{
    if (t->inbox != NULL) inbox_send(t, note_new(MSG_TOPICS_RESET, NULL));
}

const char *task_connector(const task_t *t)
{
    return t->connector;
}

int32_t task_number(const task_t *t)
{
    return t->number;
}

int64_t task_generation(const task_t *t)
{
    return t->generation;
}

enum task_state task_state(const task_t *t)
{
    return t->state;
}

void *task_user(const task_t *t)
{
    return t->user;
}

/* ---- Thread side ---- */

static void topics_clear(task_t *t)
{
    for (uint32_t i = 0; i < t->ntopics; i++) free(t->topics[i]);
    t->ntopics = 0;
}

void task_inbox(task_t *t)
{
    for (msg_t *m; (m = mailbox_take(t->inbox)) != NULL;) {
        task_note_t *n = (task_note_t *)m;
        switch (m->type) {
        case MSG_OFFSET_READ_DONE:
        case MSG_OFFSET_WRITE_DONE: {
            offset_request_t *req = (offset_request_t *)m;
            if (req == t->awaited)
                t->read_answer = req;
            else if (req == t->writing)
                t->write_answer = req;
            else
                m->drop(m); /* an answer that nobody waits for any more */
            continue;
        }
        case MSG_TARGET:
            t->target = n->target;
            break;
        case MSG_TOPICS_RESET:
            topics_clear(t);
            break;
        case MSG_FAIL:
            cd_err_free(t->failure);
            t->failure = n->err;
            n->err = NULL;
            break;
        default:
            break;
        }
        m->drop(m);
    }
}

static void sleep_on(task_t *t, int stop_fd, int fd, int64_t timeout_ms)
{
    struct pollfd p[3] = {{.fd = mailbox_fd(t->inbox), .events = POLLIN},
                          {.fd = stop_fd, .events = POLLIN},
                          {.fd = fd, .events = POLLIN}};
    if (timeout_ms < 0) timeout_ms = 0;
    (void)poll(p, 3, timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms); /* callers look at everything again */
}

/* The stop descriptor is always among the watched: were it left out once a stop is seen here, a stop between the
 * caller's own check and this call would be slept through. */
void task_sleep(task_t *t, int fd, int64_t timeout_ms)
{
    sleep_on(t, ctx_stop_fd(t->ctx), fd, timeout_ms);
}

void task_sleep_ending(task_t *t, int fd, int64_t timeout_ms)
{
    sleep_on(t, -1, fd, timeout_ms);
}

void task_report(task_t *t, enum task_state state)
{
    task_note_t *n = note_new(MSG_STATE, t);
    n->state = state;
    hub_send(t->hub, &n->msg);
}

bool task_cancelled(const task_t *t)
{
    return __atomic_load_n(&t->cancelled, __ATOMIC_SEQ_CST);
}

void task_topic_used(task_t *t, const char *topic)
{
    uint32_t lo = 0, hi = t->ntopics;
    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;
        int d = strcmp(t->topics[mid], topic);
        if (d == 0) return;
        if (d < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (t->ntopics >= TOPICS_KNOWN_MAX) return;
    mem_grow(t->topics, t->ntopics, t->topics_cap);
    memmove(&t->topics[lo + 1], &t->topics[lo], (t->ntopics - lo) * sizeof(*t->topics));
    t->topics[lo] = mem_strdup(topic);
    t->ntopics++;
    task_note_t *n = note_new(MSG_TOPIC, t);
    n->text = mem_strdup(topic);
    hub_send(t->hub, &n->msg);
}

void task_fail(void *arg, cd_err_t *err)
{
    task_note_t *n = note_new(MSG_FAIL, NULL);
    n->err = err;
    inbox_send(arg, n);
}

void task_client_layers(task_t *t, cd_arena_t *arena, const cd_pair_t *base, uint32_t nbase, const char *prefix,
                        const char *override_prefix, cd_config_t ret_layers[TASK_LAYERS])
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, nbase + 1);
    for (uint32_t i = 0; i < nbase; i++) pairs[i] = base[i];
    const char *bootstrap = cd_config_get(&t->hub->worker_config, "bootstrap.servers");
    pairs[nbase] = (cd_pair_t){"bootstrap.servers", bootstrap != NULL ? bootstrap : "localhost:9092"};
    ret_layers[0] = (cd_config_t){nbase + 1, pairs};
    ret_layers[1] = config_with_prefix(&t->hub->worker_config, prefix, arena);
    ret_layers[2] = config_with_prefix(&t->connector_config, override_prefix, arena);
}

void task_producer_layers(task_t *t, cd_arena_t *arena, const char *kind, cd_config_t ret_layers[TASK_LAYERS])
{
    const cd_pair_t base[] = {
        {"acks", "all"},
        {"max.in.flight.requests.per.connection", "1"},
        {"enable.idempotence", "false"},
        {"delivery.timeout.ms", "2147483647"},
        {"client.id", cd_arena_printf(arena, "%s-%s-%d", kind, t->connector, t->number)},
    };
    task_client_layers(t, arena, base, sizeof(base) / sizeof(base[0]), "producer.", "producer.override.", ret_layers);
}

cd_err_t *task_flush_read(const task_t *t, task_flush_t *ret_flush)
{
    static const cd_key_t keys[] = {{.name = "offset.flush.interval.ms",
                                     .type = CD_T_LONG,
                                     .dflt = "60000",
                                     .at = offsetof(task_flush_t, interval_ms)},
                                    {.name = "offset.flush.timeout.ms",
                                     .type = CD_T_LONG,
                                     .dflt = "5000",
                                     .at = offsetof(task_flush_t, timeout_ms)},
                                    CD_KEY_END};
    cd_arena_t scratch = {0};
    cd_err_t *err = config_parse(keys, sizeof(keys[0]), &t->hub->worker_config, &scratch, ret_flush, NULL);
    cd_arena_done(&scratch);
    return err;
}

/* ---- Offset requests ---- */

#define of_read(p)  ((offset_request_t *)(void *)((char *)(p)-offsetof(offset_request_t, read)))
#define of_write(p) ((offset_request_t *)(void *)((char *)(p)-offsetof(offset_request_t, write)))

void offset_request_free(offset_request_t *req)
{
    if (req == NULL) return;
    task_t *t = req->task;
    cd_err_free(req->err);
    cd_arena_done(&req->arena);
    free(req);
    if (t != NULL) task_unref(t);
}

static void request_drop(msg_t *m)
{
    offset_request_free((offset_request_t *)m);
}

static offset_request_t *request_new(task_t *t, uint32_t type)
{
    offset_request_t *req = mem_new0(offset_request_t);
    req->msg.type = type;
    req->msg.drop = request_drop;
    task_ref(t);
    req->task = t;
    return req;
}

/** Back to the thread. The request gives up its reference only after the send, which needs the inbox; an answer that
 *  lies in the inbox must not keep the task alive. */
static void request_answer(offset_request_t *req, uint32_t type, cd_err_t *err)
{
    task_t *t = req->task;
    req->task = NULL;
    req->msg.type = type;
    req->err = err;
    if (!mailbox_send(t->inbox, &req->msg)) offset_request_free(req);
    task_unref(t);
}

void task_offset_read_done(task_offset_read_t *req, const cd_value_t *offset, cd_err_t *err)
{
    offset_request_t *own = of_read(req);
    own->offset = offset != NULL && err == NULL ? value_copy(offset, &own->arena) : CD_V_NULL;
    request_answer(own, MSG_OFFSET_READ_DONE, err);
}

void task_offset_write_done(task_offset_write_t *req, cd_err_t *err)
{
    request_answer(of_write(req), MSG_OFFSET_WRITE_DONE, err);
}

cd_err_t *task_offset_read(void *arg, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset)
{
    task_t *t = arg;
    offset_request_t *req = request_new(t, MSG_OFFSET_READ);
    req->partition = value_copy(partition, &req->arena);
    req->read.connector = t->connector;
    req->read.partition = &req->partition;
    t->awaited = req;
    hub_send(t->hub, &req->msg);
    for (;;) {
        task_inbox(t);
        if (t->read_answer != NULL) break;
        if (ctx_stopping(t->ctx)) {
            t->awaited = NULL;
            return cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while reading source offsets");
        }
        task_sleep(t, -1, INT32_MAX);
    }
    req = t->read_answer;
    t->awaited = t->read_answer = NULL;
    cd_err_t *err = req->err;
    req->err = NULL;
    if (err == NULL) *ret_offset = value_copy(&req->offset, arena);
    offset_request_free(req);
    return err;
}

offset_request_t *task_write_new(task_t *t)
{
    offset_request_t *req = request_new(t, MSG_OFFSET_WRITE);
    req->write.connector = t->connector;
    return req;
}

void task_write_send(task_t *t, offset_request_t *req)
{
    t->writing = req;
    hub_send(t->hub, &req->msg);
}
