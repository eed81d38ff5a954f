/* validation/validation.h: is this connector configuration good? The answer behind POST /connectors, PUT …/config and
 * PUT /connector-plugins/{p}/config/validate (01 §5).
 *
 * Threads    validation_start and its callback run on the loop; config providers and the plugin's own checks, which may
 *            block, run on libuv's pool in between.
 * Ownership  the settings are copied; the result is borrowed during the callback; an error belongs to the callee.
 * Errors     what a JVM worker answers instead of a result: code is the HTTP status.
 * Secrets    settings are resolved for the check only; PASSWORD values leave as [hidden]. */
#ifndef VALIDATION_VALIDATION_H
#define VALIDATION_VALIDATION_H

#include "runtime/herder/transformer.h"
#include "runtime/main/worker_config.h"
#include "runtime/task/connector.h"
#include "runtime/validation/entries.h"

#include <uv.h>

/** What a validation looks at; borrowed, outlives every validation. */
typedef struct validation_env {
    uv_loop_t *loop;
    const plugins_t *plugins;
    task_hub_t *hub;
    transformer_t *transformer;
    const worker_config_t *worker;
} validation_env_t;

/** @param err      owned by the callee; NULL with a result
 *  @param result   the checked settings; `entries_error_count` 0 means good */
typedef void validation_fn(void *arg, cd_err_t *err, const entries_t *result);

void validation_start(const validation_env_t *env, const cd_config_t *config, validation_fn *done, void *arg);

/** The definition part alone, for GET /connector-plugins/{p}/config: the plugin's own rows, then, for connectors, the
 *  framework's that it does not define itself. `ret` is filled; its arena must be set. */
void validation_definitions(const cd_plugin_t *plugin, entries_t *ret);

#endif
