/* exec_misc.c: options, messages, databases, waiting, maintenance commands. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sql/backup.h"
#include "sql/bind.h"
#include "sql/ddl.h"
#include "sql/exec.h"
#include "sql/module.h"
#include "util/datetime.h"

static bool option_int(sim_session_t *s, stmt_t *st, int64_t *ret)
{
    sim_typeinfo_t it = type_simple(SIM_T_INT);
    sim_value_t v;
    if (st->expr == NULL)
        return fail(s, 102, 15, 1, "Incorrect syntax near '%s'.", st->word != NULL ? st->word : st->cols[0]);
    if (!eval_scalar(s, st->expr, &it, &v, NULL)) return false;
    *ret = v.is_null ? 0 : v.u.i;
    return true;
}

static bool set_isolation(sim_session_t *s, const char *level)
{
    static const char *const names[] = {
        "", "read uncommitted", "read committed", "repeatable read", "serializable", "snapshot"};
    for (int i = 1; i <= 5; i++) {
        if (!name_eq(level, names[i])) continue;
        if (i == ISO_SNAPSHOT && s->isolation != ISO_SNAPSHOT && s->trancount > 0 && s->sq_open)
            return fail(s, 3951, 16, 1,
                        "Transaction failed in database '%s' because the statement was run under snapshot isolation "
                        "but the transaction did not start in snapshot isolation. You cannot change the isolation "
                        "level of the transaction to snapshot after the transaction has started unless the transaction "
                        "was originally started under snapshot isolation level.",
                        s->cur->db->name);
        s->isolation = (iso_t)i;
        return true;
    }
    return fail(s, 102, 15, 1, "Incorrect syntax near '%s'.", level);
}

bool exec_set_option(sim_session_t *s, stmt_t *st)
{
    static const char *const accepted[] = {"ansi_nulls",
                                           "ansi_null_dflt_on",
                                           "ansi_null_dflt_off",
                                           "ansi_padding",
                                           "arithabort",
                                           "arithignore",
                                           "concat_null_yields_null",
                                           "cursor_close_on_commit",
                                           "numeric_roundabort",
                                           "dateformat",
                                           "deadlock_priority",
                                           "context_info",
                                           "forceplan",
                                           "noexec",
                                           "parseonly",
                                           "query_governor_cost_limit",
                                           "remote_proc_transactions",
                                           "statistics",
                                           "ansi_defaults",
                                           "fips_flagger",
                                           "no_browsetable",
                                           "showplan_all",
                                           "showplan_xml",
                                           "disable_def_cnst_chk",
                                           "offsets"};
    int64_t n;
    for (size_t i = 0; i < st->ncols; i++) {
        const char *o = st->cols[i];
        bool on = st->word != NULL && name_eq(st->word, "on");
        if (name_eq(o, "transaction")) return set_isolation(s, st->word);
        if (name_eq(o, "nocount"))
            s->nocount = on;
        else if (name_eq(o, "xact_abort"))
            s->xact_abort = on;
        else if (name_eq(o, "implicit_transactions"))
            s->implicit_tran = on;
        else if (name_eq(o, "quoted_identifier"))
            s->quoted_identifier = on;
        else if (name_eq(o, "ansi_warnings"))
            s->ansi_warnings = on;
        else if (name_eq(o, "fmtonly"))
            s->fmtonly = on;
        else if (name_eq(o, "showplan_text"))
            s->showplan = on;
        else if (name_eq(o, "textsize")) {
            if (!option_int(s, st, &n)) return false;
            s->textsize = n == 0 ? 4096 : n < 0 ? 2147483647 : (int32_t)n;
        } else if (name_eq(o, "rowcount")) {
            if (!option_int(s, st, &n)) return false;
            s->rowcount_limit = n;
        } else if (name_eq(o, "lock_timeout")) {
            if (!option_int(s, st, &n)) return false;
            s->lock_timeout = (int)n;
        } else if (name_eq(o, "datefirst")) {
            if (!option_int(s, st, &n)) return false;
            if (n < 1 || n > 7) return fail(s, 2742, 16, 1, "SET DATEFIRST %lld is out of range.", (long long)n);
            s->datefirst = (int)n;
        } else if (name_eq(o, "language")) {
            if (st->word == NULL || (!name_eq(st->word, "us_english") && !name_eq(st->word, "english")))
                return fail(s, 2741, 16, 1,
                            "SET LANGUAGE failed because '%s' is not an official language name or a language alias on "
                            "this SQL Server.",
                            st->word != NULL ? st->word : "");
        } else if (name_eq(o, "identity_insert")) {
            sdb_t *sdb;
            cat_table_t *t;
            if (!resolve_table(s, &st->name, &sdb, &t)) return false;
            if (t == NULL)
                return fail(s, 1088, 16, 11,
                            "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                            name_dotted(&s->arena, &st->name));
            bool has = false;
            for (size_t c = 0; c < t->ncols; c++) has = has || t->cols[c].identity;
            if (!has)
                return fail(s, 8106, 16, 1,
                            "Table '%s' does not have the identity property. Cannot perform SET operation.", t->name);
            free(s->identity_insert);
            s->identity_insert = on ? sim_asprintf("%d.%d", sdb->db->id, t->id) : NULL;
        } else {
            bool known = false;
            for (size_t k = 0; k < sizeof(accepted) / sizeof(accepted[0]); k++)
                known = known || name_eq(accepted[k], o);
            if (!known) return fail(s, 195, 15, 5, "'%s' is not a recognized SET option.", o);
        }
    }
    return true;
}

static bool text_of(sim_session_t *s, expr_t *e, const char **ret)
{
    sim_typeinfo_t t = type_nvarchar(SIM_LEN_MAX);
    sim_value_t v;
    if (!eval_scalar(s, e, &t, &v, NULL)) return false;
    *ret = v.is_null ? "" : arena_strndup(&s->arena, v.u.s.ptr, v.u.s.len);
    return true;
}

static bool int_of(sim_session_t *s, expr_t *e, int64_t *ret)
{
    sim_typeinfo_t t = type_simple(SIM_T_INT);
    sim_value_t v;
    if (!eval_scalar(s, e, &t, &v, NULL)) return false;
    *ret = v.is_null ? 0 : v.u.i;
    return true;
}

/* RAISERROR's printf-like text: %s %d %i %u %o %x %X and %%. */
static bool format_message(sim_session_t *s, const char *fmt, expr_t **args, size_t nargs, buf_t *out)
{
    size_t k = 0;
    for (const char *c = fmt; *c != '\0'; c++) {
        if (*c != '%' || c[1] == '\0') {
            buf_addc(out, *c);
            continue;
        }
        if (c[1] == '%') {
            buf_addc(out, *c++);
            continue;
        }
        const char *spec = c + 1;
        while (*spec != '\0' && strchr("0123456789-+ #.*lhI", *spec) != NULL) spec++;
        const char *text = "(null)";
        int64_t n = 0;
        if (k < nargs && *spec == 's' && !text_of(s, args[k], &text)) return false;
        if (k < nargs && *spec != 's' && !int_of(s, args[k], &n)) return false;
        if (k >= nargs) text = "(null)";
        k++;
        if (*spec == 's')
            buf_adds(out, text);
        else if (*spec == 'x' || *spec == 'X')
            buf_printf(out, *spec == 'x' ? "%llx" : "%llX", (unsigned long long)n);
        else if (*spec == 'o')
            buf_printf(out, "%llo", (unsigned long long)n);
        else
            buf_printf(out, "%lld", (long long)n);
        if (*spec == '\0') break;
        c = spec;
    }
    return true;
}

static bool raiserror(sim_session_t *s, stmt_t *st)
{
    sim_typeinfo_t t;
    sim_value_t v;
    int64_t class, state, number = 50000;
    const char *fmt = "";
    if (!eval_scalar(s, st->values[0], NULL, &v, &t) || !int_of(s, st->values[1], &class) ||
        !int_of(s, st->values[2], &state))
        return false;
    if (type_is_number(t.base)) {
        number = v.u.i;
        fmt = arena_printf(&s->arena,
                           "Error %lld, severity %lld, state %lld was raised, but no message with that error number "
                           "was found in sys.messages.",
                           (long long)number, (long long)class, (long long)state);
    } else if (!text_of(s, st->values[0], &fmt)) {
        return false;
    }
    buf_t out = {0};
    bool ok = format_message(s, fmt, st->values + 3, st->nvalues - 3, &out);
    const char *text = arena_strdup(&s->arena, buf_text(&out));
    buf_done(&out);
    if (!ok) return false;
    if (class <= 10) return send_message(s, (int)number, (int)class, (int)state, text, st->line);
    return fail(s, (int)number, (int)class, (int)state, "%s", text);
}

static bool throw_error(sim_session_t *s, stmt_t *st)
{
    if (st->nvalues == 0) {
        if (s->caught == NULL)
            return fail(s, 10704, 15, 1,
                        "To rethrow an error, a THROW statement must be used inside a CATCH block. Insert the THROW "
                        "statement inside a CATCH block, or add error parameters to the THROW statement.");
        s->err_line = s->caught->line;
        return fail(s, s->caught->number, s->caught->class, s->caught->state, "%s", s->caught->text);
    }
    int64_t number, state;
    const char *text;
    if (!int_of(s, st->values[0], &number) || !text_of(s, st->values[1], &text) || !int_of(s, st->values[2], &state))
        return false;
    if (number < 50000)
        return fail(s, 35100, 16, 10,
                    "Error number %lld in the THROW statement is outside the valid range. Specify an error number in "
                    "the valid range of 50000 to 2147483647.",
                    (long long)number);
    return fail(s, (int)number, 16, (int)state, "%s", text);
}

/* WAITFOR DELAY: waits on the server's condition in slices so that a cancel is seen. */
static bool waitfor(sim_session_t *s, stmt_t *st)
{
    const char *text;
    dt_parsed_t p;
    if (!text_of(s, st->expr, &text)) return false;
    if (!dt_parse(text, strlen(text), &p) || !p.has_time || p.has_date)
        return fail(s, 148, 15, 1, "Incorrect time syntax in time string '%s' used with WAITFOR.", text);
    int64_t end = mono_ms() + p.ticks / 10000;
    pthread_mutex_t never = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t cond;
    pthread_condattr_t ca;
    pthread_condattr_init(&ca);
    pthread_condattr_setclock(&ca, CLOCK_MONOTONIC);
    pthread_cond_init(&cond, &ca);
    pthread_condattr_destroy(&ca);
    pthread_mutex_lock(&never);
    while (mono_ms() < end && !client_gone(s)) {
        int64_t slice = end - mono_ms() < 20 ? end - mono_ms() : 20, at = mono_ms() + slice;
        struct timespec ts = {.tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000};
        pthread_cond_timedwait(&cond, &never, &ts);
    }
    pthread_mutex_unlock(&never);
    pthread_cond_destroy(&cond);
    return !s->gone;
}

/* ---- databases ---- */

static bool no_tran(sim_session_t *s, const char *verb)
{
    return s->trancount == 0
               ? true
               : fail(s, 226, 16, 6, "%s statement not allowed within multi-statement transaction.", verb);
}

static bool alter_database(sim_session_t *s, stmt_t *st)
{
    if (!no_tran(s, "ALTER DATABASE")) return false;
    sim_db_t *db = st->word != NULL ? server_db(s->server, st->word) : s->cur->db;
    if (db == NULL)
        return fail(s, 5011, 14, 5,
                    "User does not have permission to alter database '%s', the database does not exist, or the "
                    "database is not in a state that allows access checks.",
                    st->word);
    const char *o = st->ncols > 0 ? st->cols[0] : "", *v = st->ncols > 1 ? st->cols[1] : "ON";
    bool on = name_eq(v, "on");
    if (st->var != NULL) return fail(s, 102, 15, 1, "Incorrect syntax near 'NAME'.");
    if (name_eq(o, "allow_snapshot_isolation"))
        db->snapshot_allowed = on;
    else if (name_eq(o, "read_committed_snapshot"))
        db->rcsi = on;
    else if (name_eq(o, "single_user"))
        db->single_user = true;
    else if (name_eq(o, "multi_user"))
        db->single_user = false;
    else if (name_eq(o, "read_only"))
        db->read_only = true;
    else if (name_eq(o, "read_write"))
        db->read_only = false;
    else if (!name_eq(o, "recovery") && !name_eq(o, "compatibility_level") && !name_eq(o, "auto_close") &&
             !name_eq(o, "auto_shrink") && !name_eq(o, "online") && !name_eq(o, "restricted_user") &&
             !name_eq(o, "page_verify") && !name_eq(o, "trustworthy") && !name_eq(o, "auto_create_statistics") &&
             !name_eq(o, "auto_update_statistics") && !name_eq(o, "delayed_durability") && !name_eq(o, "query_store"))
        return fail(s, 195, 15, 6, "'%s' is not a recognized SET option.", o);
    server_save_db(s->server, db);
    return true;
}

/* ---- views and procedures: the text is kept and parsed at every use ---- */

static bool create_module(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb;
    const char *schema, *object;
    int id;
    if (!resolve_db(s, &st->name, &sdb, &schema, &object) || !tran_write(s, sdb, false) || !session_catalog(s, sdb))
        return false;
    const cat_schema_t *sc = catalog_schema(sdb->cat, schema);
    if (sc == NULL)
        return fail(s, 2760, 16, 1,
                    "The specified schema name \"%s\" either does not exist or you do not have permission to use it.",
                    schema);
    const char *text = arena_strndup(&s->arena, s->frame->src + st->start, st->end - st->start);
    if (!module_check(s, text, st->word[0])) return false;
    const cat_module_t *old = catalog_module(sdb->cat, schema, object, st->word[0]);
    if (old == NULL && st->flag)
        return fail(s, 208, 16, 6, "Invalid object name '%s'.", name_dotted(&s->arena, &st->name));
    if (old != NULL && (st->flag || st->flag2)) {
        if (!sq_exec(s, "UPDATE %s._sim_objects SET body=%Q WHERE id=%d", sdb->db->attach, text, old->id)) return false;
    } else if (!ddl_add_object(s, sdb, sc->id, object, st->word, 0, false, &id) ||
               !sq_exec(s, "UPDATE %s._sim_objects SET body=%Q WHERE id=%d", sdb->db->attach, text, id)) {
        return false;
    }
    return ddl_touch(s, sdb);
}

static bool drop_modules(sim_session_t *s, stmt_t *st)
{
    for (size_t i = 0; i < st->nnames; i++) {
        sdb_t *sdb;
        const char *schema, *object;
        if (!resolve_db(s, &st->names[i], &sdb, &schema, &object) || !tran_write(s, sdb, false) ||
            !session_catalog(s, sdb))
            return false;
        const cat_module_t *m = catalog_module(sdb->cat, schema, object, st->word[0]);
        if (m == NULL && !st->flag)
            return fail(s, 3701, 11, 5,
                        "Cannot drop the %s '%s', because it does not exist or you do not have permission.",
                        st->word[0] == 'V' ? "view" : "procedure", name_dotted(&s->arena, &st->names[i]));
        if (m == NULL) continue;
        if (!sq_exec(s, "DELETE FROM %s._sim_objects WHERE id=%d", sdb->db->attach, m->id) || !ddl_touch(s, sdb))
            return false;
    }
    return true;
}

bool exec_database_ddl(sim_session_t *s, stmt_t *st)
{
    switch (st->kind) {
    case ST_CREATE_DATABASE: {
        sim_db_t *db;
        char *error = NULL;
        if (!no_tran(s, "CREATE DATABASE")) return false;
        if (server_create_db(s->server, st->word, st->var != NULL ? st->var : CATALOG_COLLATION, &db, &error))
            return true;
        if (error == NULL)
            return fail(s, 1801, 16, 3, "Database '%s' already exists. Choose a different database name.", st->word);
        fail(s, 1802, 16, 4, "CREATE DATABASE failed. Some file names listed could not be created: %s.", error);
        free(error);
        return false;
    }
    case ST_ALTER_DATABASE:
        return alter_database(s, st);
    case ST_DROP_DATABASE:
        if (!no_tran(s, "DROP DATABASE")) return false;
        for (size_t i = 0; i < st->nnames; i++) {
            const char *n = st->names[i].part[st->names[i].n - 1];
            sim_db_t *db = server_db(s->server, n);
            if (db == NULL && !st->flag)
                return fail(s, 3701, 11, 1,
                            "Cannot drop the database '%s', because it does not exist or you do not have permission.",
                            n);
            if (db == NULL) continue;
            if (!db->user_db)
                return fail(s, 3708, 16, 4, "Cannot drop the database '%s' because it is a system database.", n);
            if (s->cur->db == db)
                return fail(s, 3702, 16, 3, "Cannot drop database \"%s\" because it is currently in use.", n);
            server_drop_db(s->server, db);
        }
        return true;
    case ST_CREATE_MODULE:
        return create_module(s, st);
    default:
        return drop_modules(s, st);
    }
}

/* ---- maintenance ---- */

static bool outside_tran(sim_session_t *s)
{
    return s->trancount == 0 ||
           fail(s, 3021, 16, 0, "Cannot perform a backup or restore operation within a transaction.");
}

static bool backup(sim_session_t *s, stmt_t *st)
{
    const char *path;
    sim_db_t *db = server_db(s->server, st->word);
    if (db == NULL)
        return fail(s, 911, 16, 1, "Database '%s' does not exist. Make sure that the name is entered correctly.",
                    st->word);
    if (!outside_tran(s) || !text_of(s, st->expr, &path)) return false;
    int64_t pages = 0;
    if (!backup_database(s, db, path, &pages)) return false;
    char *t = sim_asprintf("BACKUP DATABASE successfully processed %lld pages in 0.010 seconds.", (long long)pages);
    send_message(s, 3014, 0, 1, t, st->line);
    free(t);
    return !s->gone;
}

static bool restore(sim_session_t *s, stmt_t *st)
{
    const char *path;
    sim_db_t *db = server_db(s->server, st->word);
    if (!outside_tran(s) || !text_of(s, st->expr, &path)) return false;
    if (db != NULL && s->cur->db == db)
        return fail(s, 3102, 16, 1,
                    "RESTORE cannot process database '%s' because it is in use by this session. It is recommended "
                    "that the master database be used when performing this operation.",
                    st->word);
    if (db != NULL && access(path, R_OK) == 0) server_drop_db(s->server, db);
    if (!restore_database(s, st->word, path, st->flag)) return false;
    return send_message(s, 3014, 0, 1, "RESTORE DATABASE successfully processed the backup set.", st->line);
}

static bool dbcc(sim_session_t *s, stmt_t *st)
{
    if (name_eq(st->word, "sqlperf")) {
        sim_column_t cols[] = {{"Database Name", type_sysname(), 0},
                               {"Log Size (MB)", type_simple(SIM_T_REAL), 0},
                               {"Log Space Used (%)", type_simple(SIM_T_REAL), 0},
                               {"Status", type_simple(SIM_T_INT), 0}};
        if (!send_columns(s, cols, 4)) return false;
        for (size_t i = 0; i < s->server->ndbs; i++) {
            if (s->server->dbs[i]->dropped) continue;
            sim_value_t v[4] = {value_str(s->server->dbs[i]->name), {.u.f = 8.0}, {.u.f = 5.0}, value_int(0)};
            if (!send_row(s, v, 4)) return false;
        }
    } else if (!name_eq(st->word, "checkdb") && !name_eq(st->word, "freeproccache") &&
               !name_eq(st->word, "dropcleanbuffers") && !name_eq(st->word, "traceon") &&
               !name_eq(st->word, "traceoff")) {
        return fail(s, 2526, 16, 3,
                    "Incorrect DBCC statement. Check the documentation for the correct DBCC syntax and options.");
    }
    return send_message(s, 2528, 0, 1,
                        "DBCC execution completed. If DBCC printed error messages, contact your system administrator.",
                        st->line);
}

bool exec_misc(sim_session_t *s, stmt_t *st)
{
    const char *text;
    switch (st->kind) {
    case ST_USE:
        return session_use(s, st->word);
    case ST_PRINT:
        if (!text_of(s, st->expr, &text)) return false;
        return send_message(s, 0, 0, 1, text, st->line);
    case ST_RAISERROR:
        return raiserror(s, st);
    case ST_THROW:
        return throw_error(s, st);
    case ST_WAITFOR:
        return waitfor(s, st);
    case ST_BACKUP:
        return backup(s, st);
    case ST_RESTORE:
        return restore(s, st);
    case ST_DBCC:
        return dbcc(s, st);
    case ST_CHECKPOINT:
        return true;
    default:
        return fail(s, 102, 15, 1, "Incorrect syntax near the statement.");
    }
}
