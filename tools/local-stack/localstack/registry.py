"""Apicurio Registry behind nginx, so that it looks like a Confluent Schema Registry: same paths, same media type.

Apicurio serves the Confluent API under /apis/ccompat/v7; clients want it at the root. The native API (which Apicurio's own
Java converter speaks) stays reachable under /apis/.
"""

import os

from . import fetch
from .component import Component, http

JVM = ["-Xmx160m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]

NGINX = """daemon off;
master_process off;
pid {dir}/nginx.pid;
error_log stderr warn;
worker_processes 1;
{user}
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_max_body_size 16m;
    client_body_buffer_size 16m;
    client_body_temp_path {dir}/tmp-body;
    proxy_temp_path {dir}/tmp-proxy;
    fastcgi_temp_path {dir}/tmp-fastcgi;
    uwsgi_temp_path {dir}/tmp-uwsgi;
    scgi_temp_path {dir}/tmp-scgi;
    server {{
        listen 127.0.0.1:{port};
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        location /apis/ {{ proxy_pass http://127.0.0.1:{native}; }}
        location / {{
            # With a variable the path goes through as it came: subjects may hold encoded slashes.
            proxy_pass http://127.0.0.1:{native}/apis/ccompat/v7$request_uri;
            proxy_hide_header Content-Type;
            add_header Content-Type application/vnd.schemaregistry.v1+json always;
        }}
    }}
}}
"""


class Registry(Component):
    name = "registry"
    port_names = ("registry", "registry-native")

    def __init__(self, base_dir, ports, options=None):
        super().__init__(base_dir, ports, options)
        self.front = self.make_process("registry-front")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def env(self):
        return {"SCHEMA_REGISTRY_URL": self.url, "REGISTRY_NATIVE_URL": f"{self.url}/apis/registry/v2"}

    def prepare(self):
        with open(os.path.join(self.dir, "nginx.conf"), "w", encoding="ascii") as f:
            f.write(NGINX.format(
                dir=self.dir, port=self.port, native=self.ports["registry-native"], user="user root;" if os.geteuid() == 0 else "",
            ))

    def launch(self):
        home = fetch.maven_set("registry")
        jar = next(f for f in os.listdir(home) if f.endswith("-runner.jar"))
        # In a file, so that a registry that is stopped and started again still knows its ids.
        env = {**os.environ, "REGISTRY_DATASOURCE_URL": f"jdbc:h2:file:{self.dir}/db"}
        self.process.start(
            [fetch.java(), *JVM, "-Dregistry.ccompat.use-canonical-hash=true", "-Dquarkus.http.host=127.0.0.1",
             f"-Dquarkus.http.port={self.ports['registry-native']}", "-Dquarkus.log.level=WARN", "-Dquarkus.banner.enabled=false",
             "-jar", os.path.join(home, jar)],
            env=env, cwd=self.dir,
        )
        if not self.front.alive():
            self.front.start([fetch.require_command("nginx"), "-p", self.dir, "-c", os.path.join(self.dir, "nginx.conf"), "-e", "stderr"])

    def is_ready(self):
        return http("GET", self.url + "/subjects")[0] == 200

    def after_ready(self):
        # Confluent's default; Apicurio's own is NONE.
        status, answer = http("PUT", self.url + "/config", {"compatibility": "BACKWARD"})
        if status != 200:
            raise RuntimeError(f"the registry refused its compatibility level: {status} {answer}")

    def stop(self):
        self.front.stop()
        self.process.stop()

    def kill(self):
        self.front.stop()
        self.process.kill()
