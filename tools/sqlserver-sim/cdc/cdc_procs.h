/* cdc_procs.h: shared by the sp_cdc_* procedures. Threads: the session's. Errors: pending in the session on false. */
#ifndef SIM_CDC_PROCS_H
#define SIM_CDC_PROCS_H

#include "cdc/cdc.h"
#include "sql/proc.h"

/** Error 22901. */
bool cdc_not_enabled(sim_session_t *s, const sdb_t *sdb);
/** Error 201: a parameter without a default is missing. */
bool cdc_need(proc_call_t *c, const char *parameter);
/** sp_cdc_add_job, change_job, drop_job, help_jobs, start_job, stop_job. */
bool cdc_job_procedures(proc_call_t *c, bool *ret_found);
bool cdc_cleanup_change_table(proc_call_t *c);
/** The first instance of a database brings both jobs. */
bool cdc_ensure_jobs(proc_call_t *c);

#endif
