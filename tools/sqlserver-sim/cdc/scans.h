/* scans.h: what sys.dm_cdc_log_scan_sessions shows: the last scans of each database.
 * Threads    any; guarded by the server lock.
 */
#ifndef SIM_SCANS_H
#define SIM_SCANS_H

#include "cdc/apply.h"

/** A scan that took entries first .. last. start is a datetime key. */
void scans_add(sim_server_t *srv, const sim_db_t *db, int64_t start, const log_entry_t *first, const log_entry_t *last,
               size_t n, size_t records);
/** A scan that found nothing: one session counts all of them until the next change. */
void scans_add_empty(sim_server_t *srv, const sim_db_t *db, int64_t start);

#endif
