/* A host table for tests of built-in plugins: real pools, values and settings; logs are dropped; the stop signal is a
 * switch. Include it in exactly one file of a test program. */
#ifndef TEST_PLUGINS_FAKE_HOST_H
#define TEST_PLUGINS_FAKE_HOST_H

#include "runtime/config/config_key.h"
#include "runtime/data/batch.h"
#include "runtime/data/schema.h"
#include "runtime/data/value.h"
#include "test/unit/support/cmocka_all.h"

struct cd_ctx {
    bool stopping;
    uint32_t waits, warnings;
};

static CD_PRINTF(4, 5) void fake_log(cd_ctx_t *ctx, uint32_t level, const char *logger, const char *fmt, ...)
{
    (void)logger;
    (void)fmt;
    if (level == CD_LOG_WARN) ctx->warnings++;
}

static bool fake_stopping(cd_ctx_t *ctx)
{
    return ctx->stopping;
}

static bool fake_wait(cd_ctx_t *ctx, int64_t timeout_ms)
{
    (void)timeout_ms;
    ctx->waits++;
    return ctx->stopping;
}

static int fake_stop_fd(cd_ctx_t *ctx)
{
    (void)ctx;
    return -1;
}

static const cd_host_t fake_host = {.size = sizeof(fake_host),
                                    .abi_major = CD_ABI_MAJOR,
                                    .abi_minor = CD_ABI_MINOR,
                                    .worker_version = "test",
                                    .log = fake_log,
                                    .config_parse = config_parse,
                                    .schema_intern = schema_intern,
                                    .value_copy = value_copy,
                                    .value_equal = value_equal,
                                    .batch_ref = batch_ref,
                                    .batch_unref = batch_unref,
                                    .stopping = fake_stopping,
                                    .wait = fake_wait,
                                    .stop_fd = fake_stop_fd};

const cd_host_t *cd_host __attribute__((visibility("hidden"))) = &fake_host;

#endif
