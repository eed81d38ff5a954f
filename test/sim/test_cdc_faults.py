"""Faults that change a database behind a reader's back, errors in the middle of a result, and their counters."""

from cdcdb import Db, connection, eq, literal


def lsns(db):
    return [bytes(r[0]) for r in db.run("SELECT start_lsn FROM cdc.lsn_time_mapping WHERE tran_id <> 0x00 ORDER BY start_lsn")]


def filled(db, rows=4):
    db.table()
    for i in range(rows):
        db.run(f"INSERT dbo.t VALUES ({i}, N'x'); WAITFOR DELAY '00:00:00.010'")
    db.scan()
    return lsns(db)


def changes(db, low, high):
    return f"SELECT id FROM [{db.name}].cdc.[fn_cdc_get_all_changes_dbo_t]({literal(low)}, {literal(high)}, N'all update old')"


def test_cdc_disabled_in_mid_stream(sim):
    with Db(sim) as db:
        at = filled(db)
        query = changes(db, at[0], at[-1])
        try:
            db.arm(kind="cdc_disabled", match="fn_cdc_get_all_changes", skip=1)
            eq(len(db.run(query)), 4, "the first request passes")
            eq(db.error(query)[::3], (208, f"Invalid object name '{db.name}.cdc.fn_cdc_get_all_changes_dbo_t'."))
            eq(db.run("SELECT kind, skip, count, hits FROM sim.faults"), [("cdc_disabled", 0, 0, 1)])
        finally:
            db.clear()
        eq(db.error("EXEC sys.sp_cdc_help_change_data_capture")[0], 22901)
        eq(db.error("SELECT sys.fn_cdc_get_max_lsn()")[0], 208)


def test_cdc_disabled_for_one_instance(sim):
    with Db(sim) as db:
        at = filled(db)
        db.enable("t", capture_instance="N'second'")
        db.arm(kind="cdc_disabled", arg="instance:dbo_t")
        db.clear()
        eq(db.error(changes(db, at[0], at[-1]))[0], 208)
        eq(db.run("SELECT capture_instance FROM cdc.change_tables"), [("second",)])
        eq(db.error("EXEC sim.fault @kind = 'cdc_disabled', @arg = 'instance:nosuch'")[0], 50000)


def test_cleanup(sim):
    with Db(sim) as db:
        at = filled(db)
        try:
            db.arm(kind="cleanup", arg=f"lsn:{literal(at[1])}")
            eq(bytes(db.min_lsn()), at[1])
            eq(db.run("SELECT id FROM cdc.dbo_t_CT ORDER BY id"), [(1,), (2,), (3,)])
            db.arm(kind="cleanup", arg="age_ms:3600000")
            eq(bytes(db.min_lsn()), at[1], "nothing is an hour old")
            db.arm(kind="cleanup", match="fn_cdc_get_all_changes")
            eq(db.error(changes(db, at[1], at[-1]))[::2], (313, 3))
            eq(bytes(db.min_lsn()), at[-1])
            eq(db.error("EXEC sim.fault @kind = 'cleanup', @arg = 'lsn:12'")[0], 50000)
        finally:
            db.clear()


def test_min_lsn_is_null_for_a_moment(sim):
    with Db(sim) as db:
        filled(db)
        db.table("u")
        try:
            db.arm(kind="min_lsn_null", match="dbo_t", count=2)
            eq(db.run("SELECT sys.fn_cdc_get_min_lsn('dbo_t'), sys.fn_cdc_get_min_lsn('nosuch')"), [(None, bytes(10))])
            assert db.min_lsn("dbo_u") is not None
            eq(db.min_lsn(), None)
            assert db.min_lsn() is not None, "used up"
        finally:
            db.clear()


def test_lsn_gap(sim):
    with Db(sim) as db:
        at = filled(db)
        db.arm(kind="lsn_gap", arg="5")
        db.clear()
        db.run("INSERT dbo.t VALUES (9, N'x')")
        db.scan()
        after = lsns(db)[-1]
        eq(int.from_bytes(after[:4], "big") - int.from_bytes(at[-1][:4], "big"), 5)
        eq(len(db.run(changes(db, at[0], after))), 5, "the gap is no hole")


def test_lsn_reset(sim):
    with Db(sim) as db:
        at = filled(db)
        db.arm(kind="lsn_reset", arg=f"lsn:{literal(at[1])}")
        db.clear()
        eq(bytes(db.max_lsn()), at[1])
        eq(db.run("SELECT id FROM cdc.dbo_t_CT ORDER BY id"), [(0,), (1,)])
        eq(db.error(changes(db, at[0], at[3]))[0], 313)
        db.run("INSERT dbo.t VALUES (50, N'x')")
        db.scan()
        eq(bytes(db.max_lsn()), at[2], "the log goes on where it was")
        db.arm(kind="lsn_reset")
        db.clear()
        eq(db.run("SELECT id FROM cdc.dbo_t_CT"), [])
        eq(bytes(db.max_lsn()), bytes(db.min_lsn()))


def test_read_only_replica(sim):
    with Db(sim) as db, Db(sim, enabled=False, name=db.name) as writer:
        filled(db)
        try:
            db.arm(kind="read_only")
            for sql in ("INSERT dbo.t VALUES (9, N'x')", "UPDATE dbo.t SET name = N'y'", "DELETE dbo.t", "CREATE TABLE dbo.u (id int)",
                        "EXEC sys.sp_cdc_disable_db", "EXEC sys.sp_cdc_scan"):
                eq(db.error(sql)[::3], (3906, f'Failed to update database "{db.name}" because the database is read-only.'), sql)
            eq(db.run("SELECT * FROM sys.dm_cdc_log_scan_sessions"), [])
            eq(len(db.run("SELECT * FROM cdc.dbo_t_CT")), 4, "what was captured can be read")
            db.run("SET TRANSACTION ISOLATION LEVEL SNAPSHOT; BEGIN TRAN; SELECT COUNT(*) FROM dbo.t; COMMIT; SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
            db.run("BEGIN TRAN; SELECT COUNT(*) FROM dbo.t")
            writer.arm(kind="read_only", arg="off")
            writer.run("INSERT dbo.t VALUES (9, N'x')")
            eq(db.value("SELECT COUNT(*) FROM dbo.t"), 4, "READ COMMITTED was SNAPSHOT")
            db.run("ROLLBACK")
            eq(db.value("SELECT COUNT(*) FROM dbo.t"), 5)
        finally:
            db.clear()
        db.run("INSERT dbo.t VALUES (10, N'x')")


def test_an_error_after_some_rows(sim):
    with Db(sim) as db:
        filled(db)
        try:
            db.arm(kind="error", arg="after_rows:2,1205,13,51,made up", match="ORDER BY id")
            db.conn.execute_query("SELECT id FROM dbo.t ORDER BY id")
            got = []
            try:
                for row in db.conn:
                    got.append(row[0])
            except Exception as e:  # noqa: BLE001 - the driver's error class says nothing more
                eq(getattr(e, "number", None), 1205)
            else:
                raise AssertionError("no error")
            eq(got, [0, 1])
            eq(len(db.run("SELECT id FROM dbo.t ORDER BY id")), 4)
            db.arm(kind="error", arg="after_rows:9,50001,16,1,never", match="ORDER BY id")
            eq(len(db.run("SELECT id FROM dbo.t ORDER BY id")), 4, "fewer rows than that")
            eq(len(db.run("SELECT id FROM dbo.t, (SELECT 1 AS k UNION ALL SELECT 2 UNION ALL SELECT 3) x")), 12, "and it is forgotten")
        finally:
            db.clear()


def test_actions_need_a_user_database(sim):
    with connection(sim) as c:
        for kind in ("cdc_disabled", "cleanup", "lsn_gap", "lsn_reset", "read_only"):
            try:
                c.execute_non_query(f"EXEC sim.fault @kind = '{kind}'")
            except Exception as e:  # noqa: BLE001
                eq(getattr(e, "number", None), 50000)
            else:
                raise AssertionError(f"{kind} in master")
