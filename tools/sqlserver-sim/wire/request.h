/* wire/request.h: decodes the requests of a logged-in client and runs them on its session.
 * Threads    the connection's thread.
 * Ownership  everything decoded lives in the pool until the next request.
 * Errors     a request that cannot be decoded is answered with an ERROR token and not executed; a result of false
 *            means that the connection must close.
 */
#ifndef SIM_WIRE_REQUEST_H
#define SIM_WIRE_REQUEST_H

#include "wire/pool.h"
#include "wire/reply.h"

typedef struct request {
    const uint8_t *data; /* the whole message without packet headers */
    size_t len;
} request_t;

/** Packet types 01, 03 and 0E. They call the engine between the caller's reply_begin and reply_end. */
void request_batch(reply_t *reply, pool_t *pool, request_t request);
void request_rpc(reply_t *reply, pool_t *pool, request_t request);
void request_tm(reply_t *reply, pool_t *pool, request_t request);

/** First words of a batch, or what the first RPC runs, for matching faults. @return text of the pool or of the session */
const char *request_text(const reply_t *reply, uint8_t packet_type, pool_t *pool, request_t request, size_t *ret_len);

#endif
