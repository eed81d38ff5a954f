/* rest/rest.h: the REST server: h2o on the loop, one file per resource.
 *
 * Threads    loop thread only.
 * Life       rest_bind (sockets exist, so the advertised port is known; connections wait in the backlog) → rest_serve →
 *            rest_shutdown → rest_free.
 * Limits     request bodies up to REST_BODY_MAX; a request that waits for the herder answers 500 after 90 s. */
#ifndef REST_REST_H
#define REST_REST_H

#include "runtime/herder/herder.h"
#include "runtime/validation/validation.h"

typedef struct rest rest_t;

#define REST_BODY_MAX ((size_t)8 * 1024 * 1024)

/** Bind the listeners of the worker's settings. CONFIG error when an address cannot be bound or is of a kind that is
 *  not there; nothing is left open then. */
CD_CHECK cd_err_t *rest_bind(uv_loop_t *loop, const worker_config_t *worker, rest_t **ret_rest);
/** The real port of the first listener. */
uint16_t rest_port(const rest_t *r);
/** Start to answer. @param env, herder  borrowed until rest_free */
CD_CHECK cd_err_t *rest_serve(rest_t *r, const validation_env_t *env, herder_t *herder);
/** Close the listeners; answers to requests in flight still go out, and tell their clients to close. */
void rest_shutdown(rest_t *r);
/** Requests that have not been answered yet. */
uint32_t rest_in_flight(const rest_t *r);
/** After rest_shutdown, with nothing in flight (or when there is no time left to wait). Not before the loop's last
 *  turn: h2o's own handles stay with the loop and end with the process. */
void rest_free(rest_t *r);

#endif
