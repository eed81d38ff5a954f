/* fault.h: armed faults: EXEC sim.fault @kind, @match, @session, @skip, @count, @arg.
 * Threads    any; guarded by the server lock.
 * Errors     functions returning bool leave a pending error in the session on false.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sql/session.h"

/** Engine-side faults before a request runs: error, deadlock, lock_timeout, actions. False = pending error. */
bool fault_check(sim_session_t *s, const char *text, size_t len);
/** The pending error of `error` with after_rows, when the row has been sent. Always false. */
bool fault_late(sim_session_t *s);
/** Does a fault of this kind hit this text now? For faults inside of queries: min_lsn_null with the instance's name. */
bool fault_query(sim_server_t *srv, const sim_session_t *s, const char *kind, const char *text);
/** sim.fault and sim.fault_clear; `name` is without the schema. names[i] may be NULL or "" = positional. */
bool fault_procedure(sim_session_t *s, const char *name, const sim_value_t *args, const sim_typeinfo_t *types,
                     const char *const *names, size_t n, bool *ret_found);
/** SELECT text behind sim.faults: id, kind, match, session, skip, count, arg, hits. @return free() it */
char *faults_sql(sim_server_t *srv);
void faults_free(sim_server_t *srv);

#endif
