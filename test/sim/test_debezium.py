"""The unmodified Debezium SQL Server connector reads from the stand-in: snapshots and streaming."""

from dbz_worker import debezium

CUSTOMERS = ("id INT PRIMARY KEY IDENTITY(1,1), name NVARCHAR(100) NOT NULL, email NVARCHAR(100), created_at DATETIME2 DEFAULT GETDATE(), "
             "amount DECIMAL(10,2), ok BIT, day DATE, uid UNIQUEIDENTIFIER")
ADA = "(N'Ada', N'a@x', 12.34, 1, '2024-01-02', '6F9619FF-8B86-D011-B42D-00C04FC964FF')"
BOB = "(N'Bob', NULL, NULL, NULL, NULL, NULL)"


def customers(db):
    db.table("customers", CUSTOMERS)
    db.run(f"INSERT INTO dbo.customers (name, email, amount, ok, day, uid) VALUES {ADA}, {BOB}")


@debezium(120)
def test_snapshots_and_streaming(case):
    customers(case.db)
    full = case.source(["customers"], "all")
    changes = case.source(["customers"], "changes", snapshot_mode="no_data" if case.since_3 else "schema_only")
    snapshot = full.changes("customers", 2)
    assert [op for op, _, _ in snapshot] == ["r", "r"]
    ada = snapshot[0][2]
    assert (ada["name"], ada["amount"], ada["ok"], ada["day"], ada["uid"]) == ("Ada", "12.34", True, 19724, "6F9619FF-8B86-D011-B42D-00C04FC964FF")
    assert snapshot[1][2]["email"] is None and snapshot[1][2]["amount"] is None
    full.streaming()
    changes.streaming()
    case.db.run("INSERT INTO dbo.customers (name, email) VALUES (N'Cy', N'c@x')", "UPDATE dbo.customers SET name = N'Bobby' WHERE id = 2",
                "DELETE FROM dbo.customers WHERE id = 1")
    for source, skip in ((full, 2), (changes, 0)):
        create, update, delete = source.changes("customers", skip + 3)[skip:]
        assert (create[0], create[2]["name"]) == ("c", "Cy")
        assert (update[0], update[1]["name"], update[2]["name"]) == ("u", "Bob", "Bobby")
        assert (delete[0], delete[1]["amount"], delete[2]) == ("d", "12.34", None)
        source.running()


@debezium(120)
def test_isolation_modes(case):
    """While the rows are read only `exclusive` holds writers off; whatever they write meanwhile is in the snapshot or in the stream."""
    modes = ("read_uncommitted", "read_committed", "repeatable_read", "snapshot", "exclusive")
    case.db.run(f"ALTER DATABASE [{case.db.name}] SET ALLOW_SNAPSHOT_ISOLATION ON")
    for mode in modes:
        case.db.table(mode, "id INT PRIMARY KEY, name VARCHAR(20)", ["(1, 'one')", "(2, 'two')"])
        case.db.fault("stall", match=f"%SELECT%name%FROM%[{mode}]%", arg="2500,after_rows:1")
    sources = {mode: case.source([mode], mode, snapshot_isolation_mode=mode) for mode in modes}
    for mode in reversed(modes):  # the last one is surely still reading
        insert = f"INSERT INTO dbo.[{mode}] VALUES (3, 'three')"
        case.db.until_hit(match=f"[{mode}]")
        refused = case.db.error_of("SET LOCK_TIMEOUT 200; " + insert)
        assert refused == (1222 if mode == "exclusive" else None), f"{mode}: {refused}"
        if refused:
            sources[mode].streaming()
            case.db.run(insert)
    for mode in modes:
        seen = sources[mode].until_row(mode, 3)
        assert [("r", 1), ("r", 2)] == seen[:2] and seen[2:] in ([("c", 3)], [("r", 3)]), f"{mode}: {seen}"


@debezium(120, "snapshot not allowed")
def test_snapshot_isolation_must_be_allowed(case):
    """Error 3952 until somebody allows it; the connector asks again."""
    case.db.table("items", "id INT PRIMARY KEY, name VARCHAR(20)", ["(1, 'one')"])
    source = case.source(["items"], snapshot_isolation_mode="snapshot")
    case.worker.log.wait(f"Snapshot isolation transaction failed accessing database '{case.db.name}'", source.since, 30)
    case.db.run(f"ALTER DATABASE [{case.db.name}] SET ALLOW_SNAPSHOT_ISOLATION ON")
    assert source.until_row("items", 1) == [("r", 1)]


@debezium(120, "table is locked")
def test_table_is_locked(case):
    """The snapshot waits for a table that somebody has locked for snapshot.lock.timeout.ms, error 1222, and asks again."""
    case.db.table("items", "id INT PRIMARY KEY, name VARCHAR(20)", ["(1, 'one')"])
    with case.db.open_transaction("INSERT INTO dbo.items VALUES (2, 'two')"):
        source = case.source(["items"], snapshot_lock_timeout_ms=200)
        case.worker.log.wait("Lock request time out period exceeded.", source.since, 30)
    assert source.until_row("items", 2) == [("r", 1), ("r", 2)]


@debezium(120, "unknown certificate")
def test_encrypted(case):
    """The whole conversation in TLS; a certificate that nobody vouches for must be trusted expressly."""
    case.db.table("items", "id INT PRIMARY KEY, name VARCHAR(20)", ["(1, 'one')"])
    source = case.source(["items"], database_encrypt="true", database_trustServerCertificate="true").streaming()
    case.db.run("INSERT INTO dbo.items VALUES (2, 'two')")
    assert source.until_row("items", 2) == [("r", 1), ("c", 2)]
    strict = {**source.config, "name": source.name, "database.trustServerCertificate": "false"}
    # Not by a PUT of the configuration: what 3.6 says of the refused one makes the worker answer 500.
    answer = case.worker.rest.call("PUT", f"/connector-plugins/{strict['connector.class']}/config/validate", strict)
    assert answer.json["error_count"] == 1 and "PKIX path building failed" in answer.text, answer


@debezium(120)
def test_query_modes(case):
    """The change functions and, where the version has them, pages of two rows and the change tables themselves give the same events."""
    modes = {"only": {}}
    if case.since_3:
        modes = {m: {"data_query_mode": m} for m in ("function", "direct")}
        modes["paged"] = {"data_query_mode": "function", "streaming_fetch_size": 2}
    case.db.table("items", "id INT PRIMARY KEY, name NVARCHAR(40), price DECIMAL(9,2), note VARCHAR(MAX)", ["(1, N'one', 1.10, 'a')"])
    sources = [case.source(["items"], label, **config) for label, config in modes.items()]
    for source in sources:
        source.streaming()
    case.db.transaction("INSERT INTO dbo.items VALUES (2, N'two', 2.20, NULL)", "UPDATE dbo.items SET price = price + 1", "UPDATE dbo.items SET id = 5 WHERE id = 1",
                        "DELETE FROM dbo.items WHERE id = 2", "INSERT INTO dbo.items VALUES (9, N'end', NULL, REPLICATE(CAST('x' AS VARCHAR(MAX)), 9000))")
    got = [[(r.key, r.value["op"], r.value["before"], r.value["after"]) for r in s.records("items", 8)] for s in sources]
    assert all(events == got[0] for events in got), got
    assert [(k["id"], op) for k, op, _, _ in got[0]] == [(1, "r"), (2, "c"), (1, "u"), (2, "u"), (1, "d"), (5, "c"), (2, "d"), (9, "c")], got[0]
    assert got[0][3][3]["price"] == "3.20" and len(got[0][7][3]["note"]) == 9000
