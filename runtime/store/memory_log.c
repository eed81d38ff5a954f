#include "runtime/store/memory_log.h"

#include "runtime/base/clock.h"
#include "runtime/base/mem.h"

/* One thing to do in order: deliver a record (append) or just answer (everything else). */
typedef struct step {
    struct step *next;
    bool is_record;
    cd_bytes_t key, value; /* in this block */
    store_done_fn *done;
    void *arg;
} step_t;

typedef struct memory_log {
    store_log_t base;
    deferred_t *deferred;
    int64_t next_offset;
    uint32_t pending;
    bool running, closed;
    step_t *head, **tail;
} memory_log_t;

static void run_steps(void *arg)
{
    memory_log_t *log = arg;
    log->running = true;
    for (step_t *s; !log->closed && (s = log->head) != NULL;) {
        log->head = s->next;
        if (log->head == NULL) log->tail = &log->head;
        if (s->is_record) {
            const store_record_t r = {
                .offset = log->next_offset++, .timestamp = clock_wall_ms(), .key = s->key, .value = s->value};
            log->pending--;
            log->base.on_record(log->base.arg, &r);
        }
        if (s->done != NULL) s->done(s->arg, NULL);
        free(s);
    }
    log->running = false;
    if (log->closed) free(log);
}

static void push(memory_log_t *log, step_t *s)
{
    bool first = log->head == NULL && !log->running;
    s->next = NULL;
    *log->tail = s;
    log->tail = &s->next;
    if (first) deferred_call(log->deferred, run_steps, log);
}

static void answer_later(store_log_t *base, store_done_fn *done, void *arg)
{
    step_t *s = mem_new0(step_t);
    s->done = done;
    s->arg = arg;
    push((memory_log_t *)base, s);
}

static cd_bytes_t copy_bytes(uint8_t *at, cd_bytes_t b)
{
    if (b.ptr == NULL) return (cd_bytes_t){0};
    if (b.len > 0) memcpy(at, b.ptr, b.len);
    return (cd_bytes_t){.ptr = at, .len = b.len};
}

static void append(store_log_t *base, cd_bytes_t key, cd_bytes_t value, store_done_fn *done, void *arg)
{
    memory_log_t *log = (memory_log_t *)base;
    step_t *s = mem_alloc0(1, sizeof(*s) + key.len + value.len + 1);
    uint8_t *at = (uint8_t *)(s + 1);
    s->is_record = true;
    s->key = copy_bytes(at, key);
    s->value = copy_bytes(at + key.len, value);
    s->done = done;
    s->arg = arg;
    log->pending++;
    push(log, s);
}

static uint32_t pending(const store_log_t *base)
{
    return ((const memory_log_t *)base)->pending;
}

static void close_log(store_log_t *base)
{
    memory_log_t *log = (memory_log_t *)base;
    bool scheduled = log->head != NULL || log->running;
    log->closed = true;
    while (log->head != NULL) {
        step_t *s = log->head;
        log->head = s->next;
        if (s->done != NULL) s->done(s->arg, cd_err_new(CD_ERR_STOPPED, CD_JVM_CONNECT, "Worker is shutting down"));
        free(s);
    }
    if (!scheduled) free(log); /* else the scheduled run finds it closed and frees it */
}

static const store_log_ops_t ops = {
    .start = answer_later,
    .append = append,
    .read_back = answer_later,
    .read_to_end = answer_later,
    .pending = pending,
    .close = close_log,
};

store_log_t *memory_log_new(deferred_t *d)
{
    memory_log_t *log = mem_new0(memory_log_t);
    log->base.ops = &ops;
    log->deferred = d;
    log->tail = &log->head;
    return &log->base;
}
