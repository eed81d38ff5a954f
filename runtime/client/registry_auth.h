/* client/registry_auth.h: what the registry client sends to prove who it is, and over which TLS.
 * Threads    as registry.h.    Ownership  strings live in the arena that was passed to registry_auth_read.
 * Errors     CONFIG with Java's texts; no message holds a secret. */
#ifndef CONNECTD_CLIENT_REGISTRY_AUTH_H
#define CONNECTD_CLIENT_REGISTRY_AUTH_H

#include "runtime/client/http.h"

enum registry_auth_kind {
    REGISTRY_AUTH_NONE = 0,
    REGISTRY_AUTH_BASIC, /* `basic` for every URL */
    REGISTRY_AUTH_URL,   /* the user info of each URL */
    REGISTRY_AUTH_TOKEN, /* `token` */
    REGISTRY_AUTH_OAUTH  /* client credentials grant; `token` is renewed */
};

typedef struct registry_auth {
    enum registry_auth_kind kind;
    const char *basic, *token;
    const char *issuer, *client_id, *client_secret, *scope;
    char *oauth_token; /* heap; NULL until fetched */
    int64_t oauth_until_ms;
} registry_auth_t;

/** A setting by its name, or by its name after "schema.registry.". NULL when neither is there. */
const char *registry_setting(const cd_config_t *config, const char *name);

CD_CHECK cd_err_t *registry_auth_read(const cd_config_t *config, cd_arena_t *arena, registry_auth_t *ret_auth);
void registry_auth_done(registry_auth_t *auth);
/** Put credentials into a request; for OAUTH this may fetch a token over `client` first.
 *  @param userinfo  the user info of the URL in use, or NULL */
CD_CHECK cd_err_t *registry_auth_apply(registry_auth_t *auth, http_client_t *client, const char *userinfo,
                                       http_request_t *request);

/** TLS settings (schema.registry.ssl.*) into HTTP options. Strings live in the arena or in config. */
CD_CHECK cd_err_t *registry_tls_read(const cd_config_t *config, cd_arena_t *arena, http_options_t *options);

#endif
