#!/usr/bin/env python3
"""make bench: figures of docs/performance.md, measured anew. Every ratio is taken within this run, against the bare library
that does the same work, so that a slower machine or a busy neighbour does not matter much.

usage: run.py [codec] [sink] [source] [worker] [instructions]      default: all
Results are printed and written to build/bench/results.json."""
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, "tools", "local-stack"), os.path.join(ROOT, "test", "integration")]

from localstack import fetch  # noqa: E402

fetch.reexec_in_venv()

from localstack import paths  # noqa: E402
from localstack.clients.databases import SqlServer  # noqa: E402
from localstack.clients.rest import Rest  # noqa: E402
from localstack.kafka import write_properties  # noqa: E402
from localstack.ports import free_ports  # noqa: E402
from localstack.process import Process  # noqa: E402
from localstack.stack import Stack  # noqa: E402
from localstack.waiting import wait_until  # noqa: E402

SOURCE_ROWS = int(os.environ.get("BENCH_SOURCE_ROWS", "200000"))
SINK_ROWS = int(os.environ.get("BENCH_SINK_ROWS", "1000000"))


def program(name):
    return paths.build_path(f"bench/{name}")


class Results:
    def __init__(self):
        self.values = {}

    def add(self, name, value, unit):
        self.values[name] = {"value": value, "unit": unit}
        print(f"  {name:34} {value:>14,.3f} {unit}", flush=True)

    def parse(self, text):
        """Lines of "name value unit" that the programs print."""
        for line in text.splitlines():
            m = re.match(r"^([a-z][\w.]*) ([\d.]+) (.+)$", line)
            if m:
                self.add(m.group(1), float(m.group(2)), m.group(3))


def bench_codec(results, _stack):
    results.parse(subprocess.check_output([program("codec")], text=True))


def bench_instructions(results, _stack):
    """Instructions per record of each codec stage, by callgrind: the same number on a loaded machine."""
    with tempfile.TemporaryDirectory() as tmp:
        counts = {}
        for records in (2000, 12000):
            out = os.path.join(tmp, f"cg.{records}")
            for stage in ("avro_encode", "avro_decode", "unwrap"):
                subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", program("codec"), stage, str(records)],
                               check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                with open(out, encoding="ascii") as f:
                    total = next(int(line.split()[1]) for line in f if line.startswith(("summary:", "totals:")))
                counts[stage, records] = total
        for stage in ("avro_encode", "avro_decode", "unwrap"):
            results.add(f"{stage}_instructions", (counts[stage, 12000] - counts[stage, 2000]) / 10000, "per record")


def bench_sink(results, stack):
    stack.start("postgres")
    e = stack["postgres"].env()
    dsn = f"host={e['POSTGRES_HOST']} port={e['POSTGRES_PORT']} user={e['POSTGRES_USER']} dbname={e['POSTGRES_DB']}"
    text = subprocess.check_output([program("postgres_sink"), paths.build_path("plugins/postgres.so"), dsn], text=True,
                                   env={**os.environ, "PGPASSWORD": e["POSTGRES_PASSWORD"]})
    results.parse(text)


def fill(sql, table, rows):
    connection = sql.connect(autocommit=False)
    cursor = connection.cursor()
    for start in range(1, rows + 1, 1000):
        values = ", ".join(f"({i}, N'customer number {i}', N'c{i}@example.org', {i % 100000}.25, '2025-11-21T10:00:00.1234567')"
                           for i in range(start, min(start + 1000, rows + 1)))
        cursor.execute(f"INSERT INTO dbo.{table} (id, name, email, amount, created_at) VALUES {values}")
        connection.commit()
    connection.close()


def bench_source(results, stack):
    stack.start("kafka", "sqlserver")
    e = stack["sqlserver"].env()
    sql = SqlServer(e, "bench")
    SqlServer(e, "master").execute("CREATE DATABASE bench")
    sql.execute("EXEC sys.sp_cdc_enable_db")
    sql.table("CREATE TABLE dbo.rows (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100), email NVARCHAR(100), amount DECIMAL(10,2), created_at DATETIME2)", "rows")
    command = [program("sqlserver_source"), paths.build_path("plugins/sqlserver.so"), e["SQLSERVER_HOST"], str(e["SQLSERVER_PORT"]),
               e["SQLSERVER_USER"], "bench", "dbo.rows", str(SOURCE_ROWS), stack["kafka"].env()["KAFKA_BOOTSTRAP"]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          env={**os.environ, "BENCH_PASSWORD": e["SQLSERVER_PASSWORD"]}) as p:
        for line in p.stdout:
            if line == "ready\n":
                fill(sql, "rows", SOURCE_ROWS)
                wait_until(lambda: sql.one("SELECT COUNT(*) FROM cdc.dbo_rows_CT") >= SOURCE_ROWS, 300, "the rows to be captured")
                p.stdin.write("\n")
                p.stdin.flush()
            results.parse(line)
    if p.returncode != 0:
        raise RuntimeError("bench_sqlserver_source failed; see above")


class BenchWorker:
    """A release worker whose memory and CPU are read from /proc."""

    def __init__(self, stack, directory):
        self.port = free_ports(1)[0]
        self.rest = Rest("127.0.0.1", self.port)
        self.process = Process("connectd", directory, os.path.join(directory, "connectd.log"))
        self.path = os.path.join(directory, "worker.properties")
        registry = stack["registry"].url
        write_properties(self.path, {
            "bootstrap.servers": stack["kafka"].env()["KAFKA_BOOTSTRAP"], "group.id": "bench",
            "config.storage.topic": "bench-configs", "offset.storage.topic": "bench-offsets", "status.storage.topic": "bench-status",
            "config.storage.replication.factor": 1, "offset.storage.replication.factor": 1, "status.storage.replication.factor": 1,
            "key.converter": "io.confluent.connect.avro.AvroConverter", "key.converter.schema.registry.url": registry,
            "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": registry,
            "listeners": f"http://127.0.0.1:{self.port}", "plugin.path": paths.build_path("plugins"),
        })

    def start(self):
        """@return seconds from exec to the first answer of GET /connectors"""
        begin = time.monotonic()
        self.process.start([paths.require_binary("connectd", "make"), "distributed", self.path])
        wait_until(self.answers, 30, "the worker to answer", interval=0.002)
        return time.monotonic() - begin

    def answers(self):
        try:
            return self.rest.call("GET", "/connectors").status == 200
        except OSError:
            return False

    def rss_mb(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.stop(grace=30)


SCHEMA = {"type": "record", "name": "Customer", "fields": [
    {"name": "id", "type": "int"}, {"name": "name", "type": "string"}, {"name": "email", "type": ["null", "string"], "default": None},
    {"name": "amount", "type": {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}}, {"name": "created_at", "type": "long"}]}


def produce_rows(stack, topic, rows):
    """The records of the sink run: one schema, as ExtractNewRecordState leaves them."""
    import decimal
    import fastavro
    import io
    from localstack.clients.topics import Topics
    topics = Topics(stack["kafka"].env()["KAFKA_BOOTSTRAP"], stack["registry"].url)
    topics.create(topic, partitions=1)
    head = topics.avro(f"{topic}-value", SCHEMA, {"id": 0, "name": "", "email": None, "amount": decimal.Decimal("0.00"), "created_at": 0})[:5]
    parsed = fastavro.parse_schema(SCHEMA)
    producer = topics.producer(**{"queue.buffering.max.messages": 1000000, "linger.ms": 50, "compression.type": "lz4"})
    for i in range(rows):
        b = io.BytesIO()
        b.write(head)
        fastavro.schemaless_writer(b, parsed, {"id": i, "name": f"customer number {i}", "email": f"c{i}@example.org",
                                               "amount": decimal.Decimal(i % 100000) + decimal.Decimal("0.25"), "created_at": 1700000000000000000 + i})
        while True:
            try:
                producer.produce(topic, b.getvalue(), partition=0)
                break
            except BufferError:
                producer.poll(0.1)
        if i % 10000 == 0:
            producer.poll(0)
    producer.flush(120)


def bench_worker(results, stack):
    from localstack.clients.databases import Postgres
    stack.start("kafka", "registry", "postgres")
    with tempfile.TemporaryDirectory() as tmp:
        worker = BenchWorker(stack, tmp)
        worker.start()  # makes the internal topics
        worker.stop()
        starts = []
        for _ in range(5):
            starts.append(worker.start() * 1000)
            idle = worker.rss_mb()
            worker.stop()
        results.add("start_to_rest", statistics.median(starts), "ms")
        results.add("rss_idle", idle, "MB")

        produce_rows(stack, "bench_rows", SINK_ROWS)
        e = stack["postgres"].env()
        pg = Postgres(e, e["POSTGRES_DB"])
        pg.execute("DROP TABLE IF EXISTS bench_rows")
        pg.execute("CREATE TABLE bench_rows (id INTEGER PRIMARY KEY, name VARCHAR(200), email VARCHAR(200), amount NUMERIC(10,2), created_at BIGINT)")
        worker.start()
        cpu, begin, peak = worker.cpu(), time.monotonic(), []
        worker.rest.put_config("bench-sink", {
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "topics": "bench_rows", "connection.url": pg.jdbc_url(),
            "connection.user": e["POSTGRES_USER"], "connection.password": e["POSTGRES_PASSWORD"], "insert.mode": "upsert",
            "pk.mode": "record_value", "pk.fields": "id", "batch.size": "3000", "auto.create": "false",
            "key.converter": "org.apache.kafka.connect.storage.StringConverter"})

        def done():
            peak.append(worker.rss_mb())
            return pg.one("SELECT count(*) FROM bench_rows") >= SINK_ROWS

        wait_until(done, 600, "all rows in PostgreSQL", interval=0.05)
        took = time.monotonic() - begin
        results.add("sink_through_worker", SINK_ROWS / took, "rows/s")
        results.add("sink_worker_cpu", (worker.cpu() - cpu) / SINK_ROWS * 1e6, "s/million")
        results.add("rss_under_load", max(peak), "MB")
        worker.stop()


PARTS = {"codec": bench_codec, "sink": bench_sink, "source": bench_source, "worker": bench_worker, "instructions": bench_instructions}


def main():
    wanted = sys.argv[1:] or list(PARTS)
    results = Results()
    failed = 0
    with tempfile.TemporaryDirectory(prefix="connectd-bench-") as tmp:
        stack = Stack(tmp)
        try:
            for name in wanted:
                print(f"== {name}", flush=True)
                try:
                    PARTS[name](results, stack)
                except Exception as e:  # one part's failure must not hide the others' figures
                    failed += 1
                    print(f"  {name} failed: {e}", flush=True)
        finally:
            stack.down()
    os.makedirs(os.path.join(ROOT, "build", "bench"), exist_ok=True)
    with open(os.path.join(ROOT, "build", "bench", "results.json"), "w", encoding="ascii") as f:
        json.dump(results.values, f, indent=1)
    print(f"{len(results.values)} figures in build/bench/results.json")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
