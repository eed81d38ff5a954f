"""Apache Kafka's own Connect worker with its FileStream connectors: the reference that scripts and tests are held against."""

import os

from . import fetch
from .component import Component, http
from .kafka import LOG4J, write_properties


class JvmWorker(Component):
    """options: `properties` (dict, wins over the defaults)."""

    name = "connect-jvm"
    port_names = ("connect",)
    start_timeout = 120

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def env(self):
        return {"KAFKA_CONNECT_URL": self.url}

    def prepare(self):
        values = {
            "bootstrap.servers": f"127.0.0.1:{self.ports['kafka']}",
            "group.id": "connect-cluster",
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "config.storage.topic": "connect-configs",
            "offset.storage.topic": "connect-offsets",
            "status.storage.topic": "connect-status",
            "config.storage.replication.factor": 1,
            "offset.storage.replication.factor": 1,
            "status.storage.replication.factor": 1,
            "offset.flush.interval.ms": 1000,
            "listeners": self.url,
            "rest.advertised.host.name": "127.0.0.1",
            "rest.advertised.port": self.port,
            "plugin.discovery": "only_scan",
            "plugin.path": self.plugin_path(),
        }
        values.update(self.options.get("properties", {}))
        write_properties(os.path.join(self.dir, "worker.properties"), values)
        with open(os.path.join(self.dir, "log4j.properties"), "w", encoding="ascii") as f:
            f.write(LOG4J)

    def plugin_path(self):
        """FileStream connectors are a plugin, and since 3.2 no longer on the worker's own class path."""
        folder = os.path.join(self.dir, "plugins", "file")
        os.makedirs(folder, exist_ok=True)
        source = fetch.maven_set("connect")
        jar = next(f for f in os.listdir(source) if f.startswith("connect-file-"))
        if not os.path.exists(os.path.join(folder, jar)):
            os.symlink(os.path.join(source, jar), os.path.join(folder, jar))
        return os.path.dirname(folder)

    def launch(self):
        jars = ":".join(j for j in fetch.classpath("connect", "kafka").split(":") if "/connect-file-" not in j)
        self.process.start(
            [fetch.java(), "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
             f"-Dlog4j.configuration=file:{self.dir}/log4j.properties", "-cp", jars,
             "org.apache.kafka.connect.cli.ConnectDistributed", os.path.join(self.dir, "worker.properties")],
            cwd=self.dir,
        )

    def is_ready(self):
        return http("GET", self.url + "/connectors")[0] == 200
