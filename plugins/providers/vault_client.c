#include "plugins/providers/vault_client.h"

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"
#include "runtime/client/http.h"

#include <pthread.h>

#define LOGGER    "com.github.jcustenborder.kafka.config.vault.VaultConfigProvider"
#define REPLY_MAX ((size_t)4 * 1024 * 1024)

struct vault_client {
    cd_ctx_t *ctx;
    cd_arena_t arena; /* settings */
    vault_settings_t settings;
    pthread_mutex_t lock;
    /* under the lock */
    char *token;
    bool renewable;
    int64_t renew_at_ms; /* INT64_MAX: never */
};

static void wipe_free(char *secret)
{
    if (secret == NULL) return;
    explicit_bzero(secret, strlen(secret));
    free(secret);
}

static const char *keep(vault_client_t *c, const char *s)
{
    return s != NULL ? cd_arena_strdup(&c->arena, s) : NULL;
}

vault_client_t *vault_client_new(cd_ctx_t *ctx, const vault_settings_t *s)
{
    vault_client_t *c = mem_new0(vault_client_t);
    c->ctx = ctx;
    c->settings = *s;
    c->settings.address = keep(c, s->address);
    c->settings.name_space = keep(c, s->name_space);
    c->settings.role_id = keep(c, s->role_id);
    c->settings.secret_id = keep(c, s->secret_id);
    c->settings.login_mount = keep(c, s->login_mount);
    c->settings.ca_file = keep(c, s->ca_file);
    c->settings.token = NULL;
    c->token = s->token != NULL ? mem_strdup(s->token) : NULL;
    c->renew_at_ms = INT64_MAX;
    if (pthread_mutex_init(&c->lock, NULL) != 0) abort();
    return c;
}

void vault_client_free(vault_client_t *c)
{
    if (c == NULL) return;
    wipe_free(c->token);
    if (c->settings.secret_id != NULL)
        explicit_bzero((char *)(uintptr_t)c->settings.secret_id, strlen(c->settings.secret_id));
    (void)pthread_mutex_destroy(&c->lock);
    cd_arena_done(&c->arena);
    free(c);
}

static bool is_stopping(void *arg)
{
    return cd_host->stopping((cd_ctx_t *)arg);
}

static cd_err_t *open_http(const vault_client_t *c, http_client_t **ret_http)
{
    const vault_settings_t *s = &c->settings;
    http_options_t o = {.connect_timeout_ms = s->open_timeout_ms,
                        .read_timeout_ms = s->read_timeout_ms,
                        .max_body = REPLY_MAX,
                        .tls_verify_peer = s->verify_tls,
                        .tls_verify_host = s->verify_tls,
                        .ca_file = s->ca_file,
                        .stopping = is_stopping,
                        .stop_arg = c->ctx,
                        .stop_fd = cd_host->stop_fd(c->ctx)};
    return http_client_new(&o, ret_http);
}

/** One call with the retries of the settings: transport errors and 5xx. NULL and a response of any other status. */
static cd_err_t *call(const vault_client_t *c, const char *method, const char *path, const char *body,
                      const char *token, http_response_t *ret_response)
{
    cd_arena_t arena = {0};
    http_client_t *http = NULL;
    const char *headers[5];
    uint32_t n = 0;
    headers[n++] = "X-Vault-Request: true";
    if (body != NULL) headers[n++] = "Content-Type: application/json";
    if (token != NULL) headers[n++] = cd_arena_printf(&arena, "X-Vault-Token: %s", token);
    if (c->settings.name_space != NULL)
        headers[n++] = cd_arena_printf(&arena, "X-Vault-Namespace: %s", c->settings.name_space);
    headers[n] = NULL;
    http_request_t q = {.method = method,
                        .url = cd_arena_printf(&arena, "%s/v1/%s", c->settings.address, path),
                        .headers = headers,
                        .body = body,
                        .body_len = body != NULL ? strlen(body) : 0};
    cd_err_t *err = open_http(c, &http);
    for (int32_t attempt = 0; err == NULL; attempt++) {
        err = http_perform(http, &q, ret_response);
        bool again = err != NULL ? cd_err_is(err, CD_ERR_RETRIABLE) : ret_response->status >= 500;
        if (!again || attempt >= c->settings.max_retries) break;
        cd_log(c->ctx, CD_LOG_WARN, LOGGER, "Vault did not answer (%s), retrying in %d ms",
               err != NULL                   ? err->message
               : ret_response->status == 503 ? "HTTP 503: sealed or in standby"
                                             : "HTTP 5xx",
               c->settings.retry_interval_ms);
        if (cd_host->wait(c->ctx, c->settings.retry_interval_ms)) {
            if (err == NULL) {
                err = cd_err_new(CD_ERR_STOPPED, HTTP_JVM_IO, "given up because of a stop");
                http_response_done(ret_response);
            }
            break;
        }
        cd_err_free(err);
        err = NULL;
        http_response_done(ret_response);
    }
    http_client_free(http);
    if (token != NULL) explicit_bzero((char *)(uintptr_t)headers[body != NULL ? 2 : 1], strlen(token));
    cd_arena_done(&arena);
    return err;
}

static cd_err_t *auth_error(cd_err_t *cause, const char *next)
{
    uint32_t cls = cd_err_is(cause, CD_ERR_STOPPED) ? CD_ERR_STOPPED : CD_ERR_CONFIG;
    return cd_err_wrap(cause, cls, CD_JVM_CONFIG, "Exception while authenticating to Vault%s", next);
}

/** Plan the renewal of a token at two thirds of its life. Lock held. */
static void plan_renewal(vault_client_t *c, int64_t lease_s, bool renewable)
{
    c->renewable = renewable;
    c->renew_at_ms = lease_s > 0 && lease_s < INT32_MAX ? clock_mono_ms() + lease_s * 1000 * 2 / 3 : INT64_MAX;
}

/** Take the token out of a login or renewal. Lock held. @return false when the reply has none */
static bool take_token(vault_client_t *c, const http_response_t *response)
{
    json_t *reply = NULL;
    cd_err_t *err = json_parse(response->body, response->len, &reply);
    cd_err_free(err);
    const json_t *auth = json_object_get(reply, "auth");
    const char *token = json_string_value(json_object_get(auth, "client_token"));
    if (token != NULL) {
        wipe_free(c->token);
        c->token = mem_strdup(token);
        plan_renewal(c, json_integer_value(json_object_get(auth, "lease_duration")),
                     json_is_true(json_object_get(auth, "renewable")));
    }
    json_decref(reply);
    return token != NULL;
}

/** Lock held. */
static cd_err_t *login_app_role(vault_client_t *c)
{
    strbuf_t body = {0};
    http_response_t response = {0};
    cd_arena_t arena = {0};
    strbuf_adds(&body, "{\"role_id\":");
    json_write_str(c->settings.role_id, strlen(c->settings.role_id), &body);
    strbuf_adds(&body, ",\"secret_id\":");
    json_write_str(c->settings.secret_id, strlen(c->settings.secret_id), &body);
    strbuf_addc(&body, '}');
    const char *path = cd_arena_printf(&arena, "auth/%s/login", c->settings.login_mount);
    cd_err_t *err = call(c, "POST", path, strbuf_str(&body), NULL, &response);
    if (err != NULL) {
        err = auth_error(err, "; check vault.address");
    } else if (response.status != 200 || !take_token(c, &response)) {
        char next[160];
        (void)snprintf(next, sizeof(next),
                       ": the AppRole login was refused (HTTP %d); check role id, secret id and mount",
                       response.status);
        err = auth_error(NULL, next);
    }
    http_response_done(&response);
    explicit_bzero(body.data, body.len);
    strbuf_done(&body);
    cd_arena_done(&arena);
    return err;
}

/** Lock held. */
static cd_err_t *check_token(vault_client_t *c)
{
    http_response_t response = {0};
    json_t *reply = NULL;
    if (c->token == NULL)
        return auth_error(NULL, ": no token is set; set the parameter vault.token or the variable VAULT_TOKEN");
    cd_err_t *err = call(c, "GET", "auth/token/lookup-self", NULL, c->token, &response);
    if (err != NULL) {
        err = auth_error(err, "; check vault.address");
    } else if (response.status != 200) {
        char next[160];
        (void)snprintf(next, sizeof(next), ": the token was refused (HTTP %d); it may have expired%s", response.status,
                       response.status == 503 ? ", or Vault is sealed" : "");
        err = auth_error(NULL, next);
    } else {
        cd_err_free(json_parse(response.body, response.len, &reply));
        const json_t *data = json_object_get(reply, "data");
        plan_renewal(c, json_integer_value(json_object_get(data, "ttl")),
                     json_is_true(json_object_get(data, "renewable")));
    }
    json_decref(reply);
    http_response_done(&response);
    return err;
}

static cd_err_t *login(vault_client_t *c)
{
    return c->settings.app_role ? login_app_role(c) : check_token(c);
}

cd_err_t *vault_client_login(vault_client_t *c)
{
    (void)pthread_mutex_lock(&c->lock);
    cd_err_t *err = login(c);
    (void)pthread_mutex_unlock(&c->lock);
    return err;
}

/** Keep the token alive when it is due. A failure is only logged: the token may still be good for a third of its life,
 *  and an AppRole logs in again when it is not. Lock held. */
static void renew_when_due(vault_client_t *c)
{
    if (clock_mono_ms() < c->renew_at_ms) return;
    http_response_t response = {0};
    cd_err_t *err = NULL;
    c->renew_at_ms = clock_mono_ms() + 60000; /* the next try, if this one fails */
    bool renewed = false;
    if (c->renewable) {
        err = call(c, "POST", "auth/token/renew-self", "{\"increment\":\"1h\"}", c->token, &response);
        renewed = err == NULL && response.status == 200 && take_token(c, &response);
        http_response_done(&response);
    }
    cd_err_free(err);
    if (renewed) return;
    err = c->settings.app_role ? login_app_role(c) : auth_error(NULL, ": the token could not be renewed");
    if (err != NULL) cd_log(c->ctx, CD_LOG_ERROR, LOGGER, "%s", err->message);
    cd_err_free(err);
}

static char *current_token(vault_client_t *c)
{
    (void)pthread_mutex_lock(&c->lock);
    renew_when_due(c);
    char *token = c->token != NULL ? mem_strdup(c->token) : NULL;
    (void)pthread_mutex_unlock(&c->lock);
    return token;
}

static cd_err_t *status_error(int status, const char *api_path, const char *shown)
{
    if (status == 403)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                          "Vault path '%s' was not found: permission denied (HTTP 403); the token's policy must allow "
                          "reading '%s'",
                          shown, api_path);
    if (status == 404)
        return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Vault path '%s' was not found; there is no secret at '%s'",
                          shown, api_path);
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "Vault path '%s' was not found: Vault answered HTTP %d%s", shown,
                      status, status == 503 ? ", it may be sealed" : "");
}

cd_err_t *vault_client_read(vault_client_t *c, const char *api_path, const char *shown, json_t **ret_reply)
{
    cd_err_t *err = NULL;
    for (int attempt = 0;; attempt++) {
        http_response_t response = {0};
        char *token = current_token(c);
        err = call(c, "GET", api_path, NULL, token, &response);
        wipe_free(token);
        if (err != NULL) {
            uint32_t cls = cd_err_is(err, CD_ERR_STOPPED) ? CD_ERR_STOPPED : CD_ERR_CONFIG;
            return cd_err_wrap(err, cls, CD_JVM_CONFIG,
                               "Exception thrown reading from '%s'; check that Vault is reachable", shown);
        }
        int status = response.status;
        if (status == 200) {
            err = json_parse(response.body, response.len, ret_reply);
            if (err != NULL) { /* the parser's message could quote a secret */
                cd_err_free(err);
                err = cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                                 "Exception thrown reading from '%s': the answer is not JSON", shown);
            }
        }
        explicit_bzero(response.body, response.len);
        http_response_done(&response);
        if (status == 200) return err;
        /* an AppRole's token may have ended early (revoked, restarted Vault): log in once more */
        if (status != 403 || !c->settings.app_role || attempt > 0) return status_error(status, api_path, shown);
        err = vault_client_login(c);
        if (err != NULL) return err;
    }
}
