/* reach.h: can a TCP connection be made? Asked before a login, because the login itself cannot be interrupted: with a
 * host that does not answer, a stop would have to wait for the login's time to pass.
 * Threads    any.   Ownership  none.
 * Errors     RETRIABLE with the sentence the Microsoft driver uses; STOPPED when a stop was asked for.
 * Blocking   up to timeout_ms, cut short by the stop signal (not during a name look-up). */
#ifndef SQLSERVER_REACH_H
#define SQLSERVER_REACH_H

#include "plugins/api/connectd_plugin.h"

CD_CHECK cd_err_t *reach_check(cd_ctx_t *ctx, const char *host, int32_t port, int64_t timeout_ms);

/** The sentence for a connection that failed because of `why`. */
cd_err_t *reach_error(const char *host, int32_t port, const char *why);

#endif
