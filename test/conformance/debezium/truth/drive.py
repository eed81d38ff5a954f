"""Runs cases through a Connect worker, whichever it is, and returns what is in Kafka afterwards."""

import json
import os

import pymssql
from localstack.clients.databases import SqlServer as Database
from localstack.ports import free_ports
from localstack.sqlserver import SqlServer
from localstack.waiting import wait_until

from . import corpus
from .case import MARKER

# Where the server's clock stands: a second more with every step.
BEGINNING_MS = 1704164645123
PATIENCE_SECONDS = 120
HISTORY_OF = "-history"


class Server:
    """A stand-in of one's own: its clock is set, and it writes nothing to its log unless a statement does."""

    def __init__(self, directory):
        self.service = SqlServer(directory, {"sqlserver": free_ports(1)[0]}, {"init": False, "args": ["--idle-mapping-ms", "0", "--wake-on-commit"]})

    def __enter__(self):
        self.service.start()
        return self

    def __exit__(self, *_):
        self.service.stop()

    def database(self, name):
        return Database(self.service.env(), name)

    def clock(self, seconds):
        self.database("master").execute(f"EXEC sim.fault @kind = 'clock', @arg = 'at_ms:{BEGINNING_MS + 1000 * seconds}'")

    def run(self, step):
        """One transaction. Its text is in what goes wrong."""
        try:
            database = self.database(step.database)
            # Some statements refuse to be part of a transaction, so a single one is none.
            (database.transaction if len(step.statements) > 1 else database.execute)(*step.statements)
        except pymssql.Error as e:
            raise AssertionError(f"{step.database}: {e}\n  in {step.statements}") from e

    def captured(self, name, count):
        """Position of the last of `count` changes of the marker table, or None as long as there are fewer."""
        rows = self.database(name).query(f"SELECT CONVERT(VARCHAR(20), __$start_lsn, 2) FROM cdc.dbo_{MARKER}_CT WHERE __$operation <> 3 ORDER BY __$start_lsn")
        if len(rows) < count:
            return None
        digits = rows[count - 1][0].lower()
        return f"{digits[:8]}:{digits[8:16]}:{digits[16:]}"


class Run:
    """A batch of cases through one worker.

    rest      the worker; kafka: bootstrap servers; tail: what is in Kafka; offsets: name of the worker's offset topic
    """

    def __init__(self, server, rest, kafka, tail, offsets):
        self.server, self.rest, self.kafka, self.tail, self.offsets_topic = server, rest, kafka, tail, offsets
        self.prefixes = []
        self.failures = {}  # {connector: first line of what went wrong}

    # --- the connectors

    def config(self, case, variant):
        e, prefix = self.server.service.env(), case.prefix(variant)
        return {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": prefix,
            "database.hostname": e["SQLSERVER_HOST"], "database.port": e["SQLSERVER_PORT"], "database.user": e["SQLSERVER_USER"],
            "database.password": e["SQLSERVER_PASSWORD"], "database.names": ",".join(case.databases), "database.encrypt": "false",
            "poll.interval.ms": "50", "schema.history.internal.kafka.bootstrap.servers": self.kafka,
            "schema.history.internal.kafka.topic": prefix + HISTORY_OF,
            **case.variants[variant],
        }

    def offsets(self, name):
        """{raw key: raw value} of a connector's source partitions."""
        return {r.raw_key: r.raw_value for r in self.tail.of(self.offsets_topic) if json.loads(r.raw_key)[0] == name}

    def positions(self, name):
        """{database: offset}"""
        return {json.loads(k)[1]["database"]: json.loads(v) for k, v in self.offsets(name).items()}

    def no_failure(self, name):
        status = self.rest.status(name)
        failed = [s["trace"] for s in [status["connector"], *status["tasks"]] if s["state"] == "FAILED"]
        assert not failed, f"{name} has failed: {failed[0]}"

    def attempt(self, name, action):
        """A connector that fails is a result like any other; the rest of the batch goes on."""
        if name not in self.failures:
            try:
                action()
            except AssertionError as e:
                self.failures[name] = str(e).split("\n", 1)[0]

    def until(self, name, condition, what):
        def ask():
            self.no_failure(name)
            self.tail.look()
            return condition()

        self.attempt(name, lambda: wait_until(ask, PATIENCE_SECONDS, f"{name}: {what}", interval=0.2, detail=lambda: f"positions {self.positions(name)}"))

    def snapshot_taken(self, case, variant):
        """Everything that commits from now on is streamed. Without rows there is no position, but a history, which comes after
        the position has been chosen."""
        name = case.prefix(variant)
        if case.variants[variant].get("snapshot.mode", "initial") == "initial":
            positions = self.positions(name)
            return all(positions.get(d, {}).get("snapshot_completed") or "change_lsn" in positions.get(d, {}) for d in case.databases)
        texts = [r.raw_value.decode() for r in self.tail.of(name + HISTORY_OF)]
        return all(any(f'"databaseName" : "{d}"' in t for t in texts) for d in case.databases)

    # --- the rows

    def prepare(self, case):
        for name in case.databases:
            self.server.database("master").execute(f"CREATE DATABASE [{name}]")
            database = self.server.database(name)
            database.execute("EXEC sys.sp_cdc_enable_db", f"CREATE TABLE dbo.{MARKER} (id INT NOT NULL PRIMARY KEY, seen INT)")
            database.enable_cdc(MARKER, net_changes=0)
        for step in case.setup:
            self.server.run(step)
        self.mark(case, 1)

    def mark(self, case, number, how="insert"):
        """Changes the marker table everywhere. @return {database: position}"""
        positions = {}
        for name in case.databases:
            change = f"INSERT INTO dbo.{MARKER} VALUES ({number}, NULL)" if how == "insert" else f"UPDATE dbo.{MARKER} SET seen = {number}"
            self.server.database(name).execute(change)
            positions[name] = wait_until(lambda n=name: self.server.captured(n, number), 30, f"the capture of {name}")
        return positions

    def delivered(self, case, variant, positions, number):
        """The change of the marker table is in Kafka, and the worker has stored a position that says so."""
        name = case.prefix(variant)
        stored = self.positions(name)
        change = f'"{"id" if case.marker == "insert" else "seen"}":{number}'
        told = [t for t in self.names_of(name) if MARKER in t and any(r.raw_value is not None and change in r.raw_value.decode() for r in self.tail.of(t))]
        return all(stored.get(d, {}).get("commit_lsn") == p for d, p in positions.items()) and len(told) == len(positions)

    def settle(self, case, number):
        positions = self.mark(case, number, case.marker)
        for variant in case.variants:
            self.until(case.prefix(variant), lambda v=variant: self.delivered(case, v, positions, number), f"delivery up to {positions}")

    # --- the whole

    def names_of(self, prefix):
        """Topics of one connector: those whose name holds its prefix, and no other's that is longer."""
        longer = [p for p in self.prefixes if prefix in p and p != prefix]
        return [t for t in self.tail.names() if prefix in t and not any(p in t for p in longer)]

    def batch(self, cases):
        """@return {connector: entries}"""
        self.prefixes = [c.prefix(v) for c in cases for v in c.variants]
        self.server.clock(0)
        for case in cases:
            self.prepare(case)
        every = [(c, v) for c in cases for v in c.variants]
        for case, variant in every:
            self.attempt(case.prefix(variant), lambda c=case, v=variant: self.rest.put_config(c.prefix(v), self.config(c, v)))
        for case, variant in every:
            self.attempt(case.prefix(variant), lambda c=case, v=variant: self.rest.wait_running(c.prefix(v), limit=PATIENCE_SECONDS))
            self.until(case.prefix(variant), lambda c=case, v=variant: self.snapshot_taken(c, v), "the end of its snapshot")
        for number in range(max(len(c.steps) for c in cases)):
            self.server.clock(number + 1)
            for case in cases:
                self.step(case, number)
        self.server.clock(1000)
        for case in cases:
            if case.streams:
                self.settle(case, 2 + sum(s.kind == "settle" for s in case.steps))
        self.tail.look()
        made = {p: corpus.collect(self.tail, self.names_of(p), p, self.offsets(p)) for p in self.prefixes}
        for name in self.rest.connectors():
            self.rest.delete(name)
        return {p: [{"failure": self.failures[p]}] if p in self.failures else made[p] for p in self.prefixes}

    def step(self, case, number):
        if number >= len(case.steps):
            return
        step = case.steps[number]
        if step.kind == "settle":
            self.settle(case, 2 + sum(s.kind == "settle" for s in case.steps[:number]))
        else:
            self.server.run(step)


def server_directory(base, number):
    path = os.path.join(base, f"server{number}")
    os.makedirs(path)
    return path
