/* security.h: who may do what. Logins live in the server's file, users, roles and permissions in each database; members of
 * sysadmin (sa) pass without a look. Inside views and procedures the owner's rights count, as all objects are dbo's.
 * Threads    the session's.   Errors    pending in the session: 229, 262, 916, ...
 */
#ifndef SIM_SECURITY_H
#define SIM_SECURITY_H

#include "sql/proc.h"

bool security_sysadmin(const sim_session_t *s);
/** 916 unless the login has a user in the database, or guest may enter. */
bool security_enter(sim_session_t *s, sdb_t *sdb);
/** The session's user in a database. */
const char *security_user(sim_session_t *s, sdb_t *sdb);
/** dbo, or a member of db_owner. */
bool security_owner(sim_session_t *s, sdb_t *sdb);
/** Membership of `user` (NULL: the session's) in a role: 1, 0, or -1 when the role does not exist. */
int security_member(sim_session_t *s, sdb_t *sdb, const char *role, const char *user);
bool security_allows(sim_session_t *s, sdb_t *sdb, int object_id, int schema_id, const char *permission);
/** 229 unless security_allows(). */
bool security_check(sim_session_t *s, sdb_t *sdb, int object_id, int schema_id, const char *object, const char *schema,
                    const char *permission);
bool security_check_table(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, const char *permission);
/** May the session run this CREATE, ALTER or DROP: 262, 1088, 3701, 5011. */
bool security_ddl(sim_session_t *s, const stmt_t *st);
/** May the session read this capture instance: rights on the source and membership in its gating role. */
bool security_gate(sim_session_t *s, sdb_t *sdb, const cat_instance_t *in);
/** Creates a database role unless there is one. */
bool security_add_role(sim_session_t *s, sdb_t *sdb, const char *role);
/** CREATE LOGIN, GRANT and their kind. */
bool exec_security(sim_session_t *s, stmt_t *st);
/** sp_addrolemember, sp_droprolemember. *ret_found false: another procedure. */
bool security_procedures(proc_call_t *c, bool *ret_found);
bool security_role_member(sim_session_t *s, sdb_t *sdb, const char *role, const char *member, bool add);

#endif
