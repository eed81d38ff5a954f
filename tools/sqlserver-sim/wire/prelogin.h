/* wire/prelogin.h: PRELOGIN parsing, its reply, and the choice of encryption. Pure functions, any thread.
 * Errors     false = malformed; the connection must close.
 */
#ifndef SIM_WIRE_PRELOGIN_H
#define SIM_WIRE_PRELOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum tds_encrypt { TDS_ENC_OFF = 0, TDS_ENC_ON = 1, TDS_ENC_NOT_SUP = 2, TDS_ENC_REQ = 3 } tds_encrypt_t;
typedef enum tls_policy { TLS_POLICY_OFF, TLS_POLICY_ON, TLS_POLICY_REQUIRED } tls_policy_t;
typedef enum tls_scope { TLS_SCOPE_NONE, TLS_SCOPE_LOGIN, TLS_SCOPE_ALL } tls_scope_t;

typedef struct prelogin {
    tds_encrypt_t encryption; /* NOT_SUP when the client does not say */
    uint8_t version[6];
} prelogin_t;

bool prelogin_parse(const uint8_t *body, size_t len, prelogin_t *ret_prelogin);

/** What the server answers and what is encrypted then. */
tds_encrypt_t prelogin_encryption(tds_encrypt_t client, tls_policy_t policy, tls_scope_t *ret_scope);

enum { PRELOGIN_REPLY_SIZE = 35 };
/** Writes the reply's body. */
void prelogin_reply(uint8_t body[PRELOGIN_REPLY_SIZE], int major, tds_encrypt_t encryption);

#endif
