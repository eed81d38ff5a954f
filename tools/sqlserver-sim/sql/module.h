/* module.h: user views and procedures. Threads: the session's. */
#ifndef SIM_MODULE_H
#define SIM_MODULE_H

#include "sql/bind.h"
#include "sql/proc.h"

/** Parses the text as far as that is possible without running it. */
bool module_check(sim_session_t *s, const char *text, char kind);
/** A view as a query source. *ret_found false: no such view. */
bool module_bind_view(binder_t *b, sdb_t *sdb, const char *schema, const char *name, bound_query_t *ret_query,
                      const char ***ret_cols, size_t *ret_ncols, bool *ret_found);
/** Runs a user procedure. *ret_found false: no such procedure. */
bool module_call(proc_call_t *c, const char *schema, bool *ret_found);

#endif
