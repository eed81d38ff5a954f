"""PostgreSQL in a private cluster: own directory, own port, no socket file; nothing of the machine's own clusters is touched.

fsync is off. That is safe against kill -9 of the server (the kernel keeps what was written) and not against a power cut,
which no test here claims to survive.
"""

import glob
import os
import pwd
import shutil
import signal
import subprocess

from . import fetch, paths
from .component import Component
from .process import children
from .waiting import wait_until

PASSWORD = "postgres_secure_password"
DATABASE = "warehouse_target"


def bin_dir():
    """Newest server on the machine; Debian keeps these out of PATH."""
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda p: int(p.split("/")[4]))
    if found:
        return os.path.dirname(found[-1])
    if shutil.which("initdb"):
        return os.path.dirname(os.path.realpath(shutil.which("initdb")))
    raise fetch.FetchError("PostgreSQL is not installed; run tools/install-deps.sh test")


def server_user():
    """PostgreSQL refuses to run as root, so root lends it the packaged account."""
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid())
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise fetch.FetchError("running as root, and there is no user 'postgres' or 'nobody' to run PostgreSQL as")


class Postgres(Component):
    """options: `settings` (dict for postgresql.conf), `init` (False leaves out the tables of configs/postgres/init.sql)."""

    name = "postgres"
    port_names = ("postgres",)

    def env(self):
        return {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": str(self.port),
            "POSTGRES_DB": DATABASE,
            "POSTGRES_USER": "postgres",
            "POSTGRES_PASSWORD": PASSWORD,
        }

    @property
    def data(self):
        return os.path.join(self.dir, "data")

    def prepare(self):
        if os.path.exists(os.path.join(self.data, "PG_VERSION")):
            return
        user = server_user()
        if os.geteuid() == 0:
            os.chown(self.dir, user.pw_uid, user.pw_gid)
        password_file = os.path.join(self.dir, "password")
        with open(password_file, "w", encoding="ascii") as f:
            os.fchmod(f.fileno(), 0o600)
            if os.geteuid() == 0:
                os.fchown(f.fileno(), user.pw_uid, user.pw_gid)
            f.write(PASSWORD + "\n")
        self._run_as_server(
            "initdb", "-D", self.data, "-U", "postgres", "--pwfile", password_file, "--auth-local=trust",
            "--auth-host=scram-sha-256", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8",
        )
        os.unlink(password_file)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": "",
            "fsync": "off",
            "full_page_writes": "off",
            "max_connections": 200,
            "shared_buffers": "128MB",
            "logging_collector": "off",
            "log_line_prefix": "%m [%p] %a: ",
        }
        settings.update(self.options.get("settings", {}))
        with open(os.path.join(self.data, "postgresql.conf"), "a", encoding="ascii") as f:
            f.writelines(f"{key} = '{value}'\n" for key, value in settings.items())

    def _run_as_server(self, command, *args):
        user = server_user()
        identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [user.pw_gid]} if os.geteuid() == 0 else {}
        run = subprocess.run(
            [os.path.join(bin_dir(), command), *args], capture_output=True, text=True, cwd="/", **identity,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8"},
        )
        if run.returncode != 0:
            raise RuntimeError(f"{command} failed:\n{run.stdout[-1500:]}{run.stderr[-1500:]}")

    def launch(self):
        self.process.start(
            [os.path.join(bin_dir(), "postgres"), "-D", self.data], cwd="/", user=server_user(),
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )

    def is_ready(self):
        ready = subprocess.run([os.path.join(bin_dir(), "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)])
        return ready.returncode == 0

    def after_ready(self):
        if self.psql("SELECT count(*) FROM pg_database WHERE datname = '" + DATABASE + "'", database="postgres") == "0":
            self.psql(f"CREATE DATABASE {DATABASE}", database="postgres")
        if self.options.get("init", True):
            self.psql_file(os.path.join(paths.CONFIGS, "postgres", "init.sql"))

    def psql(self, statement, database=DATABASE):
        """The result as unaligned text without headers."""
        return self._psql(database, "-c", statement)

    def psql_file(self, path, database=DATABASE):
        return self._psql(database, "-f", path)

    def _psql(self, database, *args):
        run = subprocess.run(
            [os.path.join(bin_dir(), "psql"), "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
             "-U", "postgres", "-d", database, *args],
            capture_output=True, text=True, env={**os.environ, "PGPASSWORD": PASSWORD, "PGOPTIONS": "-c client_min_messages=warning"},
        )
        if run.returncode != 0:
            raise RuntimeError(f"psql: {run.stderr.strip()}")
        return run.stdout.strip()

    def stop(self):
        # SIGINT is PostgreSQL's "fast" shutdown; SIGTERM would wait for every client to leave.
        self.process.stop(number=signal.SIGINT)

    def kill(self):
        """kill -9 of the postmaster alone, as in life. Its backends notice and leave by themselves; a new postmaster refuses to
        start before the last of them has let go of the shared memory."""
        family = [self.process.pid, *children(self.process.pid)]
        self.process.kill()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in family), 20, "a killed PostgreSQL to be gone")
