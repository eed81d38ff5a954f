/* herder/task_plan.h: from the task configs that a connector made to those that go into the config topic. Pure. */
#ifndef RUNTIME_HERDER_TASK_PLAN_H
#define RUNTIME_HERDER_TASK_PLAN_H

#include "runtime/base/properties.h"
#include "runtime/store/config_state.h"

/** The class name of a connector's task, as the JVM worker would store it, so that one could start the task. */
const char *task_plan_class(const char *connector_class, cd_arena_t *arena);

/** Add task.class (and, for sinks, topics and topics.regex) and put placeholders back: each key that holds a variable
 *  in the raw connector config gets that raw value, so that no secret reaches a topic.
 *  @param raw  the connector's config as the user gave it */
void task_plan_finish(const cd_plugin_t *plugin, const cd_config_t *raw, const cd_config_t *made, uint32_t n,
                      cd_arena_t *arena, cd_config_t **ret_configs);

/** Must these be written? True when their number or any of them differs from what is committed, or when the connector's
 *  config is not the one of the last commit. */
bool task_plan_changed(const config_connector_t *c, const cd_config_t *configs, uint32_t n);

/** tasks.max of a resolved config: 1 when it is missing or no number. */
int32_t task_plan_max(const cd_config_t *config);
/** NULL, or why n tasks are too many (a TooManyTasksException); tasks.max.enforce=false makes it a warning. */
CD_CHECK cd_err_t *task_plan_check(const char *connector, const cd_config_t *config, uint32_t n);

#endif
