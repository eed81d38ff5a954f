/* scans.c: see scans.h. A ring for the whole server; the view shows the rows of one database. */
#include "cdc/scans.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct scan_row {
    int id, db_id;
    int64_t start, end;
    char start_lsn[24], end_lsn[24]; /* start_lsn "" = nothing found */
    int64_t trans, records;
    int64_t last_commit;
    int latency, empty;
};
#define SCAN_ROWS 100

static void lsn_text(const uint8_t *l, char out[24])
{
    snprintf(out, 24, "%02x%02x%02x%02x:%02x%02x%02x%02x:%02x%02x", l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7],
             l[8], l[9]);
}

/* Under the lock. */
static scan_row_t *next_row(sim_server_t *srv, const sim_db_t *db, int64_t start)
{
    if (srv->scans == NULL) srv->scans = sim_alloc(sizeof(scan_row_t) * SCAN_ROWS);
    scan_row_t *r = &srv->scans[srv->scan_at];
    memset(r, 0, sizeof(*r));
    srv->scan_at = (srv->scan_at + 1) % SCAN_ROWS;
    if (srv->nscans < SCAN_ROWS) srv->nscans++;
    r->id = ++srv->next_scan_id;
    r->db_id = db->id;
    r->start = start;
    r->end = datetime_key(server_local(srv));
    return r;
}

void scans_add(sim_server_t *srv, const sim_db_t *db, int64_t start, const log_entry_t *first, const log_entry_t *last,
               size_t n, size_t records)
{
    pthread_mutex_lock(&srv->lock);
    scan_row_t *r = next_row(srv, db, start);
    r->trans = (int64_t)n;
    r->records = (int64_t)records;
    lsn_text(first->commit.b, r->start_lsn);
    lsn_text(last->commit.b, r->end_lsn);
    r->last_commit = last->end_time;
    r->latency = (int)((r->end - last->end_time) / 300);
    pthread_mutex_unlock(&srv->lock);
}

void scans_add_empty(sim_server_t *srv, const sim_db_t *db, int64_t start)
{
    scan_row_t *newest = NULL;
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->nscans; i++)
        if (srv->scans[i].db_id == db->id && (newest == NULL || srv->scans[i].id > newest->id)) newest = &srv->scans[i];
    if (newest == NULL || newest->start_lsn[0] != '\0') newest = next_row(srv, db, start);
    newest->end = datetime_key(server_local(srv));
    newest->empty++;
    pthread_mutex_unlock(&srv->lock);
}

void cdc_free_scans(sim_server_t *srv)
{
    free(srv->scans);
}

char *cdc_scans_sql(sim_server_t *srv, const sim_db_t *db)
{
    static const char cols[] = "%s %d AS session_id,%lld AS start_time,%lld AS end_time,%lld AS duration,'Done' AS "
                               "scan_phase,0 AS error_count,%s AS start_lsn,"
                               "%s AS current_lsn,%s AS end_lsn,%lld AS tran_count,%s AS last_commit_lsn,%lld AS "
                               "last_commit_time,%lld AS log_record_count,0 AS schema_change_count,"
                               "%lld AS command_count,%s AS first_begin_cdc_lsn,%s AS last_commit_cdc_lsn,%lld AS "
                               "last_commit_cdc_time,%d AS latency,%d AS empty_scan_count,"
                               "0 AS failed_sessions_count";
    static const char nothing[] = "'00000000:00000000:0000'||char(0)"; /* as SQL Server writes it, NUL included */
    buf_t b = {0};
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->nscans && !db->secondary; i++) {
        const scan_row_t *r = &srv->scans[i];
        char a[40], e[40];
        if (r->db_id != db->id) continue;
        snprintf(a, sizeof(a), r->start_lsn[0] != '\0' ? "'%s'" : "%s",
                 r->start_lsn[0] != '\0' ? r->start_lsn : nothing);
        snprintf(e, sizeof(e), r->start_lsn[0] != '\0' ? "'%s'" : "%s", r->start_lsn[0] != '\0' ? r->end_lsn : nothing);
        buf_printf(&b, cols, b.len == 0 ? "SELECT" : " UNION ALL SELECT", r->id, (long long)r->start, (long long)r->end,
                   (long long)((r->end - r->start) / 300), a, e, e, (long long)r->trans, e, (long long)r->last_commit,
                   (long long)r->records, (long long)r->records, a, e, (long long)r->last_commit, r->latency, r->empty);
    }
    pthread_mutex_unlock(&srv->lock);
    if (b.len == 0) {
        const char *z = "NULL";
        buf_printf(&b, cols, "SELECT", 0, 0LL, 0LL, 0LL, z, z, z, 0LL, z, 0LL, 0LL, 0LL, z, z, 0LL, 0, 0);
        buf_adds(&b, " WHERE 0");
    }
    return b.ptr;
}
