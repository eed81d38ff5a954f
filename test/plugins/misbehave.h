/* test/plugins/misbehave.h: a source that does nothing, for modules that misbehave in one other way. */
#ifndef TEST_PLUGINS_MISBEHAVE_H
#define TEST_PLUGINS_MISBEHAVE_H

#include "plugins/api/connectd_plugin.h"

CD_DEFINE_HOST;

static inline cd_err_t *nothing_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret)
{
    (void)config;
    *ret = ctx;
    return NULL;
}

static inline cd_err_t *nothing_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    (void)max_tasks;
    out->add(out, cd_host->config(connector));
    return NULL;
}

static inline void nothing_stop(void *connector)
{
    (void)connector;
}

static inline cd_err_t *nothing_poll(void *task, cd_batch_t *batch, int64_t timeout_ms)
{
    (void)batch;
    (void)cd_host->wait(task, timeout_ms);
    return NULL;
}

#define NOTHING_CONNECTOR                                                                                              \
    {                                                                                                                  \
        .size = sizeof(cd_connector_ops_t), .start = nothing_start, .task_configs = nothing_configs,                   \
        .stop = nothing_stop                                                                                           \
    }

static inline cd_err_t *keep_host(const cd_host_t *host)
{
    cd_host = host;
    return NULL;
}

#endif
