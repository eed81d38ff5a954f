#include "runtime/client/registry_auth.h"

#include "runtime/base/clock.h"
#include "runtime/base/json.h"
#include "runtime/base/mem.h"
#include "runtime/base/str.h"

/** A token is renewed this long before it ends, so that it does not end on the way. */
#define OAUTH_MARGIN_MS 30000

const char *registry_setting(const cd_config_t *config, const char *name)
{
    const char *value = cd_config_get(config, name);
    if (value != NULL) return value;
    char prefixed[128];
    int n = snprintf(prefixed, sizeof(prefixed), "schema.registry.%s", name);
    return n > 0 && (size_t)n < sizeof(prefixed) ? cd_config_get(config, prefixed) : NULL;
}

static cd_err_t *config_error(const char *message)
{
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG, "%s", message);
}

/** The value of name="…" in a JAAS line. */
static const char *jaas_option(const char *jaas, const char *name, cd_arena_t *arena)
{
    size_t n = strlen(name);
    for (const char *p = jaas; (p = strstr(p, name)) != NULL; p += n) {
        bool starts = p == jaas || p[-1] == ' ' || p[-1] == '\t' || p[-1] == '\n';
        const char *q = p + n;
        while (*q == ' ') q++;
        if (!starts || *q != '=') continue;
        q++;
        while (*q == ' ') q++;
        char quote = *q == '"' || *q == '\'' ? *q : '\0';
        if (quote != '\0') q++;
        const char *end = q;
        while (*end != '\0' && (quote != '\0' ? *end != quote : *end != ' ' && *end != ';')) end++;
        return cd_arena_strndup(arena, q, (size_t)(end - q));
    }
    return NULL;
}

static cd_err_t *read_basic(const cd_config_t *config, const char *source, cd_arena_t *arena, registry_auth_t *auth)
{
    if (strcmp(source, "URL") == 0) {
        auth->kind = REGISTRY_AUTH_URL;
    } else if (strcmp(source, "USER_INFO") == 0) {
        auth->basic = registry_setting(config, "basic.auth.user.info");
        if (str_empty(auth->basic))
            return config_error("UserInfo must be provided when basic.auth.credentials.source is set to USER_INFO");
        auth->basic = cd_arena_strdup(arena, auth->basic);
        auth->kind = REGISTRY_AUTH_BASIC;
    } else if (strcmp(source, "SASL_INHERIT") == 0) {
        const char *jaas = registry_setting(config, "sasl.jaas.config");
        const char *user = jaas != NULL ? jaas_option(jaas, "username", arena) : NULL;
        const char *password = jaas != NULL ? jaas_option(jaas, "password", arena) : NULL;
        if (user == NULL || password == NULL)
            return config_error("sasl.jaas.config among the converter's settings must name a username and a password "
                                "when basic.auth.credentials.source is set to SASL_INHERIT");
        auth->basic = cd_arena_printf(arena, "%s:%s", user, password);
        auth->kind = REGISTRY_AUTH_BASIC;
    }
    return NULL; /* Java sends nothing for an unknown source */
}

static cd_err_t *read_bearer(const cd_config_t *config, const char *source, cd_arena_t *arena, registry_auth_t *auth)
{
    if (strcmp(source, "STATIC_TOKEN") == 0) {
        const char *token = registry_setting(config, "bearer.auth.token");
        if (str_empty(token))
            return config_error("bearer.auth.token must be provided when bearer.auth.credentials.source is set to "
                                "STATIC_TOKEN");
        auth->token = cd_arena_strdup(arena, token);
        auth->kind = REGISTRY_AUTH_TOKEN;
        return NULL;
    }
    if (strcmp(source, "OAUTHBEARER") == 0) {
        const char *issuer = registry_setting(config, "bearer.auth.issuer.endpoint.url");
        const char *id = registry_setting(config, "bearer.auth.client.id");
        const char *secret = registry_setting(config, "bearer.auth.client.secret");
        const char *scope = registry_setting(config, "bearer.auth.scope");
        if (str_empty(issuer) || str_empty(id) || str_empty(secret))
            return config_error("bearer.auth.issuer.endpoint.url, bearer.auth.client.id and bearer.auth.client.secret "
                                "must be provided when bearer.auth.credentials.source is set to OAUTHBEARER");
        auth->issuer = cd_arena_strdup(arena, issuer);
        auth->client_id = cd_arena_strdup(arena, id);
        auth->client_secret = cd_arena_strdup(arena, secret);
        auth->scope = str_empty(scope) ? NULL : cd_arena_strdup(arena, scope);
        auth->kind = REGISTRY_AUTH_OAUTH;
        return NULL;
    }
    return cd_err_new(CD_ERR_CONFIG, CD_JVM_CONFIG,
                      "bearer.auth.credentials.source '%s' is not supported here; use STATIC_TOKEN or OAUTHBEARER",
                      source);
}

cd_err_t *registry_auth_read(const cd_config_t *config, cd_arena_t *arena, registry_auth_t *ret_auth)
{
    *ret_auth = (registry_auth_t){0};
    const char *basic = registry_setting(config, "basic.auth.credentials.source");
    const char *bearer = registry_setting(config, "bearer.auth.credentials.source");
    if (!str_empty(basic) && !str_empty(bearer))
        return config_error("Only one of 'basic.auth.credentials.source' and 'bearer.auth.credentials.source' may be "
                            "specified");
    if (!str_empty(basic)) return read_basic(config, basic, arena, ret_auth);
    if (!str_empty(bearer)) return read_bearer(config, bearer, arena, ret_auth);
    return NULL;
}

void registry_auth_done(registry_auth_t *auth)
{
    free(auth->oauth_token);
    auth->oauth_token = NULL;
}

static cd_err_t *fetch_token(registry_auth_t *auth, http_client_t *client)
{
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
                                          NULL};
    cd_arena_t arena = {0};
    http_response_t response = {0};
    json_t *reply = NULL;
    const char *body = "grant_type=client_credentials";
    if (auth->scope != NULL)
        body = cd_arena_printf(&arena, "%s&scope=%s", body, http_encode_query(&arena, auth->scope));
    http_request_t q = {.method = "POST",
                        .url = auth->issuer,
                        .headers = headers,
                        .body = body,
                        .body_len = strlen(body),
                        .basic = cd_arena_printf(&arena, "%s:%s", auth->client_id, auth->client_secret)};
    cd_err_t *err = http_perform(client, &q, &response);
    if (err != NULL) goto out;
    if (response.status != 200) {
        err = cd_err_new(response.status >= 500 ? CD_ERR_RETRIABLE : CD_ERR_DATA,
                         "org.apache.kafka.common.errors.AuthenticationException",
                         "the token endpoint answered HTTP %d; check bearer.auth.client.id, .client.secret and .scope",
                         response.status);
        goto out;
    }
    err = json_parse(response.body, response.len, &reply);
    const char *token = err == NULL ? json_string_value(json_object_get(reply, "access_token")) : NULL;
    if (token == NULL) {
        cd_err_free(err); /* its text could quote the reply, and the reply holds a token */
        err = cd_err_new(CD_ERR_DATA, "org.apache.kafka.common.errors.AuthenticationException",
                         "the token endpoint's answer has no access_token");
        goto out;
    }
    int64_t seconds = json_integer_value(json_object_get(reply, "expires_in"));
    if (seconds < 60) seconds = 60;
    if (seconds > 86400) seconds = 86400;
    free(auth->oauth_token);
    auth->oauth_token = mem_strdup(token);
    auth->oauth_until_ms = clock_mono_ms() + seconds * 1000 - OAUTH_MARGIN_MS;
out:
    json_decref(reply);
    http_response_done(&response);
    cd_arena_done(&arena);
    return err;
}

cd_err_t *registry_auth_apply(registry_auth_t *auth, http_client_t *client, const char *userinfo,
                              http_request_t *request)
{
    switch (auth->kind) {
    case REGISTRY_AUTH_BASIC:
        request->basic = auth->basic;
        return NULL;
    case REGISTRY_AUTH_URL:
        request->basic = userinfo;
        return NULL;
    case REGISTRY_AUTH_TOKEN:
        request->bearer = auth->token;
        return NULL;
    case REGISTRY_AUTH_OAUTH:
        if (auth->oauth_token == NULL || clock_mono_ms() >= auth->oauth_until_ms) {
            cd_err_t *err = fetch_token(auth, client);
            if (err != NULL) return err;
        }
        request->bearer = auth->oauth_token;
        return NULL;
    case REGISTRY_AUTH_NONE:
        break;
    }
    return NULL;
}

static bool looks_like_pem(const char *type, const char *file)
{
    if (type != NULL) return strcasecmp(type, "PEM") == 0;
    return str_ends(file, ".pem") || str_ends(file, ".crt") || str_ends(file, ".cer");
}

static cd_err_t *store_refused(const char *key, const char *command)
{
    return cd_err_new(
        CD_ERR_CONFIG, CD_JVM_CONFIG,
        "schema.registry.ssl.%s.location is a Java key store, which cannot be read here; convert it to PEM "
        "(%s) and set schema.registry.ssl.%s.type=PEM",
        key, command, key);
}

cd_err_t *registry_tls_read(const cd_config_t *config, cd_arena_t *arena, http_options_t *o)
{
    const char *ca = cd_config_get(config, "schema.registry.ssl.truststore.location");
    const char *ca_type = cd_config_get(config, "schema.registry.ssl.truststore.type");
    const char *cert = cd_config_get(config, "schema.registry.ssl.keystore.location");
    const char *cert_type = cd_config_get(config, "schema.registry.ssl.keystore.type");
    const char *endpoint = cd_config_get(config, "schema.registry.ssl.endpoint.identification.algorithm");
    o->tls_verify_peer = true;
    /* Java's client checks the host name only when it is told to; spec 06 §2.1 keeps that for compatibility */
    o->tls_verify_host = !str_empty(endpoint) && strcasecmp(endpoint, "none") != 0;
    o->ca_pem = cd_config_get(config, "schema.registry.ssl.truststore.certificates");
    o->cert_pem = cd_config_get(config, "schema.registry.ssl.keystore.certificate.chain");
    o->key_pem = cd_config_get(config, "schema.registry.ssl.keystore.key");
    o->key_password = cd_config_get(config, "schema.registry.ssl.key.password");
    if (!str_empty(ca)) {
        if (!looks_like_pem(ca_type, ca))
            return store_refused("truststore", "keytool -exportcert -rfc, or openssl pkcs12 -nokeys");
        o->ca_file = cd_arena_strdup(arena, ca);
    }
    if (!str_empty(cert)) {
        bool p12 = (cert_type != NULL && strcasecmp(cert_type, "PKCS12") == 0) || str_ends(cert, ".p12");
        if (!p12 && !looks_like_pem(cert_type, cert)) return store_refused("keystore", "openssl pkcs12 -nodes");
        o->cert_file = cd_arena_strdup(arena, cert);
        if (o->key_password == NULL) o->key_password = cd_config_get(config, "schema.registry.ssl.keystore.password");
    }
    return NULL;
}
