#include "runtime/task/error_handler.h"

#include "runtime/base/clock.h"
#include "runtime/base/err_text.h"
#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/config/config_key.h"
#include "runtime/data/value.h"

#define REPORT_LOGGER "org.apache.kafka.connect.runtime.errors.LogReporter"
#define DELAY_MIN_MS  300

typedef struct settings {
    int64_t retry_timeout_ms, retry_delay_max_ms;
    const char *tolerance;
    bool log_enable, log_messages;
} settings_t;

static const char *const tolerances[] = {"none", "all", NULL};

static const cd_key_t keys[] = {
    {.name = "errors.retry.timeout", .type = CD_T_LONG, .dflt = "0", .at = offsetof(settings_t, retry_timeout_ms)},
    {.name = "errors.retry.delay.max.ms",
     .type = CD_T_LONG,
     .dflt = "60000",
     .at = offsetof(settings_t, retry_delay_max_ms)},
    {.name = "errors.tolerance",
     .type = CD_T_STRING,
     .dflt = "none",
     .choices = tolerances,
     .at = offsetof(settings_t, tolerance)},
    {.name = "errors.log.enable", .type = CD_T_BOOLEAN, .dflt = "false", .at = offsetof(settings_t, log_enable)},
    {.name = "errors.log.include.messages",
     .type = CD_T_BOOLEAN,
     .dflt = "false",
     .at = offsetof(settings_t, log_messages)},
    CD_KEY_END};

struct error_handler {
    cd_ctx_t *ctx;
    char *task_id;
    bool sink, tolerate;
    settings_t set;
    cd_arena_t arena;
    dead_letters_t *letters;
    error_clock_t clock;
    uint64_t seed;
    cd_metric_t *failures, *errors, *skipped, *retries, *logged, *last_time;
};

const char *error_stage_name(enum error_stage stage)
{
    static const char *const names[] = {"TRANSFORMATION",   "KEY_CONVERTER", "VALUE_CONVERTER",
                                        "HEADER_CONVERTER", "KAFKA_PRODUCE", "TASK_PUT"};
    return names[stage];
}

static int64_t real_now(void *arg)
{
    (void)arg;
    return clock_mono_ms();
}

static bool real_wait(void *arg, int64_t timeout_ms)
{
    return ctx_wait(((error_handler_t *)arg)->ctx, timeout_ms);
}

static int64_t real_random(void *arg, int64_t below)
{
    error_handler_t *h = arg;
    h->seed ^= h->seed << 13; /* xorshift64: only spreads retries */
    h->seed ^= h->seed >> 7;
    h->seed ^= h->seed << 17;
    return below <= 0 ? 0 : (int64_t)(h->seed % (uint64_t)below);
}

cd_err_t *error_handler_new(cd_ctx_t *ctx, const char *connector, int32_t task, bool sink, const cd_config_t *config,
                            dead_letters_t *letters, const error_clock_t *clock, error_handler_t **ret_handler)
{
    error_handler_t *h = mem_new0(error_handler_t);
    cd_err_t *err = config_parse(keys, sizeof(keys[0]), config, &h->arena, &h->set, NULL);
    if (err != NULL) {
        error_handler_free(h);
        return err;
    }
    h->ctx = ctx;
    h->task_id = cd_arena_printf(&h->arena, "%s-%d", connector, task);
    h->sink = sink;
    h->tolerate = strcmp(h->set.tolerance, "all") == 0;
    h->letters = letters;
    h->seed = (uint64_t)clock_mono_ns() | 1;
    h->clock = clock != NULL ? *clock : (error_clock_t){h, real_now, real_wait, real_random};
    h->failures = ctx_metric(ctx, "total-record-failures", CD_COUNTER, "Operations on records that failed");
    h->errors = ctx_metric(ctx, "total-record-errors", CD_COUNTER, "Operations on records that were given up");
    h->skipped = ctx_metric(ctx, "total-records-skipped", CD_COUNTER, "Records skipped because of errors");
    h->retries = ctx_metric(ctx, "total-retries", CD_COUNTER, "Operations that were tried again");
    h->logged = ctx_metric(ctx, "total-errors-logged", CD_COUNTER, "Errors that were logged");
    h->last_time = ctx_metric(ctx, "last-error-timestamp", CD_GAUGE, "When the last error was met, epoch ms");
    *ret_handler = h;
    return NULL;
}

void error_handler_free(error_handler_t *h)
{
    if (h == NULL) return;
    cd_arena_done(&h->arena);
    free(h);
}

static void describe_sink(const cd_record_t *rec, strbuf_t *out)
{
    strbuf_addf(out, ", where consumed record is {topic='%s', partition=%d, offset=%lld", rec->orig_topic,
                rec->orig_partition, (long long)rec->kafka_offset);
    if (rec->timestamp_type != CD_TS_NONE)
        strbuf_addf(out, ", timestamp=%lld, timestampType=%s", (long long)rec->timestamp,
                    rec->timestamp_type == CD_TS_CREATE ? "CreateTime" : "LogAppendTime");
    strbuf_addc(out, '}');
}

static void add_value(const cd_schema_t *schema, const cd_value_t *v, strbuf_t *out)
{
    static const cd_value_t null = {.type = CD_NULL};
    value_text(schema, v != NULL ? v : &null, out);
}

static void describe_source(const cd_record_t *rec, strbuf_t *out)
{
    strbuf_adds(out, ", where source record is = SourceRecord{sourcePartition=");
    add_value(NULL, rec->source_partition, out);
    strbuf_adds(out, ", sourceOffset=");
    add_value(NULL, rec->source_offset, out);
    strbuf_addf(out, "} ConnectRecord{topic='%s', kafkaPartition=", rec->topic != NULL ? rec->topic : "null");
    if (rec->partition >= 0)
        strbuf_addf(out, "%d", rec->partition);
    else
        strbuf_adds(out, "null");
    strbuf_adds(out, ", key=");
    add_value(rec->key_schema, &rec->key, out);
    strbuf_adds(out, ", value=");
    add_value(rec->value_schema, &rec->value, out);
    strbuf_adds(out, ", timestamp=");
    if (rec->timestamp != CD_NO_TIMESTAMP)
        strbuf_addf(out, "%lld", (long long)rec->timestamp);
    else
        strbuf_adds(out, "null");
    strbuf_adds(out, "}");
}

static void report(error_handler_t *h, enum error_stage stage, const char *class_name, const cd_record_t *rec,
                   const cd_err_t *err)
{
    if (h->set.log_enable) {
        strbuf_t text = {0};
        strbuf_addf(&text, "Error encountered in task %s. Executing stage '%s' with class '%s'", h->task_id,
                    error_stage_name(stage), class_name);
        if (h->set.log_messages) {
            if (h->sink)
                describe_sink(rec, &text);
            else
                describe_source(rec, &text);
        }
        strbuf_adds(&text, ".\n");
        err_text_trace(err, &text);
        log_write(CD_LOG_ERROR, REPORT_LOGGER, ctx_log_context(h->ctx), "%s", strbuf_str(&text));
        strbuf_done(&text);
        cd_metric_add(h->logged, 1);
    }
    if (h->letters != NULL) dead_letters_send(h->letters, rec, error_stage_name(stage), class_name, err);
}

static int64_t backoff(error_handler_t *h, uint32_t attempt)
{
    int64_t delay = attempt > 40 ? INT64_MAX : (int64_t)DELAY_MIN_MS << (attempt - 1);
    if (delay > h->set.retry_delay_max_ms) delay = h->clock.random(h->clock.arg, h->set.retry_delay_max_ms);
    return delay;
}

static cd_err_t *exceeded(cd_err_t *err)
{
    return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Tolerance exceeded in error handler");
}

enum error_verdict error_handler_failed(error_handler_t *h, error_attempts_t *attempts, enum error_stage stage,
                                        const char *class_name, const cd_record_t *rec, cd_err_t *err,
                                        cd_err_t **ret_err)
{
    int64_t now = h->clock.now_ms(h->clock.arg);
    if (attempts->n++ == 0)
        attempts->deadline = h->set.retry_timeout_ms >= 0 ? now + h->set.retry_timeout_ms : INT64_MAX;
    cd_metric_add(h->failures, 1);
    if (cd_err_is(err, CD_ERR_STOPPED)) {
        *ret_err = err;
        return ERROR_FAIL;
    }
    if (cd_err_is(err, CD_ERR_RETRIABLE) && now < attempts->deadline) {
        int64_t delay = backoff(h, attempts->n);
        if (delay > attempts->deadline - now) delay = attempts->deadline - now;
        if (h->clock.wait(h->clock.arg, delay)) {
            /* Neither reported nor passed over: the record is read again after the restart. */
            *ret_err = cd_err_wrap(err, CD_ERR_STOPPED, CD_JVM_CONNECT, "stopped while waiting to try again");
            return ERROR_FAIL;
        }
        cd_metric_add(h->retries, 1);
        cd_err_free(err);
        return ERROR_RETRY;
    }
    cd_metric_set(h->last_time, clock_wall_ms());
    cd_metric_add(h->errors, 1);
    report(h, stage, class_name, rec, err);
    if (!h->tolerate) {
        *ret_err = exceeded(err);
        return ERROR_FAIL;
    }
    cd_metric_add(h->skipped, 1);
    cd_err_free(err);
    return ERROR_SKIP;
}

cd_err_t *error_handler_produce_failed(error_handler_t *h, const cd_record_t *rec, cd_err_t *err)
{
    if (!h->tolerate)
        return cd_err_wrap(err, CD_ERR_FATAL, CD_JVM_CONNECT, "Unrecoverable exception from producer send callback");
    cd_metric_add(h->failures, 1);
    cd_metric_add(h->errors, 1);
    cd_metric_add(h->skipped, 1);
    cd_metric_set(h->last_time, clock_wall_ms());
    report(h, STAGE_KAFKA_PRODUCE, "org.apache.kafka.connect.runtime.WorkerSourceTask", rec, err);
    cd_err_free(err);
    return NULL;
}

cd_err_t *error_handler_report(error_handler_t *h, const cd_record_t *rec, cd_err_t *err)
{
    cd_metric_add(h->failures, 1);
    cd_metric_set(h->last_time, clock_wall_ms());
    report(h, STAGE_TASK_PUT, "org.apache.kafka.connect.sink.SinkTask", rec, err);
    if (h->tolerate) {
        cd_err_free(err);
        return NULL;
    }
    cd_metric_add(h->errors, 1);
    return exceeded(err);
}

bool error_handler_can_report(const error_handler_t *h)
{
    return h->letters != NULL || h->set.log_enable;
}

bool error_handler_tolerates(const error_handler_t *h)
{
    return h->tolerate;
}
