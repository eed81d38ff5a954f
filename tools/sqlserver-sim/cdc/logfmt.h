/* logfmt.h: layout of a _sim_log body: records one after the other, integers big-endian.
 *   LOG_CHANGE table(4) op(1: 1 delete, 2 insert, 4 update) command(4) ncols(4) then per column id(4) type(8) [before] [after]
 *   LOG_DDL    table(4) column_update(1) column(4: 0 = none changed its type) from(8) to(8) len(4) text
 */
#ifndef SIM_LOGFMT_H
#define SIM_LOGFMT_H

#include "cdc/cdc.h"

enum { LOG_CHANGE = 1, LOG_DDL = 2 };

lsn_t lsn_make(uint32_t vlf, uint32_t block, uint32_t slot);
/** Position of the n-th record (from 0) of a transaction that begins at `begin`. */
lsn_t log_seqval(const lsn_t *begin, size_t record);

#endif
