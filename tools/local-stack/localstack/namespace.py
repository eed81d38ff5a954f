"""Run a command where the users' own host names and ports work, and where nothing on the host is touched.

Inside: a network of its own with nothing but loopback, a mount namespace with its own /etc/hosts (kafka, schema-registry,
sqlserver, … are 127.0.0.1), and a process namespace: when the command ends, or we are killed, everything it started is gone.
Root needs nothing more; others get a user namespace, where the kernel allows one. The system calls are made here and not by
unshare(1), whose mount step needs a root shell that a user namespace with our own uid does not give.
"""

import contextlib
import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys
import tempfile
import threading

HOST_NAMES = ("sqlserver", "kafka", "schema-registry", "postgres", "vault", "kafka-connect", "prometheus", "grafana", "jaeger")

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x20000, 0x10000000, 0x20000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
SIOCSIFFLAGS, IFF_UP, IFF_RUNNING = 0x8914, 0x1, 0x40
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


class NamespaceUnavailable(OSError):
    pass


def _call(result, what):
    if result != 0:
        number = ctypes.get_errno()
        raise NamespaceUnavailable(number, f"{what}: {os.strerror(number)}")


def _mount(source, target, kind, flags):
    _call(_libc.mount(source and source.encode(), target.encode(), kind and kind.encode(), flags, None), f"mount {target}")


def _write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def inside():
    return os.environ.get("CONNECTD_NAMESPACE") == "1"


def available():
    """Whether run() would work: tried in a child, because an unshare cannot be taken back."""
    pid = os.fork()
    if pid == 0:
        with contextlib.suppress(BaseException):
            _enter()
            child = os.fork()
            if child == 0:
                with contextlib.suppress(BaseException):
                    _furnish()
                    os._exit(0)
                os._exit(1)
            os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def _enter():
    flags = CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWPID
    uid, gid = os.geteuid(), os.getegid()
    if uid != 0:
        flags |= CLONE_NEWUSER
    _call(_libc.unshare(flags), "unshare")
    if uid != 0:
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{uid} {uid} 1")
        _write("/proc/self/gid_map", f"{gid} {gid} 1")


def _furnish():
    """In the first process of the new process namespace: mounts and the loopback interface."""
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    _mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    with tempfile.NamedTemporaryFile("w", prefix="hosts-", delete=False) as f:
        os.fchmod(f.fileno(), 0o644)
        f.write(f"127.0.0.1 localhost {' '.join(HOST_NAMES)} {socket.gethostname()}\n")
    try:
        _mount(f.name, "/etc/hosts", None, MS_BIND)
    finally:
        # The bind keeps the file's content alive; its name in the temporary directory is not needed any more.
        os.unlink(f.name)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))


def _relay(listener, port):
    """Accepts on a socket that was opened outside (sockets stay in the network they were born in) and joins it to a port inside."""

    def pump(a, b):
        with contextlib.suppress(OSError):
            while data := a.recv(65536):
                b.sendall(data)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)

    def serve(outer):
        with outer:
            try:
                inner = socket.create_connection(("127.0.0.1", port), 5)
            except OSError:
                return
            inner.settimeout(None)
            with inner:
                other = threading.Thread(target=pump, args=(inner, outer), daemon=True)
                other.start()
                pump(outer, inner)
                other.join()

    while True:
        try:
            outer, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(outer,), daemon=True).start()


def run(argv, publish=()):
    """Runs argv inside and returns its exit code.

    publish   ports inside that shall be reachable from the host; the command finds the host's port for each in the
              environment variable PUBLISHED, as "8083=127.0.0.1:23456 5432=…".
    """
    listeners = {}
    for port in publish:
        listeners[port] = socket.create_server(("127.0.0.1", 0))
    _enter()
    first = os.fork()
    if first == 0:
        code = 1
        try:
            code = _first_process(argv, listeners)
        except NamespaceUnavailable as e:
            print(f"namespace: {e.strerror}", file=sys.stderr)
        finally:
            os._exit(code)
    for s in listeners.values():
        s.close()
    return _wait_forwarding(first)


def _wait_forwarding(child):
    """The child's exit code; signals that reach us are passed on, and the command decides what they mean."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, frame: os.kill(child, n))
    # A terminal's Ctrl-C reaches the command by itself: it is in our process group.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    return 128 - code if code < 0 else code


def _first_process(argv, listeners):
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    _furnish()
    published = " ".join(f"{port}=127.0.0.1:{s.getsockname()[1]}" for port, s in listeners.items())
    command = os.fork()
    if command == 0:
        try:
            for s in listeners.values():
                s.close()
            os.environ.update(CONNECTD_NAMESPACE="1", PUBLISHED=published)
            os.execvp(argv[0], argv)
        except OSError as e:
            print(f"namespace: {argv[0]}: {e.strerror}", file=sys.stderr)
        finally:
            os._exit(127)
    for port, s in listeners.items():
        threading.Thread(target=_relay, args=(s, port), daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda n, frame: os.kill(command, n))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # As the first process we are everyone's last parent; leaving ends whatever is still there.
    while True:
        pid, status = os.wait()
        if pid == command:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code
