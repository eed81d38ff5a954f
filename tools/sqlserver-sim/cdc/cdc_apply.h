/* cdc_apply.h: one committed transaction becomes rows of the change tables. Used by the capture thread only. */
#ifndef SIM_CDC_APPLY_H
#define SIM_CDC_APPLY_H

#include "cdc/cdc_record.h"

typedef struct log_entry {
    int64_t seq, begin_time, end_time, tran_id;
    lsn_t start, begin;
    const char *body;
    size_t len;
} log_entry_t;

typedef struct applier {
    sim_server_t *srv;
    sqlite3 *sq;
    sim_db_t *db;
    const catalog_t *cat;
    struct ct_insert *inserts; /* prepared statements by instance */
    size_t ninserts;
    uint64_t commands, schema_changes; /* counted for the scan session */
    bool altered;                      /* a column type of a change table must follow; see apply_alters */
    buf_t alters;                      /* pairs of object id and column id, 4 bytes each */
} applier_t;

void applier_init(applier_t *ap, sim_server_t *srv, sqlite3 *sq, sim_db_t *db, const catalog_t *cat);
void applier_done(applier_t *ap);
/** Inside a transaction of the change file. @return false = SQLite failed */
bool apply_entry(applier_t *ap, const log_entry_t *entry);
/** Lets change table columns follow ALTER COLUMN; writes the data file's catalog. @return false = try again later */
bool apply_alters(applier_t *ap);

#endif
