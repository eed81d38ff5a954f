/* cdc_scans.c: the last scan sessions, as sys.dm_cdc_log_scan_sessions shows them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc_scans.h"

enum { SCANS_KEPT = 64 };

struct scan_row {
    int id, db_id;
    int64_t start, end; /* datetime keys */
    lsn_t first, last;
    bool any;
    uint64_t transactions, commands, schema_changes;
    int latency, empty_scans;
};

/* The text that SQL Server shows: an empty session's LSN ends with a NUL character, which no reader wants to see here. */
static void lsn_text(const lsn_t *lsn, bool any, char text[24])
{
    static const lsn_t zero;
    const uint8_t *b = any ? lsn->b : zero.b;
    snprintf(text, 24, "%02X%02X%02X%02X:%02X%02X%02X%02X:%02X%02X", b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7],
             b[8], b[9]);
}

void scans_add(sim_server_t *srv, const scan_result_t *r)
{
    pthread_mutex_lock(&srv->lock);
    if (srv->scans == NULL) srv->scans = sim_alloc(SCANS_KEPT * sizeof(*srv->scans));
    scan_row_t *last = srv->nscans == 0 ? NULL : &srv->scans[(srv->scan_at + SCANS_KEPT - 1) % SCANS_KEPT];
    if (r->transactions == 0 && last != NULL && !last->any && last->db_id == r->db_id) {
        last->empty_scans++; /* idle scans share one row, or they would push everything else out */
        last->end = r->end;
    } else {
        srv->scans[srv->scan_at] = (scan_row_t){.id = ++srv->next_scan_id,
                                                .db_id = r->db_id,
                                                .start = r->start,
                                                .end = r->end,
                                                .first = r->first,
                                                .last = r->last,
                                                .any = r->transactions > 0,
                                                .transactions = r->transactions,
                                                .commands = r->commands,
                                                .schema_changes = r->schema_changes,
                                                .latency = r->latency_s,
                                                .empty_scans = r->transactions == 0};
        srv->scan_at = (srv->scan_at + 1) % SCANS_KEPT;
        if (srv->nscans < SCANS_KEPT) srv->nscans++;
    }
    pthread_mutex_unlock(&srv->lock);
}

char *cdc_scans_sql(sim_server_t *srv)
{
    buf_t sql = {0};
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->nscans; i++) {
        const scan_row_t *r = &srv->scans[i];
        char first[24], last[24];
        lsn_text(&r->first, r->any, first);
        lsn_text(&r->last, r->any, last);
        buf_printf(
            &sql,
            "%sSELECT %d AS session_id,%lld AS start_time,%lld AS end_time,%lld AS duration,'Done' AS scan_phase,0 AS "
            "error_count,"
            "'%s' AS start_lsn,'%s' AS current_lsn,'%s' AS end_lsn,%llu AS tran_count,'%s' AS last_commit_lsn,%lld AS "
            "last_commit_time,"
            "%llu AS log_record_count,%llu AS schema_change_count,%llu AS command_count,'%s' AS first_begin_cdc_lsn,"
            "'%s' AS last_commit_cdc_lsn,%lld AS last_commit_cdc_time,%d AS latency,%d AS empty_scan_count,0 AS "
            "failed_sessions_count",
            sql.len > 0 ? " UNION ALL " : "", r->id, (long long)r->start, (long long)r->end,
            (long long)((r->end - r->start) / 300), first, last, last, (unsigned long long)r->transactions, last,
            (long long)r->end, (unsigned long long)r->commands, (unsigned long long)r->schema_changes,
            (unsigned long long)r->commands, first, last, (long long)r->end, r->latency, r->empty_scans);
    }
    pthread_mutex_unlock(&srv->lock);
    if (sql.len == 0)
        buf_adds(&sql, "SELECT 0 AS session_id,0 AS start_time,0 AS end_time,0 AS duration,'' AS scan_phase,0 AS "
                       "error_count,'' AS start_lsn,"
                       "'' AS current_lsn,'' AS end_lsn,0 AS tran_count,'' AS last_commit_lsn,0 AS last_commit_time,0 "
                       "AS log_record_count,"
                       "0 AS schema_change_count,0 AS command_count,'' AS first_begin_cdc_lsn,'' AS "
                       "last_commit_cdc_lsn,0 AS last_commit_cdc_time,"
                       "0 AS latency,0 AS empty_scan_count,0 AS failed_sessions_count WHERE 0");
    char *text = sim_strdup(buf_text(&sql));
    buf_done(&sql);
    return text;
}

void cdc_free_scans(sim_server_t *srv)
{
    free(srv->scans);
    srv->scans = NULL;
    srv->nscans = 0;
}
