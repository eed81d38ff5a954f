/* apply.h: log entries become change-table rows: the writing half of a capture scan.
 * Threads    the capture thread.
 * Ownership  everything is borrowed; the catalog's captured types follow an ALTER COLUMN that is applied.
 * Errors     false = SQLite failed; the caller rolls back.
 */
#ifndef SIM_APPLY_H
#define SIM_APPLY_H

#include "cdc/logfmt.h"

typedef struct log_entry { /* one row of _sim_log */
    int64_t seq;
    lsn_t commit, begin;
    int64_t begin_time, end_time, tran;
    char *body;
    size_t len;
} log_entry_t;

typedef struct applier {
    sqlite3 *sq;
    sim_server_t *srv;
    const sim_db_t *db;
    catalog_t *cat;
    bool data_file;  /* in: the data file may be written, so ALTER COLUMN can be followed */
    bool needs_data; /* out: stopped before an entry that needs the data file */
    size_t records;  /* out: change records seen */
} applier_t;

/** Applies entries inside the caller's SQLite transaction. *ret_done = entries applied before the end or `needs_data`. */
bool apply_entries(applier_t *a, const log_entry_t *entries, size_t n, size_t *ret_done);

/** One row of cdc.lsn_time_mapping; tran 0 = a dummy row. Times are datetime keys. */
bool apply_mapping(sqlite3 *sq, const sim_db_t *db, const lsn_t *lsn, int64_t begin, int64_t end, int64_t tran,
                   const lsn_t *begin_lsn);

/** sqlite3_mprintf text, prepared. NULL = it failed. */
sqlite3_stmt *apply_prepare(sqlite3 *sq, const char *fmt, ...);

#endif
