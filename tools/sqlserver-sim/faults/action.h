/* action.h: faults that change a database: what a person or a failover does to it behind a reader's back.
 * Threads    any; the work is done by a session of its own, so nothing of it belongs to the caller's transaction.
 * Errors     false = *ret_error says why.
 */
#ifndef SIM_ACTION_H
#define SIM_ACTION_H

#include "sql/session.h"

enum { ACTION_ERROR_MAX = 256 };

/** Is it one of these kinds: cdc_disabled, cleanup, lsn_gap, lsn_reset, read_only? */
bool action_known(const char *kind);
/** @arg per kind: see README.md. The arguments are checked when the fault is armed, too (dry = true: nothing is done). */
bool action_run(sim_server_t *srv, int db_id, const char *kind, const char *arg, bool dry,
                char ret_error[ACTION_ERROR_MAX]);
/** Ends read_only everywhere. */
void action_clear(sim_server_t *srv);

#endif
