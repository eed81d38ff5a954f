"""The unmodified Debezium SQL Server connector in Kafka's own Connect worker reads from the stand-in."""

import json
import tempfile
import time
import urllib.request

import confluent_kafka
import pymssql

from clients import fetched
from localstack import fetch
from localstack.stack import Stack
from localstack.waiting import wait_until
from runner import timeout
from sim import PASSWORD, Skip

DATABASE = "dbz"


def run(sim, *statements, database=DATABASE):
    conn = pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, database=database, autocommit=True)
    cursor = conn.cursor()
    for sql in statements:
        cursor.execute(sql)
    conn.close()


def make_source(sim):
    run(sim, f"CREATE DATABASE {DATABASE}", database="master")
    run(sim, "EXEC sys.sp_cdc_enable_db",
        "CREATE TABLE dbo.customers (id INT PRIMARY KEY IDENTITY(1,1), name NVARCHAR(100) NOT NULL, email NVARCHAR(100), "
        "created_at DATETIME2 DEFAULT GETDATE(), amount DECIMAL(10,2), ok BIT, day DATE, uid UNIQUEIDENTIFIER)",
        "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'customers', @role_name = NULL, @supports_net_changes = 1",
        "INSERT INTO dbo.customers (name, email, amount, ok, day, uid) VALUES (N'Ada', N'a@x', 12.34, 1, '2024-01-02', "
        "'6F9619FF-8B86-D011-B42D-00C04FC964FF'), (N'Bob', NULL, NULL, NULL, NULL, NULL)")


class Worker:
    """Kafka and the worker, and what is needed of their interfaces."""

    def __init__(self, stack):
        self.url = stack["connect-jvm"].url
        self.kafka = f"127.0.0.1:{stack['kafka'].ports['kafka']}"

    def create(self, sim, name, mode):
        config = {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": name,
            "database.hostname": "127.0.0.1", "database.port": str(sim.port), "database.user": "sa", "database.password": PASSWORD,
            "database.names": DATABASE, "database.encrypt": "false", "table.include.list": "dbo.customers", "snapshot.mode": mode,
            "schema.history.internal.kafka.bootstrap.servers": self.kafka, "schema.history.internal.kafka.topic": f"history-{name}",
            "poll.interval.ms": "100", "decimal.handling.mode": "string",
        }
        request = urllib.request.Request(self.url + "/connectors", json.dumps({"name": name, "config": config}).encode(), {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30):
            pass

    def running(self, name):
        with urllib.request.urlopen(f"{self.url}/connectors/{name}/status", timeout=10) as reply:
            tasks = json.load(reply)["tasks"]
        assert not tasks or tasks[0]["state"] != "FAILED", tasks[0]["trace"]
        return bool(tasks) and tasks[0]["state"] == "RUNNING"

    def streams(self, name):
        """It has written its schema history, which is the last step of a snapshot without rows."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.kafka, "group.id": "look"})
        try:
            low, high = consumer.get_watermark_offsets(confluent_kafka.TopicPartition(f"history-{name}", 0), timeout=5)
            return high > low and self.running(name)
        except confluent_kafka.KafkaException:
            return False
        finally:
            consumer.close()

    def topic(self, name, count):
        """The first `count` records of a topic as (op, before, after)."""
        consumer = confluent_kafka.Consumer({"bootstrap.servers": self.kafka, "group.id": f"{name}-{time.time()}", "auto.offset.reset": "earliest"})
        consumer.subscribe([name])
        got = []

        def enough():
            message = consumer.poll(0.2)
            if message is not None and message.error() is None and message.value() is not None:
                value = json.loads(message.value())
                got.append((value["op"], value["before"], value["after"]))
            return len(got) >= count

        wait_until(enough, 60, f"{count} records of {name}", interval=0, detail=lambda: f"there are {got}")
        consumer.close()
        return got


@timeout(280)
def test_snapshots_and_streaming(sim):
    try:
        plugins = fetched.debezium_plugins()
    except (fetched.Missing, fetch.FetchError) as e:
        raise Skip(str(e)) from e
    make_source(sim)
    converters = {f"{side}.converter.schemas.enable": "false" for side in ("key", "value")}
    with Stack(tempfile.mkdtemp(prefix="sim-debezium-"), options={"connect-jvm": {"properties": {"plugin.path": plugins, **converters}}}) as stack:
        stack.start("kafka", "connect-jvm")
        worker = Worker(stack)
        for name, mode in (("all", "initial"), ("changes", "schema_only")):
            worker.create(sim, name, mode)
        snapshot = worker.topic(f"all.{DATABASE}.dbo.customers", 2)
        assert [op for op, _, _ in snapshot] == ["r", "r"]
        ada = snapshot[0][2]
        assert (ada["name"], ada["amount"], ada["ok"], ada["day"], ada["uid"]) == ("Ada", "12.34", True, 19724, "6F9619FF-8B86-D011-B42D-00C04FC964FF")
        assert snapshot[1][2]["email"] is None and snapshot[1][2]["amount"] is None
        wait_until(lambda: worker.running("changes"), 60, "the second connector")
        wait_until(lambda: worker.streams("changes"), 60, "the second connector's streaming")
        run(sim, "INSERT INTO dbo.customers (name, email) VALUES (N'Cy', N'c@x')", "UPDATE dbo.customers SET name = N'Bobby' WHERE id = 2",
            "DELETE FROM dbo.customers WHERE id = 1")
        for name, skip in (("all", 2), ("changes", 0)):
            create, update, delete = worker.topic(f"{name}.{DATABASE}.dbo.customers", skip + 3)[skip:]
            assert (create[0], create[2]["name"]) == ("c", "Cy")
            assert (update[0], update[1]["name"], update[2]["name"]) == ("u", "Bob", "Bobby")
            assert (delete[0], delete[1]["amount"], delete[2]) == ("d", "12.34", None)
            assert worker.running(name)
    with open(f"{sim.dir}/data/unknown.sql", "a+", encoding="utf-8") as f:
        f.seek(0)
        assert DATABASE not in f.read(), "a statement of the connector was refused"
