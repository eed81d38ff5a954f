/* Change data capture end to end: change tables, masks, positions, functions, second instances, cleanup. */
#include "test/unit/sqlserver-sim/engine_probe.h"

static int open_db(void **state)
{
    int rc = probe_open(state);
    probe_t *p = *state;
    expect(p, "CREATE DATABASE testDB", "");
    expect(p, "USE testDB", "");
    expect(p, "EXEC sys.sp_cdc_enable_db", "");
    return rc;
}

static void track(probe_t *p, const char *table)
{
    char sql[256];
    snprintf(sql, sizeof(sql),
             "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'%s', @role_name = NULL", table);
    (void)probe_run(p, sql); /* the first table also reports its jobs */
    assert_null(strstr(buf_text(&p->out), "E2"));
}

#define CHANGES "SELECT [__$operation], [__$update_mask], [__$command_id]"

static void test_worked_example(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE dbo.t(id int PRIMARY KEY, name nvarchar(20))", "");
    track(p, "t");
    expect(p,
           "BEGIN TRAN INSERT dbo.t(id,name) VALUES(1,N'a') UPDATE dbo.t SET name=N'b' WHERE id=1 DELETE dbo.t COMMIT",
           "");
    expect(p, "SELECT COUNT(*) FROM cdc.dbo_t_CT", "0\n"); /* nothing is visible before a scan */
    expect(p, "EXEC sys.sp_cdc_scan", "");
    expect(p, CHANGES ", id, name FROM cdc.dbo_t_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]",
           "2|0x03|1|1|a\n3|0x02|2|1|a\n4|0x02|2|1|b\n1|0x03|3|1|b\n");
    expect(p, "SELECT COUNT(DISTINCT [__$start_lsn]), COUNT(DISTINCT [__$seqval]) FROM cdc.dbo_t_CT", "1|3\n");
    expect(p, "SELECT COUNT(*) FROM cdc.dbo_t_CT WHERE [__$seqval] >= [__$start_lsn]", "0\n");
    expect(p, "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00", "1\n");
    expect(p,
           "UPDATE dbo.t SET name = name; BEGIN TRAN INSERT dbo.t VALUES (2,N'x') ROLLBACK; EXEC sys.sp_cdc_scan; "
           "SELECT COUNT(*) FROM cdc.dbo_t_CT",
           "4\n");
    expect(p, "INSERT dbo.t VALUES (5,N'k') UPDATE dbo.t SET id = 6; EXEC sys.sp_cdc_scan", "");
    expect(p, "SELECT [__$operation], id FROM cdc.dbo_t_CT WHERE id > 4 ORDER BY [__$start_lsn], [__$seqval]",
           "2|5\n1|5\n2|6\n");
}

static void test_masks_and_large_values(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE w(c1 int PRIMARY KEY,c2 int,c3 int,c4 int,c5 int,c6 int,c7 int,c8 nvarchar(max),c9 text)",
           "");
    track(p, "w");
    expect(p,
           "INSERT w(c1,c8,c9) VALUES (1,N'big','old'); UPDATE w SET c2 = 1; UPDATE w SET c9 = 'new'; EXEC "
           "sys.sp_cdc_scan",
           "");
    expect(p,
           "SELECT [__$operation], [__$update_mask], c8, c9 FROM cdc.dbo_w_CT ORDER BY [__$start_lsn], [__$operation]",
           "2|0x01FF|big|old\n3|0x0002|<null>|<null>\n4|0x0002|big|old\n3|0x0100|<null>|<null>\n4|0x0100|big|new\n");
    expect(p,
           "SELECT sys.fn_cdc_is_bit_set(9, 0x0100), sys.fn_cdc_is_bit_set(1, 0x0100), "
           "sys.fn_cdc_get_column_ordinal('dbo_w','c9')",
           "1|0|9\n");
}

static void test_functions_and_ranges(void **state)
{
    static const char range[] = "E313 An insufficient number of arguments were supplied for the procedure or function "
                                "cdc.fn_cdc_get_all_changes_ ... .\n";
    probe_t *p = *state;
    expect(p, "SELECT sys.fn_cdc_get_max_lsn()", "<null>\n");
    expect(p, "CREATE TABLE t(id int PRIMARY KEY, v int)", "");
    track(p, "t");
    expect(p,
           "SELECT sys.fn_cdc_get_min_lsn('nosuch'), sys.fn_cdc_increment_lsn(0x0000002D00000580FFFF), "
           "sys.fn_cdc_decrement_lsn(0x0000002D000005810000)",
           "0x00000000000000000000|0x0000002D000005810000|0x0000002D00000580FFFF\n");
    expect(p, "INSERT t VALUES (1,1) UPDATE t SET v = 2 EXEC sys.sp_cdc_scan", "");
    expect(p,
           "DECLARE @a binary(10) = sys.fn_cdc_get_min_lsn('dbo_t'), @b binary(10) = sys.fn_cdc_get_max_lsn() SELECT "
           "[__$operation], v FROM cdc.fn_cdc_get_all_changes_dbo_t(@a,@b,N'all') ORDER BY [__$start_lsn] SELECT "
           "[__$operation], v FROM cdc.fn_cdc_get_all_changes_dbo_t(@a,@b,'ALL UPDATE OLD ') ORDER BY [__$start_lsn], "
           "[__$operation] SELECT [__$operation], v FROM cdc.fn_cdc_get_net_changes_dbo_t(@a,@b,'all')",
           "2|1\n4|2\n2|1\n3|1\n4|2\n2|2\n");
    expect(p, "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t(0x00,0xFF,N'all')", range);
    expect(p,
           "SELECT * FROM "
           "cdc.fn_cdc_get_all_changes_dbo_t(sys.fn_cdc_get_max_lsn(),sys.fn_cdc_get_min_lsn('dbo_t'),N'all')",
           range);
    expect(p, "SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t(sys.fn_cdc_get_max_lsn(),sys.fn_cdc_get_max_lsn(),N'al')",
           range);
    expect(p, "SELECT * FROM [testDB].cdc.[fn_cdc_get_all_changes_dbo_gone](0x00,0xFF,N'all')",
           "E208 Invalid object name 'testDB.cdc.fn_cdc_get_all_changes_dbo_gone'.\n");
}

static void test_second_instance(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE t(id int PRIMARY KEY, v varchar(5))", "");
    track(p, "t");
    expect(p, "INSERT t VALUES (1,'a') ALTER TABLE t ADD x int NULL INSERT t VALUES (2,'b',7)", "");
    expect(p, "EXEC sys.sp_cdc_enable_table 'dbo','t','dbo_t_v2',@role_name=NULL", "");
    expect(p, "ALTER TABLE t ALTER COLUMN v varchar(50) INSERT t VALUES (3,'a longer text',8) EXEC sys.sp_cdc_scan",
           "");
    expect(p, "SELECT id, v FROM cdc.dbo_t_CT ORDER BY id", "1|a\n2|b\n3|a longer text\n");
    expect(p, "SELECT id, v, x FROM cdc.dbo_t_v2_CT", "3|a longer text|8\n");
    expect(p,
           "SELECT ddl_command, required_column_update FROM cdc.ddl_history WHERE object_id = "
           "OBJECT_ID('cdc.dbo_t_CT') ORDER BY ddl_lsn",
           "ALTER TABLE t ADD x int NULL|0\nALTER TABLE t ALTER COLUMN v varchar(50)|1\n");
    expect(p, "EXEC sys.sp_cdc_enable_table 'dbo','t','dbo_t_v3',@role_name=NULL",
           "E22962 Two capture instances already exist for source table 'dbo.t'. A table can have at most two capture "
           "instances. If the current tracking options are not appropriate, disable change tracking for the obsolete "
           "instance by using sys.sp_cdc_disable_table and retry the operation.\n");
    expect(p, "EXEC sp_rename 'dbo.t.v', 'w', 'COLUMN'", "E4928 Cannot alter column 'v' because it is 'REPLICATED'.\n");
    expect(p, "TRUNCATE TABLE t",
           "E4711 Cannot truncate table 't' because it is published for replication or enabled for Change Data "
           "Capture.\n");
    expect(p, "EXEC sys.sp_cdc_disable_table 'dbo','t','dbo_t' SELECT capture_instance FROM cdc.change_tables",
           "dbo_t_v2\n");
    expect(p, "DROP TABLE t SELECT COUNT(*) FROM cdc.change_tables", "0\n");
}

static void test_cleanup_and_rollback(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE t(id int PRIMARY KEY)", "");
    track(p, "t");
    expect(p, "INSERT t VALUES (1) WAITFOR DELAY '00:00:00.010' INSERT t VALUES (2) EXEC sys.sp_cdc_scan", "");
    expect(p,
           "DECLARE @x binary(10) = sys.fn_cdc_get_max_lsn() EXEC sys.sp_cdc_cleanup_change_table 'dbo_t', @x, 5000 "
           "SELECT id FROM cdc.dbo_t_CT SELECT CASE WHEN @x = sys.fn_cdc_get_min_lsn('dbo_t') THEN 'moved' END",
           "2\nmoved\n");
    expect(p,
           "BEGIN TRAN CREATE TABLE u(id int PRIMARY KEY) EXEC sys.sp_cdc_enable_table 'dbo','u',@role_name=NULL "
           "ROLLBACK SELECT COUNT(*) FROM cdc.change_tables SELECT OBJECT_ID('u')",
           "1\n<null>\n");
    expect(p,
           "BEGIN TRAN CREATE TABLE u(id int PRIMARY KEY) EXEC sys.sp_cdc_enable_table 'dbo','u',@role_name=NULL "
           "COMMIT SELECT name, is_tracked_by_cdc FROM sys.tables WHERE name = 'u'",
           "u|1\n");
}

static void test_restart_keeps_the_log(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE t(id int PRIMARY KEY)", "");
    track(p, "t");
    expect(p, "INSERT t VALUES (1)", "");
    probe_stop(p); /* not scanned yet */
    probe_start(p);
    expect(p, "USE testDB EXEC sys.sp_cdc_scan SELECT id FROM cdc.dbo_t_CT", "1\n");
    expect(p, "INSERT t VALUES (2) EXEC sys.sp_cdc_scan SELECT id FROM cdc.dbo_t_CT ORDER BY [__$start_lsn]", "1\n2\n");
}

static void test_refusals(void **state)
{
    probe_t *p = *state;
    expect(p, "CREATE TABLE n(i int)", "");
    expect(p, "EXEC sys.sp_cdc_enable_table 'dbo','nosuch',@role_name=NULL",
           "E22931 Source table 'dbo.nosuch' does not exist in the current database. Ensure that the correct database "
           "context is set. Specify a valid schema and table name for the database.\n");
    expect(
        p, "EXEC sys.sp_cdc_enable_table 'dbo','n'",
        "E201 Procedure or function 'sp_cdc_enable_table' expects parameter '@role_name', which was not supplied.\n");
    expect(p, "EXEC sys.sp_cdc_enable_table 'dbo','n',@role_name=NULL,@supports_net_changes=1",
           "E22939 The parameter @supports_net_changes is set to 1, but the source table does not have a primary key "
           "defined and no alternate unique index has been specified.\n");
    expect(p, "USE master EXEC sys.sp_cdc_help_change_data_capture",
           "E22901 The database 'master' is not enabled for Change Data Capture. Ensure that the correct database "
           "context is set and retry the operation. To report on the databases enabled for Change Data Capture, query "
           "the is_cdc_enabled column in the sys.databases catalog view.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_worked_example, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_masks_and_large_values, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_functions_and_ranges, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_second_instance, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_cleanup_and_rollback, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_restart_keeps_the_log, open_db, probe_close),
        cmocka_unit_test_setup_teardown(test_refusals, open_db, probe_close),
    };
    return cmocka_run_group_tests_name("cdc_flow", tests, NULL, NULL);
}
