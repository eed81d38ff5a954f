/* task/connector.h: a connector instance, whose plugin callbacks run on libuv's pool, one at a time.
 *
 * Threads    every function and every callback here runs on the loop thread; none blocks.
 * Ownership  results are borrowed during the callback; errors handed to callbacks belong to the callee.
 * Life       connector_new, then any of the operations, in order of the calls; connector_free at any time: an operation
 *            under way is waited for by nobody, its result is dropped, and a started instance is stopped behind it. */
#ifndef RUNTIME_TASK_CONNECTOR_H
#define RUNTIME_TASK_CONNECTOR_H

#include "runtime/task/task.h"

typedef struct connector connector_t;

typedef struct connector_events {
    void *arg;
    /** The instance asks for task_configs to be called again. */
    void (*reconfigure)(void *arg, connector_t *c);
    /** The instance failed outside any operation. @param err  owned by the callee */
    void (*failed)(void *arg, connector_t *c, cd_err_t *err);
} connector_events_t;

/** @param config  resolved; copied */
connector_t *connector_new(task_hub_t *hub, const char *name, const cd_plugin_t *plugin, const cd_config_t *config,
                           const connector_events_t *events, void *user);
void connector_free(connector_t *c);
void *connector_user(const connector_t *c);
const char *connector_name(const connector_t *c);
const cd_plugin_t *connector_plugin(const connector_t *c);

typedef void connector_done_fn(void *arg, connector_t *c, cd_err_t *err);
/** Start the instance. On error it is as if never started. */
void connector_start(connector_t *c, connector_done_fn *done, void *arg);
/** Stop the instance if it is started; it may be started again. */
void connector_stop(connector_t *c, connector_done_fn *done, void *arg);

/** @param configs  n task configurations, as the plugin made them (the caller adds task.class and topics) */
typedef void connector_configs_fn(void *arg, connector_t *c, cd_err_t *err, const cd_config_t *configs, uint32_t n);
/** Plan tasks. Needs a started instance. More than max_tasks may come from a misbehaving plugin: the caller checks. */
void connector_task_configs(connector_t *c, int32_t max_tasks, connector_configs_fn *done, void *arg);

typedef struct connector_problem {
    const char *key, *message;
} connector_problem_t;

typedef void connector_validate_fn(void *arg, const connector_problem_t *problems, uint32_t n);
/** Run the plugin's own validate() on the pool (it may connect to a database). The key table is the caller's part.
 *  @param config  resolved; copied. A plugin without validate answers at once with no problems (still by the loop). */
void connector_validate(task_hub_t *hub, const cd_plugin_t *plugin, const cd_config_t *config,
                        connector_validate_fn *done, void *arg);

#endif
