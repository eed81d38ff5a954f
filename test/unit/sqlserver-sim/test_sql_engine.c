/* The SQL engine through its session interface: what a client sees for queries, changes, errors and transactions. */
#include "test/unit/sqlserver-sim/engine_probe.h"

static void test_types_of_expressions(void **state)
{
    probe_t *p = *state;
    expect(p, "SELECT 7/2, 7/2.0, 1.10+2.20, CAST(10 AS decimal(10,2))/3, 5%3", "3|3.500000|3.30|3.3333333333333|2\n");
    expect(p, "SELECT 1+'2', 'a'+'b', N'a'+NULL, CAST(1.5 AS int), CAST(1.5 AS money)", "3|ab|<null>|1|1.50\n");
    expect(p, "SELECT CASE WHEN 1=1 THEN 1 ELSE 2.50 END, COALESCE(NULL, 3), NULLIF(1,1), IIF(1>2,'x','y')",
           "1.00|3|<null>|y\n");
    expect(
        p,
        "SELECT CONVERT(varchar(10), CAST('2024-03-15' AS date), 103), DATEADD(month, 1, CAST('2024-01-31' AS date))",
        "15/03/2024|2024-02-29\n");
    expect(p, "SELECT TODATETIMEOFFSET(CAST('2024-03-15 13:45:30.123' AS datetime), 120)",
           "2024-03-15 13:45:30.123 +02:00\n");
    expect(
        p,
        "SELECT LEN(N'ab  '), DATALENGTH(N'ab'), CHARINDEX('B','abc'), REPLACE('aXa','x','-'), SUBSTRING(0x010203,2,1)",
        "2|4|2|a-a|0x02\n");
    expect(p, "SELECT 'x' WHERE 'ABC' LIKE 'a[a-c]_' AND 'ab ' = 'AB' AND '50%' LIKE '50!%' ESCAPE '!'", "x\n");
}

static void test_errors(void **state)
{
    probe_t *p = *state;
    expect(p, "SELECT 1/0", "E8134 Divide by zero error encountered.\n");
    expect(p, "SELECT CAST('abc' AS int)",
           "E245 Conversion failed when converting the varchar value 'abc' to data type int.\n");
    expect(p, "SELECT 2147483647+1", "E8115 Arithmetic overflow error converting expression to data type int.\n");
    expect(p, "SELECT * FROM nosuch", "E208 Invalid object name 'nosuch'.\n");
    expect(p, "SELECT nosuch FROM sys.tables", "E207 Invalid column name 'nosuch'.\n");
    expect(p, "SELECT @nosuch", "E137 Must declare the scalar variable \"@nosuch\".\n");
    expect(p, "SELECT FROM x", "E156 Incorrect syntax near the keyword 'FROM'.\n");
    expect(p, "SELECT 1 WHERE", "E102 Incorrect syntax near 'WHERE'.\n");
    expect(p, "frob 1", "E2812 Could not find stored procedure 'frob'.\n");
    expect(p, "SELECT 'abc", "E105 Unclosed quotation mark after the character string 'abc'.\n");
    expect(p, "COMMIT", "E3902 The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION.\n");
    expect(p, "ROLLBACK", "E3903 The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION.\n");
    expect(p, "USE nosuch", "E911 Database 'nosuch' does not exist. Make sure that the name is entered correctly.\n");
    expect(p, "SET FROB ON", "E195 'FROB' is not a recognized SET option.\n");
    /* a syntax error anywhere keeps the whole batch from running; a run-time error of a statement does not */
    expect(p, "SELECT 1; SELECT FROM", "E156 Incorrect syntax near the keyword 'FROM'.\n");
    expect(p, "SELECT 1/0; SELECT 2", "E8134 Divide by zero error encountered.\n2\n");
}

static void database(probe_t *p)
{
    expect(p, "CREATE DATABASE db1", "");
    expect(p, "USE db1", "");
}

static void test_constraints(void **state)
{
    probe_t *p = *state;
    database(p);
    expect(p,
           "CREATE TABLE a(id int IDENTITY(5,5) CONSTRAINT pk_a PRIMARY KEY, n varchar(3) NOT NULL, d decimal(5,2) "
           "DEFAULT 1.5, CONSTRAINT ck_d CHECK (d > 0), CONSTRAINT uq_n UNIQUE (n))",
           "");
    expect(p, "CREATE TABLE b(a_id int CONSTRAINT fk_b REFERENCES a(id))", "");
    expect(p, "INSERT a(n) VALUES ('x'),('y'); SELECT * FROM a; SELECT SCOPE_IDENTITY()", "5|x|1.50\n10|y|1.50\n10\n");
    expect(p, "INSERT a(n) VALUES (NULL)",
           "E515 Cannot insert the value NULL into column 'n', table 'db1.dbo.a'; column does not allow nulls. INSERT "
           "fails.\n");
    expect(p, "INSERT a(n) VALUES ('X')",
           "E2627 Violation of UNIQUE KEY constraint 'uq_n'. Cannot insert duplicate key in object 'dbo.a'. The "
           "duplicate key value is (X).\n");
    expect(
        p, "INSERT a(n) VALUES ('long')",
        "E2628 String or binary data would be truncated in table 'db1.dbo.a', column 'n'. Truncated value: 'lon'.\n");
    expect(p, "INSERT a(n,d) VALUES ('z',-1)",
           "E547 The INSERT statement conflicted with the CHECK constraint \"ck_d\". The conflict occurred in database "
           "\"db1\", table \"dbo.a\", column 'd'.\n");
    expect(p, "INSERT b VALUES (6)",
           "E547 The INSERT statement conflicted with the FOREIGN KEY constraint \"fk_b\". The conflict occurred in "
           "database \"db1\", table \"dbo.a\", column 'id'.\n");
    expect(p, "INSERT b VALUES (5),(NULL); DELETE a",
           "E547 The DELETE statement conflicted with the REFERENCE constraint \"fk_b\". The conflict occurred in "
           "database \"db1\", table \"dbo.b\", column 'a_id'.\n");
    expect(p, "SELECT COUNT(*) FROM a", "2\n"); /* the failed statement left nothing behind */
    expect(p, "INSERT a(id,n) VALUES (1,'q')",
           "E544 Cannot insert explicit value for identity column in table 'a' when IDENTITY_INSERT is set to OFF.\n");
    expect(p, "TRUNCATE TABLE a",
           "E4712 Cannot truncate table 'a' because it is being referenced by a FOREIGN KEY constraint.\n");
    expect(p, "INSERT a(n) VALUES ('p'); SELECT MAX(id) FROM a", "30\n"); /* failed inserts used up 15, 20, 25 */
}

static void test_transactions(void **state)
{
    probe_t *p = *state;
    database(p);
    expect(p, "CREATE TABLE t(i int)", "");
    expect(p,
           "BEGIN TRAN INSERT t VALUES (1) SAVE TRAN s INSERT t VALUES (2) ROLLBACK TRAN s INSERT t VALUES (3) COMMIT "
           "SELECT * FROM t",
           "1\n3\n");
    expect(p, "BEGIN TRAN; DELETE t; CREATE TABLE u(i int); ROLLBACK; SELECT COUNT(*) FROM t; SELECT OBJECT_ID('u')",
           "2\n<null>\n");
    expect(p, "SET IMPLICIT_TRANSACTIONS ON; SELECT 1; SELECT @@TRANCOUNT; SELECT COUNT(*) FROM t; SELECT @@TRANCOUNT",
           "1\n0\n2\n1\n");
    expect(p, "IF @@TRANCOUNT > 0 ROLLBACK TRAN SELECT @@TRANCOUNT", "0\n");
    expect(p, "IF @@TRANCOUNT = 0 BEGIN BEGIN TRAN IF @@TRANCOUNT = 2 COMMIT TRAN END SAVE TRAN [s] SELECT @@TRANCOUNT",
           "1\n");
    expect(p, "set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN ", "");
    expect(p, "BEGIN TRAN; CREATE DATABASE x",
           "E226 CREATE DATABASE statement not allowed within multi-statement transaction.\n");
    expect(p, "ROLLBACK", "");
    expect(p, "SET XACT_ABORT ON; BEGIN TRAN; INSERT t VALUES (9); SELECT 1/0",
           "E8134 Divide by zero error encountered.\n");
    expect(p, "SET XACT_ABORT OFF; SELECT @@TRANCOUNT, COUNT(*) FROM t", "0|2\n");
    expect(p, "BEGIN TRY SELECT 1/0 END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_MESSAGE() END CATCH",
           "8134|Divide by zero error encountered.\n");
}

static void test_two_sessions(void **state)
{
    probe_t *p = *state;
    database(p);
    sim_login_t login = {.user = "sa", .password = "secret", .database = "db1"};
    sim_session_t *other = sim_session_new(p->server, &login, &p->sink);
    assert_non_null(other);
    expect(p, "CREATE TABLE t(i int); BEGIN TRAN; INSERT t VALUES (1)", "");
    assert_string_equal(probe_run_on(p, other, "SELECT COUNT(*) FROM t"), "0\n");
    assert_string_equal(probe_run_on(p, other, "SET LOCK_TIMEOUT 20 INSERT t VALUES (2)"),
                        "E1222 Lock request time out period exceeded.\n");
    expect(p, "COMMIT", "");
    assert_string_equal(probe_run_on(p, other, "INSERT t VALUES (2) SELECT COUNT(*) FROM t"), "2\n");
    assert_string_equal(probe_run_on(p, other, "SET TRANSACTION ISOLATION LEVEL SNAPSHOT SELECT * FROM t"),
                        "E3952 Snapshot isolation transaction failed accessing database 'db1' because snapshot "
                        "isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation.\n");
    expect(p, "ALTER DATABASE db1 SET ALLOW_SNAPSHOT_ISOLATION ON", "");
    assert_string_equal(probe_run_on(p, other, "BEGIN TRAN SELECT COUNT(*) FROM t"), "2\n");
    expect(p, "INSERT t VALUES (3)", "");
    assert_string_equal(probe_run_on(p, other, "SELECT COUNT(*) FROM t COMMIT SELECT COUNT(*) FROM t"), "2\n3\n");
    sim_session_free(other);
}

static void test_prepared_and_output(void **state)
{
    probe_t *p = *state;
    expect(p, "EXEC sp_executesql N'SELECT @a + 1', N'@a int', @a = 41", "42\n");
    expect(p, "DECLARE @o int; EXEC sp_executesql N'SET @o = 5', N'@o int OUTPUT', @o = @o OUTPUT; SELECT @o", "5\n");
    expect(p, "EXEC sp_execute 99", "E8179 Could not find prepared statement with handle 99.\n");
    sim_param_t params[4] = {{.name = "", .output = true, .type = type_simple(SIM_T_INT), .value = value_null()},
                             {.name = "", .type = type_nvarchar(100), .value = value_str("@x int")},
                             {.name = "", .type = type_nvarchar(100), .value = value_str("SELECT @x * 2")},
                             {.name = "", .type = type_simple(SIM_T_INT), .value = value_int(21)}};
    sim_rpc_t rpc = {.proc_id = 13, .name = "", .params = params, .nparams = 4};
    buf_truncate(&p->out, 0);
    assert_true(sim_session_rpc(p->session, &rpc, &p->sink));
    assert_string_equal(buf_text(&p->out), "42\nout 0 =1\n");
    expect(p, "EXEC sp_execute 1, 5; EXEC sp_unprepare 1; EXEC sp_execute 1, 5",
           "10\nE8179 Could not find prepared statement with handle 1.\n");
}

static void test_queries(void **state)
{
    probe_t *p = *state;
    database(p);
    expect(p,
           "CREATE TABLE t(id int CONSTRAINT pk_t PRIMARY KEY, g varchar(5), v int); INSERT t VALUES "
           "(1,'a',10),(2,'b',20),(3,'A',30),(4,NULL,40)",
           "");
    expect(p, "SELECT g, SUM(v), COUNT(*) FROM t GROUP BY g HAVING COUNT(*) > 0 ORDER BY 2 DESC",
           "a|40|2\n<null>|40|1\nb|20|1\n");
    expect(p, "SELECT TOP 2 id FROM t WHERE g IN ('a','B') ORDER BY v DESC", "3\n2\n");
    expect(p, "SELECT id FROM t ORDER BY id OFFSET 1 ROWS FETCH NEXT 2 ROWS ONLY", "2\n3\n");
    expect(p,
           "WITH c AS (SELECT ROW_NUMBER() OVER (PARTITION BY g ORDER BY v DESC) AS r, * FROM t) SELECT id FROM c "
           "WHERE r = 1 ORDER BY id",
           "2\n3\n4\n");
    expect(p, "SELECT a.id, b.id FROM t a LEFT JOIN t b ON b.v = a.v + 10 AND b.g IS NOT NULL ORDER BY a.id",
           "1|2\n2|3\n3|<null>\n4|<null>\n");
    expect(p, "SELECT id FROM t x WHERE EXISTS (SELECT 1 FROM t WHERE v > x.v AND g = x.g)", "1\n");
    expect(p, "SELECT id, v FROM t GROUP BY id",
           "E8120 Column 't.v' is invalid in the select list because it is not contained in either an aggregate "
           "function or the GROUP BY clause.\n");
    expect(p, "UPDATE t SET v += 1 OUTPUT deleted.v, inserted.v WHERE id = 1; DELETE t WHERE id > 2; SELECT @@ROWCOUNT",
           "10|11\n2\n");
    expect(p, "SELECT * INTO #x FROM t; UPDATE #x SET v = 0; SELECT SUM(v) FROM #x; DROP TABLE #x", "0\n");
    expect(p, "DECLARE @t TABLE(a int, b varchar(5)); INSERT @t SELECT id, g FROM t; SELECT * FROM @t", "1|a\n2|b\n");
    expect(p, "INSERT t(id) SELECT 1",
           "E2627 Violation of PRIMARY KEY constraint 'pk_t'. Cannot insert duplicate key in object 'dbo.t'. The "
           "duplicate key value is (1).\n");
}

static void test_reopened_server_keeps_data(void **state)
{
    probe_t *p = *state;
    database(p);
    expect(p,
           "CREATE TABLE t(i int IDENTITY PRIMARY KEY, d decimal(38,10)); INSERT t VALUES "
           "(1234567890123456789012345678.0123456789)",
           "");
    probe_stop(p);
    probe_start(p);
    expect(p, "USE db1 INSERT t VALUES (-0.5) SELECT * FROM t",
           "1|1234567890123456789012345678.0123456789\n2|-0.5000000000\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_types_of_expressions, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_errors, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_constraints, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_transactions, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_two_sessions, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_prepared_and_output, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_queries, probe_open, probe_close),
        cmocka_unit_test_setup_teardown(test_reopened_server_keeps_data, probe_open, probe_close),
    };
    return cmocka_run_group_tests_name("sql_engine", tests, NULL, NULL);
}
