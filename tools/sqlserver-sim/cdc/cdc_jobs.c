/* cdc_jobs.c: the capture and cleanup jobs as procedures see them, and cleaning by hand. */
#include <string.h>

#include "cdc/cdc_procs.h"
#include "cdc/cleanup.h"
#include "sql/ddl.h"

typedef struct job_args {
    bool capture; /* else cleanup */
    const char *type;
    bool given[6];
    int64_t value[6];
} job_args_t;

enum { MAXTRANS, MAXSCANS, CONTINUOUS, POLLING, RETENTION, THRESHOLD };
static const char *const columns[6] = {"maxtrans",        "maxscans",  "continuous",
                                       "pollinginterval", "retention", "threshold"};

static const char *job_name(proc_call_t *c, const char *type)
{
    return arena_printf(&c->s->arena, "cdc.%s_%s", c->sdb->db->name, type);
}

static bool job_type(proc_call_t *c, bool has_default, job_args_t *ret)
{
    *ret = (job_args_t){.type = proc_text(c->s, c->args, c->n, 0, "@job_type")};
    if (ret->type == NULL && !has_default) return cdc_need(c, "@job_type");
    if (ret->type == NULL) ret->type = "capture";
    ret->capture = name_eq(ret->type, "capture");
    if (ret->capture || name_eq(ret->type, "cleanup")) return true;
    return fail(c->s, 22992, 16, 1,
                "The specified @job_type, %s, is not supported. The value specified for the parameter @job_type must "
                "be N'capture' to indicate a capture job, or N'cleanup' to indicate a cleanup job.",
                ret->type);
}

/* Arguments first .. of the job's settings; each is refused where SQL Server refuses it. */
static bool job_settings(proc_call_t *c, size_t first, job_args_t *a)
{
    sim_session_t *s = c->s;
    for (size_t i = 0; i < 6; i++)
        a->given[i] = proc_int(s, c->args, c->n, first + i, arena_printf(&s->arena, "@%s", columns[i]), &a->value[i]);
    if (s->err.text != NULL) return false;
    if (!a->capture && (a->given[MAXTRANS] || a->given[MAXSCANS] || a->given[CONTINUOUS] || a->given[POLLING]))
        return fail(s, 22996, 16, 1,
                    "When adding or modifying the CDC cleanup job, @pollinginterval, @maxtrans, @maxscans, and "
                    "@continuous may not be assigned non-null values.");
    if (a->capture && a->given[RETENTION])
        return fail(s, 22995, 16, 1,
                    "A value for the parameter @retention cannot be specified when the job type is 'capture'. Specify "
                    "NULL for the parameter, or omit the parameter from the statement.");
    if (a->given[MAXTRANS] && a->value[MAXTRANS] <= 0)
        return fail(s, 22991, 16, 1, "The value specified for the parameter @maxtrans must be greater than 0.");
    if (a->given[MAXSCANS] && a->value[MAXSCANS] <= 0)
        return fail(s, 22970, 16, 1,
                    "The value for parameter @maxscans specified for the Change Data Capture job must be greater than "
                    "0.");
    if (a->given[POLLING] && (a->value[POLLING] < 0 || a->value[POLLING] > 86399))
        return fail(s, 22990, 16, 1,
                    "The value specified for the parameter @pollinginterval must be greater than or equal to 0 and "
                    "less than 24 hours(Max: 86399 seconds). Specify a polling interval (in seconds) that is less than "
                    "24 hours (86,400 seconds).");
    if (a->given[RETENTION] && (a->value[RETENTION] <= 0 || a->value[RETENTION] > 52594800))
        return fail(s, 22994, 16, 1,
                    "The retention value specified for the Change Data Capture cleanup process must be greater than 0 "
                    "and less than or equal to 52594800. When creating or modifying the cleanup job, specify a "
                    "retention value (in minutes) that is within that range. If this error is encountered when "
                    "executing the sys.sp_cdc_cleanup_change_table stored procedure, reset the retention value "
                    "associated with the job to a non-negative value less than 52594800 by using the "
                    "sp_cdc_change_job stored procedure.");
    return true;
}

static bool job_exists(proc_call_t *c, const job_args_t *a, bool *ret_exists)
{
    int64_t n = 0;
    if (!sq_int(c->s, &n, "SELECT count(*) FROM %s._cdc_jobs WHERE job_type=%Q", c->sdb->db->attach,
                a->capture ? "capture" : "cleanup"))
        return fail_sqlite(c->s);
    *ret_exists = n > 0;
    return true;
}

static bool need_job(proc_call_t *c, const job_args_t *a)
{
    bool exists;
    if (!job_exists(c, a, &exists)) return false;
    return exists || fail(c->s, 22997, 16, 1,
                          "The Change Data Capture '%s' job does not exist in the system table 'msdb.dbo.cdc_jobs'. "
                          "Use the stored procedure 'sys.sp_cdc_add_job' to add the Change Data Capture job.",
                          a->type);
}

static bool change_job(proc_call_t *c)
{
    job_args_t a;
    if (!job_type(c, true, &a) || !job_settings(c, 1, &a) || !tran_write(c->s, c->sdb, false) || !need_job(c, &a))
        return false;
    for (size_t i = 0; i < 6; i++)
        if (a.given[i] &&
            !sq_exec(c->s, "UPDATE %s._cdc_jobs SET %s=%lld WHERE job_type=%Q", c->sdb->db->attach, columns[i],
                     (long long)(i == CONTINUOUS ? a.value[i] != 0 : a.value[i]), a.capture ? "capture" : "cleanup"))
            return false;
    return true;
}

static bool put_job(proc_call_t *c, bool capture, const int64_t v[6])
{
    return sq_exec(c->s, "INSERT INTO %s._cdc_jobs VALUES(%Q,randomblob(16),%lld,%lld,%lld,%lld,%lld,%lld)",
                   c->sdb->db->attach, capture ? "capture" : "cleanup", (long long)v[0], (long long)v[1],
                   (long long)v[2], (long long)v[3], (long long)v[4], (long long)v[5]);
}

static const int64_t capture_defaults[6] = {500, 10, 1, 5, 0, 0}, cleanup_defaults[6] = {0, 0, 0, 0, 4320, 5000};

static void set_stopped(proc_call_t *c, bool capture, bool stopped)
{
    pthread_mutex_lock(&c->s->server->lock);
    if (capture)
        c->sdb->db->capture_stopped = stopped;
    else
        c->sdb->db->cleanup_wanted = !stopped;
    pthread_cond_signal(&c->s->server->capture_wake);
    pthread_mutex_unlock(&c->s->server->lock);
}

static bool say(proc_call_t *c, const char *type, const char *what)
{
    return send_message(c->s, 0, 0, 1, arena_printf(&c->s->arena, "Job '%s' %s successfully.", job_name(c, type), what),
                        1);
}

static bool agent_away(proc_call_t *c, int class)
{
    static const char text[] = "SQLServerAgent is not currently running so it cannot be notified of this action.";
    return class > 10 ? fail(c->s, 22022, class, 1, "%s", text) : send_message(c->s, 22022, 0, 1, text, 1);
}

static bool add_job(proc_call_t *c)
{
    job_args_t a;
    bool exists;
    int64_t start = 1, v[6];
    if (!job_type(c, false, &a) || !job_settings(c, 2, &a) || !tran_write(c->s, c->sdb, false) ||
        !job_exists(c, &a, &exists))
        return false;
    proc_int(c->s, c->args, c->n, 1, "@start_job", &start);
    if (exists)
        return fail(c->s, 14261, 16, 1, "The specified %s ('%s') already exists.", "@name", job_name(c, a.type));
    memcpy(v, a.capture ? capture_defaults : cleanup_defaults, sizeof(v));
    for (size_t i = 0; i < 6; i++)
        if (a.given[i]) v[i] = a.value[i];
    if (!put_job(c, a.capture, v)) return false;
    set_stopped(c, a.capture, start == 0);
    if (start == 0) return true;
    return c->s->server->agent_stopped ? agent_away(c, 0) : say(c, a.type, "started");
}

static bool drop_job(proc_call_t *c)
{
    job_args_t a;
    return job_type(c, false, &a) && tran_write(c->s, c->sdb, false) && need_job(c, &a) &&
           sq_exec(c->s, "DELETE FROM %s._cdc_jobs WHERE job_type=%Q", c->sdb->db->attach,
                   a.capture ? "capture" : "cleanup");
}

static bool start_or_stop(proc_call_t *c, bool start)
{
    job_args_t a;
    sim_server_t *srv = c->s->server;
    if (!job_type(c, true, &a) || !need_job(c, &a)) return false;
    if (srv->agent_stopped) return agent_away(c, 16);
    pthread_mutex_lock(&srv->lock);
    bool running = a.capture ? !c->sdb->db->capture_stopped : c->sdb->db->cleanup_wanted;
    pthread_mutex_unlock(&srv->lock);
    if (running == start)
        return fail(c->s, 22022, 16, 1,
                    start ? "SQLServerAgent Error: Request to run job %s (from User %s) refused because the job is "
                            "already running from a request by User %s."
                          : "SQLServerAgent Error: Request to stop job %s (from User %s) refused because the job is "
                            "not currently running.",
                    job_name(c, a.type), c->s->user, c->s->user);
    set_stopped(c, a.capture, !start);
    return say(c, a.type, start ? "started" : "stopped");
}

bool cdc_ensure_jobs(proc_call_t *c)
{
    int64_t n = 0;
    if (!sq_int(c->s, &n, "SELECT count(*) FROM %s._cdc_jobs", c->sdb->db->attach)) return fail_sqlite(c->s);
    if (n > 0) return true;
    if (!put_job(c, true, capture_defaults) || !put_job(c, false, cleanup_defaults)) return false;
    if (c->s->server->agent_stopped) return agent_away(c, 0);
    return say(c, "capture", "started") && say(c, "cleanup", "started");
}

static bool help_jobs(proc_call_t *c)
{
    sim_session_t *s = c->s;
    return proc_query(
        s, arena_printf(&s->arena,
                        "SELECT job_id,job_type,maxtrans,maxscans,continuous,pollinginterval,retention,threshold "
                        "FROM %s.sys.[cdc_jobs$] ORDER BY job_type",
                        quote_name(&s->arena, c->sdb->db->name)));
}

bool cdc_job_procedures(proc_call_t *c, bool *ret_found)
{
    static const struct {
        const char *name;
        bool (*run)(proc_call_t *c);
    } procs[] = {{"sp_cdc_change_job", change_job},
                 {"sp_cdc_add_job", add_job},
                 {"sp_cdc_drop_job", drop_job},
                 {"sp_cdc_help_jobs", help_jobs}};
    bool start = name_eq(c->name, "sp_cdc_start_job"), stop = name_eq(c->name, "sp_cdc_stop_job");
    *ret_found = true;
    for (size_t i = 0; i < sizeof(procs) / sizeof(procs[0]); i++)
        if (name_eq(c->name, procs[i].name)) return c->sdb->cat->cdc ? procs[i].run(c) : cdc_not_enabled(c->s, c->sdb);
    if (start || stop) return c->sdb->cat->cdc ? start_or_stop(c, start) : cdc_not_enabled(c->s, c->sdb);
    *ret_found = false;
    return true;
}

/* ---- cleaning by hand ---- */

/* Output parameter @fCleanupFailed. */
static void set_failed(proc_call_t *c, bool failed)
{
    for (size_t i = 0; i < c->n; i++) {
        const char *name = c->args[i].name;
        if (name != NULL && name[0] != '\0' ? !name_eq(name, "@fCleanupFailed") : i != 3) continue;
        c->outs[i] = value_int(failed);
        c->out_set[i] = true;
    }
}

bool cdc_cleanup_change_table(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *name = proc_text(s, c->args, c->n, 0, "@capture_instance");
    const sim_param_t *p = proc_arg(c->args, c->n, 1, "@low_water_mark");
    sim_typeinfo_t bin = type_binary(10);
    sim_value_t v;
    sql_error_t err = {0};
    uint8_t mark[10];
    int64_t threshold = 5000;
    if (!c->sdb->cat->cdc) return cdc_not_enabled(s, c->sdb);
    if (proc_arg(c->args, c->n, 0, "@capture_instance") == NULL) return cdc_need(c, "@capture_instance");
    if (p == NULL) return cdc_need(c, "@low_water_mark");
    if (name == NULL || name[0] == '\0')
        return fail(s, 22963, 16, 1,
                    "Parameter '%s' cannot be null or empty. Specify a value for the named parameter and retry the "
                    "operation.",
                    "@capture_instance");
    proc_int(s, c->args, c->n, 2, "@threshold", &threshold);
    if (!value_convert(&s->arena, &p->type, &p->value, &bin, 0, 0, &v, &err)) return fail_err(s, &err);
    if (!tran_write(s, c->sdb, false) || !tran_write(s, c->sdb, true) || !session_catalog(s, c->sdb)) return false;
    const cat_instance_t *in = catalog_instance(c->sdb->cat, name);
    if (in == NULL)
        return fail(s, 22920, 16, 1, "The named capture instance %s does not exist for database %s.", name,
                    c->sdb->db->name);
    if (!v.is_null && !cleanup_mark(s->sq, c->sdb->db, (const uint8_t *)v.u.s.ptr, mark)) {
        char hex[21];
        for (int i = 0; i < 10; i++) sqlite3_snprintf(3, hex + 2 * i, "%02x", (unsigned char)v.u.s.ptr[i]);
        return fail(s, 22964, 16, 1,
                    "LSN 0x%s, specified as the new low end point for change table cleanup must represent the "
                    "start_lsn value of a current entry in the cdc.lsn_time_mapping table. Choose an LSN value that "
                    "satisfies this requirement.",
                    hex);
    }
    cleanup_t job = {.sq = s->sq,
                     .db = c->sdb->db,
                     .cat = c->sdb->cat,
                     .mark = v.is_null ? NULL : mark,
                     .instance = v.is_null ? in : NULL,
                     .threshold = threshold};
    if (!cleanup_run(&job)) return fail_sqlite(s);
    set_failed(c, false);
    return ddl_touch(s, c->sdb);
}
