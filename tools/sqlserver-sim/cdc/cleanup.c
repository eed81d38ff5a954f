/* cleanup.c: see cleanup.h. */
#include "cdc/cleanup.h"

#include <string.h>

#include "cdc/apply.h"

static bool step(sqlite3_stmt *st, const uint8_t *lsn)
{
    if (st == NULL) return false;
    sqlite3_bind_blob(st, 1, lsn, 10, SQLITE_STATIC);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

static bool delete_below(const cleanup_t *c, const cat_table_t *ct, const uint8_t *lsn)
{
    int64_t threshold = c->threshold > 0 ? c->threshold : 5000;
    do {
        if (!step(apply_prepare(c->sq, "DELETE FROM %s WHERE rowid IN (SELECT rowid FROM %s WHERE c1<?1 LIMIT %lld)",
                                ct->storage, ct->storage, (long long)threshold),
                  lsn))
            return false;
    } while (sqlite3_changes(c->sq) >= threshold);
    return true;
}

bool cleanup_run(const cleanup_t *c)
{
    uint8_t low[10];
    bool have_low = false;
    for (size_t i = 0; i < c->cat->ninstances; i++) {
        const cat_instance_t *in = &c->cat->instances[i];
        const cat_table_t *ct = catalog_table_id(c->cat, in->ct_id);
        if (ct == NULL || !in->has_start) continue;
        bool raise = c->mark != NULL && memcmp(in->start_lsn, c->mark, 10) < 0;
        const uint8_t *start = raise ? c->mark : in->start_lsn;
        if (raise && !step(apply_prepare(c->sq, "UPDATE %s._cdc_change_tables SET start_lsn=?1 WHERE object_id=%d",
                                         c->db->attach, in->ct_id),
                           start))
            return false;
        if (!have_low || memcmp(start, low, 10) < 0) memcpy(low, start, 10);
        have_low = true;
        if ((c->instance == NULL || c->instance == in) && !delete_below(c, ct, start)) return false;
    }
    /* the newest row stays: without it the database would have no maximum LSN */
    return !have_low || step(apply_prepare(c->sq,
                                           "DELETE FROM %s._cdc_lsn_time_mapping WHERE start_lsn<?1 AND start_lsn<"
                                           "(SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping)",
                                           c->db->xattach, c->db->xattach),
                             low);
}

static bool fetch(sqlite3_stmt *st, uint8_t ret_mark[10])
{
    bool found = st != NULL && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == 10;
    if (found) memcpy(ret_mark, sqlite3_column_blob(st, 0), 10);
    sqlite3_finalize(st);
    return found;
}

bool cleanup_mark(sqlite3 *sq, const sim_db_t *db, const uint8_t given[10], uint8_t ret_mark[10])
{
    sqlite3_stmt *st = apply_prepare(sq,
                                     "SELECT min(start_lsn) FROM %s._cdc_lsn_time_mapping WHERE tran_end_time="
                                     "(SELECT tran_end_time FROM %s._cdc_lsn_time_mapping WHERE start_lsn=?1)",
                                     db->xattach, db->xattach);
    if (st != NULL) sqlite3_bind_blob(st, 1, given, 10, SQLITE_STATIC);
    return fetch(st, ret_mark);
}

bool cleanup_mark_of_age(sqlite3 *sq, const sim_db_t *db, int64_t now_key, int64_t retention_min, uint8_t ret_mark[10])
{
    return fetch(apply_prepare(sq, "SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping WHERE tran_end_time<=%lld",
                               db->xattach, (long long)(now_key - retention_min * 60 * 300)),
                 ret_mark);
}
