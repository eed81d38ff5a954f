/* cdc_procs.c: sp_cdc_* procedures. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cdc/cdc_procs.h"
#include "cdc/logfmt.h"
#include "sql/ddl.h"
#include "sql/parser.h"
#include "sql/proc.h"
#include "sql/security.h"

bool cdc_not_enabled(sim_session_t *s, const sdb_t *sdb)
{
    return fail(s, 22901, 16, 1,
                "The database '%s' is not enabled for Change Data Capture. Ensure that the correct database context is "
                "set and retry the operation. To report on the databases enabled for Change Data Capture, query the "
                "is_cdc_enabled column in the sys.databases catalog view.",
                sdb->db->name);
}

static void set_flag(sim_db_t *db, bool on)
{
    __atomic_store_n(&db->cdc, on, __ATOMIC_RELAXED);
}

static bool enable_db(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *d = c->sdb->db->attach;
    if (!c->sdb->db->user_db)
        return fail(s, 22989, 16, 1,
                    "Could not enable Change Data Capture for database '%s'. Change data capture is not supported on "
                    "system databases, or on a distribution database.",
                    c->sdb->db->name);
    if (!tran_write(s, c->sdb, false) || !session_catalog(s, c->sdb)) return false;
    if (c->sdb->cat->cdc)
        return send_message(
            s, 22905, 0, 1, /* severity 10 travels as 0 */
            arena_printf(&s->arena,
                         "Database '%s' is already enabled for Change Data Capture. Ensure that the correct database "
                         "context is set, and retry the operation. To report on the databases enabled for Change Data "
                         "Capture, query the is_cdc_enabled column in the sys.databases catalog view.",
                         c->sdb->db->name),
            1);
    if (catalog_schema(c->sdb->cat, "cdc") != NULL)
        return fail(s, 22906, 16, 1,
                    "The database '%s' cannot be enabled for Change Data Capture because a database user named 'cdc' "
                    "or a schema named 'cdc' already exists in the current database. These objects are required "
                    "exclusively by Change Data Capture. Drop or rename the user or schema and retry the operation.",
                    c->sdb->db->name);
    bool ok = sq_exec(s, "UPDATE %s._sim_meta SET v=1 WHERE k='cdc'", d) &&
              sq_exec(s, "INSERT INTO %s._sim_schemas(id,name) SELECT max(id)+1,'cdc' FROM %s._sim_schemas", d, d) &&
              ddl_touch(s, c->sdb);
    if (ok) set_flag(c->sdb->db, true); /* after a rollback the capture thread finds nothing to do: harmless */
    return ok;
}

static bool drop_instance(sim_session_t *s, sdb_t *sdb, const cat_instance_t *in)
{
    const char *d = sdb->db->attach;
    cat_table_t *ct = catalog_table_id(sdb->cat, in->ct_id);
    return tran_write(s, sdb, true) && (ct == NULL || ddl_drop_table(s, sdb, ct)) &&
           sq_exec(s, "DELETE FROM %s._cdc_change_tables WHERE object_id=%d", d, in->ct_id) &&
           sq_exec(s, "DELETE FROM %s._cdc_captured_columns WHERE object_id=%d", d, in->ct_id) &&
           sq_exec(s, "DELETE FROM %s._cdc_index_columns WHERE object_id=%d", d, in->ct_id) &&
           sq_exec(s, "DELETE FROM %s._cdc_ddl_history WHERE object_id=%d", sdb->db->xattach, in->ct_id);
}

bool cdc_drop_instances(sim_session_t *s, sdb_t *sdb, int source_id, const char *instance)
{
    for (size_t i = 0; i < sdb->cat->ninstances; i++) {
        const cat_instance_t *in = &sdb->cat->instances[i];
        if ((source_id == 0 || in->source_id == source_id) && (instance == NULL || name_eq(in->name, instance)) &&
            !drop_instance(s, sdb, in))
            return false;
    }
    int64_t left = 1;
    if (!sq_int(s, &left, "SELECT count(*) FROM %s._cdc_change_tables", sdb->db->attach)) return fail_sqlite(s);
    return left > 0 || (tran_write(s, sdb, true) && /* no instance, no timeline */
                        sq_exec(s, "DELETE FROM %s._cdc_lsn_time_mapping", sdb->db->xattach));
}

bool cdc_disable(sim_session_t *s, sdb_t *sdb)
{
    const char *d = sdb->db->attach, *x = sdb->db->xattach;
    bool ok = cdc_drop_instances(s, sdb, 0, NULL) && tran_write(s, sdb, true) &&
              sq_exec(s, "UPDATE %s._sim_meta SET v=0 WHERE k='cdc'", d) &&
              sq_exec(s, "DELETE FROM %s._sim_schemas WHERE name='cdc'", d) &&
              sq_exec(s, "DELETE FROM %s._cdc_lsn_time_mapping", x) &&
              sq_exec(s, "DELETE FROM %s._cdc_ddl_history", x) && sq_exec(s, "DELETE FROM %s._cdc_jobs", d) &&
              sq_exec(s, "DELETE FROM %s._sim_log", d) && ddl_touch(s, sdb);
    if (ok) set_flag(sdb->db, false);
    return ok;
}

static bool disable_db(proc_call_t *c)
{
    if (!tran_write(c->s, c->sdb, false) || !session_catalog(c->s, c->sdb)) return false;
    return !c->sdb->cat->cdc || cdc_disable(c->s, c->sdb);
}

static const char *text_arg(proc_call_t *c, size_t pos, const char *name)
{
    return proc_text(c->s, c->args, c->n, pos, name);
}

bool cdc_need(proc_call_t *c, const char *name)
{
    return fail(c->s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.", c->name,
                name);
}

/* "a, [b c], "d"" into column indexes in table order. */
static bool captured_list(sim_session_t *s, const cat_table_t *t, const char *list, bool *take)
{
    lexer_t lx;
    token_t tok;
    sql_error_t err = {0};
    lexer_init(&lx, &s->arena, list, strlen(list), &err);
    while (lexer_next(&lx, &tok) && tok.kind != T_EOF) {
        if (tok.kind == T_OP) continue;
        char *name = arena_strndup(&s->arena, tok.text, tok.len);
        cat_column_t *c = table_column(t, name);
        if (c == NULL)
            return fail(s, 22930, 16, 1,
                        "Could not locate '%s' as a column of source table '%s.%s'. Specify a valid column name.", name,
                        t->schema, t->name);
        take[c - t->cols] = true;
    }
    return true;
}

static const char *sql_type_name(const sim_typeinfo_t *t)
{
    return type_name(t->base);
}

static bool create_ct(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, const char *instance, const bool *take,
                      const cat_index_t *key, const lsn_t *start, bool net, const char *role, const char *index_name,
                      const char *filegroup, bool part_switch)
{
    const char *d = sdb->db->attach;
    const cat_schema_t *cdc = catalog_schema(sdb->cat, "cdc");
    int id;
    if (!ddl_add_object(s, sdb, cdc != NULL ? cdc->id : 1, arena_printf(&s->arena, "%s_CT", instance), "U", 0, true,
                        &id))
        return false;
    const char *storage = arena_printf(&s->arena, "%s.o%d", sdb->db->xattach, id);
    buf_t q = {0};
    sim_typeinfo_t fixed[5] = {type_binary(10), type_binary(10), type_binary(10), type_simple(SIM_T_INT),
                               type_varbinary(128)};
    static const char *const names[5] = {"__$start_lsn", "__$end_lsn", "__$seqval", "__$operation", "__$update_mask"};
    fixed[0].not_null = fixed[2].not_null = fixed[3].not_null = true;
    bool ok = true;
    buf_printf(&q, "CREATE TABLE %s(c1,c2,c3,c4,c5", storage);
    for (int i = 0; ok && i < 5; i++)
        ok = sq_exec(s, "INSERT INTO %s._sim_columns VALUES(%d,%d,%Q,%lld,%d,0,0,0,NULL,0,NULL,NULL)", d, id, i + 1,
                     names[i], (long long)type_pack(&fixed[i]), fixed[i].not_null);
    int ordinal = 0;
    for (size_t i = 0; ok && i < t->ncols; i++) {
        if (!take[i]) continue;
        const cat_column_t *c = &t->cols[i];
        sim_typeinfo_t ty = c->type;
        ty.not_null = false;
        if (ty.base == SIM_T_TIMESTAMP) ty = type_binary(8);
        ordinal++;
        buf_printf(&q, ",c%d%s", ordinal + 5, type_is_char(ty.base) ? " COLLATE SQLCI" : "");
        ok = sq_exec(s, "INSERT INTO %s._sim_columns VALUES(%d,%d,%Q,%lld,0,0,0,0,NULL,0,NULL,%Q)", d, id, ordinal + 5,
                     c->name, (long long)type_pack(&ty), c->collation) &&
             sq_exec(s, "INSERT INTO %s._cdc_captured_columns VALUES(%d,%Q,%d,%Q,%d,%d,%lld)", d, id, c->name, c->id,
                     sql_type_name(&c->type), ordinal, c->computed, (long long)type_pack(&ty));
    }
    sim_typeinfo_t it = type_simple(SIM_T_INT);
    ok = ok && sq_exec(s, "INSERT INTO %s._sim_columns VALUES(%d,%d,'__$command_id',%lld,0,0,0,0,NULL,0,NULL,NULL)", d,
                       id, ordinal + 6, (long long)type_pack(&it));
    buf_printf(&q, ",c%d)", ordinal + 6);
    ok = ok && (sqlite3_exec(s->sq, buf_text(&q), NULL, NULL, NULL) == SQLITE_OK ? true : fail_sqlite(s));
    buf_done(&q);
    int idx[4] = {1, ordinal + 6, 3, 4};
    ok = ok && ddl_create_index(s, sdb, storage, id, arena_printf(&s->arena, "%s_CT_clustered_idx", instance), 1, true,
                                false, false, 0, idx, NULL, 4);
    for (int k = 0; ok && key != NULL && k < key->ncols; k++) {
        cat_column_t *kc = table_column_id(t, key->cols[k]);
        ok = kc == NULL ||
             sq_exec(s, "INSERT INTO %s._cdc_index_columns VALUES(%d,%Q,%d,%d)", d, id, kc->name, k + 1, kc->id);
    }
    if (!ok) return false;
    sqlite3_stmt *st = sq_prepare(
        s, "INSERT INTO %s._cdc_change_tables VALUES(%d,NULL,%d,%Q,?1,NULL,%d,NULL,%Q,%Q,%Q,%lld,%d)", d, id, t->id,
        instance, net, role, index_name, filegroup, (long long)datetime_key(server_local(s->server)), part_switch);
    if (st == NULL) return false;
    sqlite3_bind_blob(st, 1, start->b, 10, SQLITE_STATIC);
    ok = sqlite3_step(st) == SQLITE_DONE ? true : fail_sqlite(s);
    sqlite3_finalize(st);
    return ok;
}

static bool reserved(const char *column)
{
    static const char *const names[] = {"__$start_lsn", "__$end_lsn", "__$seqval", "__$operation", "__$update_mask"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (name_eq(column, names[i])) return true;
    return false;
}

static bool enable_table(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *schema = text_arg(c, 0, "@source_schema"), *table = text_arg(c, 1, "@source_name"),
               *instance = text_arg(c, 2, "@capture_instance");
    const char *role = text_arg(c, 4, "@role_name"), *index = text_arg(c, 5, "@index_name"),
               *list = text_arg(c, 6, "@captured_column_list"), *fg = text_arg(c, 7, "@filegroup_name");
    int64_t net = -1, part = 1;
    if (schema == NULL) return cdc_need(c, "@source_schema");
    if (table == NULL) return cdc_need(c, "@source_name");
    bool role_given = false;
    for (size_t i = 0; i < c->n; i++)
        role_given = role_given || name_eq(c->args[i].name, "@role_name") || (c->args[i].name[0] == '\0' && i == 4);
    if (!role_given) return cdc_need(c, "@role_name");
    proc_int(s, c->args, c->n, 3, "@supports_net_changes", &net);
    proc_int(s, c->args, c->n, 8, "@allow_partition_switch", &part);
    if (!tran_write(s, c->sdb, false) || !tran_write(s, c->sdb, true) || !session_catalog(s, c->sdb)) return false;
    const catalog_t *cat = c->sdb->cat;
    if (!cat->cdc) return cdc_not_enabled(s, c->sdb);
    if (name_eq(schema, "cdc"))
        return fail(s, 22974, 16, 1, "Tables contained in the cdc schema cannot be enabled for Change Data Capture.");
    cat_table_t *t = catalog_table(cat, schema, table);
    if (t == NULL)
        return fail(s, 22931, 16, 1,
                    "Source table '%s.%s' does not exist in the current database. Ensure that the correct database "
                    "context is set. Specify a valid schema and table name for the database.",
                    schema, table);
    if (role != NULL && role[0] == '\0')
        return fail(s, 22907, 16, 1,
                    "Parameter @role_name cannot be empty. Specify a value for @role_name and retry the operation. "
                    "Supply null as the value if no role is to be used to gate access to captured change data.");
    if (instance == NULL) {
        instance = arena_printf(&s->arena, "%s_%s", t->schema, t->name);
    } else {
        size_t n = strlen(instance);
        while (n > 0 && instance[n - 1] == ' ') n--;
        instance = arena_strndup(&s->arena, instance, n);
    }
    if (utf16_units(instance, strlen(instance)) > 100)
        return fail(s, 22927, 16, 1,
                    "Capture instance name '%s' exceeds the length limit of 100 characters. Specify a name that "
                    "satisfies the length constraint.",
                    instance);
    if (catalog_instance(cat, instance) != NULL)
        return fail(s, 22926, 16, 1,
                    "Could not create a capture instance because the capture instance name '%s' already exists in the "
                    "current database. Specify an explicit unique name for the parameter @capture_instance.",
                    instance);
    int mine = 0;
    for (size_t i = 0; i < cat->ninstances; i++) mine += cat->instances[i].source_id == t->id;
    if (mine >= 2)
        return fail(s, 22962, 16, 1,
                    "Two capture instances already exist for source table '%s.%s'. A table can have at most two "
                    "capture instances. If the current tracking options are not appropriate, disable change tracking "
                    "for the obsolete instance by using sys.sp_cdc_disable_table and retry the operation.",
                    t->schema, t->name);
    const cat_index_t *key = table_pk(t);
    if (index != NULL) {
        key = NULL;
        for (size_t i = 0; i < t->nindexes; i++)
            if (name_eq(t->indexes[i].name, index)) key = &t->indexes[i];
        if (key == NULL)
            return fail(s, 22928, 16, 1,
                        "Index name '%s' is not an index for table '%s.%s'. Specify a valid index name for the table.",
                        index, t->schema, t->name);
        if (!key->unique)
            return fail(s, 22929, 16, 1,
                        "Index '%s' must be either a primary key or a unique index for table '%s.%s'. Specify an index "
                        "that meets at least one of these requirements.",
                        index, t->schema, t->name);
    }
    if (net == 1 && key == NULL)
        return fail(s, 22939, 16, 1,
                    "The parameter @supports_net_changes is set to 1, but the source table does not have a primary key "
                    "defined and no alternate unique index has been specified.");
    if (net < 0) net = key != NULL;
    bool *take = arena_alloc(&s->arena, t->ncols + 1);
    if (list == NULL)
        memset(take, 1, t->ncols);
    else if (!captured_list(s, t, list, take))
        return false;
    for (int k = 0; key != NULL && k < key->ncols; k++)
        for (size_t i = 0; i < t->ncols; i++)
            if (t->cols[i].id == key->cols[k] && !take[i])
                return fail(s, 22943, 16, 1,
                            "Columns used to uniquely identify a row for net change tracking must be included in the "
                            "list of captured columns. Add either the primary key columns of the source table, or the "
                            "columns defined for the index specified in the parameter @index_name to the list of "
                            "captured columns and retry the operation.");
    for (size_t i = 0; i < t->ncols; i++)
        if (take[i] && reserved(t->cols[i].name))
            return fail(s, 22975, 16, 1,
                        "Source table '%s' contains one of the following reserved column names: __$start_lsn, "
                        "__$end_lsn, __$seqval, __$operation, and __$update_mask. To enable Change Data Capture for "
                        "this table, specify a captured column list and ensure that these columns are excluded from "
                        "the list.",
                        t->name);
    lsn_t start;
    if (role != NULL && !security_add_role(s, c->sdb, role)) return false;
    if (!log_take_lsn(s, c->sdb, &start)) return false;
    if (!create_ct(s, c->sdb, t, instance, take, key, &start, net == 1, role, key != NULL ? key->name : NULL, fg,
                   part != 0))
        return false;
    return ddl_touch(s, c->sdb) && cdc_ensure_jobs(c);
}

static bool disable_table(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *schema = text_arg(c, 0, "@source_schema"), *table = text_arg(c, 1, "@source_name"),
               *instance = text_arg(c, 2, "@capture_instance");
    if (schema == NULL) return cdc_need(c, "@source_schema");
    if (table == NULL) return cdc_need(c, "@source_name");
    if (instance == NULL) return cdc_need(c, "@capture_instance");
    if (!tran_write(s, c->sdb, false) || !tran_write(s, c->sdb, true) || !session_catalog(s, c->sdb)) return false;
    if (!c->sdb->cat->cdc) return cdc_not_enabled(s, c->sdb);
    cat_table_t *t = catalog_table(c->sdb->cat, schema, table);
    if (t == NULL)
        return fail(s, 22931, 16, 1,
                    "Source table '%s.%s' does not exist in the current database. Ensure that the correct database "
                    "context is set. Specify a valid schema and table name for the database.",
                    schema, table);
    if (!t->tracked)
        return fail(s, 22985, 16, 1,
                    "Change data capture has not been enabled for source table '%s.%s'. Specify the name of a table "
                    "enabled for Change Data Capture. To report on the tables enabled for Change Data Capture, query "
                    "the is_tracked_by_cdc column in the sys.tables catalog view.",
                    schema, table);
    const cat_instance_t *in = catalog_instance(c->sdb->cat, instance);
    if (!name_eq(instance, "all") && (in == NULL || in->source_id != t->id))
        return fail(s, 22960, 16, 1,
                    "Change data capture instance '%s' has not been enabled for the source table '%s.%s'. Use "
                    "sys.sp_cdc_help_change_data_capture to verify the capture instance name and retry the operation.",
                    instance, schema, table);
    return cdc_drop_instances(s, c->sdb, t->id, name_eq(instance, "all") ? NULL : instance) && ddl_touch(s, c->sdb);
}

static bool help(proc_call_t *c)
{
    sim_session_t *s = c->s;
    const char *schema = text_arg(c, 0, "@source_schema"), *table = text_arg(c, 1, "@source_name");
    if (!c->sdb->cat->cdc) return cdc_not_enabled(s, c->sdb);
    if ((schema == NULL) != (table == NULL))
        return fail(s, 22972, 16, 1,
                    "When calling stored procedure [sys].sp_cdc_help_change_data capture, if either @source_schema or "
                    "@source_name is non-null and non-empty, the other parameter must also be non-null and non-empty.");
    sim_typeinfo_t name = type_sysname(), it = type_simple(SIM_T_INT), bin = type_binary(10),
                   bit = type_simple(SIM_T_BIT), dt = type_simple(SIM_T_DATETIME), max = type_nvarchar(SIM_LEN_MAX);
    sim_column_t cols[15] = {
        {"source_schema", name, 0}, {"source_table", name, 0},        {"capture_instance", name, 0},
        {"object_id", it, 0},       {"source_object_id", it, 0},      {"start_lsn", bin, 0},
        {"end_lsn", bin, 0},        {"supports_net_changes", bit, 0}, {"has_drop_pending", bit, 0},
        {"role_name", name, 0},     {"index_name", name, 0},          {"filegroup_name", name, 0},
        {"create_date", dt, 0},     {"index_column_list", max, 0},    {"captured_column_list", max, 0}};
    if (!send_columns(s, cols, 15)) return false;
    uint64_t rows = 0;
    for (size_t i = 0; i < c->sdb->cat->ninstances; i++) {
        const cat_instance_t *in = &c->sdb->cat->instances[i];
        const cat_table_t *t = catalog_table_id(c->sdb->cat, in->source_id),
                          *ct = catalog_table_id(c->sdb->cat, in->ct_id);
        if (!security_gate(s, c->sdb, in)) continue; /* an instance one may not read is not shown */
        if (t == NULL || ct == NULL || (schema != NULL && (!name_eq(t->schema, schema) || !name_eq(t->name, table))))
            continue;
        buf_t keys = {0}, all = {0};
        for (size_t k = 0; k < in->nkeys; k++) {
            const cat_column_t *kc = table_column_id(t, in->keys[k]);
            if (kc != NULL) buf_printf(&keys, "%s%s", k > 0 ? ", " : "", quote_name(&s->arena, kc->name));
        }
        for (size_t k = 0; k < in->ncols; k++)
            buf_printf(&all, "%s%s", k > 0 ? ", " : "", quote_name(&s->arena, table_column_id(ct, (int)k + 6)->name));
        int64_t k = ct->created, day = k / 25920000;
        sim_value_t v[15];
        for (int n = 0; n < 15; n++) v[n] = value_null();
        v[0] = value_str(t->schema);
        v[1] = value_str(t->name);
        v[2] = value_str(in->name);
        v[3] = value_int(in->ct_id);
        v[4] = value_int(in->source_id);
        if (in->has_start) v[5] = value_bytes(in->start_lsn, 10);
        v[7] = value_int(in->net);
        if (in->role != NULL) v[9] = value_str(in->role);
        if (in->index_name != NULL) v[10] = value_str(in->index_name);
        if (in->filegroup != NULL) v[11] = value_str(in->filegroup);
        v[12] = (sim_value_t){.u.t = {(int32_t)day, k - day * 25920000, 0}};
        if (keys.len > 0) v[13] = value_bytes(keys.ptr, keys.len);
        v[14] = value_bytes(buf_text(&all), all.len);
        bool ok = send_row(s, v, 15);
        rows++;
        buf_done(&keys);
        buf_done(&all);
        if (!ok) return false;
    }
    return send_done(s, SIM_DONE_INPROC, true, rows, false, 0xC1);
}

static bool may_call(proc_call_t *c, const char *n)
{
    sim_session_t *s = c->s;
    if (name_eq(n, "sp_cdc_enable_db") || name_eq(n, "sp_cdc_disable_db"))
        return security_sysadmin(s) ? true
                                    : fail(s, 22902, 16, 1,
                                           "Caller is not authorized to initiate the requested action. Sysadmin "
                                           "privileges are required.");
    const char *ci = text_arg(c, 0, "@capture_instance");
    if (name_eq(n, "sp_cdc_get_captured_columns") || name_eq(n, "sp_cdc_get_ddl_history")) {
        const cat_instance_t *in = ci != NULL ? catalog_instance(c->sdb->cat, ci) : NULL;
        return in == NULL || security_gate(s, c->sdb, in)
                   ? true
                   : fail(s, 22981, 16, 1, "Object does not exist or access is denied.");
    }
    if (strncasecmp(n, "sp_cdc_", 7) != 0 || name_eq(n, "sp_cdc_help_change_data_capture") || security_owner(s, c->sdb))
        return true;
    return fail(s, 22904, 16, 1,
                "Caller is not authorized to initiate the requested action. DBO privileges are required.");
}

bool cdc_procedures(proc_call_t *c, bool *ret_found)
{
    const char *n = c->name;
    sim_session_t *s = c->s;
    *ret_found = true;
    if (!may_call(c, n)) return false;
    if (name_eq(n, "sp_cdc_enable_db")) return enable_db(c);
    if (name_eq(n, "sp_cdc_disable_db")) return disable_db(c);
    if (name_eq(n, "sp_cdc_enable_table")) return enable_table(c);
    if (name_eq(n, "sp_cdc_disable_table")) return disable_table(c);
    if (name_eq(n, "sp_cdc_help_change_data_capture")) return help(c);
    if (name_eq(n, "sp_cdc_cleanup_change_table")) return cdc_cleanup_change_table(c);
    if (strncasecmp(n, "sp_cdc_", 7) == 0) {
        if (!cdc_job_procedures(c, ret_found)) return false;
        if (*ret_found) return true;
        *ret_found = true;
    }
    if (name_eq(n, "sp_cdc_scan")) {
        if (!c->sdb->cat->cdc) return cdc_not_enabled(s, c->sdb);
        if (c->sdb->db->secondary)
            return fail(s, 3906, 16, 1, "Failed to update database \"%s\" because the database is read-only.",
                        c->sdb->db->name);
        if (s->trancount > 0 && c->sdb->dirty)
            return fail(s, 22903, 16, 1,
                        "Another connection with session ID %d is already running 'sp_replcmds' for Change Data "
                        "Capture in the current database.",
                        s->spid);
        return capture_scan_now(s, c->sdb->db)
                   ? true
                   : fail(s, 22859, 16, 1, "Log Scan process failed in processing log records.");
    }
    if (name_eq(n, "sp_cdc_get_captured_columns")) {
        const char *ci = text_arg(c, 0, "@capture_instance");
        if (ci == NULL) return cdc_need(c, "@capture_instance");
        return proc_query(
            s, arena_printf(
                   &s->arena,
                   "SELECT OBJECT_SCHEMA_NAME(ct.source_object_id) AS source_schema,OBJECT_NAME(ct.source_object_id) "
                   "AS source_table,ct.capture_instance,cc.column_name,cc.column_id,cc.column_ordinal,cc.column_type "
                   "AS data_type "
                   "FROM cdc.captured_columns cc JOIN cdc.change_tables ct ON ct.object_id=cc.object_id WHERE "
                   "ct.capture_instance=N'%s' ORDER BY cc.column_ordinal",
                   ci));
    }
    if (name_eq(n, "sp_cdc_get_ddl_history")) {
        const char *ci = text_arg(c, 0, "@capture_instance");
        if (ci == NULL) return cdc_need(c, "@capture_instance");
        return proc_query(
            s, arena_printf(
                   &s->arena,
                   "SELECT OBJECT_SCHEMA_NAME(h.source_object_id) AS source_schema,OBJECT_NAME(h.source_object_id) AS "
                   "source_table,ct.capture_instance,h.required_column_update,h.ddl_command,h.ddl_lsn,h.ddl_time "
                   "FROM cdc.ddl_history h JOIN cdc.change_tables ct ON ct.object_id=h.object_id WHERE "
                   "ct.capture_instance=N'%s' ORDER BY h.ddl_lsn",
                   ci));
    }
    *ret_found = false;
    return true;
}
