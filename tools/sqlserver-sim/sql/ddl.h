/* ddl.h: metadata changes shared by DDL statements and the CDC procedures. Threads: the session's, inside a write. */
#ifndef SIM_DDL_H
#define SIM_DDL_H

#include "sql/session.h"

bool ddl_touch(sim_session_t *s, sdb_t *sdb); /* new catalog version */
bool ddl_next_id(sim_session_t *s, sdb_t *sdb, int *ret_id);
bool ddl_add_object(sim_session_t *s, sdb_t *sdb, int schema_id, const char *name, const char *type, int parent,
                    bool shipped, int *ret_id);
bool ddl_create_index(sim_session_t *s, sdb_t *sdb, const char *storage, int table_id, const char *name, int type,
                      bool unique, bool pk, bool uq, int constraint_id, const int *cols, const bool *desc, size_t n);
bool ddl_create_storage(sim_session_t *s, const char *storage, cat_column_t *cols, size_t n);
/* ddl_temp.c */
void ddl_temp_free(cat_table_t *t);
bool ddl_temp_index(sim_session_t *s, cat_table_t *t, const char *name, bool unique, bool clustered, bool pk, bool uq,
                    const int *ids, size_t n);
bool ddl_add_temp(sim_session_t *s, const char *name, const column_def_t *defs, size_t n,
                  const table_constraint_t *cons, size_t ncons);
/* ddl_columns.c */
/** 1505 when two rows have the same key; NULLs are equal. */
bool ddl_check_unique(sim_session_t *s, const cat_table_t *t, const char *index, const int *cols, size_t n);
bool ddl_add_default(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, int table_id, const char *col,
                     const char *name, const expr_t *e, const char **ret_text, int *ret_id);
bool ddl_column_storage(sim_session_t *s, const cat_column_t *c, buf_t *q);
bool ddl_store_column(sim_session_t *s, sdb_t *sdb, int table_id, const cat_column_t *c);
bool ddl_column_from_def(sim_session_t *s, sdb_t *sdb, const column_def_t *d, int id, const char *table,
                         cat_column_t *all, size_t nall, cat_column_t *ret);
int ddl_find_column(const cat_column_t *cols, size_t n, const char *name);
bool ddl_key_constraint(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, const char *storage,
                        int table_id, cat_column_t *cols, size_t ncols, const table_constraint_t *c,
                        bool has_clustered);
bool ddl_add_constraint(sim_session_t *s, sdb_t *sdb, int schema_id, const char *table, const char *storage,
                        int table_id, cat_column_t *cols, size_t ncols, const table_constraint_t *c,
                        bool has_clustered);
bool ddl_drop_index(sim_session_t *s, sdb_t *sdb, const cat_table_t *t, const cat_index_t *ix);
bool ddl_create_table(sim_session_t *s, const name_t *name, const column_def_t *defs, size_t ndefs,
                      const table_constraint_t *cons, size_t ncons);
bool ddl_drop_table(sim_session_t *s, sdb_t *sdb, cat_table_t *t);
bool ddl_find_table(sim_session_t *s, const name_t *n, sdb_t **ret_sdb, cat_table_t **ret_t);
bool exec_database_ddl(sim_session_t *s, stmt_t *st); /* exec_misc.c: databases, modules */

#endif
