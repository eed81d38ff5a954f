/* The source task: poll, convert, send; and, as acknowledgements come in, commit source offsets.
 *
 * Order of one round: messages from the loop; acknowledgements; the offset commit when it is due; then either the rest
 * of a batch that did not fit into the producer, or a new batch. A connector's poll may take the whole idle time, since
 * its own wait ends when a stop is asked for; acknowledgements that come meanwhile are handled right after. */
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/task/chain.h"
#include "runtime/task/source_priv.h"

#define LOGGER          "org.apache.kafka.connect.runtime.AbstractWorkerSourceTask"
#define POLL_MS         250 /* also how late a pause may take effect */
#define RETRY_MS        100
#define BATCHES_MAX     64u
#define IN_FLIGHT_BYTES ((size_t)32 * 1024 * 1024)

typedef struct source {
    task_t *t;
    const cd_source_ops_t *ops;
    void *task; /* the plugin's */
    bool started;
    task_flush_t flush;
    cd_arena_t arena;
    error_handler_t *errors;
    chain_t *chain;
    offset_tracker_t *tracker;
    source_producer_t *producer;

    cd_batch_t *batches[BATCHES_MAX]; /* ours; one that nobody else holds is free */
    uint32_t nbatches;
    cd_batch_t *current;   /* not yet sent to its end; one of batches, with a reference of its own */
    uint32_t sent, ready;  /* current: next record to send, end of what may be sent */
    cd_err_t *after_ready; /* why the task ends once current is sent */
    int64_t send_again;    /* not before this time */

    int64_t next_commit, commit_began; /* commit_began is 0 when none is under way */
    cd_metric_t *polled, *commits, *commit_failures, *paused;
} source_t;

const ctx_services_t source_services = {.offset_read = task_offset_read, .fail = task_fail};

/* ---- Offset commit ---- */

static void commit_finish(source_t *s)
{
    task_t *t = s->t;
    offset_request_t *req = t->write_answer;
    t->write_answer = t->writing = NULL;
    s->commit_began = 0;
    if (req->err == NULL) {
        offset_tracker_stored(s->tracker);
        cd_metric_add(s->commits, 1);
        if (s->ops->committed != NULL) s->ops->committed(s->task);
    } else {
        offset_tracker_restore(s->tracker);
        cd_metric_add(s->commit_failures, 1);
        log_err(CD_LOG_ERROR, LOGGER, ctx_log_context(t->ctx), "Failed to flush offsets to storage, will try again",
                req->err);
    }
    offset_request_free(req);
}

static void commit_timeout(source_t *s)
{
    offset_tracker_restore(s->tracker);
    s->t->writing = NULL; /* a late answer is dropped; writing the same offsets again does no harm */
    s->commit_began = 0;
    cd_metric_add(s->commit_failures, 1);
    log_write(
        CD_LOG_ERROR, LOGGER, ctx_log_context(s->t->ctx),
        "%s Timed out waiting to flush offsets to storage; will try again on next flush interval with latest offsets",
        s->t->id);
}

static void commit_begin(source_t *s, int64_t now)
{
    offset_request_t *req = task_write_new(s->t);
    uint32_t n;
    offset_entry_t *entries = offset_tracker_take(s->tracker, &req->arena, &n);
    if (n == 0) {
        offset_request_free(req);
        cd_metric_add(s->commits, 1);
        if (s->ops->committed != NULL) s->ops->committed(s->task);
        return;
    }
    task_offset_t *out = cd_arena_array(&req->arena, task_offset_t, n);
    for (uint32_t i = 0; i < n; i++) out[i] = (task_offset_t){&entries[i].partition, &entries[i].offset};
    req->write.n = n;
    req->write.entries = out;
    s->commit_began = now;
    task_write_send(s->t, req);
}

static void commit_tick(source_t *s)
{
    int64_t now = clock_mono_ms();
    if (s->t->write_answer != NULL) commit_finish(s);
    if (s->commit_began != 0) {
        if (now - s->commit_began >= s->flush.timeout_ms) commit_timeout(s);
        return;
    }
    if (now < s->next_commit) return;
    commit_begin(s, now);
    s->next_commit = now + s->flush.interval_ms;
}

/** At the end: wait for acknowledgements, then for the store, together no longer than the flush timeout. */
static void commit_last(source_t *s)
{
    int64_t deadline = clock_mono_ms() + s->flush.timeout_ms;
    cd_err_t *err = NULL;
    while (offset_tracker_pending(s->tracker) > 0 && clock_mono_ms() < deadline && err == NULL &&
           !task_cancelled(s->t)) {
        task_inbox(s->t);
        task_sleep_ending(s->t, source_producer_fd(s->producer), deadline - clock_mono_ms());
        err = source_producer_drain(s->producer); /* a refused record ends the wait; what is in front of it counts */
    }
    cd_err_free(err);
    bool begun = false; /* a commit that is under way already does not cover what was acknowledged since */
    while (!task_cancelled(s->t)) {
        task_inbox(s->t);
        if (s->t->write_answer != NULL) commit_finish(s);
        if (s->commit_began == 0) {
            if (begun) return;
            begun = true;
            commit_begin(s, clock_mono_ms());
            if (s->commit_began == 0) return;
        }
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0) {
            commit_timeout(s);
            return;
        }
        task_sleep_ending(s->t, -1, left);
    }
}

/* ---- Batches ---- */

/** A batch that nobody holds, reset; NULL while too much is under way. Other free ones go: a burst fills dozens, and each
 *  would keep a chunk of its arena for good. */
static cd_batch_t *batch_get(source_t *s)
{
    size_t bytes = 0;
    uint32_t kept = 0;
    cd_batch_t *free_one = NULL;
    for (uint32_t i = 0; i < s->nbatches; i++) {
        cd_batch_t *b = s->batches[i];
        bool own = batch_is_own(b);
        if (own && free_one != NULL) {
            batch_unref(b);
            continue;
        }
        if (own)
            free_one = b;
        else
            bytes += batch_bytes(b);
        s->batches[kept++] = b;
    }
    s->nbatches = kept;
    if (bytes >= IN_FLIGHT_BYTES) return NULL;
    if (free_one == NULL) {
        if (s->nbatches == BATCHES_MAX) return NULL;
        free_one = s->batches[s->nbatches++] = batch_new(ctx_schemas(s->t->ctx));
    }
    batch_reset(free_one);
    return free_one;
}

static void current_done(source_t *s)
{
    batch_unref(s->current);
    s->current = NULL;
}

/** Send what is left of the current batch. */
static cd_err_t *send_current(source_t *s)
{
    bool full;
    cd_err_t *err = source_producer_send(s->producer, s->current, &s->sent, s->ready, &full);
    if (cd_err_is(err, CD_ERR_RETRIABLE)) {
        log_err(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx), "Failed to send a record, backing off before retrying",
                err);
        cd_err_free(err);
        s->send_again = clock_mono_ms() + RETRY_MS;
        return NULL;
    }
    if (err != NULL || s->sent < s->ready) return err;
    current_done(s);
    err = s->after_ready;
    s->after_ready = NULL;
    return err;
}

static cd_err_t *poll_once(source_t *s, cd_batch_t *batch, int64_t timeout_ms)
{
    cd_err_t *err = s->ops->poll(s->task, batch, timeout_ms);
    if (cd_err_is(err, CD_ERR_RETRIABLE)) {
        log_err(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx),
                "Retriable error in the connector's poll, will try again", err);
        cd_err_free(err);
        (void)ctx_wait(s->t->ctx, RETRY_MS);
        return NULL;
    }
    if (err != NULL || batch->count == 0) return err;
    cd_metric_add(s->polled, batch->count);
    batch_ref(batch);
    s->current = batch;
    s->sent = 0;
    s->after_ready = chain_encode(s->chain, batch, &s->ready);
    if (schema_pool_full(ctx_schemas(s->t->ctx)) && s->after_ready == NULL)
        s->after_ready = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                                    "more than %u different schemas: schemas must not depend on the data of records",
                                    SCHEMA_POOL_MAX);
    return send_current(s);
}

/* ---- Life ---- */

static cd_err_t *setup(source_t *s)
{
    task_t *t = s->t;
    cd_err_t *err = task_flush_read(t, &s->flush);
    if (err == NULL)
        err = error_handler_new(t->ctx, t->connector, t->number, false, &t->connector_config, NULL, NULL, &s->errors);
    if (err == NULL)
        err = chain_new(t->ctx, t->hub->plugins, &t->hub->worker_config, &t->connector_config, s->errors, &s->chain);
    s->tracker = offset_tracker_new();
    if (err == NULL) err = source_producer_new(t, s->tracker, s->errors, &s->producer);
    cd_ctx_t *ctx = t->ctx;
    s->polled = ctx_metric(ctx, "source-record-poll-total", CD_COUNTER, "Records read from the source");
    s->commits = ctx_metric(ctx, "offset-commit-success-total", CD_COUNTER, "Offset commits that succeeded");
    s->commit_failures = ctx_metric(ctx, "offset-commit-failure-total", CD_COUNTER, "Offset commits that failed");
    s->paused = ctx_metric(ctx, "paused", CD_GAUGE, "1 while the task is paused");
    return err;
}

/** Hold while PAUSED. @return whether the task is to run now */
static bool running(source_t *s, bool *was_paused)
{
    bool pause = s->t->target == TASK_TARGET_PAUSED;
    if (pause && !*was_paused) {
        task_report(s->t, TASK_PAUSED);
        cd_metric_set(s->paused, 1);
    } else if (!pause && *was_paused && s->started) {
        task_report(s->t, TASK_RUNNING);
        cd_metric_set(s->paused, 0);
    }
    *was_paused = pause;
    return !pause;
}

static int64_t idle_ms(const source_t *s, int64_t most)
{
    int64_t left = (s->commit_began != 0 ? s->commit_began + s->flush.timeout_ms : s->next_commit) - clock_mono_ms();
    return left < 0 ? 0 : left < most ? left : most;
}

static cd_err_t *loop(source_t *s)
{
    task_t *t = s->t;
    bool was_paused = false;
    s->next_commit = clock_mono_ms() + s->flush.interval_ms;
    while (!ctx_stopping(t->ctx)) {
        task_inbox(t);
        if (t->failure != NULL) {
            cd_err_t *err = t->failure;
            t->failure = NULL;
            return err;
        }
        cd_err_t *err = source_producer_drain(s->producer);
        if (err != NULL) return err;
        commit_tick(s);
        if (!running(s, &was_paused)) {
            task_sleep(t, source_producer_fd(s->producer), idle_ms(s, INT32_MAX));
            continue;
        }
        if (!s->started) {
            err = s->ops->task_start(t->ctx, ctx_config(t->ctx), &s->task);
            if (err != NULL) return err;
            s->started = true;
            cd_metric_set(s->paused, 0);
            task_report(t, TASK_RUNNING);
        }
        int64_t now = clock_mono_ms();
        if (s->current != NULL) {
            if (now >= s->send_again) err = send_current(s);
            if (err != NULL) return err;
            if (s->current != NULL)
                task_sleep(t, source_producer_fd(s->producer), s->send_again > now ? s->send_again - now : POLL_MS);
            continue;
        }
        cd_batch_t *batch = batch_get(s);
        if (batch == NULL) {
            task_sleep(t, source_producer_fd(s->producer), idle_ms(s, POLL_MS));
            continue;
        }
        err = poll_once(s, batch, idle_ms(s, POLL_MS));
        if (err != NULL) return err;
    }
    return NULL;
}

cd_err_t *source_run(task_t *t)
{
    source_t s = {.t = t, .ops = t->plugin->ops};
    cd_err_t *err = setup(&s);
    if (err == NULL) {
        err = loop(&s);
        if (s.started && !task_cancelled(t)) commit_last(&s);
    }
    /* First the producer: its threads read payloads that live in the batches, or in the plugin's own memory. */
    source_producer_free(s.producer);
    if (s.started) s.ops->task_stop(s.task);
    if (s.current != NULL) batch_unref(s.current);
    offset_tracker_free(s.tracker);
    for (uint32_t i = 0; i < s.nbatches; i++) batch_unref(s.batches[i]);
    chain_free(s.chain);
    error_handler_free(s.errors);
    cd_err_free(s.after_ready);
    cd_arena_done(&s.arena);
    return err;
}
