/* server.c: start, stop, databases, clock. Server-level facts live in server.sqlite; every database has two files, one
 * for data and one for change data, so that capturing never waits for an open user transaction. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cdc/cdc.h"
#include "faults/fault.h"
#include "gen/gen.h"
#include "sql/bind.h"
#include "util/datetime.h"

void sim_config_init(sim_config_t *c)
{
    *c = (sim_config_t){.server_name = "SIM",
                        .product_major = 15,
                        .capture_poll_ms = 50,
                        .wake_on_commit = true,
                        .idle_mapping_ms = 300000,
                        .seed = 1};
}

int64_t mono_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t server_utc(sim_server_t *srv)
{
    struct timespec ts;
    if (srv->clock_frozen) return srv->clock_frozen_at;
    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)DT_DAYS_1970 * DT_DAY_TICKS + (int64_t)ts.tv_sec * 10000000 + ts.tv_nsec / 100 + srv->clock_offset;
}

int64_t server_local(sim_server_t *srv)
{
    return server_utc(srv) + (int64_t)srv->utc_offset_min * 600000000;
}

int64_t datetime_key(int64_t ticks)
{
    int64_t days = ticks / DT_DAY_TICKS - DT_DAYS_1900, rest = ticks % DT_DAY_TICKS;
    return days * 25920000 + (rest * 3 + 50000) / 100000;
}

char *server_db_path(sim_server_t *srv, const sim_db_t *db, bool change_file)
{
    return sim_asprintf("%s/db_%d%s.sqlite", srv->data_dir, db->id, change_file ? "_cdc" : "");
}

bool sqlite_open(sim_server_t *srv, sim_session_t *s, sqlite3 **ret_sq)
{
    (void)srv;
    sqlite3 *sq = NULL;
    if (sqlite3_open_v2(":memory:", &sq,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        sqlite3_close(sq);
        return false;
    }
    sqlite3_busy_timeout(sq, 10000);
    if (!functions_register(s, sq)) {
        sqlite3_close(sq);
        return false;
    }
    sqlite3_exec(sq, "PRAGMA temp_store=MEMORY", NULL, NULL, NULL);
    *ret_sq = sq;
    return true;
}

sim_db_t *server_db(sim_server_t *srv, const char *name)
{
    sim_db_t *hit = NULL;
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->ndbs && hit == NULL; i++)
        if (!srv->dbs[i]->dropped && name_eq(srv->dbs[i]->name, name)) hit = srv->dbs[i];
    pthread_mutex_unlock(&srv->lock);
    return hit;
}

sim_db_t *server_db_id(sim_server_t *srv, int id)
{
    sim_db_t *hit = NULL;
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->ndbs && hit == NULL; i++)
        if (!srv->dbs[i]->dropped && srv->dbs[i]->id == id) hit = srv->dbs[i];
    pthread_mutex_unlock(&srv->lock);
    return hit;
}

static sim_db_t *db_new(int id, const char *name, const char *collation, int64_t created)
{
    sim_db_t *db = sim_alloc(sizeof(*db));
    db->id = id;
    db->name = sim_strdup(name);
    db->collation = sim_strdup(collation);
    db->created = created;
    db->user_db = id > 4;
    snprintf(db->attach, sizeof(db->attach), "d%d", id);
    snprintf(db->xattach, sizeof(db->xattach), "x%d", id);
    pthread_mutex_init(&db->identity_lock, NULL);
    return db;
}

static void db_free(sim_db_t *db)
{
    pthread_mutex_destroy(&db->identity_lock);
    free(db->identity);
    free(db->name);
    free(db->collation);
    free(db);
}

static void add_db(sim_server_t *srv, sim_db_t *db)
{
    srv->dbs = sim_realloc(srv->dbs, (srv->ndbs + 1) * sizeof(*srv->dbs));
    srv->dbs[srv->ndbs++] = db;
}

/* Creates or opens both files of a database. In a new data directory nothing is worth waiting for the disk: kill -9 loses
 * no write without that either, and the dozens of flushes were most of the time to start. */
static bool db_files(sim_server_t *srv, sim_db_t *db, bool new_directory)
{
    const char *sync = new_directory ? "OFF" : "NORMAL";
    sqlite3 *sq;
    bool ok = false;
    if (!sqlite_open(srv, NULL, &sq)) return false;
    char *d = server_db_path(srv, db, false), *x = server_db_path(srv, db, true);
    char *sql =
        sqlite3_mprintf("ATTACH %Q AS %s;ATTACH %Q AS %s;PRAGMA %s.synchronous=%s;PRAGMA %s.synchronous=%s;"
                        "PRAGMA %s.journal_mode=WAL;PRAGMA %s.journal_mode=WAL",
                        d, db->attach, x, db->xattach, db->attach, sync, db->xattach, sync, db->attach, db->xattach);
    if (sqlite3_exec(sq, sql, NULL, NULL, NULL) == SQLITE_OK && catalog_create(sq, db->attach, db->xattach)) {
        catalog_t *cat = catalog_load(sq, db->attach, db->xattach);
        ok = cat != NULL && cdc_reconcile(sq, db, cat);
        if (cat != NULL) db->cdc = cat->cdc;
        catalog_free(cat);
    }
    sqlite3_free(sql);
    free(d);
    free(x);
    sqlite3_close(sq);
    return ok;
}

static void save_db_locked(sim_server_t *srv, const sim_db_t *db)
{
    char *sql = sqlite3_mprintf("INSERT OR REPLACE INTO databases VALUES(%d,%Q,%Q,%lld,%d,%d,%d,%d)", db->id, db->name,
                                db->collation, (long long)db->created, db->snapshot_allowed, db->rcsi, db->single_user,
                                db->read_only);
    sqlite3_exec(srv->master, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
}

void server_save_db(sim_server_t *srv, sim_db_t *db)
{
    pthread_mutex_lock(&srv->lock);
    save_db_locked(srv, db);
    pthread_mutex_unlock(&srv->lock);
}

bool server_create_db(sim_server_t *srv, const char *name, const char *collation, sim_db_t **ret_db, char **ret_error)
{
    *ret_error = NULL;
    if (server_db(srv, name) != NULL) return false;
    pthread_mutex_lock(&srv->lock);
    int id = srv->next_db_id++;
    pthread_mutex_unlock(&srv->lock);
    sim_db_t *db = db_new(id, name, collation, datetime_key(server_local(srv)));
    if (!db_files(srv, db, false)) {
        db_free(db);
        *ret_error = sim_strdup("the database files could not be created");
        return false;
    }
    pthread_mutex_lock(&srv->lock);
    add_db(srv, db);
    save_db_locked(srv, db);
    pthread_mutex_unlock(&srv->lock);
    *ret_db = db;
    return true;
}

static void remove_files(char *path)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *p = sim_asprintf("%s%s", path, suffix[i]);
        unlink(p);
        free(p);
    }
    free(path);
}

bool server_drop_db(sim_server_t *srv, sim_db_t *db)
{
    pthread_mutex_lock(&srv->lock);
    db->dropped = true;
    char *sql = sqlite3_mprintf("DELETE FROM databases WHERE id=%d", db->id);
    sqlite3_exec(srv->master, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    pthread_mutex_unlock(&srv->lock);
    remove_files(server_db_path(srv, db, false)); /* sessions that still have it open keep the unlinked files */
    remove_files(server_db_path(srv, db, true));
    return true;
}

/* ---- identity values ---- */

int64_t server_identity_next(sim_db_t *db, int object_id, int64_t stored, int64_t incr, bool *ret_fresh)
{
    pthread_mutex_lock(&db->identity_lock);
    size_t i = 0;
    while (i < db->nidentity && db->identity[i].object_id != object_id) i++;
    if (i == db->nidentity) {
        db->identity = sim_realloc(db->identity, (i + 1) * sizeof(*db->identity));
        db->identity[i].object_id = object_id;
        db->identity[i].last = stored;
        db->nidentity++;
    }
    *ret_fresh = true;
    int64_t v = db->identity[i].last += incr;
    pthread_mutex_unlock(&db->identity_lock);
    return v;
}

void server_identity_set(sim_db_t *db, int object_id, int64_t value)
{
    pthread_mutex_lock(&db->identity_lock);
    for (size_t i = 0; i < db->nidentity; i++)
        if (db->identity[i].object_id == object_id) db->identity[i].last = value;
    pthread_mutex_unlock(&db->identity_lock);
}

void server_identity_forget(sim_db_t *db, int object_id)
{
    pthread_mutex_lock(&db->identity_lock);
    for (size_t i = 0; i < db->nidentity; i++)
        if (db->identity[i].object_id == object_id) db->identity[i] = db->identity[--db->nidentity];
    pthread_mutex_unlock(&db->identity_lock);
}

/* ---- start and stop ---- */

static bool load_databases(sim_server_t *srv, bool new_directory)
{
    static const char *const system_dbs[] = {"master", "tempdb", "model", "msdb"};
    sqlite3_stmt *st;
    if (sqlite3_exec(
            srv->master,
            "CREATE TABLE IF NOT EXISTS databases(id INTEGER PRIMARY KEY, name TEXT, collation TEXT, created INTEGER, "
            "snapshot INTEGER, rcsi INTEGER, single_user INTEGER, read_only INTEGER);"
            "CREATE TABLE IF NOT EXISTS logins(name TEXT PRIMARY KEY, password TEXT);"
            "CREATE TABLE IF NOT EXISTS login_roles(login TEXT, role TEXT, PRIMARY KEY(login, role))",
            NULL, NULL, NULL) != SQLITE_OK)
        return false;
    if (sqlite3_prepare_v2(
            srv->master,
            "SELECT id,name,collation,created,snapshot,rcsi,single_user,read_only FROM databases ORDER BY id", -1, &st,
            NULL) != SQLITE_OK)
        return false;
    srv->next_db_id = 5;
    while (sqlite3_step(st) == SQLITE_ROW) {
        sim_db_t *db = db_new(sqlite3_column_int(st, 0), (const char *)sqlite3_column_text(st, 1),
                              (const char *)sqlite3_column_text(st, 2), sqlite3_column_int64(st, 3));
        db->snapshot_allowed = sqlite3_column_int(st, 4) != 0;
        db->rcsi = sqlite3_column_int(st, 5) != 0;
        db->single_user = sqlite3_column_int(st, 6) != 0;
        db->read_only = sqlite3_column_int(st, 7) != 0;
        add_db(srv, db);
        if (db->id >= srv->next_db_id) srv->next_db_id = db->id + 1;
    }
    sqlite3_finalize(st);
    for (int i = 0; i < 4; i++) {
        bool have = false;
        for (size_t k = 0; k < srv->ndbs; k++) have = have || srv->dbs[k]->id == i + 1;
        if (have) continue;
        sim_db_t *db = db_new(i + 1, system_dbs[i], CATALOG_COLLATION, datetime_key(server_local(srv)));
        db->snapshot_allowed = i == 0 || i == 3;
        add_db(srv, db);
        save_db_locked(srv, db);
    }
    for (size_t k = 0; k < srv->ndbs; k++)
        if (!db_files(srv, srv->dbs[k], new_directory)) return false;
    return sqlite3_exec(srv->master, "PRAGMA synchronous=NORMAL", NULL, NULL, NULL) == SQLITE_OK;
}

sim_server_t *sim_server_new(const sim_config_t *config, char **ret_error)
{
    sim_server_t *srv = sim_alloc(sizeof(*srv));
    srv->config = *config;
    srv->data_dir = sim_strdup(config->data_dir != NULL ? config->data_dir : ".");
    srv->sa_password = sim_strdup(config->sa_password != NULL ? config->sa_password : "");
    srv->name = sim_strdup(config->server_name != NULL ? config->server_name : "SIM");
    srv->unknown_log =
        config->unknown_log != NULL ? sim_strdup(config->unknown_log) : sim_asprintf("%s/unknown.sql", srv->data_dir);
    srv->utc_offset_min = config->utc_offset_min;
    srv->next_spid = 51;
    srv->next_tran = 1000;
    srv->random = config->seed;
    pthread_condattr_t ca;
    pthread_condattr_init(&ca);
    pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
    pthread_mutex_init(&srv->lock, NULL);
    pthread_cond_init(&srv->locks_changed, &ca);
    pthread_cond_init(&srv->capture_wake, &ca);
    pthread_cond_init(&srv->scan_done, &ca);
    pthread_condattr_destroy(&ca);
    srv->started = server_local(srv);
    srv->catalog_version = (uint64_t)server_utc(srv);
    srv->next_tran = (uint64_t)(server_utc(srv) / 10000000 % 100000000) * 1000;
    char *path = sim_asprintf("%s/server.sqlite", srv->data_dir);
    bool fresh = access(path, F_OK) != 0;
    *ret_error = NULL;
    if (mkdir(srv->data_dir, 0777) != 0 && errno != EEXIST)
        *ret_error = sim_asprintf("data directory '%s': %s", srv->data_dir, strerror(errno));
    else if (sqlite3_open(path, &srv->master) != SQLITE_OK)
        *ret_error = sim_asprintf("'%s': %s", path, sqlite3_errmsg(srv->master));
    else if (sqlite3_exec(srv->master,
                          fresh ? "PRAGMA synchronous=OFF;PRAGMA journal_mode=WAL"
                                : "PRAGMA synchronous=NORMAL;PRAGMA journal_mode=WAL",
                          NULL, NULL, NULL) != SQLITE_OK ||
             !load_databases(srv, fresh))
        *ret_error = sim_asprintf("'%s' or a database file cannot be read: %s", path, sqlite3_errmsg(srv->master));
    else if (!capture_start(srv))
        *ret_error = sim_strdup("the capture thread cannot be started");
    free(path);
    if (*ret_error == NULL) return srv;
    sim_server_free(srv);
    return NULL;
}

void sim_server_free(sim_server_t *srv)
{
    if (srv == NULL) return;
    capture_stop(srv);
    for (size_t i = 0; i < srv->ndbs; i++) db_free(srv->dbs[i]);
    free(srv->dbs);
    faults_free(srv);
    gen_free_all(srv);
    cdc_free_scans(srv);
    sqlite3_close(srv->master);
    pthread_mutex_destroy(&srv->lock);
    pthread_cond_destroy(&srv->locks_changed);
    pthread_cond_destroy(&srv->capture_wake);
    pthread_cond_destroy(&srv->scan_done);
    free(srv->data_dir);
    free(srv->sa_password);
    free(srv->name);
    free(srv->unknown_log);
    free(srv);
}

void sim_server_count(sim_server_t *srv, sim_stat_t stat, uint64_t amount)
{
    __atomic_fetch_add(&srv->stats[stat], amount, __ATOMIC_RELAXED);
}

const char *sim_server_name(const sim_server_t *srv)
{
    return srv->name;
}
int sim_server_major(const sim_server_t *srv)
{
    return srv->config.product_major;
}
