"""The unmodified Debezium connector: restarts, lost connections, lost change data."""

from dbz_worker import debezium
from localstack.waiting import stays_true

TWO = "id INT PRIMARY KEY, name VARCHAR(60)"


def row(key):
    return f"({key}, REPLICATE('x', 60))"


def once_in_order(keys):
    """The keys in the order of their first appearance."""
    return list(dict.fromkeys(keys))


@debezium(150, "restart")
def test_restart_in_mid_snapshot(case):
    """The task is restarted and the worker killed while rows are read: the snapshot begins anew and is whole in the end."""
    rows = 60
    case.db.table("big", TWO, [row(i) for i in range(1, rows + 1)])
    case.db.fault("slow_rows", match="%SELECT%name%FROM%big]%", count=2, arg="60000")
    source = case.source(["big"])
    source.changes("big", 5)
    assert case.db.hits() == 1
    case.worker.rest.call("POST", f"/connectors/{source.name}/tasks/0/restart").expect(204)
    case.db.until_hit(2)
    source.changes("big", source.so_far("big") + 5)
    source.streaming(since=case.worker.kill_and_start())
    case.db.run(f"INSERT INTO dbo.big VALUES ({rows + 1}, 'after')")
    seen = source.until_row("big", rows + 1)
    assert [s for s in seen if s[0] == "r"][-rows:] == [("r", i) for i in range(1, rows + 1)], seen
    assert seen[-1] == ("c", rows + 1) and len(seen) > rows + 10


@debezium(150, "restart")
def test_restart_in_mid_stream(case):
    """Nothing is lost and nothing changes its place, whether the task is restarted or the worker is killed."""
    case.db.table("flow", TWO)
    source = case.source(["flow"]).streaming()
    last = 0

    def write(count):
        nonlocal last
        case.db.run(*[f"INSERT INTO dbo.flow VALUES ({i}, 'x'), ({i + 1}, 'y')" for i in range(last + 1, last + 2 * count, 2)])
        last += 2 * count

    write(20)
    source.changes("flow", 3)
    case.worker.rest.call("POST", f"/connectors/{source.name}/tasks/0/restart").expect(204)
    write(20)
    source.until_row("flow", last)
    write(20)
    case.worker.kill_and_start()
    write(20)
    seen = source.until_row("flow", last)
    assert once_in_order(key for _, key in seen) == list(range(1, last + 1)), seen
    assert {op for op, _ in seen} == {"c"}


@debezium(200, "lost connection", "failing statement")
def test_lost_connections(case):
    """However the connection or the statement ends: the connector comes back, repeats at most what it had, and loses nothing."""
    case.db.table("flow", TWO, ["(1, 'a')"])
    source = case.source(["flow"], database_socketTimeout=1500).streaming()
    changes, position = "%dbo_flow%ORDER BY%", "%lsn_time_mapping%"
    faults = [("drop", changes, how) for how in ("before", "before,rst", "after_rows:3", "after_rows:3,rst", "mid_packet", "mid_token:after_rows:2")]
    faults += [("drop", position, "before"), ("stall", changes, "6000,after_rows:2"), ("deadlock", changes, ""), ("lock_timeout", changes, ""),
               ("error", changes, "8645,17,1,A timeout occurred while waiting for memory resources.")]
    last = 1
    for kind, match, how in faults:
        case.db.fault(kind, match=match, arg=how)
        case.db.run(f"INSERT INTO dbo.flow VALUES {', '.join(row(i) for i in range(last + 1, last + 7))}")
        last += 6
        seen = source.until_row("flow", last)
        case.db.until_hit()
        case.db.clear_faults()
        assert once_in_order(key for _, key in seen) == list(range(1, last + 1)), f"{kind} {how}: {seen}"
        # At least once: what is repeated begins with the first row of the transaction in which the connection was lost.
        assert len(seen) <= 2 * last
    source.running()


@debezium(120, "lost connection", "lost in snapshot")
def test_lost_connection_in_snapshot(case):
    """The snapshot begins anew."""
    case.db.table("flow", TWO, [row(i) for i in range(1, 10)])
    case.db.fault("drop", match="%SELECT%name%FROM%flow]", arg="after_rows:4")
    source = case.source(["flow"]).streaming()
    case.db.until_hit()
    case.db.run("INSERT INTO dbo.flow VALUES (10, 'after')")
    seen = source.until_row("flow", 10)
    assert seen[-10:] == [("r", i) for i in range(1, 10)] + [("c", 10)], seen


@debezium(120, "lost connection", "failing login")
def test_failing_logins(case):
    """A server that refuses the next logins is asked again."""
    case.db.table("flow", TWO, ["(1, 'a')"])
    source = case.source(["flow"]).streaming()
    source.until_row("flow", 1)
    # One statement after the other on one connection, for a new one would be refused, too.
    case.db.run("EXEC sim.fault @kind = 'drop', @match = '%lsn_time_mapping%', @arg = 'before'", "EXEC sim.fault @kind = 'login_fail', @arg = '18456', @count = 2",
                "INSERT INTO dbo.flow VALUES (2, 'b')")
    assert source.until_row("flow", 2) == [("r", 1), ("c", 2)]
    assert case.db.hits() == 3
    source.running()


@debezium(120)
def test_odd_packets(case):
    """Packets of 512 bytes, one byte each, chunks of one byte, rows with and without a null bitmap: the same records."""
    columns = "id INT PRIMARY KEY, a NVARCHAR(MAX), b VARBINARY(MAX), c DECIMAL(38,10), d DATETIMEOFFSET(7), e XML, f BIT, g UNIQUEIDENTIFIER"
    row = ("REPLICATE(N'ä☃', 300), 0x00FF, 1234567890123456789012345678.0123456789, '2024-01-02T03:04:05.1234567 +05:30', N'<a>1</a>', 1, "
           "'6F9619FF-8B86-D011-B42D-00C04FC964FF'")
    got = {}
    for label, packets, size in (("plain", None, 8000), ("small", "size:512,nbcrow:always", 512), ("bytes", "split,plp:1,nbcrow:never", 8000)):
        table = f"odd_{label}"
        case.db.table(table, columns, [f"(1, {row})", "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"])
        if packets:
            case.db.fault("packet", match=f"%{table}%", arg=packets, count=-1)
        source = case.source([table], label, database_packetSize=size).streaming()
        case.db.run(f"INSERT INTO dbo.{table} VALUES (3, {row})", f"UPDATE dbo.{table} SET f = 0", f"DELETE FROM dbo.{table} WHERE id = 2")
        got[label] = source.changes(table, 7)
        assert case.db.hits() > 0 or packets is None
        case.db.clear_faults()
    assert got["plain"] == got["small"] == got["bytes"], got
    assert len(got["plain"][0][2]["a"]) == 600 and got["plain"][0][2]["f"] is True


@debezium(150, "position lost")
def test_cleaned_up_position(case):
    """The connector is stopped, and what it has not yet read is cleaned away. 2.4 goes on without a word; 3.6 refuses, or takes a new
    snapshot when it may."""
    case.db.table("kept", TWO, ["(1, 'a')"])
    source = case.source(["kept"]).streaming()
    case.db.run("INSERT INTO dbo.kept VALUES (2, 'b')")
    source.until_row("kept", 2)
    source.stop()
    case.db.run("INSERT INTO dbo.kept VALUES (3, 'lost')")
    case.db.captured()
    case.db.run("INSERT INTO dbo.kept VALUES (4, 'there')")
    case.db.captured()
    case.db.run("DECLARE @mark BINARY(10) = (SELECT MAX(__$start_lsn) FROM cdc.dbo_kept_CT); "
                "EXEC sys.sp_cdc_cleanup_change_table @capture_instance = N'dbo_kept', @low_water_mark = @mark")
    source.resume()
    if case.since_3:
        trace = source.until_failed()
        assert "this is no longer available on the server" in trace, trace
        source.configure(snapshot_mode="when_needed")
        assert source.until_row("kept", 4) == [("r", 1), ("c", 2), ("r", 1), ("r", 2), ("r", 3), ("r", 4)]
    else:
        assert source.until_row("kept", 4) == [("r", 1), ("c", 2), ("c", 4)]


@debezium(120, "agent stopped")
def test_agent_stopped(case):
    """Without the Agent nothing is captured: the connector says so when there is nothing at all yet, keeps asking, and goes on without loss."""
    case.db.table("flow", TWO)
    case.db.fault("agent_stopped")
    source = case.source(["flow"]).streaming()
    case.worker.log.wait("No maximum LSN recorded in the database; SQL Server Agent is not running", source.since, 30)
    case.db.run("INSERT INTO dbo.flow VALUES (1, 'a')", "INSERT INTO dbo.flow VALUES (2, 'b')")
    stays_true(lambda: source.so_far("flow") == 0, 1, "no change is seen")
    source.running()
    case.db.fault("agent_stopped", arg="off")
    assert source.until_row("flow", 2) == [("c", 1), ("c", 2)]
    case.db.fault("agent_stopped")
    case.db.run("INSERT INTO dbo.flow VALUES (3, 'c')")
    stays_true(lambda: source.so_far("flow") == 2, 1, "no change is seen")
    case.db.fault("agent_stopped", arg="off")
    assert source.until_row("flow", 3) == [("c", 1), ("c", 2), ("c", 3)]


@debezium(120, "dropped instance")
def test_dropped_instance(case):
    """A capture instance goes while it is read: the other tables are read on."""
    modes = ("function", "direct") if case.since_3 else (None,)
    for table in ("gone", "stays"):
        case.db.table(table, TWO)
    sources = [case.source(["gone", "stays"], m or "only", **({"data_query_mode": m} if m else {})).streaming() for m in modes]
    case.db.run("INSERT INTO dbo.gone VALUES (1, 'a')", "INSERT INTO dbo.stays VALUES (1, 'a')")
    for source in sources:
        assert source.until_row("gone", 1) == source.until_row("stays", 1) == [("c", 1)]
    case.db.run("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'gone', @capture_instance = N'dbo_gone'",
                "INSERT INTO dbo.gone VALUES (2, 'b')", "INSERT INTO dbo.stays VALUES (2, 'b')")
    for source in sources:
        assert source.until_row("stays", 2) == [("c", 1), ("c", 2)]
        assert source.so_far("gone") == 1
        source.running()


@debezium(120)
def test_clock_change(case):
    """Commit times are local ones, to which the connector adds the server's present offset: after a change of the clocks it is off by it."""
    case.db.table("flow", TWO)
    case.db.fault("clock", arg="offset_min:120")
    source = case.source(["flow"]).streaming()
    case.db.run("INSERT INTO dbo.flow VALUES (1, 'summer')")
    (first,) = source.records("flow", 1)
    source.stop()
    case.db.run("INSERT INTO dbo.flow VALUES (2, 'still summer')")
    case.db.captured()
    case.db.fault("clock", arg="offset_min:60")
    source.resume()
    second = source.records("flow", 2)[1]
    gap = second.value["source"]["ts_ms"] - first.value["source"]["ts_ms"]
    assert 3600_000 <= gap < 3660_000, gap


@debezium(120)
def test_capture_faults(case):
    """Capture that lags and log positions that jump: changes come late, never twice, never not."""
    case.db.table("flow", TWO, ["(1, 'a')"])
    source = case.source(["flow"]).streaming()
    case.db.fault("capture_delay", arg="pause")
    case.db.run("INSERT INTO dbo.flow VALUES (2, 'b')", "UPDATE dbo.flow SET name = 'c' WHERE id = 2")
    stays_true(lambda: source.so_far("flow") <= 1, 0.5, "no change is seen")
    case.db.fault("capture_delay", arg="resume")
    assert source.changes("flow", 3)[1:] == [("c", None, {"id": 2, "name": "b"}), ("u", {"id": 2, "name": "b"}, {"id": 2, "name": "c"})]
    case.db.fault("lsn_gap", arg="5")
    case.db.run("INSERT INTO dbo.flow VALUES (3, 'd')")
    assert source.until_row("flow", 3) == [("r", 1), ("c", 2), ("u", 2), ("c", 3)]


@debezium(120)
def test_readable_secondary(case):
    """ReadOnly intent on a server that takes no writes: the snapshot, and later the stream."""
    case.db.run(f"ALTER DATABASE [{case.db.name}] SET ALLOW_SNAPSHOT_ISOLATION ON")
    case.db.table("flow", TWO, ["(1, 'a')"])
    case.db.captured()
    case.db.fault("read_only")
    assert case.db.error_of("INSERT INTO dbo.flow VALUES (0, 'x')") == 3906
    source = case.source(["flow"], database_applicationIntent="ReadOnly").streaming()
    assert source.until_row("flow", 1) == [("r", 1)]
    case.db.fault("read_only", arg="off")
    case.db.run("INSERT INTO dbo.flow VALUES (2, 'b')")
    assert source.until_row("flow", 2) == [("r", 1), ("c", 2)]


@debezium(120, "dropped instance")
def test_instance_goes_between_two_polls(case):
    """An instance is dropped right before it is asked, after the connector has seen it in the list."""
    for table in ("gone", "stays"):
        case.db.table(table, TWO)
    source = case.source(["gone", "stays"]).streaming()
    case.db.run("INSERT INTO dbo.gone VALUES (1, 'a')")
    source.until_row("gone", 1)
    case.db.fault("cdc_disabled", match="%dbo_gone%ORDER BY%", arg="instance:dbo_gone")
    case.db.run("INSERT INTO dbo.stays VALUES (2, 'b')")
    case.db.until_hit()
    assert source.until_row("stays", 2) == [("c", 2)]
    source.running()


@debezium(150, "lost connection", "server restarts")
def test_server_killed(case):
    """kill -9 of the server between and under change queries: every acknowledged commit comes, in order."""
    with case.own_server() as server:
        case.db.table("flow", TWO, [row(1)])
        # 3.6 does not survive a start while nobody listens, so it is given the time that the server takes.
        source = case.source(["flow"], retriable_restart_connector_wait_ms=1000).streaming()
        last = 1
        for _ in range(3):
            case.db.run(f"INSERT INTO dbo.flow VALUES {', '.join(row(i) for i in range(last + 1, last + 200))}", f"INSERT INTO dbo.flow VALUES {row(last + 200)}")
            last += 200
            server.kill()
            server.start()
        seen = source.until_row("flow", last)
        assert once_in_order(key for _, key in seen) == list(range(1, last + 1)), seen
        source.running()
