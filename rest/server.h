/* rest/server.h: what the files of rest/ share about the running server. Loop thread only. */
#ifndef REST_SERVER_H
#define REST_SERVER_H

#include "rest/call.h"

#define REST_LOGGER "org.apache.kafka.connect.runtime.rest.RestServer"

herder_t *rest_herder(const rest_t *r);
const validation_env_t *rest_env(const rest_t *r);
bool rest_is_closing(const rest_t *r);

/** Bookkeeping of calls. */
void rest_call_ended(rest_t *r);
/** The request no longer refers to the call. */
void rest_call_detach(call_t *c);

const char *rest_reason(int status);
/** {"error_code":status,"message":"<head><tail>"} straight to a request without a call. */
void rest_reply_text(rest_t *r, h2o_req_t *req, int status, const char *head, const char *tail);
void rest_access_log(rest_t *r, h2o_req_t *req, int status, size_t bytes);
/** The sentence about what the herder is doing; nothing when it is not known. */
void rest_stage_text(const herder_t *h, strbuf_t *out);

#endif
