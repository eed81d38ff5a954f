/* proc.h: calls of built-in procedures. Threads: the session's. */
#ifndef SIM_PROC_H
#define SIM_PROC_H

#include "sql/exec.h"

typedef struct proc_call {
    sim_session_t *s;
    sdb_t *sdb;
    const char *name;
    sim_param_t *args;
    size_t n;
    sim_value_t *outs;
    bool *out_set;
} proc_call_t;

typedef struct proc_capture {
    declare_item_t *items;
    bool *outs;
    size_t n, first;
    sim_value_t *values;
} proc_capture_t;

flow_t exec_body_capture(sim_session_t *s, const char *text, size_t len, frame_t *f, proc_capture_t *cap,
                         arena_t *keep);

/** Argument by name, else by position; NULL when absent or DEFAULT. */
const sim_param_t *proc_arg(const sim_param_t *args, size_t n, size_t position, const char *name);
const char *proc_text(sim_session_t *s, const sim_param_t *args, size_t n, size_t position,
                      const char *name); /* NULL: absent or NULL */
bool proc_int(sim_session_t *s, const sim_param_t *args, size_t n, size_t position, const char *name, int64_t *ret);

/** Runs T-SQL text and passes its rows on as the procedure's result. */
bool proc_query(sim_session_t *s, const char *text);

/* Each sets *ret_found when the name is its own. */
bool cdc_procedures(proc_call_t *c, bool *ret_found);
bool meta_procedures(proc_call_t *c, bool *ret_found);
bool sim_procedures(proc_call_t *c, bool *ret_found);

#endif
