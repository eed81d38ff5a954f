"""Names and types of the columns that clients read by position or by type: Debezium, the ODBC and JDBC metadata calls, scripts."""

from sqlprobe import Probe
from test_sql import fresh

N = "nvarchar(128)"
CHANGES = "[__$start_lsn], [__$seqval], [__$operation], [__$update_mask], [id], [name], TODATETIMEOFFSET({time}, DATEPART(TZOFFSET, SYSDATETIMEOFFSET()))"

DEBEZIUM = {
    "SELECT name FROM sys.databases WHERE name = N'SQLSHAPES'": [f"name {N}"],
    "SELECT @@VERSION": [" nvarchar(300)"],
    "EXEC [sqlshapes].sys.sp_cdc_help_change_data_capture": [
        f"source_schema {N}", f"source_table {N}", f"capture_instance {N}", "object_id int", "source_object_id int", "start_lsn binary(10)", "end_lsn binary(10)",
        "supports_net_changes bit", "has_drop_pending bit", f"role_name {N}", f"index_name {N}", f"filegroup_name {N}", "create_date datetime",
        "index_column_list nvarchar(max)", "captured_column_list nvarchar(max)"],
    "SELECT COUNT(*) FROM [sqlshapes].cdc.change_tables": [" int"],
    "SELECT [sqlshapes].sys.fn_cdc_get_max_lsn()": [" binary(10)"],
    "SELECT MAX(start_lsn) FROM [sqlshapes].cdc.lsn_time_mapping WHERE tran_id <> 0x00": [" binary(10)"],
    "SELECT MAX(start_lsn) FROM (SELECT TOP (2) start_lsn FROM [sqlshapes].cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn) as next_lsns": [" binary(10)"],
    "SELECT MAX(start_lsn) FROM (SELECT TOP (2 + 1) start_lsn FROM [sqlshapes].cdc.lsn_time_mapping WHERE start_lsn >= 0x00 AND tran_id <> 0x00 ORDER BY start_lsn) as next_lsns": [" binary(10)"],
    "SELECT [sqlshapes].sys.fn_cdc_get_min_lsn(N'dbo_customers')": [" binary(10)"],
    "SELECT [sqlshapes].sys.fn_cdc_increment_lsn(0x0000002700000AC00002)": [" binary(10)"],
    "SELECT object_id, column_name FROM [sqlshapes].cdc.captured_columns ORDER BY object_id, column_id": ["object_id int", f"column_name {N}"],
    "SELECT tables.object_id, columns.name FROM [sqlshapes].sys.columns columns INNER JOIN [sqlshapes].cdc.change_tables tables ON tables.source_object_id = columns.object_id ORDER BY tables.object_id, columns.column_id": ["object_id int", f"name {N}"],
    "WITH ordered_change_tables AS (SELECT ROW_NUMBER() OVER (PARTITION BY ct.source_object_id, ct.start_lsn ORDER BY ct.create_date DESC) AS ct_sequence, ct.* FROM [sqlshapes].cdc.change_tables AS ct)"
    " SELECT OBJECT_SCHEMA_NAME(source_object_id, DB_ID(N'sqlshapes')), OBJECT_NAME(source_object_id, DB_ID(N'sqlshapes')), capture_instance, object_id, start_lsn FROM ordered_change_tables WHERE ct_sequence = 1":
        [f" {N}", f" {N}", f"capture_instance {N}", "object_id int", "start_lsn binary(10)"],
    "SELECT * FROM [sqlshapes].cdc.change_tables WHERE start_lsn BETWEEN 0x00 AND 0xFFFFFFFFFFFFFFFFFFFF": [
        "object_id int", "version int", "source_object_id int", f"capture_instance {N}", "start_lsn binary(10)", "end_lsn binary(10)", "supports_net_changes bit",
        "has_drop_pending bit", f"role_name {N}", f"index_name {N}", f"filegroup_name {N}", "create_date datetime", "partition_switch bit"],
    f"SELECT {CHANGES.format(time='[sqlshapes].sys.fn_cdc_map_lsn_to_time([__$start_lsn])')} FROM [sqlshapes].cdc.[fn_cdc_get_all_changes_dbo_customers](sys.fn_cdc_get_min_lsn('dbo_customers'), sys.fn_cdc_get_max_lsn(), N'all update old')"
    "  WHERE (([__$start_lsn] = 0x00 AND [__$seqval] = 0x00 AND [__$operation] > 0) OR ([__$start_lsn] = 0x00 AND [__$seqval] > 0x00) OR ([__$start_lsn] > 0x00)) AND [__$start_lsn] <= 0xFF ORDER BY [__$start_lsn] ASC, [__$seqval] ASC, [__$operation] ASC":
        ["__$start_lsn binary(10)", "__$seqval binary(10)", "__$operation int", "__$update_mask varbinary(128)", "id int", "name nvarchar(100)", " datetimeoffset(3)"],
    "SELECT cdc_data.[__$start_lsn], cdc_data.[name], TODATETIMEOFFSET(ltm.tran_begin_time, DATEPART(TZOFFSET, SYSDATETIMEOFFSET())) FROM [sqlshapes].cdc.[dbo_customers_CT] AS cdc_data LEFT JOIN [sqlshapes].cdc.lsn_time_mapping ltm ON ltm.start_lsn = cdc_data.[__$start_lsn]":
        ["__$start_lsn binary(10)", "name nvarchar(100)", " datetimeoffset(3)"],
    "SELECT CASE WHEN dss.[status]=4 THEN 1 ELSE 0 END AS isRunning FROM [sqlshapes].sys.dm_server_services dss WHERE dss.[servicename] LIKE N'SQL Server Agent (%';": ["isRunning int"],
    "EXEC sys.sp_cdc_help_jobs": ["job_id uniqueidentifier", "job_type nvarchar(20)", "maxtrans int", "maxscans int", "continuous bit", "pollinginterval bigint", "retention bigint", "threshold bigint"],
    "SELECT TOP 1 start_lsn from sys.dm_cdc_log_scan_sessions ORDER BY session_id DESC": ["start_lsn nvarchar(23)"],
    "SELECT SYSDATETIMEOFFSET()": [" datetimeoffset(7)"],
    "SELECT PARSE(N'2019-01-01 12:34:56' AS date), PARSE(N'2019-01-01 12:34:56' AS datetime), PARSE(N'2019-01-01 12:34:56' AS datetime2), PARSE(N'2019-01-01 12:34:56 +01:00' AS datetimeoffset), PARSE(N'2019-01-01 12:34:56' AS smalldatetime), PARSE(N'12:34:56' AS time)":
        [" date", " datetime", " datetime2(7)", " datetimeoffset(7)", " smalldatetime", " time(7)"],
    "SELECT * FROM cdc.dbo_customers_CT": ["__$start_lsn binary(10)", "__$end_lsn binary(10)", "__$seqval binary(10)", "__$operation int", "__$update_mask varbinary(128)", "id int", "name nvarchar(100)",
                                          "email nvarchar(100)", "created_at datetime2(7)", "updated_at datetime2(7)", "__$command_id int"],
    "SELECT * FROM cdc.lsn_time_mapping": ["start_lsn binary(10)", "tran_begin_time datetime", "tran_end_time datetime", "tran_id varbinary(10)", "tran_begin_lsn binary(10)"],
}

METADATA = {
    "EXEC sp_tables N'customers', N'dbo', N'sqlshapes', N'''TABLE'''": [f"TABLE_QUALIFIER {N}", f"TABLE_OWNER {N}", f"TABLE_NAME {N}", "TABLE_TYPE varchar(32)", "REMARKS varchar(254)"],
    "EXEC sp_pkeys N'customers', N'dbo', N'sqlshapes'": [f"TABLE_QUALIFIER {N}", f"TABLE_OWNER {N}", f"TABLE_NAME {N}", f"COLUMN_NAME {N}", "KEY_SEQ smallint", f"PK_NAME {N}"],
    "EXEC sp_special_columns N'customers'": ["SCOPE smallint", f"COLUMN_NAME {N}", "DATA_TYPE smallint", f"TYPE_NAME {N}", "PRECISION int", "LENGTH int", "SCALE smallint", "PSEUDO_COLUMN smallint"],
    "EXEC sp_statistics_100 N'customers', N'dbo', N'sqlshapes', N'%', N'Y', N'Q'": [
        f"TABLE_QUALIFIER {N}", f"TABLE_OWNER {N}", f"TABLE_NAME {N}", "NON_UNIQUE smallint", f"INDEX_QUALIFIER {N}", f"INDEX_NAME {N}", "TYPE smallint", "SEQ_IN_INDEX smallint",
        f"COLUMN_NAME {N}", "COLLATION char(1)", "CARDINALITY int", "PAGES int", "FILTER_CONDITION varchar(128)"],
    "EXEC sp_fkeys @pktable_name = N'customers'": [
        *(f"{c} {N}" for c in ("PKTABLE_QUALIFIER", "PKTABLE_OWNER", "PKTABLE_NAME", "PKCOLUMN_NAME", "FKTABLE_QUALIFIER", "FKTABLE_OWNER", "FKTABLE_NAME", "FKCOLUMN_NAME")),
        "KEY_SEQ smallint", "UPDATE_RULE smallint", "DELETE_RULE smallint", f"FK_NAME {N}", f"PK_NAME {N}", "DEFERRABILITY smallint"],
    "sp_datatype_info_100 93,3": [f"TYPE_NAME {N}", "DATA_TYPE smallint", "PRECISION int", "LITERAL_PREFIX varchar(32)", "LITERAL_SUFFIX varchar(32)", "CREATE_PARAMS varchar(32)",
                                  *(f"{c} smallint" for c in ("NULLABLE", "CASE_SENSITIVE", "SEARCHABLE", "UNSIGNED_ATTRIBUTE", "MONEY", "AUTO_INCREMENT")), f"LOCAL_TYPE_NAME {N}",
                                  *(f"{c} smallint" for c in ("MINIMUM_SCALE", "MAXIMUM_SCALE", "SQL_DATA_TYPE", "SQL_DATETIME_SUB")), "NUM_PREC_RADIX int", "INTERVAL_PRECISION smallint", "USERTYPE smallint"],
    "SELECT CAST(SERVERPROPERTY('EngineEdition') as INT)": [" int"],
    "SELECT SERVERPROPERTY('ProductVersion')": [" sql_variant"],
    "SELECT name AS TABLE_CAT FROM sys.databases order by name": [f"TABLE_CAT {N}"],
    "SELECT name, state_desc, recovery_model_desc FROM sys.databases": [f"name {N}", "state_desc nvarchar(60)", "recovery_model_desc nvarchar(60)"],
    "SELECT SUM(p.rows) AS row_count FROM sys.partitions p INNER JOIN sys.tables t ON p.object_id = t.object_id WHERE t.name = 'customers' AND p.index_id IN (0, 1);": ["row_count bigint"],
    "SELECT CHECKSUM_AGG(CAST(CHECKSUM([id], [name]) AS BIGINT)) AS table_checksum FROM [customers];": ["table_checksum int"],
    "DBCC SQLPERF(LOGSPACE)": [f"Database Name {N}", "Log Size (MB) real", "Log Space Used (%) real", "Status int"],
    "SELECT @@SPID, @@TRANCOUNT, @@ROWCOUNT, @@IDENTITY, @@ERROR, @@SERVERNAME, @@LANGUAGE, @@MICROSOFTVERSION, @@OPTIONS, @@LOCK_TIMEOUT, SCOPE_IDENTITY()":
        [" smallint", " int", " int", " numeric(38,0)", " int", f" {N}", f" {N}", " int", " int", " int", " numeric(38,0)"],
    "SELECT * FROM INFORMATION_SCHEMA.TABLES": [f"TABLE_CATALOG {N}", f"TABLE_SCHEMA {N}", f"TABLE_NAME {N}", "TABLE_TYPE varchar(10)"],
    "SELECT * FROM sys.dm_cdc_errors": ["session_id int", "phase_number int", "entry_time datetime", "error_number int", "error_severity int", "error_state int", "error_message nvarchar(1024)",
                                        "start_lsn nvarchar(23)", "begin_lsn nvarchar(23)", "sequence_value nvarchar(23)"],
    "SELECT sys.fn_cdc_is_bit_set(1, 0x01), sys.fn_cdc_has_column_changed('dbo_customers', 'name', 0x02), sys.fn_cdc_get_column_ordinal('dbo_customers', 'email'), sys.fn_cdc_map_time_to_lsn('largest less than or equal', GETDATE())":
        [" bit", " bit", " int", " binary(10)"],
    "SELECT GETDATE(), SYSDATETIME(), SYSUTCDATETIME(), DATEADD(day, 1, CAST('2024-01-01' AS date)), DATEDIFF(day, 0, 1), NEWID(), LEN('a'), DATALENGTH('a'), HASHBYTES('MD5', 'a'), ROW_NUMBER() OVER (ORDER BY id), COUNT_BIG(*) OVER () FROM customers":
        [" datetime", " datetime2(7)", " datetime2(7)", " date", " int", " uniqueidentifier", " int", " int", " varbinary(8000)", " bigint", " bigint"],
    "SELECT * FROM sim.faults": ["id int", "kind nvarchar(24)", "match nvarchar(400)", "session int", "skip int", "count int", "arg nvarchar(128)", "hits bigint"],
}


def start(probe):
    fresh(probe, "sqlshapes")
    probe.ok("CREATE TABLE dbo.customers (id INT PRIMARY KEY IDENTITY(1,1), name NVARCHAR(100) NOT NULL, email NVARCHAR(100), created_at DATETIME2 DEFAULT GETDATE(), updated_at DATETIME2)")
    probe.ok("EXEC sys.sp_cdc_enable_db; EXEC sys.sp_cdc_enable_table N'dbo', N'customers', @role_name = NULL, @supports_net_changes = 1; INSERT customers (name) VALUES (N'a'); EXEC sys.sp_cdc_scan")


def check(sim, cases):
    wrong = []
    with Probe(sim) as p:
        start(p)
        for sql, want in cases.items():
            reply = p.run(sql)
            if reply.errors or not reply.sets or reply.sets[0][0] != want:
                wrong.append(f"{sql[:120]}\n    gave {reply.errors or reply.sets[0][0] if reply.sets or reply.errors else 'nothing'}")
    assert not wrong, "\n".join(wrong)


def test_debezium(sim):
    check(sim, DEBEZIUM)


def test_metadata(sim):
    check(sim, METADATA)


def test_columns_of_sp_columns_100(sim):
    with Probe(sim) as p:
        start(p)
        reply = p.ok("EXEC sp_columns_100 N'customers', N'dbo', N'sqlshapes', N'%', 2, 3")
        assert len(reply.columns) == 29, len(reply.columns)
        assert [r[3:8] for r in reply.rows] == [("id", "4", "int identity", "10", "4"), ("name", "-9", "nvarchar", "100", "200"), ("email", "-9", "nvarchar", "100", "200"),
                                                ("created_at", "93", "datetime2", "27", "16"), ("updated_at", "93", "datetime2", "27", "16")], reply.rows
        assert [r[12] for r in reply.rows] == [None, None, None, "(getdate())", None]
        assert p.ok("sp_datatype_info_100 93,3").rows[0][2] == "27", "pyodbc reads the precision of datetime2 from the first row"
        assert p.ok("EXEC sp_special_columns N'customers'").rows == [("1", "id", "4", "int identity", "10", "4", "0", "1")]
        assert len(p.ok("EXEC sp_columns N'customers'").columns) == 19


def test_showplan_shows_and_does_not_run(sim):
    with Probe(sim) as p:
        start(p)
        p.ok("SET SHOWPLAN_TEXT ON")
        reply = p.ok("DELETE FROM customers")
        assert [s[0] for s in reply.sets] == [["StmtText nvarchar(max)"]] * 2, reply.sets
        assert reply.sets[0][1] == [("DELETE FROM customers",)] and "customers" in reply.sets[1][1][0][0], reply.sets
        p.ok("SET SHOWPLAN_TEXT OFF")
        assert p.ok("SELECT COUNT(*) FROM customers").value == "1"


def test_project_scripts(sim):
    """The statements that set up a source database run twice without a change."""
    script = """
        IF NOT EXISTS (SELECT name FROM sys.databases WHERE name = 'sqlscript') CREATE DATABASE sqlscript
        GO
        USE sqlscript
        GO
        IF NOT EXISTS (SELECT 1 FROM sys.databases WHERE name = 'sqlscript' AND is_cdc_enabled = 1) EXEC sys.sp_cdc_enable_db
        GO
        IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'customers' AND schema_id = SCHEMA_ID('dbo'))
        BEGIN
            CREATE TABLE dbo.customers (id INT PRIMARY KEY IDENTITY(1,1), name NVARCHAR(100) NOT NULL, email NVARCHAR(100), created_at DATETIME2 DEFAULT GETDATE(), updated_at DATETIME2);
        END
        IF NOT EXISTS (SELECT * FROM sys.tables WHERE name = 'orders' AND schema_id = SCHEMA_ID('dbo'))
        BEGIN
            CREATE TABLE dbo.orders (id INT PRIMARY KEY IDENTITY(1,1), customer_id INT NOT NULL, total DECIMAL(10,2), FOREIGN KEY (customer_id) REFERENCES dbo.customers(id));
        END
        GO
        IF NOT EXISTS (SELECT 1 FROM sys.tables t JOIN cdc.change_tables ct ON t.object_id = ct.source_object_id WHERE t.name = 'customers' AND SCHEMA_NAME(t.schema_id) = 'dbo')
            EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL, @supports_net_changes = 1
        GO
        EXEC sp_MSforeachtable 'ALTER TABLE ? NOCHECK CONSTRAINT all'
        GO
        EXEC sp_MSforeachtable 'ALTER TABLE ? WITH CHECK CHECK CONSTRAINT all'"""
    with Probe(sim) as p:
        p.ok("DROP DATABASE IF EXISTS sqlscript")
        seen = []
        for _ in range(2):
            for batch in script.split("GO\n"):
                p.ok(batch)
            seen.append(p.ok("SELECT name, object_id, is_tracked_by_cdc FROM sys.tables WHERE schema_id = SCHEMA_ID('dbo') ORDER BY name").rows)
            p.ok("USE master")
        assert seen[0] == seen[1] and [r[2] for r in seen[0]] == ["1", "0"], seen
