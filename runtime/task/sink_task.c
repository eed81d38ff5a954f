/* The sink task: consume, convert, put; commit what was put.
 *
 * A batch is what lies in the consumer's queue, up to 10,000 records or 16 MiB, unless the user set max.poll.records:
 * a larger put is fewer round trips for the database, and when there is little to do the batches are small by
 * themselves. After a RETRIABLE put the same batch is delivered again; meanwhile all partitions are paused and the
 * group membership is kept alive. */
#include "runtime/base/clock.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/kafka_conf.h"
#include "runtime/config/config_key.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/task/sink_priv.h"

#define LOGGER     "org.apache.kafka.connect.runtime.WorkerSinkTask"
#define BACKOFF_MS 1000 /* when the plugin wishes none; the JVM worker would wait for the next offset commit */

/* ---- What the plugin may ask for ---- */

/* The services' argument is the task; the sink lives on its thread's stack, and the plugin only calls from there. */
static sink_t *sink_of(void *arg)
{
    return ((task_t *)arg)->sink;
}

static cd_err_t *service_report(void *arg, const cd_record_t *record, cd_err_t *err)
{
    sink_t *s = sink_of(arg);
    if (s->errors == NULL || !error_handler_can_report(s->errors)) return err;
    err = error_handler_report(s->errors, record, err);
    if (err != NULL && s->reported == NULL) s->reported = cd_err_new(err->cls, err->jvm_class, "%s", err->message);
    return err;
}

static bool service_can_report(void *arg)
{
    sink_t *s = sink_of(arg);
    return s->errors != NULL && error_handler_can_report(s->errors);
}

static void service_backoff(void *arg, int64_t timeout_ms)
{
    sink_of(arg)->backoff_ms = timeout_ms;
}

static void service_request_commit(void *arg)
{
    sink_of(arg)->commit_wanted = true;
}

static void service_seek(void *arg, const cd_topic_partition_t *parts, uint32_t n)
{
    sink_t *s = sink_of(arg);
    s->seeks = mem_realloc_array(s->seeks, s->nseeks + n, sizeof(*s->seeks));
    for (uint32_t i = 0; i < n; i++)
        s->seeks[s->nseeks++] = (cd_topic_partition_t){mem_strdup(parts[i].topic), parts[i].partition, parts[i].offset};
}

const ctx_services_t *sink_services(void)
{
    static const ctx_services_t services = {
        .report = service_report,
        .can_report = service_can_report,
        .sink_backoff = service_backoff,
        .sink_request_commit = service_request_commit,
        .sink_seek = service_seek,
        .fail = task_fail,
    };
    return &services;
}

/* ---- Delivery ---- */

static cd_err_t *unrecoverable(cd_err_t *err)
{
    return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Exiting WorkerSinkTask due to unrecoverable exception.");
}

static cd_err_t *deliver(sink_t *s)
{
    cd_batch_t *batch = s->batch;
    cd_err_t *err = s->ops->put(s->task, batch);
    int64_t backoff = s->backoff_ms >= 0 ? s->backoff_ms : BACKOFF_MS;
    if (err == NULL && s->reported != NULL) { /* the plugin must not swallow it */
        err = s->reported;
        s->reported = NULL;
    }
    cd_err_free(s->reported);
    s->reported = NULL;
    if (err == NULL) {
        sink_offsets_advance(&s->offsets);
        cd_metric_add(s->sent, batch->count);
        cd_metric_set(s->active, 0);
        s->batch = NULL;
        s->backoff_ms = -1;
        s->deliver_at = 0;
        if (s->paused_all) {
            s->paused_all = false;
            if (!s->paused_by_user) sink_consumer_pause(s, false);
        }
        return NULL;
    }
    if (!cd_err_is(err, CD_ERR_RETRIABLE)) return cd_err_is(err, CD_ERR_STOPPED) ? err : unrecoverable(err);
    log_err(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx),
            "RetriableException from SinkTask, the batch will be delivered again", err);
    cd_err_free(err);
    if (!s->paused_all) {
        s->paused_all = true;
        sink_consumer_pause(s, true);
    }
    s->deliver_at = clock_mono_ms() + backoff;
    s->backoff_ms = -1;
    return NULL;
}

/** Take, convert and put. */
static cd_err_t *consume(sink_t *s)
{
    bool again = s->batch != NULL;
    cd_err_t *err = sink_consumer_take(s);
    if (err != NULL || s->batch == NULL) return err;
    if (!again) {
        cd_metric_add(s->read, s->batch->count);
        cd_metric_set(s->active, s->batch->count);
        err = chain_decode(s->chain, s->batch);
        if (err == NULL && schema_pool_full(ctx_schemas(s->t->ctx)))
            err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT,
                             "more than %u different schemas: schemas must not depend on the data of records",
                             SCHEMA_POOL_MAX);
        if (err != NULL) return err;
    }
    return clock_mono_ms() >= s->deliver_at ? deliver(s) : NULL;
}

/* ---- Life ---- */

static void commit_tick(sink_t *s)
{
    int64_t now = clock_mono_ms();
    sink_commit_answers(s);
    if (s->committing && now - s->commit_began >= s->flush.timeout_ms) {
        s->committing = false;
        s->commit_seq++; /* its answer comes too late to count */
        cd_metric_add(s->commits_failed, 1);
        log_write(CD_LOG_WARN, LOGGER, ctx_log_context(s->t->ctx), "%s Commit of offsets timed out", s->t->id);
    }
    if (s->committing || (!s->commit_wanted && now < s->next_commit)) return;
    s->commit_wanted = false;
    sink_commit(s, NULL, false);
    s->next_commit = now + s->flush.interval_ms;
}

static void follow_target(sink_t *s)
{
    bool pause = s->t->target == TASK_TARGET_PAUSED;
    if (pause == s->paused_by_user) return;
    s->paused_by_user = pause;
    cd_metric_set(s->paused, pause);
    if (pause) {
        sink_consumer_pause(s, true);
        s->commit_wanted = true;
    } else if (!s->paused_all) {
        sink_consumer_pause(s, false);
    }
    task_report(s->t, pause ? TASK_PAUSED : TASK_RUNNING);
}

static cd_err_t *setup(sink_t *s)
{
    task_t *t = s->t;
    cd_ctx_t *ctx = t->ctx;
    s->read = ctx_metric(ctx, "sink-record-read-total", CD_COUNTER, "Records read from Kafka");
    s->sent = ctx_metric(ctx, "sink-record-send-total", CD_COUNTER, "Records put to the sink");
    s->active = ctx_metric(ctx, "sink-record-active-count", CD_GAUGE, "Records read and not yet put");
    s->commits_ok = ctx_metric(ctx, "offset-commit-success-total", CD_COUNTER, "Offset commits that succeeded");
    s->commits_failed = ctx_metric(ctx, "offset-commit-failure-total", CD_COUNTER, "Offset commits that failed");
    s->partitions = ctx_metric(ctx, "partition-count", CD_GAUGE, "Partitions assigned to the task");
    s->paused = ctx_metric(ctx, "paused", CD_GAUGE, "1 while the task is paused");
    cd_err_t *err = task_flush_read(t, &s->flush);
    if (err == NULL) err = sink_letters_open(s);
    if (err == NULL)
        err = error_handler_new(ctx, t->connector, t->number, true, &t->connector_config, s->letters, NULL, &s->errors);
    if (err == NULL)
        err = chain_new(ctx, t->hub->plugins, &t->hub->worker_config, &t->connector_config, s->errors, &s->chain);
    if (err == NULL && t->target == TASK_TARGET_PAUSED) {
        task_report(t, TASK_PAUSED);
        while (t->target == TASK_TARGET_PAUSED && !ctx_stopping(ctx)) {
            task_sleep(t, -1, INT32_MAX);
            task_inbox(t);
        }
    }
    if (err == NULL && !ctx_stopping(ctx)) err = s->ops->task_start(ctx, ctx_config(ctx), &s->task);
    if (err != NULL || ctx_stopping(ctx)) return err;
    s->started = true;
    err = sink_consumer_open(s);
    if (err == NULL) task_report(t, TASK_RUNNING);
    return err;
}

static int64_t nap_ms(sink_t *s, int64_t watch_ms)
{
    int64_t now = clock_mono_ms();
    int64_t left = s->committing ? s->commit_began + s->flush.timeout_ms - now : s->next_commit - now;
    if (watch_ms < left) left = watch_ms;
    if (s->nap_max_ms < left) left = s->nap_max_ms;
    if (s->batch != NULL && s->deliver_at - now < left) left = s->deliver_at - now;
    return left < 0 ? 0 : left;
}

static cd_err_t *loop(sink_t *s)
{
    task_t *t = s->t;
    s->next_commit = clock_mono_ms() + s->flush.interval_ms;
    while (!ctx_stopping(t->ctx)) {
        task_inbox(t);
        if (t->failure != NULL) {
            cd_err_t *err = t->failure;
            t->failure = NULL;
            return err;
        }
        follow_target(s);
        int64_t watch_ms = sink_consumer_watch(s);
        commit_tick(s);
        cd_err_t *err = sink_consumer_seek(s);
        if (err == NULL) err = consume(s);
        if (err != NULL) return err;
        task_sleep(t, s->fd, nap_ms(s, watch_ms));
    }
    return NULL;
}

cd_err_t *sink_run(task_t *t)
{
    sink_t s = {.t = t, .ops = t->plugin->ops, .fd = -1, .backoff_ms = -1};
    t->sink = &s;
    cd_err_t *err = setup(&s);
    if (err == NULL && s.started) err = loop(&s);
    s.closing = true;
    if (s.started && s.rk != NULL && s.offsets.n > 0) sink_commit(&s, NULL, true);
    if (s.started) s.ops->task_stop(s.task);
    /* Consumed messages hold on to the consumer: they go first. */
    for (size_t i = 0; i < sizeof(s.batches) / sizeof(s.batches[0]); i++) batch_unref(s.batches[i]);
    s.batch = NULL;
    sink_consumer_close(&s);
    dead_letters_close(s.letters);
    chain_free(s.chain);
    error_handler_free(s.errors);
    for (uint32_t i = 0; i < s.nseeks; i++) free((char *)(uintptr_t)s.seeks[i].topic);
    free(s.seeks);
    free(s.origins);
    sink_offsets_done(&s.offsets);
    cd_err_free(s.in_callback);
    cd_err_free(s.reported);
    cd_arena_done(&s.arena);
    return err;
}
