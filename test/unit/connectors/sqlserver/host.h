/* host.h: a host table for the SQL Server source alone: real schemas, values and settings; offsets, the history topic
 * and the stop signal live in memory. Include it in exactly one file of a program. */
#ifndef TEST_SQLSERVER_HOST_H
#define TEST_SQLSERVER_HOST_H

#include <poll.h>
#include <stdatomic.h>

#include "runtime/config/config_key.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/data/value.h"

#define HOST_RECORDS_MAX 4096

struct cd_ctx {
    const cd_config_t *config;
    cd_schema_pool_t *pool;
    atomic_bool stopping;
    bool verbose;
    cd_value_t offset; /* what offset_read answers, whatever the partition */
    cd_metric_t metric;
    uint32_t nhistory, warnings, errors;
    char *history[HOST_RECORDS_MAX];
    char last_log[2048];
};

static CD_PRINTF(4, 5) void host_log(cd_ctx_t *ctx, uint32_t level, const char *logger, const char *fmt, ...)
{
    static const char *const names[] = {"TRACE", "DEBUG", "INFO", "WARN", "ERROR"};
    (void)logger;
    va_list args;
    va_start(args, fmt);
    (void)vsnprintf(ctx->last_log, sizeof(ctx->last_log), fmt, args);
    va_end(args);
    ctx->warnings += level == CD_LOG_WARN;
    ctx->errors += level == CD_LOG_ERROR;
    if (ctx->verbose) (void)fprintf(stderr, "%s %s\n", names[level], ctx->last_log);
}

static bool host_log_on(cd_ctx_t *ctx, uint32_t level, const char *logger)
{
    (void)logger;
    return ctx->verbose || level >= CD_LOG_INFO;
}

static const cd_config_t *host_config(cd_ctx_t *ctx)
{
    return ctx->config;
}

static cd_schema_pool_t *host_schemas(cd_ctx_t *ctx)
{
    return ctx->pool;
}

static bool host_stopping(cd_ctx_t *ctx)
{
    return atomic_load(&ctx->stopping);
}

static bool host_wait(cd_ctx_t *ctx, int64_t timeout_ms)
{
    (void)poll(NULL, 0, (int)timeout_ms);
    return host_stopping(ctx);
}

static int host_stop_fd(cd_ctx_t *ctx)
{
    (void)ctx;
    return -1;
}

static cd_metric_t *host_metric(cd_ctx_t *ctx, const char *name, uint32_t kind, const char *help)
{
    (void)name;
    (void)kind;
    (void)help;
    return &ctx->metric;
}

static cd_err_t *host_offset_read(cd_ctx_t *ctx, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset)
{
    (void)partition;
    *ret_offset = value_copy(&ctx->offset, arena);
    return NULL;
}

struct cd_topic_log {
    cd_ctx_t *ctx;
};

static cd_err_t *host_log_open(cd_ctx_t *ctx, const char *topic, const cd_config_t *config, cd_topic_log_t **ret_log)
{
    (void)topic;
    (void)config;
    *ret_log = malloc(sizeof(**ret_log));
    if (*ret_log == NULL) abort();
    (*ret_log)->ctx = ctx;
    return NULL;
}

static cd_err_t *host_log_ensure(cd_topic_log_t *log, bool create, int32_t replication, const cd_config_t *topic_config,
                                 int64_t timeout_ms, bool *ret_exists)
{
    (void)log;
    (void)create;
    (void)replication;
    (void)topic_config;
    (void)timeout_ms;
    *ret_exists = true;
    return NULL;
}

static cd_err_t *host_log_read(cd_topic_log_t *log, int64_t timeout_ms,
                               cd_err_t *(*each)(void *arg, cd_bytes_t key, cd_bytes_t value), void *arg)
{
    (void)timeout_ms;
    for (uint32_t i = 0; i < log->ctx->nhistory; i++) {
        const char *text = log->ctx->history[i];
        cd_bytes_t value = {.ptr = (const uint8_t *)text, .len = (uint32_t)strlen(text)};
        cd_err_t *err = each(arg, (cd_bytes_t){0}, value);
        if (err != NULL) return err;
    }
    return NULL;
}

static cd_err_t *host_log_append(cd_topic_log_t *log, cd_bytes_t key, cd_bytes_t value, int64_t timeout_ms)
{
    (void)key;
    (void)timeout_ms;
    if (log->ctx->nhistory == HOST_RECORDS_MAX) return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "history is full");
    log->ctx->history[log->ctx->nhistory++] = strndup((const char *)value.ptr, value.len);
    return NULL;
}

static void host_log_close(cd_topic_log_t *log)
{
    free(log);
}

static const cd_host_t test_host = {.size = sizeof(test_host),
                                    .abi_major = CD_ABI_MAJOR,
                                    .abi_minor = CD_ABI_MINOR,
                                    .worker_version = "test",
                                    .log = host_log,
                                    .log_on = host_log_on,
                                    .config = host_config,
                                    .config_parse = config_parse,
                                    .schema_intern = schema_intern,
                                    .schemas = host_schemas,
                                    .value_copy = value_copy,
                                    .value_equal = value_equal,
                                    .batch_ref = batch_ref,
                                    .batch_unref = batch_unref,
                                    .metric = host_metric,
                                    .stopping = host_stopping,
                                    .wait = host_wait,
                                    .stop_fd = host_stop_fd,
                                    .offset_read = host_offset_read,
                                    .topic_log_open = host_log_open,
                                    .topic_log_ensure = host_log_ensure,
                                    .topic_log_read = host_log_read,
                                    .topic_log_append = host_log_append,
                                    .topic_log_close = host_log_close};

/** Give the module its host; the module owns the variable cd_host. */
__attribute__((unused)) static void host_install(void)
{
    cd_err_t *err = cd_module_entry()->init(&test_host);
    if (err != NULL) abort();
}

__attribute__((unused)) static void host_done(cd_ctx_t *ctx)
{
    for (uint32_t i = 0; i < ctx->nhistory; i++) free(ctx->history[i]);
    schema_pool_free(ctx->pool);
}

#endif
