"""The unmodified Debezium connector in Kafka's own Connect worker: one broker, one worker for each version, shared by all tests."""

import collections
import contextlib
import functools
import json
import os
import tempfile

import confluent_kafka
import pymssql

from clients import fetched
from dbz_log import Log, unexplained
from localstack import fetch
from localstack.clients.rest import Rest
from localstack.jvmworker import JvmWorker
from localstack.ports import free_ports
from localstack.stack import Stack
from localstack.waiting import wait_until
from runner import timeout, variants
from sim import PASSWORD, Sim, Skip

VERSIONS = ("2.4.2", "3.6.1")
LIMIT = 60

# The start of a stream is told by no record, so this one class of Debezium may say what it does.
LOG4J = """log4j.rootLogger=WARN, out
log4j.logger.io.debezium.pipeline.ChangeEventSourceCoordinator=INFO
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1} <%t>: %m%n
"""

Record = collections.namedtuple("Record", "key value headers")


class DebeziumWorker(JvmWorker):
    """A worker whose plugin path holds one version of the connector."""

    def __init__(self, version, base_dir, ports):
        self.name = f"connect-{version}"
        self.version = version
        super().__init__(base_dir, ports, {"properties": {
            "group.id": self.name, "config.storage.topic": f"{self.name}-configs", "offset.storage.topic": f"{self.name}-offsets",
            "status.storage.topic": f"{self.name}-status", "plugin.path": fetched.debezium_plugins(version), "offset.flush.interval.ms": 200,
            "key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false",
            # A worker that was killed comes back at once; the group must neither wait for the dead one nor hold back its tasks.
            "session.timeout.ms": 4000, "heartbeat.interval.ms": 500, "scheduled.rebalance.max.delay.ms": 0,
            # On a busy machine a task may take longer than the default 5 s to end, and the worker would complain.
            "task.shutdown.graceful.timeout.ms": 30000,
        }})
        self.log = Log(self.process.log_path)
        self.rest = Rest("127.0.0.1", self.port)

    def prepare(self):
        super().prepare()
        with open(os.path.join(self.dir, "log4j.properties"), "w", encoding="ascii") as f:
            f.write(LOG4J)

    def kill_and_start(self):
        """kill -9, and a new one in its place. @return the position in the log where the new one begins"""
        self.kill()
        since = self.log.end()
        self.start()
        return since


class Fleet:
    """The broker and the workers that were asked for so far."""

    def __init__(self):
        self.stack = Stack(tempfile.mkdtemp(prefix="sim-debezium-"), options={"kafka": {"properties": {"group.min.session.timeout.ms": 1000}}})
        self.stack.start("kafka")
        self.kafka = f"127.0.0.1:{self.stack['kafka'].port}"
        self.workers = {}

    def worker(self, version):
        if version not in self.workers:
            ports = {"kafka": self.stack["kafka"].port, "connect": free_ports(1)[0]}
            self.workers[version] = DebeziumWorker(version, self.stack.dir, ports)
        return self.workers[version].start()

    def close(self):
        for worker in self.workers.values():
            worker.stop()
        self.stack.down()


class Database:
    """A database of the stand-in with change data capture, for one test."""

    def __init__(self, sim, name):
        self.sim, self.name = sim, name
        self._run("master", f"CREATE DATABASE [{name}]")
        self.run("EXEC sys.sp_cdc_enable_db")

    def _run(self, database, *statements, rows=False):
        conn = pymssql.connect(server="127.0.0.1", port=str(self.sim.port), user="sa", password=PASSWORD, database=database, autocommit=True)
        try:
            cursor = conn.cursor()
            for sql in statements:
                cursor.execute(sql)
            return cursor.fetchall() if rows else None
        finally:
            conn.close()

    def run(self, *statements):
        """One after the other, each in its own transaction."""
        self._run(self.name, *statements)

    def transaction(self, *statements):
        self._run(self.name, "BEGIN TRAN", *statements, "COMMIT TRAN")

    @contextlib.contextmanager
    def open_transaction(self, *statements):
        """What they lock stays locked for the body; then it is committed."""
        conn = pymssql.connect(server="127.0.0.1", port=str(self.sim.port), user="sa", password=PASSWORD, database=self.name)
        try:
            cursor = conn.cursor()
            for sql in statements:
                cursor.execute(sql)
            yield
            conn.commit()
        finally:
            conn.close()

    def rows(self, sql):
        return self._run(self.name, sql, rows=True)

    def table(self, name, columns, rows=()):
        self.run(f"CREATE TABLE dbo.{name} ({columns})")
        self.capture(name)
        if rows:
            self.run(f"INSERT INTO dbo.{name} VALUES {', '.join(rows)}")

    def capture(self, table, instance=None):
        self.run(f"EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'{table}', @role_name = NULL, "
                 f"@capture_instance = N'{instance or 'dbo_' + table}'")

    def captured(self):
        """Waits until everything that is committed can be read from the change tables."""
        self.run("EXEC sys.sp_cdc_scan")

    def fault(self, kind, **arguments):
        text = "".join(f", @{k} = " + (str(v) if isinstance(v, int) else f"N'{v}'") for k, v in arguments.items())
        self.run(f"EXEC sim.fault @kind = N'{kind}'{text}")

    def clear_faults(self):
        self._run("master", "EXEC sim.fault_clear")

    def hits(self, match=""):
        """How often the armed faults have struck; with a text only those that match on it."""
        return sum(row[1] for row in self._run("master", "SELECT match, hits FROM sim.faults", rows=True) if match in row[0])

    def until_hit(self, count=1, match=""):
        wait_until(lambda: self.hits(match) >= count, LIMIT, f"{count} hits of the faults armed {match}", interval=0.02)

    def error_of(self, sql):
        """The number of the error that this statement ends with, or None."""
        try:
            self.run(sql)
            return None
        except pymssql.Error as e:
            return e.args[0]


class Source:
    """One connector that reads a database, and the records that it has written."""

    def __init__(self, case, name, config):
        self.case, self.name, self.config = case, name, config
        self.worker = case.worker
        self._consumers, self._seen = {}, collections.defaultdict(list)
        self.since = self.worker.log.end()

    def create(self):
        self.since = self.worker.log.end()
        self.worker.rest.put_config(self.name, self.config)
        return self

    def delete(self):
        self.worker.rest.delete(self.name)
        status = f"/connectors/{self.name}/status"
        wait_until(lambda: self.worker.rest.call("GET", status).status == 404, LIMIT, f"{self.name} to be gone", interval=0.02)

    def stop(self):
        """No task runs any more; the offsets stay."""
        self.worker.rest.stop(self.name)
        self.worker.rest.wait_status(self.name, lambda s: s["connector"]["state"] == "STOPPED" and not s["tasks"], LIMIT, "to be stopped")

    def resume(self):
        self.since = self.worker.log.end()
        self.worker.rest.resume(self.name)

    def configure(self, **config):
        self.config.update({k.replace("_", "."): str(v) for k, v in config.items()})
        self.worker.rest.put_config(self.name, self.config)

    def until_failed(self):
        """@return the trace of the failed task"""
        status = self.worker.rest.wait_task_state(self.name, "FAILED", limit=LIMIT)
        return status["tasks"][0]["trace"]

    def forget(self):
        for consumer in self._consumers.values():
            consumer.close()

    def running(self):
        self.worker.rest.wait_running(self.name, limit=LIMIT)
        return self

    def streaming(self, since=None):
        """The snapshot, if any, is over: what is committed from now on comes as a change. since: a position in the worker's log"""
        self.worker.log.wait(f"-{self.name}-change-event-source-coordinator>: Connected metrics set to 'true'", self.since if since is None else since, LIMIT, self.failed)
        return self

    def failed(self):
        """Ends a wait at once when the task has failed; to be called as a detail-giver of waits."""
        answer = self.worker.rest.call("GET", f"/connectors/{self.name}/status")
        states = [] if answer.status != 200 else [answer.json["connector"], *answer.json["tasks"]]
        for state in states:
            if state["state"] == "FAILED":
                raise AssertionError(f"{self.name} has failed: {state.get('trace', '')[-3000:]}")

    # --- records

    def topic(self, table):
        return f"{self.name}.{self.case.db.name}.dbo.{table}"

    def _more(self, topic):
        """One more record of the topic in _seen, if there is one within a moment."""
        if topic not in self._consumers:
            consumer = confluent_kafka.Consumer({
                "bootstrap.servers": self.case.fleet.kafka, "group.id": "look", "enable.auto.commit": False, "auto.offset.reset": "earliest",
                "log_level": 2, "fetch.wait.max.ms": 20, "topic.metadata.refresh.interval.ms": 500})
            if topic not in consumer.list_topics(timeout=10).topics:
                consumer.close()
                return False
            consumer.assign([confluent_kafka.TopicPartition(topic, 0, confluent_kafka.OFFSET_BEGINNING)])
            self._consumers[topic] = consumer
        message = self._consumers[topic].poll(0.05)
        if message is None or message.error() is not None:
            return False
        parsed = [None if raw is None else json.loads(raw) for raw in (message.key(), message.value())]
        self._seen[topic].append(Record(*parsed, dict(message.headers() or [])))
        return True

    def until(self, topic, condition, what):
        """Reads on until condition(all records of the topic so far) holds. @return all records so far"""
        seen, turns = self._seen[topic], [0]

        def check():
            turns[0] += 1
            if turns[0] % 20 == 0:
                self.failed()
            return condition(seen) or (self._more(topic) and condition(seen))

        wait_until(check, LIMIT, what, interval=0,
                   detail=lambda: f"{len(seen)} records of {topic}: {[r.value for r in seen[-8:]]}\n{self.worker.log.text(self.since)[-3000:]}")
        return list(seen)

    def records(self, table, count):
        """The first `count` change records of a table, tombstones left out, once they are there."""
        topic = self.topic(table)

        def changes(seen):
            return [r for r in seen if r.value is not None]

        return changes(self.until(topic, lambda seen: len(changes(seen)) >= count, f"{count} changes in {topic}"))

    def changes(self, table, count):
        """The same as (op, before, after)."""
        return [(r.value["op"], r.value["before"], r.value["after"]) for r in self.records(table, count)]

    def so_far(self, table):
        """How many changes there are by now."""
        topic = self.topic(table)
        while self._more(topic):
            pass
        return len([r for r in self._seen[topic] if r.value is not None])

    def until_row(self, table, key):
        """Reads up to a change of the row with this id. @return all changes so far as (op, id)"""
        topic = self.topic(table)
        seen = self.until(topic, lambda seen: bool(seen) and seen[-1].key == {"id": key}, f"row {key} in {topic}")
        return [(r.value["op"], r.key["id"]) for r in seen if r.value is not None]


class Case:
    """What one test has: its database and its connectors on the shared worker of one version."""

    def __init__(self, sim, version, name):
        try:
            self.fleet = sim.shared(Fleet)
            self.worker = self.fleet.worker(version)
        except (fetched.Missing, fetch.FetchError) as e:
            raise Skip(str(e)) from e
        self.sim, self.version = sim, version
        self.name = f"{name}-{version.replace('.', '')}"
        self.db = Database(sim, self.name.replace("-", "_"))
        self.log_start = self.worker.log.end()
        self.sources = []

    @property
    def since_3(self):
        return not self.version.startswith("2.")

    def source(self, tables, label="s", **config):
        """A connector over these tables, created but not awaited. Underscores in the names of settings stand for dots."""
        name = f"{self.name}-{label}"
        settings = {
            "connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1", "topic.prefix": name,
            "database.hostname": "127.0.0.1", "database.port": str(self.sim.port), "database.user": "sa", "database.password": PASSWORD,
            "database.names": self.db.name, "database.encrypt": "false", "table.include.list": ",".join(f"dbo.{t}" for t in tables),
            "schema.history.internal.kafka.bootstrap.servers": self.fleet.kafka, "schema.history.internal.kafka.topic": f"{name}-history",
            "poll.interval.ms": "50", "retriable.restart.connector.wait.ms": "300", "decimal.handling.mode": "string",
        }
        settings.update({k.replace("_", "."): str(v) for k, v in config.items()})
        source = Source(self, name, settings)
        self.sources.append(source)
        return source.create()

    @contextlib.contextmanager
    def own_server(self):
        """For the body there is a stand-in that only this test uses, always on the same port, and `db` is in it."""
        shared = self.sim, self.db
        with Sim("--listen", f"127.0.0.1:{free_ports(1)[0]}") as self.sim:
            self.db = Database(self.sim, self.db.name)
            try:
                yield self.sim
                unexplained(self.refused(), ())
            finally:
                self.end()
                self.sim, self.db = shared

    def refused(self):
        """What the stand-in did not do for the connector, as "REFUSED Msg NUMBER TEXT"."""
        with open(f"{self.sim.dir}/data/unknown.sql", "a+", encoding="utf-8") as f:
            f.seek(0)
            entries = f.read().split("-- spid ")
        return ["REFUSED " + e.split(": ", 1)[1] for e in entries if "JDBC Driver" in e.split("\n")[0] and f"[{self.db.name}]" in e]

    def end(self):
        while self.sources:
            source = self.sources.pop()
            source.delete()
            source.forget()


def debezium(seconds, *explained):
    """Decorator of test_name(case): it runs once for each version, and what the worker says as WARN or ERROR and the stand-in
    refuses meanwhile must be in dbz_log.ALWAYS or in one of the named lists of dbz_log.EXPLAINED."""

    def mark(function):
        @timeout(seconds)
        @variants(*VERSIONS)
        @functools.wraps(function)
        def test(sim, version):
            case = Case(sim, version, function.__name__.removeprefix("test_").replace("_", "-"))
            try:
                function(case)
            finally:
                case.db.clear_faults()
                case.end()
            unexplained(case.worker.log.problems(case.log_start) + case.refused(), explained)

        return test

    return mark
