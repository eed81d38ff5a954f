#include "runtime/plugin/ctx.h"

#include "runtime/base/clock.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/data/schema.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct cd_ctx {
    char *log_context;
    cd_arena_t arena;
    cd_config_t config;
    cd_schema_pool_t *schemas;
    metrics_t *own_metrics; /* when nobody gave any */
    metrics_group_t *group;
    const ctx_services_t *services;
    void *services_arg;
    int stop_fd;   /* readable from the stop on, never read */
    bool stopping; /* atomic */
};

cd_err_t *ctx_new(const char *connector, int32_t task, const cd_config_t *config, metrics_t *metrics,
                  const ctx_services_t *services, void *services_arg, cd_ctx_t **ret_ctx)
{
    static const ctx_services_t none = {0};
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd < 0)
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "could not create a stop signal: %s", strerrordesc_np(errno));
    cd_ctx_t *ctx = mem_new0(cd_ctx_t);
    ctx->stop_fd = fd;
    ctx->schemas = schema_pool_new();
    if (metrics == NULL) metrics = ctx->own_metrics = metrics_new();
    ctx->group = metrics_group_new(metrics, connector != NULL ? connector : "", task);
    ctx->services = services != NULL ? services : &none;
    ctx->services_arg = services_arg;
    if (config != NULL) ctx->config = config_copy(config, &ctx->arena);
    if (connector != NULL) {
        cd_arena_t *a = &ctx->arena;
        ctx->log_context = task >= 0 ? cd_arena_printf(a, "[%s|task-%d] ", connector, task)
                                     : cd_arena_printf(a, "[%s|worker] ", connector);
    }
    *ret_ctx = ctx;
    return NULL;
}

void ctx_free(cd_ctx_t *ctx)
{
    if (ctx == NULL) return;
    metrics_group_free(ctx->group);
    metrics_free(ctx->own_metrics);
    schema_pool_free(ctx->schemas);
    (void)close(ctx->stop_fd);
    cd_arena_done(&ctx->arena);
    free(ctx);
}

void ctx_stop(cd_ctx_t *ctx)
{
    __atomic_store_n(&ctx->stopping, true, __ATOMIC_SEQ_CST);
    ssize_t w = write(ctx->stop_fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)w; /* EAGAIN: the counter is full, so it is readable already */
}

bool ctx_stopping(cd_ctx_t *ctx)
{
    return __atomic_load_n(&ctx->stopping, __ATOMIC_SEQ_CST);
}

bool ctx_wait(cd_ctx_t *ctx, int64_t timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    while (!ctx_stopping(ctx)) {
        int64_t left = deadline - clock_mono_ms();
        if (left <= 0) break;
        struct pollfd p = {.fd = ctx->stop_fd, .events = POLLIN};
        (void)poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left); /* interrupted: the loop looks again */
    }
    return ctx_stopping(ctx);
}

int ctx_stop_fd(cd_ctx_t *ctx)
{
    return ctx->stop_fd;
}

const char *ctx_log_context(const cd_ctx_t *ctx)
{
    return ctx->log_context;
}

cd_schema_pool_t *ctx_schemas(cd_ctx_t *ctx)
{
    return ctx->schemas;
}

cd_metric_t *ctx_metric(cd_ctx_t *ctx, const char *name, uint32_t kind, const char *help)
{
    return metrics_get(ctx->group, name, kind, help);
}

const cd_config_t *ctx_config(cd_ctx_t *ctx)
{
    return &ctx->config;
}

const ctx_services_t *ctx_services(cd_ctx_t *ctx, void **ret_arg)
{
    *ret_arg = ctx->services_arg;
    return ctx->services;
}
