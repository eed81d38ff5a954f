/* wire/bulk.h: decodes the data stream of INSERT BULK (packet type 07) row by row, while it arrives.
 * Threads    the connection's thread.     Ownership  rows live in the pool, which is reset now and then.
 * Errors     a malformed stream is answered with an ERROR token and rolled back; false = the connection must close.
 */
#ifndef SIM_WIRE_BULK_H
#define SIM_WIRE_BULK_H

#include "wire/pool.h"
#include "wire/reply.h"

/** Reads the whole message, feeds the engine and writes its reply (between the caller's reply_begin and reply_end).
 *  @param row_max  bytes that one row (or the column list) may have */
bool bulk_run(reply_t *reply, net_t *net, pool_t *pool, size_t row_max);

#endif
