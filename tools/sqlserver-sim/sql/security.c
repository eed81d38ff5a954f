/* security.c: the questions: membership, permissions, access. */
#include "sql/security.h"

#include <string.h>

#include "sql/bind.h"

/* The session's principals: its user, the roles above it, public. */
#define ME                                                                                                             \
    "WITH RECURSIVE me(id) AS (SELECT id FROM %s._sim_principals WHERE name=%Q UNION SELECT 0 UNION SELECT role_id "   \
    "FROM %s._sim_role_members JOIN me ON member_id=me.id) "

static int64_t ask(sim_session_t *s, char *sql)
{
    sqlite3_stmt *st = NULL;
    int64_t v = 0;
    if (sqlite3_prepare_v2(s->sq, sql, -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW)
        v = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    sqlite3_free(sql);
    return v;
}

bool security_sysadmin(const sim_session_t *s)
{
    if (name_eq(s->user, "sa")) return true;
    sqlite3_stmt *st = NULL;
    bool hit = false;
    pthread_mutex_lock(&s->server->lock);
    if (sqlite3_prepare_v2(s->server->master,
                           "SELECT 1 FROM login_roles WHERE login=? COLLATE NOCASE AND role='sysadmin'", -1, &st,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(st, 1, s->user, -1, SQLITE_STATIC);
        hit = sqlite3_step(st) == SQLITE_ROW;
        sqlite3_finalize(st);
    }
    pthread_mutex_unlock(&s->server->lock);
    return hit;
}

const char *security_user(sim_session_t *s, sdb_t *sdb)
{
    if (security_sysadmin(s)) return "dbo";
    sqlite3_stmt *st =
        sq_prepare(s, "SELECT name FROM %s._sim_principals WHERE login=%Q COLLATE NOCASE", sdb->db->attach, s->user);
    const char *user = "guest";
    if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
        user = arena_strdup(&s->arena, (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    return user;
}

bool security_enter(sim_session_t *s, sdb_t *sdb)
{
    if (security_sysadmin(s) || sdb->db->id == 1 || sdb->db->id == 2 || sdb->db->id == 4) return true;
    if (ask(s, sqlite3_mprintf("SELECT 1 FROM %s._sim_principals WHERE login=%Q COLLATE NOCASE", sdb->db->attach,
                               s->user)) != 0)
        return true;
    return fail(s, 916, 14, 1,
                "The server principal \"%s\" is not able to access the database \"%s\" under the current security "
                "context.",
                s->user, sdb->db->name);
}

int security_member(sim_session_t *s, sdb_t *sdb, const char *role, const char *user)
{
    const char *d = sdb->db->attach;
    if (name_eq(role, "public")) return 1;
    if (ask(s, sqlite3_mprintf("SELECT 1 FROM %s._sim_principals WHERE name=%Q AND type='R'", d, role)) == 0) return -1;
    if (user == NULL) user = security_user(s, sdb);
    if (name_eq(user, "dbo") && name_eq(role, "db_owner")) return 1;
    return (int)ask(s, sqlite3_mprintf(ME "SELECT EXISTS(SELECT 1 FROM %s._sim_principals WHERE name=%Q AND id IN me)",
                                       d, user, d, d, role));
}

bool security_owner(sim_session_t *s, sdb_t *sdb)
{
    return security_sysadmin(s) || security_member(s, sdb, "db_owner", NULL) == 1;
}

/* What the fixed roles stand for. */
static bool fixed_roles(sim_session_t *s, sdb_t *sdb, const char *permission, bool *ret_denied)
{
    bool read = name_eq(permission, "SELECT");
    bool write = name_eq(permission, "INSERT") || name_eq(permission, "UPDATE") || name_eq(permission, "DELETE");
    *ret_denied = (read && security_member(s, sdb, "db_denydatareader", NULL) == 1) ||
                  (write && security_member(s, sdb, "db_denydatawriter", NULL) == 1);
    if ((read && security_member(s, sdb, "db_datareader", NULL) == 1) ||
        (write && security_member(s, sdb, "db_datawriter", NULL) == 1))
        return true;
    return (name_eq(permission, "ALTER") || strncmp(permission, "CREATE", 6) == 0) &&
           security_member(s, sdb, "db_ddladmin", NULL) == 1;
}

bool security_allows(sim_session_t *s, sdb_t *sdb, int object_id, int schema_id, const char *permission)
{
    if (s->trusted > 0 || !sdb->db->user_db || security_owner(s, sdb)) return true;
    const char *d = sdb->db->attach, *user = security_user(s, sdb);
    bool denied, fixed = fixed_roles(s, sdb, permission, &denied);
    /* 2 when granted, 0 when denied or nothing is said: a DENY anywhere beats every GRANT */
    int64_t said = ask(
        s,
        sqlite3_mprintf(ME "SELECT CASE WHEN max(state='D') THEN 0 WHEN count(*)>0 THEN 2 ELSE 1 END FROM "
                           "%s._sim_permissions WHERE grantee_id IN me AND (permission=%Q OR permission='CONTROL') AND "
                           "(class=0 OR (class=1 AND major_id=%d) OR (class=3 AND major_id=%d))",
                        d, user, d, d, permission, object_id, schema_id));
    return !denied && said != 0 && (said == 2 || fixed);
}

bool security_check(sim_session_t *s, sdb_t *sdb, int object_id, int schema_id, const char *object, const char *schema,
                    const char *permission)
{
    return security_allows(s, sdb, object_id, schema_id, permission)
               ? true
               : fail(s, 229, 14, 5, "The %s permission was denied on the object '%s', database '%s', schema '%s'.",
                      permission, object, sdb->db->name, schema);
}

bool security_check_table(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, const char *permission)
{
    return t->temp || security_check(s, sdb, t->id, t->schema_id, t->name, t->schema, permission);
}

static bool may_create(sim_session_t *s, sdb_t *sdb, const char *statement)
{
    return security_allows(s, sdb, 0, 0, statement)
               ? true
               : fail(s, 262, 14, 1, "%s permission denied in database '%s'.", statement, sdb->db->name);
}

/* ALTER on a table; *ret_hidden is set when there is one that the session may not change. */
static bool hidden_table(sim_session_t *s, const name_t *n, bool *ret_hidden)
{
    sdb_t *sdb;
    cat_table_t *t;
    *ret_hidden = false;
    if (!resolve_table(s, n, &sdb, &t)) return false;
    *ret_hidden = t != NULL && !t->temp && !security_allows(s, sdb, t->id, t->schema_id, "ALTER");
    return true;
}

bool security_ddl(sim_session_t *s, const stmt_t *st)
{
    bool hidden;
    if (s->trusted > 0 || security_sysadmin(s)) return true;
    switch (st->kind) {
    case ST_CREATE_TABLE:
        return st->name.part[st->name.n - 1][0] == '#' || may_create(s, s->cur, "CREATE TABLE");
    case ST_CREATE_SCHEMA:
    case ST_DROP_SCHEMA:
        return may_create(s, s->cur, "CREATE SCHEMA");
    case ST_CREATE_MODULE:
    case ST_DROP_MODULE:
        return may_create(s, s->cur, st->word[0] == 'V' ? "CREATE VIEW" : "CREATE PROCEDURE");
    case ST_CREATE_DATABASE:
        return fail(s, 262, 14, 1, "CREATE DATABASE permission denied in database 'master'.");
    case ST_ALTER_DATABASE:
        if (security_owner(s, s->cur) && (st->word == NULL || name_eq(st->word, s->cur->db->name))) return true;
        return fail(
            s, 5011, 14, 9,
            "User does not have permission to alter database '%s', the database does not exist, or the database "
            "is not in a state that allows access checks.",
            st->word != NULL ? st->word : s->cur->db->name);
    case ST_DROP_DATABASE:
        return fail(s, 3701, 11, 1,
                    "Cannot drop the database '%s', because it does not exist or you do not have permission.",
                    st->names[0].part[0]);
    case ST_DROP_TABLE:
        for (size_t i = 0; i < st->nnames; i++) {
            if (!hidden_table(s, &st->names[i], &hidden)) return false;
            if (hidden)
                return fail(s, 3701, 14, 20,
                            "Cannot drop the table '%s', because it does not exist or you do not have permission.",
                            name_dotted(&s->arena, &st->names[i]));
        }
        return true;
    default:
        if (!hidden_table(s, &st->name, &hidden)) return false;
        return !hidden ? true
                       : fail(s, 1088, 16, 13,
                              "Cannot find the object \"%s\" because it does not exist or you do not have permissions.",
                              name_dotted(&s->arena, &st->name));
    }
}

bool security_gate(sim_session_t *s, sdb_t *sdb, const cat_instance_t *in)
{
    const cat_table_t *t = catalog_table_id(sdb->cat, in->source_id);
    if (s->trusted > 0 || security_owner(s, sdb)) return true;
    return t != NULL && security_allows(s, sdb, t->id, t->schema_id, "SELECT") &&
           (in->role == NULL || security_member(s, sdb, in->role, NULL) == 1);
}
