#include "runtime/herder/providers.h"

#include "runtime/base/log.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/strbuf.h"
#include "runtime/plugin/ctx.h"

#include <stdlib.h>

#define LOGGER      "org.apache.kafka.connect.runtime.WorkerConfigTransformer"
#define VAULT_CLASS "com.github.jcustenborder.kafka.config.vault.VaultConfigProvider"

/** A provider with the context it was configured in, which must live as long. */
typedef struct holder {
    const cd_config_provider_ops_t *ops;
    void *instance;
    cd_ctx_t *ctx;
} holder_t;

static cd_err_t *holder_get(void *provider, const char *path, const char *const *keys, uint32_t nkeys,
                            cd_secrets_t *out, int64_t *ret_ttl_ms)
{
    holder_t *h = provider;
    return h->ops->get(h->instance, path, keys, nkeys, out, ret_ttl_ms);
}

static void holder_close(void *provider)
{
    holder_t *h = provider;
    h->ops->close(h->instance);
    ctx_free(h->ctx);
    free(h);
}

static const cd_config_provider_ops_t holder_ops = {
    .size = sizeof(holder_ops), .get = holder_get, .close = holder_close};

static cd_err_t *unknown_class(const plugins_t *plugins, const char *name)
{
    strbuf_t known = {0};
    for (uint32_t i = 0; i < plugins_count(plugins); i++) {
        const plugin_desc_t *d = plugins_at(plugins, i);
        if (d->plugin->kind != CD_KIND_CONFIG_PROVIDER) continue;
        strbuf_addf(&known, "%s%s", known.len > 0 ? ", " : "", d->class_name);
    }
    cd_err_t *err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                               "Failed to find any class that implements ConfigProvider and which name matches %s, "
                               "available classes are: %s",
                               name, strbuf_str(&known));
    strbuf_done(&known);
    return err;
}

static cd_err_t *open_one(const plugins_t *plugins, const char *name, const char *class_name, const cd_config_t *params,
                          transformer_provider_t *ret)
{
    const cd_plugin_t *plugin = plugins_find(plugins, CD_KIND_CONFIG_PROVIDER, class_name);
    if (plugin == NULL) return unknown_class(plugins, class_name);
    holder_t *h = mem_new0(holder_t);
    h->ops = plugin->ops;
    cd_err_t *err = ctx_new(NULL, -1, params, NULL, NULL, NULL, &h->ctx);
    if (err == NULL) err = h->ops->configure(h->ctx, params, &h->instance);
    if (err != NULL) {
        if (h->ctx != NULL) ctx_free(h->ctx);
        free(h);
        return err;
    }
    *ret = (transformer_provider_t){.name = name, .ops = &holder_ops, .instance = h};
    return NULL;
}

/* A literal that was meant to be a variable: "${VAULT_TOKEN}" has no provider and stays as it is. */
static void warn_of_literals(const char *provider, const cd_config_t *params)
{
    for (uint32_t i = 0; i < params->n; i++) {
        const char *v = params->pairs[i].value;
        if (v != NULL && str_starts(v, "${") && strchr(v, ':') == NULL)
            log_write(CD_LOG_WARN, LOGGER, NULL,
                      "Parameter '%s' of config provider '%s' looks like a variable but names no provider, so it is "
                      "taken literally; write ${env:NAME} with an env provider to read an environment variable",
                      params->pairs[i].name, provider);
    }
}

static cd_err_t *open_all(const plugins_t *plugins, const cd_config_t *props, bool warn, transformer_t **ret)
{
    cd_arena_t arena = {0};
    cd_err_t *err = NULL;
    uint32_t n = 0;
    const char *names = cd_config_get(props, "config.providers");
    cd_list_t list = str_split_list(names == NULL ? "" : names, &arena);
    transformer_provider_t *providers = cd_arena_array(&arena, transformer_provider_t, list.n + 1);
    bool vault_named = false;
    for (uint32_t i = 0; i < list.n && err == NULL; i++) {
        const char *name = list.items[i];
        vault_named = vault_named || strcmp(name, "vault") == 0;
        const char *class_name = cd_config_get(props, cd_arena_printf(&arena, "config.providers.%s.class", name));
        if (str_empty(class_name)) continue;
        cd_config_t params =
            config_with_prefix(props, cd_arena_printf(&arena, "config.providers.%s.param.", name), &arena);
        if (warn) warn_of_literals(name, &params);
        err = open_one(plugins, name, str_trim_dup(class_name, &arena), &params, &providers[n]);
        if (err == NULL) n++;
    }
    /* Existing stacks name no provider and still deploy ${vault:...}: an address in the environment is enough. */
    if (err == NULL && !vault_named && !str_empty(getenv("VAULT_ADDR"))) {
        const cd_config_t from_environment = {0};
        err = open_one(plugins, "vault", VAULT_CLASS, &from_environment, &providers[n]);
        if (err == NULL) n++;
    }
    transformer_t *t = transformer_new(providers, n);
    if (err == NULL) {
        *ret = t;
        t = NULL;
    }
    transformer_free(t);
    cd_arena_done(&arena);
    return err;
}

cd_err_t *providers_open(const plugins_t *plugins, props_t *props, transformer_t **ret_transformer)
{
    cd_arena_t arena = {0};
    transformer_t *first = NULL;
    cd_config_t raw = props_view(props), resolved;
    cd_err_t *err = open_all(plugins, &raw, true, &first);
    if (err != NULL) goto out;
    err = transformer_apply(first, &raw, &arena, &resolved, NULL);
    if (err != NULL) goto out;
    if (props_equal(&raw, &resolved)) {
        *ret_transformer = first; /* nothing was resolved: the same parameters would make the same providers */
        first = NULL;
        goto out;
    }
    props_t fresh = {0};
    props_copy(&fresh, &resolved);
    props_done(props);
    *props = fresh;
    err = open_all(plugins, &resolved, false, ret_transformer);
out:
    transformer_free(first);
    cd_arena_done(&arena);
    return err;
}
