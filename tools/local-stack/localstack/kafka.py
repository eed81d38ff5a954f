"""Apache Kafka, one KRaft node that is broker and controller."""

import base64
import os
import shutil
import socket
import struct
import subprocess
import uuid

from . import fetch
from .component import Component
from .process import log_tail

LOG4J = """log4j.rootLogger=WARN, out
log4j.appender.out=org.apache.log4j.ConsoleAppender
log4j.appender.out.layout=org.apache.log4j.PatternLayout
log4j.appender.out.layout.ConversionPattern=%d{ISO8601} %p %c{1}: %m%n
"""

JVM = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def kafka_uuid():
    """22 characters of base64url, as Kafka prints its UUIDs; one that begins with '-' would look like an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def answers_api_versions(port, host="127.0.0.1"):
    """True when a broker (not merely a socket) answers: ApiVersions v0, the smallest request there is."""
    request = struct.pack(">hhih5s", 18, 0, 1, 5, b"ready")
    with socket.create_connection((host, port), 1) as s:
        s.settimeout(2)
        s.sendall(struct.pack(">i", len(request)) + request)
        reply = s.recv(10)
    return len(reply) == 10 and struct.unpack(">iih", reply)[1:] == (1, 0)


class Kafka(Component):
    """options: `partitions` (default for created topics), `properties` (dict, wins), `format_args` (list for StorageTool)."""

    name = "kafka"
    port_names = ("kafka", "kafka-controller")

    def env(self):
        return {"KAFKA_BOOTSTRAP": f"127.0.0.1:{self.port}"}

    @property
    def config_file(self):
        return os.path.join(self.dir, "server.properties")

    def properties(self):
        broker, controller = self.ports["kafka"], self.ports["kafka-controller"]
        values = {
            "process.roles": "broker,controller",
            "node.id": 1,
            "controller.quorum.voters": f"1@127.0.0.1:{controller}",
            "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": os.path.join(self.dir, "data"),
            "num.partitions": self.options.get("partitions", 1),
            "offsets.topic.num.partitions": 1,
            "offsets.topic.replication.factor": 1,
            "transaction.state.log.num.partitions": 1,
            "transaction.state.log.replication.factor": 1,
            "transaction.state.log.min.isr": 1,
            "group.initial.rebalance.delay.ms": 0,
            # Tests delete and re-create topics; the default minute would keep their files until long after the end.
            "log.segment.delete.delay.ms": 1000,
            # A broker that was killed may come back when its old session has run out: 9 s by default.
            "broker.session.timeout.ms": 3000,
            "broker.heartbeat.interval.ms": 500,
        }
        values.update(self.options.get("properties", {}))
        return values

    def prepare(self):
        write_properties(self.config_file, self.properties())
        with open(os.path.join(self.dir, "log4j.properties"), "w", encoding="ascii") as f:
            f.write(LOG4J)
        data = os.path.join(self.dir, "data")
        if os.path.exists(os.path.join(data, "meta.properties")):
            return
        if self.options.get("format_args"):
            format_storage(self.config_file, kafka_uuid(), self.options["format_args"])
            return
        # Formatting costs a second JVM start. The result differs only by the two ids, so a cached one is copied.
        shutil.copytree(formatted_storage(), data, dirs_exist_ok=True)
        write_properties(
            os.path.join(data, "meta.properties"),
            {"version": 1, "cluster.id": kafka_uuid(), "node.id": 1, "directory.id": kafka_uuid()},
        )

    def launch(self, extra_jvm=()):
        archive = class_archive(make=False) if not extra_jvm else None
        jvm = JVM + ([f"-XX:SharedArchiveFile={archive}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"] if archive else [])
        self.process.start(
            [fetch.java(), *jvm, *extra_jvm, f"-Dlog4j.configuration=file:{self.dir}/log4j.properties",
             "-cp", fetch.classpath("kafka"), "kafka.Kafka", self.config_file],
            cwd=self.dir,
        )

    def is_ready(self):
        return answers_api_versions(self.port)

    def cli(self, main_class, *args, timeout=60, check=True):
        """One of Kafka's own tools, e.g. cli("org.apache.kafka.tools.TopicCommand", "--list"). Returns what it printed."""
        return run_tool(main_class, "--bootstrap-server", f"127.0.0.1:{self.port}", *args, timeout=timeout, check=check)


def write_properties(path, values):
    with open(path, "w", encoding="utf-8") as f:
        for key, value in values.items():
            f.write(f"{key}={str(value).replace(chr(92), chr(92) * 2)}\n")


def run_tool(main_class, *args, timeout=60, check=True):
    run = subprocess.run(
        [fetch.java(), "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Dlog4j.rootLogger=WARN", "-cp", fetch.classpath("kafka"), main_class, *args],
        capture_output=True, text=True, timeout=timeout,
    )
    if check and run.returncode != 0:
        raise RuntimeError(f"{main_class} {' '.join(args)} failed:\n{run.stdout[-1500:]}{run.stderr[-1500:]}")
    return run.stdout


def format_storage(config_file, cluster_id, extra=()):
    run_tool("kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", config_file, *extra)


def formatted_storage():
    """A cached log directory as StorageTool leaves it."""

    def build(work):
        config = os.path.join(work, "format.properties")
        node = Kafka.__new__(Kafka)
        node.ports, node.options, node.dir = {"kafka": 9092, "kafka-controller": 9093}, {}, work
        write_properties(config, {**node.properties(), "log.dirs": os.path.join(work, "data")})
        format_storage(config, kafka_uuid())
        os.unlink(config)

    key = fetch.file_hash(os.path.join(fetch.paths.PINS, "kafka", "SHA256SUMS"))
    return os.path.join(fetch.once("kafka-formatted", key, build), "data")


def class_archive(make=True):
    """A class-data archive: the broker then starts in about 0.9 s instead of 1.4 s and in 50 MB less. None if not made yet."""
    key = f"{fetch.file_hash(os.path.join(fetch.paths.PINS, 'kafka', 'SHA256SUMS'))}-{fetch.java_key()}"
    path = os.path.join(fetch.paths.cache_dir(), f"kafka-classes-{key}", "broker.jsa")
    if os.path.exists(path) or not make:
        return path if os.path.exists(path) else None

    def build(work):
        from .ports import free_ports

        fetch.say("kafka: making a class archive for fast starts")
        trial = Kafka(os.path.join(work, "trial"), dict(zip(Kafka.port_names, free_ports(2))))
        trial.prepare()
        trial.launch(extra_jvm=[f"-XX:ArchiveClassesAtExit={os.path.join(work, 'broker.jsa')}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"])
        try:
            trial.process.wait_ready(trial.is_ready, 60, "the trial broker to answer")
        finally:
            trial.process.stop(grace=60)
        if not os.path.exists(os.path.join(work, "broker.jsa")):
            raise fetch.FetchError(f"Java made no class archive\n{log_tail(trial.process.log_path)}")
        shutil.rmtree(trial.base_dir)

    fetch.once("kafka-classes", key, build)
    return path
