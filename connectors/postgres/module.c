/* connectors/postgres/module.c: the plugin as the worker sees it: its class, its keys and its callbacks. */
#include "connectors/postgres/sink_conf.h"
#include "connectors/postgres/sink_task.h"

CD_DEFINE_HOST;

typedef struct sink_connector {
    cd_config_t config; /* copies: the worker may hand us a new configuration while tasks still run with this one */
    cd_arena_t arena;
} sink_connector_t;

static cd_err_t *connector_start(cd_ctx_t *ctx, const cd_config_t *config, void **ret_connector)
{
    (void)ctx;
    sink_connector_t *c = calloc(1, sizeof(*c));
    if (c == NULL) abort();
    c->config = sink_conf_copy(config, &c->arena);
    *ret_connector = c;
    return NULL;
}

/** Tasks differ only by the partitions that the group gives them. */
static cd_err_t *connector_task_configs(void *connector, int32_t max_tasks, cd_task_configs_t *out)
{
    sink_connector_t *c = connector;
    for (int32_t i = 0; i < max_tasks; i++) out->add(out, &c->config);
    return NULL;
}

static void connector_stop(void *connector)
{
    sink_connector_t *c = connector;
    if (c == NULL) return;
    cd_arena_done(&c->arena);
    free(c);
}

static void connector_validate(cd_ctx_t *ctx, const cd_config_t *config, cd_problems_t *problems)
{
    (void)ctx;
    sink_conf_validate(config, problems);
}

static cd_err_t *module_init(const cd_host_t *host)
{
    if (!CD_HAS(host, topic_log_close))
        return cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "postgres: the worker (%s) is too old for this plugin",
                          host->worker_version);
    cd_host = host;
    return NULL;
}

static const cd_sink_ops_t ops = {.size = sizeof(cd_sink_ops_t),
                                  .connector = {.size = sizeof(cd_connector_ops_t),
                                                .validate = connector_validate,
                                                .start = connector_start,
                                                .task_configs = connector_task_configs,
                                                .stop = connector_stop},
                                  .task_start = sink_task_start,
                                  .put = sink_task_put,
                                  .task_stop = sink_task_stop};

static const cd_plugin_t sink_plugin = {CD_PLUGIN_HEAD,
                                        .kind = CD_KIND_SINK,
                                        .jvm_class = "io.confluent.connect.jdbc.JdbcSinkConnector",
                                        .version = "10.7.4",
                                        .doc = "Writes records to PostgreSQL tables.",
                                        .keys = sink_keys_table,
                                        .ops = &ops};

static const cd_plugin_t *const plugins[] = {&sink_plugin, NULL};

static const cd_module_t module = {CD_MODULE_HEAD, .name = "postgres", .init = module_init, .plugins = plugins};

CD_EXPORT const cd_module_t *cd_module_entry(void)
{
    return &module;
}
