"""The unmodified Debezium 2.4.2 connector in Apache Kafka's own worker, and connectd, over the same rows of the same server: keys,
values, schemas, headers, partitions, order, schema changes, transaction records and schema history must be equal.

Clock readings (every `ts_ms`) differ by nature. TIME(7) is given in milliseconds here: in a stream Debezium reads it as java.sql.Time,
which drops what is below, while connectd keeps it."""

import json
import os
import sys

from harness import requires, skip, timeout, wait_until
from localstack import fetch
from localstack.clients.rest import Rest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "sim"))
from clients import fetched  # noqa: E402

JSON = "org.apache.kafka.connect.json.JsonConverter"
CUSTOMERS = (
    "CREATE TABLE dbo.customers (id INT PRIMARY KEY IDENTITY(1,1), name NVARCHAR(100) NOT NULL, email NVARCHAR(100) DEFAULT N'none', "
    "created_at DATETIME2 DEFAULT GETDATE(), amount DECIMAL(10,2) DEFAULT 1.50, ok BIT NOT NULL DEFAULT 1)"
)
TYPES = (
    "CREATE TABLE dbo.types (a TINYINT NOT NULL, b BIGINT NOT NULL, c SMALLINT, d REAL, e FLOAT, f MONEY, g SMALLMONEY, h NUMERIC(38,10), "
    "i CHAR(5), j VARCHAR(MAX), k NCHAR(4), l BINARY(4), m VARBINARY(20), n DATE, o TIME(3), p TIME(7), q DATETIME, r SMALLDATETIME, "
    "s DATETIME2(3), t DATETIME2(7), u DATETIMEOFFSET(7), v UNIQUEIDENTIFIER, w XML, x NVARCHAR(MAX), PRIMARY KEY (a,b))"
)
VALUES = (
    "'-1.5', 922337203685477.5807, -214748.3648, 1234567890123456789012345678.0123456789, 'ab', 'long text', N'äö', 0x01020304, 0xDEADBEEF, "
    "'2024-02-29', '23:59:59.999', '23:59:58.123', '2024-01-02T03:04:05.997', '2024-01-02T03:04:00', '2024-01-02T03:04:05.123', "
    "'2024-01-02T03:04:05.1234567', '2024-01-02T03:04:05.1234567 +05:30', '6F9619FF-8B86-D011-B42D-00C04FC964FF', '<a>1</a>', N'☃'"
)
# Of equal length, so that nothing but the name itself changes.
THEIRS, OURS = "jvmside", "natside"


def config(env, sql, prefix):
    e = env.sqlserver.env()
    return {
        "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": prefix,
        "database.hostname": e["SQLSERVER_HOST"], "database.port": str(e["SQLSERVER_PORT"]), "database.user": e["SQLSERVER_USER"],
        "database.password": e["SQLSERVER_PASSWORD"], "database.names": sql.database, "database.encrypt": "false",
        "table.include.list": "dbo.customers,dbo.types", "snapshot.mode": "initial", "poll.interval.ms": "100",
        "schema.history.internal.kafka.bootstrap.servers": env.kafka.env()["KAFKA_BOOTSTRAP"],
        "schema.history.internal.kafka.topic": f"{prefix}-history", "provide.transaction.metadata": "true",
        "key.converter": JSON, "value.converter": JSON,
    }


def clockless(value):
    if isinstance(value, dict):
        return {k: "a clock" if k == "ts_ms" and isinstance(v, int) else clockless(v) for k, v in value.items()}
    return [clockless(v) for v in value] if isinstance(value, list) else value


def records(env, prefix):
    """{topic: [(partition, key, value, headers)]} with the prefix replaced."""

    def read(raw):
        return None if raw is None else clockless(json.loads(raw.decode().replace(prefix, "prefix")))

    return {
        name.replace(prefix, "prefix"): [(r.partition, read(r.raw_key), read(r.raw_value), r.header_list) for r in env.topics.read(name)]
        for name in env.topics.names() if name == prefix or name.startswith((f"{prefix}.", f"{prefix}-"))
    }


def jvm_worker(env):
    """Kafka's own worker with Debezium in its plugin path."""
    try:
        plugins = fetched.debezium_plugins()
    except (fetched.Missing, fetch.FetchError) as e:
        skip(str(e))
    jvm = env.stack["connect-jvm"]
    before = dict(jvm.options)
    jvm.options["properties"] = {**before.get("properties", {}), "plugin.path": plugins}
    env.defer(lambda: (jvm.options.clear(), jvm.options.update(before)))
    env.stack.start("connect-jvm")
    env.defer(jvm.stop)
    return Rest("127.0.0.1", jvm.port)


def count(env, topic):
    return sum(env.topics.end_offsets(topic).values()) if env.topics.partitions(topic) else 0


@requires("kafka", "sqlserver")
@timeout(240)
def test_records_are_those_of_debezium(env):
    sql = env.sql_database()
    sql.table(CUSTOMERS, "customers")
    sql.table(TYPES, "types")
    sql.execute("INSERT INTO dbo.customers (name, email, created_at) VALUES (N'Ada', NULL, '2024-05-06 07:08:09.1234567'), (N'Bob', N'b@x', '2024-01-01')",
                f"INSERT INTO dbo.types VALUES (1, 9223372036854775807, -32768, 1.5, {VALUES}), (2, 0, {', '.join(['NULL'] * 22)})")
    sides = {THEIRS: jvm_worker(env), OURS: env.worker().rest}
    for prefix, rest in sides.items():
        rest.put_config(prefix, config(env, sql, prefix))
        env.defer(rest.delete, prefix)  # the JVM worker is shared with other tests
    for prefix, rest in sides.items():
        rest.wait_running(prefix, limit=90)
        for table in ("customers", "types"):
            topic = f"{prefix}.{sql.database}.dbo.{table}"
            wait_until(lambda t=topic: count(env, t) >= 2, 60, f"the snapshot in {topic}")
    # Both stream once they have sent this row: an update then cannot fall into anybody's snapshot.
    sql.execute("INSERT INTO dbo.customers (name, created_at) VALUES (N'Marker', '2024-02-02')")
    for prefix in sides:
        wait_until(lambda p=prefix: count(env, f"{p}.{sql.database}.dbo.customers") >= 3, 60, f"streaming of {prefix}")
    sql.transaction("INSERT INTO dbo.customers (name, created_at) VALUES (N'Cy', '2024-03-03')", "UPDATE dbo.customers SET name = N'Bobby' WHERE id = 2",
                    "UPDATE dbo.types SET c = 5, x = N'changed' WHERE a = 1")
    sql.transaction("DELETE FROM dbo.customers WHERE id = 1", "UPDATE dbo.types SET a = 3 WHERE a = 2")
    # Two rows, the marker, insert, update, delete and its tombstone; two rows, an update, and a changed key: delete, tombstone, create.
    for prefix in sides:
        wait_until(lambda p=prefix: count(env, f"{p}.{sql.database}.dbo.customers") >= 7, 60, f"the changes of {prefix}")
        wait_until(lambda p=prefix: count(env, f"{p}.{sql.database}.dbo.types") >= 6, 60, f"the changed key of {prefix}")
        # BEGIN and END of the marker's and the first transaction; the last one's END waits for a later event.
        wait_until(lambda p=prefix: count(env, f"{p}.transaction") >= 5, 60, f"the transaction records of {prefix}")
    theirs, ours = records(env, THEIRS), records(env, OURS)
    assert sorted(theirs) == sorted(ours), f"topics {sorted(theirs)} and {sorted(ours)}"
    differences = []
    for topic, want in theirs.items():
        got = ours[topic]
        if len(want) != len(got):
            differences.append(f"{topic}: {len(want)} records and {len(got)}")
        for i, (w, g) in enumerate(zip(want, got)):
            w, g = json.dumps(w), json.dumps(g)  # as text: the order of members counts
            if w != g:
                at = max(0, len(os.path.commonprefix([w, g])) - 120)
                differences.append(f"{topic} record {i}, from character {at}:\n  Debezium {w[at:at + 400]}\n  connectd {g[at:at + 400]}")
    assert not differences, f"{len(differences)} differences:\n" + "\n".join(differences)
