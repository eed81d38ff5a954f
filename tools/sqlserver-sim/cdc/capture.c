/* capture.c: the capture thread. A scan takes a bounded number of transactions from the log and writes their rows, their
 * mapping rows and its own position in one SQLite transaction of the change file. The same thread runs the cleanup job. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cdc/apply.h"
#include "cdc/cleanup.h"
#include "cdc/scans.h"
#include "gen/gen.h"

enum { SCAN_BYTES_MAX = 64 << 20 };
#define CLEANUP_EVERY (60 * 300) /* datetime ticks of the server's clock */

typedef struct cap_db {
    sim_db_t *db;
    sqlite3 *sq;
    catalog_t *cat;
    int64_t cleaned_at; /* datetime key of the cleanup job's last run, 0 = none */
    struct cap_db *next;
} cap_db_t;

typedef struct capture {
    sim_server_t *srv;
    sim_session_t *owner; /* stands for this thread in the list of locks; never a session with a client */
    cap_db_t *dbs;
} capture_t;

typedef enum scan_end { SCAN_FAILED, SCAN_IDLE, SCAN_BUSY, SCAN_TOOK } scan_end_t;

static void cap_close(cap_db_t *c)
{
    catalog_free(c->cat);
    sqlite3_close_v2(c->sq);
    free(c);
}

static cap_db_t *cap_open(sim_server_t *srv, sim_db_t *db)
{
    cap_db_t *c = sim_alloc(sizeof(*c));
    c->db = db;
    if (!sqlite_open(srv, NULL, &c->sq)) {
        free(c);
        return NULL;
    }
    char *f = server_db_path(srv, db, false), *x = server_db_path(srv, db, true);
    char *sql =
        sqlite3_mprintf("ATTACH %Q AS %s;ATTACH %Q AS %s;PRAGMA %s.synchronous=NORMAL;PRAGMA %s.synchronous=NORMAL", f,
                        db->attach, x, db->xattach, db->attach, db->xattach);
    bool ok = sqlite3_exec(c->sq, sql, NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    free(f);
    free(x);
    if (ok) return c;
    cap_close(c);
    return NULL;
}

static int64_t get_int(cap_db_t *c, const char *fmt, const char *a, int64_t dflt)
{
    sqlite3_stmt *st = apply_prepare(c->sq, fmt, a);
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW) dflt = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return dflt;
}

static bool plain(cap_db_t *c, const char *sql)
{
    return sqlite3_exec(c->sq, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool load_catalog(cap_db_t *c)
{
    if (c->cat != NULL && c->cat->version == catalog_version(c->sq, c->db->attach)) return true;
    catalog_free(c->cat);
    c->cat = catalog_load(c->sq, c->db->attach, c->db->xattach);
    return c->cat != NULL;
}

/* ---- a scan ---- */

static bool idle_mapping(sim_server_t *srv, cap_db_t *c)
{
    int every = srv->config.idle_mapping_ms;
    if (every <= 0 || mono_ms() - c->db->last_mapping_ms < every) return true;
    bool first = c->db->last_mapping_ms == 0;
    c->db->last_mapping_ms = mono_ms();
    if (first) return true; /* the interval starts with the first look at the database */
    int64_t vlf = get_int(c, "SELECT v FROM %s._sim_meta WHERE k='vlf'", c->db->attach, 39),
            block = get_int(c, "SELECT v FROM %s._sim_meta WHERE k='block'", c->db->attach, 0);
    int64_t n = get_int(c, "SELECT v FROM %s._sim_meta WHERE k='idle'", c->db->xattach, 0) + 1;
    /* between the last reserved block and the next one, which starts eight further */
    lsn_t l = lsn_make((uint32_t)vlf, (uint32_t)block + 1, (uint32_t)(n % 65535));
    int64_t now = datetime_key(server_local(srv));
    char *sql =
        sqlite3_mprintf("INSERT OR REPLACE INTO %s._sim_meta VALUES('idle',%lld)", c->db->xattach, (long long)n);
    bool ok = plain(c, sql) && apply_mapping(c->sq, c->db, &l, now, now, 0, &l);
    sqlite3_free(sql);
    return ok;
}

static size_t read_log(sim_server_t *srv, cap_db_t *c, int delay_ms, log_entry_t **ret_entries, bool *ret_ok)
{
    int64_t pos = get_int(c, "SELECT v FROM %s._sim_meta WHERE k='pos'", c->db->xattach, 0);
    int64_t limit =
        get_int(c, "SELECT maxtrans*maxscans FROM %s._cdc_jobs WHERE job_type='capture'", c->db->attach, 5000);
    int64_t before = INT64_MAX;
    if (delay_ms > 0) before = datetime_key(server_local(srv)) - (int64_t)delay_ms * 300 / 1000;
    sqlite3_stmt *st =
        apply_prepare(c->sq,
                      "SELECT seq,start_lsn,begin_lsn,begin_time,end_time,tran_id,body FROM %s._sim_log WHERE "
                      "seq>%lld AND end_time<=%lld ORDER BY seq LIMIT %lld",
                      c->db->attach, (long long)pos, (long long)before, (long long)(limit < 1 ? 1 : limit));
    log_entry_t *es = NULL;
    size_t n = 0, bytes = 0;
    *ret_ok = st != NULL;
    while (*ret_ok && bytes < SCAN_BYTES_MAX && sqlite3_step(st) == SQLITE_ROW) {
        es = sim_realloc(es, sizeof(*es) * (n + 1));
        log_entry_t *e = &es[n++];
        e->seq = sqlite3_column_int64(st, 0);
        memcpy(e->commit.b, sqlite3_column_blob(st, 1), 10);
        memcpy(e->begin.b, sqlite3_column_blob(st, 2), 10);
        e->begin_time = sqlite3_column_int64(st, 3);
        e->end_time = sqlite3_column_int64(st, 4);
        e->tran = sqlite3_column_int64(st, 5);
        e->len = (size_t)sqlite3_column_bytes(st, 6);
        e->body = sim_strndup(e->len != 0 ? sqlite3_column_blob(st, 6) : "", e->len);
        bytes += e->len;
    }
    sqlite3_finalize(st);
    *ret_entries = es;
    return n;
}

/* Writes entries and the position behind them. The data file is only written for ALTER COLUMN, and only when no user
 * transaction holds it: *ret_done is then 0 and *ret_busy set. */
static bool write_entries(capture_t *cap, cap_db_t *c, const log_entry_t *es, size_t n, size_t *ret_done,
                          size_t *ret_records, bool *ret_busy)
{
    applier_t a = {.sq = c->sq, .srv = cap->srv, .db = c->db};
    bool ok;
    *ret_busy = false;
    for (;;) {
        /* the catalog is read after the entries, so it knows every instance they could belong to */
        if (!load_catalog(c) || !plain(c, "BEGIN")) return false;
        a.cat = c->cat;
        ok = apply_entries(&a, es, n, ret_done);
        if (!ok || !a.needs_data) break;
        plain(c, "ROLLBACK");
        a.data_file = *ret_done == 0;
        n = a.data_file ? 1 : *ret_done;
        if (!a.data_file) continue;
        *ret_done = 0;
        *ret_busy = !lock_try(cap->owner, c->db->id, 0);
        if (*ret_busy) return true;
    }
    char *sql = sqlite3_mprintf("UPDATE %s._sim_meta SET v=%lld WHERE k='pos';COMMIT", c->db->xattach,
                                (long long)es[n - 1].seq);
    ok = ok && plain(c, sql);
    sqlite3_free(sql);
    if (!ok) plain(c, "ROLLBACK");
    if (a.data_file) lock_release_all(cap->owner);
    *ret_records = a.records;
    return ok;
}

static scan_end_t scan(capture_t *cap, cap_db_t *c, int delay_ms)
{
    sim_server_t *srv = cap->srv;
    int64_t start = datetime_key(server_local(srv));
    log_entry_t *es;
    bool ok, busy = false;
    size_t n = read_log(srv, c, delay_ms, &es, &ok), done = 0, records = 0;
    if (ok && n == 0) {
        ok = idle_mapping(srv, c);
        if (ok) scans_add_empty(srv, c->db, start);
    } else if (ok) {
        ok = write_entries(cap, c, es, n, &done, &records, &busy);
    }
    if (ok && done > 0) {
        __atomic_store_n(&c->db->captured_pos, es[done - 1].seq, __ATOMIC_RELAXED);
        c->db->last_mapping_ms = mono_ms();
        scans_add(srv, c->db, start, &es[0], &es[done - 1], done, records);
    }
    for (size_t i = 0; i < n; i++) free(es[i].body);
    free(es);
    return !ok ? SCAN_FAILED : busy ? SCAN_BUSY : done > 0 ? SCAN_TOOK : SCAN_IDLE;
}

/* ---- the cleanup job ---- */

static bool clean(capture_t *cap, cap_db_t *c, int64_t retention, int64_t threshold)
{
    uint8_t mark[10];
    if (!cleanup_mark_of_age(c->sq, c->db, datetime_key(server_local(cap->srv)), retention, mark)) return true;
    if (!load_catalog(c) || !plain(c, "BEGIN IMMEDIATE")) return false;
    uint64_t version = __atomic_add_fetch(&cap->srv->catalog_version, 1, __ATOMIC_RELAXED);
    cleanup_t job = {.sq = c->sq, .db = c->db, .cat = c->cat, .mark = mark, .threshold = threshold};
    char *sql =
        sqlite3_mprintf("UPDATE %s._sim_meta SET v=%lld WHERE k='catver';COMMIT", c->db->attach, (long long)version);
    bool ok = cleanup_run(&job) && plain(c, sql);
    sqlite3_free(sql);
    if (!ok) plain(c, "ROLLBACK");
    return ok;
}

/* Runs when it is due or asked for; tried again with the next poll while a user transaction holds the files. */
static void cleanup_job(capture_t *cap, cap_db_t *c, bool wanted)
{
    int64_t now = datetime_key(server_local(cap->srv)), retention = -1, threshold = 0;
    if (!wanted && c->cleaned_at != 0 && now - c->cleaned_at < CLEANUP_EVERY && now >= c->cleaned_at) return;
    sqlite3_stmt *st =
        apply_prepare(c->sq, "SELECT retention,threshold FROM %s._cdc_jobs WHERE job_type='cleanup'", c->db->attach);
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
        retention = sqlite3_column_int64(st, 0);
        threshold = sqlite3_column_int64(st, 1);
    }
    sqlite3_finalize(st);
    if (retention < 0) return;
    if (lock_try(cap->owner, c->db->id, 0) && lock_try(cap->owner, c->db->id, -1) &&
        clean(cap, c, retention, threshold)) {
        c->cleaned_at = now;
        pthread_mutex_lock(&cap->srv->lock);
        c->db->cleanup_wanted = false;
        pthread_mutex_unlock(&cap->srv->lock);
    }
    lock_release_all(cap->owner);
}

/* ---- the thread ---- */

static cap_db_t *find_db(capture_t *cap, sim_db_t *db)
{
    cap_db_t *c = cap->dbs;
    while (c != NULL && c->db != db) c = c->next;
    if (c == NULL && (c = cap_open(cap->srv, db)) != NULL) {
        c->next = cap->dbs;
        cap->dbs = c;
    }
    return c;
}

typedef struct turn {
    bool asked;   /* sp_cdc_scan waits for it */
    bool agent;   /* jobs run */
    bool capture; /* the capture job, if there is one, runs */
    bool cleanup; /* the cleanup job was started by hand */
    int delay_ms; /* fault: younger transactions are not seen yet */
} turn_t;

/* One database's turn, without the lock. */
static scan_end_t turn(capture_t *cap, sim_db_t *db, const turn_t *what)
{
    cap_db_t *c = find_db(cap, db);
    if (c == NULL) return SCAN_FAILED;
    if (what->agent) cleanup_job(cap, c, what->cleanup);
    bool job =
        what->capture && get_int(c, "SELECT count(*) FROM %s._cdc_jobs WHERE job_type='capture'", db->attach, 0) > 0;
    if (job && !gen_advance(cap->srv, c->sq, db)) return SCAN_FAILED;
    return what->asked || job ? scan(cap, c, what->delay_ms) : SCAN_IDLE;
}

static void *capture_main(void *arg)
{
    sim_server_t *srv = arg;
    capture_t cap = {.srv = srv, .owner = sim_alloc(sizeof(*cap.owner))};
    cap.owner->server = srv;
    pthread_mutex_lock(&srv->lock);
    while (!srv->stopping) {
        bool again = false;
        for (size_t i = 0; i < srv->ndbs && !srv->stopping; i++) {
            sim_db_t *db = srv->dbs[i];
            bool cdc = __atomic_load_n(&db->cdc, __ATOMIC_RELAXED);
            turn_t what = {.asked = db->scan_wanted, .agent = cdc && !srv->agent_stopped};
            what.delay_ms = srv->capture_delay_ms;
            what.capture = what.agent && !db->capture_stopped && !srv->capture_paused;
            what.cleanup = what.agent && db->cleanup_wanted;
            if (!db->user_db || db->dropped || db->secondary || (!what.asked && !what.agent)) continue;
            pthread_mutex_unlock(&srv->lock);
            scan_end_t end = turn(&cap, db, &what);
            pthread_mutex_lock(&srv->lock);
            again = again || end == SCAN_TOOK;
            if (end == SCAN_IDLE || end == SCAN_FAILED) db->scan_wanted = db->scan_wanted && !what.asked;
            db->scan_failed = end == SCAN_FAILED;
            db->scans_done++;
            pthread_cond_broadcast(&srv->scan_done);
        }
        if (again || srv->stopping) continue;
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        int64_t ns =
            ts.tv_nsec + (int64_t)(srv->config.capture_poll_ms > 0 ? srv->config.capture_poll_ms : 1) * 1000000;
        ts.tv_sec += ns / 1000000000;
        ts.tv_nsec = ns % 1000000000;
        pthread_cond_timedwait(&srv->capture_wake, &srv->lock, &ts);
    }
    pthread_mutex_unlock(&srv->lock);
    while (cap.dbs != NULL) {
        cap_db_t *next = cap.dbs->next;
        cap_close(cap.dbs);
        cap.dbs = next;
    }
    free(cap.owner);
    return NULL;
}

bool capture_start(sim_server_t *srv)
{
    srv->capture_running = pthread_create(&srv->capture_thread, NULL, capture_main, srv) == 0;
    return srv->capture_running;
}

void capture_stop(sim_server_t *srv)
{
    if (!srv->capture_running) return;
    pthread_mutex_lock(&srv->lock);
    srv->stopping = true;
    pthread_cond_broadcast(&srv->capture_wake);
    pthread_mutex_unlock(&srv->lock);
    pthread_join(srv->capture_thread, NULL);
    srv->capture_running = false;
}

void capture_wake(sim_server_t *srv)
{
    if (!srv->config.wake_on_commit) return;
    pthread_mutex_lock(&srv->lock);
    pthread_cond_signal(&srv->capture_wake);
    pthread_mutex_unlock(&srv->lock);
}

bool capture_scan_now(sim_session_t *s, sim_db_t *db)
{
    sim_server_t *srv = s->server;
    pthread_mutex_lock(&srv->lock);
    db->scan_wanted = true;
    pthread_cond_signal(&srv->capture_wake);
    while (db->scan_wanted && !srv->stopping && !client_gone(s)) {
        struct timespec ts;
        clock_gettime(CLOCK_MONOTONIC, &ts);
        ts.tv_nsec += 20 * 1000000L;
        if (ts.tv_nsec >= 1000000000L) {
            ts.tv_nsec -= 1000000000L;
            ts.tv_sec++;
        }
        pthread_cond_timedwait(&srv->scan_done, &srv->lock, &ts);
    }
    bool ok = !db->scan_failed;
    pthread_mutex_unlock(&srv->lock);
    return ok;
}

/* After a crash between the commits of the two files: change tables that only one of them knows. */
bool cdc_reconcile(sqlite3 *sq, sim_db_t *db, const catalog_t *cat)
{
    bool ok = true;
    sqlite3_stmt *st;
    for (size_t i = 0; ok && i < cat->ntables; i++) {
        const cat_table_t *t = &cat->tables[i];
        if (!t->in_cdc) continue;
        buf_t q = {0};
        buf_printf(&q, "CREATE TABLE IF NOT EXISTS %s(", t->storage);
        for (size_t k = 0; k < t->ncols; k++)
            buf_printf(&q, "%sc%d%s", k > 0 ? "," : "", t->cols[k].id,
                       type_is_char(t->cols[k].type.base) ? " COLLATE SQLCI" : "");
        buf_addc(&q, ')');
        ok = sqlite3_exec(sq, buf_text(&q), NULL, NULL, NULL) == SQLITE_OK;
        buf_done(&q);
    }
    char *sql = sqlite3_mprintf("SELECT v FROM %s._sim_meta WHERE k='pos'", db->xattach);
    if (ok && sqlite3_prepare_v2(sq, sql, -1, &st, NULL) == SQLITE_OK) {
        if (sqlite3_step(st) == SQLITE_ROW) db->captured_pos = sqlite3_column_int64(st, 0);
        sqlite3_finalize(st);
    }
    sqlite3_free(sql);
    return ok;
}
