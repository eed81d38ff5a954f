"""The pinned clients, fetched once through their ordinary package managers into the cache of the local stack."""

import os
import shutil
import subprocess
import sys

from localstack import fetch, golang, paths, stack

PINS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "pins")


class Missing(Exception):
    """A tool that a client needs is not on this machine."""


def _run(argv, cwd=None, env=None):
    run = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True)
    if run.returncode != 0:
        raise fetch.FetchError(f"{' '.join(argv[:4])} failed:\n{run.stdout[-1000:]}{run.stderr[-2000:]}")


def _pin(*names):
    return os.path.join(PINS, *names)


def _need(command):
    found = shutil.which(command)
    if found is None:
        raise Missing(f"'{command}' is not installed")
    return found


def venv_python():
    """Interpreter of the environment with pymssql, pyodbc and python-tds."""
    requirements = _pin("requirements.txt")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    home = os.path.join(paths.cache_dir(), f"sim-venv-{version}-{fetch.file_hash(requirements)}")

    def build(work):
        shutil.rmtree(home, ignore_errors=True)  # a venv knows its own path, so it is built where it stays
        _run([sys.executable, "-m", "venv", home])
        _run([os.path.join(home, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", "-r", requirements])
        with open(os.path.join(work, "complete"), "w", encoding="ascii") as f:
            f.write(home + "\n")

    fetch.once("sim-python-ready", os.path.basename(home), build)
    return os.path.join(home, "bin", "python3")


def reexec_in_venv():
    wanted = venv_python()
    if os.path.abspath(sys.executable) != wanted:
        os.execv(wanted, [wanted] + sys.argv)


def jdbc_jar(version):
    """The driver jar of that version, checked against pins/jdbc/SHA256SUMS."""
    _need("mvn")
    _need("java")

    def build(work):
        _run(["mvn", "-q", "-B", "-f", _pin("jdbc", "pom.xml"), f"-Dout={work}", "dependency:copy"])
        fetch.check_sums(work, _pin("jdbc", "SHA256SUMS"))

    folder = fetch.once("sim-jdbc", fetch.file_hash(_pin("jdbc", "SHA256SUMS")), build)
    return os.path.join(folder, f"mssql-jdbc-{version}.jre11.jar")


def tedious_dir():
    """A folder whose node_modules holds tedious as the lock file says."""
    _need("node")
    npm = _need("npm")
    lock = _pin("tedious", "package-lock.json")

    def build(work):
        for name in ("package.json", "package-lock.json"):
            shutil.copy(_pin("tedious", name), work)
        _run([npm, "ci", "--silent", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=work)

    return fetch.once("sim-tedious", fetch.file_hash(lock), build)


def go_client():
    """The compiled Go client."""
    sources = [_pin("go", f) for f in ("main.go", "go.mod", "go.sum")]

    def build(work):
        golang.build_program(_pin("go"), os.path.join(work, "client"))

    return os.path.join(fetch.once("sim-go", fetch.file_hash(*sources), build), "client")


def debezium_plugins(version="2.4.2"):
    """A folder for plugin.path with the unmodified SQL Server connector of that version."""
    _need("mvn")
    _need("java")

    def build(work):
        _run(["mvn", "-q", "-B", "-f", _pin("debezium", "pom.xml"), f"-Dout={work}", "dependency:copy"])
        fetch.check_sums(work, _pin("debezium", "SHA256SUMS"))
        for archive in os.listdir(work):
            shutil.unpack_archive(os.path.join(work, archive), os.path.join(work, archive.split("-")[3].removesuffix(".Final")))
            os.unlink(os.path.join(work, archive))

    return os.path.join(fetch.once("sim-debezium", fetch.file_hash(_pin("debezium", "SHA256SUMS")), build), version)


def fetch_clients():
    """Before the first test, so that no download runs against a test's clock. What is missing is told by its tests."""
    _try_all(lambda: jdbc_jar("12.4.2"), tedious_dir, go_client)


def fetch_debezium():
    """The same for the connectors, the broker and the worker that they run in."""
    _try_all(debezium_plugins, lambda: stack.fetch_all(("kafka", "connect")))


def _try_all(*getters):
    for get in getters:
        try:
            get()
        except (Missing, fetch.FetchError) as e:
            print(f"fetch: {e}", file=sys.stderr)
