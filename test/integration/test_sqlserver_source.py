"""The SQL Server source on its own: snapshots, order, positions, types, schema changes and lost connections, with JSON records."""

from harness import eq, requires, timeout, wait_until

SERVICES = ("kafka", "sqlserver")
TABLE = "CREATE TABLE dbo.{0} (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100))"


class Source:
    """One database, one worker, one source connector."""

    def __init__(self, env, settings=None):
        self.env = env
        self.sql = env.sql_database()
        self.name = f"{env.id}-source"
        self.prefix = env.id.replace("_", "")
        self.worker = env.worker({"offset.flush.interval.ms": 300})
        self.rest = self.worker.rest
        self.settings = settings or {}

    def config(self):
        sql = self.env.sqlserver.env()
        json = {"key.converter": "org.apache.kafka.connect.json.JsonConverter", "key.converter.schemas.enable": "false",
                "value.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter.schemas.enable": "false"}
        return {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector",
            "tasks.max": "1",
            "database.hostname": sql["SQLSERVER_HOST"],
            "database.port": str(sql["SQLSERVER_PORT"]),
            "database.user": sql["SQLSERVER_USER"],
            "database.password": sql["SQLSERVER_PASSWORD"],
            "database.names": self.sql.database,
            "database.encrypt": "false",
            "topic.prefix": self.prefix,
            "schema.history.internal.kafka.bootstrap.servers": self.env.kafka.env()["KAFKA_BOOTSTRAP"],
            "schema.history.internal.kafka.topic": f"{self.prefix}-history",
            "poll.interval.ms": "50",
            "retriable.restart.connector.wait.ms": "500",
            **json,
            **self.settings,
        }

    def deploy(self):
        self.rest.put_config(self.name, self.config())
        self.rest.wait_running(self.name)
        return self

    def topic(self, table):
        return f"{self.prefix}.{self.sql.database}.dbo.{table}"

    def read(self, table, count):
        """`count` records of a table's topic; there must not be more by then."""
        records = self.env.topics.read(self.topic(table), count=count, limit=60)
        eq(sum(self.env.topics.end_offsets(self.topic(table)).values()), count, "records in the topic")
        return records

    def wait_streaming(self):
        """Definitions are in the history topic: the schema snapshot is behind us."""
        wait_until(lambda: self.env.topics.exists(f"{self.prefix}-history") and self.env.topics.read(f"{self.prefix}-history"),
                   60, "the schema snapshot", ignore=(Exception,))


def brief(record):
    """op:id, or t:id for a tombstone."""
    return f"t:{record.key['id']}" if record.value is None else f"{record.value['op']}:{record.key['id']}"


@requires(*SERVICES)
@timeout(180)
def test_snapshot_markers_and_positions(env):
    s = Source(env)
    for name, rows in (("a", 2), ("b", 0), ("c", 3)):
        s.sql.table(TABLE.format(name), name)
        for i in range(rows):
            s.sql.execute(f"INSERT INTO dbo.{name} VALUES ({i + 1}, N'{name}{i}')")
    s.deploy()
    a, c = s.read("a", 2), s.read("c", 3)
    eq([r.value["source"]["snapshot"] for r in a + c], ["first", "last_in_data_collection", "first_in_data_collection", "true", "last"])
    eq({r.value["op"] for r in a + c}, {"r"})
    eq(len({r.value["source"]["commit_lsn"] for r in a + c}), 1, "one position for the whole snapshot")
    s.sql.execute("INSERT INTO dbo.b VALUES (7, N'streamed')")
    b = s.read("b", 1)[0]
    eq((b.value["op"], b.value["after"]), ("c", {"id": 7, "name": "streamed"}))
    assert b.value["source"]["commit_lsn"] > a[0].value["source"]["commit_lsn"]


@requires(*SERVICES)
@timeout(180)
def test_changes_of_one_transaction_keep_their_order(env):
    s = Source(env, {"snapshot.mode": "schema_only", "provide.transaction.metadata": "true"})
    s.sql.table(TABLE.format("a"), "a")
    s.sql.table(TABLE.format("b"), "b")
    s.deploy().wait_streaming()
    s.sql.transaction(
        "INSERT INTO dbo.a VALUES (1, N'x')", "INSERT INTO dbo.b VALUES (1, N'x')", "UPDATE dbo.a SET name = N'y' WHERE id = 1",
        "UPDATE dbo.b SET id = 2 WHERE id = 1", "DELETE FROM dbo.a WHERE id = 1",
    )
    s.sql.execute("INSERT INTO dbo.a VALUES (9, N'next transaction')")
    a, b = s.read("a", 5), s.read("b", 4)
    eq([brief(r) for r in a], ["c:1", "u:1", "d:1", "t:1", "c:9"])
    eq([brief(r) for r in b], ["c:1", "d:1", "t:1", "c:2"])
    eq(a[1].value["before"]["name"], "x")
    eq(a[1].value["source"]["event_serial_no"], 2)
    events = [r for r in a[:3] + b if r.value is not None]
    eq(sorted(r.value["transaction"]["total_order"] for r in events), [1, 2, 3, 4, 5, 6])
    eq(len({r.value["source"]["commit_lsn"] for r in events}), 1)
    marks = env.topics.read(f"{s.prefix}.transaction", count=3, limit=60)
    eq([m.value["status"] for m in marks], ["BEGIN", "END", "BEGIN"])
    eq(marks[1].value["event_count"], 6)


@requires(*SERVICES)
@timeout(180)
def test_a_stop_between_snapshot_and_first_change_loses_nothing(env):
    s = Source(env, {"snapshot.mode": "schema_only"})
    s.sql.table(TABLE.format("a"), "a")
    s.deploy().wait_streaming()
    s.worker.stop()
    s.sql.execute("INSERT INTO dbo.a VALUES (1, N'while stopped')")
    s.worker.start()
    eq([brief(r) for r in s.read("a", 1)], ["c:1"])


@requires(*SERVICES)
@timeout(240)
def test_kill_9_in_a_stream_of_several_tables(env):
    s = Source(env, {"snapshot.mode": "schema_only", "max.batch.size": "50", "max.queue.size": "100"})
    s.sql.table(TABLE.format("a"), "a")
    s.sql.table(TABLE.format("b"), "b")
    s.deploy().wait_streaming()
    for n in range(3):
        for i in range(n * 10, n * 10 + 10):
            s.sql.transaction(*(f"INSERT INTO dbo.{t} VALUES ({i * 10 + k}, N'r')" for k in range(10) for t in "ab"))
        if n < 2:
            wait_until(lambda: len(env.topics.read(s.topic("a"))) > n * 100, 60, "some records", ignore=(Exception,))
            s.worker.kill()
            s.worker.start()

    def ids(table):
        return [r.key["id"] for r in env.topics.read(s.topic(table))]

    for table in "ab":
        wait_until(lambda t=table: set(ids(t)) == set(range(300)), 40, f"all rows of {table}", detail=lambda t=table: f"missing {sorted(set(range(300)) - set(ids(t)))}")
        first = list(dict.fromkeys(ids(table)))
        eq(first, sorted(first), "in order, repetitions aside")


@requires(*SERVICES)
@timeout(180)
def test_the_server_goes_away_and_comes_back(env):
    s = Source(env, {"snapshot.mode": "schema_only"})
    s.sql.table(TABLE.format("a"), "a")
    s.deploy().wait_streaming()
    s.sql.execute("INSERT INTO dbo.a VALUES (1, N'before')")
    s.read("a", 1)
    env.sqlserver.kill()
    wait_until(lambda: "Going to restart connector after" in s.worker.log(), 60, "the retry to be logged")
    eq(s.rest.status(s.name)["tasks"][0]["state"], "RUNNING")
    env.sqlserver.start()
    s.sql.execute("INSERT INTO dbo.a VALUES (2, N'after')")
    eq([brief(r) for r in s.read("a", 2)], ["c:1", "c:2"])


@requires(*SERVICES)
@timeout(180)
def test_a_stream_that_is_cut_inside_a_row(env):
    s = Source(env, {"snapshot.mode": "schema_only", "retriable.restart.connector.wait.ms": "100"})
    s.sql.table(TABLE.format("a"), "a")
    s.deploy().wait_streaming()
    s.worker.stop()
    for first in range(0, 2000, 500):
        s.sql.execute("INSERT INTO dbo.a VALUES " + ", ".join(f"({i}, N'name of {i}')" for i in range(first, first + 500)))
    s.sql.execute(f"EXEC sim.fault @kind = 'drop', @match = '%{s.sql.database}%cdc_data%', @arg = 'mid_token:after_rows:777', @count = 1")
    s.worker.start()
    rows = s.read("a", 2000)
    eq([r.value["after"] for r in rows], [{"id": i, "name": f"name of {i}"} for i in range(2000)])
    eq(s.worker.log().count("Going to restart connector after"), 1, "restarts")


@requires(*SERVICES)
@timeout(180)
def test_values_of_many_types(env):
    s = Source(env, {"snapshot.mode": "schema_only"})
    s.sql.table(
        "CREATE TABLE dbo.t (id INT NOT NULL PRIMARY KEY, ti TINYINT, bi BIGINT, de DECIMAL(10,2), mo MONEY, fl FLOAT, re REAL, bt BIT, da DATE, t3 TIME(3),"
        " t7 TIME(7), dt DATETIME, d2 DATETIME2(7), d3 DATETIME2(3), o DATETIMEOFFSET(7), ch CHAR(3), nv NVARCHAR(MAX), vb VARBINARY(20),"
        " g UNIQUEIDENTIFIER, x XML)", "t")
    s.deploy().wait_streaming()
    s.sql.execute(
        "INSERT INTO dbo.t VALUES (1, 255, -9223372036854775808, -1234.56, 6.323, 3.323, 4.5, 1, '2018-07-13', '10:23:45.678', '10:23:45.6789012',"
        " '2018-07-13 13:23:45.780', '2018-07-13 11:23:45.34', '2018-07-13 11:23:45.345', '2018-07-13 12:23:45.456 +11:00', 'cc', N'漢字 ☃ 😀',"
        " 0x010203, '6F9619FF-8B86-D011-B42D-00C04FC964FF', N'<a>b</a>')")
    s.sql.execute("INSERT INTO dbo.t (id) VALUES (2)")
    full, empty = (r.value["after"] for r in s.read("t", 2))
    eq(full, {
        "id": 1, "ti": 255, "bi": -9223372036854775808, "de": "/h3A", "mo": "APb+", "fl": 3.323, "re": 4.5, "bt": True, "da": 17725, "t3": 37425678,
        "t7": 37425678901200, "dt": 1531488225780, "d2": 1531481025340000000, "d3": 1531481025345, "o": "2018-07-13T12:23:45.456+11:00", "ch": "cc ",
        "nv": "漢字 ☃ 😀", "vb": "AQID", "g": "6F9619FF-8B86-D011-B42D-00C04FC964FF", "x": "<a>b</a>",
    })
    eq({k: v for k, v in empty.items() if v is not None}, {"id": 2})


@requires(*SERVICES)
@timeout(180)
def test_a_new_capture_instance_changes_the_schema_in_place(env):
    s = Source(env, {"snapshot.mode": "schema_only"})
    s.sql.table(TABLE.format("a"), "a")
    s.deploy().wait_streaming()
    s.sql.execute("INSERT INTO dbo.a VALUES (1, N'old')", "ALTER TABLE dbo.a ADD note NVARCHAR(20) NULL")
    s.sql.enable_cdc("a", instance="dbo_a_v2")
    s.sql.execute("INSERT INTO dbo.a VALUES (2, N'new', N'n')")
    rows = s.read("a", 2)
    eq(rows[0].value["after"], {"id": 1, "name": "old"})
    eq(rows[1].value["after"], {"id": 2, "name": "new", "note": "n"})
    changes = env.topics.read(s.prefix, count=2, limit=30)
    eq([(c.value["tableChanges"][0]["type"], c.value["ddl"]) for c in changes], [("CREATE", None), ("ALTER", "N/A")])
    eq(len(env.topics.read(f"{s.prefix}-history")), 2)
    s.sql.execute("EXEC sys.sp_cdc_disable_table @source_schema = N'dbo', @source_name = N'a', @capture_instance = N'dbo_a'")
    s.sql.execute("INSERT INTO dbo.a VALUES (3, N'later', NULL)")
    eq(s.read("a", 3)[2].value["after"], {"id": 3, "name": "later", "note": None})


@requires(*SERVICES)
@timeout(120)
def test_a_table_that_is_captured_later(env):
    s = Source(env, {"snapshot.mode": "schema_only"})
    s.sql.table(TABLE.format("a"), "a")
    s.deploy().wait_streaming()
    s.sql.table(TABLE.format("late"), "late")
    s.sql.execute("INSERT INTO dbo.late VALUES (5, N'x')")
    eq([brief(r) for r in s.read("late", 1)], ["c:5"])


@requires(*SERVICES)
@timeout(120)
def test_heartbeats_and_filters(env):
    s = Source(env, {"snapshot.mode": "schema_only", "heartbeat.interval.ms": "200", "table.include.list": "DBO.A", "column.exclude.list": "dbo.a.name",
                     "skipped.operations": "u", "tombstones.on.delete": "false", "include.schema.changes": "false"})
    s.sql.table(TABLE.format("a"), "a")
    s.sql.table(TABLE.format("b"), "b")
    s.deploy().wait_streaming()
    s.sql.transaction("INSERT INTO dbo.b VALUES (1, N'x')", "INSERT INTO dbo.a VALUES (1, N'x')", "UPDATE dbo.a SET name = N'y'", "DELETE FROM dbo.a")
    rows = s.read("a", 2)
    eq([brief(r) for r in rows], ["c:1", "d:1"])
    eq(rows[0].value["after"], {"id": 1})
    beats = env.topics.read(f"__debezium-heartbeat.{s.prefix}", count=2, limit=30)
    eq(beats[0].key, {"serverName": s.prefix})
    eq([env.topics.exists(s.topic("b")), env.topics.exists(s.prefix)], [False, False])


@requires(*SERVICES)
@timeout(120)
def test_validation_in_the_words_users_know(env):
    s = Source(env)

    def errors(**changes):
        config = {k: v for k, v in {**s.config(), "name": s.name, **changes}.items() if v is not None}
        path = "/connector-plugins/io.debezium.connector.sqlserver.SqlServerConnector/config/validate"
        reply = s.rest.call("PUT", path, config).expect(200)
        return {c["value"]["name"]: c["value"]["errors"] for c in reply["configs"] if c["value"]["errors"]}

    eq(errors(), {})
    eq(errors(**{"topic.prefix": None})["topic.prefix"], ["The 'topic.prefix' value is invalid: A value is required"])
    eq(errors(**{"max.batch.size": "abc"})["max.batch.size"], ["The 'max.batch.size' value is invalid: An integer is expected"])
    wrong = errors(**{"database.password": "wrong"})
    eq(list(wrong), ["database.hostname"])
    assert wrong["database.hostname"][0].startswith("Unable to connect. Check this and other connection properties. Error: Login failed for user"), wrong
    assert "wrong" not in str(wrong)
    missing = errors(**{"database.names": "no_such_database"})
    eq(list(missing), ["database.hostname"])
