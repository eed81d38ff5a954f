"""Logins, users, roles, permissions, and the role that gates a capture instance."""

from sqlprobe import Probe
from test_sql import fresh

TABLE = "database 'sqlsecurity', schema 'dbo'."
HELP = "EXEC sys.sp_cdc_help_change_data_capture"
CHANGES = "SELECT [__$operation], id FROM cdc.fn_cdc_get_all_changes_dbo_t(0x{min}, sys.fn_cdc_get_max_lsn(), N'all')"


def start(admin, *logins):
    admin.ok("USE master; IF DB_ID('sqlsecurity') IS NOT NULL DROP DATABASE sqlsecurity")
    for login in logins:
        admin.run(f"DROP LOGIN {login}")
        admin.ok(f"CREATE LOGIN {login} WITH PASSWORD = N'Secret!{login}', CHECK_POLICY = OFF")
    fresh(admin, "sqlsecurity")
    admin.ok("CREATE TABLE t (id int PRIMARY KEY, n nvarchar(10)); INSERT t VALUES (1, N'a')")


def enter(sim, login, database="sqlsecurity"):
    return Probe(sim, database=database, user=login, password=f"Secret!{login}")


def denied(what, name="t", rest=TABLE):
    return [(229, 14, 5, f"The {what} permission was denied on the object '{name}', {rest}")]


def test_logins(sim):
    with Probe(sim) as admin:
        start(admin, "ann")
        with enter(sim, "ann", "master") as p:
            assert p.ok("SELECT SUSER_SNAME(), USER_NAME(), IS_SRVROLEMEMBER('sysadmin'), HAS_DBACCESS('sqlsecurity')").rows == [("ann", "guest", "0", "0")]
            want = (916, 14, 1, 'The server principal "ann" is not able to access the database "sqlsecurity" under the current security context.')
            for sql in ("USE sqlsecurity", "SELECT * FROM sqlsecurity.dbo.t", "EXEC sqlsecurity.sys.sp_cdc_help_jobs"):
                assert p.run(sql).errors == [want], sql
            assert p.run("CREATE DATABASE annsown").errors == [(262, 14, 1, "CREATE DATABASE permission denied in database 'master'.")]
            assert p.run("CREATE LOGIN x WITH PASSWORD = 'y'").errors == [(15247, 16, 1, "User does not have permission to perform this action.")]
            admin.ok("ALTER SERVER ROLE sysadmin ADD MEMBER ann")
            assert p.ok("SELECT USER_NAME(), IS_SRVROLEMEMBER('sysadmin')").rows == [("dbo", "1")]
            assert p.ok("SELECT COUNT(*) FROM sqlsecurity.dbo.t").value == "1"
            admin.ok("ALTER SERVER ROLE sysadmin DROP MEMBER ann")
        for user, password, database in (("ann", "wrong", "master"), ("nobody", "x", "master"), ("ann", "Secret!ann", "sqlsecurity")):
            try:
                Probe(sim, database=database, user=user, password=password)
            except Exception as e:  # noqa: BLE001 - the driver has a class for each kind
                assert "Login failed" in str(e), e
            else:
                raise AssertionError(f"{user} got in")
        admin.ok("ALTER LOGIN ann WITH PASSWORD = 'Secret!new'")
        Probe(sim, user="ann", password="Secret!new").conn.close()
        wrong = {
            "CREATE LOGIN ann WITH PASSWORD = 'x'": (15025, 16, 1, "The server principal 'ann' already exists."),
            "DROP LOGIN nobody": (15151, 16, 1, "Cannot find the login 'nobody', because it does not exist or you do not have permission."),
            "CREATE USER u FOR LOGIN nobody": (15007, 16, 1, "'nobody' is not a valid login or you do not have permission."),
            "DROP USER nobody": (15151, 16, 1, "Cannot find the user 'nobody', because it does not exist or you do not have permission."),
            "CREATE ROLE db_owner": (15023, 16, 1, "User, group, or role 'db_owner' already exists in the current database."),
            "ALTER ROLE db_owner ADD MEMBER nobody": (15151, 16, 1, "Cannot add the principal 'nobody', because it does not exist or you do not have permission."),
            "GRANT SELECT ON nosuch TO public": (15151, 16, 1, "Cannot find the object 'nosuch', because it does not exist or you do not have permission."),
            "GRANT SELECT ON t TO nobody": (15151, 16, 1, "Cannot find the user 'nobody', because it does not exist or you do not have permission."),
            "GRANT FROB ON t TO public": (102, 15, 1, "Incorrect syntax near 'FROB'."),
            "CREATE LOGIN x": (102, 15, 1, "Incorrect syntax near 'x'."),
        }
        assert not [f"{sql}: {got}" for sql, want in wrong.items() if (got := admin.run(sql).errors) != [want]]


def test_permissions(sim):
    with Probe(sim) as admin:
        start(admin, "bob")
        admin.ok("CREATE USER bob FOR LOGIN bob; CREATE ROLE writers; ALTER ROLE writers ADD MEMBER bob")
        with enter(sim, "bob") as p:
            assert p.ok("SELECT USER_NAME(), IS_MEMBER('writers'), IS_ROLEMEMBER('db_owner'), IS_MEMBER('nosuch'), HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT')").rows == [("bob", "1", "0", None, "0")]
            assert p.run("SELECT * FROM t").errors == denied("SELECT")
            assert p.run("SELECT 1 WHERE EXISTS (SELECT 1 FROM sqlsecurity.dbo.t)").errors == denied("SELECT")
            assert p.run("INSERT t VALUES (2, N'b')").errors == denied("INSERT")
            assert p.run("DELETE t").errors == denied("DELETE")
            assert p.run("UPDATE t SET n = N'x'").errors == denied("UPDATE")
            assert p.run("MERGE t USING (SELECT 1 AS id) s ON t.id = s.id WHEN MATCHED THEN DELETE;").errors == denied("DELETE")
            assert p.run("CREATE TABLE x (id int)").errors == [(262, 14, 1, "CREATE TABLE permission denied in database 'sqlsecurity'.")]
            assert p.run("ALTER TABLE t ADD x int").errors[0][0] == 1088
            assert p.run("TRUNCATE TABLE t").errors[0][0] == 1088
            assert p.run("DROP TABLE t").errors[0][0] == 3701
            assert p.run("GRANT SELECT ON t TO bob").errors[0][0] == 15247
            p.ok("CREATE TABLE #own (id int); INSERT #own VALUES (1); SELECT * FROM #own; DECLARE @t TABLE (id int); INSERT @t VALUES (1)")
            admin.ok("GRANT INSERT, UPDATE ON OBJECT::dbo.t TO writers")
            p.ok("INSERT t VALUES (2, N'b')")
            assert p.run("UPDATE t SET n = N'x' WHERE id = 2").errors == denied("SELECT"), "a condition reads"
            admin.ok("GRANT SELECT ON SCHEMA::dbo TO bob")
            p.ok("UPDATE t SET n = N'x' WHERE id = 2")
            admin.ok("DENY SELECT ON t TO writers")
            assert p.run("SELECT * FROM t").errors == denied("SELECT"), "a DENY beats every GRANT"
            admin.ok("REVOKE SELECT ON t FROM writers")
            assert p.ok("SELECT COUNT(*), HAS_PERMS_BY_NAME('dbo.t', 'OBJECT', 'SELECT') FROM t").rows == [("2", "1")]
            admin.ok("REVOKE SELECT ON SCHEMA::dbo FROM bob; EXEC sp_addrolemember N'db_datareader', N'bob'")
            assert p.ok("SELECT COUNT(*) FROM t").value == "2"
            admin.ok("EXEC sp_droprolemember N'db_datareader', N'bob'; ALTER ROLE db_owner ADD MEMBER bob")
            p.ok("CREATE TABLE x (id int); DROP TABLE x; SELECT * FROM t; GRANT SELECT ON t TO public")
        assert admin.run("DROP ROLE writers").errors == [(15144, 16, 1, "The role has members. It must be empty before it can be dropped.")]
        admin.ok("ALTER ROLE writers DROP MEMBER bob; DROP ROLE writers; DROP USER bob; DROP USER IF EXISTS bob")


def test_views_and_procedures_lend_the_rights_of_their_owner(sim):
    with Probe(sim) as admin:
        start(admin, "cat")
        admin.ok("CREATE USER cat")
        admin.ok("CREATE VIEW v AS SELECT id FROM t")
        admin.ok("CREATE PROCEDURE p AS SELECT COUNT(*) FROM t")
        admin.ok("CREATE PROCEDURE d AS EXEC (N'SELECT COUNT(*) FROM t')")
        with enter(sim, "cat") as p:
            assert p.run("SELECT * FROM v").errors == denied("SELECT", "v")
            assert p.run("EXEC p").errors == denied("EXECUTE", "p")
            admin.ok("GRANT SELECT ON v TO cat; GRANT EXECUTE ON p TO cat; GRANT EXEC ON d TO cat")
            assert p.ok("SELECT * FROM v").rows == [("1",)]
            assert p.ok("EXEC p").value == "1"
            assert p.run("EXEC d").errors == denied("SELECT"), "dynamic text has the caller's rights"
            assert p.run("SELECT * FROM t").errors == denied("SELECT")


def test_gating_role(sim):
    with Probe(sim) as admin:
        start(admin, "dan")
        admin.ok("CREATE USER dan; EXEC sys.sp_cdc_enable_db; EXEC sys.sp_cdc_enable_table N'dbo', N't', @role_name = N'cdc_reader'; INSERT t VALUES (2, N'b'); EXEC sys.sp_cdc_scan")
        start_lsn = admin.ok("SELECT sys.fn_cdc_get_min_lsn(N'dbo_t')").value
        sql = CHANGES.format(min=start_lsn[2:])
        assert admin.ok("SELECT type FROM sys.database_principals WHERE name = N'cdc_reader'").value == "R"
        no = [(229, 14, 5, "The SELECT permission was denied on the object 'fn_cdc_get_all_changes_dbo_t', database 'sqlsecurity', schema 'cdc'.")]
        with enter(sim, "dan") as p:
            for grant in (None, "GRANT SELECT ON t TO dan"):  # both are needed: the source table and the role
                if grant:
                    admin.ok(grant)
                assert p.ok(HELP).rows == []
                assert p.ok("SELECT sys.fn_cdc_get_min_lsn(N'dbo_t')").value == "0x" + "00" * 10
                assert p.run(sql).errors == no
            for table in ("change_tables", "dbo_t_CT", "lsn_time_mapping"):
                assert p.run(f"SELECT * FROM cdc.{table}").errors == denied("SELECT", table, "database 'sqlsecurity', schema 'cdc'.")
            admin.ok("ALTER ROLE cdc_reader ADD MEMBER dan")
            assert [r[2] for r in p.ok(HELP).rows] == ["dbo_t"]
            assert p.ok("SELECT sys.fn_cdc_get_min_lsn(N'dbo_t')").value == start_lsn
            assert p.ok(sql).rows == [("2", "2")]
            assert p.run("EXEC sys.sp_cdc_disable_db").errors == [(22902, 16, 1, "Caller is not authorized to initiate the requested action. Sysadmin privileges are required.")]
            assert p.run("EXEC sys.sp_cdc_disable_table N'dbo', N't', N'all'").errors == [(22904, 16, 1, "Caller is not authorized to initiate the requested action. DBO privileges are required.")]
            admin.ok("REVOKE SELECT ON t FROM dan")
            assert p.run(sql).errors == no
            assert p.ok(HELP).rows == []
            admin.ok("ALTER ROLE db_owner ADD MEMBER dan")
            assert p.ok(sql).rows == [("2", "2")] and p.ok("SELECT COUNT(*) FROM cdc.change_tables").value == "1"
