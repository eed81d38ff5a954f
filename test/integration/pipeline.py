"""The users' pipeline in small: both connectors with the settings of configs/connectors/deployed-*.json, under names of one test."""

import json
import os
import threading

from harness import wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVICES = ("kafka", "registry", "postgres", "vault", "sqlserver")


def deployed(name):
    """A configuration as users have it, without its comments."""
    with open(os.path.join(ROOT, "configs", "connectors", f"deployed-{name}.json"), encoding="utf-8") as f:
        document = json.load(f)
    return {"name": document["name"], "config": document["config"]}


def worker_properties(env):
    """What the users' worker has: a vault config provider, offsets flushed often enough for a test."""
    return {
        "config.providers": "vault",
        "config.providers.vault.class": "com.github.jcustenborder.kafka.config.vault.VaultConfigProvider",
        "config.providers.vault.param.vault.address": env.vault.env()["VAULT_ADDR"],
        "config.providers.vault.param.vault.token": env.vault.env()["VAULT_TOKEN"],
        "offset.flush.interval.ms": 500,
    }


class Pipeline:
    """One SQL Server database with tables, one PostgreSQL database, one worker, the two connectors."""

    def __init__(self, env, tables, source=None, sink=None, worker=None):
        self.env, self.tables = env, tables
        self.sql, self.pg = env.sql_database(), env.pg_database()
        self.source_name, self.sink_name = f"{env.id}-source", f"{env.id}-sink"
        self.prefix = env.id.replace("_", "")
        self.source_more, self.sink_more = source or {}, sink or {}
        self.worker = env.worker({**worker_properties(env), **(worker or {})})
        self.rest = self.worker.rest

    def topic(self, table):
        return f"{self.prefix}.{self.sql.database}.dbo.{table}"

    def source_config(self):
        env = self.env
        sql = env.sqlserver.env()
        return {
            **deployed("sqlserver-source")["config"],
            "database.hostname": sql["SQLSERVER_HOST"],
            "database.port": str(sql["SQLSERVER_PORT"]),
            "database.user": "${vault:secret/database:sqlserver_user}",
            "database.password": "${vault:secret/database:sqlserver_password}",
            "database.names": self.sql.database,
            "table.include.list": ",".join(f"dbo.{t}" for t in self.tables),
            "topic.prefix": self.prefix,
            "schema.history.internal.kafka.bootstrap.servers": env.kafka.env()["KAFKA_BOOTSTRAP"],
            "schema.history.internal.kafka.topic": f"{self.prefix}-history",
            "key.converter.schema.registry.url": env.registry.url,
            "value.converter.schema.registry.url": env.registry.url,
            "poll.interval.ms": "50",
            **self.source_more,
        }

    def sink_config(self):
        env = self.env
        return {
            **deployed("postgresql-sink")["config"],
            "tasks.max": "1",
            "connection.url": self.pg.jdbc_url(),
            "topics": ",".join(self.topic(t) for t in self.tables),
            "errors.deadletterqueue.topic.name": f"{env.id}-dlq",
            "key.converter.schema.registry.url": env.registry.url,
            "value.converter.schema.registry.url": env.registry.url,
            "transforms.route.regex": f"{self.prefix}\\.{self.sql.database}\\.dbo\\.(.*)",
            "consumer.override.metadata.max.age.ms": "500",
            **self.sink_more,
        }

    def deploy_source(self, wait=True):
        self.rest.put_config(self.source_name, self.source_config())
        if wait:
            self.rest.wait_running(self.source_name)
        return self

    def deploy_sink(self, wait=True):
        self.rest.put_config(self.sink_name, self.sink_config())
        if wait:
            self.rest.wait_running(self.sink_name, tasks=int(self.sink_config()["tasks.max"]))
        return self

    def deploy(self):
        return self.deploy_source().deploy_sink()

    def wait_streaming(self, table, limit=60):
        """The source has seen a marker row: what follows is streamed and not part of a snapshot."""
        self.sql.execute(f"INSERT INTO dbo.{table} (id, name) VALUES (-1, N'marker')")
        wait_until(lambda: self.env.topics.partitions(self.topic(table)), limit, "the marker's topic")
        wait_until(lambda: any(r.value and (r.value.get("after") or {}).get("id") == -1 for r in self.env.topics.read(self.topic(table))),
                   limit, "the marker row to be streamed")

    # --- the two sides as comparable rows

    def source_rows(self, table, columns="id, name"):
        return sorted(tuple(r) for r in self.sql.query(f"SELECT {columns} FROM dbo.{table}"))

    def target_rows(self, table, columns="id, name"):
        """Rows that are not marked as deleted."""
        return sorted(self.pg.query(f"SELECT {columns} FROM {table} WHERE coalesce(__deleted, 'false') <> 'true'"))

    def wait_equal(self, table, columns="id, name", limit=90):
        want, got = self.source_rows(table, columns), []

        def same():
            got[:] = self.target_rows(table, columns)
            return got == want

        def detail():
            missing, extra = sorted(set(want) - set(got))[:5], sorted(set(got) - set(want))[:5]
            return f"source {len(want)} rows, target {len(got)}; missing {missing}, not in the source {extra}"

        wait_until(same, limit, f"table {table} to be the same on both sides", detail=detail, ignore=(Exception,))


SIMPLE = "CREATE TABLE dbo.{0} (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100), qty INT, price DECIMAL(10,2))"
SIMPLE_PG = "CREATE TABLE {0} (id INTEGER PRIMARY KEY, name VARCHAR(200), qty INTEGER, price NUMERIC(10,2), __deleted VARCHAR(10), __op VARCHAR(10))"


def simple_tables(p, *names):
    """The same small table on both sides."""
    for name in names:
        p.sql.table(SIMPLE.format(name), name)
        p.pg.execute(SIMPLE_PG.format(name))


def insert_rows(sql, table, first, last, chunk=500):
    """Rows first..last in transactions of `chunk`."""
    connection = sql.connect(autocommit=False)
    try:
        cursor = connection.cursor()
        for start in range(first, last + 1, chunk):
            values = ", ".join(f"({i}, N'row {i}', {i % 7}, {i}.25)" for i in range(start, min(start + chunk, last + 1)))
            cursor.execute(f"INSERT INTO dbo.{table} (id, name, qty, price) VALUES {values}")
            connection.commit()
    finally:
        connection.close()


class Background:
    """Runs a function in a thread and raises in join() what it raised."""

    def __init__(self, function, *args):
        self.error = None

        def body():
            try:
                function(*args)
            except Exception as e:  # handed over to join
                self.error = e

        self.thread = threading.Thread(target=body, daemon=True)
        self.thread.start()

    def join(self, limit=120):
        self.thread.join(limit)
        assert not self.thread.is_alive(), "the background writer did not end in time"
        if self.error:
            raise self.error
