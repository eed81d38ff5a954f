/* capture.c: the capture thread: log entries become change-table rows. One scan takes a bounded number of transactions and
 * writes their rows, their mapping rows and its own position in one SQLite transaction of the change file. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cdc/logfmt.h"

struct scan_row {
    int id;
    int64_t start, end;
    char start_lsn[24], end_lsn[24];
    int64_t trans, records;
    int64_t last_commit;
    int latency;
};
#define SCAN_ROWS 100

typedef struct cap_db {
    sim_db_t *db;
    sqlite3 *sq;
    catalog_t *cat;
    struct cap_db *next;
} cap_db_t;

typedef struct ct_insert { /* prepared insert of one instance */
    const cat_instance_t *in;
    const cat_table_t *ct;
    sqlite3_stmt *st;
} ct_insert_t;

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

static sqlite3_stmt *prepare(cap_db_t *c, const char *fmt, ...)
{
    va_list ap;
    sqlite3_stmt *st = NULL;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    sqlite3_prepare_v2(c->sq, sql, -1, &st, NULL);
    sqlite3_free(sql);
    return st;
}

static int64_t get_int(cap_db_t *c, const char *fmt, const char *a, int64_t dflt)
{
    sqlite3_stmt *st = prepare(c, fmt, a);
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW) dflt = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return dflt;
}

static void lsn_text(const uint8_t *l, char out[24])
{
    snprintf(out, 24, "%02x%02x%02x%02x:%02x%02x%02x%02x:%02x%02x", l[0], l[1], l[2], l[3], l[4], l[5], l[6], l[7],
             l[8], l[9]);
}

/* ---- one record into one change table ---- */

typedef struct image {
    size_t n;
    int *ids;
    sim_typeinfo_t *types;
    sim_value_t *before, *after;
} image_t;

static bool get32(const char *p, size_t len, size_t *pos, uint32_t *ret)
{
    if (len - *pos < 4) return false;
    const unsigned char *u = (const unsigned char *)p + *pos;
    *ret = (uint32_t)u[0] << 24 | (uint32_t)u[1] << 16 | (uint32_t)u[2] << 8 | u[3];
    *pos += 4;
    return true;
}

static bool read_image(arena_t *a, const char *p, size_t len, size_t *pos, int op, image_t *img)
{
    uint32_t n, id, hi, lo;
    if (!get32(p, len, pos, &n) || n > 4096) return false;
    img->n = n;
    img->ids = arena_alloc(a, sizeof(int) * (n + 1));
    img->types = arena_alloc(a, sizeof(sim_typeinfo_t) * (n + 1));
    img->before = arena_alloc(a, sizeof(sim_value_t) * (n + 1));
    img->after = arena_alloc(a, sizeof(sim_value_t) * (n + 1));
    for (uint32_t i = 0; i < n; i++) {
        if (!get32(p, len, pos, &id) || !get32(p, len, pos, &hi) || !get32(p, len, pos, &lo)) return false;
        img->ids[i] = (int)id;
        img->types[i] = type_unpack((int64_t)((uint64_t)hi << 32 | lo));
        if (op != 2 && !cell_get(p, len, pos, a, &img->types[i], &img->before[i])) return false;
        if (op != 1 && !cell_get(p, len, pos, a, &img->types[i], &img->after[i])) return false;
    }
    return true;
}

static bool same_cell(const sim_typeinfo_t *t, const sim_value_t *x, const sim_value_t *y)
{
    buf_t a = {0}, b = {0};
    cell_put(&a, t, x);
    cell_put(&b, t, y);
    bool same = a.len == b.len && memcmp(buf_text(&a), buf_text(&b), a.len) == 0;
    buf_done(&a);
    buf_done(&b);
    return same;
}

static bool put_ct_row(cap_db_t *c, ct_insert_t *ci, arena_t *a, const image_t *img, int op, int row_op,
                       uint32_t command, const lsn_t *commit, const lsn_t *seq)
{
    const cat_instance_t *in = ci->in;
    size_t mask_len = (in->ncols + 7) / 8;
    uint8_t mask[128] = {0};
    if (ci->st == NULL) {
        buf_t q = {0};
        buf_printf(&q, "INSERT OR REPLACE INTO %s(c1,c3,c4,c5,c%zu", ci->ct->storage, in->ncols + 6);
        for (size_t i = 0; i < in->ncols; i++) buf_printf(&q, ",c%zu", i + 6);
        buf_adds(&q, ") VALUES(?1,?2,?3,?4,?5");
        for (size_t i = 0; i < in->ncols; i++) buf_printf(&q, ",?%zu", i + 6);
        buf_addc(&q, ')');
        sqlite3_prepare_v2(c->sq, buf_text(&q), -1, &ci->st, NULL);
        buf_done(&q);
        if (ci->st == NULL) return false;
    }
    sqlite3_bind_blob(ci->st, 1, commit->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_blob(ci->st, 2, seq->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_int(ci->st, 3, row_op);
    sqlite3_bind_int64(ci->st, 5, command);
    for (size_t i = 0; i < in->ncols; i++) {
        size_t k = 0;
        while (k < img->n && img->ids[k] != in->cols[i]) k++;
        const cat_column_t *cc = table_column_id(ci->ct, (int)i + 6);
        bool changed = op != 4 || (k < img->n && !same_cell(&img->types[k], &img->before[k], &img->after[k]));
        if (changed && mask_len <= 128) mask[mask_len - 1 - i / 8] |= (uint8_t)(1u << (i % 8));
        sim_value_t v = value_null(), out = value_null();
        sql_error_t err = {0};
        sim_base_t b = k < img->n ? img->types[k].base : SIM_T_NULL;
        if (k < img->n) v = row_op == 1 || row_op == 3 ? img->before[k] : img->after[k];
        if (k < img->n && row_op == 3 && !changed && type_is_lob(&img->types[k])) v = value_null();
        if ((b == SIM_T_TEXT || b == SIM_T_NTEXT || b == SIM_T_IMAGE) && (row_op == 1 || row_op == 3)) v = value_null();
        if (cc != NULL && k < img->n && !value_convert(a, &img->types[k], &v, &cc->type, 0, 0, &out, &err))
            out = value_null();
        store_bind(ci->st, (int)i + 6, cc != NULL ? &cc->type : &in->types[i], &out);
    }
    sqlite3_bind_blob(ci->st, 4, mask, (int)mask_len, SQLITE_TRANSIENT);
    bool ok = sqlite3_step(ci->st) == SQLITE_DONE;
    sqlite3_reset(ci->st);
    return ok;
}

typedef struct entry {
    int64_t seq;
    lsn_t commit, begin;
    int64_t begin_time, end_time, tran;
    char *body;
    size_t len;
} entry_t;

static bool apply_change(cap_db_t *c, ct_insert_t *cts, size_t ncts, arena_t *a, const entry_t *e, size_t *pos,
                         size_t record)
{
    uint32_t table, command;
    image_t img;
    if (!get32(e->body, e->len, pos, &table) || *pos >= e->len) return false;
    int op = e->body[(*pos)++];
    if (!get32(e->body, e->len, pos, &command) || !read_image(a, e->body, e->len, pos, op, &img)) return false;
    lsn_t seq = log_seqval(&e->begin, record);
    for (size_t i = 0; i < ncts; i++) {
        const cat_instance_t *in = cts[i].in;
        if (in->source_id != (int)table || !in->has_start || memcmp(in->start_lsn, e->commit.b, 10) > 0) continue;
        if (op == 4 && !put_ct_row(c, &cts[i], a, &img, op, 3, command, &e->commit, &seq)) return false;
        if (!put_ct_row(c, &cts[i], a, &img, op, op, command, &e->commit, &seq)) return false;
    }
    return true;
}

static bool apply_ddl(cap_db_t *c, const entry_t *e, size_t *pos)
{
    uint32_t table, len;
    if (!get32(e->body, e->len, pos, &table) || *pos >= e->len) return false;
    int update = e->body[(*pos)++];
    if (!get32(e->body, e->len, pos, &len) || e->len - *pos < len) return false;
    bool ok = true;
    for (size_t i = 0; ok && i < c->cat->ninstances; i++) {
        if (c->cat->instances[i].source_id != (int)table) continue;
        sqlite3_stmt *st = prepare(c, "INSERT INTO %s._cdc_ddl_history VALUES(%d,%d,%d,?1,?2,?3)", c->db->xattach,
                                   (int)table, c->cat->instances[i].ct_id, update);
        ok = st != NULL;
        if (ok) {
            sqlite3_bind_text(st, 1, e->body + *pos, (int)len, SQLITE_TRANSIENT);
            sqlite3_bind_blob(st, 2, e->commit.b, 10, SQLITE_TRANSIENT);
            sqlite3_bind_int64(st, 3, e->end_time);
            ok = sqlite3_step(st) == SQLITE_DONE;
        }
        sqlite3_finalize(st);
    }
    *pos += len;
    return ok;
}

static bool put_mapping(cap_db_t *c, const lsn_t *lsn, int64_t begin, int64_t end, int64_t tran, const lsn_t *begin_lsn)
{
    sqlite3_stmt *st =
        prepare(c, "INSERT OR REPLACE INTO %s._cdc_lsn_time_mapping VALUES(?1,?2,?3,?4,?5)", c->db->xattach);
    uint8_t id[6] = {0};
    if (st == NULL) return false;
    for (int i = 0; i < 6; i++) id[5 - i] = (uint8_t)((uint64_t)tran >> (8 * i));
    sqlite3_bind_blob(st, 1, lsn->b, 10, SQLITE_TRANSIENT);
    sqlite3_bind_int64(st, 2, begin);
    sqlite3_bind_int64(st, 3, end);
    sqlite3_bind_blob(st, 4, id, tran == 0 ? 1 : 6, SQLITE_TRANSIENT);
    sqlite3_bind_blob(st, 5, begin_lsn->b, 10, SQLITE_TRANSIENT);
    bool ok = sqlite3_step(st) == SQLITE_DONE;
    sqlite3_finalize(st);
    return ok;
}

static bool apply_entry(cap_db_t *c, ct_insert_t *cts, size_t ncts, const entry_t *e, size_t *ret_records)
{
    arena_t a = {0};
    size_t pos = 0, record = 0;
    bool ok = true;
    while (ok && pos < e->len) {
        int kind = e->body[pos++];
        arena_reset(&a);
        if (kind == LOG_CHANGE)
            ok = apply_change(c, cts, ncts, &a, e, &pos, record++);
        else
            ok = kind == LOG_DDL && apply_ddl(c, e, &pos);
    }
    arena_done(&a);
    *ret_records += record;
    return ok && put_mapping(c, &e->commit, e->begin_time, e->end_time, e->tran, &e->begin);
}

/* ---- a scan ---- */

static void add_scan(sim_server_t *srv, int64_t start, const entry_t *first, const entry_t *last, size_t n,
                     size_t records)
{
    pthread_mutex_lock(&srv->lock);
    if (srv->scans == NULL) srv->scans = sim_alloc(sizeof(scan_row_t) * SCAN_ROWS);
    scan_row_t *r = &srv->scans[srv->scan_at];
    memset(r, 0, sizeof(*r));
    srv->scan_at = (srv->scan_at + 1) % SCAN_ROWS;
    if (srv->nscans < SCAN_ROWS) srv->nscans++;
    r->id = ++srv->next_scan_id;
    r->start = start;
    r->end = datetime_key(server_local(srv));
    r->trans = (int64_t)n;
    r->records = (int64_t)records;
    lsn_text(first->commit.b, r->start_lsn);
    lsn_text(last->commit.b, r->end_lsn);
    r->last_commit = last->end_time;
    r->latency = (int)((r->end - last->end_time) / 300);
    pthread_mutex_unlock(&srv->lock);
}

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
    bool ok = sqlite3_exec(c->sq, sql, NULL, NULL, NULL) == SQLITE_OK && put_mapping(c, &l, now, now, 0, &l);
    sqlite3_free(sql);
    return ok;
}

static bool scan(sim_server_t *srv, cap_db_t *c, size_t *ret_taken)
{
    int64_t start = datetime_key(server_local(srv)), version = catalog_version(c->sq, c->db->attach);
    *ret_taken = 0;
    int64_t pos = get_int(c, "SELECT v FROM %s._sim_meta WHERE k='pos'", c->db->xattach, 0);
    int64_t limit =
        get_int(c, "SELECT maxtrans*maxscans FROM %s._cdc_jobs WHERE job_type='capture'", c->db->attach, 5000);
    int64_t before = INT64_MAX;
    if (srv->capture_delay_ms > 0)
        before = datetime_key(server_local(srv)) - (int64_t)srv->capture_delay_ms * 300 / 1000;
    sqlite3_stmt *st = prepare(c,
                               "SELECT seq,start_lsn,begin_lsn,begin_time,end_time,tran_id,body FROM %s._sim_log WHERE "
                               "seq>%lld AND end_time<=%lld ORDER BY seq LIMIT %lld",
                               c->db->attach, (long long)pos, (long long)before, (long long)(limit < 1 ? 1 : limit));
    if (st == NULL) return false;
    entry_t *es = NULL;
    size_t n = 0, bytes = 0, records = 0;
    while (bytes < (64u << 20) && sqlite3_step(st) == SQLITE_ROW) {
        es = sim_realloc(es, sizeof(*es) * (n + 1));
        entry_t *e = &es[n++];
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
    bool ok = true;
    if (n == 0) {
        ok = idle_mapping(srv, c);
    } else {
        /* the catalog is read after the entries, so it knows every instance they could belong to */
        version = catalog_version(c->sq, c->db->attach);
        if (c->cat == NULL || c->cat->version != version) {
            catalog_free(c->cat);
            c->cat = catalog_load(c->sq, c->db->attach, c->db->xattach);
        }
        ok = c->cat != NULL && sqlite3_exec(c->sq, "BEGIN", NULL, NULL, NULL) == SQLITE_OK;
        if (ok) {
            size_t ncts = c->cat->ninstances;
            ct_insert_t *cts = sim_alloc(sizeof(*cts) * (ncts + 1));
            size_t live = 0;
            for (size_t i = 0; i < ncts; i++) {
                const cat_table_t *ct = catalog_table_id(c->cat, c->cat->instances[i].ct_id);
                if (ct != NULL) cts[live++] = (ct_insert_t){&c->cat->instances[i], ct, NULL};
            }
            for (size_t i = 0; ok && i < n; i++) ok = apply_entry(c, cts, live, &es[i], &records);
            for (size_t i = 0; i < live; i++) sqlite3_finalize(cts[i].st);
            free(cts);
            char *sql = sqlite3_mprintf("UPDATE %s._sim_meta SET v=%lld WHERE k='pos';COMMIT", c->db->xattach,
                                        (long long)es[n - 1].seq);
            ok = ok && sqlite3_exec(c->sq, sql, NULL, NULL, NULL) == SQLITE_OK;
            sqlite3_free(sql);
            if (!ok) sqlite3_exec(c->sq, "ROLLBACK", NULL, NULL, NULL);
        }
        if (ok) {
            __atomic_store_n(&c->db->captured_pos, es[n - 1].seq, __ATOMIC_RELAXED);
            c->db->last_mapping_ms = mono_ms();
            add_scan(srv, start, &es[0], &es[n - 1], n, records);
            *ret_taken = n;
        }
    }
    for (size_t i = 0; i < n; i++) free(es[i].body);
    free(es);
    return ok;
}

static void *capture_main(void *arg)
{
    sim_server_t *srv = arg;
    cap_db_t *caps = NULL;
    pthread_mutex_lock(&srv->lock);
    while (!srv->stopping) {
        bool again = false;
        for (size_t i = 0; i < srv->ndbs && !srv->stopping; i++) {
            sim_db_t *db = srv->dbs[i];
            bool wanted = db->scan_wanted;
            if (!db->user_db || db->dropped) continue;
            if (!wanted && (!db->cdc || srv->agent_stopped || srv->capture_paused)) continue;
            pthread_mutex_unlock(&srv->lock);
            cap_db_t *c = caps;
            while (c != NULL && c->db != db) c = c->next;
            if (c == NULL && (c = cap_open(srv, db)) != NULL) {
                c->next = caps;
                caps = c;
            }
            size_t taken = 0;
            bool ok = c != NULL && scan(srv, c, &taken);
            pthread_mutex_lock(&srv->lock);
            again = again || taken > 0;
            if (wanted) {
                if (taken == 0 || !ok)
                    db->scan_wanted = false; /* a requested scan runs until the log is empty */
                else
                    again = true;
            }
            db->scan_failed = !ok;
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
    while (caps != NULL) {
        cap_db_t *next = caps->next;
        cap_close(caps);
        caps = next;
    }
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

void cdc_free_scans(sim_server_t *srv)
{
    free(srv->scans);
}

char *cdc_scans_sql(sim_server_t *srv)
{
    buf_t b = {0};
    static const char cols[] = "%s %d AS session_id,%lld AS start_time,%lld AS end_time,%lld AS duration,'Done' AS "
                               "scan_phase,0 AS error_count,%s AS start_lsn,"
                               "%s AS current_lsn,%s AS end_lsn,%lld AS tran_count,%s AS last_commit_lsn,%lld AS "
                               "last_commit_time,%lld AS log_record_count,0 AS schema_change_count,"
                               "%lld AS command_count,%s AS first_begin_cdc_lsn,%s AS last_commit_cdc_lsn,%lld AS "
                               "last_commit_cdc_time,%d AS latency,0 AS empty_scan_count,"
                               "0 AS failed_sessions_count";
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->nscans; i++) {
        const scan_row_t *r = &srv->scans[i];
        char a[32], e[32];
        snprintf(a, sizeof(a), "'%s'", r->start_lsn);
        snprintf(e, sizeof(e), "'%s'", r->end_lsn);
        buf_printf(&b, cols, i == 0 ? "SELECT" : " UNION ALL SELECT", r->id, (long long)r->start, (long long)r->end,
                   (long long)((r->end - r->start) / 300), a, e, e, (long long)r->trans, e, (long long)r->last_commit,
                   (long long)r->records, (long long)r->records, a, e, (long long)r->last_commit, r->latency);
    }
    if (srv->nscans == 0) {
        const char *z = "NULL";
        buf_printf(&b, cols, "SELECT", 0, 0LL, 0LL, 0LL, z, z, z, 0LL, z, 0LL, 0LL, 0LL, z, z, 0LL, 0);
        buf_adds(&b, " WHERE 0");
    }
    pthread_mutex_unlock(&srv->lock);
    return b.ptr;
}
