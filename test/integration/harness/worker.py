"""A connectd worker under test: its properties file, its process, its REST client."""

import os
import signal

from localstack import paths
from localstack.clients.rest import Rest
from localstack.kafka import write_properties
from localstack.ports import free_ports
from localstack.process import Process, log_tail
from localstack.waiting import wait_until

READY_SECONDS = 40


class Worker:
    """Started by env.worker(); every start() uses the same ports, so a killed worker comes back under its own URL."""

    def __init__(self, env, name, properties, environment, mode="distributed", arguments=()):
        self.name, self.mode, self.arguments = name, mode, list(arguments)
        self.dir = os.path.join(env.dir, name)
        os.makedirs(self.dir, exist_ok=True)
        self.port, self.metrics_port = free_ports(2)
        self.rest = Rest("127.0.0.1", self.port)
        self.properties = {**self.defaults(env), **properties}
        # None takes a default away again.
        self.properties = {k: v for k, v in self.properties.items() if v is not None}
        self.environment = {**os.environ, **env.stack.env(), **environment}
        self.exit_expected = False
        self.process = Process(name, self.dir, os.path.join(self.dir, "connectd.log"))

    def defaults(self, env):
        values = {
            "bootstrap.servers": env.stack["kafka"].env()["KAFKA_BOOTSTRAP"],
            "group.id": f"{env.id}-group",
            "config.storage.topic": f"{env.id}-configs",
            "offset.storage.topic": f"{env.id}-offsets",
            "status.storage.topic": f"{env.id}-status",
            "config.storage.replication.factor": 1,
            "offset.storage.replication.factor": 1,
            "status.storage.replication.factor": 1,
            "offset.storage.partitions": 5,
            "offset.flush.interval.ms": 1000,
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "listeners": f"http://127.0.0.1:{self.port}",
            "rest.advertised.host.name": "127.0.0.1",
            "rest.advertised.port": self.port,
            "plugin.path": paths.build_path("plugins"),
        }
        if "registry" in env.stack.state["started"]:
            values["key.converter.schema.registry.url"] = values["value.converter.schema.registry.url"] = env.registry.url
        return values

    @property
    def binary(self):
        return paths.require_binary("connectd", "make")

    @property
    def log_path(self):
        return self.process.log_path

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def log_tail(self, lines=60):
        return log_tail(self.log_path, lines)

    def start(self, wait=True):
        path = os.path.join(self.dir, "worker.properties")
        write_properties(path, self.properties)
        self.process.start([self.binary, self.mode, path, *self.arguments], env=self.environment, cwd=self.dir)
        if wait:
            self.wait_ready()
        return self

    def wait_ready(self, limit=READY_SECONDS):
        self.process.wait_ready(lambda: self.rest.call("GET", "/connectors").status == 200, limit, f"worker '{self.name}' to serve requests")
        return self

    def run_to_end(self, limit=30):
        """For a worker that must refuse to start: its exit code. Afterwards log() says why."""
        self.exit_expected = True
        self.start(wait=False)
        wait_until(lambda: not self.alive(), limit, f"worker '{self.name}' to end by itself", detail=self.log_tail)
        return self.exit_code()

    def stop(self, grace=30):
        """SIGTERM; True when it left by itself within the grace period."""
        return self.process.stop(grace=grace)

    def kill(self):
        """SIGKILL: nothing is flushed, nothing is said."""
        self.process.kill()

    def pause_process(self):
        """SIGSTOP: alive and silent, like a machine that swaps."""
        self.process.send_signal(signal.SIGSTOP)

    def continue_process(self):
        self.process.send_signal(signal.SIGCONT)

    def alive(self):
        return self.process.alive()

    def exit_code(self):
        return self.process.exit_code()

    def rss_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
