/* com.github.jcustenborder.kafka.config.vault.VaultConfigProvider over Vault's HTTP interface (02 §5.3, 08 §5). */
#include "plugins/providers/providers.h"
#include "plugins/providers/vault_client.h"
#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/base/version.h"

#define CLASS        "com.github.jcustenborder.kafka.config.vault.VaultConfigProvider"
#define PATH_MAX_LEN 512

typedef struct vault_provider {
    cd_ctx_t *ctx;
    vault_client_t *client;
    uint32_t mount_depth; /* path segments before "data" */
    int64_t min_ttl_ms;   /* -1: secrets without a lease are not looked at again */
} vault_provider_t;

#define ROW(key, kind, value, text)                                                                                    \
    {                                                                                                                  \
        .name = key, .type = kind, .importance = CD_MEDIUM, .dflt = value, .at = CD_NO_FIELD, .doc = text              \
    }

static const cd_key_t keys[] = {
    ROW("vault.address", CD_T_STRING, NULL, "Base URL of Vault (environment: VAULT_ADDR)."),
    ROW("vault.addr", CD_T_STRING, NULL, "The same."),
    ROW("vault.token", CD_T_PASSWORD, NULL, "The token (environment: VAULT_TOKEN)."),
    ROW("vault.login.by", CD_T_STRING, "Token", "Token or AppRole."),
    ROW("vault.role.id", CD_T_STRING, NULL, "Role id for AppRole (environment: VAULT_ROLE_ID)."),
    ROW("vault.secret.id", CD_T_PASSWORD, NULL, "Secret id for AppRole (environment: VAULT_SECRET_ID)."),
    ROW("vault.login.mount", CD_T_STRING, "approle", "Where the AppRole method is mounted."),
    ROW("vault.namespace", CD_T_STRING, NULL, "Namespace (environment: VAULT_NAMESPACE)."),
    ROW("vault.prefix", CD_T_STRING, NULL, "A path as deep as the mount of the KV engine; one segment when not set."),
    ROW("vault.max.retries", CD_T_INT, "5", "Further tries when Vault does not answer."),
    ROW("vault.retry.interval.ms", CD_T_INT, "2000", "Pause between tries."),
    ROW("vault.ssl.verify.enabled", CD_T_BOOLEAN, "true",
        "Check Vault's certificate (environment for the CA: VAULT_CACERT)."),
    ROW("vault.secret.minimum.ttl.ms", CD_T_LONG, NULL,
        "Look again at secrets without a lease after so long. Not set: never, so that connectors are not restarted."),
    CD_KEY_END,
};

static void vault_close(void *provider)
{
    vault_provider_t *p = (vault_provider_t *)provider;
    if (p == NULL) return;
    vault_client_free(p->client);
    free(p);
}

static const char *setting(const cd_config_t *config, const char *name, const char *variable)
{
    const char *value = cd_config_get(config, name);
    if (str_empty(value) && variable != NULL) value = getenv(variable);
    return str_empty(value) ? NULL : value;
}

static cd_err_t *number(const char *name, const char *text, int64_t dflt, int64_t min, int64_t *ret_v)
{
    *ret_v = dflt;
    if (text == NULL) return NULL;
    char *end = NULL;
    long long v = strtoll(text, &end, 10);
    if (*end != '\0' || v < min || v > INT32_MAX)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration %s: Value must be at least %lld", text, name,
                          (long long)min);
    *ret_v = v;
    return NULL;
}

/** "30", or "30s" as Vault's own tools write it. */
static int64_t seconds_variable(const char *name, int64_t dflt_ms)
{
    const char *text = getenv(name);
    if (str_empty(text)) return dflt_ms;
    char *end = NULL;
    long long v = strtoll(text, &end, 10);
    return v > 0 && v < 86400 && (*end == '\0' || strcmp(end, "s") == 0) ? v * 1000 : dflt_ms;
}

static uint32_t segments(const char *path)
{
    uint32_t n = 0;
    for (const char *p = path; *p != '\0';) {
        p += strspn(p, "/");
        size_t len = strcspn(p, "/");
        n += len > 0;
        p += len;
    }
    return n;
}

static cd_err_t *read_settings(const cd_config_t *config, cd_arena_t *arena, vault_provider_t *p, vault_settings_t *s)
{
    const char *address = setting(config, "vault.address", NULL);
    if (address == NULL) address = setting(config, "vault.addr", "VAULT_ADDR");
    if (address == NULL)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "No address is set; set the parameter vault.address or the variable VAULT_ADDR");
    size_t len = strlen(address);
    while (len > 0 && address[len - 1] == '/') len--;
    s->address = cd_arena_strndup(arena, address, len);
    const char *by = setting(config, "vault.login.by", NULL);
    s->app_role = by != NULL && strcasecmp(by, "AppRole") == 0;
    if (by != NULL && !s->app_role && strcasecmp(by, "Token") != 0)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Invalid value %s for configuration vault.login.by: Must be one of Token, AppRole", by);
    s->token = setting(config, "vault.token", "VAULT_TOKEN");
    s->role_id = setting(config, "vault.role.id", "VAULT_ROLE_ID");
    s->secret_id = setting(config, "vault.secret.id", "VAULT_SECRET_ID");
    if (s->app_role && (s->role_id == NULL || s->secret_id == NULL))
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "vault.role.id and vault.secret.id must be set when vault.login.by is AppRole");
    const char *mount = setting(config, "vault.login.mount", NULL);
    s->login_mount = mount != NULL ? mount : "approle";
    s->name_space = setting(config, "vault.namespace", "VAULT_NAMESPACE");
    s->ca_file = setting(config, "vault.ssl.ca.file", "VAULT_CACERT");
    const char *verify = setting(config, "vault.ssl.verify.enabled", NULL);
    s->verify_tls = verify == NULL || strcasecmp(verify, "false") != 0;
    s->open_timeout_ms = seconds_variable("VAULT_OPEN_TIMEOUT", 5000);
    s->read_timeout_ms = seconds_variable("VAULT_READ_TIMEOUT", 10000);
    const char *prefix = setting(config, "vault.prefix", NULL);
    p->mount_depth = prefix != NULL && segments(prefix) > 0 ? segments(prefix) : 1;
    int64_t retries = 0, interval = 0;
    cd_err_t *err = number("vault.max.retries", setting(config, "vault.max.retries", NULL), 5, 0, &retries);
    if (err == NULL)
        err = number("vault.retry.interval.ms", setting(config, "vault.retry.interval.ms", NULL), 2000, 0, &interval);
    if (err == NULL)
        err = number("vault.secret.minimum.ttl.ms", setting(config, "vault.secret.minimum.ttl.ms", NULL), -1, 1000,
                     &p->min_ttl_ms);
    s->max_retries = (int32_t)retries;
    s->retry_interval_ms = (int32_t)interval;
    return err;
}

static cd_err_t *vault_configure(cd_ctx_t *ctx, const cd_config_t *config, void **ret_provider)
{
    vault_provider_t *p = mem_new0(vault_provider_t);
    vault_settings_t settings = {0};
    cd_arena_t arena = {0};
    p->ctx = ctx;
    cd_err_t *err = read_settings(config, &arena, p, &settings);
    if (err == NULL) {
        p->client = vault_client_new(ctx, &settings);
        err = vault_client_login(p->client);
    }
    cd_arena_done(&arena);
    if (err != NULL) {
        vault_close(p);
        return cd_err_wrap(err, err->cls, CD_JVM_CONFIG, "Exception thrown while configuring vault");
    }
    *ret_provider = p;
    return NULL;
}

/** A reference's path becomes part of a URL: only what Vault paths are made of passes. */
static cd_err_t *check_path(const char *path)
{
    bool ok = path[0] != '\0' && strlen(path) <= PATH_MAX_LEN && strncmp(path, "//", 2) != 0;
    for (const char *c = path; *c != '\0' && ok; c++) {
        ok = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '/' ||
             *c == '_' || *c == '-';
    }
    return ok ? NULL
              : cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                           "Vault path '%.100s' is not a path: only letters, digits, '/', '_' and '-' may be in it",
                           path);
}

/** "secret/database" -> "secret/data/database"; a path that has "data" there already stays. */
static const char *api_path(const vault_provider_t *p, const char *path, cd_arena_t *arena)
{
    if (path[0] == '/') path++;
    const char *rest = path;
    for (uint32_t i = 0; i < p->mount_depth && rest != NULL; i++) {
        rest = strchr(rest, '/');
        if (rest != NULL) rest++;
    }
    if (rest == NULL || strncmp(rest, "data/", 5) == 0) return path;
    return cd_arena_printf(arena, "%.*sdata/%s", (int)(rest - path), path, rest);
}

/** Where the secret's members are: KV v2 nests them once more, and says so with "metadata". */
static const json_t *members_of(const json_t *reply)
{
    const json_t *data = json_object_get(reply, "data");
    const json_t *inner = json_object_get(data, "data");
    return json_is_object(inner) && json_object_get(data, "metadata") != NULL ? inner : data;
}

static void put_member(cd_secrets_t *out, const char *name, const json_t *value)
{
    if (json_is_null(value)) return;
    if (json_is_string(value)) {
        out->put(out, name, json_string_value(value));
        return;
    }
    strbuf_t text = {0};
    json_write(value, &text);
    out->put(out, name, strbuf_str(&text));
    if (text.data != NULL) explicit_bzero(text.data, text.len);
    strbuf_done(&text);
}

static int64_t ttl_of(const vault_provider_t *p, const json_t *reply)
{
    int64_t lease_s = json_integer_value(json_object_get(reply, "lease_duration"));
    if (lease_s <= 0 || lease_s > INT32_MAX) return p->min_ttl_ms;
    return lease_s * 1000 > p->min_ttl_ms ? lease_s * 1000 : p->min_ttl_ms;
}

/** Read one secret. `names[i]` is the member, `shown[i]` the key that was asked for. */
static cd_err_t *read_secret(const vault_provider_t *p, const char *path, const char *const *names,
                             const char *const *shown, uint32_t n, cd_secrets_t *out, int64_t *ret_ttl_ms)
{
    cd_arena_t arena = {0};
    json_t *reply = NULL;
    cd_err_t *err = check_path(path);
    if (err == NULL) err = vault_client_read(p->client, api_path(p, path, &arena), path, &reply);
    if (err != NULL) goto out;
    const json_t *members = members_of(reply);
    for (uint32_t i = 0; i < n; i++) {
        const json_t *value = json_object_get(members, names[i]);
        if (value == NULL) {
            /* Java would leave the variable as it is, and the connector would log in with "${vault:…}" as password */
            err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                             "Vault path '%s' has no key '%s'; add it to the secret or correct the reference", path,
                             names[i]);
            goto out;
        }
        put_member(out, shown[i], value);
    }
    if (n == 0) {
        const char *name;
        json_t *value;
        json_object_foreach((json_t *)(uintptr_t)members, name, value) put_member(out, name, value);
    }
    *ret_ttl_ms = ttl_of(p, reply);
out:
    json_decref(reply);
    cd_arena_done(&arena);
    return err;
}

static int64_t sooner(int64_t a, int64_t b)
{
    if (a < 0 || b < 0) return a < 0 ? b : a;
    return a < b ? a : b;
}

/** ${vault:path#key}: no path of its own, each key holds one. Keys of one path are read together. */
static cd_err_t *get_by_hash(const vault_provider_t *p, const char *const *shown, uint32_t n, cd_secrets_t *out,
                             int64_t *ret_ttl_ms)
{
    cd_arena_t arena = {0};
    const char **paths = cd_arena_array(&arena, const char *, n), **names = cd_arena_array(&arena, const char *, n);
    bool *done = (bool *)cd_arena_alloc0(&arena, n);
    cd_err_t *err = NULL;
    for (uint32_t i = 0; i < n; i++) {
        const char *hash = strrchr(shown[i], '#');
        if (hash == NULL) {
            done[i] = true; /* neither form: the variable stays as it is */
            continue;
        }
        paths[i] = cd_arena_strndup(&arena, shown[i], (size_t)(hash - shown[i]));
        names[i] = hash + 1;
    }
    const char **group_names = cd_arena_array(&arena, const char *, n);
    const char **group_shown = cd_arena_array(&arena, const char *, n);
    for (uint32_t i = 0; i < n && err == NULL; i++) {
        uint32_t count = 0;
        int64_t ttl = -1;
        if (done[i]) continue;
        for (uint32_t k = i; k < n; k++) {
            if (done[k] || strcmp(paths[k], paths[i]) != 0) continue;
            group_names[count] = names[k];
            group_shown[count++] = shown[k];
            done[k] = true;
        }
        err = read_secret(p, paths[i], group_names, group_shown, count, out, &ttl);
        *ret_ttl_ms = sooner(*ret_ttl_ms, ttl);
    }
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *vault_get(void *provider, const char *path, const char *const *names, uint32_t nnames,
                           cd_secrets_t *out, int64_t *ret_ttl_ms)
{
    const vault_provider_t *p = (const vault_provider_t *)provider;
    *ret_ttl_ms = -1;
    if (str_empty(path)) return get_by_hash(p, names, nnames, out, ret_ttl_ms);
    return read_secret(p, path, names, names, nnames, out, ret_ttl_ms);
}

static const cd_config_provider_ops_t ops = {
    .size = sizeof(ops), .configure = vault_configure, .get = vault_get, .close = vault_close};

static const char *const aliases[] = {"io.github.jcustenborder.kafka.config.vault.VaultConfigProvider", NULL};

const cd_plugin_t vault_provider_plugin = {CD_PLUGIN_HEAD,
                                           .kind = CD_KIND_CONFIG_PROVIDER,
                                           .jvm_class = CLASS,
                                           .aliases = aliases,
                                           .version = CONNECTD_VERSION,
                                           .doc = "Values from HashiCorp Vault's KV engine.",
                                           .keys = keys,
                                           .ops = &ops};
