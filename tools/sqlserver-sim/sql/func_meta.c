/* func_meta.c: functions that look at the session, the server or the catalog. */
#include <string.h>

#include "sql/func.h"
#include "sql/parser.h"
#include "sql/security.h"

static const char *arg_text(fn_call_t *c, int i)
{
    return c->n > i && !c->args[i].is_null ? arena_strndup(c->a, c->args[i].u.s.ptr, c->args[i].u.s.len) : NULL;
}

static bool ret_text(fn_call_t *c, const char *s)
{
    c->ret = s != NULL ? value_str(arena_strdup(c->a, s)) : value_null();
    return true;
}

static bool ret_int(fn_call_t *c, int64_t i)
{
    c->ret = value_int(i);
    return true;
}

static bool ret_null(fn_call_t *c)
{
    c->ret = value_null();
    return true;
}

/* The database given by id in argument `arg`, or the current one. */
static sdb_t *db_arg(fn_call_t *c, int arg)
{
    sdb_t *sdb = c->s->cur;
    if (c->n > arg) {
        if (c->args[arg].is_null) return NULL;
        sim_db_t *db = server_db_id(c->s->server, (int)c->args[arg].u.i);
        sdb = db != NULL ? session_db(c->s, db->name) : NULL;
    }
    return sdb != NULL && session_catalog(c->s, sdb) ? sdb : NULL;
}

static bool fn_db_id(fn_call_t *c)
{
    if (c->n == 0) return ret_int(c, c->s->cur->db->id);
    const char *n = arg_text(c, 0);
    sim_db_t *db = n != NULL ? server_db(c->s->server, n) : NULL;
    return db != NULL ? ret_int(c, db->id) : ret_null(c);
}

static bool fn_db_name(fn_call_t *c)
{
    if (c->n == 0) return ret_text(c, c->s->cur->db->name);
    if (c->args[0].is_null) return ret_null(c);
    sim_db_t *db = server_db_id(c->s->server, (int)c->args[0].u.i);
    return ret_text(c, db != NULL ? db->name : NULL);
}

static bool fn_schema_id(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    const char *n = c->n > 0 ? arg_text(c, 0) : "dbo";
    const cat_schema_t *sc = sdb != NULL && n != NULL ? catalog_schema(sdb->cat, n) : NULL;
    return sc != NULL ? ret_int(c, sc->id) : ret_null(c);
}

static bool fn_schema_name(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    if (c->n > 0 && c->args[0].is_null) return ret_null(c);
    const cat_schema_t *sc = sdb != NULL ? catalog_schema_id(sdb->cat, c->n > 0 ? (int)c->args[0].u.i : 1) : NULL;
    return ret_text(c, sc != NULL ? sc->name : NULL);
}

/* Finds a constraint or other object by name through SQLite; tables come from the catalog. */
static bool fn_object_id(fn_call_t *c)
{
    const char *text = arg_text(c, 0), *type = arg_text(c, 1);
    name_t n;
    sql_error_t keep = c->s->err;
    if (text == NULL || !parse_name_text(c->a, text, strlen(text), &n)) return ret_null(c);
    const char *object = n.part[n.n - 1], *schema = n.n >= 2 && n.part[n.n - 2][0] != '\0' ? n.part[n.n - 2] : "dbo";
    sdb_t *sdb = c->s->cur;
    if (n.n >= 3) {
        if (name_eq(n.part[n.n - 3], "tempdb") || object[0] == '#') {
            cat_table_t *t = session_temp(c->s, object);
            return t != NULL ? ret_int(c, t->id) : ret_null(c);
        }
        sdb = session_db(c->s, n.part[n.n - 3]);
    } else if (object[0] == '#') {
        return ret_null(c);
    }
    if (sdb == NULL || !session_catalog(c->s, sdb)) {
        c->s->err = keep;
        return ret_null(c);
    }
    while (type != NULL && *type == ' ') type++;
    bool want_table = type == NULL || name_eq(type, "U"), want_proc = type == NULL || name_eq(type, "P"),
         want_view = type == NULL || name_eq(type, "V");
    cat_table_t *t = catalog_table(sdb->cat, schema, object);
    if (t != NULL && want_table) return ret_int(c, t->id);
    const cat_module_t *m = want_proc ? catalog_module(sdb->cat, schema, object, 'P') : NULL;
    if (m == NULL && want_view) m = catalog_module(sdb->cat, schema, object, 'V');
    if (m != NULL) return ret_int(c, m->id);
    int64_t id = 0;
    if (t == NULL &&
        sq_int(c->s, &id, "SELECT id FROM %s._sim_objects WHERE name=%Q AND (%Q IS NULL OR type=%Q COLLATE SQLCI)",
               sdb->db->attach, object, type, type) &&
        id != 0)
        return ret_int(c, id);
    return ret_null(c);
}

static bool object_row(fn_call_t *c, int db_at, const char *what)
{
    sdb_t *sdb = db_arg(c, db_at);
    if (sdb == NULL || c->args[0].is_null) return ret_null(c);
    int id = (int)c->args[0].u.i;
    sqlite3_stmt *st = sq_prepare(
        c->s, "SELECT o.name, s.name FROM %s._sim_objects o JOIN %s._sim_schemas s ON s.id=o.schema_id WHERE o.id=%d",
        sdb->db->attach, sdb->db->attach, id);
    if (st == NULL) return false;
    if (sqlite3_step(st) == SQLITE_ROW)
        ret_text(c, (const char *)sqlite3_column_text(st, what[0] == 'n' ? 0 : 1));
    else
        ret_null(c);
    sqlite3_finalize(st);
    return true;
}

static bool fn_object_name(fn_call_t *c)
{
    return object_row(c, 1, "name");
}
static bool fn_object_schema_name(fn_call_t *c)
{
    return object_row(c, 1, "schema");
}

static bool fn_objectproperty(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    const char *p = arg_text(c, 1);
    if (sdb == NULL || p == NULL || c->args[0].is_null) return ret_null(c);
    cat_table_t *t = catalog_table_id(sdb->cat, (int)c->args[0].u.i);
    if (t == NULL) return ret_null(c);
    if (name_eq(p, "SchemaId")) return ret_int(c, t->schema_id);
    if (name_eq(p, "OwnerId")) return ret_int(c, 1);
    if (name_eq(p, "IsUserTable") || name_eq(p, "IsTable")) return ret_int(c, name_eq(p, "IsTable") || !t->ms_shipped);
    if (name_eq(p, "IsMSShipped")) return ret_int(c, t->ms_shipped);
    if (name_eq(p, "TableHasPrimaryKey")) return ret_int(c, table_pk(t) != NULL);
    if (name_eq(p, "TableHasIdentity")) {
        for (size_t i = 0; i < t->ncols; i++)
            if (t->cols[i].identity) return ret_int(c, 1);
        return ret_int(c, 0);
    }
    if (name_eq(p, "IsView") || name_eq(p, "IsProcedure")) return ret_int(c, 0);
    return ret_null(c);
}

static bool fn_col_name(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    if (sdb == NULL || c->args[0].is_null || c->args[1].is_null) return ret_null(c);
    cat_table_t *t = catalog_table_id(sdb->cat, (int)c->args[0].u.i);
    cat_column_t *col = t != NULL ? table_column_id(t, (int)c->args[1].u.i) : NULL;
    return ret_text(c, col != NULL ? col->name : NULL);
}

static bool fn_type_name(fn_call_t *c)
{
    if (c->args[0].is_null) return ret_null(c);
    if (c->args[0].u.i == 256) return ret_text(c, "sysname");
    for (int i = 1; i < SIM_T_COUNT; i++)
        if (type_row((sim_base_t)i)->system_type_id == c->args[0].u.i)
            return ret_text(c, type_row((sim_base_t)i)->name);
    return ret_null(c);
}

static bool fn_type_id(fn_call_t *c)
{
    const char *name = arg_text(c, 0);
    name_t n;
    if (name == NULL || !parse_name_text(c->a, name, strlen(name), &n)) return ret_null(c);
    if (name_eq(n.part[n.n - 1], "sysname")) return ret_int(c, 256);
    const type_row_t *row = type_by_name(n.part[n.n - 1]);
    return row != NULL ? ret_int(c, row->system_type_id) : ret_null(c);
}

static bool fn_col_length(fn_call_t *c)
{
    sdb_t *sdb;
    cat_table_t *t;
    name_t n;
    const char *table = arg_text(c, 0), *col = arg_text(c, 1);
    sql_error_t keep = c->s->err;
    if (table == NULL || col == NULL || !parse_name_text(c->a, table, strlen(table), &n)) return ret_null(c);
    if (!resolve_table(c->s, &n, &sdb, &t)) c->s->err = keep;
    cat_column_t *x = t != NULL ? table_column(t, col) : NULL;
    return x != NULL ? ret_int(c, type_max_length(&x->type)) : ret_null(c);
}

static bool fn_columnproperty(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    const char *col = arg_text(c, 1), *p = arg_text(c, 2);
    cat_table_t *t = sdb != NULL && !c->args[0].is_null ? catalog_table_id(sdb->cat, (int)c->args[0].u.i) : NULL;
    cat_column_t *x = t != NULL && col != NULL ? table_column(t, col) : NULL;
    if (x == NULL || p == NULL) return ret_null(c);
    if (name_eq(p, "IsIdentity")) return ret_int(c, x->identity);
    if (name_eq(p, "IsComputed")) return ret_int(c, x->computed);
    if (name_eq(p, "AllowsNull")) return ret_int(c, !x->type.not_null);
    if (name_eq(p, "ColumnId") || name_eq(p, "ordinal")) return ret_int(c, x->id);
    if (name_eq(p, "Precision")) return ret_int(c, type_precision(&x->type));
    if (name_eq(p, "Scale")) return ret_int(c, type_scale(&x->type));
    return ret_null(c);
}

static bool ret_variant_text(fn_call_t *c, const char *s)
{
    sim_typeinfo_t t = type_nvarchar(128);
    sim_value_t v = value_str(arena_strdup(c->a, s));
    return value_convert(c->a, &t, &v, &c->ret_type, 0, 0, &c->ret, c->err);
}

static bool ret_variant_int(fn_call_t *c, int64_t i)
{
    sim_typeinfo_t t = type_simple(SIM_T_INT);
    sim_value_t v = value_int(i);
    return value_convert(c->a, &t, &v, &c->ret_type, 0, 0, &c->ret, c->err);
}

static bool fn_serverproperty(fn_call_t *c)
{
    const char *p = arg_text(c, 0);
    sim_server_t *srv = c->s->server;
    if (p == NULL) return ret_null(c);
    if (name_eq(p, "EngineEdition")) return ret_variant_int(c, 3);
    if (name_eq(p, "ProductVersion"))
        return ret_variant_text(c, arena_printf(c->a, "%d.0.4096.1", srv->config.product_major));
    if (name_eq(p, "ProductMajorVersion"))
        return ret_variant_text(c, arena_printf(c->a, "%d", srv->config.product_major));
    if (name_eq(p, "ProductMinorVersion")) return ret_variant_text(c, "0");
    if (name_eq(p, "ProductLevel")) return ret_variant_text(c, "RTM");
    if (name_eq(p, "Edition")) return ret_variant_text(c, "Developer Edition (64-bit)");
    if (name_eq(p, "Collation")) return ret_variant_text(c, CATALOG_COLLATION);
    if (name_eq(p, "ServerName") || name_eq(p, "MachineName") || name_eq(p, "ComputerNamePhysicalNetBIOS"))
        return ret_variant_text(c, srv->name);
    if (name_eq(p, "InstanceName")) return ret_null(c);
    if (name_eq(p, "IsClustered") || name_eq(p, "IsHadrEnabled") || name_eq(p, "IsIntegratedSecurityOnly") ||
        name_eq(p, "IsSingleUser"))
        return ret_variant_int(c, 0);
    if (name_eq(p, "ProcessID")) return ret_variant_int(c, 1);
    if (name_eq(p, "LCID")) return ret_variant_int(c, 1033);
    return ret_null(c);
}

static bool fn_databasepropertyex(fn_call_t *c)
{
    const char *d = arg_text(c, 0), *p = arg_text(c, 1);
    sim_db_t *db = d != NULL ? server_db(c->s->server, d) : NULL;
    if (db == NULL || p == NULL) return ret_null(c);
    if (name_eq(p, "Collation")) return ret_variant_text(c, db->collation);
    if (name_eq(p, "Status")) return ret_variant_text(c, "ONLINE");
    if (name_eq(p, "Updateability"))
        return ret_variant_text(c, db->read_only || c->s->read_only ? "READ_ONLY" : "READ_WRITE");
    if (name_eq(p, "UserAccess")) return ret_variant_text(c, db->single_user ? "SINGLE_USER" : "MULTI_USER");
    if (name_eq(p, "Recovery")) return ret_variant_text(c, db->user_db ? "FULL" : "SIMPLE");
    if (name_eq(p, "Version")) return ret_variant_int(c, 904);
    if (name_eq(p, "IsAutoClose") || name_eq(p, "IsAutoShrink")) return ret_variant_int(c, 0);
    return ret_null(c);
}

static bool fn_user(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    if (sdb == NULL) return ret_null(c);
    if (c->n == 0) return ret_text(c, security_user(c->s, sdb));
    if (c->args[0].is_null) return ret_null(c);
    sqlite3_stmt *st = sq_prepare(c->s, "SELECT name FROM %s._sim_principals WHERE id=%lld", sdb->db->attach,
                                  (long long)c->args[0].u.i);
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
        ret_text(c, (const char *)sqlite3_column_text(st, 0));
    else
        ret_null(c);
    sqlite3_finalize(st);
    return true;
}
static bool fn_login(fn_call_t *c)
{
    return ret_text(c, c->s->user);
}
static bool fn_host(fn_call_t *c)
{
    return ret_text(c, c->s->host);
}
static bool fn_app(fn_call_t *c)
{
    return ret_text(c, c->s->app);
}

static bool fn_srvrolemember(fn_call_t *c)
{
    const char *role = arg_text(c, 0), *login = arg_text(c, 1);
    if (role == NULL || (login != NULL && !name_eq(login, c->s->user))) return ret_null(c);
    if (name_eq(role, "public")) return ret_int(c, 1);
    return name_eq(role, "sysadmin") ? ret_int(c, security_sysadmin(c->s)) : ret_null(c);
}

/* IS_MEMBER, IS_ROLEMEMBER */
static bool fn_member(fn_call_t *c)
{
    sdb_t *sdb = db_arg(c, 99);
    const char *role = arg_text(c, 0);
    int hit = sdb != NULL && role != NULL ? security_member(c->s, sdb, role, arg_text(c, 1)) : -1;
    return hit < 0 ? ret_null(c) : ret_int(c, hit);
}

static bool fn_dbaccess(fn_call_t *c)
{
    const char *name = arg_text(c, 0);
    sql_error_t keep = c->s->err;
    if (name == NULL || server_db(c->s->server, name) == NULL) return ret_null(c);
    bool ok = session_db(c->s, name) != NULL;
    c->s->err = keep;
    return ret_int(c, ok);
}

static bool fn_has_perms(fn_call_t *c)
{
    const char *what = arg_text(c, 0), *class = arg_text(c, 1), *permission = arg_text(c, 2);
    sdb_t *sdb = db_arg(c, 99);
    name_t n;
    if (permission == NULL || sdb == NULL) return ret_null(c);
    if (class == NULL || name_eq(class, "SERVER")) return ret_int(c, security_sysadmin(c->s));
    if (name_eq(class, "DATABASE")) {
        if (what != NULL && (sdb = session_db(c->s, what)) == NULL) {
            c->s->err = (sql_error_t){0};
            return ret_int(c, 0);
        }
        return ret_int(c, security_allows(c->s, sdb, 0, 0, permission));
    }
    if (what == NULL || !parse_name_text(c->a, what, strlen(what), &n)) return ret_null(c);
    if (name_eq(class, "SCHEMA")) {
        const cat_schema_t *sc = catalog_schema(sdb->cat, n.part[n.n - 1]);
        return sc == NULL ? ret_null(c) : ret_int(c, security_allows(c->s, sdb, 0, sc->id, permission));
    }
    if (!name_eq(class, "OBJECT")) return ret_null(c);
    const char *schema = n.n >= 2 && n.part[n.n - 2][0] != '\0' ? n.part[n.n - 2] : "dbo", *object = n.part[n.n - 1];
    const cat_table_t *t = catalog_table(sdb->cat, schema, object);
    const cat_module_t *m = catalog_module(sdb->cat, schema, object, 'P');
    if (m == NULL) m = catalog_module(sdb->cat, schema, object, 'V');
    if (t == NULL && m == NULL) return ret_null(c);
    return ret_int(c, t != NULL ? security_allows(c->s, sdb, t->id, t->schema_id, permission)
                                : security_allows(c->s, sdb, m->id, m->schema_id, permission));
}

static bool fn_scope_identity(fn_call_t *c)
{
    if (!c->s->has_scope_identity) return ret_null(c);
    c->ret = c->s->last_identity;
    return true;
}

static bool fn_ident_current(fn_call_t *c)
{
    sdb_t *sdb;
    cat_table_t *t = NULL;
    name_t n;
    const char *table = arg_text(c, 0);
    sql_error_t keep = c->s->err;
    if (table == NULL || !parse_name_text(c->a, table, strlen(table), &n)) return ret_null(c);
    if (!resolve_table(c->s, &n, &sdb, &t)) c->s->err = keep;
    int64_t last = 0;
    if (t == NULL ||
        !sq_int(c->s, &last, "SELECT last FROM %s._sim_identity WHERE object_id=%d", sdb->db->attach, t->id))
        return ret_null(c);
    value_set_dec(&c->ret, last);
    return true;
}

static bool fn_xact_state(fn_call_t *c)
{
    return ret_int(c, c->s->trancount == 0 ? 0 : c->s->doomed ? -1 : 1);
}
static bool fn_trancount_big(fn_call_t *c)
{
    return ret_int(c, c->s->rowcount);
}

static bool fn_error_number(fn_call_t *c)
{
    return c->s->caught != NULL ? ret_int(c, c->s->caught->number) : ret_null(c);
}
static bool fn_error_severity(fn_call_t *c)
{
    return c->s->caught != NULL ? ret_int(c, c->s->caught->class) : ret_null(c);
}
static bool fn_error_state(fn_call_t *c)
{
    return c->s->caught != NULL ? ret_int(c, c->s->caught->state) : ret_null(c);
}
static bool fn_error_line(fn_call_t *c)
{
    return c->s->caught != NULL ? ret_int(c, c->s->caught->line) : ret_null(c);
}
static bool fn_error_message(fn_call_t *c)
{
    return c->s->caught != NULL ? ret_text(c, c->s->caught->text) : ret_null(c);
}
static bool fn_error_procedure(fn_call_t *c)
{
    return ret_text(c, c->s->caught != NULL ? c->s->caught->proc : NULL);
}

static bool fn_sql_variant_property(fn_call_t *c)
{
    const char *p = arg_text(c, 1);
    if (c->args[0].is_null || p == NULL) return ret_null(c);
    const sim_typeinfo_t *t = c->types[0].base == SIM_T_VARIANT ? c->args[0].u.v.type : &c->types[0];
    if (name_eq(p, "BaseType")) return ret_variant_text(c, type_name(t->base));
    if (name_eq(p, "Precision")) return ret_variant_int(c, type_precision(t));
    if (name_eq(p, "Scale")) return ret_variant_int(c, type_scale(t));
    if (name_eq(p, "MaxLength")) return ret_variant_int(c, type_max_length(t));
    return ret_null(c);
}

static bool fn_parsename(fn_call_t *c)
{
    const char *text = arg_text(c, 0);
    name_t n;
    if (text == NULL || !parse_name_text(c->a, text, strlen(text), &n)) return ret_null(c);
    int64_t k = c->args[1].u.i;
    return k < 1 || k > n.n ? ret_null(c) : ret_text(c, n.part[n.n - k]);
}

const func_row_t func_meta_rows[] = {
    {"db_id", 0, 1, "s", 't', fn_db_id, false, true},
    {"db_name", 0, 1, "i", 'n', fn_db_name, false, true},
    {"original_db_name", 0, 0, "", 'n', fn_db_name, false, true},
    {"schema_id", 0, 1, "s", 'i', fn_schema_id, false, true},
    {"schema_name", 0, 1, "i", 'n', fn_schema_name, false, true},
    {"object_id", 1, 2, "s", 'i', fn_object_id, false, true},
    {"object_name", 1, 2, "i", 'n', fn_object_name, false, true},
    {"object_schema_name", 1, 2, "i", 'n', fn_object_schema_name, false, true},
    {"objectproperty", 2, 2, "is", 'i', fn_objectproperty, false, true},
    {"objectpropertyex", 2, 2, "is", 'i', fn_objectproperty, false, true},
    {"col_name", 2, 2, "i", 'n', fn_col_name, false, true},
    {"type_name", 1, 1, "i", 'n', fn_type_name, false, false},
    {"type_id", 1, 1, "s", 'i', fn_type_id, false, false},
    {"col_length", 2, 2, "s", 't', fn_col_length, false, true},
    {"columnproperty", 3, 3, "iss", 'i', fn_columnproperty, false, true},
    {"serverproperty", 1, 1, "s", 'v', fn_serverproperty, false, true},
    {"databasepropertyex", 2, 2, "s", 'v', fn_databasepropertyex, false, true},
    {"user_name", 0, 1, "i", 'n', fn_user, false, true},
    {"current_user", 0, 0, "", 'n', fn_user, false, true},
    {"session_user", 0, 0, "", 'n', fn_user, false, true},
    {"user", 0, 0, "", 'n', fn_user, false, true},
    {"suser_sname", 0, 1, "a", 'n', fn_login, false, true},
    {"suser_name", 0, 1, "a", 'n', fn_login, false, true},
    {"system_user", 0, 0, "", 'n', fn_login, false, true},
    {"original_login", 0, 0, "", 'n', fn_login, false, true},
    {"host_name", 0, 0, "", 'n', fn_host, false, true},
    {"app_name", 0, 0, "", 'n', fn_app, false, true},
    {"is_srvrolemember", 1, 2, "s", 'i', fn_srvrolemember, false, true},
    {"is_member", 1, 1, "s", 'i', fn_member, false, true},
    {"is_rolemember", 1, 2, "s", 'i', fn_member, false, true},
    {"has_dbaccess", 1, 1, "s", 'i', fn_dbaccess, false, true},
    {"has_perms_by_name", 3, 5, "s", 'i', fn_has_perms, false, true},
    {"scope_identity", 0, 0, "", 'I', fn_scope_identity, false, true},
    {"ident_current", 1, 1, "s", 'I', fn_ident_current, false, true},
    {"xact_state", 0, 0, "", 't', fn_xact_state, false, true},
    {"rowcount_big", 0, 0, "", 'l', fn_trancount_big, false, true},
    {"error_number", 0, 0, "", 'i', fn_error_number, false, true},
    {"error_severity", 0, 0, "", 'i', fn_error_severity, false, true},
    {"error_state", 0, 0, "", 'i', fn_error_state, false, true},
    {"error_line", 0, 0, "", 'i', fn_error_line, false, true},
    {"error_message", 0, 0, "", 'N', fn_error_message, false, true},
    {"error_procedure", 0, 0, "", 'n', fn_error_procedure, false, true},
    {"sql_variant_property", 2, 2, "as", 'v', fn_sql_variant_property, false, true},
    {"parsename", 2, 2, "si", 'n', fn_parsename, false, false},
    {NULL, 0, 0, NULL, 0, NULL, false, false},
};
