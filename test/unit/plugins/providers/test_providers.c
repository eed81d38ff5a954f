#include "plugins/providers/providers.h"

#include "test/unit/plugins/fake_host.h"
#include "test/unit/plugins/fake_http.h"

#include <sys/stat.h>

typedef struct collected {
    cd_secrets_t out;
    strbuf_t text; /* "key=value;" */
} collected_t;

static void collect(cd_secrets_t *out, const char *key, const char *value)
{
    strbuf_addf(out->arg, "%s=%s;", key, value);
}

/** The answer, or the chain of error messages. */
static const char *lookup(const cd_plugin_t *plugin, void *provider, const char *path, const char *const *keys,
                          uint32_t n, collected_t *c, int64_t *ret_ttl)
{
    const cd_config_provider_ops_t *ops = plugin->ops;
    strbuf_clear(&c->text);
    c->out = (cd_secrets_t){.arg = &c->text, .put = collect};
    cd_err_t *err = ops->get(provider, path, keys, n, &c->out, ret_ttl);
    if (err != NULL) {
        strbuf_clear(&c->text);
        strbuf_addf(&c->text, "error: %s", err->message);
    }
    cd_err_free(err);
    return strbuf_str(&c->text);
}

static void *open_provider(const cd_plugin_t *plugin, cd_ctx_t *ctx, const cd_pair_t *pairs, uint32_t n)
{
    const cd_config_provider_ops_t *ops = plugin->ops;
    void *provider = NULL;
    cd_err_t *err = ops->configure(ctx, &(cd_config_t){.n = n, .pairs = pairs}, &provider);
    if (err != NULL) print_error("%s: %s\n", err->message, err->cause != NULL ? err->cause->message : "");
    assert_null(err);
    return provider;
}

static void close_provider(const cd_plugin_t *plugin, void *provider)
{
    ((const cd_config_provider_ops_t *)plugin->ops)->close(provider);
}

static const char *refusal(const cd_plugin_t *plugin, const cd_pair_t *pairs, uint32_t n, char *out, size_t size)
{
    cd_ctx_t ctx = {0};
    void *provider = NULL;
    const cd_config_provider_ops_t *ops = plugin->ops;
    cd_err_t *err = ops->configure(&ctx, &(cd_config_t){.n = n, .pairs = pairs}, &provider);
    assert_non_null(err);
    (void)snprintf(out, size, "%s", cd_err_root(err)->message);
    cd_err_free(err);
    return out;
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void remove_file(const char *dir, const char *name)
{
    char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    (void)unlink(path);
}

static void test_file_and_directory(void **state)
{
    (void)state;
    char dir[] = "/tmp/providersXXXXXX", path[300], want[400];
    assert_non_null(mkdtemp(dir));
    write_file(dir, "s.properties", "# secrets\nuser = alice\na:b=never\na\\:b=x\\u00e9 \n");
    write_file(dir, "password", "geheim\n");
    cd_ctx_t ctx = {0};
    collected_t c = {0};
    int64_t ttl = 0;
    const char *keys[] = {"user", "a:b", "none"};
    cd_pair_t allowed[] = {{"allowed.paths", dir}};
    void *p = open_provider(&file_provider_plugin, &ctx, allowed, 1);
    (void)snprintf(path, sizeof(path), "%s/./x/../s.properties", dir);
    assert_string_equal(lookup(&file_provider_plugin, p, path, keys, 3, &c, &ttl), "user=alice;a:b=xé ;");
    assert_int_equal(ttl, -1);
    assert_string_equal(lookup(&file_provider_plugin, p, "", keys, 3, &c, &ttl), "");
    (void)snprintf(path, sizeof(path), "%s/../etc/passwd", dir);
    assert_string_equal(lookup(&file_provider_plugin, p, path, keys, 3, &c, &ttl), "");
    assert_int_equal(ctx.warnings, 1);
    (void)snprintf(path, sizeof(path), "%s/missing", dir);
    (void)snprintf(want, sizeof(want), "error: Could not read properties from file %s", path);
    assert_string_equal(lookup(&file_provider_plugin, p, path, keys, 3, &c, &ttl), want);
    close_provider(&file_provider_plugin, p);

    p = open_provider(&directory_provider_plugin, &ctx, NULL, 0);
    const char *files[] = {"password", "../password", "nothing"};
    assert_string_equal(lookup(&directory_provider_plugin, p, dir, files, 3, &c, &ttl), "password=geheim\n;");
    assert_string_equal(lookup(&directory_provider_plugin, p, "/no/such/place", files, 1, &c, &ttl), "");
    close_provider(&directory_provider_plugin, p);

    cd_pair_t relative[] = {{"allowed.paths", "etc"}}, gone[] = {{"allowed.paths", "/no/such/place"}};
    assert_string_equal(refusal(&file_provider_plugin, relative, 1, path, sizeof(path)), "Path etc is not absolute");
    assert_string_equal(refusal(&file_provider_plugin, gone, 1, path, sizeof(path)),
                        "Path /no/such/place does not exist");
    strbuf_done(&c.text);
    remove_file(dir, "s.properties");
    remove_file(dir, "password");
    assert_int_equal(rmdir(dir), 0);
}

static void test_environment(void **state)
{
    (void)state;
    cd_ctx_t ctx = {0};
    collected_t c = {0};
    int64_t ttl = 0;
    const char *keys[] = {"PROVIDER_TEST_A", "PROVIDER_TEST_B", "PROVIDER_TEST_C"};
    assert_int_equal(setenv("PROVIDER_TEST_A", "1", 1), 0);
    assert_int_equal(setenv("PROVIDER_TEST_B", "2", 1), 0);
    cd_pair_t allow[] = {{"allowlist.pattern", "PROVIDER_.*_[A]"}};
    void *p = open_provider(&env_provider_plugin, &ctx, NULL, 0);
    assert_string_equal(lookup(&env_provider_plugin, p, "", keys, 3, &c, &ttl), "PROVIDER_TEST_A=1;PROVIDER_TEST_B=2;");
    assert_string_equal(lookup(&env_provider_plugin, p, "x", keys, 1, &c, &ttl),
                        "error: Path is not supported for EnvVarConfigProvider, invalid value 'x'");
    close_provider(&env_provider_plugin, p);
    p = open_provider(&env_provider_plugin, &ctx, allow, 1);
    assert_string_equal(lookup(&env_provider_plugin, p, "", NULL, 0, &c, &ttl), "PROVIDER_TEST_A=1;");
    close_provider(&env_provider_plugin, p);
    strbuf_done(&c.text);
}

typedef struct vault_state {
    int failures;      /* answer so many requests with 503 first */
    const char *token; /* the one that is valid */
    bool lease;
    uint32_t logins;
} vault_state_t;

static int vault_handler(fake_http_t *s, const char *method, const char *path, const char *head, const char *body,
                         strbuf_t *reply)
{
    vault_state_t *v = s->arg;
    char token[100];
    if (v->failures > 0) {
        v->failures--;
        return 503;
    }
    if (strcmp(path, "/v1/auth/approle/login") == 0 && strcmp(method, "POST") == 0) {
        if (strstr(body, "\"secret_id\":\"s3cret\"") == NULL) return 400;
        v->logins++;
        strbuf_addf(reply, "{\"auth\":{\"client_token\":\"%s\",\"lease_duration\":3600,\"renewable\":true}}", v->token);
        return 200;
    }
    (void)snprintf(token, sizeof(token), "X-Vault-Token: %s", v->token);
    if (strstr(head, token) == NULL) {
        strbuf_adds(reply, "{\"errors\":[\"permission denied\"]}");
        return 403;
    }
    if (strcmp(path, "/v1/auth/token/lookup-self") == 0) {
        strbuf_adds(reply, "{\"data\":{\"ttl\":0,\"renewable\":false}}");
        return 200;
    }
    if (strcmp(path, "/v1/secret/data/database") == 0) {
        strbuf_addf(
            reply,
            "{\"lease_duration\":%d,\"data\":{\"data\":{\"user\":\"u\",\"port\":5432,\"gone\":null},\"metadata\":"
            "{\"version\":3}}}",
            v->lease ? 120 : 0);
        return 200;
    }
    if (strcmp(path, "/v1/old/data/x") == 0) {
        strbuf_adds(reply, "{\"data\":{\"k\":\"v1\"}}");
        return 200;
    }
    strbuf_adds(reply, "{\"errors\":[]}");
    return 404;
}

static void test_vault_references(void **state)
{
    (void)state;
    fake_http_t server;
    vault_state_t v = {.token = "t0p"};
    char address[64];
    fake_http_start(&server, vault_handler, &v);
    (void)snprintf(address, sizeof(address), "http://127.0.0.1:%d/", server.port);
    cd_ctx_t ctx = {0};
    collected_t c = {0};
    int64_t ttl = 0;
    cd_pair_t params[] = {{"vault.addr", address}, {"vault.token", "t0p"}};
    void *p = open_provider(&vault_provider_plugin, &ctx, params, 2);
    const char *plain[] = {"user", "port"};
    const char *hashed[] = {"secret/database#user", "secret/data/database#port", "nothash"};
    const char *missing[] = {"pass"}, *nowhere[] = {"secret/else#x"}, *old[] = {"k"};
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", plain, 2, &c, &ttl), "user=u;port=5432;");
    assert_int_equal(ttl, -1); /* no lease, no minimum: no restart every second */
    assert_string_equal(lookup(&vault_provider_plugin, p, "", hashed, 3, &c, &ttl),
                        "secret/database#user=u;secret/data/database#port=5432;");
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", NULL, 0, &c, &ttl), "user=u;port=5432;");
    assert_string_equal(lookup(&vault_provider_plugin, p, "old/x", old, 1, &c, &ttl), "k=v1;");
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", missing, 1, &c, &ttl),
                        "error: Vault path 'secret/database' has no key 'pass'; add it to the secret or correct the "
                        "reference");
    assert_string_equal(lookup(&vault_provider_plugin, p, "", nowhere, 1, &c, &ttl),
                        "error: Vault path 'secret/else' was not found; there is no secret at 'secret/data/else'");
    assert_string_equal(
        lookup(&vault_provider_plugin, p, "secret/../sys", missing, 1, &c, &ttl),
        "error: Vault path 'secret/../sys' is not a path: only letters, digits, '/', '_' and '-' may be in "
        "it");
    v.lease = true;
    v.failures = 2;
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", plain, 1, &c, &ttl), "user=u;");
    assert_int_equal(ttl, 120000);
    assert_int_equal(ctx.waits, 2);
    v.token = "changed";
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", plain, 1, &c, &ttl),
                        "error: Vault path 'secret/database' was not found: permission denied (HTTP 403); the token's "
                        "policy must allow reading 'secret/data/database'");
    close_provider(&vault_provider_plugin, p);
    fake_http_stop(&server);
    strbuf_done(&server.log);
    strbuf_done(&c.text);
}

static void test_vault_app_role_logs_in_again(void **state)
{
    (void)state;
    fake_http_t server;
    vault_state_t v = {.token = "one"};
    char address[64];
    fake_http_start(&server, vault_handler, &v);
    (void)snprintf(address, sizeof(address), "http://127.0.0.1:%d", server.port);
    cd_ctx_t ctx = {0};
    collected_t c = {0};
    int64_t ttl = 0;
    cd_pair_t params[] = {{"vault.address", address},
                          {"vault.login.by", "AppRole"},
                          {"vault.role.id", "r"},
                          {"vault.secret.id", "s3cret"},
                          {"vault.secret.minimum.ttl.ms", "5000"}};
    const char *plain[] = {"user"};
    void *p = open_provider(&vault_provider_plugin, &ctx, params, 5);
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", plain, 1, &c, &ttl), "user=u;");
    assert_int_equal(ttl, 5000);
    v.token = "two"; /* as after a revocation */
    assert_string_equal(lookup(&vault_provider_plugin, p, "secret/database", plain, 1, &c, &ttl), "user=u;");
    assert_int_equal(v.logins, 2);
    close_provider(&vault_provider_plugin, p);
    char text[300];
    params[3].value = "wrong";
    assert_string_equal(
        refusal(&vault_provider_plugin, params, 5, text, sizeof(text)),
        "Exception while authenticating to Vault: the AppRole login was refused (HTTP 400); check role id, "
        "secret id and mount");
    fake_http_stop(&server);
    strbuf_done(&server.log);
    strbuf_done(&c.text);
}

static void test_vault_settings(void **state)
{
    (void)state;
    char text[300], address[64];
    (void)unsetenv("VAULT_ADDR");
    (void)unsetenv("VAULT_TOKEN");
    cd_pair_t by[] = {{"vault.address", "http://x"}, {"vault.login.by", "LDAP"}};
    (void)snprintf(address, sizeof(address), "http://127.0.0.1:%d", fake_http_dead_port());
    cd_pair_t dead[] = {{"vault.address", address}, {"vault.token", "geheim"}, {"vault.max.retries", "1"}};
    assert_string_equal(refusal(&vault_provider_plugin, NULL, 0, text, sizeof(text)),
                        "No address is set; set the parameter vault.address or the variable VAULT_ADDR");
    assert_string_equal(refusal(&vault_provider_plugin, by, 2, text, sizeof(text)),
                        "Invalid value LDAP for configuration vault.login.by: Must be one of Token, AppRole");
    const char *root = refusal(&vault_provider_plugin, dead, 3, text, sizeof(text));
    assert_non_null(strstr(root, "Connection refused"));
    assert_null(strstr(root, "geheim"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file_and_directory), cmocka_unit_test(test_environment),
        cmocka_unit_test(test_vault_references),   cmocka_unit_test(test_vault_app_role_logs_in_again),
        cmocka_unit_test(test_vault_settings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
