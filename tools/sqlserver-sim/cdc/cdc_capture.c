/* cdc_capture.c: the capture thread: reads committed transactions from each database's log and writes its change tables.
 *
 * It has a connection of its own per database. Change rows, mapping rows and the position reached are one transaction of
 * the change file; the data file is only read, so an open user transaction never delays a scan. Log rows behind the
 * position are deleted whenever the data file happens to be free. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cdc/cdc_apply.h"
#include "cdc/cdc_scans.h"

enum { SCAN_TRANSACTIONS = 5000, SCAN_BYTES = 64 << 20, TICKS_PER_SECOND_KEY = 300 };

typedef struct reader { /* the capture thread's view of one database */
    struct reader *next;
    sim_db_t *db;
    sqlite3 *sq;
    catalog_t *cat;
    int64_t waiting_since; /* capture_delay: when the oldest unread transaction was first seen; 0 = nothing waits */
    int64_t last_change_ms;
} reader_t;

/* ---- connections -------------------------------------------------------------------------------------------- */

static bool exec(sqlite3 *sq, char *sql)
{
    bool ok = sql != NULL && sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    return ok;
}

static void reader_free(reader_t *r)
{
    catalog_free(r->cat);
    sqlite3_close_v2(r->sq);
    free(r);
}

static reader_t *reader_new(sim_server_t *srv, sim_db_t *db)
{
    reader_t *r = sim_alloc(sizeof(*r));
    r->db = db;
    r->last_change_ms = mono_ms();
    char *d = server_db_path(srv, db, false), *x = server_db_path(srv, db, true);
    bool ok =
        sqlite_open(srv, NULL, &r->sq) &&
        exec(r->sq, sqlite3_mprintf(
                        "ATTACH %Q AS %s;ATTACH %Q AS %s;PRAGMA %s.synchronous=NORMAL;PRAGMA %s.synchronous=NORMAL", d,
                        db->attach, x, db->xattach, db->attach, db->xattach));
    free(d);
    free(x);
    if (ok) return r;
    reader_free(r);
    return NULL;
}

static bool reader_catalog(reader_t *r)
{
    int64_t version = catalog_version(r->sq, r->db->attach);
    if (r->cat != NULL && r->cat->version == version) return true;
    catalog_free(r->cat);
    r->cat = catalog_load(r->sq, r->db->attach, r->db->xattach);
    return r->cat != NULL;
}

static bool query_int(reader_t *r, const char *fmt, const char *attach, int64_t *ret)
{
    sqlite3_stmt *st = NULL;
    char *sql = sqlite3_mprintf(fmt, attach);
    bool ok = sqlite3_prepare_v2(r->sq, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;
    if (ok) *ret = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return ok;
}

/* ---- one scan ----------------------------------------------------------------------------------------------- */

static bool read_entry(sqlite3_stmt *st, log_entry_t *e)
{
    if (sqlite3_column_bytes(st, 1) != 10 || sqlite3_column_bytes(st, 2) != 10) return false;
    e->seq = sqlite3_column_int64(st, 0);
    memcpy(e->start.b, sqlite3_column_blob(st, 1), 10);
    memcpy(e->begin.b, sqlite3_column_blob(st, 2), 10);
    e->begin_time = sqlite3_column_int64(st, 3);
    e->end_time = sqlite3_column_int64(st, 4);
    e->tran_id = sqlite3_column_int64(st, 5);
    e->body = sqlite3_column_blob(st, 6);
    e->len = (size_t)sqlite3_column_bytes(st, 6);
    return true;
}

/* Applies what is behind `pos`, a bounded piece of it. @return false = SQLite failed, nothing of it has happened */
static bool apply_from(sim_server_t *srv, reader_t *r, applier_t *ap, int64_t *pos, scan_result_t *result,
                       bool *ret_more)
{
    sqlite3_stmt *st = NULL;
    char *sql = sqlite3_mprintf(
        "SELECT seq,start_lsn,begin_lsn,begin_time,end_time,tran_id,body FROM %s._sim_log WHERE seq>%lld ORDER BY seq",
        r->db->attach, (long long)*pos);
    bool ok = sqlite3_prepare_v2(r->sq, sql, -1, &st, NULL) == SQLITE_OK;
    size_t bytes = 0;
    int rc = SQLITE_DONE;
    sqlite3_free(sql);
    while (ok && result->transactions < SCAN_TRANSACTIONS && bytes < SCAN_BYTES &&
           (rc = sqlite3_step(st)) == SQLITE_ROW) {
        log_entry_t e;
        ok = read_entry(st, &e) && apply_entry(ap, &e);
        if (result->transactions++ == 0) result->first = e.start;
        result->last = e.start;
        result->latency_s = (int)((datetime_key(server_local(srv)) - e.end_time) / TICKS_PER_SECOND_KEY);
        *pos = e.seq;
        bytes += e.len;
    }
    sqlite3_finalize(st);
    result->commands += ap->commands;
    result->schema_changes += ap->schema_changes;
    *ret_more = rc == SQLITE_ROW; /* a limit ended the round */
    return ok && (rc == SQLITE_ROW || rc == SQLITE_DONE);
}

static void forget_applied(reader_t *r, int64_t pos)
{
    sqlite3_busy_timeout(r->sq, 0); /* no hurry: the next scan tries again */
    (void)exec(r->sq, sqlite3_mprintf("DELETE FROM %s._sim_log WHERE seq<=%lld", r->db->attach, (long long)pos));
    sqlite3_busy_timeout(r->sq, 10000);
}

/* One round. *ret_more: there was more than one round takes. */
static bool scan_once(sim_server_t *srv, reader_t *r, bool *ret_more)
{
    int64_t pos, before;
    scan_result_t result = {.db_id = r->db->id, .start = datetime_key(server_local(srv))};
    *ret_more = false;
    if (!reader_catalog(r) || !query_int(r, "SELECT v FROM %s._sim_meta WHERE k='pos'", r->db->xattach, &pos))
        return false;
    before = pos;
    applier_t ap;
    applier_init(&ap, srv, r->sq, r->db, r->cat);
    bool ok = exec(r->sq, sqlite3_mprintf("BEGIN")) && apply_from(srv, r, &ap, &pos, &result, ret_more) &&
              (pos == before || exec(r->sq, sqlite3_mprintf("UPDATE %s._sim_meta SET v=%lld WHERE k='pos'",
                                                            r->db->xattach, (long long)pos))) &&
              exec(r->sq, sqlite3_mprintf("COMMIT"));
    if (!ok) (void)exec(r->sq, sqlite3_mprintf("ROLLBACK"));
    if (ok) {
        (void)apply_alters(&ap);
        if (pos != before) forget_applied(r, pos);
        result.end = datetime_key(server_local(srv));
        scans_add(srv, &result);
        if (result.transactions > 0) r->last_change_ms = mono_ms();
    }
    applier_done(&ap);
    return ok;
}

static bool unread(reader_t *r)
{
    int64_t pos, last = 0;
    return query_int(r, "SELECT v FROM %s._sim_meta WHERE k='pos'", r->db->xattach, &pos) &&
           query_int(r, "SELECT COALESCE(MAX(seq),0) FROM %s._sim_log", r->db->attach, &last) && last > pos;
}

/* While nothing happens, a mapping row without a transaction moves the maximum LSN now and then. */
static void idle_mapping(sim_server_t *srv, reader_t *r)
{
    int64_t vlf, block, now = mono_ms();
    if (srv->config.idle_mapping_ms <= 0 || now - r->last_change_ms < srv->config.idle_mapping_ms) return;
    r->last_change_ms = now;
    if (!reader_catalog(r)) return;
    sqlite3_busy_timeout(r->sq, 0);
    bool ok =
        exec(r->sq, sqlite3_mprintf("BEGIN IMMEDIATE; UPDATE %s._sim_meta SET v=v+8 WHERE k='block'", r->db->attach)) &&
        query_int(r, "SELECT v FROM %s._sim_meta WHERE k='vlf'", r->db->attach, &vlf) &&
        query_int(r, "SELECT v FROM %s._sim_meta WHERE k='block'", r->db->attach, &block);
    sqlite3_busy_timeout(r->sq, 10000);
    if (ok) {
        applier_t ap;
        int64_t key = datetime_key(server_local(srv));
        log_entry_t e = {.begin_time = key, .end_time = key, .start = lsn_make((uint32_t)vlf, (uint32_t)block, 1)};
        e.begin = e.start;
        applier_init(&ap, srv, r->sq, r->db, r->cat);
        ok = apply_entry(&ap, &e) && exec(r->sq, sqlite3_mprintf("COMMIT"));
        applier_done(&ap);
    }
    if (!ok) (void)exec(r->sq, sqlite3_mprintf("ROLLBACK"));
}

/* May the changes that wait be shown already? */
static bool due(reader_t *r, int delay_ms)
{
    if (delay_ms == 0) return true;
    if (!unread(r)) {
        r->waiting_since = 0;
        return false;
    }
    int64_t now = mono_ms();
    if (r->waiting_since == 0) r->waiting_since = now;
    if (now - r->waiting_since < delay_ms) return false;
    r->waiting_since = 0;
    return true;
}

static void scan_db(sim_server_t *srv, reader_t *r, int delay_ms, bool wanted)
{
    bool ok = true, more = true;
    if (wanted || due(r, delay_ms))
        while (ok && more && !srv->stopping) ok = scan_once(srv, r, &more);
    if (ok) idle_mapping(srv, r);
    pthread_mutex_lock(&srv->lock);
    if (wanted) {
        r->db->scan_wanted = false;
        r->db->scan_failed = !ok;
    }
    r->db->scans_done++;
    pthread_cond_broadcast(&srv->scan_done);
    pthread_mutex_unlock(&srv->lock);
}

/* ---- thread ------------------------------------------------------------------------------------------------- */

static reader_t *reader_for(sim_server_t *srv, reader_t **list, sim_db_t *db)
{
    reader_t *r = *list;
    while (r != NULL && r->db != db) r = r->next;
    if (r != NULL) return r;
    r = reader_new(srv, db);
    if (r != NULL) {
        r->next = *list;
        *list = r;
    }
    return r;
}

static void forget_dropped(reader_t **list)
{
    for (reader_t **at = list; *at != NULL;) {
        reader_t *r = *at;
        if (r->db->dropped || !r->db->cdc) {
            *at = r->next;
            reader_free(r);
        } else {
            at = &r->next;
        }
    }
}

/* Scans every database that is due. Database structs live as long as the server, so they may be used without the lock. */
static void round_of_scans(sim_server_t *srv, reader_t **list)
{
    for (size_t i = 0;; i++) {
        pthread_mutex_lock(&srv->lock);
        sim_db_t *db = i < srv->ndbs ? srv->dbs[i] : NULL;
        bool wanted = db != NULL && db->scan_wanted;
        bool go = db != NULL && !db->dropped && db->cdc && (wanted || (!srv->agent_stopped && !srv->capture_paused));
        int delay = srv->capture_delay_ms;
        pthread_mutex_unlock(&srv->lock);
        if (db == NULL || srv->stopping) break;
        if (!go) continue;
        reader_t *r = reader_for(srv, list, db);
        if (r != NULL) scan_db(srv, r, delay, wanted);
    }
    forget_dropped(list);
}

static void *capture_main(void *arg)
{
    sim_server_t *srv = arg;
    reader_t *readers = NULL;
    pthread_mutex_lock(&srv->lock);
    while (!srv->stopping) {
        struct timespec until;
        srv->capture_running = false;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += (long)(srv->config.capture_poll_ms % 1000) * 1000000;
        until.tv_sec += srv->config.capture_poll_ms / 1000 + until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        if (!srv->scan_pending) (void)pthread_cond_timedwait(&srv->capture_wake, &srv->lock, &until);
        srv->scan_pending = false;
        srv->capture_running = true;
        if (srv->stopping) break;
        pthread_mutex_unlock(&srv->lock);
        round_of_scans(srv, &readers);
        pthread_mutex_lock(&srv->lock);
    }
    pthread_cond_broadcast(&srv->scan_done);
    pthread_mutex_unlock(&srv->lock);
    while (readers != NULL) {
        reader_t *next = readers->next;
        reader_free(readers);
        readers = next;
    }
    return NULL;
}

bool capture_start(sim_server_t *srv)
{
    return srv->capture_started = pthread_create(&srv->capture_thread, NULL, capture_main, srv) == 0;
}

void capture_stop(sim_server_t *srv)
{
    if (!srv->capture_started) return;
    pthread_mutex_lock(&srv->lock);
    srv->stopping = true;
    pthread_cond_signal(&srv->capture_wake);
    pthread_mutex_unlock(&srv->lock);
    pthread_join(srv->capture_thread, NULL);
    srv->capture_started = false;
}

void capture_wake(sim_server_t *srv)
{
    if (!srv->config.wake_on_commit) return;
    pthread_mutex_lock(&srv->lock);
    srv->scan_pending = true;
    pthread_cond_signal(&srv->capture_wake);
    pthread_mutex_unlock(&srv->lock);
}

bool capture_scan_now(sim_session_t *s, sim_db_t *db)
{
    sim_server_t *srv = s->server;
    pthread_mutex_lock(&srv->lock);
    db->scan_wanted = srv->scan_pending = true;
    pthread_cond_signal(&srv->capture_wake);
    bool gone = false;
    while (db->scan_wanted && !srv->stopping && !gone) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += 20000000; /* how long a cancel may go unnoticed */
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        (void)pthread_cond_timedwait(&srv->scan_done, &srv->lock, &until);
        pthread_mutex_unlock(&srv->lock);
        gone = client_gone(s);
        pthread_mutex_lock(&srv->lock);
    }
    bool ok = !db->scan_wanted && !db->scan_failed;
    pthread_mutex_unlock(&srv->lock);
    return ok;
}

/* ---- change tables ------------------------------------------------------------------------------------------ */

char *cdc_create_sql(const cat_table_t *ct)
{
    buf_t q = {0};
    buf_printf(&q, "CREATE TABLE IF NOT EXISTS %s(", ct->storage);
    for (size_t i = 0; i < ct->ncols; i++) buf_printf(&q, "c%d,", ct->cols[i].id);
    buf_printf(&q, "PRIMARY KEY(c%d,c%d,c%d,c%d)) WITHOUT ROWID", ct->cols[0].id, ct->cols[ct->ncols - 1].id,
               ct->cols[2].id, ct->cols[3].id);
    return q.ptr;
}

/* The two files commit one after the other; a crash in between can leave an instance without its table. */
bool cdc_reconcile(sqlite3 *sq, sim_db_t *db, const catalog_t *cat)
{
    bool ok = true;
    (void)db;
    for (size_t i = 0; ok && i < cat->ninstances; i++) {
        const cat_table_t *ct = catalog_table_id(cat, cat->instances[i].ct_id);
        if (ct == NULL || ct->ncols < 6) continue;
        char *sql = cdc_create_sql(ct);
        ok = sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK;
        free(sql);
    }
    return ok;
}
