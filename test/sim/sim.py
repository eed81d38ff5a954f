"""Starts and stops the stand-in; facts about it that every test needs."""

import os
import shutil
import subprocess
import tempfile

from localstack import paths
from localstack.waiting import wait_until

USER, PASSWORD, DATABASE = "sa", "Str0ng!Passw0rd", "simtest"


class Skip(Exception):
    """The test cannot run here; the text says what is missing."""


class Sim:
    """One running stand-in with a data directory of its own."""

    def __init__(self, *arguments):
        self.dir = tempfile.mkdtemp(prefix="sqlserver-sim-")
        self.arguments = list(arguments)
        self.process = None
        self.port = 0
        self.binary = os.environ.get("SIM_BINARY") or paths.require_binary("sqlserver-sim", "make tools")
        self._shared = {}

    @property
    def log_path(self):
        return os.path.join(self.dir, "log")

    def start(self):
        port_file = os.path.join(self.dir, "port")
        if os.path.exists(port_file):
            os.unlink(port_file)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [self.binary, "--data", os.path.join(self.dir, "data"), "--listen", "127.0.0.1:0", "--port-file", port_file, *self.arguments],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(os.environ, MSSQL_SA_PASSWORD=PASSWORD),
            )
        wait_until(lambda: os.path.exists(port_file) or not self.alive(), 20, "the stand-in's port file", interval=0.01)
        if not self.alive():
            raise AssertionError("the stand-in did not start:\n" + self.log_tail())
        with open(port_file, encoding="ascii") as f:
            self.port = int(f.read())
        return self

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def stop(self):
        """SIGTERM. @return its exit status"""
        if self.process is None:
            return 0
        self.process.terminate()
        return self.process.wait(30)

    def kill(self):
        if self.alive():
            self.process.kill()
            self.process.wait(10)

    def shared(self, make):
        """What make() returned the first time: something costly that several tests use. It is closed with the stand-in."""
        if make not in self._shared:
            self._shared[make] = make()
        return self._shared[make]

    def remove(self):
        for thing in self._shared.values():
            thing.close()
        self._shared.clear()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()
        self.remove()

    def log_tail(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()[-4000:]

    def memory_kb(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))

    def sanitized(self):
        """Under ASan freed memory is kept on purpose, so that memory says nothing."""
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as f:
            return "libasan" in f.read()

    def threads(self):
        return len(os.listdir(f"/proc/{self.process.pid}/task"))

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))
