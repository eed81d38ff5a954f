/* cdc.h: change data capture: the change log written with each commit, the capture thread, procedures and functions.
 * Threads    capture_* run one thread per server; log_* run on the session's thread inside its transaction.
 */
#ifndef SIM_CDC_H
#define SIM_CDC_H

#include "sql/bind.h"

typedef struct lsn {
    uint8_t b[10];
} lsn_t;

bool capture_start(sim_server_t *srv);
void capture_stop(sim_server_t *srv);
void capture_wake(sim_server_t *srv);
/** Runs one scan of a database now and waits for it. @return false when the agent is stopped or it failed */
bool capture_scan_now(sim_session_t *s, sim_db_t *db);
bool cdc_reconcile(sqlite3 *sq, sim_db_t *db, const catalog_t *cat); /* after a crash between two files */
void cdc_free_scans(sim_server_t *srv);
/** Rows of sys.dm_cdc_log_scan_sessions in a database as a SELECT text. @return free() it */
char *cdc_scans_sql(sim_server_t *srv, const sim_db_t *db);

/* change records of the running statement; images are in table column order; each
 * change is a command of its own */
void log_change(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, int op, const sim_value_t *before,
                const sim_value_t *after);
bool log_ddl(sim_session_t *s, sdb_t *sdb, int object_id, bool column_update, const char *text, int alter_column);
/** Writes the log entry of a transaction about to commit. */
bool log_commit(sim_session_t *s, sdb_t *sdb);
void log_discard(sdb_t *sdb);
bool log_pending(const sdb_t *sdb);
/** Takes a position of its own (enabling an instance). */
bool log_take_lsn(sim_session_t *s, sdb_t *sdb, lsn_t *ret_lsn);

/** System procedures sp_cdc_*. *ret_found false: not one of them. */
bool cdc_procedure(sim_session_t *s, sdb_t *sdb, const char *name, stmt_t *st, bool *ret_found);
/** What sp_cdc_disable_db does; the caller holds both writer slots and has a fresh catalog. */
bool cdc_disable(sim_session_t *s, sdb_t *sdb);
/** Drops the instances of a table (DROP TABLE, disable). */
bool cdc_drop_instances(sim_session_t *s, sdb_t *sdb, int source_id, const char *instance);

#endif
