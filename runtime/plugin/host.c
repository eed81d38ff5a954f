/* The host table: every service that plugins get, and nothing else of the worker. */
#include "runtime/base/log.h"
#include "runtime/base/version.h"
#include "runtime/client/topic_log.h"
#include "runtime/config/config_key.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/data/value.h"
#include "runtime/plugin/ctx.h"

static void host_log(cd_ctx_t *ctx, uint32_t level, const char *logger, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vwrite(level, logger, ctx != NULL ? ctx_log_context(ctx) : NULL, fmt, args);
    va_end(args);
}

static bool host_log_on(cd_ctx_t *ctx, uint32_t level, const char *logger)
{
    (void)ctx;
    return log_on(level, logger);
}

static cd_err_t *unavailable(const char *what)
{
    return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "%s is not available to this kind of plugin", what);
}

static void host_reconfigure(cd_ctx_t *ctx)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->reconfigure != NULL) s->reconfigure(arg);
}

static void host_fail(cd_ctx_t *ctx, cd_err_t *err)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->fail != NULL)
        s->fail(arg, err);
    else
        cd_err_free(err);
}

static cd_err_t *host_offset_read(cd_ctx_t *ctx, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->offset_read == NULL) return unavailable("offset_read");
    return s->offset_read(arg, partition, arena, ret_offset);
}

static cd_err_t *host_report(cd_ctx_t *ctx, const cd_record_t *record, cd_err_t *err)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    return s->report != NULL ? s->report(arg, record, err) : err;
}

static bool host_can_report(cd_ctx_t *ctx)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    return s->can_report != NULL && s->can_report(arg);
}

static void host_sink_backoff(cd_ctx_t *ctx, int64_t timeout_ms)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->sink_backoff != NULL) s->sink_backoff(arg, timeout_ms);
}

static void host_sink_request_commit(cd_ctx_t *ctx)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->sink_request_commit != NULL) s->sink_request_commit(arg);
}

static void host_sink_seek(cd_ctx_t *ctx, const cd_topic_partition_t *parts, uint32_t n)
{
    void *arg;
    const ctx_services_t *s = ctx_services(ctx, &arg);
    if (s->sink_seek != NULL) s->sink_seek(arg, parts, n);
}

static bool log_stopping(void *arg)
{
    return ctx_stopping(arg);
}

static cd_err_t *host_topic_log_open(cd_ctx_t *ctx, const char *topic, const cd_config_t *config,
                                     cd_topic_log_t **ret_log)
{
    return topic_log_open(topic, config, log_stopping, ctx, ret_log);
}

static const cd_host_t table = {
    .size = sizeof(cd_host_t),
    .abi_major = CD_ABI_MAJOR,
    .abi_minor = CD_ABI_MINOR,
    .worker_version = CONNECTD_VERSION,
    .log = host_log,
    .log_on = host_log_on,
    .config = ctx_config,
    .config_parse = config_parse,
    .schema_intern = schema_intern,
    .schemas = ctx_schemas,
    .value_copy = value_copy,
    .value_equal = value_equal,
    .batch_ref = batch_ref,
    .batch_unref = batch_unref,
    .metric = ctx_metric,
    .stopping = ctx_stopping,
    .wait = ctx_wait,
    .stop_fd = ctx_stop_fd,
    .reconfigure = host_reconfigure,
    .fail = host_fail,
    .offset_read = host_offset_read,
    .report = host_report,
    .can_report = host_can_report,
    .sink_backoff = host_sink_backoff,
    .sink_request_commit = host_sink_request_commit,
    .sink_seek = host_sink_seek,
    .topic_log_open = host_topic_log_open,
    .topic_log_ensure = topic_log_ensure,
    .topic_log_read = topic_log_read,
    .topic_log_append = topic_log_append,
    .topic_log_close = topic_log_close,
};

/* Built-in converters, transforms and providers are plugins like any other and find the table here. */
const cd_host_t *cd_host __attribute__((visibility("hidden"))) = &table;

const cd_host_t *host_table(void)
{
    return &table;
}
