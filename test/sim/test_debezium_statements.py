"""The statements that Debezium's SQL Server connector sends, one by one: how many columns come, their names and exact types."""

import struct

import pymssql

from runner import variants
from sim import PASSWORD
from tds import Raw, errors

DB = "dbz_statements"
CHANGE = "[__$start_lsn], [__$seqval], [__$operation], [__$update_mask], [id], [name]"
META = [("__$start_lsn", "binary(10)"), ("__$seqval", "binary(10)"), ("__$operation", "int"), ("__$update_mask", "varbinary(128)"), ("id", "int"), ("name", "nvarchar(40)")]
FILTER = ("(([__$start_lsn] = @P2 AND [__$seqval] = @P3 AND [__$operation] > @P4 ) OR ([__$start_lsn] = @P2 AND [__$seqval] > @P3 ) OR ([__$start_lsn] > @P2 )) "
          "AND [__$start_lsn] <= @P1")
RANGE = (f"EXEC sp_executesql N'{{}}', N'@P0 varbinary(8000),@P1 varbinary(8000),@P2 varbinary(8000),@P3 varbinary(8000),@P4 int', "
         "@from, @to, @from, 0x00000000000000000000, 0")
BOUNDS = (f"DECLARE @from binary(10), @to binary(10); SELECT @from = [{DB}].sys.fn_cdc_get_min_lsn('dbo_items'), @to = [{DB}].sys.fn_cdc_get_max_lsn(); ")


def execute(sql, *values):
    """A statement with @P0, @P1 … as mssql-jdbc sends it first; bytes, int and text are typed as it types them."""
    types = {bytes: "varbinary(8000)", int: "int", str: "nvarchar(4000)"}
    literal = {bytes: lambda v: "0x" + v.hex(), int: str, str: lambda v: f"N'{v}'"}
    declared = ",".join(f"@P{i} {types[type(v)]}" for i, v in enumerate(values))
    return f"EXEC sp_executesql N'{sql}', N'{declared}', {', '.join(literal[type(v)](v) for v in values)}"


LSN = bytes.fromhex("00000027000000010001")
TX = f"start_lsn FROM [{DB}].cdc.lsn_time_mapping"
STATEMENTS = {
    "real name": (execute("SELECT name FROM sys.databases WHERE name = @P0 ", DB.upper()), [("name", "nvarchar(128)")], 1),
    "version": ("SELECT @@VERSION", [("", "nvarchar(300)")], 1),
    "access": (f"EXEC [{DB}].sys.sp_cdc_help_change_data_capture", None, 1),
    "access, fallback": (f"SELECT COUNT(*) FROM [{DB}].cdc.change_tables", [("", "int")], 1),
    "max LSN": (f"SELECT [{DB}].sys.fn_cdc_get_max_lsn()", [("", "binary(10)")], 1),
    "max tx LSN": (f"SELECT MAX(start_lsn) FROM [{DB}].cdc.lsn_time_mapping WHERE tran_id <> 0x00", [("", "binary(10)")], 1),
    "nth tx, first": (execute(f"SELECT MAX(start_lsn) FROM (SELECT TOP (@P0) {TX} WHERE tran_id <> 0x00 ORDER BY start_lsn) as next_lsns", 5), [("", "binary(10)")], 1),
    "nth tx, next": (execute(f"SELECT MAX(start_lsn) FROM (SELECT TOP (@P0 + 1) {TX} WHERE start_lsn >= @P1 AND tran_id <> 0x00 ORDER BY start_lsn) as next_lsns", 5, LSN),
                     [("", "binary(10)")], 1),
    "min LSN": (execute(f"SELECT [{DB}].sys.fn_cdc_get_min_lsn(@P0)", "dbo_items"), [("", "binary(10)")], 1),
    "increment": (execute(f"SELECT [{DB}].sys.fn_cdc_increment_lsn(@P0)", LSN), [("", "binary(10)")], 1),
    "captured columns": (f"SELECT object_id, column_name FROM [{DB}].cdc.captured_columns ORDER BY object_id, column_id",
                         [("object_id", "int"), ("column_name", "nvarchar(128)")], 2),
    "columns, override": (f"SELECT tables.object_id, columns.name FROM [{DB}].sys.columns columns INNER JOIN [{DB}].cdc.change_tables tables ON "
                          "tables.source_object_id = columns.object_id ORDER BY tables.object_id, columns.column_id", [("object_id", "int"), ("name", "nvarchar(128)")], 2),
    "instances": (execute("WITH ordered_change_tables AS (SELECT ROW_NUMBER() OVER (PARTITION BY ct.source_object_id, ct.start_lsn ORDER BY ct.create_date DESC) AS "
                          f"ct_sequence, ct.* FROM [{DB}].cdc.change_tables AS ct) SELECT OBJECT_SCHEMA_NAME(source_object_id, DB_ID(@P0)), "
                          "OBJECT_NAME(source_object_id, DB_ID(@P1)), capture_instance, object_id, start_lsn FROM ordered_change_tables WHERE ct_sequence = 1", DB, DB),
                  [("", "nvarchar(128)"), ("", "nvarchar(128)"), ("capture_instance", "nvarchar(128)"), ("object_id", "int"), ("start_lsn", "binary(10)")], 1),
    "new instances": (execute(f"SELECT * FROM [{DB}].cdc.change_tables WHERE start_lsn BETWEEN @P0 AND @P1", bytes(10), bytes([255]) * 10), 13, 1),
    "changes by function": (BOUNDS + RANGE.format(
        f"SELECT {CHANGE}, TODATETIMEOFFSET([{DB}].sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM "
        f"[{DB}].cdc.[fn_cdc_get_all_changes_dbo_items](@P0, @P1, N''all update old'')  WHERE {FILTER} ORDER BY [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC"),
        [*META, ("", "datetimeoffset")], 1),
    "changes of 2.4": (BOUNDS + RANGE.format(
        f"SELECT *, TODATETIMEOFFSET([{DB}].sys.fn_cdc_map_lsn_to_time([__$start_lsn]), DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM "
        f"[{DB}].cdc.[fn_cdc_get_all_changes_dbo_items](@P0, @P1, N''all update old'') order by [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC"),
        [*META, ("", "datetimeoffset")], 1),
    "changes by table": (BOUNDS + RANGE.format(
        f"SELECT {CHANGE.replace('[__', 'cdc_data.[__')}, TODATETIMEOFFSET(ltm.tran_begin_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM [{DB}].cdc.[dbo_items_CT] AS cdc_data "
        f"LEFT JOIN [{DB}].cdc.lsn_time_mapping ltm ON ltm.start_lsn = cdc_data.[__$start_lsn] WHERE {FILTER.replace('[__', '[cdc_data].[__')} "
        "ORDER BY cdc_data.[__$start_lsn] ASC, cdc_data.[__$command_id] ASC, cdc_data.[__$seqval] ASC, cdc_data.[__$operation] ASC"), [*META, ("", "datetimeoffset")], 1),
    "agent": (f"SELECT CASE WHEN dss.[status]=4 THEN 1 ELSE 0 END AS isRunning FROM [{DB}].sys.dm_server_services dss WHERE dss.[servicename] LIKE N'SQL Server Agent (%';",
              [("isRunning", "int")], 1),
    "jobs": (f"USE [{DB}]; EXEC sys.sp_cdc_help_jobs", [
        ("job_id", "uniqueidentifier"), ("job_type", "nvarchar(20)"), ("maxtrans", "int"), ("maxscans", "int"), ("continuous", "bit"), ("pollinginterval", "bigint"),
        ("retention", "bigint"), ("threshold", "bigint")], 2),
    "scan session": (f"USE [{DB}]; SELECT TOP 1 start_lsn from sys.dm_cdc_log_scan_sessions ORDER BY session_id DESC", [("start_lsn", "nvarchar(23)")], 1),
    "clock": ("SELECT SYSDATETIMEOFFSET()", [("", "datetimeoffset")], 1),
    "snapshot lock": (f"BEGIN TRAN; SELECT TOP(0) * FROM [{DB}].[dbo].[items] WITH (TABLOCKX); ROLLBACK", [("id", "int"), ("name", "nvarchar(40)")], 0),
    "snapshot read": (f"SELECT [id], [name] FROM [{DB}].[dbo].[items]", [("id", "int"), ("name", "nvarchar(40)")], 2),
    "largest key": (f"SELECT TOP 1 * FROM [{DB}].[dbo].[items] ORDER BY [id] DESC", [("id", "int"), ("name", "nvarchar(40)")], 1),
    "chunk": (execute(f"SELECT TOP 5 * FROM [{DB}].[dbo].[items] WHERE [id] > @P0 AND NOT [id] > @P1 ORDER BY [id] OPTION(RECOMPILE)", 0, 9),
              [("id", "int"), ("name", "nvarchar(40)")], 2),
    "default date": (execute("SELECT PARSE(@P0 AS date)", "2019-01-01"), [("", "date")], 1),
    "default datetime2": (execute("SELECT PARSE(@P0 AS datetime2)", "2019-01-01 12:34:56"), [("", "datetime2")], 1),
}
TYPES = {0x24: "uniqueidentifier", 0x28: "date", 0x38: "int", 0x68: "bit"}
SIZED = {0xA5: "varbinary", 0xAD: "binary"}


def columns(reply):
    """[(name, type)] of the first COLMETADATA; types are spelled out as far as the statements here need them."""
    at = 0
    while reply[at] != 0x81:  # what comes before is INFO, ENVCHANGE or the DONE of an earlier statement
        at += 3 + struct.unpack_from("<H", reply, at + 1)[0] if reply[at] in (0xAA, 0xAB, 0xE3) else {0x79: 5}.get(reply[at], 13)
    count, at, found = struct.unpack_from("<H", reply, at + 1)[0], at + 3, []
    for _ in range(count):
        kind, at = reply[at + 6], at + 7
        if kind in (0x26, 0x68, 0x24, 0x6F):
            name, at = {1: "tinyint", 2: "smallint", 4: "int", 8: "bigint"}[reply[at]] if kind == 0x26 else TYPES.get(kind, "datetime"), at + 1
        elif kind in (0x2A, 0x2B):
            name, at = "datetime2" if kind == 0x2A else "datetimeoffset", at + 1
        elif kind in (0xE7, 0xA7):
            size = struct.unpack_from("<H", reply, at)[0]
            name, at = f"nvarchar({size // 2})" if kind == 0xE7 else f"varchar({size})", at + 7
        elif kind in SIZED:
            name, at = f"{SIZED[kind]}({struct.unpack_from('<H', reply, at)[0]})", at + 2
        else:
            name = TYPES[kind]
        length = reply[at]
        found.append((reply[at + 1:at + 1 + 2 * length].decode("utf-16-le"), name))
        at += 1 + 2 * length
    return found


def ready(sim):
    """The database with one captured table, once."""
    conn = pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, autocommit=True)
    cursor = conn.cursor()
    cursor.execute(f"SELECT DB_ID('{DB}')")
    if cursor.fetchone()[0] is None:
        cursor.execute(f"CREATE DATABASE [{DB}]")
        cursor.execute(f"USE [{DB}]; EXEC sys.sp_cdc_enable_db; CREATE TABLE dbo.items (id INT PRIMARY KEY, name NVARCHAR(40)); INSERT INTO dbo.items VALUES (1, N'before')")
        cursor.execute("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'items', @role_name = NULL")
        cursor.execute("INSERT INTO dbo.items VALUES (2, N'captured')")
        cursor.execute("EXEC sys.sp_cdc_scan")
    conn.close()


@variants(*STATEMENTS)
def test_statement(sim, purpose):
    ready(sim)
    sql, wanted, rows = STATEMENTS[purpose]
    with Raw(sim.port) as c:
        reply = c.batch(sql)
    assert errors(reply) == [], errors(reply)
    found = columns(reply)
    if isinstance(wanted, int):
        assert len(found) == wanted, found
    elif wanted is not None:
        assert found == wanted, found
    with pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, autocommit=True) as conn:
        cursor = conn.cursor()
        cursor.execute(sql)
        assert len(cursor.fetchall()) == rows
