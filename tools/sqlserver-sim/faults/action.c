/* action.c: see action.h. */
#include "faults/action.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cdc/cdc.h"

/* ---- a session without a client ---- */

typedef struct inner_sink {
    sim_sink_t sink;
    char error[ACTION_ERROR_MAX]; /* "" = none yet */
} inner_sink_t;

static bool no_columns(sim_sink_t *sink, const sim_column_t *cols, size_t n)
{
    (void)sink, (void)cols, (void)n;
    return true;
}
static bool no_row(sim_sink_t *sink, const sim_value_t *cells, size_t n)
{
    (void)sink, (void)cells, (void)n;
    return true;
}
static bool no_done(sim_sink_t *sink, const sim_done_t *done)
{
    (void)sink, (void)done;
    return true;
}
static bool no_env(sim_sink_t *sink, const sim_envchange_t *env)
{
    (void)sink, (void)env;
    return true;
}
static bool no_status(sim_sink_t *sink, int32_t status)
{
    (void)sink, (void)status;
    return true;
}
static bool no_value(sim_sink_t *sink, uint16_t ordinal, const char *name, const sim_typeinfo_t *type,
                     const sim_value_t *value)
{
    (void)sink, (void)ordinal, (void)name, (void)type, (void)value;
    return true;
}
static bool keep_error(sim_sink_t *sink, const sim_message_t *m)
{
    inner_sink_t *inner = (inner_sink_t *)sink;
    if (m->class > 10 && inner->error[0] == '\0')
        snprintf(inner->error, ACTION_ERROR_MAX, "Msg %d: %s", m->number, m->text);
    return true;
}

typedef struct inner {
    inner_sink_t sink;
    sim_session_t *session;
} inner_t;

static bool inner_open(inner_t *in, sim_server_t *srv, const sim_db_t *db)
{
    static const sim_sink_ops_t ops = {.columns = no_columns,
                                       .row = no_row,
                                       .done = no_done,
                                       .message = keep_error,
                                       .envchange = no_env,
                                       .return_status = no_status,
                                       .return_value = no_value};
    sim_login_t login = {.user = "sa", .password = srv->sa_password, .database = db->name, .app = "sim.fault"};
    in->sink = (inner_sink_t){.sink = {.ops = &ops}};
    in->session = sim_session_new(srv, &login, &in->sink.sink);
    if (in->session != NULL) in->session->lock_timeout = 5000; /* the caller's own transaction may be in the way */
    return in->session != NULL;
}

static bool run_sql(sim_server_t *srv, const sim_db_t *db, const char *sql, char *error)
{
    inner_t in;
    if (inner_open(&in, srv, db)) sim_session_batch(in.session, sql, strlen(sql), &in.sink.sink);
    sim_session_free(in.session);
    memcpy(error, in.sink.error, ACTION_ERROR_MAX);
    return error[0] == '\0';
}

/* ---- arguments ---- */

static const char *after(const char *arg, const char *prefix)
{
    size_t n = strlen(prefix);
    return strncasecmp(arg, prefix, n) == 0 ? arg + n : NULL;
}

static bool number(const char *text, long low, long high, long *ret)
{
    char *end;
    *ret = strtol(text, &end, 10);
    return end != text && *end == '\0' && *ret >= low && *ret <= high;
}

static bool lsn_literal(const char *text, uint8_t ret[10])
{
    if (strncasecmp(text, "0x", 2) != 0 || strlen(text) != 22 || strspn(text + 2, "0123456789abcdefABCDEF") != 20)
        return false;
    for (int i = 0; i < 10; i++) {
        char pair[3] = {text[2 + 2 * i], text[3 + 2 * i], '\0'};
        ret[i] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return true;
}

/* ---- the kinds ---- */

typedef bool action_t(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error);

static bool misunderstood(const char *arg, char *error)
{
    snprintf(error, ACTION_ERROR_MAX, "cannot understand @arg '%s'", arg);
    return false;
}

static bool cdc_disabled(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error)
{
    const char *instance = after(arg, "instance:");
    if (instance == NULL && arg[0] != '\0') return misunderstood(arg, error);
    if (dry) return true;
    if (instance == NULL) return run_sql(srv, db, "EXEC sys.sp_cdc_disable_db", error);
    char *sql = sqlite3_mprintf("DECLARE @i sysname = N'%q', @s sysname, @t sysname; SELECT @s = "
                                "OBJECT_SCHEMA_NAME(source_object_id), @t = OBJECT_NAME(source_object_id) FROM "
                                "cdc.change_tables WHERE capture_instance = @i; "
                                "EXEC sys.sp_cdc_disable_table @s, @t, @i",
                                instance);
    bool ok = run_sql(srv, db, sql, error);
    sqlite3_free(sql);
    return ok;
}

static bool cleanup(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error)
{
    const char *age = after(arg, "age_ms:"), *lsn = after(arg, "lsn:");
    long ms = 0;
    uint8_t at[10];
    char where[96] = "1 = 1";
    if (age != NULL   ? !number(age, 0, 2000000000, &ms)
        : lsn != NULL ? !lsn_literal(lsn, at)
                      : arg[0] != '\0' && strcasecmp(arg, "all") != 0)
        return misunderstood(arg, error);
    if (dry) return true;
    if (age != NULL) snprintf(where, sizeof(where), "tran_end_time <= DATEADD(ms, -%ld, GETDATE())", ms);
    if (lsn != NULL) snprintf(where, sizeof(where), "start_lsn <= %s", lsn);
    char *sql = sqlite3_mprintf(
        "DECLARE @m binary(10), @i sysname; SELECT @m = MAX(start_lsn) FROM cdc.lsn_time_mapping WHERE %s; SELECT @i = "
        "MIN(capture_instance) FROM cdc.change_tables; "
        "IF @m IS NOT NULL AND @i IS NOT NULL EXEC sys.sp_cdc_cleanup_change_table @i, @m",
        where);
    bool ok = run_sql(srv, db, sql, error);
    sqlite3_free(sql);
    return ok;
}

/* Runs `body` as a statement that writes both files. */
static bool in_statement(sim_server_t *srv, const sim_db_t *db, bool (*body)(sim_session_t *s, sdb_t *sdb, void *arg),
                         void *arg, char *error)
{
    inner_t in;
    if (!inner_open(&in, srv, db)) {
        memcpy(error, in.sink.error, ACTION_ERROR_MAX);
        return false;
    }
    sim_session_t *s = in.session;
    s->sink = &in.sink.sink;
    bool ok = stmt_begin(s, false);
    if (ok)
        ok = stmt_end(s, tran_write(s, s->cur, false) && tran_write(s, s->cur, true) && session_catalog(s, s->cur) &&
                             body(s, s->cur, arg));
    if (!ok) snprintf(error, ACTION_ERROR_MAX, "%s", s->err.text != NULL ? s->err.text : "it failed");
    sim_session_free(s);
    return ok;
}

static bool add_vlfs(sim_session_t *s, sdb_t *sdb, void *arg)
{
    return sq_exec(s, "UPDATE %s._sim_meta SET v=v+%ld WHERE k='vlf'", sdb->db->attach, *(const long *)arg) &&
           sq_exec(s, "UPDATE %s._sim_meta SET v=16 WHERE k='block'", sdb->db->attach);
}

static bool lsn_gap(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error)
{
    long vlfs = 1;
    if (arg[0] != '\0' && !number(arg, 1, 1000000, &vlfs)) return misunderstood(arg, error);
    return dry || in_statement(srv, db, add_vlfs, &vlfs, error);
}

/* Everything captured after the position goes, and the log goes on right behind it: what a reader has noted is ahead of
 * the database. */
static bool back_to(sim_session_t *s, sdb_t *sdb, void *arg)
{
    const uint8_t *given = arg;
    uint8_t to[10];
    char hex[21];
    bool found = given != NULL;
    if (found) memcpy(to, given, 10);
    for (size_t i = 0; given == NULL && i < sdb->cat->ninstances; i++) {
        const cat_instance_t *in = &sdb->cat->instances[i];
        if (!in->has_start || (found && memcmp(in->start_lsn, to, 10) >= 0)) continue;
        memcpy(to, in->start_lsn, 10);
        found = true;
    }
    if (!found) return fail(s, 50000, 16, 1, "there is no capture instance");
    for (int i = 0; i < 10; i++) snprintf(hex + 2 * i, 3, "%02X", to[i]);
    for (size_t i = 0; i < sdb->cat->ninstances; i++) {
        const cat_table_t *ct = catalog_table_id(sdb->cat, sdb->cat->instances[i].ct_id);
        if (ct != NULL && !sq_exec(s, "DELETE FROM %s WHERE c1>x'%s'", ct->storage, hex)) return false;
    }
    uint32_t vlf = (uint32_t)to[0] << 24 | (uint32_t)to[1] << 16 | (uint32_t)to[2] << 8 | to[3];
    uint32_t block = (uint32_t)to[4] << 24 | (uint32_t)to[5] << 16 | (uint32_t)to[6] << 8 | to[7];
    return sq_exec(s, "DELETE FROM %s._cdc_lsn_time_mapping WHERE start_lsn>x'%s'", sdb->db->xattach, hex) &&
           sq_exec(s, "DELETE FROM %s._sim_log", sdb->db->attach) &&
           sq_exec(s, "UPDATE %s._sim_meta SET v=%u WHERE k='vlf'", sdb->db->attach, vlf) &&
           sq_exec(s, "UPDATE %s._sim_meta SET v=%u WHERE k='block'", sdb->db->attach, block + 8);
}

static bool lsn_reset(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error)
{
    const char *lsn = after(arg, "lsn:");
    uint8_t to[10];
    if (lsn != NULL ? !lsn_literal(lsn, to) : arg[0] != '\0') return misunderstood(arg, error);
    return dry || in_statement(srv, db, back_to, lsn != NULL ? to : NULL, error);
}

static void set_secondary(sim_server_t *srv, sim_db_t *db, bool on)
{
    pthread_mutex_lock(&srv->lock);
    if (db->secondary != on) db->read_only = on;
    db->secondary = on;
    pthread_mutex_unlock(&srv->lock);
}

static bool read_only(sim_server_t *srv, sim_db_t *db, const char *arg, bool dry, char *error)
{
    bool off = strcasecmp(arg, "off") == 0;
    if (!off && arg[0] != '\0') return misunderstood(arg, error);
    if (!dry) set_secondary(srv, db, !off);
    return true;
}

static const struct {
    const char *kind;
    action_t *run;
} actions[] = {{"cdc_disabled", cdc_disabled},
               {"cleanup", cleanup},
               {"lsn_gap", lsn_gap},
               {"lsn_reset", lsn_reset},
               {"read_only", read_only}};

bool action_known(const char *kind)
{
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcasecmp(actions[i].kind, kind) == 0) return true;
    return false;
}

bool action_run(sim_server_t *srv, int db_id, const char *kind, const char *arg, bool dry,
                char ret_error[ACTION_ERROR_MAX])
{
    sim_db_t *db = server_db_id(srv, db_id);
    ret_error[0] = '\0';
    if (db == NULL || !db->user_db) {
        snprintf(ret_error, ACTION_ERROR_MAX, "%s needs a user database as the current one", kind);
        return false;
    }
    for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
        if (strcasecmp(actions[i].kind, kind) == 0) return actions[i].run(srv, db, arg, dry, ret_error);
    return false;
}

void action_clear(sim_server_t *srv)
{
    pthread_mutex_lock(&srv->lock);
    for (size_t i = 0; i < srv->ndbs; i++)
        if (srv->dbs[i]->secondary) srv->dbs[i]->secondary = srv->dbs[i]->read_only = false;
    pthread_mutex_unlock(&srv->lock);
}
