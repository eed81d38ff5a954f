#include "runtime/store/config_store.h"

#include "runtime/base/mem.h"

/** What a write does between its records: the list of steps ends with STEP_END. */
enum step {
    STEP_END = 0,
    STEP_READ_TO_END, /* see what others wrote */
    STEP_WRITE,       /* append the records up to the next mark and wait for the acknowledgements */
    STEP_READ_BACK    /* see our own */
};

#define STEPS_MAX 8

typedef struct record {
    struct record *next;
    bool tombstone, mark; /* mark: the last one of its STEP_WRITE */
    strbuf_t key, value;
} record_t;

typedef struct op {
    struct op *prev, *next;
    config_store_t *store; /* NULL once the store is closed */
    uv_timer_t timer;
    enum step steps[STEPS_MAX];
    uint32_t step;
    record_t *records, **tail;
    uint32_t unacked;
    bool timer_open, finished; /* finished: no log callback refers to it any more */
    const char *failure;       /* sentence for the user */
    cd_err_t *err;             /* the first failure of a record */
    store_done_fn *done;       /* NULL once answered */
    void *arg;
} op_t;

struct config_store {
    uv_loop_t *loop;
    store_log_t *log;
    config_state_t *state;
    config_listener_fn *listener;
    void *arg;
    op_t ops; /* list head */
};

static void on_record(void *arg, const store_record_t *r)
{
    config_store_t *s = arg;
    config_event_t ev;
    config_state_apply(s->state, r->offset, r->key, r->value, &ev);
    if (ev.type != CONFIG_EV_NONE) s->listener(s->arg, &ev);
}

config_store_t *config_store_new(uv_loop_t *loop, store_log_t *log, config_listener_fn *listener, void *arg)
{
    config_store_t *s = mem_new0(config_store_t);
    *s = (config_store_t){.loop = loop, .log = log, .state = config_state_new(), .listener = listener, .arg = arg};
    s->ops.prev = s->ops.next = &s->ops;
    store_log_listen(log, on_record, s);
    return s;
}

const config_state_t *config_store_state(const config_store_t *s)
{
    return s->state;
}

/* ---- Operations ---- */

static void op_free_when_over(op_t *op)
{
    if (!op->finished || op->timer_open) return;
    while (op->records != NULL) {
        record_t *r = op->records;
        op->records = r->next;
        strbuf_done(&r->key);
        strbuf_done(&r->value);
        free(r);
    }
    cd_err_free(op->err);
    free(op);
}

static void on_timer_closed(uv_handle_t *h)
{
    op_t *op = h->data;
    op->timer_open = false;
    op_free_when_over(op);
}

/* Answer once. The records may still be under way. */
static void op_answer(op_t *op, cd_err_t *err)
{
    store_done_fn *done = op->done;
    if (done == NULL) {
        cd_err_free(err);
        return;
    }
    op->done = NULL;
    op->prev->next = op->next;
    op->next->prev = op->prev;
    uv_close((uv_handle_t *)&op->timer, on_timer_closed);
    done(op->arg, err);
}

static void op_finish(op_t *op)
{
    cd_err_t *err = op->err;
    op->err = NULL;
    if (err != NULL && err->cls != CD_ERR_STOPPED) {
        err = cd_err_wrap(err, CD_ERR_RETRIABLE, CD_JVM_CONNECT, "%s", op->failure);
        err->code = 500;
    }
    op->finished = true;
    if (op->done != NULL)
        op_answer(op, err);
    else
        cd_err_free(err);
    op_free_when_over(op);
}

static void on_timeout(uv_timer_t *t)
{
    op_t *op = t->data;
    cd_err_t *err = cd_err_new(CD_ERR_RETRIABLE, CD_JVM_CONNECT, "%s", op->failure);
    err->code = 500;
    op_answer(op, err);
}

static void op_next(op_t *op);

static void on_step_done(void *arg, cd_err_t *err)
{
    op_t *op = arg;
    if (op->err == NULL)
        op->err = err;
    else
        cd_err_free(err);
    op_next(op);
}

static void on_acked(void *arg, cd_err_t *err)
{
    op_t *op = arg;
    if (op->err == NULL)
        op->err = err;
    else
        cd_err_free(err);
    if (--op->unacked == 0) op_next(op);
}

static void write_records(op_t *op)
{
    store_log_t *log = op->store->log;
    uint32_t n = 1;
    for (const record_t *r = op->records; !r->mark; r = r->next) n++;
    op->unacked = n;
    for (bool last = false; !last;) {
        record_t *r = op->records;
        last = r->mark;
        op->records = r->next;
        const cd_bytes_t key = {.ptr = (const uint8_t *)strbuf_str(&r->key), .len = (uint32_t)r->key.len};
        cd_bytes_t value = {0};
        if (!r->tombstone)
            value = (cd_bytes_t){.ptr = (const uint8_t *)strbuf_str(&r->value), .len = (uint32_t)r->value.len};
        log->ops->append(log, key, value, on_acked, op);
        strbuf_done(&r->key);
        strbuf_done(&r->value);
        free(r);
    }
}

static void op_next(op_t *op)
{
    enum step step = op->err != NULL || op->store == NULL ? STEP_END : op->steps[op->step++];
    switch (step) {
    case STEP_END:
        op_finish(op);
        break;
    case STEP_READ_TO_END:
        op->store->log->ops->read_to_end(op->store->log, on_step_done, op);
        break;
    case STEP_WRITE:
        write_records(op);
        break;
    case STEP_READ_BACK:
        op->store->log->ops->read_back(op->store->log, on_step_done, op);
        break;
    }
}

static op_t *op_new(config_store_t *s, const char *failure, store_done_fn *done, void *arg)
{
    op_t *op = mem_new0(op_t);
    op->store = s;
    op->failure = failure;
    op->done = done;
    op->arg = arg;
    op->tail = &op->records;
    op->next = &s->ops;
    op->prev = s->ops.prev;
    op->prev->next = op;
    s->ops.prev = op;
    op->timer.data = op;
    op->timer_open = true;
    if (uv_timer_init(s->loop, &op->timer) != 0 || uv_timer_start(&op->timer, on_timeout, CONFIG_WRITE_MS, 0) != 0)
        abort(); /* fail only for a NULL loop */
    return op;
}

static void op_step(op_t *op, enum step step)
{
    uint32_t n = 0;
    while (op->steps[n] != STEP_END) n++;
    op->steps[n] = step;
}

static record_t *op_record(op_t *op, const char *prefix, const char *name)
{
    record_t *r = mem_new0(record_t);
    strbuf_adds(&r->key, prefix);
    strbuf_adds(&r->key, name);
    *op->tail = r;
    op->tail = &r->next;
    return r;
}

/* ---- Writes ---- */

void config_store_put_connector(config_store_t *s, const char *name, const cd_config_t *config,
                                enum target_state initial, store_done_fn *done, void *arg)
{
    op_t *op = op_new(s, "Error writing connector configuration to Kafka", done, arg);
    if (initial != TARGET_NONE) config_value_target(initial, &op_record(op, "target-state-", name)->value);
    record_t *r = op_record(op, "connector-", name);
    r->mark = true;
    config_value_properties(config, &r->value);
    op_step(op, STEP_WRITE);
    op_step(op, STEP_READ_BACK);
    op_next(op);
}

void config_store_remove_connector(config_store_t *s, const char *name, store_done_fn *done, void *arg)
{
    op_t *op = op_new(s, "Error removing connector configuration from Kafka", done, arg);
    op_record(op, "connector-", name)->tombstone = true;
    record_t *target = op_record(op, "target-state-", name);
    target->tombstone = target->mark = true;
    op_step(op, STEP_WRITE);
    op_step(op, STEP_READ_BACK);
    op_next(op);
}

void config_store_put_tasks(config_store_t *s, const char *name, const cd_config_t *configs, uint32_t n,
                            store_done_fn *done, void *arg)
{
    op_t *op =
        op_new(s, n > 0 ? "Error writing task configurations to Kafka" : "Error writing root configuration to Kafka",
               done, arg);
    op_step(op, STEP_READ_TO_END);
    for (uint32_t i = 0; i < n; i++) {
        record_t *r = op_record(op, "task-", name);
        strbuf_addf(&r->key, "-%u", i);
        config_value_properties(&configs[i], &r->value);
        r->mark = i == n - 1;
    }
    if (n > 0) {
        op_step(op, STEP_WRITE);
        op_step(op, STEP_READ_BACK);
    }
    record_t *commit = op_record(op, "commit-", name);
    commit->mark = true;
    config_value_commit((int32_t)n, &commit->value);
    op_step(op, STEP_WRITE);
    op_step(op, STEP_READ_BACK);
    op_next(op);
}

void config_store_put_target(config_store_t *s, const char *name, enum target_state target, store_done_fn *done,
                             void *arg)
{
    op_t *op = op_new(s, "Error writing target state to Kafka", done, arg);
    record_t *r = op_record(op, "target-state-", name);
    r->mark = true;
    config_value_target(target, &r->value);
    op_step(op, STEP_WRITE);
    op_next(op);
}

void config_store_put_restart(config_store_t *s, const char *name, bool include_tasks, bool only_failed,
                              store_done_fn *done, void *arg)
{
    op_t *op = op_new(s, "Error writing restart request to Kafka", done, arg);
    record_t *r = op_record(op, "restart-connector-", name);
    r->mark = true;
    config_value_restart(include_tasks, only_failed, &r->value);
    op_step(op, STEP_WRITE);
    op_step(op, STEP_READ_BACK);
    op_next(op);
}

void config_store_put_logger(config_store_t *s, const char *logger, const char *level, store_done_fn *done, void *arg)
{
    op_t *op = op_new(s, "Error writing logger level to Kafka", done, arg);
    record_t *r = op_record(op, "logger-cluster-", logger);
    r->mark = true;
    config_value_logger(level, &r->value);
    op_step(op, STEP_WRITE);
    op_next(op);
}

void config_store_refresh(config_store_t *s, store_done_fn *done, void *arg)
{
    op_t *op = op_new(s, "Failed to read to end of config topic", done, arg);
    op_step(op, STEP_READ_TO_END);
    op_next(op);
}

/* ---- Life ---- */

typedef struct start {
    config_store_t *s;
    store_done_fn *done;
    void *arg;
} start_t;

static void on_started(void *arg, cd_err_t *err)
{
    start_t *st = arg;
    if (err == NULL) config_state_started(st->s->state);
    st->done(st->arg, err);
    free(st);
}

void config_store_start(config_store_t *s, store_done_fn *done, void *arg)
{
    start_t *st = mem_new0(start_t);
    *st = (start_t){.s = s, .done = done, .arg = arg};
    s->log->ops->start(s->log, on_started, st);
}

void config_store_close(config_store_t *s)
{
    if (s == NULL) return;
    /* the log answers what is under way with STOPPED, which ends each operation */
    for (op_t *op = s->ops.next; op != &s->ops; op = op->next) op->store = NULL;
    s->log->ops->close(s->log);
    while (s->ops.next != &s->ops)
        op_answer(s->ops.next, cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Worker is shutting down"));
    config_state_free(s->state);
    free(s);
}
