/* cdc_query.c: sys.fn_cdc_* and the cdc.fn_cdc_get_*_changes_<instance> functions inside queries. */
#include <string.h>

#include "cdc/cdc.h"
#include "faults/fault.h"
#include "gen/gen.h"
#include "sql/security.h"

static bool arg_as(binder_t *b, const expr_t *e, size_t i, const sim_typeinfo_t *t, bound_t *ret)
{
    if (!bind_expr(b, e->args[i], ret)) return false;
    ret->sql = bind_convert(b, ret->sql, &ret->type, t);
    if (ret->type.base == SIM_T_NULL || !value_same_storage(&ret->type, t)) ret->type = *t;
    return true;
}

static bool count(binder_t *b, const expr_t *e, size_t want)
{
    if (e->nargs == want) return true;
    const char *full = name_dotted(b->a, &e->name);
    if (e->nargs < want)
        return fail(b->s, 313, 16, 2,
                    "An insufficient number of arguments were supplied for the procedure or function %s.", full);
    return fail(b->s, 8144, 16, 3, "Procedure or function %s has too many arguments specified.", full);
}

static bool time_to_lsn(binder_t *b, const expr_t *e, const sim_db_t *db, bound_t *ret)
{
    static const struct {
        const char *op, *agg, *cmp;
    } ops[] = {{"largest less than", "max", "<"},
               {"largest less than or equal", "max", "<="},
               {"smallest greater than", "min", ">"},
               {"smallest greater than or equal", "min", ">="}};
    sim_typeinfo_t st = type_nvarchar(60), dt = type_simple(SIM_T_DATETIME);
    sim_value_t v;
    bound_t t;
    if (!eval_scalar(b->s, e->args[0], &st, &v, NULL) || !arg_as(b, e, 1, &dt, &t)) return false;
    ret->type = type_binary(10);
    for (size_t i = 0; i < 4 && !v.is_null; i++) {
        char *op = arena_strndup(b->a, v.u.s.ptr, v.u.s.len);
        if (!name_eq(op, ops[i].op)) continue;
        ret->sql = arena_printf(b->a, "(SELECT %s(start_lsn) FROM %s._cdc_lsn_time_mapping WHERE tran_end_time%s%s)",
                                ops[i].agg, db->xattach, ops[i].cmp, t.sql);
        return true;
    }
    ret->sql = "NULL";
    return true;
}

/* Fault min_lsn_null: the function's answer in the moment after enabling. */
static bool min_lsn_null(binder_t *b, expr_t *instance, bool *ret_null)
{
    sim_typeinfo_t name = type_nvarchar(128);
    sim_value_t v;
    *ret_null = false;
    if (__atomic_load_n(&b->s->server->faults, __ATOMIC_ACQUIRE) == NULL) return true;
    if (!eval_scalar(b->s, instance, &name, &v, NULL)) return false;
    *ret_null =
        !v.is_null && fault_query(b->s->server, b->s, "min_lsn_null", arena_strndup(b->a, v.u.s.ptr, v.u.s.len));
    return true;
}

bool cdc_bind_function(binder_t *b, const expr_t *e, bound_t *ret, bool *ret_found)
{
    const char *fn = e->name.part[e->name.n - 1], *schema = e->name.part[e->name.n - 2];
    *ret_found = false;
    if (e->name.n < 2 || !name_eq(schema, "sys") || strncmp(fn, "fn_", 3) != 0) return true;
    sdb_t *sdb;
    const char *sc, *object;
    if (!resolve_db(b->s, &e->name, &sdb, &sc, &object)) return false;
    const char *d = sdb->db->attach, *x = sdb->db->xattach;
    sim_typeinfo_t bin = type_binary(10), name = type_nvarchar(128), it = type_simple(SIM_T_INT),
                   mask = type_varbinary(128);
    bound_t a, c;
    *ret = (bound_t){.name = "", .type = bin};
    *ret_found = true;
    if (name_eq(fn, "fn_cdc_get_max_lsn")) {
        if (!count(b, e, 0)) return false;
        uint8_t lsn[10];
        if (gen_max_lsn(b->s->server, sdb->db->id, lsn)) {
            sim_value_t v = value_bytes(arena_memdup(b->a, lsn, 10), 10);
            ret->sql = bind_param(b, &bin, &v);
            return true;
        }
        if (!sdb->cat->cdc) return fail(b->s, 208, 16, 1, "Invalid object name 'cdc.lsn_time_mapping'.");
        ret->sql = arena_printf(b->a, "(SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping)", x);
        b->reads_table = true;
        return tran_read(b->s, sdb);
    }
    if (name_eq(fn, "fn_cdc_get_min_lsn")) {
        bool null;
        if (!count(b, e, 1) || !arg_as(b, e, 0, &name, &a) || !min_lsn_null(b, e->args[0], &null)) return false;
        if (null) {
            ret->sql = "NULL";
            return true;
        }
        if (!security_owner(b->s, sdb)) { /* an instance one may not read is as good as none */
            sim_value_t v;
            if (!eval_scalar(b->s, e->args[0], &name, &v, NULL)) return false;
            const cat_instance_t *in =
                v.is_null ? NULL : catalog_instance(sdb->cat, arena_strndup(b->a, v.u.s.ptr, v.u.s.len));
            if (in == NULL || !security_gate(b->s, sdb, in)) {
                ret->sql = "zeroblob(10)";
                return true;
            }
        }
        ret->sql = arena_printf(b->a,
                                "coalesce((SELECT CASE WHEN start_lsn IS NULL THEN NULL ELSE start_lsn END FROM "
                                "%s._cdc_change_tables WHERE capture_instance=%s COLLATE SQLCI),"
                                "CASE WHEN EXISTS(SELECT 1 FROM %s._cdc_change_tables WHERE capture_instance=%s "
                                "COLLATE SQLCI) THEN NULL ELSE zeroblob(10) END)",
                                d, a.sql, d, a.sql);
        return tran_read(b->s, sdb);
    }
    if (name_eq(fn, "fn_cdc_increment_lsn") || name_eq(fn, "fn_cdc_decrement_lsn")) {
        if (!count(b, e, 1) || !arg_as(b, e, 0, &bin, &a)) return false;
        bound_t args[2] = {a, {.sql = name_eq(fn, "fn_cdc_increment_lsn") ? "1" : "-1", .type = it}};
        ret->sql = bind_call(b, "sf_cdc_lsn_add", args, 2, &bin);
        return true;
    }
    if (name_eq(fn, "fn_cdc_map_lsn_to_time")) {
        if (!count(b, e, 1) || !arg_as(b, e, 0, &bin, &a)) return false;
        ret->type = type_simple(SIM_T_DATETIME);
        ret->sql =
            arena_printf(b->a, "(SELECT tran_end_time FROM %s._cdc_lsn_time_mapping WHERE start_lsn=%s)", x, a.sql);
        return true;
    }
    if (name_eq(fn, "fn_cdc_map_time_to_lsn")) return count(b, e, 2) && time_to_lsn(b, e, sdb->db, ret);
    if (name_eq(fn, "fn_cdc_is_bit_set")) {
        if (!count(b, e, 2) || !arg_as(b, e, 0, &it, &a) || !arg_as(b, e, 1, &mask, &c)) return false;
        bound_t args[2] = {a, c};
        ret->type = type_simple(SIM_T_BIT);
        ret->sql = bind_call(b, "sf_cdc_mask_bit", args, 2, &it);
        return true;
    }
    if (name_eq(fn, "fn_cdc_get_column_ordinal") || name_eq(fn, "fn_cdc_has_column_changed")) {
        bool changed = name_eq(fn, "fn_cdc_has_column_changed");
        if (!count(b, e, changed ? 3 : 2) || !arg_as(b, e, 0, &name, &a) || !arg_as(b, e, 1, &name, &c)) return false;
        const char *ord =
            arena_printf(b->a,
                         "(SELECT cc.column_ordinal FROM %s._cdc_captured_columns cc JOIN %s._cdc_change_tables ct ON "
                         "ct.object_id=cc.object_id "
                         "WHERE ct.capture_instance=%s COLLATE SQLCI AND cc.column_name=%s COLLATE SQLCI)",
                         d, d, a.sql, c.sql);
        ret->type = it;
        ret->sql = ord;
        if (!changed) return true;
        bound_t m, args[2] = {{.sql = ord, .type = it}};
        if (!arg_as(b, e, 2, &mask, &m)) return false;
        args[1] = m;
        ret->type = type_simple(SIM_T_BIT);
        ret->sql = bind_call(b, "sf_cdc_mask_bit", args, 2, &it);
        return true;
    }
    if (name_eq(fn, "fn_varbintohexstr")) {
        sim_typeinfo_t any = type_varbinary(SIM_LEN_MAX), out = type_nvarchar(SIM_LEN_MAX);
        if (!count(b, e, 1) || !arg_as(b, e, 0, &any, &a)) return false;
        ret->type = out;
        ret->sql = arena_printf(b->a, "('0x'||lower(hex(%s)))", a.sql);
        return true;
    }
    *ret_found = false;
    return true;
}

/* ---- change functions ---- */

typedef struct or_mask {
    size_t len;
    uint8_t bits[128];
} or_mask_t;

static void or_step(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    or_mask_t *m = sqlite3_aggregate_context(ctx, sizeof(*m));
    const uint8_t *p = sqlite3_value_blob(argv[0]);
    size_t n = (size_t)sqlite3_value_bytes(argv[0]);
    (void)argc;
    if (m == NULL || p == NULL || n > sizeof(m->bits)) return;
    m->len = n;
    for (size_t i = 0; i < n; i++) m->bits[i] |= p[i];
}

static void or_end(sqlite3_context *ctx)
{
    const or_mask_t *m = sqlite3_aggregate_context(ctx, 0);
    if (m == NULL || m->len == 0)
        sqlite3_result_null(ctx);
    else
        sqlite3_result_blob(ctx, m->bits, (int)m->len, SQLITE_TRANSIENT);
}

bool cdc_register(sqlite3 *sq)
{
    return sqlite3_create_function(sq, "sa_or_mask", 1, SQLITE_UTF8, NULL, NULL, or_step, or_end) == SQLITE_OK;
}

static bool range_error(binder_t *b, bool net)
{
    return fail(b->s, 313, 16, 3,
                "An insufficient number of arguments were supplied for the procedure or function "
                "cdc.fn_cdc_get_%s_changes_ ... .",
                net ? "net" : "all");
}

static void add_col(binder_t *b, scope_src_t *r, const char *name, const char *sql, sim_typeinfo_t t)
{
    t.not_null = false;
    r->cols[r->ncols++] = (scope_col_t){name, arena_strdup(b->a, sql), t, 0, NULL};
}

static bool max_lsn(sim_session_t *s, const sim_db_t *db, uint8_t out[10], bool *ret_have)
{
    sqlite3_stmt *st = sq_prepare(s, "SELECT max(start_lsn) FROM %s._cdc_lsn_time_mapping", db->xattach);
    if (st == NULL) return false;
    *ret_have = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_bytes(st, 0) == 10;
    if (*ret_have) memcpy(out, sqlite3_column_blob(st, 0), 10);
    sqlite3_finalize(st);
    return true;
}

bool cdc_bind_tvf(binder_t *b, source_t *src, sdb_t *sdb, const char *schema, const char *fn, scope_src_t *r,
                  const char **ret_sql, bool *ret_found)
{
    static const char all_prefix[] = "fn_cdc_get_all_changes_", net_prefix[] = "fn_cdc_get_net_changes_";
    bool net = strncmp(fn, net_prefix, sizeof(net_prefix) - 1) == 0;
    *ret_found = false;
    if (!name_eq(schema, "cdc") || (!net && strncmp(fn, all_prefix, sizeof(all_prefix) - 1) != 0)) return true;
    gen_table_t *g = gen_find(b->s->server, sdb->db->id, schema, fn);
    if (g != NULL) { /* its rows are computed, see gen_select */
        *ret_found = true;
        b->gen = g;
        gen_scope(b, g, fn, r);
        *ret_sql = "(SELECT 1 WHERE 0)";
        return true;
    }
    const cat_instance_t *in = catalog_instance(sdb->cat, fn + sizeof(all_prefix) - 1);
    if (in == NULL || (net && !in->net)) return true;
    const cat_table_t *ct = catalog_table_id(sdb->cat, in->ct_id);
    if (ct == NULL) return true;
    *ret_found = true;
    if (!security_gate(b->s, sdb, in))
        return fail(b->s, 229, 14, 5,
                    "The SELECT permission was denied on the object '%s', database '%s', schema 'cdc'.", fn,
                    sdb->db->name);
    if (src->nargs != 3) {
        const char *full = arena_printf(b->a, "cdc.%s", fn);
        if (src->nargs < 3)
            return fail(b->s, 313, 16, 3,
                        "An insufficient number of arguments were supplied for the procedure or function %s.", full);
        return fail(b->s, 8144, 16, 3, "Procedure or function %s has too many arguments specified.", full);
    }
    if (!tran_read(b->s, sdb)) return false;
    sim_typeinfo_t bin = type_binary(10), st = type_nvarchar(30);
    sim_value_t from, to, opt;
    uint8_t max[10];
    bool have_max;
    if (!eval_scalar(b->s, src->args[0], &bin, &from, NULL) || !eval_scalar(b->s, src->args[1], &bin, &to, NULL) ||
        !eval_scalar(b->s, src->args[2], &st, &opt, NULL))
        return false;
    if (!max_lsn(b->s, sdb->db, max, &have_max)) return false;
    if (from.is_null || to.is_null || opt.is_null || !have_max || !in->has_start) return range_error(b, net);
    if (memcmp(from.u.s.ptr, to.u.s.ptr, 10) > 0 || memcmp(from.u.s.ptr, in->start_lsn, 10) < 0 ||
        memcmp(to.u.s.ptr, max, 10) > 0)
        return range_error(b, net);
    size_t on = opt.u.s.len;
    while (on > 0 && opt.u.s.ptr[on - 1] == ' ') on--;
    const char *o = arena_strndup(b->a, opt.u.s.ptr, on);
    while (*o == ' ') o++;
    bool old = name_eq(o, "all update old"), merge = name_eq(o, "all with merge"),
         with_mask = name_eq(o, "all with mask");
    if (!name_eq(o, "all") && !(net ? merge || with_mask : old)) return range_error(b, net);
    const char *lo = bind_param(b, &bin, &from), *hi = bind_param(b, &bin, &to);
    r->cols = arena_alloc(b->a, sizeof(scope_col_t) * (in->ncols + 5));
    add_col(b, r, "__$start_lsn", "c1", bin);
    if (!net) add_col(b, r, "__$seqval", "c3", bin);
    add_col(b, r, "__$operation", "c4", type_simple(SIM_T_INT));
    add_col(b, r, "__$update_mask", "c5", type_varbinary(128));
    for (size_t i = 0; i < in->ncols; i++) {
        const cat_column_t *c = table_column_id(ct, (int)i + 6);
        add_col(b, r, c->name, arena_printf(b->a, "c%d", c->id), c->type);
    }
    if (!net) {
        *ret_sql = arena_printf(b->a, "(SELECT * FROM %s WHERE c1>=%s AND c1<=%s%s)", ct->storage, lo, hi,
                                old ? "" : " AND c4<>3");
        return true;
    }
    buf_t keys = {0}, q = {0};
    for (size_t k = 0; k < in->nkeys; k++)
        for (size_t i = 0; i < in->ncols; i++)
            if (in->cols[i] == in->keys[k]) buf_printf(&keys, "%sc%zu", keys.len > 0 ? "," : "", i + 6);
    buf_printf(&q, "(SELECT l.c1,CASE WHEN l.c4=1 THEN 1 WHEN %d THEN 5 WHEN f.c4=2 THEN 2 ELSE 4 END AS c4,", merge);
    if (with_mask) { /* an update names every column that any change in the range has touched */
        buf_printf(&q,
                   "CASE WHEN l.c4<>1 AND f.c4<>2 THEN (SELECT sa_or_mask(m.c5) FROM %s AS m WHERE m.c1>=%s AND "
                   "m.c1<=%s AND m.c4 IN (2,4)",
                   ct->storage, lo, hi);
        for (size_t k = 0; k < in->nkeys; k++)
            for (size_t i = 0; i < in->ncols; i++)
                if (in->cols[i] == in->keys[k]) buf_printf(&q, " AND m.c%zu=l.c%zu", i + 6, i + 6);
        buf_adds(&q, ") END AS c5");
    } else {
        buf_adds(&q, "NULL AS c5");
    }
    for (size_t i = 0; i < in->ncols; i++) buf_printf(&q, ",l.c%zu", i + 6);
    for (int side = 0; side < 2; side++) {
        buf_printf(&q,
                   "%s(SELECT *,row_number() OVER (PARTITION BY %s ORDER BY c1%s,c%zu%s,c3%s,c4%s) AS rn FROM %s WHERE "
                   "c1>=%s AND c1<=%s AND c4<>3) AS %s",
                   side == 0 ? " FROM " : " JOIN ", buf_text(&keys), side == 0 ? " DESC" : "", in->ncols + 6,
                   side == 0 ? " DESC" : "", side == 0 ? " DESC" : "", side == 0 ? " DESC" : "", ct->storage, lo, hi,
                   side == 0 ? "l" : "f");
    }
    buf_adds(&q, " ON ");
    bool first = true;
    for (size_t k = 0; k < in->nkeys; k++)
        for (size_t i = 0; i < in->ncols; i++)
            if (in->cols[i] == in->keys[k]) {
                buf_printf(&q, "%sl.c%zu=f.c%zu", first ? "" : " AND ", i + 6, i + 6);
                first = false;
            }
    buf_adds(&q, " WHERE l.rn=1 AND f.rn=1 AND NOT (f.c4=2 AND l.c4=1))");
    *ret_sql = arena_strdup(b->a, buf_text(&q));
    buf_done(&q);
    buf_done(&keys);
    return true;
}
