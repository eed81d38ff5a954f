/* showplan.h: SET SHOWPLAN_TEXT. Threads: the session's. Errors: pending in the session. */
#ifndef SIM_SHOWPLAN_H
#define SIM_SHOWPLAN_H

#include "sql/session.h"

/** For SELECT, INSERT, UPDATE, DELETE, MERGE: two result sets, the statement and its plan; the last DONE is the caller's. */
bool showplan_send(sim_session_t *s, const stmt_t *st, sim_done_kind_t kind);

#endif
