/* org.apache.kafka.common.config.provider.EnvVarConfigProvider: values from the worker's environment, which does not
 * change while it runs. Reading it needs no lock; the expression's match memory does. */
#include "plugins/providers/providers.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"
#include "runtime/client/java_regex.h"

#include <pthread.h>
#include <unistd.h>

typedef struct env_provider {
    java_regex_t *allowed; /* NULL: all names */
    pthread_mutex_t lock;
} env_provider_t;

static const cd_key_t keys[] = {
    {.name = "allowlist.pattern",
     .type = CD_T_STRING,
     .importance = CD_LOW,
     .dflt = ".*",
     .at = CD_NO_FIELD,
     .doc = "Regular expression that the whole name of a variable must match."},
    CD_KEY_END,
};

static void env_close(void *provider)
{
    env_provider_t *p = (env_provider_t *)provider;
    if (p == NULL) return;
    java_regex_free(p->allowed);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}

static cd_err_t *env_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_provider)
{
    (void)ctx;
    const char *pattern = cd_config_get(config, "allowlist.pattern");
    env_provider_t *p = mem_new0(env_provider_t);
    if (pthread_mutex_init(&p->lock, NULL) != 0) abort();
    cd_err_t *err = pattern != NULL ? java_regex_new(pattern, 0, &p->allowed) : NULL;
    if (err != NULL) {
        env_close(p);
        return err;
    }
    *ret_provider = p;
    return NULL;
}

static cd_err_t *put_variable(env_provider_t *p, const char *name, const char *value, cd_secrets_t *out)
{
    bool allowed = true;
    cd_err_t *err = p->allowed != NULL ? java_regex_matches(p->allowed, name, strlen(name), &allowed) : NULL;
    if (err == NULL && allowed) out->put(out, name, value);
    return err;
}

static cd_err_t *env_get(void *provider, const char *path, const char *const *names, uint32_t nnames, cd_secrets_t *out,
                         int64_t *ret_ttl_ms)
{
    env_provider_t *p = (env_provider_t *)provider;
    cd_err_t *err = NULL;
    *ret_ttl_ms = -1;
    if (!str_empty(path))
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Path is not supported for EnvVarConfigProvider, invalid value '%s'", path);
    (void)pthread_mutex_lock(&p->lock);
    for (uint32_t i = 0; i < nnames && err == NULL; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL) err = put_variable(p, names[i], value, out);
    }
    for (char **e = environ; nnames == 0 && e != NULL && *e != NULL && err == NULL; e++) {
        const char *eq = strchr(*e, '=');
        if (eq == NULL) continue;
        char *name = mem_strndup(*e, (size_t)(eq - *e));
        err = put_variable(p, name, eq + 1, out);
        free(name);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return err;
}

static const cd_config_provider_ops_t ops = {
    .size = sizeof(ops), .configure = env_configure, .get = env_get, .close = env_close};

const cd_plugin_t env_provider_plugin = {CD_PLUGIN_HEAD,
                                         .kind = CD_KIND_CONFIG_PROVIDER,
                                         .jvm_class = "org.apache.kafka.common.config.provider.EnvVarConfigProvider",
                                         .version = CONNECT_VERSION,
                                         .doc = "Values from the worker's environment.",
                                         .keys = keys,
                                         .ops = &ops};
