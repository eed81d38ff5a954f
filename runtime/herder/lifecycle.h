/* herder/lifecycle.h: how main makes, starts and ends the herder. REST needs only herder.h.
 * Loop thread only; nothing blocks; callbacks come on the loop, never before the call has returned. */
#ifndef RUNTIME_HERDER_LIFECYCLE_H
#define RUNTIME_HERDER_LIFECYCLE_H

#include "runtime/herder/herder.h"
#include "runtime/main/worker_config.h"
#include "runtime/plugin/metrics.h"
#include "runtime/plugin/plugins.h"
#include "runtime/store/config_store.h"
#include "runtime/store/deferred.h"
#include "runtime/store/kafka_hub.h"
#include "runtime/store/offset_store.h"
#include "runtime/store/status_store.h"
#include "runtime/task/task.h"

typedef struct herder_env {
    uv_loop_t *loop;
    /* borrowed; must outlive the herder */
    const worker_config_t *worker;
    const plugins_t *plugins;
    metrics_t *metrics;
    transformer_t *transformer;
    deferred_t *deferred;
    kafka_hub_t *hub;           /* for questions about consumer groups */
    herder_identity_t identity; /* texts are copied */
    /** Something ended the herder for good, with the reason (taken by the callee): the process must end. */
    void (*failed)(void *arg, cd_err_t *err);
    void *failed_arg;
} herder_env_t;

/** Makes the herder: reads answer at once, from what has been read so far; the rest waits for herder_start. */
herder_t *herder_new(const herder_env_t *env);

/** Read the stores' logs, then join the group. `done` runs when the first assignment was handled.
 *  @param config, status, offsets  logs, taken */
void herder_start(herder_t *h, store_log_t *config, store_log_t *status, store_log_t *offsets, herder_done_fn *done,
                  void *arg);

/** Stop all connectors and tasks within their graceful times, answer what waits with `Worker is shutting down`, and
 *  leave the group. Statuses and offsets are then written, but maybe not acknowledged. */
void herder_stop(herder_t *h, herder_done_fn *done, void *arg);

/** After herder_stop's answer (or instead of it, when there is no time left). Closes the stores. */
void herder_free(herder_t *h);

/** For validation: where connectors' own checks run. */
task_hub_t *herder_hub(const herder_t *h);

#endif
