/* connectors/postgres/conn_target.h: what to connect to: JDBC URL and connection.* settings as libpq parameters.
 *
 * Threads    pure functions.
 * Ownership  everything lives in the arena given.
 * Errors     FATAL with the driver's words for values the driver refuses. Parameters may hold the password: never log
 *            them. */
#ifndef POSTGRES_CONN_TARGET_H
#define POSTGRES_CONN_TARGET_H

#include "connectors/postgres/sink_conf.h"

#define CONN_TARGET_MAX 40

typedef struct conn_target {
    const char *keys[CONN_TARGET_MAX + 1], *values[CONN_TARGET_MAX + 1]; /* NULL-terminated, for PQconnectStartParams */
    uint32_t n;
    const char *shown_host, *shown_port; /* of the first address, for messages */
    const char *zone;                    /* session TimeZone */
    const char *server_type;             /* as the user wrote it, or "any" */
    uint32_t nhosts;
    int32_t connect_timeout_s, login_timeout_s, socket_timeout_s; /* 0: none */
    bool prefer_primary; /* try once with target_session_attrs=primary, then with any */
    bool no_prepare;     /* prepareThreshold=0: only unnamed statements, for poolers */
    bool string_unspecified;
    bool error_detail;
} conn_target_t;

CD_CHECK cd_err_t *conn_target_build(const sink_conf_t *conf, cd_arena_t *arena, conn_target_t *ret_target);

/** Value libpq would get for a key, or NULL: for tests and for the retry with another server type. */
const char *conn_target_get(const conn_target_t *t, const char *key);

#endif
