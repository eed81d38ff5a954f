#include "runtime/validation/validation.h"

#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/validation/connector_keys.h"
#include "runtime/validation/rules.h"

typedef struct validation {
    const validation_env_t *env;
    validation_fn *done;
    void *arg;
    cd_arena_t arena;
    cd_config_t raw, resolved;
    cd_err_t *err;
    const cd_plugin_t *plugin;
    entries_t entries;
    uv_work_t work;
} validation_t;

static void validation_end(validation_t *v)
{
    if (v->err != NULL)
        v->done(v->arg, v->err, NULL);
    else
        v->done(v->arg, NULL, &v->entries);
    entries_done(&v->entries);
    cd_arena_done(&v->arena);
    free(v);
}

/* The map printed as Java does; a missing class is most often a typing error in this key, so users need to see it. Only
 * the names are shown: the values may hold secrets. */
static cd_err_t *no_class(const validation_t *v)
{
    strbuf_t b = {0};
    for (uint32_t i = 0; i < v->raw.n; i++) strbuf_addf(&b, "%s%s", i > 0 ? ", " : "", v->raw.pairs[i].name);
    cd_err_t *err = cd_err_new(CD_ERR_CONFIG, "org.apache.kafka.connect.runtime.rest.errors.BadRequestException",
                               "Connector config {%s} contains no connector type", strbuf_str(&b));
    err->code = 400;
    strbuf_done(&b);
    return err;
}

static void add_framework(validation_t *v)
{
    const connector_key_t *rows = connector_keys(v->plugin->kind);
    for (const connector_key_t *row = rows; row->key.name != NULL; row++) {
        entry_t *e = entries_add(&v->entries, row->key.name, &row->key);
        e->order = row->order;
        config_check(&row->key, &v->resolved, row->key.name, &v->arena, &e->r);
        entries_group(&v->entries, row->key.group);
    }
}

static void add_null_errors(validation_t *v)
{
    for (uint32_t i = 0; i < v->resolved.n; i++)
        if (v->resolved.pairs[i].value == NULL)
            entries_report(&v->entries, v->resolved.pairs[i].name,
                           "Null value can not be supplied as the configuration value.");
}

static void on_plugin_checked(void *arg, const connector_problem_t *problems, uint32_t n)
{
    validation_t *v = arg;
    for (uint32_t i = 0; i < n; i++) entries_report(&v->entries, problems[i].key, problems[i].message);
    rules_client_overrides(&v->entries, v->env->worker->client_override_policy, v->plugin->kind, &v->resolved);
    rules_converters(&v->entries, v->env->plugins, &v->resolved);
    validation_end(v);
}

static void check_static(validation_t *v)
{
    v->entries.arena = &v->arena;
    add_framework(v);
    rules_common(&v->entries, v->env->plugins, v->env->worker, v->plugin->kind, &v->resolved);
    rules_transforms(&v->entries, v->env->plugins, &v->resolved);
    rules_predicates(&v->entries, v->env->plugins, &v->resolved);
    entries_add_table(&v->entries, v->plugin->keys, v->plugin->key_stride, "", &v->resolved, false);
    add_null_errors(v);
    connector_validate(v->env->hub, v->plugin, &v->resolved, on_plugin_checked, v);
}

static void resolve(uv_work_t *w)
{
    validation_t *v = w->data;
    v->err = transformer_apply(v->env->transformer, &v->raw, &v->arena, &v->resolved, NULL);
}

static void on_resolved(uv_work_t *w, int status)
{
    validation_t *v = w->data;
    if (status != 0 && v->err == NULL) v->err = cd_err_new(CD_ERR_FATAL, CD_JVM_CONNECT, "Worker is shutting down");
    const char *class_name = v->err == NULL ? cd_config_get(&v->resolved, "connector.class") : NULL;
    if (v->err == NULL && str_empty(class_name)) v->err = no_class(v);
    if (v->err == NULL) {
        v->plugin = plugins_find_connector(v->env->plugins, str_trim_dup(class_name, &v->arena));
        if (v->plugin == NULL) v->err = plugins_no_connector(v->env->plugins, class_name);
    }
    if (v->err != NULL) {
        if (v->err->code == 0) v->err->code = 500;
        validation_end(v);
        return;
    }
    check_static(v);
}

void validation_start(const validation_env_t *env, const cd_config_t *config, validation_fn *done, void *arg)
{
    validation_t *v = mem_new0(validation_t);
    v->env = env;
    v->done = done;
    v->arg = arg;
    v->raw = config_copy(config, &v->arena);
    v->work.data = v;
    if (uv_queue_work(env->loop, &v->work, resolve, on_resolved) != 0) abort(); /* only fails without a callback */
}

void validation_definitions(const cd_plugin_t *plugin, entries_t *ret)
{
    cd_config_t none = {0};
    entries_add_table(ret, plugin->keys, plugin->key_stride, "", &none, false);
    if (plugin->kind != CD_KIND_SOURCE && plugin->kind != CD_KIND_SINK) return;
    for (const connector_key_t *row = connector_keys(plugin->kind); row->key.name != NULL; row++) {
        if (entries_find(ret, row->key.name) != NULL) continue;
        entries_add(ret, row->key.name, &row->key)->order = row->order;
    }
}
