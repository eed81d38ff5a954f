/* wire/conn.h: one client connection from PRELOGIN to its end.
 * Threads    conn_run on the connection's own thread.     Ownership  the caller keeps the socket's number only.
 */
#ifndef SIM_WIRE_CONN_H
#define SIM_WIRE_CONN_H

#include <openssl/ssl.h>

#include "engine.h"
#include "wire/log.h"
#include "wire/prelogin.h"

typedef struct wire_config {
    const logger_t *logger;
    sim_server_t *server;
    SSL_CTX *tls; /* NULL with TLS_POLICY_OFF */
    tls_policy_t tls_policy;
    int login_timeout_ms; /* from accept to the end of the login */
} wire_config_t;

/** Called once when the login has succeeded. */
typedef void conn_logged_in_fn(void *arg);

/** Serves the socket until it ends; closes it.  @param deadline_ms  monotonic end of the login */
void conn_run(const wire_config_t *config, int fd, int64_t deadline_ms, conn_logged_in_fn *logged_in, void *arg);

#endif
