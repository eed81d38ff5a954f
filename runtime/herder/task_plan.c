#include "runtime/herder/task_plan.h"

#include "runtime/base/log.h"
#include "runtime/base/str.h"
#include "runtime/herder/transformer.h"

typedef struct task_class {
    const char *connector, *task;
} task_class_t;

const char *task_plan_class(const char *connector_class, cd_arena_t *arena)
{
    /* names that do not follow the rule below */
    static const task_class_t known[] = {
        {"io.debezium.connector.sqlserver.SqlServerConnector",
         "io.debezium.connector.sqlserver.SqlServerConnectorTask"},
        {"io.confluent.connect.jdbc.JdbcSinkConnector", "io.confluent.connect.jdbc.sink.JdbcSinkTask"},
        {"io.debezium.connector.jdbc.JdbcSinkConnector", "io.debezium.connector.jdbc.JdbcSinkConnectorTask"},
        {NULL, NULL}};
    static const char suffix[] = "Connector";
    for (const task_class_t *k = known; k->connector != NULL; k++)
        if (strcmp(k->connector, connector_class) == 0) return k->task;
    size_t n = strlen(connector_class);
    if (str_ends(connector_class, suffix)) n -= strlen(suffix);
    return cd_arena_printf(arena, "%.*sTask", (int)n, connector_class);
}

static void set(cd_pair_t *pairs, uint32_t *n, const char *name, const char *value)
{
    for (uint32_t i = 0; i < *n; i++) {
        if (strcmp(pairs[i].name, name) != 0) continue;
        pairs[i].value = value;
        return;
    }
    pairs[(*n)++] = (cd_pair_t){.name = name, .value = value};
}

static cd_config_t finish_one(const cd_plugin_t *plugin, const cd_config_t *raw, const cd_config_t *made,
                              cd_arena_t *arena)
{
    cd_pair_t *pairs = cd_arena_array(arena, cd_pair_t, made->n + 3);
    uint32_t n = 0;
    for (uint32_t i = 0; i < made->n; i++)
        set(pairs, &n, cd_arena_strdup(arena, made->pairs[i].name),
            made->pairs[i].value == NULL ? NULL : cd_arena_strdup(arena, made->pairs[i].value));
    if (cd_config_get(made, "task.class") == NULL)
        set(pairs, &n, "task.class", task_plan_class(plugin->jvm_class, arena));
    if (plugin->kind == CD_KIND_SINK) {
        static const char *const topic_keys[] = {"topics", "topics.regex", NULL};
        for (const char *const *k = topic_keys; *k != NULL; k++) {
            const char *value = cd_config_get(raw, *k);
            if (value != NULL) set(pairs, &n, *k, cd_arena_strdup(arena, value));
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        const char *value = cd_config_get(raw, pairs[i].name);
        if (transformer_has_variable(value)) pairs[i].value = cd_arena_strdup(arena, value);
    }
    return (cd_config_t){.n = n, .pairs = pairs};
}

void task_plan_finish(const cd_plugin_t *plugin, const cd_config_t *raw, const cd_config_t *made, uint32_t n,
                      cd_arena_t *arena, cd_config_t **ret_configs)
{
    cd_config_t *configs = cd_arena_array(arena, cd_config_t, n);
    for (uint32_t i = 0; i < n; i++) configs[i] = finish_one(plugin, raw, &made[i], arena);
    *ret_configs = configs;
}

bool task_plan_changed(const config_connector_t *c, const cd_config_t *configs, uint32_t n)
{
    if (c->inconsistent || c->commits == 0 || (uint32_t)c->task_count != n) return true;
    for (uint32_t i = 0; i < n; i++) {
        const props_t *stored = config_connector_task(c, (int32_t)i);
        if (stored == NULL) return true;
        cd_config_t view = props_view(stored);
        if (!props_equal(&view, &configs[i])) return true;
    }
    /* converters, transforms and error handling are settings of the connector that only tasks look at */
    cd_config_t now = props_view(&c->config), applied = props_view(&c->applied);
    return n > 0 && (!c->has_applied || !props_equal(&now, &applied));
}

int32_t task_plan_max(const cd_config_t *config)
{
    const char *text = cd_config_get(config, "tasks.max");
    if (text == NULL) return 1;
    char *end;
    long v = strtol(text, &end, 10);
    while (*end == ' ') end++;
    return *end == '\0' && v >= 1 && v <= INT32_MAX ? (int32_t)v : 1;
}

cd_err_t *task_plan_check(const char *connector, const cd_config_t *config, uint32_t n)
{
    int32_t max = task_plan_max(config);
    if (n <= (uint32_t)max) return NULL;
    const char *enforce = cd_config_get(config, "tasks.max.enforce");
    if (enforce != NULL && strcasecmp(enforce, "false") == 0) {
        log_warn("The connector %s has generated %u tasks, which is greater than %d, the maximum number of tasks it is "
                 "configured to create. This behaviour should be considered a bug and will be disallowed in future "
                 "releases of Kafka Connect. Please report this to the maintainers of the connector and request that "
                 "they adjust their connector's taskConfigs() method to respect the maxTasks parameter.",
                 connector, n, max);
        return NULL;
    }
    return cd_err_new(
        CD_ERR_FATAL, "org.apache.kafka.connect.runtime.TooManyTasksException",
        "The connector %s has generated %u tasks, which is greater than %d, the maximum number of tasks it "
        "is configured to create. This behaviour should be considered a bug and is disallowed. If "
        "necessary, it can be permitted by reconfiguring the connector with 'tasks.max.enforce' set to "
        "false; however, this option will be removed in a future release of Kafka Connect.",
        connector, n, max);
}
