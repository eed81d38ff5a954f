"""Change data capture as clients see it: errors, change rows, masks, functions, instances, DDL."""

import re

from cdcdb import Db, eq, literal
from localstack.waiting import wait_until
from sim import Sim

NOT_ENABLED = ("The database '{0}' is not enabled for Change Data Capture. Ensure that the correct database context is set and retry the "
               "operation. To report on the databases enabled for Change Data Capture, query the is_cdc_enabled column in the sys.databases "
               "catalog view.")
RANGE = "An insufficient number of arguments were supplied for the procedure or function cdc.fn_cdc_get_{0}_changes_ ... ."
ENABLE = "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @role_name = NULL, "


def in_order(sql):
    return f"{sql} ORDER BY [__$start_lsn], [__$seqval], [__$operation]"


# --- enabling and its refusals

REFUSED = {
    "table without enabled database": ("off", "EXEC sys.sp_cdc_enable_table N'dbo', N't', @role_name = NULL", 22901, NOT_ENABLED),
    "help without enabled database": ("off", "EXEC sys.sp_cdc_help_change_data_capture", 22901, NOT_ENABLED),
    "jobs without enabled database": ("off", "EXEC sys.sp_cdc_help_jobs", 22901, NOT_ENABLED),
    "schema cdc is taken": ("schema", "EXEC sys.sp_cdc_enable_db", 22906,
                            "The database '{0}' cannot be enabled for Change Data Capture because a database user named 'cdc' or a schema named 'cdc' "
                            "already exists in the current database. These objects are required exclusively by Change Data Capture. Drop or rename "
                            "the user or schema and retry the operation."),
    "system database": ("on", "USE master EXEC sys.sp_cdc_enable_db", 22989,
                        "Could not enable Change Data Capture for database 'master'. Change data capture is not supported on system databases, or on a "
                        "distribution database."),
    "same name twice": ("on", ENABLE + "@source_name = N't'", 22926,
                        "Could not create a capture instance because the capture instance name 'dbo_t' already exists in the current database. Specify "
                        "an explicit unique name for the parameter @capture_instance."),
    "name of 101 characters": ("on", ENABLE + f"@source_name = N't', @capture_instance = N'{'x' * 101}'", 22927,
                               f"Capture instance name '{'x' * 101}' exceeds the length limit of 100 characters. Specify a name that satisfies the "
                               "length constraint."),
    "net changes without key": ("on", ENABLE + "@source_name = N'nokey', @supports_net_changes = 1", 22939,
                                "The parameter @supports_net_changes is set to 1, but the source table does not have a primary key defined and no "
                                "alternate unique index has been specified."),
    "no such table": ("on", ENABLE + "@source_name = N'nosuch'", 22931,
                      "Source table 'dbo.nosuch' does not exist in the current database. Ensure that the correct database context is set. Specify a "
                      "valid schema and table name for the database."),
    "role is empty": ("on", "EXEC sys.sp_cdc_enable_table N'dbo', N'nokey', @role_name = N''", 22907,
                      "Parameter @role_name cannot be empty. Specify a value for @role_name and retry the operation. Supply null as the value if no "
                      "role is to be used to gate access to captured change data."),
    "role is missing": ("on", "EXEC sys.sp_cdc_enable_table N'dbo', N'nokey'", 201,
                        "Procedure or function 'sp_cdc_enable_table' expects parameter '@role_name', which was not supplied."),
    "no such index": ("on", ENABLE + "@source_name = N'keys', @index_name = N'nosuch'", 22928,
                      "Index name 'nosuch' is not an index for table 'dbo.keys'. Specify a valid index name for the table."),
    "index is not unique": ("on", ENABLE + "@source_name = N'keys', @index_name = N'ix_plain'", 22929,
                            "Index 'ix_plain' must be either a primary key or a unique index for table 'dbo.keys'. Specify an index that meets at "
                            "least one of these requirements."),
    "no such captured column": ("on", ENABLE + "@source_name = N'keys', @captured_column_list = N'id, nosuch'", 22930,
                                "Could not locate 'nosuch' as a column of source table 'dbo.keys'. Specify a valid column name."),
    "captured columns without key": ("on", ENABLE + "@source_name = N'keys', @captured_column_list = N'a, b'", 22943,
                                     "Columns used to uniquely identify a row for net change tracking must be included in the list of captured columns. "
                                     "Add either the primary key columns of the source table, or the columns defined for the index specified in the "
                                     "parameter @index_name to the list of captured columns and retry the operation."),
    "change table": ("on", "EXEC sys.sp_cdc_enable_table N'cdc', N'dbo_t_CT', @role_name = NULL", 22974,
                     "Tables contained in the cdc schema cannot be enabled for Change Data Capture."),
    "disable another table's instance": ("on", "EXEC sys.sp_cdc_disable_table N'dbo', N't', N'dbo_two'", 22960,
                                         "Change data capture instance 'dbo_two' has not been enabled for the source table 'dbo.t'. Use "
                                         "sys.sp_cdc_help_change_data_capture to verify the capture instance name and retry the operation."),
    "disable an untracked table": ("on", "EXEC sys.sp_cdc_disable_table N'dbo', N'keys', N'all'", 22985,
                                   "Change data capture has not been enabled for source table 'dbo.keys'. Specify the name of a table enabled for Change "
                                   "Data Capture. To report on the tables enabled for Change Data Capture, query the is_tracked_by_cdc column in the "
                                   "sys.tables catalog view."),
    "third instance": ("on", ENABLE + "@source_name = N'two', @capture_instance = N'three'", 22962,
                       "Two capture instances already exist for source table 'dbo.two'. A table can have at most two capture instances. If the current "
                       "tracking options are not appropriate, disable change tracking for the obsolete instance by using sys.sp_cdc_disable_table and "
                       "retry the operation."),
    "help with half a name": ("on", "EXEC sys.sp_cdc_help_change_data_capture @source_schema = N'dbo'", 22972,
                              "When calling stored procedure [sys].sp_cdc_help_change_data capture, if either @source_schema or @source_name is non-null "
                              "and non-empty, the other parameter must also be non-null and non-empty."),
    "rename a captured column": ("on", "EXEC sp_rename N'dbo.t.name', N'other', N'COLUMN'", 4928,
                                 "Cannot alter column 'name' because it is 'REPLICATED'."),
    "truncate": ("on", "TRUNCATE TABLE dbo.t", 4711,
                 "Cannot truncate table 'dbo.t' because it is published for replication or enabled for Change Data Capture."),
    "truncate a referenced table": ("on", "TRUNCATE TABLE dbo.parent", 4712,
                                    "Cannot truncate table 'dbo.parent' because it is being referenced by a FOREIGN KEY constraint."),
    "drop the key of the capture": ("on", "ALTER TABLE dbo.named DROP CONSTRAINT pk_named", 22979,
                                    "The unique index 'pk_named' on table '[dbo].[named]' is used by Change Data Capture. The constraint using this index "
                                    "cannot be dropped or disabled."),
    "drop the index of the capture": ("on", "DROP INDEX ux_i ON dbo.indexed", 22983,
                                      "The unique index 'ux_i' on source table '[dbo].[indexed]' is used by Change Data Capture. To alter or drop the "
                                      "index, you must first disable Change Data Capture on the table."),
    "large value": ("on", "INSERT dbo.lob VALUES (1, REPLICATE(CAST('x' AS varchar(max)), 65537))", 7139,
                    "Length of LOB data (65537) to be replicated exceeds configured maximum 65536. Use the stored procedure sp_configure to increase the "
                    "configured maximum value for max text repl size option, which defaults to 65536. A configured value of -1 indicates no limit, other "
                    "that the limit imposed by the data type."),
}


def everything(db):
    """Tables for the refusals."""
    db.table("t")
    db.table("nokey", "CREATE TABLE dbo.{0} (id int)", enable=False)
    db.table("keys", "CREATE TABLE dbo.{0} (id int PRIMARY KEY, a int, b int); CREATE INDEX ix_plain ON dbo.{0} (a)", enable=False)
    db.table("two")
    db.enable("two", capture_instance="N'two_v2'")
    db.table("named", "CREATE TABLE dbo.{0} (id int NOT NULL CONSTRAINT pk_named PRIMARY KEY)")
    db.table("indexed", "CREATE TABLE dbo.{0} (id int NOT NULL); CREATE UNIQUE INDEX ux_i ON dbo.{0} (id)", index_name="N'ux_i'")
    db.run("CREATE TABLE dbo.parent (id int PRIMARY KEY); CREATE TABLE dbo.child (id int REFERENCES dbo.parent (id))")
    db.table("lob", "CREATE TABLE dbo.{0} (id int PRIMARY KEY, v varchar(max))")


def test_refusals(sim):
    with Db(sim) as on, Db(sim, enabled=False) as off, Db(sim, enabled=False) as schema:
        everything(on)
        off.table("t", enable=False)
        schema.run("CREATE SCHEMA cdc")
        dbs = {"on": on, "off": off, "schema": schema}
        for what, (which, sql, number, text) in REFUSED.items():
            db = dbs[which]
            before = db.run("SELECT COUNT(*) FROM sys.objects") if which == "on" else None
            got = db.error(sql)
            eq((got[0], got[3]), (number, text.format(db.name)), what)
            eq(got[1], 16, what + ": class")
            if "USE master" in sql:
                db.run(f"USE {db.name}")
            elif before:
                eq(db.run("SELECT COUNT(*) FROM sys.objects"), before, what + ": objects")


def test_enabling_a_database_twice(sim):
    with Db(sim) as db:
        db.table()
        before = db.run("SELECT * FROM cdc.change_tables")
        db.run("EXEC sys.sp_cdc_enable_db")
        eq(db.said, [f"Database '{db.name}' is already enabled for Change Data Capture. Ensure that the correct database context is set, and retry the "
                     "operation. To report on the databases enabled for Change Data Capture, query the is_cdc_enabled column in the sys.databases catalog "
                     "view."])
        eq(db.run("SELECT * FROM cdc.change_tables"), before)


def test_catalog_of_an_instance(sim):
    with Db(sim) as db:
        db.run("CREATE TABLE dbo.t (id int PRIMARY KEY, name nvarchar(20), email nvarchar(50), sum AS id * 2)")
        db.enable("t", captured_column_list="N'id, [email], \"name\", sum'")
        eq(db.said, [f"Job 'cdc.{db.name}_capture' started successfully.", f"Job 'cdc.{db.name}_cleanup' started successfully."])
        ct, source = db.value("SELECT OBJECT_ID('cdc.dbo_t_CT')"), db.value("SELECT OBJECT_ID('dbo.t')")
        row = db.run("SELECT * FROM cdc.change_tables")[0]
        eq((len(row), row[0], row[2], row[3], len(row[4]), row[5], row[6], row[8], row[12]), (13, ct, source, "dbo_t", 10, None, True, None, True))
        eq(db.run("SELECT object_id, column_name, column_id, column_type, column_ordinal, is_computed FROM cdc.captured_columns ORDER BY column_ordinal"),
           [(ct, "id", 1, "int", 1, False), (ct, "name", 2, "nvarchar", 2, False), (ct, "email", 3, "nvarchar", 3, False), (ct, "sum", 4, "int", 4, True)])
        eq(db.run("SELECT column_name, index_ordinal, column_id FROM cdc.index_columns"), [("id", 1, 1)])
        eq(db.run("SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 't'"), [(True,)])
        eq(db.run(f"SELECT is_cdc_enabled FROM sys.databases WHERE name = '{db.name}'"), [(True,)])
        eq(db.run("SELECT name FROM sys.columns WHERE object_id = OBJECT_ID('cdc.dbo_t_CT') ORDER BY column_id"),
           [(n,) for n in ("__$start_lsn", "__$end_lsn", "__$seqval", "__$operation", "__$update_mask", "id", "name", "email", "sum", "__$command_id")])
        shown = db.run("EXEC sys.sp_cdc_help_change_data_capture")[0]
        eq(shown[:5] + shown[6:12] + shown[13:], ("dbo", "t", "dbo_t", ct, source, None, True, None, None, row[9], None, "[id]", "[id], [name], [email], [sum]"))
        db.enable("t", capture_instance="N'second'")
        eq(db.said, [], "the jobs are there")
        db.scan()
        db.run("EXEC sys.sp_cdc_disable_table N'dbo', N't', N'all'")
        eq(db.run("SELECT is_tracked_by_cdc FROM sys.tables WHERE name = 't'"), [(False,)])
        eq(db.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping"), 0, "the last instance takes the time line with it")
        eq(len(db.run("EXEC sys.sp_cdc_help_jobs")), 2)
        db.run("EXEC sys.sp_cdc_disable_db")
        eq(db.value("SELECT SCHEMA_ID('cdc')"), None)
        eq(db.error("SELECT sys.fn_cdc_get_max_lsn()")[::3], (208, "Invalid object name 'cdc.lsn_time_mapping'."))
        db.run("EXEC sys.sp_cdc_disable_db")


def test_instance_in_a_transaction(sim):
    with Db(sim) as db:
        create = "BEGIN TRAN; CREATE TABLE dbo.u (id int PRIMARY KEY); EXEC sys.sp_cdc_enable_table N'dbo', N'u', @role_name = NULL; "
        db.run(create + "ROLLBACK")
        eq(db.run("SELECT OBJECT_ID('dbo.u'), OBJECT_ID('cdc.dbo_u_CT'), (SELECT COUNT(*) FROM cdc.change_tables)"), [(None, None, 0)])
        db.run(create + "INSERT dbo.u VALUES (1); COMMIT")
        eq(db.ops("id", "dbo_u"), [(2, 1)])


# --- change rows

def test_worked_example(sim):
    with Db(sim) as db:
        db.table()
        db.run("BEGIN TRAN; INSERT dbo.t (id, name) VALUES (1, N'a'); UPDATE dbo.t SET name = N'b' WHERE id = 1; DELETE dbo.t; COMMIT")
        rows = db.changes("[__$start_lsn], [__$end_lsn], [__$seqval], [__$operation], [__$update_mask], id, name, [__$command_id]")
        eq([r[3:] for r in rows], [(2, b"\x03", 1, "a", 1), (3, b"\x02", 1, "a", 2), (4, b"\x02", 1, "b", 2), (1, b"\x03", 1, "b", 3)])
        eq(len({r[0] for r in rows}), 1)
        eq({r[1] for r in rows}, {None})
        seqvals = [r[2] for r in rows]
        assert seqvals[0] < seqvals[1] == seqvals[2] < seqvals[3] < rows[0][0], seqvals
        mapping = db.run(f"SELECT tran_begin_lsn, DATALENGTH(tran_id) FROM cdc.lsn_time_mapping WHERE start_lsn = {literal(rows[0][0])} AND tran_id <> 0x00")
        eq(mapping, [(seqvals[0], 6)])


CHANGES = {
    "key update": ("INSERT dbo.t VALUES (1, N'a'); UPDATE dbo.t SET id = 2", [(2, 1), (1, 1), (2, 2)]),
    "rolled back": ("INSERT dbo.t VALUES (1, N'a'); BEGIN TRAN; UPDATE dbo.t SET name = N'z'; DELETE dbo.t; ROLLBACK", [(2, 1)]),
    "rolled back to a savepoint": ("BEGIN TRAN; INSERT dbo.t VALUES (1, N'a'); SAVE TRAN p; INSERT dbo.t VALUES (2, N'b'); ROLLBACK TRAN p; "
                                   "INSERT dbo.t VALUES (3, N'c'); COMMIT", [(2, 1), (2, 3)]),
    "failed statement": ("BEGIN TRY INSERT dbo.t VALUES (1, N'a'), (1, N'b') END TRY BEGIN CATCH END CATCH; INSERT dbo.t VALUES (2, N'c')", [(2, 2)]),
    "nothing assigned anew": ("INSERT dbo.t VALUES (1, N'a'); UPDATE dbo.t SET name = name, id = id", [(2, 1)]),
    "several rows": ("INSERT dbo.t VALUES (1, N'a'), (2, N'b'); UPDATE dbo.t SET name = N'x'; DELETE dbo.t",
                     [(2, 1), (2, 2), (3, 1), (4, 1), (3, 2), (4, 2), (1, 1), (1, 2)]),
    "net of nothing": ("BEGIN TRAN; INSERT dbo.t VALUES (1, N'a'); DELETE dbo.t; COMMIT", [(2, 1), (1, 1)]),
}


def test_change_rows(sim):
    for what, (sql, want) in CHANGES.items():
        with Db(sim) as db:
            db.table()
            db.run(sql)
            eq(db.ops(), want, what)


def test_update_masks(sim):
    with Db(sim) as db:
        db.run("CREATE TABLE dbo.t (c1 int PRIMARY KEY, " + ", ".join(f"c{i} int" for i in range(2, 10)) + ")")
        db.enable("t")
        db.run("INSERT dbo.t (c1) VALUES (1); UPDATE dbo.t SET c9 = 1; UPDATE dbo.t SET c2 = 1, c8 = 2; UPDATE dbo.t SET c1 = 5; DELETE dbo.t")
        eq([(op, bytes(m)) for op, m in db.changes("[__$operation], [__$update_mask]")],
           [(2, b"\x01\xff"), (3, b"\x01\x00"), (4, b"\x01\x00"), (3, b"\x00\x82"), (4, b"\x00\x82"), (1, b"\x01\xff"), (2, b"\x01\xff"), (1, b"\x01\xff")])
        eq(db.run("SELECT sys.fn_cdc_is_bit_set(9, 0x0100), sys.fn_cdc_is_bit_set(1, 0x0100), sys.fn_cdc_is_bit_set(2, 0x0082), "
                  "sys.fn_cdc_has_column_changed('dbo_t', 'c9', 0x0100), sys.fn_cdc_has_column_changed('dbo_t', 'c8', 0x0100), "
                  "sys.fn_cdc_get_column_ordinal('dbo_t', 'c9'), sys.fn_cdc_get_column_ordinal('dbo_t', 'nosuch')"), [(1, 0, 1, 1, 0, 9, None)])
        db.run("ALTER TABLE dbo.t DROP COLUMN c5; INSERT dbo.t (c1, c6) VALUES (7, 6)")
        last = db.changes("[__$update_mask], c5, c6")[-1]
        eq((len(last[0]), last[1], last[2]), (2, None, 6), "the mask keeps its width without the column")


def test_a_key_of_one_column_masked(sim):
    with Db(sim) as db:
        db.table()
        db.run("CREATE TABLE dbo.n (a int, b int)")
        db.enable("n")
        db.run("INSERT dbo.n VALUES (1, 1); UPDATE dbo.n SET a = 2")
        eq([(op, bytes(m), a) for op, m, a in db.changes("[__$operation], [__$update_mask], a", "dbo_n")],
           [(2, b"\x03", 1), (3, b"\x01", 1), (4, b"\x01", 2)], "without a key there are no deferred updates")


def test_large_values(sim):
    big = "N'" + "x" * 9000 + "'"
    with Db(sim) as db:
        db.run("CREATE TABLE dbo.t (id int PRIMARY KEY, n int, m nvarchar(max), b varbinary(max), x xml, t text, i image)")
        db.enable("t")
        db.run(f"INSERT dbo.t VALUES (1, 0, {big}, 0x01, N'<a/>', 'old', 0x02); UPDATE dbo.t SET n = 1; UPDATE dbo.t SET m = N'new', t = 'new'; DELETE dbo.t")
        long = "x" * 9000
        eq(db.changes("[__$operation], m, b, x, t, i"),
           [(2, long, b"\x01", "<a/>", "old", b"\x02"),
            (3, None, None, None, None, None), (4, long, b"\x01", "<a/>", "old", b"\x02"),
            (3, long, None, None, None, None), (4, "new", b"\x01", "<a/>", "new", b"\x02"),
            (1, "new", b"\x01", "<a/>", None, None)])


def test_special_columns(sim):
    with Db(sim) as db:
        db.run("CREATE TABLE dbo.t (id bigint IDENTITY(5, 5) PRIMARY KEY, v rowversion, c AS id * 2, d decimal(10, 2) NOT NULL)")
        db.enable("t")
        db.run("INSERT dbo.t (d) VALUES (1.5)")
        row = db.changes("id, v, c, d")[0]
        eq((row[0], len(row[1]), row[2], str(row[3])), (5, 8, None, "1.50"))
        eq(db.run("SELECT c.name, t.name, c.is_nullable, c.is_identity FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = "
                  "OBJECT_ID('cdc.dbo_t_CT') AND c.column_id BETWEEN 6 AND 9 ORDER BY c.column_id"),
           [("id", "bigint", True, False), ("v", "binary", True, False), ("c", "bigint", True, False), ("d", "decimal", True, False)])


def test_two_tables_in_one_transaction(sim):
    with Db(sim) as db:
        db.table("a")
        db.table("b")
        db.scan()
        db.arm(kind="capture_delay", arg="pause")
        try:
            first = db.max_lsn()
            db.run("BEGIN TRAN; INSERT dbo.a VALUES (1, N'x'); INSERT dbo.b VALUES (2, N'x'); INSERT dbo.a VALUES (3, N'x'); UPDATE dbo.b SET name = N'y'; COMMIT; "
                   "INSERT dbo.b VALUES (4, N'x')")
            eq(db.run("SELECT id FROM cdc.dbo_a_CT UNION ALL SELECT id FROM cdc.dbo_b_CT"), [], "the capture is paused")
            eq(db.max_lsn(), first)
        finally:
            db.clear()
        db.wait("SELECT COUNT(*) FROM cdc.dbo_b_CT", 4, "the capture to go on")
        both = " UNION ALL ".join(f"SELECT [__$start_lsn], [__$seqval], [__$operation], id FROM cdc.dbo_{t}_CT" for t in "ab")
        rows = sorted(db.run(both))
        eq([r[2:] for r in rows], [(2, 1), (2, 2), (2, 3), (3, 2), (4, 2), (2, 4)])
        eq(len({r[0] for r in rows}), 2)
        eq(db.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00"), 2, "one mapping row for each transaction")
        assert first is None or first < rows[0][0]


# --- functions

def test_ranges_of_the_change_functions(sim):
    with Db(sim) as db:
        eq(db.value("SELECT sys.fn_cdc_get_max_lsn()"), None, "before the first scan")
        db.table()
        db.run("INSERT dbo.t VALUES (1, N'a')")
        db.scan()
        low, high = db.min_lsn(), db.max_lsn()
        less, more = (db.value(f"SELECT sys.fn_cdc_{way}_lsn({literal(x)})") for way, x in (("decrement", low), ("increment", high)))
        for function in ("all", "net"):
            for arguments in ((high, low, "all"), (less, high, "all"), (low, more, "all"), (None, high, "all"), (low, None, "all"), (low, high, "al"),
                              (low, high, None), (low, high, "all with merge" if function == "all" else "all update old")):
                lsns = ", ".join("NULL" if a is None else literal(a) for a in arguments[:2])
                option = "NULL" if arguments[2] is None else f"N'{arguments[2]}'"
                eq(db.error(f"SELECT * FROM cdc.fn_cdc_get_{function}_changes_dbo_t({lsns}, {option})"), (313, 16, 3, RANGE.format(function)), str(arguments))
            eq(len(db.run(f"SELECT * FROM cdc.fn_cdc_get_{function}_changes_dbo_t({literal(low)}, {literal(high)}, N' ALL ')")), 1)
            number, _, _, text = db.error(f"SELECT * FROM cdc.fn_cdc_get_{function}_changes_dbo_t({literal(low)}, {literal(high)})")
            eq((number, text), (313, f"An insufficient number of arguments were supplied for the procedure or function cdc.fn_cdc_get_{function}_changes_dbo_t."))


def test_a_dropped_instance_is_an_invalid_object(sim):
    with Db(sim) as db:
        db.table()
        db.table("other")
        db.run("EXEC sys.sp_cdc_disable_table N'dbo', N't', N'dbo_t'")
        number, severity, _, text = db.error(f"SELECT * FROM [{db.name}].cdc.[fn_cdc_get_all_changes_dbo_t](0x01, 0x02, N'all update old')")
        eq((number, severity), (208, 16))
        assert re.fullmatch(r"Invalid object name '(.*)\.cdc.fn_cdc_get_all_changes_(.*)'\.", text), text
        eq(text, f"Invalid object name '{db.name}.cdc.fn_cdc_get_all_changes_dbo_t'.")
        eq(db.min_lsn(), bytes(10))
        db.enable("other", capture_instance="N'plain'", supports_net_changes="0")
        eq(db.error("SELECT * FROM cdc.fn_cdc_get_net_changes_plain(0x01, 0x02, N'all')")[0], 208)


def test_lsn_arithmetic(sim):
    with Db(sim) as db:
        for sql, want in (("increment_lsn(0x0000002D00000580FFFF)", "0000002d000005810000"), ("decrement_lsn(0x0000002D000005810000)", "0000002d00000580ffff"),
                          ("increment_lsn(0x00000000000000000000)", "00000000000000000001"), ("increment_lsn(0x00000027FFFFFFFFFFFF)", "00000028000000000000"),
                          ("get_min_lsn('nosuch')", "00" * 10)):
            eq(bytes(db.value(f"SELECT sys.fn_cdc_{sql}")).hex(), want, sql)
            eq(bytes(db.value(f"SELECT [{db.name}].sys.fn_cdc_{sql}")).hex(), want, sql)
        eq(db.value("SELECT sys.fn_cdc_increment_lsn(NULL)"), None)


def test_lsn_and_time(sim):
    with Db(sim) as db:
        db.table()
        for i in range(3):
            db.run(f"INSERT dbo.t VALUES ({i}, N'x'); WAITFOR DELAY '00:00:00.020'")
        db.scan()
        times = db.run("SELECT start_lsn, tran_end_time, tran_begin_time FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn")
        eq(len(times), 3)
        lsns = [bytes(t[0]) for t in times]
        assert times[0][1] < times[1][1] < times[2][1] and all(t[2] <= t[1] for t in times), times
        at = "(SELECT tran_end_time FROM cdc.lsn_time_mapping WHERE start_lsn = " + literal(lsns[1]) + ")"
        for op, want in (("largest less than", lsns[0]), ("largest less than or equal", lsns[1]), ("smallest greater than", lsns[2]),
                         ("smallest greater than or equal", lsns[1])):
            eq(bytes(db.value(f"SELECT sys.fn_cdc_map_time_to_lsn('{op}', {at})")), want, op)
        eq(db.value("SELECT sys.fn_cdc_map_time_to_lsn('smallest greater than', '2999-01-01')"), None)
        eq(db.value(f"SELECT sys.fn_cdc_map_lsn_to_time({literal(lsns[1])})"), times[1][1])
        eq(db.value("SELECT sys.fn_cdc_map_lsn_to_time(0x01)"), None)


NET = {  # statements -> operation and mask (with mask) of key 1 by option; None = no row
    "inserted": ("INSERT dbo.t VALUES (1, N'a', N'a')", {"all": (2, None), "all with mask": (2, None), "all with merge": (5, None)}),
    "inserted and updated": ("INSERT dbo.t VALUES (1, N'a', N'a'); UPDATE dbo.t SET a = N'b'",
                             {"all": (2, None), "all with mask": (2, None), "all with merge": (5, None)}),
    "inserted and deleted": ("INSERT dbo.t VALUES (1, N'a', N'a'); DELETE dbo.t", {"all": None, "all with mask": None, "all with merge": None}),
    "updated twice": ("UPDATE dbo.t SET a = N'b'; UPDATE dbo.t SET b = N'c'", {"all": (4, None), "all with mask": (4, b"\x06"), "all with merge": (5, None)}),
    "updated and deleted": ("UPDATE dbo.t SET a = N'b'; DELETE dbo.t", {"all": (1, None), "all with mask": (1, None), "all with merge": (1, None)}),
    "deleted": ("DELETE dbo.t", {"all": (1, None), "all with mask": (1, None), "all with merge": (1, None)}),
    "deleted and inserted": ("DELETE dbo.t; INSERT dbo.t VALUES (1, N'z', N'a')", {"all": (4, None), "all with mask": (4, b"\x07"), "all with merge": (5, None)}),
}


def test_net_changes(sim):
    for what, (sql, want) in NET.items():
        with Db(sim) as db:
            db.run("CREATE TABLE dbo.t (id int PRIMARY KEY, a nvarchar(10), b nvarchar(10))")
            db.enable("t")
            if not sql.startswith("INSERT"):
                db.run("INSERT dbo.t VALUES (1, N'a', N'a')")
            db.scan()
            low = db.value(f"SELECT sys.fn_cdc_increment_lsn({literal(db.max_lsn())})")
            db.run(sql)
            db.scan()
            for option, expected in want.items():
                rows = db.run(f"SELECT [__$operation], [__$update_mask], [__$start_lsn], id FROM cdc.fn_cdc_get_net_changes_dbo_t({literal(low)}, "
                              f"{literal(db.max_lsn())}, N'{option}')")
                eq([r[:2] for r in rows], [] if expected is None else [expected], f"{what}, {option}")
                if rows:
                    eq((rows[0][2], rows[0][3]), (db.max_lsn(), 1), "the position of the final change")


# --- DDL and the second instance

def test_ddl_and_the_second_instance(sim):
    with Db(sim) as db:
        db.table()
        db.run("INSERT dbo.t VALUES (1, N'a')")
        db.run("ALTER TABLE dbo.t ADD extra int NULL")
        db.run("INSERT dbo.t VALUES (2, N'b', 7)")
        db.enable("t", capture_instance="N'dbo_t_v2'")
        db.run("INSERT dbo.t VALUES (3, N'c', 8)")
        eq(db.changes("id, name"), [(1, "a"), (2, "b"), (3, "c")])
        eq(db.changes("id, name, extra", "dbo_t_v2"), [(3, "c", 8)])
        eq(db.error("SELECT extra FROM cdc.dbo_t_CT")[0], 207)
        history = db.run("SELECT OBJECT_NAME(object_id), required_column_update, ddl_command, DATALENGTH(ddl_lsn) FROM cdc.ddl_history")
        eq(history, [("dbo_t_CT", False, "ALTER TABLE dbo.t ADD extra int NULL", 10)], "the second instance began later")
        new = db.min_lsn("dbo_t_v2")
        eq(db.run(f"SELECT id FROM cdc.dbo_t_CT WHERE [__$start_lsn] >= {literal(new)}"), [(3,)], "the reader switches at the start of the new one")
        eq(db.run("EXEC sys.sp_cdc_get_ddl_history N'dbo_t'")[0][:5], ("dbo", "t", "dbo_t", False, "ALTER TABLE dbo.t ADD extra int NULL"))
        eq([r[3:6] for r in db.run("EXEC sys.sp_cdc_get_captured_columns N'dbo_t_v2'")], [("id", 1, 1), ("name", 2, 2), ("extra", 3, 3)])


def types_of(db, instance):
    return db.run("SELECT t.name, c.max_length, c.precision, c.scale FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id WHERE c.object_id = "
                  f"OBJECT_ID('cdc.{instance}_CT') AND c.name = 'v'")[0]


def test_alter_column_reaches_the_change_tables_with_the_next_scan(sim):
    with Db(sim) as db:
        db.table("t", "CREATE TABLE dbo.{0} (id int PRIMARY KEY, v int)")
        db.enable("t", capture_instance="N'second'")
        db.run("INSERT dbo.t VALUES (1, 11)")
        db.scan()
        db.arm(kind="capture_delay", arg="pause")
        try:
            db.run("INSERT dbo.t VALUES (2, 22); ALTER TABLE dbo.t ALTER COLUMN v bigint; INSERT dbo.t VALUES (3, 5000000000)")
            for instance in ("dbo_t", "second"):
                eq(types_of(db, instance)[0], "int", "before the scan")
            eq(db.value("SELECT COUNT(*) FROM cdc.ddl_history"), 0)
            eq(db.value("SELECT DISTINCT column_type FROM cdc.captured_columns WHERE column_name = 'v'"), "int")
        finally:
            db.clear()
        for instance in ("dbo_t", "second"):
            eq(db.changes("id, v", instance), [(1, 11), (2, 22), (3, 5000000000)])
            eq(types_of(db, instance), ("bigint", 8, 19, 0))
        eq(db.value("SELECT DISTINCT column_type FROM cdc.captured_columns WHERE column_name = 'v'"), "bigint")
        eq(db.run("SELECT required_column_update, ddl_command FROM cdc.ddl_history"), [(True, "ALTER TABLE dbo.t ALTER COLUMN v bigint")] * 2)
        db.run("ALTER TABLE dbo.t ALTER COLUMN v nvarchar(30); UPDATE dbo.t SET v = N'text' WHERE id = 1")
        eq([r[1] for r in db.changes("[__$operation], v")], ["11", "22", "5000000000", "11", "text"])


def test_alter_column_waits_for_an_open_transaction(sim):
    """The scan that follows an ALTER COLUMN needs the tables' definitions; what was committed before it is not held up."""
    with Db(sim) as db, Db(sim, enabled=False, name=db.name) as other:
        db.table("t", "CREATE TABLE dbo.{0} (id int PRIMARY KEY, v int)")
        db.arm(kind="capture_delay", arg="pause")
        db.run("INSERT dbo.t VALUES (1, 1)")
        db.run("ALTER TABLE dbo.t ALTER COLUMN v bigint")
        other.run("CREATE TABLE dbo.u (id int); BEGIN TRAN; INSERT dbo.u VALUES (1)")
        db.clear()
        db.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 1, "the row before the ALTER")
        eq(types_of(db, "dbo_t")[0], "int")
        other.run("COMMIT")
        db.wait("SELECT COUNT(*) FROM cdc.ddl_history", 1, "the ALTER")
        eq(types_of(db, "dbo_t")[0], "bigint")


def test_renamed_and_dropped_tables(sim):
    with Db(sim) as db:
        db.table()
        db.run("EXEC sp_rename N'dbo.t', N'renamed'")
        db.run("INSERT dbo.renamed VALUES (1, N'a')")
        eq(db.ops(), [(2, 1)], "the instance follows the table and keeps its name")
        eq(db.run("EXEC sys.sp_cdc_help_change_data_capture")[0][:3], ("dbo", "renamed", "dbo_t"))
        db.run("DROP TABLE dbo.renamed")
        eq(db.run("SELECT COUNT(*) FROM cdc.change_tables"), [(0,)])
        eq(db.value("SELECT OBJECT_ID('cdc.dbo_t_CT')"), None)


def test_truncate_is_refused_and_delete_is_captured(sim):
    with Db(sim) as db:
        db.table()
        db.run("INSERT dbo.t VALUES (1, N'a')")
        db.run("BEGIN TRY TRUNCATE TABLE dbo.t END TRY BEGIN CATCH DELETE FROM dbo.t END CATCH")
        eq(db.ops(), [(2, 1), (1, 1)])


# --- cleanup

def filled(db, instances=("dbo_t",), rows=4):
    db.table()
    for i in instances[1:]:
        db.enable("t", capture_instance=f"N'{i}'")
    for i in range(rows):
        db.run(f"INSERT dbo.t VALUES ({i}, N'x'); WAITFOR DELAY '00:00:00.010'")
    db.scan()
    return [bytes(r[0]) for r in db.run("SELECT start_lsn FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn")]


def test_cleanup_by_hand(sim):
    with Db(sim) as db:
        lsns = filled(db, ("dbo_t", "second"))
        db.table("young")
        young = db.min_lsn("dbo_young")
        mark = literal(lsns[2])
        got = db.sets(f"DECLARE @failed bit; EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', {mark}, 1, @failed OUTPUT; SELECT @failed")
        eq(got[-1], [(False,)])
        for instance in ("dbo_t", "second"):
            eq(bytes(db.min_lsn(instance)), lsns[2])
            eq(db.run(f"SELECT id FROM cdc.{instance}_CT ORDER BY id"), [(2,), (3,)])
        eq(db.min_lsn("dbo_young"), young, "a younger instance keeps its start")
        eq(db.value(f"SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE start_lsn < {mark}"), 0)
        eq(db.error(f"SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t({literal(lsns[1])}, {literal(lsns[3])}, N'all')")[::3], (313, RANGE.format("all")))
        eq(len(db.run(f"SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t({mark}, {literal(lsns[3])}, N'all')")), 2)


def test_cleanup_without_a_mark_and_refusals(sim):
    with Db(sim) as db:
        lsns = filled(db)
        start = db.min_lsn()
        db.run("EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', NULL")
        eq((db.min_lsn(), db.value("SELECT COUNT(*) FROM cdc.dbo_t_CT")), (start, 4), "nothing is below the present low end")
        eq(db.error("EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', 0x00000001000000020003")[::3],
           (22964, "LSN 0x00000001000000020003, specified as the new low end point for change table cleanup must represent the start_lsn value of a current "
                   "entry in the cdc.lsn_time_mapping table. Choose an LSN value that satisfies this requirement."))
        eq(db.error(f"EXEC sys.sp_cdc_cleanup_change_table N'nosuch', {literal(lsns[1])}")[::3],
           (22920, f"The named capture instance nosuch does not exist for database {db.name}."))
        eq(db.error("EXEC sys.sp_cdc_cleanup_change_table N'dbo_t'")[0], 201)
        eq(db.error(f"EXEC sys.sp_cdc_cleanup_change_table NULL, {literal(lsns[1])}")[0], 22963)
        db.run(f"EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', {literal(lsns[3])}")
        db.run(f"EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', {literal(lsns[3])}")
        eq(db.run("SELECT id FROM cdc.dbo_t_CT"), [(3,)])
        eq(bytes(db.max_lsn()), lsns[3], "the newest position stays")


def test_a_commit_time_is_cleaned_as_a_whole(sim):
    with Db(sim) as db:
        db.table()
        db.run("WAITFOR DELAY '00:00:00.020'")
        db.arm(kind="clock", arg="freeze")
        try:
            for i in range(3):
                db.run(f"INSERT dbo.t VALUES ({i}, N'x')")
        finally:
            db.clear()
        db.scan()
        lsns = [bytes(r[0]) for r in db.run("SELECT start_lsn FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn")]
        db.run(f"EXEC sys.sp_cdc_cleanup_change_table N'dbo_t', {literal(lsns[2])}")
        eq(bytes(db.min_lsn()), lsns[0], "the first of the transactions with the same time is the new low end")
        eq(db.value("SELECT COUNT(*) FROM cdc.dbo_t_CT"), 3)


def test_retention_cleans_by_itself(sim):
    with Db(sim) as db:
        lsns = filled(db)
        db.run("EXEC sys.sp_cdc_change_job N'cleanup', @retention = 60")
        db.arm(kind="clock", arg=f"jump_ms:{50 * 60000}")
        try:
            db.run("INSERT dbo.t VALUES (100, N'younger')")
            db.scan()
            young = db.max_lsn()
            eq(bytes(db.value("SELECT MIN([__$start_lsn]) FROM cdc.dbo_t_CT")), lsns[0], "50 minutes are not 60")
            db.arm(kind="clock", arg=f"jump_ms:{20 * 60000}")
            db.wait("SELECT sys.fn_cdc_get_min_lsn('dbo_t')", lsns[3], "the low end to move")
            db.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 2, "old rows to go")
            eq(db.max_lsn(), young)
            eq(db.error(f"SELECT * FROM cdc.fn_cdc_get_all_changes_dbo_t({literal(lsns[0])}, {literal(young)}, N'all')")[0], 313)
        finally:
            db.clear()


# --- jobs

JOBS = {
    "unknown type": ("EXEC sys.sp_cdc_change_job @job_type = N'backup', @maxtrans = 1", 22992),
    "retention of the capture": ("EXEC sys.sp_cdc_change_job N'capture', @retention = 5", 22995),
    "maxtrans of the cleanup": ("EXEC sys.sp_cdc_change_job N'cleanup', @maxtrans = 5", 22996),
    "maxtrans of nothing": ("EXEC sys.sp_cdc_change_job N'capture', @maxtrans = 0", 22991),
    "maxscans of nothing": ("EXEC sys.sp_cdc_change_job N'capture', @maxscans = 0", 22970),
    "a day between scans": ("EXEC sys.sp_cdc_change_job N'capture', @pollinginterval = 86400", 22990),
    "no retention": ("EXEC sys.sp_cdc_change_job N'cleanup', @retention = 0", 22994),
    "too much retention": ("EXEC sys.sp_cdc_change_job N'cleanup', @retention = 52594801", 22994),
    "a second job": ("EXEC sys.sp_cdc_add_job N'capture'", 14261),
    "start a running job": ("EXEC sys.sp_cdc_start_job N'capture'", 22022),
    "stop an idle job": ("EXEC sys.sp_cdc_stop_job N'cleanup'", 22022),
    "drop without type": ("EXEC sys.sp_cdc_drop_job", 201),
}


def test_jobs_are_checked(sim):
    with Db(sim) as db:
        db.table()
        eq([r[1:] for r in db.run("EXEC sys.sp_cdc_help_jobs")], [("capture", 500, 10, True, 5, 0, 0), ("cleanup", 0, 0, False, 0, 4320, 5000)])
        for what, (sql, number) in JOBS.items():
            eq(db.error(sql)[0], number, what)
        db.run("EXEC sys.sp_cdc_change_job @job_type = N'capture', @pollinginterval = 1, @maxtrans = 7, @maxscans = 3, @continuous = 0")
        db.run("EXEC sys.sp_cdc_change_job @job_type = N'cleanup', @retention = 99, @threshold = 10")
        eq([r[1:] for r in db.run("EXEC sys.sp_cdc_help_jobs")], [("capture", 7, 3, False, 1, 0, 0), ("cleanup", 0, 0, False, 0, 99, 10)])
        eq(len(db.run("EXEC sys.sp_cdc_help_jobs")[0][0].bytes), 16)


def test_the_capture_job_stops_starts_and_goes(sim):
    with Db(sim) as db, Db(sim) as other:
        db.table()
        other.table()
        db.scan()
        db.run("EXEC sys.sp_cdc_stop_job N'capture'")
        eq(db.said, [f"Job 'cdc.{db.name}_capture' stopped successfully."])
        before = db.max_lsn()
        db.run("INSERT dbo.t VALUES (1, N'a')")
        other.run("INSERT dbo.t VALUES (1, N'a')")
        other.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 1, "the other database's capture")
        eq((db.max_lsn(), db.value("SELECT COUNT(*) FROM cdc.dbo_t_CT")), (before, 0))
        eq(db.error("EXEC sys.sp_cdc_stop_job N'capture'")[0], 22022)
        db.run("EXEC sys.sp_cdc_start_job")
        db.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 1, "the capture to go on")
        db.run("EXEC sys.sp_cdc_drop_job N'capture'")
        eq([r[1] for r in db.run("EXEC sys.sp_cdc_help_jobs")], ["cleanup"])
        eq(db.error("EXEC sys.sp_cdc_change_job N'capture', @maxtrans = 1")[0], 22997)
        eq(db.error("EXEC sys.sp_cdc_start_job N'capture'")[0], 22997)
        db.run("INSERT dbo.t VALUES (2, N'a')")
        other.run("INSERT dbo.t VALUES (2, N'a')")
        other.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 2, "the other database's capture")
        eq(db.value("SELECT COUNT(*) FROM cdc.dbo_t_CT"), 1)
        db.run("EXEC sys.sp_cdc_add_job N'capture', @maxtrans = 20")
        db.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 2, "the new job")
        eq(db.run("EXEC sys.sp_cdc_help_jobs")[0][1:], ("capture", 20, 10, True, 5, 0, 0))


def test_the_cleanup_job_on_demand(sim):
    with Db(sim) as db:
        lsns = filled(db)
        db.run("EXEC sys.sp_cdc_stop_job N'capture'; EXEC sys.sp_cdc_change_job N'cleanup', @retention = 1")
        db.arm(kind="clock", arg="jump_ms:61000")
        try:
            db.run("EXEC sys.sp_cdc_start_job N'cleanup'")
            eq(db.said, [f"Job 'cdc.{db.name}_cleanup' started successfully."])
            db.wait("SELECT sys.fn_cdc_get_min_lsn('dbo_t')", lsns[3], "old positions to go")
            eq(db.run("SELECT id FROM cdc.dbo_t_CT"), [(3,)])
            db.run("EXEC sys.sp_cdc_drop_job N'cleanup'")
            eq(db.error("EXEC sys.sp_cdc_start_job N'cleanup'")[0], 22997)
        finally:
            db.clear()


def test_the_agent_is_away(sim):
    with Db(sim) as db:
        db.arm(kind="agent_stopped")
        try:
            db.table()
            eq(db.said, ["SQLServerAgent is not currently running so it cannot be notified of this action."])
            eq(db.value("SELECT CASE WHEN dss.[status]=4 THEN 1 ELSE 0 END AS isRunning FROM sys.dm_server_services dss WHERE dss.[servicename] LIKE "
                        "N'SQL Server Agent (%'"), 0)
            db.run("INSERT dbo.t VALUES (1, N'a')")
            eq(db.error("EXEC sys.sp_cdc_start_job N'capture'")[::3],
               (22022, "SQLServerAgent is not currently running so it cannot be notified of this action."))
            eq((db.max_lsn(), db.value("SELECT COUNT(*) FROM cdc.dbo_t_CT")), (None, 0))
        finally:
            db.clear()
        db.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 1, "the capture after the agent's return")


def test_scan_sessions(sim):
    with Db(sim) as db, Db(sim) as quiet:
        db.table()
        quiet.table()
        db.run("EXEC sys.sp_cdc_stop_job N'capture'; INSERT dbo.t VALUES (1, N'a')")
        db.scan()
        rows = db.run("SELECT start_lsn, end_lsn, tran_count, command_count, empty_scan_count FROM sys.dm_cdc_log_scan_sessions ORDER BY session_id")
        lsn = bytes(db.max_lsn()).hex()
        text = f"{lsn[:8]}:{lsn[8:16]}:{lsn[16:]}"
        assert any(r[1] == text and r[3] >= 1 for r in rows), (rows, text)
        eq(rows[-1][0].encode(), b"00000000:00000000:0000\x00", "nothing was left to capture")
        assert rows[-1][4] >= 1 and rows[-1][2] == 0
        assert all(r[1] != text for r in quiet.run("SELECT start_lsn, end_lsn FROM sys.dm_cdc_log_scan_sessions")), "sessions belong to a database"
        eq(db.run("SELECT * FROM sys.dm_cdc_errors"), [])


# --- time

def test_times_are_local_and_shifted_with_the_present_offset(sim):
    """An event from before a change of the clock is reported with the offset of now, as SQL Server does."""
    stamp = ("SELECT CONVERT(varchar(40), TODATETIMEOFFSET(sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())), 126) "
             "FROM cdc.dbo_t_CT")
    with Db(sim) as db:
        db.arm(kind="clock", arg="offset_min:120")
        try:
            db.table()
            db.run("INSERT dbo.t VALUES (1, N'a')")
            db.scan()
            summer = db.value(stamp)
            db.arm(kind="clock", arg="offset_min:60")
            winter = db.value(stamp)
            eq((summer[-6:], winter[-6:]), ("+02:00", "+01:00"))
            eq(summer[:-6], winter[:-6], "the local time stays, so the moment moves by an hour")
        finally:
            db.clear()


def test_idle_databases_get_dummy_positions(_):
    """Every five minutes; the interval is an option of the stand-in."""
    count = "SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id = 0x00"
    with Sim("--idle-mapping-ms", "100") as sim, Db(sim) as db:
        db.table()
        db.run("INSERT dbo.t VALUES (1, N'a')")
        db.scan()
        first, change = db.value(count), db.max_lsn()
        wait_until(lambda: db.value(count) >= first + 3, 20, "dummy rows")
        assert db.max_lsn() > change, "the maximum goes on without changes"
        eq(bytes(db.value("SELECT MAX(start_lsn) FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00")), bytes(change))
        eq(db.value("SELECT COUNT(*) FROM cdc.lsn_time_mapping WHERE tran_id = 0x00 AND (DATALENGTH(tran_id) <> 1 OR tran_begin_lsn <> start_lsn)"), 0)
        idle = db.max_lsn()
        db.run("INSERT dbo.t VALUES (2, N'b')")
        db.scan()
        assert db.value("SELECT MAX([__$start_lsn]) FROM cdc.dbo_t_CT") > idle, "changes come behind what was announced"
        eq(db.ops(), [(2, 1), (2, 2)])
        db.run("EXEC sys.sp_cdc_stop_job N'capture'")
        still = db.value(count)
        db.run("WAITFOR DELAY '00:00:00.300'")
        assert db.value(count) <= still + 1, "no scan, no row"
    with Sim("--idle-mapping-ms", "0") as sim, Db(sim) as db:
        db.table()
        db.scan()
        before = db.value(count)
        db.run("WAITFOR DELAY '00:00:00.300'")
        eq(db.value(count), before)
