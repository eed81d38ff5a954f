/* cleanup.h: what sp_cdc_cleanup_change_table and the cleanup job do to the files.
 * Threads    the caller's connection; the caller holds the writer slots of both files and has a transaction open.
 * Errors     false = SQLite failed.
 */
#ifndef SIM_CLEANUP_H
#define SIM_CLEANUP_H

#include "cdc/cdc.h"

typedef struct cleanup {
    sqlite3 *sq;
    const sim_db_t *db;
    const catalog_t *cat;
    const uint8_t *mark;            /* new low end point; NULL: only delete what is below the present one */
    const cat_instance_t *instance; /* without a mark: the one to delete from; NULL = all */
    int64_t threshold;              /* rows per DELETE statement */
} cleanup_t;

/** Raises start_lsn of every instance below the mark, then deletes change and mapping rows below the low end points. */
bool cleanup_run(const cleanup_t *c);

/** A mark names a commit time: among mapping rows of the same time the first one is meant. false: no such row. */
bool cleanup_mark(sqlite3 *sq, const sim_db_t *db, const uint8_t given[10], uint8_t ret_mark[10]);

/** Newest position that is at least `retention_min` old. false: none. */
bool cleanup_mark_of_age(sqlite3 *sq, const sim_db_t *db, int64_t now_key, int64_t retention_min, uint8_t ret_mark[10]);

#endif
