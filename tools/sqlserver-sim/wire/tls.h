/* wire/tls.h: the server's TLS context: a certificate from files, or a self-signed one made at start.
 * Threads    the context is made once and then shared read-only.
 * Errors     NULL with a text in *ret_error (free with free()).
 */
#ifndef SIM_WIRE_TLS_H
#define SIM_WIRE_TLS_H

#include <openssl/ssl.h>

/** @param cert,key  PEM files, or both NULL for a self-signed certificate of `localhost` */
SSL_CTX *tls_context_new(const char *cert, const char *key, char **ret_error);

/* Certificates that are made here; only the first one is any good, to a client that trusts it by itself. */
typedef enum tls_made { TLS_MADE_SELF_SIGNED, TLS_MADE_EXPIRED, TLS_MADE_WRONG_HOST } tls_made_t;
SSL_CTX *tls_context_made(tls_made_t made, char **ret_error);

#endif
