/* connector.h: the connector half of the plugin. Threads, ownership and errors: cd_connector_ops_t. */
#ifndef SQLSERVER_CONNECTOR_H
#define SQLSERVER_CONNECTOR_H

#include "plugins/api/connectd_plugin.h"

void connector_validate(cd_ctx_t *ctx, const cd_config_t *config, cd_problems_t *problems);
cd_err_t *connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector);
cd_err_t *connector_task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out);
void connector_stop(void *connector);

#endif
