/* backup.h: BACKUP DATABASE and RESTORE DATABASE: both files of a database as one moment saw them.
 * Threads    the session's.
 * Errors     pending in the session on false.
 */
#ifndef SIM_BACKUP_H
#define SIM_BACKUP_H

#include "sql/session.h"

/** `path` is replaced as a whole or not at all. Waits for the database's open write transaction. */
bool backup_database(sim_session_t *s, sim_db_t *db, const char *path, int64_t *ret_pages);
/** Makes database `name` from a backup, which must not exist. CDC stays when it is the same server and name, or with
 *  keep_cdc; jobs stay in the first case only. */
bool restore_database(sim_session_t *s, const char *name, const char *path, bool keep_cdc);

#endif
