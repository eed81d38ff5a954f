"""A set of services in one directory, under one state file."""

import json
import os
import shutil
import tempfile
import threading

from . import fetch, ports as port_tools
from .jvmworker import JvmWorker
from .kafka import Kafka
from .postgres import Postgres
from .registry import Registry
from .sqlserver import SqlServer
from .vault import Vault

COMPONENTS = {c.name: c for c in (Kafka, Registry, Postgres, Vault, SqlServer, JvmWorker)}
DEFAULT = ("kafka", "registry", "postgres", "vault", "sqlserver")
NEEDS = {"connect-jvm": ("kafka",)}
STATE_FILE = "stack.json"


def default_dir():
    return os.path.join(tempfile.gettempdir(), f"connectd-stack-{os.getuid()}")


class Stack:
    """Start what you need, in any order, as often as you like; down() ends all of it and removes the directory.

        with Stack(tempfile.mkdtemp()) as stack:
            stack.start("kafka", "registry")
            stack["kafka"].kill()
            stack["kafka"].start()

    ports     "free", or "fixed": the ports of the users' own configurations (see ports.FIXED)
    hosts     names that the seeded secrets give for sqlserver and postgres; 127.0.0.1 without
    options   {component name: {…}}, see the component's class
    """

    def __init__(self, directory, ports="free", hosts=None, options=None):
        self.dir = os.path.abspath(directory)
        os.makedirs(self.dir, exist_ok=True)
        # PostgreSQL's account must be able to walk through to its data.
        os.chmod(self.dir, 0o711)
        self._lock = threading.Lock()
        self._live = {}
        state = self._read_state()
        if state is None:
            state = {"mode": ports, "hosts": hosts or {}, "ports": self._allocate(ports), "started": []}
        self.state = state
        self.options = {**(options or {})}
        self.options["vault"] = {"hosts": self.state["hosts"], **self.options.get("vault", {})}
        self._write_state()

    @staticmethod
    def _allocate(mode):
        if mode == "fixed":
            return dict(port_tools.FIXED)
        return dict(zip(port_tools.FIXED, port_tools.free_ports(len(port_tools.FIXED))))

    def _read_state(self):
        try:
            with open(os.path.join(self.dir, STATE_FILE), encoding="utf-8") as f:
                return json.load(f)
        except FileNotFoundError:
            return None

    def _write_state(self):
        path = os.path.join(self.dir, STATE_FILE)
        with open(path + ".new", "w", encoding="utf-8") as f:
            json.dump(self.state, f, indent=2)
        os.rename(path + ".new", path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.down()

    def __getitem__(self, name):
        """The component, started or not."""
        with self._lock:
            if name not in self._live:
                self._live[name] = COMPONENTS[name](self.dir, self.state["ports"], self.options.get(name))
            return self._live[name]

    def start(self, *names):
        """Start these (default: all) side by side. On failure the others finish starting, and the first error is raised."""
        names = list(names or DEFAULT)
        for name in [n for n in names if n not in COMPONENTS]:
            raise ValueError(f"unknown component '{name}'; there are {', '.join(COMPONENTS)}")
        first = [d for n in names for d in NEEDS.get(n, ())]
        if first:
            self.start(*first)
        with self._lock:
            self.state["started"] += [n for n in names if n not in self.state["started"]]
            self._write_state()
        errors, cancelled = [], threading.Event()

        def run(name):
            try:
                self[name].start(cancelled.is_set)
            except BaseException as e:  # noqa: B902  (carried over to the caller's thread)
                errors.append(e)

        threads = [threading.Thread(target=run, args=(n,), name=f"start {n}") for n in names]
        try:
            for t in threads:
                t.start()
            for t in threads:
                t.join()
        except BaseException:
            # Interrupted: nobody may launch anything after we have left, or down() would not know of it.
            cancelled.set()
            for t in [t for t in threads if t.ident is not None]:
                t.join()
            raise
        if errors:
            raise errors[0]
        return self

    def env(self):
        """What clients need, for everything that has been started."""
        values = {"STACK_DIR": self.dir}
        for name in COMPONENTS:
            if name in self.state["started"]:
                values.update(self[name].env())
        return values

    def status(self):
        return {n: {"alive": self[n].alive(), "pid": self[n].process.pid, "port": self[n].port} for n in self.state["started"]}

    def down(self, keep_logs_in=None):
        """Ends what was started, last first, and leaves nothing behind."""
        for name in reversed(self.state["started"]):
            self[name].stop()
        if keep_logs_in:
            shutil.copytree(os.path.join(self.dir, "log"), keep_logs_in, dirs_exist_ok=True)
        shutil.rmtree(self.dir, ignore_errors=True)


def fetch_all(names=("kafka", "registry", "venv", "connect")):
    """Everything that `up` would otherwise download or prepare on first use."""
    if "kafka" in names:
        fetch.maven_set("kafka")
        from . import kafka

        kafka.formatted_storage()
        kafka.class_archive()
    if "registry" in names:
        fetch.maven_set("registry")
    if "connect" in names:
        fetch.maven_set("connect")
    if "venv" in names:
        fetch.venv_python()
    if "vault-core" in names:
        from . import vault_core

        vault_core.built()
