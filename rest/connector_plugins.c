/* /connector-plugins: what is installed, its settings, and validation of a configuration. */
#include "rest/json_forms.h"
#include "rest/routes.h"
#include "runtime/base/str.h"

static void add_kind(const plugins_t *plugins, uint32_t kind, json_t *all)
{
    for (uint32_t i = 0; i < plugins_count(plugins); i++) {
        const plugin_desc_t *d = plugins_at(plugins, i);
        if (d->plugin->kind != kind) continue;
        json_t *one = json_object();
        form_put(one, "class", form_text(d->class_name));
        form_put(one, "type", form_text(d->type));
        if (!str_empty(d->version)) form_put(one, "version", form_text(d->version));
        form_append(all, one);
    }
}

void serve_plugins_list(call_t *c)
{
    const plugins_t *plugins = call_env(c)->plugins;
    json_t *all = json_array();
    add_kind(plugins, CD_KIND_SINK, all);
    add_kind(plugins, CD_KIND_SOURCE, all);
    if (!call_param_bool(c, "connectorsOnly", true)) {
        add_kind(plugins, CD_KIND_TRANSFORM, all);
        add_kind(plugins, CD_KIND_PREDICATE, all);
        add_kind(plugins, CD_KIND_CONVERTER, all);
        add_kind(plugins, CD_KIND_HEADER_CONVERTER, all);
    }
    call_reply_json(c, 200, all);
}

static const cd_plugin_t *find_any(const plugins_t *plugins, const char *name)
{
    static const uint32_t kinds[] = {
        CD_KIND_SINK,      CD_KIND_SOURCE,    CD_KIND_CONVERTER,      CD_KIND_HEADER_CONVERTER,
        CD_KIND_TRANSFORM, CD_KIND_PREDICATE, CD_KIND_CONFIG_PROVIDER};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        const cd_plugin_t *p = plugins_find(plugins, kinds[i], name);
        if (p != NULL) return p;
    }
    return NULL;
}

void serve_plugin_config(call_t *c)
{
    const cd_plugin_t *plugin = find_any(call_env(c)->plugins, c->name);
    if (plugin == NULL) {
        call_reply_error(c, 404, "Unknown plugin %s.", c->name);
        return;
    }
    if (plugin->kind == CD_KIND_CONFIG_PROVIDER) {
        call_reply_error(c, 400,
                         "Invalid plugin class %s. Valid types are sink, source, converter, header_converter, "
                         "transformation, predicate.",
                         c->name);
        return;
    }
    entries_t entries = {.arena = &c->arena};
    validation_definitions(plugin, &entries);
    json_t *all = json_array();
    for (uint32_t i = 0; i < entries.n; i++) form_append(all, entry_definition_json(&entries.items[i]));
    entries_done(&entries);
    call_reply_json(c, 200, all);
}

/* "SqlServer" and "SqlServerConnector" are the same request: one suffix is cut before comparing. */
static size_t bare_len(const char *name)
{
    return strlen(name) - (str_ends(name, "Connector") ? strlen("Connector") : 0);
}

static bool class_fits(const char *class_name, const char *requested)
{
    size_t have = bare_len(class_name), want = bare_len(requested);
    return have >= want && strncmp(class_name + have - want, requested, want) == 0;
}

typedef struct validate_op {
    call_t *call;
    const char *class_name;
} validate_op_t;

static void on_validated(void *arg, cd_err_t *err, const entries_t *result)
{
    validate_op_t *op = arg;
    if (err == NULL) {
        call_reply_json(op->call, 200, entries_json(result, op->class_name));
        return;
    }
    /* Here, and only here, the JVM worker answers with the wrapped exception. */
    call_reply_error(op->call, 500, "%s: %s", err->jvm_class, err->message);
    cd_err_free(err);
}

void serve_plugin_validate(call_t *c)
{
    cd_config_t config;
    cd_err_t *err = call_body_config(c, &config);
    if (err != NULL) {
        call_reply_err(c, err);
        return;
    }
    const char *class_name = cd_config_get(&config, "connector.class");
    if (class_name != NULL && !class_fits(class_name, c->name)) {
        call_reply_error(c, 400, "Included connector type %s does not match request type %s", class_name, c->name);
        return;
    }
    validate_op_t *op = cd_arena_new(&c->arena, validate_op_t);
    *op = (validate_op_t){.call = c, .class_name = class_name};
    call_wait(c);
    validation_start(call_env(c), &config, on_validated, op);
}
