"""The SQL Server stand-in (tools/sqlserver-sim), which speaks TDS and keeps change data capture tables."""

import os
import socket
import struct
import subprocess

from . import fetch, paths
from .component import Component

USER = "sa"
PASSWORD = "YourStrong!Passw0rd"
DATABASE = "warehouse_source"


def answers_prelogin(port, host="127.0.0.1"):
    """True when a TDS server (not merely a socket) answers: one PRELOGIN packet with the version option."""
    options = struct.pack(">BHH", 0, 6, 6) + b"\xff" + bytes(6)
    with socket.create_connection((host, port), 1) as s:
        s.settimeout(2)
        s.sendall(struct.pack(">BBHHBB", 0x12, 1, 8 + len(options), 0, 1, 0) + options)
        reply = s.recv(8)
    return len(reply) == 8 and reply[0] == 4


class SqlServer(Component):
    """options: `args` (further command-line arguments), `init` (False leaves out configs/sqlserver/init.sql)."""

    name = "sqlserver"
    port_names = ("sqlserver",)
    start_timeout = 20

    def env(self):
        return {
            "SQLSERVER_HOST": "127.0.0.1",
            "SQLSERVER_PORT": str(self.port),
            "SQLSERVER_USER": USER,
            "SQLSERVER_PASSWORD": PASSWORD,
            "SQLSERVER_DATABASE": DATABASE,
        }

    def prepare(self):
        os.makedirs(os.path.join(self.dir, "data"), exist_ok=True)
        with open(os.path.join(self.dir, "sa-password"), "w", encoding="ascii") as f:
            os.fchmod(f.fileno(), 0o600)
            f.write(PASSWORD)

    def launch(self):
        binary = paths.require_binary("sqlserver-sim", "make tools")
        self.process.start(
            [binary, "--data", os.path.join(self.dir, "data"), "--listen", f"127.0.0.1:{self.port}",
             "--port-file", os.path.join(self.dir, "port"), "--sa-password-file", os.path.join(self.dir, "sa-password"),
             *self.options.get("args", [])],
            cwd=self.dir,
        )

    def is_ready(self):
        return answers_prelogin(self.port)

    def after_ready(self):
        if self.options.get("init", True):
            self.run_script(os.path.join(paths.CONFIGS, "sqlserver", "init.sql"))

    def run_script(self, path):
        """A script with GO lines, through FreeTDS in the virtual environment."""
        run = subprocess.run(
            [fetch.venv_python(), os.path.join(os.path.dirname(__file__), "run_tsql.py"), "127.0.0.1", str(self.port), path],
            capture_output=True, text=True, env={**os.environ, "SQLSERVER_USER": USER, "SQLSERVER_PASSWORD": PASSWORD},
        )
        if run.returncode != 0:
            raise RuntimeError(f"{os.path.basename(path)}: {run.stderr.strip()[-2000:]}")
