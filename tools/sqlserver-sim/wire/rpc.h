/* wire/rpc.h: decodes remote procedure calls. Pure, any thread.
 * Ownership  the call and its values live in the pool.
 * Errors     false with a number and a text for the client; nothing behind that call can be read.
 */
#ifndef SIM_WIRE_RPC_H
#define SIM_WIRE_RPC_H

#include "engine.h"
#include "wire/decode.h"

typedef struct rpc_error {
    int32_t number;
    char text[512];
} rpc_error_t;

/** ALL_HEADERS of 7.2 and later, in front of each request. Only the length matters: the transaction is the session's,
 *  whatever the header says. */
void rpc_skip_headers(cur_t *cur, uint32_t tds_version);

/** The next call of the message and the separator behind it. */
bool rpc_read(cur_t *cur, uint32_t tds_version, pool_t *pool, sim_rpc_t *ret_rpc, rpc_error_t *ret_error);

/** The error of a request that ends too early. @return false */
bool rpc_stream_error(rpc_error_t *ret_error);

#endif
