/* fault.c: see fault.h. EXEC sim.fault arms, requests and connections take, SELECT * FROM sim.faults shows.
 *
 * Wire faults are taken by the wire at its points; engine faults hit the next matching request; switches (agent, capture,
 * clock) change the server at once and stay until sim.fault_clear or the opposite switch; actions change a database, at
 * once or, with @match, right before the next matching request. */
#include "faults/fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cdc/cdc.h"
#include "faults/action.h"
#include "util/datetime.h"
#include "util/mem.h"

typedef enum sort { SORT_WIRE, SORT_ENGINE, SORT_QUERY, SORT_SWITCH, SORT_ACTION } sort_t;

struct fault_row {
    fault_row_t *next;
    int id, session, skip, count; /* session 0 = any */
    int db_id;                    /* current database of who armed it */
    uint64_t hits;
    sort_t sort;
    char kind[24], match[256], arg[256];
};

typedef struct kind_row {
    const char *kind;
    sort_t sort;
} kind_row_t;

static const kind_row_t kinds[] = {
    {"drop", SORT_WIRE},
    {"stall", SORT_WIRE},
    {"slow_rows", SORT_WIRE},
    {"packet", SORT_WIRE},
    {"login_fail", SORT_WIRE},
    {"tls", SORT_WIRE},
    {"disconnect_on_reset", SORT_WIRE},
    {"error", SORT_ENGINE},
    {"deadlock", SORT_ENGINE},
    {"lock_timeout", SORT_ENGINE},
    {"min_lsn_null", SORT_QUERY},
    {"cdc_disabled", SORT_ACTION},
    {"cleanup", SORT_ACTION},
    {"lsn_gap", SORT_ACTION},
    {"lsn_reset", SORT_ACTION},
    {"read_only", SORT_ACTION},
    {"agent_stopped", SORT_SWITCH},
    {"capture_delay", SORT_SWITCH},
    {"clock", SORT_SWITCH},
};

static const kind_row_t *find_kind(const char *kind)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcasecmp(kinds[i].kind, kind) == 0) return &kinds[i];
    return NULL;
}

/* ---- matching ----------------------------------------------------------------------------------------------- */

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* LIKE with % and _ over the whole text, ignoring ASCII case. Iterative: one step back to the last %. */
static bool like(const char *text, size_t len, const char *pattern)
{
    size_t i = 0, mark = 0;
    const char *star = NULL;
    while (i < len) {
        if (*pattern == '%') {
            star = ++pattern;
            mark = i;
        } else if (*pattern == '_' || (*pattern != '\0' && fold(*pattern) == fold(text[i]))) {
            pattern++;
            i++;
        } else if (star != NULL) {
            pattern = star;
            i = ++mark;
        } else {
            return false;
        }
    }
    while (*pattern == '%') pattern++;
    return *pattern == '\0';
}

/* A pattern without % is a substring. */
static bool matches(const fault_row_t *f, const char *text, size_t len)
{
    if (f->match[0] == '\0') return true;
    if (strchr(f->match, '%') != NULL) return like(text, len, f->match);
    size_t n = strlen(f->match);
    for (size_t i = 0; i + n <= len; i++)
        if (strncasecmp(text + i, f->match, n) == 0) return true;
    return false;
}

static bool wire_point(const fault_row_t *f, sim_fault_point_t point)
{
    bool drop = strcasecmp(f->kind, "drop") == 0;
    switch (point) {
    case SIM_FAULT_PRELOGIN:
        return strcasecmp(f->kind, "tls") == 0 || (drop && strcasestr(f->arg, "at_prelogin") != NULL);
    case SIM_FAULT_LOGIN:
        return strcasecmp(f->kind, "login_fail") == 0 || (drop && strcasestr(f->arg, "in_tls") != NULL);
    case SIM_FAULT_AFTER_LOGIN:
        return drop && strcasestr(f->arg, "after_login") != NULL;
    case SIM_FAULT_REQUEST:
        if (strcasecmp(f->kind, "tls") == 0 || strcasecmp(f->kind, "login_fail") == 0) return false;
        return !drop || (strcasestr(f->arg, "at_prelogin") == NULL && strcasestr(f->arg, "in_tls") == NULL &&
                         strcasestr(f->arg, "after_login") == NULL);
    }
    return false;
}

/* Counts one hit. @return true when the fault fires; used-up rows stay for sim.faults. */
static bool fire(fault_row_t *f)
{
    if (f->count == 0) return false;
    if (f->skip > 0) {
        f->skip--;
        return false;
    }
    if (f->count > 0) f->count--;
    f->hits++;
    return true;
}

bool sim_server_fault(sim_server_t *srv, const sim_session_t *s, sim_fault_point_t point, const char *text, size_t len,
                      sim_fault_t *ret_fault)
{
    if (__atomic_load_n(&srv->faults, __ATOMIC_ACQUIRE) == NULL) return false; /* the usual case, for every request */
    /* The control statements themselves must get through, or nothing could ever be disarmed again. */
    if (point == SIM_FAULT_REQUEST && len < 4096 && like(text, len, "%sim.fault%")) return false;
    bool found = false;
    pthread_mutex_lock(&srv->lock);
    for (fault_row_t *f = srv->faults; f != NULL && !found; f = f->next) {
        bool mine = f->session == 0 || (s != NULL && f->session == s->spid);
        if (f->id <= ret_fault->id || f->sort != SORT_WIRE || !mine || !wire_point(f, point) ||
            !matches(f, text, len) || !fire(f))
            continue;
        ret_fault->id = f->id;
        snprintf(ret_fault->kind, sizeof(ret_fault->kind), "%s", f->kind);
        snprintf(ret_fault->arg, sizeof(ret_fault->arg), "%.*s", (int)sizeof(ret_fault->arg) - 1, f->arg);
        found = true;
    }
    pthread_mutex_unlock(&srv->lock);
    return found;
}

/* ---- engine faults ------------------------------------------------------------------------------------------ */

/* A number and the comma behind it. @return false: there is none, or nothing follows it */
static bool next_number(const char **at, long *ret_number)
{
    char *end;
    long n = strtol(*at, &end, 10);
    if (end == *at) return false;
    *ret_number = n;
    *at = *end == ',' ? end + 1 : end;
    return *end == ',';
}

/* "[after_rows:N,]NUMBER[,CLASS[,STATE[,TEXT]]]": now, or from the row on that the request sends as its N-th. */
static bool fail_as_told(sim_session_t *s, const char *arg)
{
    static const char prefix[] = "after_rows:";
    long number = 50000, class = 16, state = 1, rows = 0;
    if (strncmp(arg, prefix, sizeof(prefix) - 1) == 0) {
        arg += sizeof(prefix) - 1;
        (void)next_number(&arg, &rows);
    }
    const char *text =
        next_number(&arg, &number) && next_number(&arg, &class) && next_number(&arg, &state) && *arg != '\0'
            ? arg
            : "Injected error.";
    if (class < 11 || class > 25) class = 16;
    if (rows <= 0) return fail(s, (int)number, (int)class, (int)state, "%s", text);
    s->error_after_rows = (int)rows;
    s->late_error = (sim_message_t){.number = (int32_t)number, .class = (uint8_t) class, .state = (uint8_t)state};
    snprintf(s->late_text, sizeof(s->late_text), "%s", text);
    return true;
}

bool fault_late(sim_session_t *s)
{
    s->error_after_rows = 0;
    return fail(s, s->late_error.number, s->late_error.class, s->late_error.state, "%s", s->late_text);
}

bool fault_query(sim_server_t *srv, const sim_session_t *s, const char *kind, const char *text)
{
    bool hit = false;
    if (__atomic_load_n(&srv->faults, __ATOMIC_ACQUIRE) == NULL) return false;
    pthread_mutex_lock(&srv->lock);
    for (fault_row_t *f = srv->faults; f != NULL && !hit; f = f->next) {
        bool mine = f->session == 0 || f->session == s->spid;
        hit = f->sort == SORT_QUERY && mine && strcasecmp(f->kind, kind) == 0 && matches(f, text, strlen(text)) &&
              fire(f);
    }
    pthread_mutex_unlock(&srv->lock);
    return hit;
}

bool fault_check(sim_session_t *s, const char *text, size_t len)
{
    sim_server_t *srv = s->server;
    fault_row_t hit = {0};
    char error[ACTION_ERROR_MAX];
    s->error_after_rows = 0; /* of an earlier request that had fewer rows */
    if (__atomic_load_n(&srv->faults, __ATOMIC_ACQUIRE) == NULL) return true;
    if ((len < 4096 && like(text, len, "%sim.fault%")) || strcmp(s->app, "sim.fault") == 0) return true;
    pthread_mutex_lock(&srv->lock);
    for (fault_row_t *f = srv->faults; f != NULL; f = f->next) {
        bool mine = f->session == 0 || f->session == s->spid;
        bool here = f->sort == SORT_ENGINE || f->sort == SORT_ACTION;
        if (here && mine && matches(f, text, len) && fire(f)) {
            hit = *f;
            break;
        }
    }
    pthread_mutex_unlock(&srv->lock);
    if (hit.id == 0) return true;
    if (hit.sort == SORT_ACTION)
        return action_run(srv, hit.db_id, hit.kind, hit.arg, false, error) ||
               fail(s, 50000, 16, 1, "sim.fault: %s: %s", hit.kind, error);
    if (strcasecmp(hit.kind, "deadlock") == 0)
        return fail(
            s, 1205, 13, 51,
            "Transaction (Process ID %d) was deadlocked on lock resources with another process and has been chosen "
            "as the deadlock victim. Rerun the transaction.",
            s->spid);
    if (strcasecmp(hit.kind, "lock_timeout") == 0)
        return fail(s, 1222, 16, 51, "Lock request time out period exceeded.");
    return fail_as_told(s, hit.arg);
}

/* ---- switches ----------------------------------------------------------------------------------------------- */

static bool number_after(const char *arg, const char *prefix, long *ret_number)
{
    const char *at = strcasestr(arg, prefix);
    if (at == NULL) return false;
    char *end;
    *ret_number = strtol(at + strlen(prefix), &end, 10);
    return end != at + strlen(prefix);
}

/* Under the lock. */
static bool set_clock(sim_server_t *srv, const char *arg, int64_t now)
{
    long n;
    if (number_after(arg, "offset_min:", &n) && n >= -840 && n <= 840) {
        srv->utc_offset_min = (int)n;
    } else if (number_after(arg, "jump_ms:", &n)) {
        srv->clock_offset += (int64_t)n * 10000;
        srv->clock_frozen_at += (int64_t)n * 10000;
    } else if (number_after(arg, "at_ms:", &n) && n >= 0) {
        srv->clock_frozen = true;
        srv->clock_frozen_at = (int64_t)DT_DAYS_1970 * DT_DAY_TICKS + (int64_t)n * 10000;
    } else if (strcasecmp(arg, "freeze") == 0) {
        srv->clock_frozen = true;
        srv->clock_frozen_at = now;
    } else if (strcasecmp(arg, "run") == 0) {
        srv->clock_frozen = false;
    } else {
        return false;
    }
    return true;
}

static bool set_switch(sim_server_t *srv, const char *kind, const char *arg)
{
    bool known = true;
    long ms;
    int64_t now = server_utc(srv);
    pthread_mutex_lock(&srv->lock);
    if (strcasecmp(kind, "agent_stopped") == 0)
        srv->agent_stopped = strcasecmp(arg, "off") != 0 && strcmp(arg, "0") != 0;
    else if (strcasecmp(kind, "clock") == 0)
        known = set_clock(srv, arg, now);
    else if (strcasecmp(arg, "pause") == 0)
        srv->capture_paused = true;
    else if (strcasecmp(arg, "resume") == 0)
        srv->capture_paused = false;
    else if (number_after(arg, "", &ms) && ms >= 0 && ms <= 3600000)
        srv->capture_delay_ms = (int)ms;
    else
        known = false;
    pthread_mutex_unlock(&srv->lock);
    capture_wake(srv);
    return known;
}

/* ---- procedures --------------------------------------------------------------------------------------------- */

typedef struct call {
    sim_session_t *s;
    const sim_value_t *args;
    const sim_typeinfo_t *types;
    const char *const *names;
    size_t n;
} call_t;

/* The argument by name, or by position when it has none. NULL = not given. */
static const sim_value_t *argument(const call_t *c, const char *name, size_t position, const sim_typeinfo_t **ret_type)
{
    for (size_t i = 0; i < c->n; i++) {
        bool named = c->names != NULL && c->names[i] != NULL && c->names[i][0] != '\0';
        if (named ? !name_eq(c->names[i], name) : i != position) continue;
        *ret_type = &c->types[i];
        return c->args[i].is_null ? NULL : &c->args[i];
    }
    return NULL;
}

static void text_argument(const call_t *c, const char *name, size_t position, char *ret_text, size_t size)
{
    const sim_typeinfo_t *type;
    const sim_value_t *v = argument(c, name, position, &type);
    buf_t text = {0};
    ret_text[0] = '\0';
    if (v == NULL) return;
    value_text(type, v, 0, &text);
    snprintf(ret_text, size, "%s", buf_text(&text));
    buf_done(&text);
}

static bool int_argument(const call_t *c, const char *name, size_t position, int dflt, int *ret_number)
{
    char text[32], *end;
    text_argument(c, name, position, text, sizeof(text));
    long n = text[0] == '\0' ? dflt : strtol(text, &end, 10);
    if (n < -1 || n > 1000000000) return fail(c->s, 50000, 16, 1, "sim.fault: %s is out of range.", name);
    *ret_number = (int)n;
    return true;
}

static bool arm(const call_t *c)
{
    fault_row_t row = {0};
    text_argument(c, "@kind", 0, row.kind, sizeof(row.kind));
    text_argument(c, "@match", 1, row.match, sizeof(row.match));
    text_argument(c, "@arg", 5, row.arg, sizeof(row.arg));
    if (!int_argument(c, "@session", 2, 0, &row.session) || !int_argument(c, "@skip", 3, 0, &row.skip) ||
        !int_argument(c, "@count", 4, 1, &row.count))
        return false;
    const kind_row_t *kind = find_kind(row.kind);
    if (kind == NULL) return fail(c->s, 50000, 16, 1, "sim.fault: unknown kind '%s'.", row.kind);
    if (kind->sort == SORT_SWITCH) {
        if (!set_switch(c->s->server, row.kind, row.arg))
            return fail(c->s, 50000, 16, 1, "sim.fault: cannot understand @arg '%s' of kind '%s'.", row.arg, row.kind);
        return true;
    }
    row.sort = kind->sort;
    row.db_id = c->s->cur->db->id;
    if (kind->sort == SORT_ACTION) {
        char error[ACTION_ERROR_MAX];
        if (!action_run(c->s->server, row.db_id, row.kind, row.arg, row.match[0] != '\0', error))
            return fail(c->s, 50000, 16, 1, "sim.fault: %s: %s", row.kind, error);
        if (row.match[0] == '\0') {
            row.count = 0;
            row.hits = 1;
        }
    }
    fault_row_t *armed = sim_alloc(sizeof(*armed)), **tail;
    *armed = row;
    sim_server_t *srv = c->s->server;
    pthread_mutex_lock(&srv->lock);
    armed->id = ++srv->next_fault_id;
    for (tail = &srv->faults; *tail != NULL; tail = &(*tail)->next) {
    }
    __atomic_store_n(tail, armed, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&srv->lock);
    return true;
}

static void clear(sim_server_t *srv)
{
    pthread_mutex_lock(&srv->lock);
    fault_row_t *rows = srv->faults;
    __atomic_store_n(&srv->faults, NULL, __ATOMIC_RELEASE);
    srv->agent_stopped = srv->capture_paused = srv->clock_frozen = false;
    srv->capture_delay_ms = 0;
    srv->clock_offset = 0;
    srv->utc_offset_min = srv->config.utc_offset_min;
    pthread_mutex_unlock(&srv->lock);
    action_clear(srv);
    /* Nobody holds a row outside of the lock. */
    while (rows != NULL) {
        fault_row_t *next = rows->next;
        free(rows);
        rows = next;
    }
    capture_wake(srv);
}

bool fault_procedure(sim_session_t *s, const char *name, const sim_value_t *args, const sim_typeinfo_t *types,
                     const char *const *names, size_t n, bool *ret_found)
{
    call_t call = {.s = s, .args = args, .types = types, .names = names, .n = n};
    *ret_found = true;
    if (name_eq(name, "fault")) return arm(&call);
    if (name_eq(name, "fault_clear")) {
        clear(s->server);
        return true;
    }
    *ret_found = false;
    return true;
}

/* ---- the view ----------------------------------------------------------------------------------------------- */

char *faults_sql(sim_server_t *srv)
{
    buf_t sql = {0};
    pthread_mutex_lock(&srv->lock);
    for (const fault_row_t *f = srv->faults; f != NULL; f = f->next) {
        char *row = sqlite3_mprintf(
            "%sSELECT %d AS id, %Q AS kind, %Q AS match, %d AS session, %d AS skip, %d AS count, %Q AS arg, "
            "%lld AS hits",
            sql.len > 0 ? " UNION ALL " : "", f->id, f->kind, f->match, f->session, f->skip, f->count, f->arg,
            (long long)f->hits);
        if (row == NULL) abort();
        buf_adds(&sql, row);
        sqlite3_free(row);
    }
    pthread_mutex_unlock(&srv->lock);
    if (sql.len == 0)
        buf_adds(&sql, "SELECT 0 AS id, '' AS kind, '' AS match, 0 AS session, 0 AS skip, 0 AS count, '' AS arg, 0 AS "
                       "hits WHERE 0");
    char *text = sim_strdup(buf_text(&sql));
    buf_done(&sql);
    return text;
}

void faults_free(sim_server_t *srv)
{
    while (srv->faults != NULL) {
        fault_row_t *next = srv->faults->next;
        free(srv->faults);
        srv->faults = next;
    }
}
