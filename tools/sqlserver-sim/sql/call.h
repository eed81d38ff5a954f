/* call.h: a procedure call with its arguments evaluated, shared by the files that run dynamic SQL. Threads: the session's. */
#ifndef SIM_CALL_H
#define SIM_CALL_H

#include "sql/proc.h"

typedef struct call {
    const char *name;           /* last part, lower case not guaranteed */
    const char *schema, *shown; /* shown: as written */
    sdb_t *sdb;                 /* database of a three-part name, else the current one */
    size_t n;
    sim_param_t *args;
    sim_value_t *outs; /* written back by the procedure */
    bool *out_set;
} call_t;

/** Runs parameterised text; the parameters are the arguments from `first` on. */
bool call_text(sim_session_t *s, const char *text, const char *decl, call_t *c, size_t first, flow_t *flow);
/** 201: a parameter that must be given is missing. Evaluates to false. */
bool call_missing(sim_session_t *s, const char *proc, const char *param);
void call_set_int(call_t *c, size_t at, int64_t value);
/** Prepared statements of a session. */
int prepared_add(sim_session_t *s, const char *params, const char *text);
prepared_t *prepared_find(sim_session_t *s, int handle); /* NULL with error 8179 */
void prepared_drop(sim_session_t *s, int handle);
bool prepared_check(sim_session_t *s, const char *params, const char *text);

/** The sp_cursor* family. *ret_found false: not one of them. */
bool cursor_procedures(sim_session_t *s, call_t *c, bool *ret_found, flow_t *flow);

#endif
