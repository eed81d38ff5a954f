/* sysviews.c: catalog views as SQLite text over the metadata tables. In a text, @ is the data file, ^ the change file and
 * $n a value the server fills in. Columns come in the order of the list, typed by it. */
#include <stdlib.h>
#include <string.h>

#include "cdc/cdc.h"
#include "faults/fault.h"
#include "sql/bind.h"

#define N  SIM_T_NVARCHAR
#define I  SIM_T_INT
#define B  SIM_T_BIT
#define T  SIM_T_TINYINT
#define S  SIM_T_SMALLINT
#define L  SIM_T_BIGINT
#define D  SIM_T_DATETIME
#define X  SIM_T_BINARY
#define VB SIM_T_VARBINARY
#define VC SIM_T_VARCHAR

typedef struct view {
    const char *schema, *name, *sql; /* sql NULL: made by code */
    const sysview_col_t *cols;
} view_t;

#define COLS(n, ...) static const sysview_col_t n[] = {__VA_ARGS__, {NULL, SIM_T_NULL, 0}}

COLS(c_databases, {"name", N, 128}, {"database_id", I, 0}, {"source_database_id", I, 0}, {"create_date", D, 0},
     {"compatibility_level", T, 0}, {"collation_name", N, 128}, {"user_access", T, 0}, {"user_access_desc", N, 60},
     {"is_read_only", B, 0}, {"state", T, 0}, {"state_desc", N, 60}, {"snapshot_isolation_state", T, 0},
     {"snapshot_isolation_state_desc", N, 60}, {"is_read_committed_snapshot_on", B, 0}, {"recovery_model", T, 0},
     {"recovery_model_desc", N, 60}, {"is_cdc_enabled", B, 0}, {"is_broker_enabled", B, 0}, {"is_encrypted", B, 0});
COLS(c_schemas, {"name", N, 128}, {"schema_id", I, 0}, {"principal_id", I, 0});
COLS(c_objects, {"name", N, 128}, {"object_id", I, 0}, {"principal_id", I, 0}, {"schema_id", I, 0},
     {"parent_object_id", I, 0}, {"type", SIM_T_CHAR, 2}, {"type_desc", N, 60}, {"create_date", D, 0},
     {"modify_date", D, 0}, {"is_ms_shipped", B, 0}, {"is_published", B, 0}, {"is_schema_published", B, 0});
COLS(c_tables, {"name", N, 128}, {"object_id", I, 0}, {"principal_id", I, 0}, {"schema_id", I, 0},
     {"parent_object_id", I, 0}, {"type", SIM_T_CHAR, 2}, {"type_desc", N, 60}, {"create_date", D, 0},
     {"modify_date", D, 0}, {"is_ms_shipped", B, 0}, {"is_published", B, 0}, {"is_schema_published", B, 0},
     {"lob_data_space_id", I, 0}, {"max_column_id_used", I, 0}, {"is_replicated", B, 0}, {"is_tracked_by_cdc", B, 0},
     {"is_memory_optimized", B, 0}, {"temporal_type", T, 0});
COLS(c_columns, {"object_id", I, 0}, {"name", N, 128}, {"column_id", I, 0}, {"system_type_id", T, 0},
     {"user_type_id", I, 0}, {"max_length", S, 0}, {"precision", T, 0}, {"scale", T, 0}, {"collation_name", N, 128},
     {"is_nullable", B, 0}, {"is_ansi_padded", B, 0}, {"is_rowguidcol", B, 0}, {"is_identity", B, 0},
     {"is_computed", B, 0}, {"is_filestream", B, 0}, {"is_replicated", B, 0}, {"default_object_id", I, 0},
     {"is_sparse", B, 0}, {"is_column_set", B, 0}, {"generated_always_type", T, 0}, {"is_hidden", B, 0});
COLS(c_types, {"name", N, 128}, {"system_type_id", T, 0}, {"user_type_id", I, 0}, {"schema_id", I, 0},
     {"max_length", S, 0}, {"precision", T, 0}, {"scale", T, 0}, {"collation_name", N, 128}, {"is_nullable", B, 0},
     {"is_user_defined", B, 0}, {"is_assembly_type", B, 0}, {"is_table_type", B, 0});
COLS(c_indexes, {"object_id", I, 0}, {"name", N, 128}, {"index_id", I, 0}, {"type", T, 0}, {"type_desc", N, 60},
     {"is_unique", B, 0}, {"data_space_id", I, 0}, {"ignore_dup_key", B, 0}, {"is_primary_key", B, 0},
     {"is_unique_constraint", B, 0}, {"fill_factor", T, 0}, {"is_padded", B, 0}, {"is_disabled", B, 0},
     {"is_hypothetical", B, 0}, {"has_filter", B, 0}, {"filter_definition", N, SIM_LEN_MAX});
COLS(c_index_columns, {"object_id", I, 0}, {"index_id", I, 0}, {"index_column_id", I, 0}, {"column_id", I, 0},
     {"key_ordinal", T, 0}, {"partition_ordinal", T, 0}, {"is_descending_key", B, 0}, {"is_included_column", B, 0});
COLS(c_key_constraints, {"name", N, 128}, {"object_id", I, 0}, {"schema_id", I, 0}, {"parent_object_id", I, 0},
     {"type", SIM_T_CHAR, 2}, {"type_desc", N, 60}, {"create_date", D, 0}, {"modify_date", D, 0},
     {"unique_index_id", I, 0}, {"is_system_named", B, 0});
COLS(c_fks, {"name", N, 128}, {"object_id", I, 0}, {"schema_id", I, 0}, {"parent_object_id", I, 0},
     {"type", SIM_T_CHAR, 2}, {"referenced_object_id", I, 0}, {"key_index_id", I, 0}, {"is_disabled", B, 0},
     {"delete_referential_action", T, 0}, {"delete_referential_action_desc", N, 60},
     {"update_referential_action", T, 0}, {"update_referential_action_desc", N, 60}, {"is_not_trusted", B, 0});
COLS(c_fk_columns, {"constraint_object_id", I, 0}, {"constraint_column_id", I, 0}, {"parent_object_id", I, 0},
     {"parent_column_id", I, 0}, {"referenced_object_id", I, 0}, {"referenced_column_id", I, 0});
COLS(c_defaults, {"name", N, 128}, {"object_id", I, 0}, {"schema_id", I, 0}, {"parent_object_id", I, 0},
     {"type", SIM_T_CHAR, 2}, {"parent_column_id", I, 0}, {"definition", N, SIM_LEN_MAX}, {"is_system_named", B, 0});
COLS(c_checks, {"name", N, 128}, {"object_id", I, 0}, {"schema_id", I, 0}, {"parent_object_id", I, 0},
     {"type", SIM_T_CHAR, 2}, {"is_disabled", B, 0}, {"definition", N, SIM_LEN_MAX});
COLS(c_identity, {"object_id", I, 0}, {"name", N, 128}, {"column_id", I, 0}, {"seed_value", L, 0},
     {"increment_value", L, 0}, {"last_value", L, 0});
COLS(c_computed, {"object_id", I, 0}, {"name", N, 128}, {"column_id", I, 0}, {"definition", N, SIM_LEN_MAX},
     {"is_persisted", B, 0});
COLS(c_partitions, {"partition_id", L, 0}, {"object_id", I, 0}, {"index_id", I, 0}, {"partition_number", I, 0},
     {"rows", L, 0});
COLS(c_services, {"servicename", N, 256}, {"startup_type", I, 0}, {"startup_type_desc", N, 256}, {"status", I, 0},
     {"status_desc", N, 256}, {"process_id", I, 0});
COLS(c_scans, {"session_id", I, 0}, {"start_time", D, 0}, {"end_time", D, 0}, {"duration", L, 0},
     {"scan_phase", N, 200}, {"error_count", I, 0}, {"start_lsn", N, 23}, {"current_lsn", N, 23}, {"end_lsn", N, 23},
     {"tran_count", L, 0}, {"last_commit_lsn", N, 23}, {"last_commit_time", D, 0}, {"log_record_count", L, 0},
     {"schema_change_count", I, 0}, {"command_count", L, 0}, {"first_begin_cdc_lsn", N, 23},
     {"last_commit_cdc_lsn", N, 23}, {"last_commit_cdc_time", D, 0}, {"latency", I, 0}, {"empty_scan_count", I, 0},
     {"failed_sessions_count", I, 0});
COLS(c_errors, {"session_id", I, 0}, {"phase_number", I, 0}, {"entry_time", D, 0}, {"error_number", I, 0},
     {"error_severity", I, 0}, {"error_state", I, 0}, {"error_message", N, 1024}, {"start_lsn", N, 23},
     {"begin_lsn", N, 23}, {"sequence_value", N, 23});
COLS(c_change_tables, {"object_id", I, 0}, {"version", I, 0}, {"source_object_id", I, 0}, {"capture_instance", N, 128},
     {"start_lsn", X, 10}, {"end_lsn", X, 10}, {"supports_net_changes", B, 0}, {"has_drop_pending", B, 0},
     {"role_name", N, 128}, {"index_name", N, 128}, {"filegroup_name", N, 128}, {"create_date", D, 0},
     {"partition_switch", B, 0});
COLS(c_captured, {"object_id", I, 0}, {"column_name", N, 128}, {"column_id", I, 0}, {"column_type", N, 128},
     {"column_ordinal", I, 0}, {"is_computed", B, 0}, {"masking_function", N, 4000});
COLS(c_cdc_index, {"object_id", I, 0}, {"column_name", N, 128}, {"index_ordinal", T, 0}, {"column_id", I, 0});
COLS(c_ddl, {"source_object_id", I, 0}, {"object_id", I, 0}, {"required_column_update", B, 0},
     {"ddl_command", N, SIM_LEN_MAX}, {"ddl_lsn", X, 10}, {"ddl_time", D, 0});
COLS(c_mapping, {"start_lsn", X, 10}, {"tran_begin_time", D, 0}, {"tran_end_time", D, 0}, {"tran_id", VB, 10},
     {"tran_begin_lsn", X, 10});
COLS(c_jobs, {"job_id", SIM_T_UNIQUEIDENTIFIER, 0}, {"job_type", N, 20}, {"maxtrans", I, 0}, {"maxscans", I, 0},
     {"continuous", B, 0}, {"pollinginterval", L, 0}, {"retention", L, 0}, {"threshold", L, 0});
COLS(c_is_tables, {"TABLE_CATALOG", N, 128}, {"TABLE_SCHEMA", N, 128}, {"TABLE_NAME", N, 128}, {"TABLE_TYPE", VC, 10});
COLS(c_is_columns, {"TABLE_CATALOG", N, 128}, {"TABLE_SCHEMA", N, 128}, {"TABLE_NAME", N, 128}, {"COLUMN_NAME", N, 128},
     {"ORDINAL_POSITION", I, 0}, {"COLUMN_DEFAULT", N, 4000}, {"IS_NULLABLE", VC, 3}, {"DATA_TYPE", N, 128},
     {"CHARACTER_MAXIMUM_LENGTH", I, 0}, {"CHARACTER_OCTET_LENGTH", I, 0}, {"NUMERIC_PRECISION", T, 0},
     {"NUMERIC_SCALE", I, 0}, {"DATETIME_PRECISION", S, 0}, {"COLLATION_NAME", N, 128});
COLS(c_is_keys, {"CONSTRAINT_CATALOG", N, 128}, {"CONSTRAINT_SCHEMA", N, 128}, {"CONSTRAINT_NAME", N, 128},
     {"TABLE_CATALOG", N, 128}, {"TABLE_SCHEMA", N, 128}, {"TABLE_NAME", N, 128}, {"COLUMN_NAME", N, 128},
     {"ORDINAL_POSITION", I, 0});
COLS(c_is_cons, {"CONSTRAINT_CATALOG", N, 128}, {"CONSTRAINT_SCHEMA", N, 128}, {"CONSTRAINT_NAME", N, 128},
     {"TABLE_CATALOG", N, 128}, {"TABLE_SCHEMA", N, 128}, {"TABLE_NAME", N, 128}, {"CONSTRAINT_TYPE", VC, 11},
     {"IS_DEFERRABLE", VC, 2}, {"INITIALLY_DEFERRED", VC, 2});
COLS(c_is_schemata, {"CATALOG_NAME", N, 128}, {"SCHEMA_NAME", N, 128}, {"SCHEMA_OWNER", N, 128});
COLS(c_sessions, {"session_id", S, 0}, {"login_name", N, 128}, {"program_name", N, 128}, {"host_name", N, 128},
     {"status", N, 30}, {"database_id", S, 0}, {"open_transaction_count", I, 0});
COLS(c_active_tran, {"transaction_id", L, 0}, {"name", N, 32}, {"transaction_begin_time", D, 0});
COLS(c_wait, {"wait_type", N, 60}, {"waiting_tasks_count", L, 0}, {"wait_time_ms", L, 0}, {"max_wait_time_ms", L, 0},
     {"signal_wait_time_ms", L, 0});
COLS(c_ext, {"class", T, 0}, {"class_desc", N, 60}, {"major_id", I, 0}, {"minor_id", I, 0}, {"name", N, 128},
     {"value", SIM_T_VARIANT, 0});
COLS(c_modules, {"object_id", I, 0}, {"definition", N, SIM_LEN_MAX});
COLS(c_principals, {"name", N, 128}, {"principal_id", I, 0}, {"type", SIM_T_CHAR, 1}, {"type_desc", N, 60});
COLS(c_role_members, {"role_principal_id", I, 0}, {"member_principal_id", I, 0});
COLS(c_permissions, {"class", T, 0}, {"class_desc", N, 60}, {"major_id", I, 0}, {"minor_id", I, 0},
     {"grantee_principal_id", I, 0}, {"grantor_principal_id", I, 0}, {"permission_name", N, 128},
     {"state", SIM_T_CHAR, 1}, {"state_desc", N, 60});
COLS(c_stats, {"name", N, 60}, {"value", L, 0});
COLS(c_faults, {"id", I, 0}, {"kind", N, 24}, {"match", N, 400}, {"session", I, 0}, {"skip", I, 0}, {"count", I, 0},
     {"arg", N, 128}, {"hits", L, 0});

#define TYPE_DESC                                                                                                      \
    "CASE o.type WHEN 'U' THEN 'USER_TABLE' WHEN 'PK' THEN 'PRIMARY_KEY_CONSTRAINT' WHEN 'UQ' THEN "                   \
    "'UNIQUE_CONSTRAINT' WHEN 'F' THEN 'FOREIGN_KEY_CONSTRAINT' WHEN 'C' THEN "                                        \
    "'CHECK_CONSTRAINT' WHEN 'D' THEN 'DEFAULT_CONSTRAINT' WHEN 'V' THEN 'VIEW' WHEN 'P' THEN 'SQL_STORED_PROCEDURE' " \
    "ELSE 'OTHER' END"
#define PAD2 "substr(o.type||'  ',1,2)"

static const view_t views[] = {
    {"sys", "databases", NULL, c_databases},
    {"sys", "types", NULL, c_types},
    {"sys", "systypes", NULL, c_types},
    {"sys", "dm_exec_sessions", NULL, c_sessions},
    {"sys", "dm_server_services", NULL, c_services},
    {"sys", "dm_cdc_log_scan_sessions", NULL, c_scans},
    {"sim", "stats", NULL, c_stats},
    {"sim", "faults", NULL, c_faults},
    {"INFORMATION_SCHEMA", "COLUMNS", NULL, c_is_columns},
    {"sys", "dm_cdc_errors", "SELECT NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL WHERE 0", c_errors},
    {"sys", "dm_tran_active_transactions", "SELECT NULL,NULL,NULL WHERE 0", c_active_tran},
    {"sys", "dm_os_wait_stats", "SELECT NULL,NULL,NULL,NULL,NULL WHERE 0", c_wait},
    {"sys", "extended_properties", "SELECT NULL,NULL,NULL,NULL,NULL,NULL WHERE 0", c_ext},
    {"sys", "schemas", "SELECT name,id,1 FROM @._sim_schemas", c_schemas},
    {"sys", "objects",
     "SELECT o.name,o.id,NULL,o.schema_id,o.parent_id," PAD2 "," TYPE_DESC
     ",o.created,o.modified,o.ms_shipped,0,0 FROM @._sim_objects o",
     c_objects},
    {"sys", "all_objects",
     "SELECT o.name,o.id,NULL,o.schema_id,o.parent_id," PAD2 "," TYPE_DESC
     ",o.created,o.modified,o.ms_shipped,0,0 FROM @._sim_objects o",
     c_objects},
    {"sys", "views",
     "SELECT o.name,o.id,NULL,o.schema_id,o.parent_id," PAD2 "," TYPE_DESC
     ",o.created,o.modified,o.ms_shipped,0,0 FROM @._sim_objects o WHERE o.type='V'",
     c_objects},
    {"sys", "procedures",
     "SELECT o.name,o.id,NULL,o.schema_id,o.parent_id," PAD2 "," TYPE_DESC
     ",o.created,o.modified,o.ms_shipped,0,0 FROM @._sim_objects o WHERE o.type='P'",
     c_objects},
    {"sys", "tables",
     "SELECT o.name,o.id,NULL,o.schema_id,0,'U ','USER_TABLE',o.created,o.modified,o.ms_shipped,0,0,0,(SELECT "
     "max(column_id) FROM @._sim_columns c WHERE c.object_id=o.id),"
     "EXISTS(SELECT 1 FROM @._cdc_change_tables t WHERE t.source_object_id=o.id),EXISTS(SELECT 1 FROM "
     "@._cdc_change_tables t WHERE t.source_object_id=o.id),0,0 FROM @._sim_objects o WHERE o.type='U'",
     c_tables},
    {"sys", "columns",
     "SELECT "
     "c.object_id,c.name,c.column_id,sf_meta_type(c.tc,0),sf_meta_type(c.tc,0),sf_meta_type(c.tc,1),sf_meta_type(c.tc,"
     "2),sf_meta_type(c.tc,3),c.collation,NOT c.not_null,1,0,c.identity,"
     "c.computed IS NOT NULL,0,EXISTS(SELECT 1 FROM @._cdc_change_tables t JOIN @._cdc_captured_columns k ON "
     "k.object_id=t.object_id WHERE t.source_object_id=c.object_id AND "
     "k.column_id=c.column_id),coalesce(c.dflt_id,0),0,0,0,0 FROM @._sim_columns c",
     c_columns},
    {"sys", "indexes",
     "SELECT object_id,name,index_id,type,CASE type WHEN 1 THEN 'CLUSTERED' ELSE 'NONCLUSTERED' "
     "END,is_unique,1,0,is_pk,is_uq,0,0,0,0,0,NULL FROM @._sim_indexes UNION ALL SELECT o.id,NULL,0,0,"
     "'HEAP',0,1,0,0,0,0,0,0,0,0,NULL FROM @._sim_objects o WHERE o.type='U' AND NOT EXISTS(SELECT 1 FROM "
     "@._sim_indexes i WHERE i.object_id=o.id AND i.type=1)",
     c_indexes},
    {"sys", "index_columns",
     "SELECT object_id,index_id,ordinal,column_id,ordinal,0,is_desc,0 FROM @._sim_index_columns", c_index_columns},
    {"sys", "key_constraints",
     "SELECT o.name,o.id,o.schema_id,o.parent_id," PAD2 "," TYPE_DESC
     ",o.created,o.modified,i.index_id,o.name LIKE '%\\_\\_%' ESCAPE '\\' FROM @._sim_objects o JOIN @._sim_indexes i "
     "ON i.constraint_id=o.id WHERE o.type IN ('PK','UQ')",
     c_key_constraints},
    {"sys", "foreign_keys",
     "SELECT o.name,o.id,o.schema_id,f.table_id,'F ',f.ref_id,1,f.disabled,f.on_delete,CASE f.on_delete WHEN 1 THEN "
     "'CASCADE' WHEN 2 THEN 'SET_NULL' WHEN 3 THEN 'SET_DEFAULT' ELSE 'NO_ACTION' "
     "END,f.on_update,CASE f.on_update WHEN 1 THEN 'CASCADE' WHEN 2 THEN 'SET_NULL' WHEN 3 THEN 'SET_DEFAULT' ELSE "
     "'NO_ACTION' END,0 FROM @._sim_fks f JOIN @._sim_objects o ON o.id=f.id",
     c_fks},
    {"sys", "foreign_key_columns",
     "SELECT c.fk_id,c.ordinal,f.table_id,c.column_id,f.ref_id,c.ref_column_id FROM @._sim_fk_columns c JOIN "
     "@._sim_fks f ON f.id=c.fk_id",
     c_fk_columns},
    {"sys", "default_constraints",
     "SELECT o.name,o.id,o.schema_id,c.object_id,'D ',c.column_id,c.dflt,0 FROM @._sim_columns c JOIN @._sim_objects o "
     "ON o.id=c.dflt_id WHERE c.dflt_id<>0",
     c_defaults},
    {"sys", "check_constraints",
     "SELECT o.name,o.id,o.schema_id,c.table_id,'C ',c.disabled,c.body FROM @._sim_checks c JOIN @._sim_objects o ON "
     "o.id=c.id",
     c_checks},
    {"sys", "identity_columns",
     "SELECT c.object_id,c.name,c.column_id,c.seed,c.incr,i.last FROM @._sim_columns c LEFT JOIN @._sim_identity i ON "
     "i.object_id=c.object_id WHERE c.identity",
     c_identity},
    {"sys", "computed_columns",
     "SELECT object_id,name,column_id,computed,0 FROM @._sim_columns WHERE computed IS NOT NULL", c_computed},
    {"sys", "partitions",
     "SELECT o.id*16+coalesce(i.index_id,0),o.id,coalesce(i.index_id,0),1,sf_meta_rows(o.id,'@','^',o.ms_shipped) FROM "
     "@._sim_objects o LEFT JOIN @._sim_indexes i ON i.object_id=o.id WHERE o.type='U'",
     c_partitions},
    {"sys", "sql_modules", "SELECT id,body FROM @._sim_objects WHERE type IN ('P','V')", c_modules},
    {"sys", "database_principals",
     "SELECT name,id,type,CASE type WHEN 'R' THEN 'DATABASE_ROLE' ELSE 'SQL_USER' END FROM @._sim_principals",
     c_principals},
    {"sys", "server_principals", "SELECT 'sa',1,'S','SQL_LOGIN'", c_principals},
    {"sys", "database_role_members", "SELECT role_id,member_id FROM @._sim_role_members", c_role_members},
    {"sys", "database_permissions",
     "SELECT class,CASE class WHEN 0 THEN 'DATABASE' WHEN 1 THEN 'OBJECT_OR_COLUMN' ELSE 'SCHEMA' "
     "END,major_id,0,grantee_id,1,permission,state,CASE state WHEN 'D' THEN 'DENY' ELSE 'GRANT' END FROM "
     "@._sim_permissions",
     c_permissions},
    {"cdc", "change_tables",
     "SELECT "
     "object_id,version,source_object_id,capture_instance,start_lsn,end_lsn,supports_net_changes,has_drop_pending,role_"
     "name,index_name,filegroup_name,create_date,partition_switch FROM @._cdc_change_tables",
     c_change_tables},
    {"cdc", "captured_columns",
     "SELECT object_id,column_name,column_id,column_type,column_ordinal,is_computed,NULL FROM @._cdc_captured_columns",
     c_captured},
    {"cdc", "index_columns", "SELECT object_id,column_name,index_ordinal,column_id FROM @._cdc_index_columns",
     c_cdc_index},
    {"cdc", "ddl_history",
     "SELECT source_object_id,object_id,required_column_update,ddl_command,ddl_lsn,ddl_time FROM ^._cdc_ddl_history",
     c_ddl},
    {"cdc", "lsn_time_mapping",
     "SELECT start_lsn,tran_begin_time,tran_end_time,tran_id,tran_begin_lsn FROM ^._cdc_lsn_time_mapping", c_mapping},
    {"sys", "cdc_jobs$",
     "SELECT job_id,job_type,maxtrans,maxscans,continuous,pollinginterval,retention,threshold FROM @._cdc_jobs",
     c_jobs},
    {"INFORMATION_SCHEMA", "TABLES",
     "SELECT $1,s.name,o.name,'BASE TABLE' FROM @._sim_objects o JOIN @._sim_schemas s ON s.id=o.schema_id WHERE "
     "o.type='U'",
     c_is_tables},
    {"INFORMATION_SCHEMA", "KEY_COLUMN_USAGE",
     "SELECT $1,s.name,k.name,$1,s.name,o.name,c.name,ic.ordinal FROM @._sim_indexes i JOIN @._sim_objects k ON "
     "k.id=i.constraint_id JOIN @._sim_objects o ON o.id=i.object_id JOIN @._sim_schemas s ON "
     "s.id=o.schema_id JOIN @._sim_index_columns ic ON ic.object_id=i.object_id AND ic.index_id=i.index_id JOIN "
     "@._sim_columns c ON c.object_id=ic.object_id AND c.column_id=ic.column_id "
     "UNION ALL SELECT $1,s.name,k.name,$1,s.name,o.name,c.name,fc.ordinal FROM @._sim_fks f JOIN @._sim_objects k ON "
     "k.id=f.id JOIN @._sim_objects o ON o.id=f.table_id JOIN @._sim_schemas s ON "
     "s.id=o.schema_id JOIN @._sim_fk_columns fc ON fc.fk_id=f.id JOIN @._sim_columns c ON c.object_id=f.table_id AND "
     "c.column_id=fc.column_id",
     c_is_keys},
    {"INFORMATION_SCHEMA", "TABLE_CONSTRAINTS",
     "SELECT $1,s.name,k.name,$1,s.name,o.name,CASE k.type WHEN 'PK' THEN 'PRIMARY KEY' WHEN 'UQ' THEN 'UNIQUE' WHEN "
     "'F' THEN 'FOREIGN KEY' ELSE 'CHECK' END,'NO','NO' FROM @._sim_objects k JOIN "
     "@._sim_objects o ON o.id=k.parent_id JOIN @._sim_schemas s ON s.id=o.schema_id WHERE k.type IN "
     "('PK','UQ','F','C')",
     c_is_cons},
    {"INFORMATION_SCHEMA", "SCHEMATA", "SELECT $1,name,'dbo' FROM @._sim_schemas", c_is_schemata},
    {NULL, NULL, NULL, NULL},
};

static void quote_text(buf_t *b, const char *s)
{
    char *q = sqlite3_mprintf("%Q", s);
    buf_adds(b, q);
    sqlite3_free(q);
}

static void databases_sql(sim_server_t *srv, buf_t *b)
{
    pthread_mutex_lock(&srv->lock);
    bool first = true;
    for (size_t i = 0; i < srv->ndbs; i++) {
        const sim_db_t *db = srv->dbs[i];
        if (db->dropped) continue;
        buf_adds(b, first ? "SELECT " : " UNION ALL SELECT ");
        first = false;
        quote_text(b, db->name);
        buf_printf(b, ",%d,NULL,%lld,%d,", db->id, (long long)db->created, srv->config.product_major * 10);
        quote_text(b, db->collation);
        buf_printf(b, ",%d,'%s',%d,0,'ONLINE',%d,'%s',%d,%d,'%s',%d,0,0", db->single_user,
                   db->single_user ? "SINGLE_USER" : "MULTI_USER", db->read_only, db->snapshot_allowed,
                   db->snapshot_allowed ? "ON" : "OFF", db->rcsi, db->id == 1 || db->id == 2 || db->id == 4 ? 3 : 1,
                   db->id == 1 || db->id == 2 || db->id == 4 ? "SIMPLE" : "FULL",
                   __atomic_load_n(&db->cdc, __ATOMIC_RELAXED));
    }
    pthread_mutex_unlock(&srv->lock);
}

static void types_sql(buf_t *b)
{
    for (int i = 1; i < SIM_T_COUNT; i++) {
        const type_row_t *r = type_row((sim_base_t)i);
        sim_typeinfo_t t = type_simple((sim_base_t)i);
        int len = type_is_char(r->base) && r->size == 0     ? 8000
                  : type_is_binary(r->base) && r->size == 0 ? 8000
                                                            : type_max_length(&t);
        if (type_is_decimal(r->base)) len = 17;
        buf_printf(b, "%s'%s',%d,%d,4,%d,%d,%d,%s,1,0,0,0", i == 1 ? "SELECT " : " UNION ALL SELECT ", r->name,
                   r->system_type_id, r->system_type_id, len, r->prec, r->scale,
                   type_is_char(r->base) ? "'" CATALOG_COLLATION "'" : "NULL");
    }
    buf_adds(b, " UNION ALL SELECT 'sysname',231,256,4,256,0,0,'" CATALOG_COLLATION "',0,0,0,0");
}

static void sessions_sql(sim_server_t *srv, buf_t *b)
{
    pthread_mutex_lock(&srv->lock);
    for (sim_session_t *s = srv->sessions; s != NULL; s = s->next) {
        buf_printf(b, "%s%d,", b->len == 0 ? "SELECT " : " UNION ALL SELECT ", s->spid);
        quote_text(b, s->user);
        buf_addc(b, ',');
        quote_text(b, s->app);
        buf_addc(b, ',');
        quote_text(b, s->host);
        buf_printf(b, ",'running',%d,%d", s->cur != NULL ? s->cur->db->id : 1, s->trancount);
    }
    pthread_mutex_unlock(&srv->lock);
}

static void stats_sql(sim_server_t *srv, buf_t *b)
{
    static const char *const names[] = {"rows_sent", "bytes_sent", "send_stalls", "send_nanos", "connections"};
    for (int i = 0; i < SIM_STAT_COUNT; i++)
        buf_printf(b, "%s'%s',%llu", i == 0 ? "SELECT " : " UNION ALL SELECT ", names[i],
                   (unsigned long long)__atomic_load_n(&srv->stats[i], __ATOMIC_RELAXED));
}

/* INFORMATION_SCHEMA.COLUMNS needs the type system, so its rows come from the catalog. */
static void is_columns_sql(const sdb_t *sdb, buf_t *b)
{
    for (size_t i = 0; i < sdb->cat->ntables; i++) {
        const cat_table_t *t = &sdb->cat->tables[i];
        for (size_t k = 0; k < t->ncols; k++) {
            const cat_column_t *c = &t->cols[k];
            buf_adds(b, b->len == 0 ? "SELECT " : " UNION ALL SELECT ");
            quote_text(b, sdb->db->name);
            buf_addc(b, ',');
            quote_text(b, t->schema);
            buf_addc(b, ',');
            quote_text(b, t->name);
            buf_addc(b, ',');
            quote_text(b, c->name);
            buf_printf(b, ",%zu,", k + 1);
            if (c->dflt != NULL)
                quote_text(b, c->dflt);
            else
                buf_adds(b, "NULL");
            buf_printf(b, ",'%s','%s'", c->type.not_null ? "NO" : "YES", type_name(c->type.base));
            if (type_is_char(c->type.base) || type_is_binary(c->type.base)) {
                int n = type_chars(&c->type);
                buf_printf(b, ",%d,%d", n, c->type.len);
            } else {
                buf_adds(b, ",NULL,NULL");
            }
            if (type_is_number(c->type.base) && c->type.base != SIM_T_BIT) {
                buf_printf(b, ",%d,", type_precision(&c->type));
                if (type_is_float(c->type.base))
                    buf_adds(b, "NULL,NULL,");
                else
                    buf_printf(b, "%d,NULL,", type_scale(&c->type));
            } else if (type_is_datetime(c->type.base)) {
                buf_printf(b, ",NULL,NULL,%d,", c->type.base == SIM_T_DATE ? 0 : type_scale(&c->type));
            } else {
                buf_adds(b, ",NULL,NULL,NULL,");
            }
            if (c->collation != NULL)
                quote_text(b, c->collation);
            else
                buf_adds(b, "NULL");
        }
    }
    if (b->len == 0)
        buf_adds(b, "SELECT NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL WHERE 0");
}

static void made_sql(binder_t *b, const view_t *v, sdb_t *sdb, buf_t *out)
{
    sim_server_t *srv = b->s->server;
    char *owned = NULL;
    if (v->cols == c_databases)
        databases_sql(srv, out);
    else if (v->cols == c_types)
        types_sql(out);
    else if (v->cols == c_sessions)
        sessions_sql(srv, out);
    else if (v->cols == c_stats)
        stats_sql(srv, out);
    else if (v->cols == c_is_columns)
        is_columns_sql(sdb, out);
    else if (v->cols == c_scans)
        owned = cdc_scans_sql(srv, sdb->db);
    else if (v->cols == c_faults)
        owned = faults_sql(srv);
    else if (v->cols == c_services)
        buf_printf(out,
                   "SELECT 'SQL Server (MSSQLSERVER)',2,'Automatic',4,'Running',1 UNION ALL SELECT 'SQL Server Agent "
                   "(MSSQLSERVER)',2,'Automatic',%d,'%s',2",
                   srv->agent_stopped ? 1 : 4, srv->agent_stopped ? "Stopped" : "Running");
    if (owned != NULL) buf_adds(out, owned);
    free(owned);
}

bool sysview_find(binder_t *b, sdb_t *sdb, const char *schema, const char *name, const char **ret_sql,
                  scope_col_t **ret_cols, size_t *ret_n, bool *ret_found)
{
    *ret_found = false;
    for (const view_t *v = views; v->name != NULL; v++) {
        if (!name_eq(v->name, name) || !name_eq(v->schema, schema)) continue;
        if (name_eq(schema, "cdc") && !sdb->cat->cdc) return true;
        buf_t body = {0}, out = {0};
        if (v->sql == NULL) {
            made_sql(b, v, sdb, &body);
        } else {
            for (const char *c = v->sql; *c != '\0'; c++) {
                if (*c == '@')
                    buf_adds(&body, sdb->db->attach);
                else if (*c == '^')
                    buf_adds(&body, sdb->db->xattach);
                else if (*c == '$' && c[1] == '1') {
                    quote_text(&body, sdb->db->name);
                    c++;
                } else
                    buf_addc(&body, *c);
            }
        }
        size_t n = 0;
        while (v->cols[n].name != NULL) n++;
        scope_col_t *cols = arena_alloc(b->a, sizeof(*cols) * (n + 1));
        /* a common table expression names the columns of any text, whatever its own names are */
        buf_adds(&out, "(WITH w(");
        for (size_t i = 0; i < n; i++) {
            sim_typeinfo_t t = type_simple(v->cols[i].base);
            if (v->cols[i].base == N)
                t = type_nvarchar(v->cols[i].len);
            else if (v->cols[i].len != 0)
                t.len = v->cols[i].len;
            cols[i] = (scope_col_t){v->cols[i].name, arena_printf(b->a, "v%zu", i + 1), t, 0, NULL};
            buf_printf(&out, "%sv%zu", i > 0 ? "," : "", i + 1);
        }
        buf_printf(&out, ") AS (%s) SELECT * FROM w)", buf_text(&body));
        *ret_sql = arena_memdup(b->a, buf_text(&out), out.len);
        *ret_cols = cols;
        *ret_n = n;
        *ret_found = true;
        buf_done(&body);
        buf_done(&out);
        return true;
    }
    return true;
}
