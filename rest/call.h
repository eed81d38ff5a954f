/* rest/call.h: one HTTP request on its way through a resource.
 * A call outlives its request when the client goes away while the herder works: replying then does nothing but free.
 * Threads    loop thread.      Ownership  a call is freed by the reply; each call is replied to exactly once. */
#ifndef REST_CALL_H
#define REST_CALL_H

#include "rest/rest.h"

#include <ctype.h>
#include <h2o.h>
#include <jansson.h>

typedef struct route route_t;

/** Held by the request's pool: tells the call when the request goes away first. */
typedef struct call_link {
    struct call *call;
} call_link_t;

typedef struct call {
    rest_t *rest;
    h2o_req_t *req; /* NULL once the request is gone */
    call_link_t *link;
    const route_t *route;
    cd_arena_t arena; /* what the answer is made of */
    const char *name; /* {connector} or {plugin} or {logger}, decoded */
    int32_t task;
    const char *method;
    cd_bytes_t body;
    const char *query; /* raw, without '?'; "" without one */
    bool in_time;      /* a 90 s timer runs */
    uv_timer_t timer;
} call_t;

herder_t *call_herder(const call_t *c);
const validation_env_t *call_env(const call_t *c);

/** Answers. `body` is released. */
void call_reply_json(call_t *c, int status, json_t *body);
void call_reply_empty(call_t *c, int status);
/** 201 with Location of the named connector. */
void call_reply_created(call_t *c, const char *name, json_t *body);
/** {"error_code", "message"}; err is taken; a code of 0 is 500. */
void call_reply_err(call_t *c, cd_err_t *err);
void call_reply_error(call_t *c, int status, const char *fmt, ...) CD_PRINTF(3, 4);

/** A call that waits for the herder: answered with 500 after 90 s when nothing else came. */
void call_wait(call_t *c);

/** First value of a query parameter, decoded; NULL when it is not there. */
const char *call_param(call_t *c, const char *name);
/** Connect's booleans: "true" in any case; absent or empty: dflt. */
bool call_param_bool(call_t *c, const char *name, bool dflt);
/** Each value of a repeated parameter. */
cd_list_t call_params(call_t *c, const char *name);

/** The body as a JSON object, with Jackson's complaints. @return NULL and *ret_object, or an error to reply with */
CD_CHECK cd_err_t *call_body_object(call_t *c, json_t **ret_object);
/** The body as a flat map of settings. */
CD_CHECK cd_err_t *call_body_config(call_t *c, cd_config_t *ret_config);

/** "%XX" decoding of a path segment or query value, '+' as it is. NULL for bad escapes or NUL. */
const char *call_decode(cd_arena_t *arena, const char *s, size_t n);

#endif
