/* backup.c: see backup.h. A backup is a SQLite file with one table: facts about its origin and the bytes of both files. */
#include "sql/backup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cdc/cdc.h"
#include "sql/bind.h"

static bool cannot_open(sim_session_t *s, const char *path, int state)
{
    s->err = (sql_error_t){0};
    return fail(s, 3201, 16, state,
                "Cannot open backup device '%s'. Operating system error 2(The system cannot find the file specified.).",
                path);
}

/* Name and birthday of the data directory's master database: what "the same server" means here. */
static char *origin(sim_server_t *srv)
{
    sim_db_t *master = server_db_id(srv, 1);
    return sim_asprintf("%s/%lld", srv->name, master != NULL ? (long long)master->created : 0);
}

static bool put(sqlite3 *out, const char *part, const void *body, sqlite3_int64 len)
{
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(out, "INSERT INTO backup VALUES(?1,?2)", -1, &st, NULL) == SQLITE_OK;
    if (ok) {
        sqlite3_bind_text(st, 1, part, -1, SQLITE_STATIC);
        sqlite3_bind_blob64(st, 2, body, (sqlite3_uint64)len, SQLITE_STATIC);
        ok = sqlite3_step(st) == SQLITE_DONE;
    }
    sqlite3_finalize(st);
    return ok;
}

static bool put_file(sim_session_t *s, sqlite3 *out, const char *part, const char *attach, int64_t *ret_bytes)
{
    sqlite3_int64 len = 0;
    unsigned char *body = sqlite3_serialize(s->sq, attach, &len, 0);
    bool ok = body != NULL && len > 100;
    if (ok) {
        body[18] = body[19] = 1; /* a copy in memory cannot be in WAL mode */
        ok = put(out, part, body, len);
        *ret_bytes += len;
    }
    sqlite3_free(body);
    return ok;
}

/* Nobody commits to the data file while its slot is held, so the log has every entry that the change file's position,
 * whenever it is read, has not passed. */
static bool write_parts(sim_session_t *s, sim_db_t *db, sqlite3 *out, int64_t *ret_bytes)
{
    char *from = origin(s->server);
    bool ok = lock_take(s, db->id, 0, true);
    if (!ok) {
        free(from);
        return false;
    }
    ok = sq_exec(s, "BEGIN");
    int64_t ignored = 0;
    ok = ok && sq_int(s, &ignored, "SELECT count(*) FROM %s._sim_meta", db->attach) &&
         sq_int(s, &ignored, "SELECT count(*) FROM %s._sim_meta", db->xattach) &&
         put_file(s, out, "data", db->attach, ret_bytes) && put_file(s, out, "change", db->xattach, ret_bytes) &&
         put(out, "name", db->name, (sqlite3_int64)strlen(db->name)) &&
         put(out, "collation", db->collation, (sqlite3_int64)strlen(db->collation)) &&
         put(out, "snapshot", db->snapshot_allowed ? "1" : "0", 1) && put(out, "rcsi", db->rcsi ? "1" : "0", 1) &&
         put(out, "origin", from, (sqlite3_int64)strlen(from));
    sqlite3_exec(s->sq, "ROLLBACK", NULL, NULL, NULL);
    lock_release_all(s);
    free(from);
    return ok;
}

bool backup_database(sim_session_t *s, sim_db_t *db, const char *path, int64_t *ret_pages)
{
    char *temporary = sim_asprintf("%s.new", path);
    sqlite3 *out = NULL;
    int64_t bytes = 0;
    unlink(temporary);
    bool ok = session_db_attach(s, db) != NULL && sqlite3_open(temporary, &out) == SQLITE_OK &&
              sqlite3_exec(out, "CREATE TABLE backup(part TEXT PRIMARY KEY, body BLOB); BEGIN", NULL, NULL, NULL) ==
                  SQLITE_OK;
    if (!ok) cannot_open(s, path, 1);
    ok = ok && write_parts(s, db, out, &bytes);
    if (ok && sqlite3_exec(out, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) ok = false;
    sqlite3_close(out);
    if (ok && rename(temporary, path) != 0) ok = false;
    if (!ok) unlink(temporary);
    if (!ok && s->err.text == NULL) cannot_open(s, path, 1);
    free(temporary);
    *ret_pages = bytes / 8192;
    return ok;
}

/* ---- restore ---- */

/* @return malloc'd, NUL-terminated; NULL = not there */
static char *get(sqlite3 *in, const char *part, sqlite3_int64 *ret_len)
{
    sqlite3_stmt *st = NULL;
    char *body = NULL;
    if (sqlite3_prepare_v2(in, "SELECT body FROM backup WHERE part=?1", -1, &st, NULL) == SQLITE_OK) {
        sqlite3_bind_text(st, 1, part, -1, SQLITE_STATIC);
        if (sqlite3_step(st) == SQLITE_ROW) {
            *ret_len = sqlite3_column_bytes(st, 0);
            body = sim_strndup(*ret_len > 0 ? sqlite3_column_blob(st, 0) : "", (size_t)*ret_len);
        }
    }
    sqlite3_finalize(st);
    return body;
}

static bool get_file(sim_session_t *s, sqlite3 *in, const char *part, const char *attach)
{
    sqlite3_int64 len = 0;
    char *body = get(in, part, &len);
    sqlite3 *copy = NULL;
    bool ok =
        body != NULL && len > 100 && sqlite3_open(":memory:", &copy) == SQLITE_OK &&
        sqlite3_deserialize(copy, "main", (unsigned char *)body, len, len, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK;
    if (ok) {
        sqlite3_backup *b = sqlite3_backup_init(s->sq, attach, copy, "main");
        ok = b != NULL && sqlite3_backup_step(b, -1) == SQLITE_DONE;
        sqlite3_backup_finish(b);
    }
    sqlite3_close(copy);
    free(body);
    return ok;
}

static bool is(sqlite3 *in, const char *part, const char *want)
{
    sqlite3_int64 len = 0;
    char *body = get(in, part, &len);
    bool same = body != NULL && name_eq(body, want);
    free(body);
    return same;
}

/* Change data capture of a database that has come from elsewhere. */
static bool settle_cdc(sim_session_t *s, sdb_t *sdb, bool keep)
{
    if (!stmt_begin(s, false)) return false;
    bool ok = tran_write(s, sdb, false) && tran_write(s, sdb, true) && session_catalog(s, sdb);
    if (ok && keep)
        ok = sq_exec(s, "DELETE FROM %s._cdc_jobs", sdb->db->attach);
    else if (ok)
        ok = cdc_disable(s, sdb);
    return stmt_end(s, ok);
}

static bool fill(sim_session_t *s, sqlite3 *in, sim_db_t *db, bool keep_cdc)
{
    char *here = origin(s->server);
    bool home = is(in, "name", db->name) && is(in, "origin", here);
    free(here);
    sdb_t *sdb = session_db_attach(s, db);
    if (sdb == NULL || !get_file(s, in, "data", db->attach) || !get_file(s, in, "change", db->xattach)) return false;
    catalog_t *cat = catalog_load(s->sq, db->attach, db->xattach);
    bool ok = cat != NULL && cdc_reconcile(s->sq, db, cat);
    bool cdc = cat != NULL && cat->cdc;
    catalog_free(cat);
    if (!ok) return false;
    db->snapshot_allowed = is(in, "snapshot", "1");
    db->rcsi = is(in, "rcsi", "1");
    server_save_db(s->server, db);
    __atomic_store_n(&db->cdc, cdc && (home || keep_cdc), __ATOMIC_RELAXED);
    return !cdc || home || settle_cdc(s, sdb, keep_cdc);
}

bool restore_database(sim_session_t *s, const char *name, const char *path, bool keep_cdc)
{
    sqlite3 *in = NULL;
    sim_db_t *db = NULL;
    char *error = NULL;
    sqlite3_int64 len = 0;
    if (access(path, R_OK) != 0) return cannot_open(s, path, 2);
    bool ok = sqlite3_open_v2(path, &in, SQLITE_OPEN_READONLY, NULL) == SQLITE_OK;
    char *collation = ok ? get(in, "collation", &len) : NULL;
    if (collation == NULL) {
        sqlite3_close(in);
        return fail(
            s, 3241, 16, 0,
            "The media family on device '%s' is incorrectly formed. SQL Server cannot process this media family.",
            path);
    }
    ok = server_create_db(s->server, name, collation, &db, &error) && fill(s, in, db, keep_cdc);
    free(error);
    free(collation);
    sqlite3_close(in);
    if (!ok && db != NULL) server_drop_db(s->server, db);
    return ok || s->err.text != NULL ? ok : fail(s, 3013, 16, 1, "RESTORE DATABASE is terminating abnormally.");
}
