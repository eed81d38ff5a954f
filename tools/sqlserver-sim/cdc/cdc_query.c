/* cdc_query.c: the fn_cdc_* functions, bound to SQLite text over the change file's tables. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cdc/cdc.h"
#include "gen/gen.h"

#define ZERO_LSN "x'00000000000000000000'"

static const char all_prefix[] = "fn_cdc_get_all_changes_";
static const char net_prefix[] = "fn_cdc_get_net_changes_";

/* ---- functions that SQLite calls ---------------------------------------------------------------------------- */

/* sim_lsn_add(lsn, delta): the 80-bit number plus or minus one. */
static void lsn_add(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    uint8_t lsn[10] = {0};
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return;
    int n = sqlite3_value_bytes(argv[0]), delta = sqlite3_value_int(argv[1]);
    if (n > 0) memcpy(lsn, sqlite3_value_blob(argv[0]), n < 10 ? (size_t)n : 10);
    for (int i = 9; i >= 0; i--) {
        lsn[i] = (uint8_t)(lsn[i] + delta);
        if (lsn[i] != (delta > 0 ? 0x00 : 0xFF)) break; /* no carry */
    }
    sqlite3_result_blob(ctx, lsn, 10, SQLITE_TRANSIENT);
}

/* sim_bit_set(ordinal, mask): the last byte holds ordinals 1 to 8. */
static void bit_set(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    if (sqlite3_value_type(argv[0]) == SQLITE_NULL || sqlite3_value_type(argv[1]) == SQLITE_NULL) return;
    int ordinal = sqlite3_value_int(argv[0]), len = sqlite3_value_bytes(argv[1]);
    const uint8_t *mask = sqlite3_value_blob(argv[1]);
    bool in = mask != NULL && ordinal >= 1 && (ordinal - 1) / 8 < len;
    sqlite3_result_int(ctx, in && (mask[len - 1 - (ordinal - 1) / 8] >> (ordinal - 1) % 8 & 1));
}

static int lsn_cmp(sqlite3_value *a, sqlite3_value *b)
{
    int na = sqlite3_value_bytes(a), nb = sqlite3_value_bytes(b);
    int order = memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b), (size_t)(na < nb ? na : nb));
    return order != 0 ? order : na - nb;
}

static bool option_is(sqlite3_value *v, const char *option)
{
    const char *text = (const char *)sqlite3_value_text(v);
    if (text == NULL) return false;
    while (*text == ' ') text++;
    size_t len = strlen(text);
    while (len > 0 && text[len - 1] == ' ') len--;
    return len == strlen(option) && strncasecmp(text, option, len) == 0;
}

/* sim_cdc_from(from, to, option, min, max, net): `from`, or error 313 with the text that real servers have. It stands in the
 * condition that opens the range, so it runs also where no row is. */
static void range_from(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    sim_session_t *s = sqlite3_user_data(ctx);
    bool net = sqlite3_value_int(argv[5]) != 0, ok = argc == 6;
    for (int i = 0; i < 5; i++) ok = ok && sqlite3_value_type(argv[i]) != SQLITE_NULL;
    ok = ok && lsn_cmp(argv[0], argv[3]) >= 0 && lsn_cmp(argv[1], argv[4]) <= 0 && lsn_cmp(argv[0], argv[1]) <= 0;
    if (net)
        ok = ok &&
             (option_is(argv[2], "all") || option_is(argv[2], "all with mask") || option_is(argv[2], "all with merge"));
    else
        ok = ok && (option_is(argv[2], "all") || option_is(argv[2], "all update old"));
    if (ok) {
        sqlite3_result_value(ctx, argv[0]);
        return;
    }
    if (s != NULL)
        fail(s, 313, 16, 3,
             "An insufficient number of arguments were supplied for the procedure or function cdc.%s ... .",
             net ? net_prefix : all_prefix);
    sqlite3_result_error(ctx, "range", -1);
}

/* sim_cdc_option(text, option): 1 when the text is that option. */
static void is_option(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    (void)argc;
    sqlite3_result_int(ctx, option_is(argv[0], (const char *)sqlite3_value_text(argv[1])));
}

bool cdc_register(sim_session_t *s, sqlite3 *sq)
{
    enum { PURE = SQLITE_UTF8 | SQLITE_DETERMINISTIC };
    return sqlite3_create_function(sq, "sim_lsn_add", 2, PURE, NULL, lsn_add, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(sq, "sim_bit_set", 2, PURE, NULL, bit_set, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(sq, "sim_cdc_option", 2, PURE, NULL, is_option, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_function(sq, "sim_cdc_from", 6, SQLITE_UTF8, s, range_from, NULL, NULL) == SQLITE_OK;
}

/* ---- scalar functions --------------------------------------------------------------------------------------- */

typedef enum cdc_fn {
    FN_MAX_LSN,
    FN_MIN_LSN,
    FN_INCREMENT,
    FN_DECREMENT,
    FN_LSN_TO_TIME,
    FN_TIME_TO_LSN,
    FN_ORDINAL,
    FN_BIT_SET,
    FN_HAS_CHANGED
} cdc_fn_t;

typedef enum arg_kind { ARG_NONE, ARG_LSN, ARG_NAME, ARG_TIME, ARG_INT, ARG_MASK } arg_kind_t;

static const struct fn_row {
    const char *name;
    cdc_fn_t fn;
    arg_kind_t args[3];
    sim_base_t result;
    bool reads; /* tables of the database, which must have CDC */
} fn_rows[] = {
    {"fn_cdc_get_max_lsn", FN_MAX_LSN, {ARG_NONE}, SIM_T_BINARY, true},
    {"fn_cdc_get_min_lsn", FN_MIN_LSN, {ARG_NAME}, SIM_T_BINARY, true},
    {"fn_cdc_increment_lsn", FN_INCREMENT, {ARG_LSN}, SIM_T_BINARY, false},
    {"fn_cdc_decrement_lsn", FN_DECREMENT, {ARG_LSN}, SIM_T_BINARY, false},
    {"fn_cdc_map_lsn_to_time", FN_LSN_TO_TIME, {ARG_LSN}, SIM_T_DATETIME, true},
    {"fn_cdc_map_time_to_lsn", FN_TIME_TO_LSN, {ARG_NAME, ARG_TIME}, SIM_T_BINARY, true},
    {"fn_cdc_get_column_ordinal", FN_ORDINAL, {ARG_NAME, ARG_NAME}, SIM_T_INT, true},
    {"fn_cdc_is_bit_set", FN_BIT_SET, {ARG_INT, ARG_MASK}, SIM_T_BIT, false},
    {"fn_cdc_has_column_changed", FN_HAS_CHANGED, {ARG_NAME, ARG_NAME, ARG_MASK}, SIM_T_BIT, true},
};

static sim_typeinfo_t arg_type(arg_kind_t kind)
{
    switch (kind) {
    case ARG_LSN:
        return type_binary(10);
    case ARG_TIME:
        return type_simple(SIM_T_DATETIME);
    case ARG_INT:
        return type_simple(SIM_T_INT);
    case ARG_MASK:
        return type_varbinary(128);
    default:
        return type_nvarchar(128);
    }
}

static const char *ordinal_sql(binder_t *b, const sim_db_t *db, const char *instance, const char *column)
{
    return arena_printf(b->a,
                        "(SELECT cc.column_ordinal FROM %s._cdc_captured_columns cc JOIN %s._cdc_change_tables ct ON "
                        "ct.object_id=cc.object_id "
                        "WHERE ct.capture_instance=%s AND cc.column_name=%s)",
                        db->attach, db->attach, instance, column);
}

static const char *time_to_lsn_sql(binder_t *b, const sim_db_t *db, const char *op, const char *time)
{
    static const struct {
        const char *option, *fn, *cmp;
    } ops[] = {{"largest less than", "max", "<"},
               {"largest less than or equal", "max", "<="},
               {"smallest greater than", "min", ">"},
               {"smallest greater than or equal", "min", ">="}};
    const char *sql = "CASE";
    for (size_t i = 0; i < 4; i++)
        sql = arena_printf(b->a,
                           "%s WHEN sim_cdc_option(%s,'%s') THEN (SELECT %s(start_lsn) FROM %s._cdc_lsn_time_mapping "
                           "WHERE tran_end_time%s%s)",
                           sql, op, ops[i].option, ops[i].fn, db->xattach, ops[i].cmp, time);
    return arena_printf(b->a, "(%s END)", sql);
}

static const char *fn_sql(binder_t *b, cdc_fn_t fn, const sim_db_t *db, const char *const *a)
{
    switch (fn) {
    case FN_MAX_LSN:
        return arena_printf(b->a, "(SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping)", db->xattach);
    case FN_MIN_LSN:
        return arena_printf(
            b->a, "coalesce((SELECT start_lsn FROM %s._cdc_change_tables WHERE capture_instance=%s)," ZERO_LSN ")",
            db->attach, a[0]);
    case FN_INCREMENT:
        return arena_printf(b->a, "sim_lsn_add(%s,1)", a[0]);
    case FN_DECREMENT:
        return arena_printf(b->a, "sim_lsn_add(%s,-1)", a[0]);
    case FN_LSN_TO_TIME:
        return arena_printf(b->a, "(SELECT m.tran_end_time FROM %s._cdc_lsn_time_mapping m WHERE m.start_lsn=%s)",
                            db->xattach, a[0]);
    case FN_TIME_TO_LSN:
        return time_to_lsn_sql(b, db, a[0], a[1]);
    case FN_ORDINAL:
        return ordinal_sql(b, db, a[0], a[1]);
    case FN_BIT_SET:
        return arena_printf(b->a, "sim_bit_set(%s,%s)", a[0], a[1]);
    case FN_HAS_CHANGED:
        return arena_printf(b->a, "coalesce(sim_bit_set(%s,%s),0)", ordinal_sql(b, db, a[0], a[1]), a[2]);
    }
    return "NULL";
}

bool cdc_bind_function(binder_t *b, const expr_t *e, bound_t *ret, bool *ret_found)
{
    sim_session_t *s = b->s;
    const char *fn = e->name.part[e->name.n - 1], *schema, *object, *args[3] = {"NULL", "NULL", "NULL"};
    const struct fn_row *row = NULL;
    sdb_t *sdb;
    *ret_found = false;
    if (!name_eq(e->name.part[e->name.n - 2], "sys") && !name_eq(e->name.part[e->name.n - 2], "cdc")) return true;
    for (size_t i = 0; i < sizeof(fn_rows) / sizeof(fn_rows[0]) && row == NULL; i++)
        if (name_eq(fn_rows[i].name, fn)) row = &fn_rows[i];
    if (row == NULL) return true;
    *ret_found = true;
    if (!resolve_db(s, &e->name, &sdb, &schema, &object)) return false;
    size_t want = 0;
    while (want < 3 && row->args[want] != ARG_NONE) want++;
    if (e->nargs != want)
        return fail(s, 313, 16, 2,
                    "An insufficient number of arguments were supplied for the procedure or function %s.",
                    name_dotted(b->a, &e->name));
    if (row->reads && !sdb->cat->cdc)
        return fail(s, 208, 16, 1, "Invalid object name 'cdc.%s'.",
                    row->fn == FN_MIN_LSN ? "change_tables" : "lsn_time_mapping");
    if (row->reads && !tran_read(s, sdb)) return false;
    for (size_t i = 0; i < want; i++) {
        bound_t arg;
        sim_typeinfo_t type = arg_type(row->args[i]);
        if (!bind_expr(b, e->args[i], &arg)) return false;
        args[i] = bind_convert(b, arg.sql, &arg.type, &type);
    }
    if (row->reads) b->reads_table = true;
    *ret = (bound_t){.name = "", .sql = fn_sql(b, row->fn, sdb->db, args)};
    ret->type = row->result == SIM_T_BINARY ? type_binary(10) : type_simple(row->result);
    return true;
}

/* ---- change functions --------------------------------------------------------------------------------------- */

typedef struct tvf {
    const cat_instance_t *in;
    const cat_table_t *ct;
    const sim_db_t *db;
    const char *from, *to, *option;
    bool net;
} tvf_t;

static const char *range_sql(binder_t *b, const tvf_t *t)
{
    int lsn = t->ct->cols[0].id;
    return arena_printf(b->a,
                        "c%d>=sim_cdc_from(%s,%s,%s,(SELECT start_lsn FROM %s._cdc_change_tables WHERE object_id=%d),"
                        "(SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping),%d) AND c%d<=%s",
                        lsn, t->from, t->to, t->option, t->db->attach, t->ct->id, t->db->xattach, t->net, lsn, t->to);
}

static void add_scope(binder_t *b, scope_src_t *src, const cat_column_t *c)
{
    size_t n = src->ncols++;
    src->cols[n] = (scope_col_t){.name = c->name, .sql = arena_printf(b->a, "k%zu", n + 1), .type = c->type};
}

static const char *all_sql(binder_t *b, const tvf_t *t, scope_src_t *src)
{
    const cat_table_t *ct = t->ct;
    buf_t q = {0};
    buf_adds(&q, "(SELECT ");
    for (size_t i = 0; i + 1 < ct->ncols; i++) { /* neither __$end_lsn nor __$command_id */
        if (i == 1) continue;
        add_scope(b, src, &ct->cols[i]);
        buf_printf(&q, "%sc%d AS k%zu", src->ncols > 1 ? "," : "", ct->cols[i].id, src->ncols);
    }
    buf_printf(&q, " FROM %s WHERE %s AND (c%d<>3 OR sim_cdc_option(%s,'all update old')))", ct->storage,
               range_sql(b, t), ct->cols[3].id, t->option);
    const char *sql = arena_strdup(b->a, buf_text(&q));
    buf_done(&q);
    return sql;
}

/* The instance's key as columns of its change table. */
static const char *key_sql(binder_t *b, const tvf_t *t)
{
    const char *sql = "";
    for (size_t k = 0; k < t->in->nkeys; k++)
        for (size_t i = 0; i < t->in->ncols; i++)
            if (t->in->cols[i] == t->in->keys[k])
                sql = arena_printf(b->a, "%s%sc%d", sql, sql[0] != '\0' ? "," : "", t->ct->cols[5 + i].id);
    return sql;
}

/* One row per key: its first and its last effect in the range decide. */
static const char *net_sql(binder_t *b, const tvf_t *t, scope_src_t *src)
{
    const cat_table_t *ct = t->ct;
    const char *key = key_sql(b, t);
    const char *order = arena_printf(b->a, "c%d,c%d,c%d,c%d", ct->cols[0].id, ct->cols[ct->ncols - 1].id,
                                     ct->cols[2].id, ct->cols[3].id);
    const char *descending = arena_printf(b->a, "c%d DESC,c%d DESC,c%d DESC,c%d DESC", ct->cols[0].id,
                                          ct->cols[ct->ncols - 1].id, ct->cols[2].id, ct->cols[3].id);
    int op = ct->cols[3].id, mask = ct->cols[4].id;
    buf_t q = {0};
    static const size_t head[] = {0, 3, 4};
    for (size_t i = 0; i < 3; i++) add_scope(b, src, &ct->cols[head[i]]);
    buf_printf(&q,
               "(SELECT c%d AS k1,CASE WHEN c%d=1 THEN 1 WHEN sim_cdc_option(%s,'all with merge') THEN 5 WHEN "
               "first_op=2 THEN 2 ELSE 4 END AS k2,"
               "CASE WHEN sim_cdc_option(%s,'all with mask') AND c%d=4 THEN c%d END AS k3",
               ct->cols[0].id, op, t->option, t->option, op, mask);
    for (size_t i = 5; i + 1 < ct->ncols; i++) {
        add_scope(b, src, &ct->cols[i]);
        buf_printf(&q, ",c%d AS k%zu", ct->cols[i].id, src->ncols);
    }
    buf_printf(&q,
               " FROM (SELECT *,first_value(c%d) OVER (PARTITION BY %s ORDER BY %s) AS first_op,row_number() OVER "
               "(PARTITION BY %s ORDER BY %s) AS back"
               " FROM %s WHERE %s AND c%d<>3) WHERE back=1 AND NOT (first_op=2 AND c%d=1))",
               op, key, order, key, descending, ct->storage, range_sql(b, t), op, op);
    const char *sql = arena_strdup(b->a, buf_text(&q));
    buf_done(&q);
    return sql;
}

static bool bind_args(binder_t *b, source_t *src, const char *full, tvf_t *t)
{
    const char **to[3] = {&t->from, &t->to, &t->option};
    if (src->nargs < 3)
        return fail(b->s, 313, 16, 3,
                    "An insufficient number of arguments were supplied for the procedure or function %s.", full);
    if (src->nargs > 3)
        return fail(b->s, 8144, 16, 3, "Procedure or function %s has too many arguments specified.", full);
    for (size_t i = 0; i < 3; i++) {
        bound_t arg;
        sim_typeinfo_t type = i < 2 ? type_binary(10) : type_nvarchar(30);
        if (!bind_expr(b, src->args[i], &arg)) return false;
        *to[i] = bind_convert(b, arg.sql, &arg.type, &type);
    }
    return true;
}

bool cdc_bind_tvf(binder_t *b, source_t *src, sdb_t *sdb, const char *schema, const char *fn, scope_src_t *ret_src,
                  const char **ret_sql, bool *ret_found)
{
    tvf_t t = {.db = sdb->db};
    *ret_found = false;
    if (!name_eq(schema, "cdc")) return true;
    gen_table_t *g = gen_find(b->s->server, sdb->db->id, schema, fn);
    if (g != NULL) {
        *ret_found = true;
        b->gen = g;
        gen_scope(b, g, fn, ret_src);
        *ret_sql = "(SELECT 1 WHERE 0)";
        return true;
    }
    t.net = strncasecmp(fn, net_prefix, sizeof(net_prefix) - 1) == 0;
    if (!t.net && strncasecmp(fn, all_prefix, sizeof(all_prefix) - 1) != 0) return true;
    t.in = catalog_instance(sdb->cat, fn + (t.net ? sizeof(net_prefix) : sizeof(all_prefix)) - 1);
    t.ct = t.in == NULL ? NULL : catalog_table_id(sdb->cat, t.in->ct_id);
    if (t.ct == NULL || t.ct->ncols != t.in->ncols + 6 || (t.net && (!t.in->net || t.in->nkeys == 0))) return true;
    *ret_found = true;
    if (!tran_read(b->s, sdb) || !bind_args(b, src, name_dotted(b->a, &src->name), &t)) return false;
    ret_src->cols = arena_alloc(b->a, sizeof(*ret_src->cols) * (t.ct->ncols + 1));
    *ret_sql = t.net ? net_sql(b, &t, ret_src) : all_sql(b, &t, ret_src);
    return true;
}
