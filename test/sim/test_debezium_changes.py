"""The unmodified Debezium connector: transactions, schema changes, signals and heartbeats."""

from dbz_worker import debezium


@debezium(120)
def test_transaction_metadata(case):
    """Transactions over several tables come as BEGIN, numbered events and END."""
    for table in ("orders", "lines"):
        case.db.table(table, "id INT PRIMARY KEY, note VARCHAR(20)")
    case.db.run("EXEC sys.sp_cdc_change_job @job_type = 'capture', @pollinginterval = 1")
    source = case.source(["orders", "lines"], provide_transaction_metadata="true").streaming()
    case.db.transaction("INSERT INTO dbo.orders VALUES (1, 'a')", "INSERT INTO dbo.lines VALUES (10, 'b'), (11, 'c')",
                        "UPDATE dbo.orders SET note = 'd' WHERE id = 1")
    case.db.run("INSERT INTO dbo.orders VALUES (2, 'next')")
    orders, lines = source.records("orders", 3), source.records("lines", 2)
    wanted = [(orders[0], 1, 1), (lines[0], 2, 1), (lines[1], 3, 2), (orders[1], 4, 2)]
    for record, total, within in wanted:
        block = record.value["transaction"]
        assert (block["total_order"], block["data_collection_order"]) == (total, within), record
        assert block["id"] == orders[0].value["transaction"]["id"]
    metadata = source.until(f"{source.name}.transaction", lambda seen: len(seen) >= 3, "the transaction records")
    assert [r.value["status"] for r in metadata[:3]] == ["BEGIN", "END", "BEGIN"]
    end = metadata[1].value
    assert end["event_count"] == 4 and end["id"] == metadata[0].value["id"] == orders[0].value["transaction"]["id"]
    counts = {c["data_collection"].rsplit(".", 1)[1]: c["event_count"] for c in end["data_collections"]}
    assert counts == {"orders": 2, "lines": 2}, end
    if case.since_3:
        # Two polling intervals of the capture job after the last change an empty scan ends the open transaction, too.
        last = source.until(f"{source.name}.transaction", lambda seen: len(seen) >= 4, "the end of the last transaction")[3].value
        assert (last["status"], last["id"], last["event_count"]) == ("END", metadata[2].value["id"], 1)


@debezium(120, "dropped instance")
def test_second_capture_instance(case):
    """ALTER TABLE, a second capture instance, the hand-over, and the first instance goes."""
    case.db.table("people", "id INT PRIMARY KEY, name NVARCHAR(40)", ["(1, N'one')"])
    source = case.source(["people"], include_schema_changes="true").streaming()
    case.db.run("INSERT INTO dbo.people VALUES (2, N'two')", "ALTER TABLE dbo.people ADD email VARCHAR(40) NULL",
                "INSERT INTO dbo.people VALUES (3, N'three', 'lost@x')")
    case.db.capture("people", "dbo_people_v2")
    case.db.run("INSERT INTO dbo.people VALUES (4, N'four', 'four@x')")
    afters = [after for _, _, after in source.changes("people", 4)]
    assert [a["id"] for a in afters] == [1, 2, 3, 4], afters
    # The first instance never captures the new column; the second one does from its start on.
    assert "email" not in afters[1] and afters[2].get("email") is None and afters[3]["email"] == "four@x", afters
    case.db.run("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'people', @capture_instance = N'dbo_people'",
                "UPDATE dbo.people SET email = 'new@x' WHERE id = 1", "DELETE FROM dbo.people WHERE id = 4")
    update, delete = source.changes("people", 6)[4:]
    assert (update[0], update[2]["email"], delete[0], delete[1]["email"]) == ("u", "new@x", "d", "four@x")
    schema = source.until(source.name, lambda seen: any("email" in str(r.value["tableChanges"]) for r in seen), "the schema change event")
    assert [r.value["tableChanges"][0]["type"] for r in schema if r.value["tableChanges"]] == ["CREATE", "ALTER"], schema


@debezium(150)
def test_incremental_snapshot(case):
    """Started by a row in the signal table, read in chunks; what changes while a chunk is open comes as a change, not as a stale row."""
    strategies = {"w1": {}, "w2": {"incremental_snapshot_watermarking_strategy": "insert_delete", "incremental_snapshot_option_recompile": "true"}}
    case.db.table("signals", "id VARCHAR(42) PRIMARY KEY, type VARCHAR(32) NOT NULL, data VARCHAR(2048) NULL")
    for label in strategies if case.since_3 else ("w1",):
        incremental_snapshot(case, label, strategies[label])


def incremental_snapshot(case, label, config):
    stock = f"stock_{label}"
    case.db.table(stock, "id INT PRIMARY KEY, n INT NOT NULL", [f"({i}, {i})" for i in range(1, 26)])
    mode = "no_data" if case.since_3 else "schema_only"
    source = case.source([stock, "signals"], label, snapshot_mode=mode, signal_data_collection=f"{case.db.name}.dbo.signals",
                         incremental_snapshot_chunk_size=10, **config).streaming()
    # The second chunk stays open for a while after it was read, so that these changes fall between its two marks.
    case.db.fault("stall", match=f"%SELECT TOP 10 %{stock}%", skip=1, arg="1500")
    case.db.run(f"INSERT INTO dbo.signals VALUES ('{label}', 'execute-snapshot', '{{\"data-collections\": [\"{case.db.name}.dbo.{stock}\"], \"type\": \"incremental\"}}')")
    case.db.until_hit(match=stock)
    case.db.run(f"UPDATE dbo.{stock} SET n = 1000 WHERE id = 15", f"DELETE FROM dbo.{stock} WHERE id = 16", f"INSERT INTO dbo.{stock} VALUES (99, 99)")
    seen = source.records(stock, 26)
    case.db.run(f"INSERT INTO dbo.{stock} VALUES (100, 100)")
    seen = source.until_row(stock, 100)
    reads = [key for op, key in seen if op == "r"]
    assert sorted(reads) == [i for i in range(1, 26) if i not in (15, 16)], sorted(reads)
    assert [s for s in seen if s[0] != "r"] == [("u", 15), ("d", 16), ("c", 99), ("c", 100)], seen
    marks = {r.value["source"]["snapshot"] for r in source.records(stock, 26) if r.value["op"] == "r"}
    assert marks == {"incremental"}, marks
    source.stop()


@debezium(120)
def test_heartbeat(case):
    """The interval gives records, and the action query (2.4 cannot run one on SQL Server) adds a row each time."""
    case.db.table("beats", "id INT PRIMARY KEY IDENTITY(1,1), at DATETIME2 NOT NULL")
    case.db.table("quiet", "id INT PRIMARY KEY")
    action = {"heartbeat_action_query": f"INSERT INTO [{case.db.name}].dbo.beats (at) VALUES (SYSDATETIME())"} if case.since_3 else {}
    # 2.4 asks for the last transaction and gives no sign of life before there is one.
    case.db.run("INSERT INTO dbo.quiet VALUES (1)")
    source = case.source(["quiet", "beats"], heartbeat_interval_ms=200, **action)
    beats = source.until(f"__debezium-heartbeat.{source.name}", lambda seen: len(seen) >= 5, "five heartbeats")
    assert all(r.key == {"serverName": source.name} for r in beats)
    times = [r.value["ts_ms"] for r in beats]
    assert times == sorted(times)
    if action:
        # The query's changes are captured as anybody's are: each comes once, in order.
        rows = [after["id"] for _, _, after in source.changes("beats", 5)]
        assert rows == list(range(1, len(rows) + 1)), rows
