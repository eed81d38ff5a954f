/* exec_security.c: logins, users, roles, GRANT, DENY, REVOKE. */
#include <string.h>

#include "sql/bind.h"
#include "sql/security.h"

static bool not_allowed(sim_session_t *s)
{
    return fail(s, 15247, 16, 1, "User does not have permission to perform this action.");
}

static bool missing(sim_session_t *s, const char *what, const char *name)
{
    return fail(s, 15151, 16, 1, "Cannot find the %s '%s', because it does not exist or you do not have permission.",
                what, name);
}

/* ---- logins: in the server's own file ---- */

static bool master_run(sim_session_t *s, char *sql, int *ret_changes)
{
    pthread_mutex_lock(&s->server->lock);
    bool ok = sqlite3_exec(s->server->master, sql, NULL, NULL, NULL) == SQLITE_OK;
    if (ret_changes != NULL) *ret_changes = sqlite3_changes(s->server->master);
    pthread_mutex_unlock(&s->server->lock);
    sqlite3_free(sql);
    return ok;
}

static bool login_exists(sim_session_t *s, const char *name)
{
    sqlite3_stmt *st = NULL;
    if (name_eq(name, "sa")) return true;
    pthread_mutex_lock(&s->server->lock);
    bool hit = sqlite3_prepare_v2(s->server->master, "SELECT 1 FROM logins WHERE name=? COLLATE NOCASE", -1, &st,
                                  NULL) == SQLITE_OK;
    if (hit) sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
    hit = hit && sqlite3_step(st) == SQLITE_ROW;
    sqlite3_finalize(st);
    pthread_mutex_unlock(&s->server->lock);
    return hit;
}

static bool exec_login(sim_session_t *s, stmt_t *st)
{
    int n = 1;
    if (!security_sysadmin(s)) return not_allowed(s);
    bool have = login_exists(s, st->word);
    switch (st->action) {
    case 'l':
        if (have) return fail(s, 15025, 16, 1, "The server principal '%s' already exists.", st->word);
        return master_run(s, sqlite3_mprintf("INSERT INTO logins VALUES(%Q,%Q)", st->word, st->var), NULL);
    case 'L':
        if (!have || name_eq(st->word, "sa")) return missing(s, "login", st->word);
        return master_run(
            s,
            sqlite3_mprintf("DELETE FROM logins WHERE name=%Q COLLATE NOCASE;DELETE FROM login_roles WHERE "
                            "login=%Q COLLATE NOCASE",
                            st->word, st->word),
            NULL);
    case 'p':
        if (!have || name_eq(st->word, "sa")) return missing(s, "login", st->word);
        return master_run(
            s, sqlite3_mprintf("UPDATE logins SET password=%Q WHERE name=%Q COLLATE NOCASE", st->var, st->word), NULL);
    default: /* server roles */
        if (!name_eq(st->word, "sysadmin")) return missing(s, "server role", st->word);
        if (!login_exists(s, st->var)) return missing(s, "login", st->var);
        if (st->action == 's')
            return master_run(s, sqlite3_mprintf("INSERT OR IGNORE INTO login_roles VALUES(%Q,'sysadmin')", st->var),
                              &n);
        return master_run(
            s, sqlite3_mprintf("DELETE FROM login_roles WHERE login=%Q COLLATE NOCASE AND role='sysadmin'", st->var),
            &n);
    }
}

/* ---- users and roles ---- */

/* @return 0 when there is none; public is -1 so that it can be told apart */
static int64_t principal(sim_session_t *s, sdb_t *sdb, const char *name, char *ret_type)
{
    int64_t id = 0;
    sqlite3_stmt *st = sq_prepare(s, "SELECT id,type FROM %s._sim_principals WHERE name=%Q", sdb->db->attach, name);
    *ret_type = 0;
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW) {
        id = sqlite3_column_int64(st, 0);
        *ret_type = (char)sqlite3_column_text(st, 1)[0];
        if (id == 0) id = -1;
    }
    sqlite3_finalize(st);
    return id;
}

static bool add_principal(sim_session_t *s, sdb_t *sdb, const char *name, const char *type, const char *login)
{
    char kind;
    if (principal(s, sdb, name, &kind) != 0)
        return fail(s, 15023, 16, 1, "User, group, or role '%s' already exists in the current database.", name);
    return sq_exec(s,
                   "INSERT INTO %s._sim_principals(id,name,type,login) SELECT max(4,(SELECT max(id) FROM "
                   "%s._sim_principals WHERE id<16384))+1,%Q,%Q,%Q",
                   sdb->db->attach, sdb->db->attach, name, type, login);
}

bool security_add_role(sim_session_t *s, sdb_t *sdb, const char *role)
{
    char kind;
    return principal(s, sdb, role, &kind) != 0 || add_principal(s, sdb, role, "R", NULL);
}

static bool drop_principal(sim_session_t *s, sdb_t *sdb, stmt_t *st, char type)
{
    char kind;
    const char *d = sdb->db->attach;
    int64_t id = principal(s, sdb, st->word, &kind);
    if (id == 0 && st->flag) return true;
    if (id <= 4 || id >= 16384 || kind != type) return missing(s, type == 'R' ? "role" : "user", st->word);
    if (type == 'R') {
        int64_t n = 0;
        if (!sq_int(s, &n, "SELECT count(*) FROM %s._sim_role_members WHERE role_id=%lld", d, (long long)id))
            return false;
        if (n > 0) return fail(s, 15144, 16, 1, "The role has members. It must be empty before it can be dropped.");
    }
    return sq_exec(s, "DELETE FROM %s._sim_principals WHERE id=%lld", d, (long long)id) &&
           sq_exec(s, "DELETE FROM %s._sim_role_members WHERE member_id=%lld", d, (long long)id) &&
           sq_exec(s, "DELETE FROM %s._sim_permissions WHERE grantee_id=%lld", d, (long long)id);
}

bool security_role_member(sim_session_t *s, sdb_t *sdb, const char *role, const char *member, bool add)
{
    char rk, mk;
    const char *d = sdb->db->attach;
    if (!security_owner(s, sdb)) return not_allowed(s);
    int64_t r = principal(s, sdb, role, &rk), m = principal(s, sdb, member, &mk);
    if (r <= 0 || rk != 'R') return missing(s, "role", role);
    if (m == 0)
        return fail(s, 15151, 16, 1,
                    "Cannot %s the principal '%s', because it does not exist or you do not have permission.",
                    add ? "add" : "drop", member);
    if (m == 1) return fail(s, 15405, 11, 1, "Cannot use the special principal '%s'.", member);
    if (add && mk == 'R' && security_member(s, sdb, member, role) == 1)
        return fail(s, 15413, 11, 1, "Cannot make a role a member of itself.");
    if (add)
        return sq_exec(s, "INSERT OR IGNORE INTO %s._sim_role_members VALUES(%lld,%lld)", d, (long long)r,
                       (long long)m);
    return sq_exec(s, "DELETE FROM %s._sim_role_members WHERE role_id=%lld AND member_id=%lld", d, (long long)r,
                   (long long)m);
}

bool security_procedures(proc_call_t *c, bool *ret_found)
{
    bool add = name_eq(c->name, "sp_addrolemember");
    *ret_found = add || name_eq(c->name, "sp_droprolemember");
    if (!*ret_found) return true;
    const char *role = proc_text(c->s, c->args, c->n, 0, "@rolename"),
               *member = proc_text(c->s, c->args, c->n, 1, "@membername");
    if (role == NULL || member == NULL)
        return fail(c->s, 201, 16, 4, "Procedure or function '%s' expects parameter '%s', which was not supplied.",
                    c->name, role == NULL ? "@rolename" : "@membername");
    return tran_write(c->s, c->sdb, false) && security_role_member(c->s, c->sdb, role, member, add);
}

/* ---- permissions ---- */

static bool securable(sim_session_t *s, sdb_t **sdb, stmt_t *st, int *ret_class, int *ret_major)
{
    const char *schema, *object;
    *ret_class = *ret_major = 0;
    if (st->name.n == 0 || name_eq(st->word, "database")) return true;
    if (name_eq(st->word, "schema")) {
        const cat_schema_t *sc = catalog_schema((*sdb)->cat, st->name.part[0]);
        *ret_class = 3;
        if (sc == NULL) return missing(s, "schema", st->name.part[0]);
        *ret_major = sc->id;
        return true;
    }
    *ret_class = 1;
    if (!resolve_db(s, &st->name, sdb, &schema, &object)) return false;
    const cat_table_t *t = catalog_table((*sdb)->cat, schema, object);
    const cat_module_t *m = catalog_module((*sdb)->cat, schema, object, 'P');
    if (m == NULL) m = catalog_module((*sdb)->cat, schema, object, 'V');
    if (t == NULL && m == NULL) return missing(s, "object", object);
    *ret_major = t != NULL ? t->id : m->id;
    return true;
}

static bool permissions(sim_session_t *s, sdb_t *sdb, stmt_t *st)
{
    int class, major;
    if (!securable(s, &sdb, st, &class, &major)) return false;
    if (!security_owner(s, sdb)) return not_allowed(s);
    if (!tran_write(s, sdb, false)) return false;
    const char *d = sdb->db->attach;
    for (size_t p = 0; p < st->nnames; p++) {
        char kind;
        const char *name = st->names[p].part[0];
        int64_t id = principal(s, sdb, name, &kind);
        if (id == 0) return missing(s, "user", name);
        if (id == 1)
            return fail(s, 4604, 16, 1, "There is no such user or group '%s' or you do not have permission.", name);
        if (id < 0) id = 0;
        for (size_t i = 0; i < st->ncols; i++) {
            if (!sq_exec(s,
                         "DELETE FROM %s._sim_permissions WHERE grantee_id=%lld AND class=%d AND major_id=%d AND "
                         "(permission=%Q OR %d)",
                         d, (long long)id, class, major, st->cols[i], st->action == 'v' && name_eq(st->cols[i], "ALL")))
                return false;
            if (st->action != 'v' && !sq_exec(s, "INSERT INTO %s._sim_permissions VALUES(%lld,%d,%d,%Q,%Q)", d,
                                              (long long)id, class, major, st->cols[i], st->action == 'g' ? "G" : "D"))
                return false;
        }
    }
    return true;
}

bool exec_security(sim_session_t *s, stmt_t *st)
{
    sdb_t *sdb = s->cur;
    if (strchr("lLpsS", st->action) != NULL) return exec_login(s, st);
    if (!session_catalog(s, sdb)) return false;
    if (strchr("gdv", st->action) != NULL) return permissions(s, sdb, st);
    if (!security_owner(s, sdb)) return not_allowed(s);
    if (!tran_write(s, sdb, false)) return false;
    switch (st->action) {
    case 'u':
        if (!st->flag && !login_exists(s, st->var))
            return fail(s, 15007, 16, 1, "'%s' is not a valid login or you do not have permission.", st->var);
        return add_principal(s, sdb, st->word, "S", st->flag ? NULL : st->var);
    case 'U':
        return drop_principal(s, sdb, st, 'S');
    case 'r':
        return add_principal(s, sdb, st->word, "R", NULL);
    case 'R':
        return drop_principal(s, sdb, st, 'R');
    default:
        return security_role_member(s, sdb, st->word, st->var, st->action == 'm');
    }
}
