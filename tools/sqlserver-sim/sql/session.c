/* session.c: login, reset, attached databases, variables, errors. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "sql/session.h"
#include "sql/cursor.h"
#include "sql/ddl.h"
#include "sql/security.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void fail_set(sim_session_t *s, int number, int class, int state, const char *fmt, ...)
{
    if (s->err.text != NULL) return; /* the first error names the cause */
    va_list ap;
    va_start(ap, fmt);
    s->err = (sql_error_t){number, class, state, arena_vprintf(&s->arena, fmt, ap)};
    va_end(ap);
}

void fail_set_err(sim_session_t *s, const sql_error_t *err)
{
    if (s->err.text != NULL || err->text == NULL) return;
    s->err = *err;
    s->err.text = arena_strdup(&s->arena, err->text);
}

void fail_set_sqlite(sim_session_t *s)
{
    if (s->err.text != NULL || s->gone) return;
    int rc = sqlite3_extended_errcode(s->sq);
    const char *msg = sqlite3_errmsg(s->sq);
    if (rc == SQLITE_BUSY_SNAPSHOT || (rc & 0xFF) == SQLITE_BUSY || (rc & 0xFF) == SQLITE_LOCKED) {
        if (s->isolation == ISO_SNAPSHOT)
            fail_set(s, 3960, 16, 2,
                     "Snapshot isolation transaction aborted due to update conflict. You cannot use snapshot isolation "
                     "to access table directly or indirectly in database '%s' to update, delete, or insert the row "
                     "that has been modified or deleted by another transaction. Retry the transaction or change the "
                     "isolation level for the update/delete statement.",
                     s->cur->db->name);
        else
            fail_set(s, 1205, 13, 51,
                     "Transaction (Process ID %d) was deadlocked on lock resources with another process and has been "
                     "chosen as the deadlock victim. Rerun the transaction.",
                     s->spid);
        return;
    }
    if (rc == SQLITE_INTERRUPT) {
        s->gone = true;
        return;
    }
    if (strstr(msg, "stack overflow") != NULL || strstr(msg, "too large") != NULL || strstr(msg, "too many") != NULL ||
        strstr(msg, "nesting") != NULL) {
        fail_set(s, 8631, 17, 1, "Internal error: Server stack limit has been reached.");
        return;
    }
    fail_set(s, 8624, 16, 1, "Internal Query Processor Error: The query processor could not produce a query plan (%s).",
             msg);
}

bool client_gone(sim_session_t *s)
{
    if (!s->gone && s->sink != NULL && s->sink->ops->cancelled != NULL && s->sink->ops->cancelled(s->sink))
        s->gone = true;
    return s->gone;
}

bool send_message(sim_session_t *s, int number, int class, int state, const char *text, int line)
{
    sim_message_t m = {.number = number,
                       .state = (uint8_t)state,
                       .class = (uint8_t) class,
                       .text = text,
                       .proc = s->frame != NULL && s->frame->proc != NULL ? s->frame->proc : "",
                       .line = line > 0 ? line : 1};
    if (!s->gone && !s->sink->ops->message(s->sink, &m)) s->gone = true;
    return !s->gone;
}

bool send_done(sim_session_t *s, sim_done_kind_t kind, bool has_count, uint64_t count, bool error, uint16_t curcmd)
{
    sim_done_t d = {.kind = kind,
                    .has_count = has_count,
                    .rowcount = count,
                    .error = error,
                    .in_tran = s->trancount > 0,
                    .curcmd = curcmd};
    if (!s->gone && !s->sink->ops->done(s->sink, &d)) s->gone = true;
    return !s->gone;
}

const char *quote_name(arena_t *a, const char *name)
{
    buf_t b = {0};
    buf_addc(&b, '[');
    for (; *name != '\0'; name++) {
        if (*name == ']') buf_addc(&b, ']');
        buf_addc(&b, *name);
    }
    buf_addc(&b, ']');
    const char *r = arena_strdup(a, buf_text(&b));
    buf_done(&b);
    return r;
}

/* A statement about a login may carry a password. */
static bool mentions_password(const char *text, size_t len)
{
    for (size_t i = 0; i + 8 <= len; i++)
        if (strncasecmp(text + i, "password", 8) == 0) return true;
    return false;
}

void log_unknown(sim_session_t *s, const char *text, size_t len)
{
    if (mentions_password(text, len)) len = 0;
    pthread_mutex_lock(&s->server->lock);
    FILE *f = fopen(s->server->unknown_log, "a");
    if (f != NULL) {
        fprintf(f, "-- spid %d app '%s': Msg %d %s\n%.*s\nGO\n", s->spid, s->app, s->err.number,
                s->err.text != NULL ? s->err.text : "", (int)(len > 20000 ? 20000 : len), text);
        fclose(f);
    }
    pthread_mutex_unlock(&s->server->lock);
}

/* ---- SQLite helpers ---- */

bool sq_exec(sim_session_t *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    int rc = sqlite3_exec(s->sq, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    return rc == SQLITE_OK ? true : fail_sqlite(s);
}

sqlite3_stmt *sq_prepare(sim_session_t *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(s->sq, sql, -1, &st, NULL) != SQLITE_OK) fail_sqlite(s);
    sqlite3_free(sql);
    return st;
}

bool sq_int(sim_session_t *s, int64_t *ret_v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *sql = sqlite3_vmprintf(fmt, ap);
    va_end(ap);
    sqlite3_stmt *st = NULL;
    bool ok = sqlite3_prepare_v2(s->sq, sql, -1, &st, NULL) == SQLITE_OK;
    sqlite3_free(sql);
    if (ok && sqlite3_step(st) == SQLITE_ROW) *ret_v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return ok;
}

/* ---- attached databases ---- */

static void detach_idle(sim_session_t *s)
{
    for (sdb_t *d = s->sdbs; d != NULL; d = d->next) {
        if (!d->attached || d == s->cur || s->sq_open) continue;
        char *sql = sqlite3_mprintf("DETACH %s;DETACH %s", d->db->attach, d->db->xattach);
        if (sqlite3_exec(s->sq, sql, NULL, NULL, NULL) == SQLITE_OK) d->attached = false;
        sqlite3_free(sql);
    }
}

sdb_t *session_db_attach(sim_session_t *s, sim_db_t *db)
{
    sdb_t *d = s->sdbs;
    while (d != NULL && d->db != db) d = d->next;
    if (d == NULL) {
        d = sim_alloc(sizeof(*d));
        d->db = db;
        d->next = s->sdbs;
        s->sdbs = d;
    }
    if (d->attached) return d;
    char *f = server_db_path(s->server, db, false), *x = server_db_path(s->server, db, true);
    char *sql =
        sqlite3_mprintf("ATTACH %Q AS %s;ATTACH %Q AS %s;PRAGMA %s.synchronous=NORMAL;PRAGMA %s.synchronous=NORMAL", f,
                        db->attach, x, db->xattach, db->attach, db->xattach);
    int count = 0;
    for (sdb_t *k = s->sdbs; k != NULL; k = k->next) count += k->attached;
    if (count >= 4) detach_idle(s);
    if (sqlite3_exec(s->sq, sql, NULL, NULL, NULL) != SQLITE_OK && sqlite3_db_filename(s->sq, db->xattach) == NULL) {
        fail_sqlite(s);
        d = NULL;
    } else {
        d->attached = true;
    }
    sqlite3_free(sql);
    free(f);
    free(x);
    return d;
}

sdb_t *session_db(sim_session_t *s, const char *name)
{
    sim_db_t *db = server_db(s->server, name);
    sdb_t *sdb = db != NULL ? session_db_attach(s, db) : NULL;
    return sdb != NULL && security_enter(s, sdb) ? sdb : NULL;
}

bool session_catalog(sim_session_t *s, sdb_t *sdb)
{
    if (!sdb->attached && session_db_attach(s, sdb->db) == NULL) return false;
    if (sdb->db->dropped)
        return fail(s, 911, 16, 1, "Database '%s' does not exist. Make sure that the name is entered correctly.",
                    sdb->db->name);
    int64_t v = catalog_version(s->sq, sdb->db->attach);
    if (sdb->cat != NULL && sdb->cat->version == v) return true;
    catalog_free(sdb->cat);
    sdb->cat = catalog_load(s->sq, sdb->db->attach, sdb->db->xattach);
    return sdb->cat != NULL ? true : fail_sqlite(s);
}

bool session_use(sim_session_t *s, const char *name)
{
    sdb_t *d = session_db(s, name);
    if (d == NULL)
        return fail(s, 911, 16, 1, "Database '%s' does not exist. Make sure that the name is entered correctly.", name);
    const char *old = s->cur != NULL ? s->cur->db->name : "";
    s->cur = d;
    sim_envchange_t env = {.kind = SIM_ENV_DATABASE, .new_text = d->db->name, .old_text = old};
    if (!s->sink->ops->envchange(s->sink, &env)) s->gone = true;
    char *text = sim_asprintf("Changed database context to '%s'.", d->db->name);
    send_message(s, 5701, 0, 2, text, s->line);
    free(text);
    return !s->gone;
}

/* ---- variables ---- */

sim_var_t *session_var(sim_session_t *s, const char *name)
{
    if (s->frame == NULL) return NULL;
    for (sim_var_t *v = s->frame->vars; v != NULL; v = v->next)
        if (name_eq(v->name, name)) return v;
    return NULL;
}

sim_var_t *frame_declare(frame_t *f, const char *name, const sim_typeinfo_t *t)
{
    sim_var_t *v = sim_alloc(sizeof(*v));
    v->name = sim_strdup(name);
    v->type = *t;
    v->value.is_null = true;
    v->next = f->vars;
    f->vars = v;
    return v;
}

void var_set(sim_var_t *v, const sim_value_t *value)
{
    char *old = v->mem;
    v->mem = NULL;
    v->value = *value;
    if (!value->is_null && (type_is_char(v->type.base) || type_is_binary(v->type.base) || v->type.base == SIM_T_XML)) {
        v->mem = sim_strndup(value->u.s.ptr, value->u.s.len);
        v->value.u.s.ptr = v->mem;
    } else if (!value->is_null && v->type.base == SIM_T_VARIANT) {
        /* a variant keeps type, value and text in one block */
        const sim_typeinfo_t *it = value->u.v.type;
        const sim_value_t *iv = value->u.v.value;
        bool bytes = type_is_char(it->base) || type_is_binary(it->base);
        size_t n = bytes ? iv->u.s.len : 0;
        v->mem = sim_alloc(sizeof(*it) + 16 + sizeof(*iv) + n + 1);
        sim_typeinfo_t *t2 = (void *)v->mem;
        sim_value_t *v2 = (void *)(v->mem + ((sizeof(*it) + 15) & ~(size_t)15));
        *t2 = *it;
        *v2 = *iv;
        if (bytes) {
            char *p = (char *)(v2 + 1);
            memcpy(p, iv->u.s.ptr, n);
            v2->u.s.ptr = p;
        }
        v->value.u.v.type = t2;
        v->value.u.v.value = v2;
    }
    free(old);
}

void vars_free(sim_session_t *s, sim_var_t *v)
{
    while (v != NULL) {
        sim_var_t *next = v->next;
        if (v->table != NULL && s != NULL && s->sq != NULL) {
            char *sql = sqlite3_mprintf("DROP TABLE IF EXISTS %s", v->table->storage);
            sqlite3_exec(s->sq, sql, NULL, NULL, NULL);
            sqlite3_free(sql);
            ddl_temp_free(v->table);
        }
        free(v->name);
        free(v->mem);
        free(v);
        v = next;
    }
}

cat_table_t *session_temp(sim_session_t *s, const char *name)
{
    for (size_t i = 0; i < s->ntemps; i++)
        if (name_eq(s->temps[i]->name, name)) return s->temps[i];
    return NULL;
}

/* ---- login, reset, end ---- */

static void default_options(sim_session_t *s)
{
    s->textsize = s->odbc ? 2147483647 : 4096;
    s->rowcount_limit = 0;
    s->lock_timeout = -1;
    s->datefirst = 7;
    s->nocount = s->xact_abort = s->implicit_tran = s->fmtonly = s->showplan = false;
    s->quoted_identifier = s->ansi_warnings = true;
    s->isolation = ISO_RC;
    free(s->identity_insert);
    s->identity_insert = NULL;
}

static int progress(void *arg)
{
    return client_gone(arg);
}

static bool login_ok(sim_server_t *srv, const sim_login_t *login)
{
    if (name_eq(login->user, "sa")) return strcmp(login->password, srv->sa_password) == 0;
    bool ok = false;
    sqlite3_stmt *st;
    pthread_mutex_lock(&srv->lock);
    if (sqlite3_prepare_v2(srv->master, "SELECT 1 FROM logins WHERE name=? COLLATE NOCASE AND password=?", -1, &st,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(st, 1, login->user, -1, SQLITE_STATIC);
        sqlite3_bind_text(st, 2, login->password, -1, SQLITE_STATIC);
        ok = sqlite3_step(st) == SQLITE_ROW;
        sqlite3_finalize(st);
    }
    pthread_mutex_unlock(&srv->lock);
    return ok;
}

static void cannot_open(sim_session_t *s, const char *db, const char *user)
{
    char *text = sim_asprintf("Cannot open database \"%s\" requested by the login. The login failed.", db);
    send_message(s, 4060, 11, 1, text, 1);
    free(text);
    text = sim_asprintf("Login failed for user '%s'.", user);
    send_message(s, 18456, 14, 1, text, 1);
    free(text);
}

sim_session_t *sim_session_new(sim_server_t *srv, const sim_login_t *login, sim_sink_t *sink)
{
    sim_session_t *s = sim_alloc(sizeof(*s));
    const char *db = login->database[0] != '\0' ? login->database : "master";
    s->server = srv;
    s->sink = sink;
    s->user = sim_strdup(login->user);
    s->app = sim_strdup(login->app != NULL ? login->app : "");
    s->host = sim_strdup(login->host != NULL ? login->host : "");
    s->language = sim_strdup("us_english");
    s->odbc = login->odbc;
    s->read_only = login->read_only;
    s->next_handle = 1;
    default_options(s);
    pthread_mutex_lock(&srv->lock);
    s->spid = (uint16_t)srv->next_spid;
    srv->next_spid = srv->next_spid >= 32000 ? 51 : srv->next_spid + 1;
    s->rand_state = srv->random += 0x9E3779B97F4A7C15;
    s->next = srv->sessions;
    srv->sessions = s;
    pthread_mutex_unlock(&srv->lock);
    char *text = NULL;
    bool ok = false;
    if (!login_ok(srv, login)) {
        text = sim_asprintf("Login failed for user '%s'.", login->user);
        send_message(s, 18456, 14, 1, text, 1);
    } else if (server_db(srv, db) == NULL) {
        cannot_open(s, db, login->user);
    } else if (!sqlite_open(srv, s, &s->sq)) {
        send_message(s, 17809, 20, 1, "Could not connect because the server's storage cannot be opened.", 1);
    } else if ((s->cur = session_db(s, db)) == NULL && s->err.number == 916) {
        cannot_open(s, db, login->user);
    } else if (s->cur == NULL) {
        send_message(s, 17809, 20, 1, "Could not connect because the server's storage cannot be opened.", 1);
    } else {
        sqlite3_progress_handler(s->sq, 20000, progress, s);
        ok = true;
    }
    free(text);
    s->sink = NULL;
    if (ok) return s;
    sim_session_free(s);
    return NULL;
}

static void drop_temps(sim_session_t *s)
{
    for (size_t i = 0; i < s->ntemps; i++) {
        char *sql = sqlite3_mprintf("DROP TABLE IF EXISTS %s", s->temps[i]->storage);
        sqlite3_exec(s->sq, sql, NULL, NULL, NULL);
        sqlite3_free(sql);
        ddl_temp_free(s->temps[i]);
    }
    s->ntemps = 0;
}

static void free_prepared(sim_session_t *s)
{
    while (s->prepared != NULL) {
        prepared_t *p = s->prepared;
        s->prepared = p->next;
        free(p->text);
        free(p->params);
        free(p);
    }
    s->next_handle = 1;
}

void sim_session_free(sim_session_t *s)
{
    if (s == NULL) return;
    s->sink = NULL;
    if (s->sq != NULL) {
        tran_abort(s, false);
        sim_session_bulk_end(s, false, NULL);
        drop_temps(s);
    }
    pthread_mutex_lock(&s->server->lock);
    for (sim_session_t **p = &s->server->sessions; *p != NULL; p = &(*p)->next)
        if (*p == s) {
            *p = s->next;
            break;
        }
    pthread_mutex_unlock(&s->server->lock);
    free_prepared(s);
    cursors_free(s);
    while (s->sdbs != NULL) {
        sdb_t *d = s->sdbs;
        s->sdbs = d->next;
        catalog_free(d->cat);
        buf_done(&d->pending);
        free(d);
    }
    sqlite3_close_v2(s->sq);
    arena_done(&s->arena);
    arena_done(&s->row_arena);
    free(s->temps);
    free(s->identity_insert);
    free(s->user);
    free(s->app);
    free(s->host);
    free(s->language);
    free(s);
}

void sim_session_reset(sim_session_t *s, bool keep_tran)
{
    iso_t iso = s->isolation;
    if (!keep_tran) tran_abort(s, false);
    sim_session_bulk_end(s, false, NULL);
    default_options(s);
    s->isolation = iso; /* documented: the isolation level survives a reset */
    drop_temps(s);
    free_prepared(s);
    cursors_free(s);
    s->has_identity = s->has_scope_identity = false;
    s->rowcount = s->last_error = 0;
}

uint16_t sim_session_spid(const sim_session_t *s)
{
    return s->spid;
}
const char *sim_session_database(const sim_session_t *s)
{
    return s->cur->db->name;
}
const char *sim_session_language(const sim_session_t *s)
{
    return s->language;
}
int32_t sim_session_textsize(const sim_session_t *s)
{
    return s->textsize;
}
