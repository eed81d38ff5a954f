/* gen.c: see gen.h: making generators and finding them by name. */
#include "gen/gen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cdc/apply.h"
#include "gen/gen_query.h"
#include "gen/gen_table.h"
#include "sql/exec.h"
#include "util/datetime.h"

enum { ROWS_PER_TX_MAX = 60000, RATE_MAX = 100000000, NAME_CHARS = 100 };

static const char function_prefix[] = "fn_cdc_get_all_changes_";

/* @return true and what the object is */
static bool object_of(const gen_table_t *g, const char *schema, const char *object, gen_object_t *ret_object)
{
    size_t len = strlen(g->instance);
    if (name_eq(schema, g->schema) && name_eq(object, g->name)) {
        *ret_object = GEN_TABLE;
        return true;
    }
    if (!name_eq(schema, "cdc")) return false;
    *ret_object = GEN_CHANGES;
    if (strlen(object) == len + 3 && strncasecmp(object, g->instance, len) == 0 && name_eq(object + len, "_CT"))
        return true;
    *ret_object = GEN_FUNCTION;
    return strncasecmp(object, function_prefix, sizeof(function_prefix) - 1) == 0 &&
           name_eq(object + sizeof(function_prefix) - 1, g->instance);
}

gen_table_t *gen_find(sim_server_t *srv, int db_id, const char *schema, const char *object)
{
    gen_object_t ignored;
    gen_table_t *g = __atomic_load_n(&srv->gens, __ATOMIC_ACQUIRE);
    while (g != NULL && (g->db_id != db_id || !object_of(g, schema == NULL ? "dbo" : schema, object, &ignored)))
        g = g->next;
    return g;
}

void gen_scope(binder_t *b, gen_table_t *g, const char *object, scope_src_t *ret_src)
{
    gen_object_t what = GEN_TABLE;
    if (!name_eq(object, g->name)) (void)object_of(g, "cdc", object, &what);
    gen_column_t cols[GEN_COLUMNS_MAX];
    ret_src->ncols = gen_columns(g, what, cols);
    ret_src->cols = arena_alloc(b->a, ret_src->ncols * sizeof(*ret_src->cols));
    for (size_t i = 0; i < ret_src->ncols; i++)
        ret_src->cols[i] = (scope_col_t){.name = cols[i].name, .sql = "NULL", .type = cols[i].type};
}

bool gen_max_lsn(sim_server_t *srv, int db_id, uint8_t ret_lsn[10])
{
    bool found = false;
    for (const gen_table_t *g = __atomic_load_n(&srv->gens, __ATOMIC_ACQUIRE); g != NULL; g = g->next) {
        uint8_t lsn[10];
        if (g->db_id != db_id || g->rate != 0) continue; /* with a rate the time mapping knows */
        gen_lsn_of(g, g->images, lsn);
        if (!found || memcmp(lsn, ret_lsn, 10) > 0) memcpy(ret_lsn, lsn, 10);
        found = true;
    }
    return found;
}

void gen_free_all(sim_server_t *srv)
{
    while (srv->gens != NULL) {
        gen_table_t *next = srv->gens->next;
        free(srv->gens->schema);
        free(srv->gens->name);
        free(srv->gens->instance);
        free(srv->gens);
        srv->gens = next;
    }
}

/* ---- sim.gen_create ----------------------------------------------------------------------------------------- */

enum { ROWS_PER_TX, TOTAL, SNAPSHOT, RATE, SEED, REPLAY, NUMBERS };

typedef struct gen_args {
    char table[256], template[32], ops[64];
    long number[NUMBERS];
} gen_args_t;

static bool read_args(sim_session_t *s, const sim_value_t *args, const sim_typeinfo_t *types, const char *const *names,
                      size_t n, gen_args_t *ret)
{
    static const char *const known[] = {"@table",    "@template", "@rows_per_tx", "@total", "@ops",
                                        "@snapshot", "@rate",     "@seed",        "@replay"};
    enum { KNOWN = sizeof(known) / sizeof(known[0]) };
    char number[NUMBERS][32] = {"100", "1000000", "0", "0", "0", "0"};
    struct {
        char *at;
        size_t size;
    } to[KNOWN] = {{ret->table, sizeof(ret->table)},
                   {ret->template, sizeof(ret->template)},
                   {number[ROWS_PER_TX], 32},
                   {number[TOTAL], 32},
                   {ret->ops, sizeof(ret->ops)},
                   {number[SNAPSHOT], 32},
                   {number[RATE], 32},
                   {number[SEED], 32},
                   {number[REPLAY], 32}};
    snprintf(ret->table, sizeof(ret->table), "dbo.gen");
    snprintf(ret->template, sizeof(ret->template), "customers");
    snprintf(ret->ops, sizeof(ret->ops), "i:70,u:25,d:5");
    for (size_t i = 0; i < n; i++) {
        size_t k = i;
        if (names != NULL && names[i] != NULL && names[i][0] != '\0')
            for (k = 0; k < KNOWN && !name_eq(known[k], names[i]);) k++;
        if (k >= KNOWN)
            return fail(s, 8144, 16, 2, "Procedure or function gen_create has too many arguments specified.");
        if (args[i].is_null) continue;
        buf_t text = {0};
        value_text(&types[i], &args[i], 0, &text);
        snprintf(to[k].at, to[k].size, "%s", buf_text(&text));
        buf_done(&text);
    }
    bool ok = true;
    for (size_t i = 0; i < NUMBERS; i++) {
        char *end;
        ret->number[i] = strtol(number[i], &end, 10);
        ok = ok && *end == '\0' && ret->number[i] >= 0;
    }
    if (!ok || ret->number[ROWS_PER_TX] < 1 || ret->number[ROWS_PER_TX] > ROWS_PER_TX_MAX || ret->number[TOTAL] < 1 ||
        ret->number[RATE] > RATE_MAX)
        return fail(s, 50000, 16, 1,
                    "sim.gen_create: @rows_per_tx is 1 to %d, @total at least 1, @rate at most %d, no number negative.",
                    ROWS_PER_TX_MAX, RATE_MAX);
    return true;
}

static bool run(sim_session_t *s, const char *text)
{
    frame_t f = {.in_proc = true};
    return exec_body(s, text, strlen(text), &f) != FLOW_ERROR;
}

static bool make_table(sim_session_t *s, const gen_table_t *g)
{
    buf_t sql = {0};
    buf_printf(&sql, "CREATE TABLE [%s].[%s] (", g->schema, g->name);
    for (size_t i = 0; i < g->tpl->ncols; i++)
        buf_printf(&sql, "%s[%s] %s", i > 0 ? ", " : "", g->tpl->cols[i].name, g->tpl->cols[i].ddl);
    buf_printf(&sql,
               "); EXEC sys.sp_cdc_enable_table @source_schema = N'%s', @source_name = N'%s', @role_name = NULL, "
               "@supports_net_changes = 0",
               g->schema, g->name);
    bool ok = run(s, buf_text(&sql));
    buf_done(&sql);
    return ok;
}

/* A place in the log for all generated transactions, and one mapping row of the last of them: the maximum LSN of the
 * database then covers every generated row. */
static bool place_in_log(sim_session_t *s, gen_table_t *g)
{
    lsn_t lsn;
    uint8_t last[10];
    char hex[21];
    int64_t now = datetime_key(server_local(s->server));
    if (!log_take_lsn(s, s->cur, &lsn) || !tran_write(s, s->cur, true)) return false;
    /* a log file of its own, behind everything that has been logged */
    g->base_vlf = ((uint32_t)lsn.b[0] << 24 | (uint32_t)lsn.b[1] << 16 | (uint32_t)lsn.b[2] << 8 | lsn.b[3]) + 1;
    if (g->rate != 0) return true; /* gen_advance */
    gen_lsn_of(g, g->images, last);
    for (int i = 0; i < 10; i++) snprintf(hex + 2 * i, 3, "%02X", last[i]);
    return sq_exec(s, "INSERT INTO %s._cdc_lsn_time_mapping VALUES(x'%s',%lld,%lld,x'01',x'%s')", s->cur->db->xattach,
                   hex, (long long)now, (long long)now, hex);
}

bool gen_advance(sim_server_t *srv, sqlite3 *sq, const sim_db_t *db)
{
    for (gen_table_t *g = __atomic_load_n(&srv->gens, __ATOMIC_ACQUIRE); g != NULL; g = g->next) {
        lsn_t lsn;
        uint64_t due = g->db_id == db->id && g->rate != 0 ? gen_due(g, mono_ms()) : 0;
        if (due <= __atomic_load_n(&g->mapped_ops, __ATOMIC_RELAXED)) continue;
        int64_t now = datetime_key(server_local(srv));
        gen_lsn_of(g, gen_images_of(g, due), lsn.b);
        if (!apply_mapping(sq, db, &lsn, now, now, 1, &lsn)) return false;
        __atomic_store_n(&g->mapped_ops, due, __ATOMIC_RELEASE);
    }
    return true;
}

static gen_table_t *gen_new(sim_session_t *s, const gen_args_t *a)
{
    const char *dot = strchr(a->table, '.');
    const char *name = dot == NULL ? a->table : dot + 1;
    gen_table_t *g = sim_alloc(sizeof(*g));
    g->tpl = gen_template(a->template);
    g->schema = dot == NULL ? sim_strdup("dbo") : sim_strndup(a->table, (size_t)(dot - a->table));
    g->name = sim_strdup(name);
    g->instance = sim_asprintf("%s_%s", g->schema, g->name);
    if (g->tpl == NULL)
        fail(s, 50000, 16, 1, "sim.gen_create: unknown template '%s'.", a->template);
    else if (!gen_parse_ops(g, a->ops, (uint64_t)a->number[SEED]))
        fail(s, 50000, 16, 1, "sim.gen_create: cannot understand @ops '%s'.", a->ops);
    else if (strpbrk(a->table, "[]'\"") != NULL || strlen(g->instance) > NAME_CHARS)
        fail(s, 50000, 16, 1, "sim.gen_create: @table must be a plain name.");
    else
        return g;
    free(g->schema);
    free(g->name);
    free(g->instance);
    free(g);
    return NULL;
}

static bool gen_create(sim_session_t *s, const gen_args_t *a)
{
    gen_table_t *g = gen_new(s, a);
    if (g == NULL) return false;
    int64_t now = server_utc(s->server);
    g->db_id = s->cur->db->id;
    g->ncols = g->tpl->ncols;
    g->rows_per_tx = (uint32_t)a->number[ROWS_PER_TX];
    g->operations = (uint64_t)a->number[TOTAL];
    g->images = gen_images_of(g, g->operations);
    g->snapshot = (uint64_t)a->number[SNAPSHOT];
    g->rate = (uint64_t)a->number[RATE];
    g->replay = a->number[REPLAY] != 0;
    g->started_ms = mono_ms();
    g->days = (int32_t)(now / DT_DAY_TICKS);
    g->ticks = now % DT_DAY_TICKS;
    g->offset_min = s->server->utc_offset_min;
    bool ok = make_table(s, g) && stmt_begin(s, false);
    if (ok) ok = stmt_end(s, place_in_log(s, g));
    pthread_mutex_lock(&s->server->lock);
    g->next = s->server->gens;
    if (ok) __atomic_store_n(&s->server->gens, g, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&s->server->lock);
    if (ok) return true;
    free(g->schema);
    free(g->name);
    free(g->instance);
    free(g);
    return false;
}

bool gen_procedure(sim_session_t *s, const char *name, const sim_value_t *args, const sim_typeinfo_t *types,
                   const char *const *names, size_t n, bool *ret_found)
{
    gen_args_t a;
    *ret_found = name_eq(name, "gen_create");
    return !*ret_found || (read_args(s, args, types, names, n, &a) && gen_create(s, &a));
}
