/* wire/generate.h: streams generator rows: one encoded template, copied and patched for each row.
 * Threads the connection's thread.     Errors  false: the client cancelled or is gone.
 */
#ifndef SIM_WIRE_GENERATE_H
#define SIM_WIRE_GENERATE_H

#include "wire/reply.h"

/** COLMETADATA has been written and reply->cols are the plan's columns. *ret_rows counts what was written. */
bool generate_rows(reply_t *reply, const sim_gen_plan_t *plan, uint64_t *ret_rows);

#endif
