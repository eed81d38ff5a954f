/* tran.c: T-SQL transactions on SQLite. The SQLite transaction opens with the first write, or with the first read when the
 * isolation level needs a stable view; until then READ COMMITTED statements each see the latest committed state. */
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc.h"
#include "sql/session.h"

static bool plain(sim_session_t *s, const char *sql)
{
    return sqlite3_exec(s->sq, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static void env(sim_session_t *s, sim_env_t kind, uint64_t descriptor)
{
    sim_envchange_t e = {.kind = kind, .new_text = "", .old_text = "", .descriptor = descriptor};
    if (s->sink != NULL && !s->gone && !s->sink->ops->envchange(s->sink, &e)) s->gone = true;
}

static void free_savepoints(sim_session_t *s, savepoint_t *until)
{
    while (s->savepoints != until) {
        savepoint_t *p = s->savepoints;
        s->savepoints = p->next;
        free(p->name);
        free(p);
    }
}

static void mark(sim_session_t *s, savepoint_t *p)
{
    p->nmarks = 0;
    for (sdb_t *d = s->sdbs; d != NULL && p->nmarks < sizeof(p->marks) / sizeof(p->marks[0]); d = d->next) {
        p->marks[p->nmarks].sdb = d;
        p->marks[p->nmarks].len = d->pending.len;
        p->marks[p->nmarks].n = d->npending;
        p->marks[p->nmarks++].command_id = d->command_id;
    }
}

static void unmark(sim_session_t *s, const savepoint_t *p)
{
    for (sdb_t *d = s->sdbs; d != NULL; d = d->next) {
        size_t i = 0;
        while (i < p->nmarks && p->marks[i].sdb != d) i++;
        buf_truncate(&d->pending, i < p->nmarks ? p->marks[i].len : 0);
        d->npending = i < p->nmarks ? p->marks[i].n : 0;
        d->command_id = i < p->nmarks ? p->marks[i].command_id : 0;
    }
}

static void finish(sim_session_t *s)
{
    for (sdb_t *d = s->sdbs; d != NULL; d = d->next) {
        log_discard(d);
        d->dirty = false;
    }
    free_savepoints(s, NULL);
    s->sq_open = s->doomed = s->stmt_savepoint = false;
    s->trancount = 0;
    free(s->tran_name);
    s->tran_name = NULL;
    lock_release_all(s);
}

static bool commit_all(sim_session_t *s)
{
    bool wake = false;
    for (sdb_t *d = s->sdbs; d != NULL; d = d->next) {
        if (!log_pending(d)) continue;
        wake = true;
        if (!log_commit(s, d)) return false;
    }
    if (s->sq_open && !plain(s, "COMMIT")) return fail_sqlite(s);
    finish(s);
    if (wake) capture_wake(s->server);
    return true;
}

static void rollback_all(sim_session_t *s)
{
    if (s->sq_open) plain(s, "ROLLBACK");
    finish(s);
}

bool tran_begin(sim_session_t *s, const char *name)
{
    if (name != NULL && s->trancount == 0) s->tran_name = sim_strdup(name);
    if (s->implicit_tran && s->trancount == 0) s->trancount = 1; /* BEGIN TRAN under implicit mode counts twice */
    if (s->trancount++ == 0 || (s->implicit_tran && s->trancount == 2 && s->tran_id == 0)) {
        pthread_mutex_lock(&s->server->lock);
        s->tran_id = s->server->next_tran++;
        pthread_mutex_unlock(&s->server->lock);
        s->tran_begin = server_local(s->server);
        env(s, SIM_ENV_BEGIN, s->tran_id);
    }
    return true;
}

bool tran_commit(sim_session_t *s)
{
    if (s->trancount == 0)
        return fail(s, 3902, 16, 1, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    if (s->doomed)
        return fail(s, 3930, 16, 1,
                    "The current transaction cannot be committed and cannot support operations that write to the log "
                    "file. Roll back the transaction.");
    if (s->trancount > 1) {
        s->trancount--;
        return true;
    }
    uint64_t id = s->tran_id;
    bool ok = commit_all(s);
    if (!ok) rollback_all(s);
    s->tran_id = 0;
    env(s, ok ? SIM_ENV_COMMIT : SIM_ENV_ROLLBACK, id);
    return ok;
}

bool tran_rollback(sim_session_t *s, const char *name)
{
    if (s->trancount == 0)
        return fail(s, 3903, 16, 1, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.");
    savepoint_t *p = NULL;
    if (name != NULL)
        for (p = s->savepoints; p != NULL && !name_eq(p->name, name); p = p->next) {
        }
    if (p != NULL) {
        char sql[64];
        if (p->lazy) {
            if (s->sq_open) plain(s, "ROLLBACK");
            s->sq_open = false;
        } else {
            sqlite3_snprintf(sizeof(sql), sql, "ROLLBACK TO sp%d", p->number);
            if (!plain(s, sql)) return fail_sqlite(s);
        }
        free_savepoints(s, p);
        unmark(s, p);
        lock_release_since(s, p->locks_taken, p->lazy);
        s->stmt_savepoint = false;
        return true;
    }
    if (name != NULL && (s->tran_name == NULL || !name_eq(s->tran_name, name)))
        return fail(s, 6401, 16, 1, "Cannot roll back %s. No transaction or savepoint of that name was found.", name);
    tran_abort(s, true);
    return true;
}

void tran_abort(sim_session_t *s, bool notify)
{
    uint64_t id = s->tran_id;
    bool open = s->trancount > 0;
    if (s->sq != NULL) rollback_all(s);
    s->tran_id = 0;
    if (open && notify) env(s, SIM_ENV_ROLLBACK, id);
}

bool tran_save(sim_session_t *s, const char *name)
{
    if (s->trancount == 0)
        return fail(s, 628, 16, 1, "Cannot issue SAVE TRANSACTION when there is no active transaction.");
    savepoint_t *p = sim_alloc(sizeof(*p));
    p->name = sim_strdup(name);
    p->number = ++s->next_savepoint;
    p->lazy = !s->sq_open;
    p->locks_taken = lock_mark(s);
    mark(s, p);
    p->next = s->savepoints;
    s->savepoints = p;
    char sql[64];
    sqlite3_snprintf(sizeof(sql), sql, "SAVEPOINT sp%d", p->number);
    return p->lazy || plain(s, sql) ? true : fail_sqlite(s);
}

static bool open_sqlite(sim_session_t *s)
{
    if (s->sq_open) return true;
    if (!plain(s, "BEGIN")) return fail_sqlite(s);
    s->sq_open = true;
    return true;
}

bool tran_read(sim_session_t *s, sdb_t *sdb)
{
    bool replica = sdb->db->secondary; /* there every isolation level is SNAPSHOT */
    if (s->isolation == ISO_SNAPSHOT && sdb->db->user_db && !sdb->db->snapshot_allowed && !replica)
        return fail(s, 3952, 16, 1,
                    "Snapshot isolation transaction failed accessing database '%s' because snapshot isolation is not "
                    "allowed in this database. Use ALTER DATABASE to allow snapshot isolation.",
                    sdb->db->name);
    if (s->implicit_tran && s->trancount == 0 && !s->implicit_begun) {
        s->implicit_begun = true; /* one transaction start per statement even when several tables are bound */
        s->trancount = 1;
        pthread_mutex_lock(&s->server->lock);
        s->tran_id = s->server->next_tran++;
        pthread_mutex_unlock(&s->server->lock);
        s->tran_begin = server_local(s->server);
        s->stmt_auto = false;
        env(s, SIM_ENV_BEGIN, s->tran_id);
    }
    if (s->trancount > 0 && (s->isolation >= ISO_RR || replica)) return open_sqlite(s);
    return true;
}

bool tran_write(sim_session_t *s, sdb_t *sdb, bool change_file)
{
    if (s->doomed)
        return fail(s, 3930, 16, 1,
                    "The current transaction cannot be committed and cannot support operations that write to the log "
                    "file. Roll back the transaction.");
    if (sdb->db->user_db && (s->read_only || sdb->db->read_only))
        return fail(s, 3906, 16, 1, "Failed to update database \"%s\" because the database is read-only.",
                    sdb->db->name);
    if (s->isolation == ISO_SNAPSHOT && sdb->db->user_db && !sdb->db->snapshot_allowed && !tran_read(s, sdb))
        return false;
    if (!lock_take(s, sdb->db->id, change_file ? -1 : 0, true)) return false;
    if (!open_sqlite(s)) return false;
    if (!s->stmt_auto && !s->stmt_savepoint) {
        if (!plain(s, "SAVEPOINT stmt")) return fail_sqlite(s);
        s->stmt_savepoint = true;
        mark(s, &s->stmt_mark);
    }
    if (!sdb->dirty) {
        sdb->dirty = true;
        sdb->begin_time = s->trancount > 0 ? s->tran_begin : server_local(s->server);
    }
    return true;
}

bool stmt_begin(sim_session_t *s, bool starts_implicit)
{
    s->implicit_begun = false;
    if (starts_implicit && s->implicit_tran && s->trancount == 0) {
        s->trancount = 1;
        pthread_mutex_lock(&s->server->lock);
        s->tran_id = s->server->next_tran++;
        pthread_mutex_unlock(&s->server->lock);
        s->tran_begin = server_local(s->server);
        env(s, SIM_ENV_BEGIN, s->tran_id);
    }
    s->stmt_auto = s->trancount == 0;
    s->stmt_savepoint = false;
    return true;
}

bool stmt_end(sim_session_t *s, bool ok)
{
    if (s->trancount == 0) {
        if (ok && s->sq_open && !commit_all(s)) ok = false;
        if (!ok || s->sq_open)
            rollback_all(s);
        else
            lock_release_all(s);
        return ok;
    }
    if (!s->stmt_savepoint) return ok;
    s->stmt_savepoint = false;
    if (!ok) {
        plain(s, "ROLLBACK TO stmt");
        unmark(s, &s->stmt_mark);
    }
    plain(s, "RELEASE stmt");
    return ok;
}
