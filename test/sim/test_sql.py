"""Statements of the T-SQL subset: number, class, state and text of every error, names and types of every result."""

from sqlprobe import Probe
from tds import Raw, utf16

SYNTAX = {
    # what stands where it may not; at the end of the text the last word is named
    "SELECT * FROM": (102, 15, 1, "Incorrect syntax near 'FROM'."),
    "SELECT 1 WHERE": (102, 15, 1, "Incorrect syntax near 'WHERE'."),
    "SELECT FROM x": (156, 15, 1, "Incorrect syntax near the keyword 'FROM'."),
    "SELECT 1)": (102, 15, 1, "Incorrect syntax near ')'."),
    "SELECT (1": (102, 15, 1, "Incorrect syntax near '1'."),
    "IF 1=1": (102, 15, 1, "Incorrect syntax near '1'."),
    "BEGIN": (102, 15, 1, "Incorrect syntax near 'BEGIN'."),
    "END": (156, 15, 1, "Incorrect syntax near the keyword 'END'."),
    "INSERT INTO": (102, 15, 1, "Incorrect syntax near 'INTO'."),
    "CREATE TABLE": (102, 15, 1, "Incorrect syntax near 'TABLE'."),
    "CREATE FROB x": (102, 15, 1, "Incorrect syntax near 'FROB'."),
    "SELECT 1; FROB x": (102, 15, 1, "Incorrect syntax near 'FROB'."),
    "ALTER INDEX ix ON t REBUILD": (156, 15, 1, "Incorrect syntax near the keyword 'INDEX'."),
    "SELECT 'abc": (105, 15, 1, "Unclosed quotation mark after the character string 'abc'."),
    "/* abc": (113, 15, 1, "Missing end comment mark '*/'."),
    "SELECT 1 WHERE 1": (4145, 15, 1, "An expression of non-boolean type specified in a context where a condition is expected, near '1'."),
    "SELECT TOP -1 * FROM sys.objects": (102, 15, 1, "Incorrect syntax near '-'."),
    "FROB": (2812, 16, 62, "Could not find stored procedure 'FROB'."),
    "FROB x": (2812, 16, 62, "Could not find stored procedure 'FROB'."),
    "EXEC dbo.nosuch 1": (2812, 16, 62, "Could not find stored procedure 'dbo.nosuch'."),
    "EXEC sp_columns_170 N't'": (2812, 16, 62, "Could not find stored procedure 'sp_columns_170'."),
    "SET FROB ON": (195, 15, 5, "'FROB' is not a recognized SET option."),
    "SELECT nosuch(1)": (195, 15, 10, "'nosuch' is not a recognized built-in function name."),
    "SELECT dbo.nosuch(1)": (4121, 16, 1, 'Cannot find either column "dbo" or the user-defined function or aggregate "dbo.nosuch", or the name is ambiguous.'),
    "SELECT LEN()": (174, 15, 1, "The len function requires 1 argument(s)."),
    "SELECT DATEPART(frob, GETDATE())": (155, 15, 1, "'frob' is not a recognized datepart option."),
    "EXEC sp_executesql": (201, 16, 4, "Procedure or function 'sp_executesql' expects parameter '@statement', which was not supplied."),
    "EXEC sp_executesql N'SELECT @a', N'@a int'": (8178, 16, 1, "The parameterized query '(@a int)SELECT @a' expects the parameter '@a', which was not supplied."),
    "EXEC sp_execute 99": (8179, 16, 2, "Could not find prepared statement with handle 99."),
    "CREATE TABLE #x (id frob)": (2715, 16, 6, "Column, parameter, or variable #1: Cannot find data type frob."),
}

VARIABLES = {
    "SELECT @x": (137, 15, 2, 'Must declare the scalar variable "@x".'),
    "SET @x = 1": (137, 15, 1, 'Must declare the scalar variable "@x".'),
    "SELECT @x = 1": (137, 15, 1, 'Must declare the scalar variable "@x".'),
    "SELECT * FROM @x": (1087, 15, 2, 'Must declare the table variable "@x".'),
    "DECLARE @x int; DECLARE @x int": (134, 15, 2, "The variable name '@x' has already been declared. Variable names must be unique within a query batch or stored procedure."),
}

NAMES = {
    "SELECT * FROM nosuch": (208, 16, 1, "Invalid object name 'nosuch'."),
    "SELECT * FROM nosuch.p": (208, 16, 1, "Invalid object name 'nosuch.p'."),
    "SELECT * FROM nosuch.dbo.p": (208, 16, 1, "Invalid object name 'nosuch.dbo.p'."),
    "SELECT * FROM cdc.fn_cdc_get_all_changes_x(0x01, 0x02, N'all')": (208, 16, 1, "Invalid object name 'cdc.fn_cdc_get_all_changes_x'."),
    "SELECT sys.fn_cdc_get_max_lsn()": (208, 16, 1, "Invalid object name 'cdc.lsn_time_mapping'."),
    "INSERT nosuch VALUES (1)": (208, 16, 1, "Invalid object name 'nosuch'."),
    "UPDATE nosuch SET a = 1": (208, 16, 1, "Invalid object name 'nosuch'."),
    "DELETE FROM nosuch": (208, 16, 1, "Invalid object name 'nosuch'."),
    "TRUNCATE TABLE nosuch": (4701, 16, 1, 'Cannot find the object "nosuch" because it does not exist or you do not have permissions.'),
    "DROP TABLE nosuch": (3701, 11, 5, "Cannot drop the table 'nosuch', because it does not exist or you do not have permission."),
    "ALTER TABLE nosuch ADD x int": (4902, 16, 1, 'Cannot find the object "nosuch" because it does not exist or you do not have permissions.'),
    "CREATE TABLE nosuch.t (id int)": (2760, 16, 1, 'The specified schema name "nosuch" either does not exist or you do not have permission to use it.'),
    "USE nosuch": (911, 16, 1, "Database 'nosuch' does not exist. Make sure that the name is entered correctly."),
    "EXEC nosuch.sys.sp_cdc_help_jobs": (911, 16, 1, "Database 'nosuch' does not exist. Make sure that the name is entered correctly."),
    "SELECT nosuch FROM p": (207, 16, 1, "Invalid column name 'nosuch'."),
    "SELECT p.nosuch FROM p": (207, 16, 1, "Invalid column name 'nosuch'."),
    "SELECT a.id FROM p": (4104, 16, 1, 'The multi-part identifier "a.id" could not be bound.'),
    "SELECT a.* FROM p": (107, 15, 1, "The column prefix 'a' does not match with a table name or alias name used in the query."),
    "SELECT id FROM p, c": (209, 16, 1, "Ambiguous column name 'id'."),
    "INSERT p (nosuch) VALUES (1)": (207, 16, 1, "Invalid column name 'nosuch'."),
    "UPDATE p SET nosuch = 1": (207, 16, 1, "Invalid column name 'nosuch'."),
    "ALTER TABLE p DROP COLUMN nosuch": (4924, 16, 1, "ALTER TABLE DROP COLUMN failed because column 'nosuch' does not exist in table 'p'."),
    "ALTER TABLE p ADD n int": (2705, 16, 4, "Column names in each table must be unique. Column name 'n' in table 'p' is specified more than once."),
    "CREATE TABLE p (id int)": (2714, 16, 6, "There is already an object named 'p' in the database."),
    "SELECT 1 AS a INTO p": (2714, 16, 6, "There is already an object named 'p' in the database."),
    "CREATE DATABASE sqlaudit": (1801, 16, 3, "Database 'sqlaudit' already exists. Choose a different database name."),
    "DROP DATABASE nosuch": (3701, 11, 1, "Cannot drop the database 'nosuch', because it does not exist or you do not have permission."),
    "DROP TABLE p": (3726, 16, 1, "Could not drop object 'p' because it is referenced by a FOREIGN KEY constraint."),
}

QUERIES = {
    "SELECT id, COUNT(*) FROM p": (8120, 16, 1, "Column 'p.id' is invalid in the select list because it is not contained in either an aggregate function or the GROUP BY clause."),
    "SELECT id FROM p WHERE COUNT(*) > 1": (147, 15, 1, "An aggregate may not appear in the WHERE clause unless it is in a subquery contained in a HAVING clause or a select list, and the column being aggregated is an outer reference."),
    "SELECT id FROM p ORDER BY 9": (108, 16, 1, "The ORDER BY position number 9 is out of range of the number of items in the select list."),
    "SELECT (SELECT id, n FROM p)": (116, 16, 1, "Only one expression can be specified in the select list when the subquery is not introduced with EXISTS."),
    "SELECT (SELECT id FROM p)": (512, 16, 1, "Subquery returned more than 1 value. This is not permitted when the subquery follows =, !=, <, <= , >, >= or when the subquery is used as an expression."),
    "SELECT id FROM p UNION SELECT id, pid FROM c": (205, 16, 1, "All queries combined using a UNION, INTERSECT or EXCEPT operator must have an equal number of expressions in their target lists."),
    "SELECT TOP (-1) id FROM p": (127, 15, 1, "A TOP N or FETCH rowcount value may not be negative."),
    "SELECT MIN(CAST(1 AS bit))": (8117, 16, 1, "Operand data type bit is invalid for min operator."),
    "SELECT SUM('a')": (8117, 16, 1, "Operand data type varchar is invalid for sum operator."),
    "SELECT CASE WHEN 1=1 THEN NULL END": (8133, 16, 1, "At least one of the result expressions in a CASE specification must be an expression other than the NULL constant."),
    "SELECT COALESCE(NULL, NULL)": (4127, 16, 1, "At least one of the arguments to COALESCE must be an expression that is not the NULL constant."),
}

VALUES = {
    "SELECT 1/0": (8134, 16, 1, "Divide by zero error encountered."),
    "SELECT 1 % 0": (8134, 16, 1, "Divide by zero error encountered."),
    "SELECT 2147483647 + 1": (8115, 16, 2, "Arithmetic overflow error converting expression to data type int."),
    "SELECT CAST(1e10 AS int)": (8115, 16, 2, "Arithmetic overflow error converting expression to data type int."),
    "SELECT CAST(123456 AS decimal(5,2))": (8115, 16, 8, "Arithmetic overflow error converting numeric to data type numeric."),
    "SELECT CAST(300 AS tinyint)": (220, 16, 2, "Arithmetic overflow error for data type tinyint, value = 300."),
    "SELECT CAST(70000 AS smallint)": (220, 16, 1, "Arithmetic overflow error for data type smallint, value = 70000."),
    "SELECT CAST('abc' AS int)": (245, 16, 1, "Conversion failed when converting the varchar value 'abc' to data type int."),
    "SELECT 1 + 'abc'": (245, 16, 1, "Conversion failed when converting the varchar value 'abc' to data type int."),
    "SELECT CAST(N'99999999999' AS int)": (248, 16, 1, "The conversion of the nvarchar value '99999999999' overflowed an int column."),
    "SELECT CAST('x' AS decimal(5,2))": (8114, 16, 5, "Error converting data type varchar to numeric."),
    "SELECT CAST('x' AS float)": (8114, 16, 5, "Error converting data type varchar to float."),
    "SELECT CAST('x' AS bigint)": (8114, 16, 5, "Error converting data type varchar to bigint."),
    "SELECT CAST('x' AS date)": (241, 16, 1, "Conversion failed when converting date and/or time from character string."),
    "SELECT CAST('2024-13-01' AS datetime2)": (241, 16, 1, "Conversion failed when converting date and/or time from character string."),
    "SELECT CAST('20240230' AS datetime)": (242, 16, 3, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."),
    "SELECT CAST('1700-01-01' AS datetime)": (242, 16, 3, "The conversion of a varchar data type to a datetime data type resulted in an out-of-range value."),
    "SELECT CAST('x' AS smalldatetime)": (295, 16, 3, "Conversion failed when converting character string to smalldatetime data type."),
    "SELECT CAST('abc' AS uniqueidentifier)": (8169, 16, 2, "Conversion failed when converting from a character string to uniqueidentifier."),
    "SELECT CAST('x' AS money)": (235, 16, 0, "Cannot convert a char value to money. The char value has incorrect syntax."),
    "SELECT id FROM p WHERE id = 'x'": (245, 16, 1, "Conversion failed when converting the varchar value 'x' to data type int."),
}

CONSTRAINTS = {
    "INSERT p (id) VALUES (NULL)": (515, 16, 2, "Cannot insert the value NULL into column 'id', table 'sqlaudit.dbo.p'; column does not allow nulls. INSERT fails."),
    "UPDATE p SET id = NULL": (515, 16, 2, "Cannot insert the value NULL into column 'id', table 'sqlaudit.dbo.p'; column does not allow nulls. UPDATE fails."),
    "INSERT p (id) VALUES (1)": (2627, 14, 1, "Violation of PRIMARY KEY constraint 'PK_p'. Cannot insert duplicate key in object 'dbo.p'. The duplicate key value is (1)."),
    "INSERT p (id, u) VALUES (9, 1)": (2627, 14, 1, "Violation of UNIQUE KEY constraint 'UQ_u'. Cannot insert duplicate key in object 'dbo.p'. The duplicate key value is (1)."),
    "INSERT p (id, n) VALUES (9, 'A')": (2601, 14, 1, "Cannot insert duplicate key row in object 'dbo.p' with unique index 'ix_n'. The duplicate key value is (A)."),
    "UPDATE p SET id = 2 WHERE id = 3": (2627, 14, 1, "Violation of PRIMARY KEY constraint 'PK_p'. Cannot insert duplicate key in object 'dbo.p'. The duplicate key value is (2)."),
    "INSERT p (id, n) VALUES (9, 'toolong')": (2628, 16, 1, "String or binary data would be truncated in table 'sqlaudit.dbo.p', column 'n'. Truncated value: 'toolo'."),
    "UPDATE p SET n = 'toolong'": (2628, 16, 1, "String or binary data would be truncated in table 'sqlaudit.dbo.p', column 'n'. Truncated value: 'toolo'."),
    "INSERT p (id, d) VALUES (9, -1)": (547, 16, 0, 'The INSERT statement conflicted with the CHECK constraint "CK_d". The conflict occurred in database "sqlaudit", table "dbo.p", column \'d\'.'),
    "UPDATE p SET d = 100, u = 5 WHERE id = 1": (547, 16, 0, 'The UPDATE statement conflicted with the CHECK constraint "CK_du". The conflict occurred in database "sqlaudit", table "dbo.p".'),
    "INSERT p (id, d) VALUES (9, 12345.6)": (8115, 16, 8, "Arithmetic overflow error converting numeric to data type numeric."),
    "INSERT c VALUES (2, 99)": (547, 16, 0, 'The INSERT statement conflicted with the FOREIGN KEY constraint "FK_c". The conflict occurred in database "sqlaudit", table "dbo.p", column \'id\'.'),
    "UPDATE c SET pid = 99": (547, 16, 0, 'The UPDATE statement conflicted with the FOREIGN KEY constraint "FK_c". The conflict occurred in database "sqlaudit", table "dbo.p", column \'id\'.'),
    "DELETE p WHERE id = 1": (547, 16, 0, 'The DELETE statement conflicted with the REFERENCE constraint "FK_c". The conflict occurred in database "sqlaudit", table "dbo.c", column \'pid\'.'),
    "UPDATE p SET id = 7 WHERE id = 1": (547, 16, 0, 'The UPDATE statement conflicted with the REFERENCE constraint "FK_c". The conflict occurred in database "sqlaudit", table "dbo.c", column \'pid\'.'),
    "TRUNCATE TABLE p": (4712, 16, 1, "Cannot truncate table 'p' because it is being referenced by a FOREIGN KEY constraint."),
    "INSERT p VALUES (1)": (213, 16, 1, "Column name or number of supplied values does not match table definition."),
    "INSERT p (id, n) VALUES (1)": (109, 15, 1, "There are more columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement."),
    "INSERT p (id) VALUES (1, 2)": (110, 15, 1, "There are fewer columns in the INSERT statement than values specified in the VALUES clause. The number of values in the VALUES clause must match the number of columns specified in the INSERT statement."),
    "INSERT c (id, i) VALUES (5, 5)": (544, 16, 1, "Cannot insert explicit value for identity column in table 'c' when IDENTITY_INSERT is set to OFF."),
    "SET IDENTITY_INSERT p ON": (8106, 16, 1, "Table 'p' does not have the identity property. Cannot perform SET operation."),
    "ALTER TABLE p ADD q int NOT NULL": (4901, 16, 1, "ALTER TABLE only allows columns to be added that can contain nulls, or have a DEFAULT definition specified, or the column being added is an identity or timestamp column, or alternatively if none of the previous conditions are satisfied the table must be empty to allow addition of this column. Column 'q' cannot be added to non-empty table 'p' because it does not satisfy these conditions."),
    "INSERT p (id) VALUES " + ", ".join(f"({i})" for i in range(1001)): (10738, 15, 1, "The number of row value expressions in the INSERT statement exceeds the maximum allowed number of 1000 row values."),
}

TRANSACTIONS = {
    "COMMIT": (3902, 16, 1, "The COMMIT TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    "ROLLBACK": (3903, 16, 1, "The ROLLBACK TRANSACTION request has no corresponding BEGIN TRANSACTION."),
    "SAVE TRAN a": (628, 16, 1, "Cannot issue SAVE TRANSACTION when there is no active transaction."),
    "BEGIN TRAN; CREATE DATABASE x": (226, 16, 6, "CREATE DATABASE statement not allowed within multi-statement transaction."),
    "BEGIN TRAN; ALTER DATABASE sqlaudit SET ALLOW_SNAPSHOT_ISOLATION ON": (226, 16, 6, "ALTER DATABASE statement not allowed within multi-statement transaction."),
    "BEGIN TRAN a; ROLLBACK TRAN b": (6401, 16, 1, "Cannot roll back b. No transaction or savepoint of that name was found."),
    "SET TRANSACTION ISOLATION LEVEL SNAPSHOT; SELECT * FROM p": (3952, 16, 1, "Snapshot isolation transaction failed accessing database 'sqlaudit' because snapshot isolation is not allowed in this database. Use ALTER DATABASE to allow snapshot isolation."),
    "THROW 50001, 'boo', 3": (50001, 16, 3, "boo"),
    "RAISERROR('x %d %s', 16, 2, 5, 'y')": (50000, 16, 2, "x 5 y"),
}


def fresh(probe, name):
    probe.ok(f"USE master; DROP DATABASE IF EXISTS {name}")
    probe.ok(f"CREATE DATABASE {name}")
    probe.ok(f"USE {name}")


def audit_database(probe):
    fresh(probe, "sqlaudit")
    probe.ok("CREATE TABLE p (id int NOT NULL CONSTRAINT PK_p PRIMARY KEY, n varchar(5) NULL, u int CONSTRAINT UQ_u UNIQUE, d decimal(5,2),"
             " CONSTRAINT CK_d CHECK (d > 0), CONSTRAINT CK_du CHECK (d < 50 OR u > 50)); CREATE UNIQUE INDEX ix_n ON p(n);"
             " CREATE TABLE c (id int primary key, pid int CONSTRAINT FK_c REFERENCES p(id), i int IDENTITY);"
             " INSERT p VALUES (1, 'a', 1, 1), (2, 'b', 2, 2), (3, 'c', 3, 3); INSERT c (id, pid) VALUES (1, 1)")


def check_errors(sim, cases):
    """Every statement gives exactly its one error, the rest of the connection is unharmed, nothing was changed."""
    wrong = []
    with Probe(sim) as probe:
        audit_database(probe)
        before = probe.ok("SELECT COUNT(*), SUM(id), CHECKSUM_AGG(CHECKSUM(n)) FROM p").rows
        for sql, want in cases.items():
            reply = probe.run(sql)
            if reply.errors != [want]:
                wrong.append(f"{sql[:150]}\n    gave    {reply.errors or 'no error'}\n    instead of {want}")
            if reply.sets:
                wrong.append(f"{sql[:150]}: a result set before the error")
            probe.ok("IF @@TRANCOUNT > 0 ROLLBACK")
            probe.ok("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        assert probe.ok("SELECT COUNT(*), SUM(id), CHECKSUM_AGG(CHECKSUM(n)) FROM p").rows == before, "rows have changed"
    assert not wrong, "\n".join(wrong)


def test_errors_of_syntax(sim):
    check_errors(sim, SYNTAX)


def test_errors_of_variables(sim):
    check_errors(sim, VARIABLES)


def test_errors_of_names(sim):
    check_errors(sim, NAMES)


def test_errors_of_queries(sim):
    check_errors(sim, QUERIES)


def test_errors_of_values(sim):
    check_errors(sim, VALUES)


def test_errors_of_constraints(sim):
    check_errors(sim, CONSTRAINTS)


def test_errors_of_transactions(sim):
    check_errors(sim, TRANSACTIONS)


def test_compile_errors_stop_the_batch_before_it_starts(sim):
    with Probe(sim) as p:
        for sql in ("SELECT 1; SELECT @x", "SELECT 1; SELECT 2 FROM", "SELECT 1; SELECT 'a"):
            reply = p.run(sql)
            assert reply.errors and not reply.sets, (sql, reply.errors, reply.sets)
        reply = p.run("SELECT 1; SELECT 1/0; SELECT 3")
        assert [s[1] for s in reply.sets] == [[("1",)]] and reply.errors[0][0] == 8134


def test_a_failed_change_is_followed_by_3621(sim):
    """A driver hides this message; it belongs to changes that fail, not to queries."""
    with Probe(sim) as p, Raw(sim.port) as raw:
        audit_database(p)
        raw.batch("USE sqlaudit")
        text = utf16("The statement has been terminated.")
        for sql in ("INSERT p (id) VALUES (1)", "UPDATE p SET id = NULL", "DELETE p WHERE id = 1", "UPDATE p SET d = 1/0"):
            assert text in raw.batch(sql), sql
        assert text not in raw.batch("SELECT 1/0")
        assert text not in raw.batch("DELETE nosuch")
        rows = p.ok("BEGIN TRY INSERT p (id) VALUES (1) END TRY BEGIN CATCH SELECT ERROR_NUMBER(), ERROR_STATE(), ERROR_SEVERITY() END CATCH").rows
        assert rows == [("2627", "1", "14")], rows


def test_lock_timeout_and_deadlock(sim):
    with Probe(sim) as a, Probe(sim) as b:
        audit_database(a)
        b.ok("USE sqlaudit")
        a.ok("BEGIN TRAN; UPDATE p SET u = 10 WHERE id = 1")
        b.ok("SET LOCK_TIMEOUT 50")
        reply = b.run("UPDATE p SET u = 11 WHERE id = 1")
        assert reply.errors == [(1222, 16, 51, "Lock request time out period exceeded.")], reply.errors
        a.ok("ROLLBACK")
        a.ok("EXEC sim.fault @kind='deadlock', @match='victim'")
        b.ok("BEGIN TRAN")
        spid = b.ok("SELECT @@SPID").value
        reply = b.run("UPDATE p SET u = 11 /* victim */")
        assert reply.errors == [(1205, 13, 51, f"Transaction (Process ID {spid}) was deadlocked on lock resources with another process and has been chosen as the deadlock victim. Rerun the transaction.")], reply.errors
        assert b.ok("SELECT @@TRANCOUNT").value == "0"


def test_snapshot_reads_are_stable(sim):
    with Probe(sim) as a, Probe(sim) as b:
        audit_database(a)
        a.ok("ALTER DATABASE sqlaudit SET ALLOW_SNAPSHOT_ISOLATION ON")
        b.ok("USE sqlaudit; SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN")
        assert b.ok("SELECT COUNT(*) FROM p").value == "3"
        a.ok("INSERT p (id, n, u) VALUES (4, 'd', 4)")
        assert b.ok("SELECT COUNT(*) FROM p").value == "3"
        assert b.run("UPDATE p SET d = 5 WHERE id = 1").errors[0][0] == 3960
        assert b.ok("SELECT @@TRANCOUNT").value == "0"
        assert b.ok("SELECT COUNT(*) FROM p").value == "4"


def test_options_end_with_their_scope(sim):
    """Drivers ask for metadata with SET FMTONLY ON inside of sp_executesql."""
    with Probe(sim) as p:
        p.ok("SET LOCK_TIMEOUT 1234")
        p.ok("EXEC sp_executesql N'SET FMTONLY ON SELECT * FROM sys.schemas '; EXEC (N'SET LOCK_TIMEOUT 7; SET XACT_ABORT ON; SET TRANSACTION ISOLATION LEVEL SNAPSHOT')")
        assert p.ok("SELECT @@LOCK_TIMEOUT, @@OPTIONS & 16384").rows == [("1234", "0")]
        p.ok("SET FMTONLY ON")
        assert p.ok("SELECT 1").rows == []
        p.ok("SET FMTONLY OFF")
        assert p.ok("SELECT 1").rows == [("1",)]


def test_long_chains(sim):
    with Probe(sim) as p:
        numbers = range(2, 900)
        assert p.ok("SELECT 1 WHERE " + " OR ".join(f"1 = {i}" for i in numbers) + " OR 1 = 1").rows == [("1",)]
        assert p.ok("SELECT 1 WHERE " + " AND ".join(f"1 <> {i}" for i in numbers)).rows == [("1",)]
        assert p.ok("SELECT 1 WHERE 0 IN (" + ", ".join(map(str, range(10000))) + ")").rows == [("1",)]
        assert p.ok("SELECT LEN(" + " + ".join("'a'" for _ in numbers) + ")").value == "898"
        for deep in ("(" * 10000 + "1" + ")" * 10000, "- " * 10000 + "1", "CASE WHEN 1=1 THEN " * 5000 + "1" + " END" * 5000):
            reply = p.run("SELECT " + deep)
            assert not reply.errors or reply.errors[0][0] in (191, 8631), (deep[:40], reply.errors)
        for deep in ("SELECT * FROM (" * 3000 + "SELECT 1 AS a" + ") t" * 3000, "BEGIN " * 10000 + "PRINT 1" + " END" * 10000, "IF 1=1 " * 10000 + "PRINT 1"):
            assert p.run(deep).errors[0][0] in (191, 8631), deep[:40]
        assert p.ok("SELECT 1").value == "1"


def test_text_keeps_its_collation_through_a_cast(sim):
    utf8, latin = "Latin1_General_100_CI_AS_SC_UTF8", "Latin1_General_CI_AS"
    with Probe(sim) as p:
        assert p.ok(f"SELECT CAST(CAST(N'Ωλ' COLLATE {utf8} AS VARCHAR(10)) AS VARBINARY(10))").value == "0xCEA9CEBB"
        assert p.ok(f"SELECT CAST(CAST(N'é' COLLATE {latin} AS VARCHAR(10)) AS VARBINARY(10))").value == "0xE9"
        assert p.ok("SELECT CAST(N'Ωλ' AS VARCHAR(10))").value == "??"
        p.ok(f"CREATE TABLE #t (a VARCHAR(20) COLLATE {utf8}); INSERT INTO #t VALUES (N'Ωλ')")
        rows = p.ok("SELECT CAST(CAST(a AS CHAR(4)) AS VARBINARY(9)), CAST(CONVERT(VARCHAR(3), a) AS VARBINARY(9)) FROM #t").rows
        assert rows == [("0xCEA9CEBB", "0xCEA9")], rows
