/* The module: what the worker sees of this folder. */
#include "connectors/sqlserver/conf.h"
#include "connectors/sqlserver/connector.h"
#include "connectors/sqlserver/task.h"

CD_DEFINE_HOST;

static const cd_source_ops_t source_ops = {
    .size = sizeof(cd_source_ops_t),
    .connector = {.size = sizeof(cd_connector_ops_t),
                  .validate = connector_validate,
                  .start = connector_start,
                  .task_configs = connector_task_configs,
                  .stop = connector_stop},
    .task_start = task_start,
    .poll = task_poll,
    .task_stop = task_stop,
};

static const cd_plugin_t plugin = {
    CD_PLUGIN_HEAD,
    .kind = CD_KIND_SOURCE,
    .jvm_class = "io.debezium.connector.sqlserver.SqlServerConnector",
    .version = CONF_VERSION,
    .doc = "Change data capture from Microsoft SQL Server: a snapshot of the tables, then every committed change in "
           "order.",
    .keys = conf_keys,
    .ops = &source_ops,
};

static const cd_plugin_t *const plugins[] = {&plugin, NULL};

static cd_err_t *init(const cd_host_t *host)
{
    if (!CD_HAS(host, topic_log_close)) {
        return cd_err_new(
            CD_ERR_CONFIG, CD_JVM_CONNECT,
            "the worker's host table has %u bytes, this module needs %zu; use a worker of the same release", host->size,
            sizeof(cd_host_t));
    }
    cd_host = host;
    return NULL;
}

static const cd_module_t module = {CD_MODULE_HEAD, .name = "sqlserver", .init = init, .plugins = plugins};

const cd_module_t *cd_module_entry(void)
{
    return &module;
}
