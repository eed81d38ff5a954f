/* plugin/ctx.h: the worker's side of cd_ctx_t: what a plugin instance may ask the host for.
 *
 * Threads    made and freed by the owner of the instance; ctx_stop may be called by any thread while the context lives.
 * Ownership  settings are copied. The context outlives its plugin instance. */
#ifndef RUNTIME_PLUGIN_CTX_H
#define RUNTIME_PLUGIN_CTX_H

#include "runtime/plugin/metrics.h"

/** What only a source task, a sink task or a connector can do; NULL members answer that it is not available. */
typedef struct ctx_services {
    cd_err_t *(*offset_read)(void *arg, const cd_value_t *partition, cd_arena_t *arena, cd_value_t *ret_offset);
    cd_err_t *(*report)(void *arg, const cd_record_t *record, cd_err_t *err);
    bool (*can_report)(void *arg);
    void (*sink_backoff)(void *arg, int64_t timeout_ms);
    void (*sink_request_commit)(void *arg);
    void (*sink_seek)(void *arg, const cd_topic_partition_t *parts, uint32_t n);
    void (*reconfigure)(void *arg);
    void (*fail)(void *arg, cd_err_t *err);
} ctx_services_t;

/** @param connector  NULL for instances that belong to no connector (config providers, validation)
 *  @param task       task number, or -1
 *  @param metrics    NULL: metrics are counted but nobody sees them
 *  @param services   borrowed; NULL: none */
CD_CHECK cd_err_t *ctx_new(const char *connector, int32_t task, const cd_config_t *config, metrics_t *metrics,
                           const ctx_services_t *services, void *services_arg, cd_ctx_t **ret_ctx);
void ctx_free(cd_ctx_t *ctx);

/** Turn stopping() true and wake every wait. Any thread. */
void ctx_stop(cd_ctx_t *ctx);
bool ctx_stopping(cd_ctx_t *ctx);
/** Sleep until the time is over or a stop was asked for. @return ctx_stopping */
bool ctx_wait(cd_ctx_t *ctx, int64_t timeout_ms);
int ctx_stop_fd(cd_ctx_t *ctx);
/** "[name|task-0] ", or NULL. */
const char *ctx_log_context(const cd_ctx_t *ctx);
cd_schema_pool_t *ctx_schemas(cd_ctx_t *ctx);
cd_metric_t *ctx_metric(cd_ctx_t *ctx, const char *name, uint32_t kind, const char *help);
const cd_config_t *ctx_config(cd_ctx_t *ctx);
const ctx_services_t *ctx_services(cd_ctx_t *ctx, void **ret_arg);

/** The table that every plugin gets. */
const cd_host_t *host_table(void);

#endif
