"""A child process with a pid file.

The pid file holds the pid *and* the kernel's start time of the process, so that a `down` in a later shell ends exactly the
process it started and never a stranger that was given the same number.
"""

import contextlib
import json
import os
import signal
import subprocess
import threading

from .waiting import Timeout, wait_until

GRACE_SECONDS = 10


def start_time(pid):
    """Clock ticks after boot at which this pid started; None when there is no such (living) process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
            fields = f.read().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def children(pid):
    """Pids of the direct children."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


@contextlib.contextmanager
def signals_deferred():
    """Delays SIGINT and SIGTERM, so that no signal falls between the birth of a child and the writing of its pid file.

    Python-level handlers are used and not a signal mask: the child would inherit the mask and never hear SIGTERM.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pending = []
    previous = {s: signal.signal(s, lambda number, frame: pending.append(number)) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        for number in pending:
            os.kill(os.getpid(), number)


def log_tail(path, lines=25):
    try:
        with open(path, "rb") as f:
            f.seek(0, os.SEEK_END)
            f.seek(max(0, f.tell() - 16384))
            text = f.read().decode(errors="replace").splitlines()
    except OSError:
        return f"(no log at {path})"
    return "\n".join([f"--- end of {path}"] + ["    " + line for line in text[-lines:]])


class Process:
    """One child in a session of its own: a Ctrl-C in the terminal reaches us, and we end our children in order."""

    def __init__(self, name, run_dir, log_path):
        self.name = name
        self.pid_file = os.path.join(run_dir, name + ".pid")
        self.log_path = log_path
        self._child = None
        self.pid = None
        self._started = None
        self._read_pid_file()

    def _read_pid_file(self):
        try:
            with open(self.pid_file, encoding="ascii") as f:
                record = json.load(f)
            self.pid, self._started = record["pid"], record["start_time"]
        except (OSError, ValueError, KeyError):
            self.pid = None

    def start(self, argv, env=None, cwd=None, user=None):
        """user: a pwd entry to run as, or None for ourselves."""
        if self.alive():
            raise RuntimeError(f"{self.name} already runs as pid {self.pid}")
        identity = {}
        if user is not None and user.pw_uid != os.geteuid():
            identity = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [user.pw_gid]}
        with open(self.log_path, "ab") as log, signals_deferred():
            self._child = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, cwd=cwd, start_new_session=True, **identity
            )
            self.pid, self._started = self._child.pid, start_time(self._child.pid)
            with open(self.pid_file, "w", encoding="ascii") as f:
                json.dump({"pid": self.pid, "start_time": self._started}, f)

    def alive(self):
        if self.pid is None:
            return False
        if self._child is not None:
            return self._child.poll() is None
        return self._started is not None and start_time(self.pid) == self._started

    def exit_code(self):
        """Of our own finished child; None while it runs or when another program started it."""
        return self._child.poll() if self._child is not None else None

    def send_signal(self, number):
        if self.alive():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def send_signal_to_group(self, number):
        if self.alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)

    def stop(self, number=signal.SIGTERM, grace=GRACE_SECONDS):
        """Ask, wait, insist. Returns True when the process left on its own within the grace period."""
        polite = True
        if self.alive():
            self.send_signal(number)
            try:
                wait_until(lambda: not self.alive(), grace, f"{self.name} to stop")
            except Timeout:
                polite = False
                self.kill()
        self._forget()
        return polite

    def kill(self):
        """kill -9 of the process and whatever it started."""
        self.send_signal_to_group(signal.SIGKILL)
        wait_until(lambda: not self.alive(), GRACE_SECONDS, f"{self.name} to die of SIGKILL")
        self._forget()

    def _forget(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.pid_file)

    def wait_ready(self, condition, timeout, what):
        """wait_until that also notices when the process is gone, and shows the end of its log either way."""

        def check():
            if not self.alive():
                raise RuntimeError(f"{self.name} ended (code {self.exit_code()}) before {what}\n{log_tail(self.log_path)}")
            return condition()

        return wait_until(check, timeout, what, detail=lambda: log_tail(self.log_path))
