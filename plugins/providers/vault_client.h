/* providers/vault_client.h: logging in to HashiCorp Vault and reading secrets of its KV engine (08 §5).
 * Threads    any, several at once: the token is guarded by a lock, each call uses a connection of its own. Blocks.
 * Ownership  results are copied into the caller's arena, which the caller wipes and frees.
 * Errors     CONFIG with the sentences of the Java provider and what to do next; never a token or a secret's value.
 * Units      milliseconds. */
#ifndef CONNECTD_PROVIDERS_VAULT_CLIENT_H
#define CONNECTD_PROVIDERS_VAULT_CLIENT_H

#include "plugins/api/connectd_plugin.h"

#include <jansson.h>

typedef struct vault_settings {
    const char *address, *token, *name_space; /* address without a trailing slash */
    const char *role_id, *secret_id;          /* AppRole when login_by says so */
    const char *login_mount;
    bool app_role, verify_tls;
    const char *ca_file;
    int32_t max_retries, retry_interval_ms;
    int64_t open_timeout_ms, read_timeout_ms;
} vault_settings_t;

typedef struct vault_client vault_client_t;

/** Copies the settings. Does not touch the network. */
vault_client_t *vault_client_new(cd_ctx_t *ctx, const vault_settings_t *settings);
void vault_client_free(vault_client_t *client);

/** Log in (AppRole) or check the token. */
CD_CHECK cd_err_t *vault_client_login(vault_client_t *client);
/** GET a path below /v1/ that holds a secret. @param ret_reply  the whole reply; json_decref it */
CD_CHECK cd_err_t *vault_client_read(vault_client_t *client, const char *api_path, const char *shown_path,
                                     json_t **ret_reply);

#endif
