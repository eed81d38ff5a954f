"""Vault: our small strict KV v2 server (tools/vault-dev), seeded with the secrets that the users' configurations name."""

import json
import os
import sys

from . import paths, postgres, sqlserver
from .component import Component, http

TOKEN = "dev-root-token"


def seed(sqlserver_host, sqlserver_port, postgres_host, postgres_port):
    """All paths that existing configurations and tools read, each in its own spelling."""
    six = {
        "sqlserver_host": sqlserver_host,
        "sqlserver_user": sqlserver.USER,
        "sqlserver_password": sqlserver.PASSWORD,
        "postgres_host": postgres_host,
        "postgres_user": "postgres",
        "postgres_password": postgres.PASSWORD,
    }
    eight = {**six, "sqlserver_port": str(sqlserver_port), "postgres_port": str(postgres_port)}
    return {
        "secret/database": eight,
        "secret/db": eight,
        "secret/database/sqlserver": {
            "server": sqlserver_host, "database": sqlserver.DATABASE, "username": sqlserver.USER,
            "password": sqlserver.PASSWORD, "port": str(sqlserver_port),
        },
        "secret/database/postgresql": {
            "host": postgres_host, "database": postgres.DATABASE, "username": "postgres",
            "password": postgres.PASSWORD, "port": str(postgres_port),
        },
        "secret/kafka": {"bootstrap_servers": "kafka:9092"},
    }


class Vault(Component):
    """options: `hosts` ({"sqlserver": name, "postgres": name}), default 127.0.0.1 for both."""

    name = "vault"
    port_names = ("vault",)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def env(self):
        return {"VAULT_ADDR": self.url, "VAULT_TOKEN": TOKEN}

    def prepare(self):
        hosts = self.options.get("hosts", {})
        with open(os.path.join(self.dir, "seed.json"), "w", encoding="ascii") as f:
            os.fchmod(f.fileno(), 0o600)
            json.dump(seed(
                hosts.get("sqlserver", "127.0.0.1"), self.ports["sqlserver"], hosts.get("postgres", "127.0.0.1"), self.ports["postgres"],
            ), f)

    def launch(self):
        server = os.path.join(paths.TREE, "tools", "vault-dev", "vault_dev.py")
        self.process.start(
            [sys.executable, server, "--listen", f"127.0.0.1:{self.port}", "--seed", os.path.join(self.dir, "seed.json")],
            env={**os.environ, "VAULT_DEV_ROOT_TOKEN_ID": TOKEN, "PYTHONDONTWRITEBYTECODE": "1"},
        )

    def is_ready(self):
        return http("GET", self.url + "/v1/sys/health")[0] == 200

    def call(self, method, path, body=None, token=TOKEN):
        return http(method, f"{self.url}/v1/{path}", body, {"X-Vault-Token": token})
