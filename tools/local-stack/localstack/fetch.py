"""Pinned artefacts, fetched once through their ordinary clients and kept in the cache directory.

A Maven set is a folder under pins/: `pom.xml` names every file, SHA256SUMS says what each must be. The cache entry is named
after the checksums, appears by one rename when everything has been checked, and is never looked at again: a second run needs
no network and no time.
"""

import fcntl
import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile

from . import paths


class FetchError(RuntimeError):
    pass


def say(text):
    print(f"fetch: {text}", file=sys.stderr, flush=True)


def require_command(name, group="test"):
    found = shutil.which(name) or next((p for p in (f"/usr/sbin/{name}", f"/sbin/{name}") if os.access(p, os.X_OK)), None)
    if found is None:
        raise FetchError(f"the command '{name}' is missing; run tools/install-deps.sh {group}")
    return found


@contextlib.contextmanager
def cache_lock(name):
    """Two test runs on one machine must not fetch the same thing at the same time."""
    with open(os.path.join(paths.cache_dir(), f".{name}.lock"), "w", encoding="ascii") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield


def file_hash(*names):
    digest = hashlib.sha256()
    for name in names:
        with open(name, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()[:12]


def once(name, key, build):
    """The directory CACHE/NAME-KEY, built by build(temporary_directory) if it is not there yet."""
    target = os.path.join(paths.cache_dir(), f"{name}-{key}")
    if os.path.isdir(target):
        return target
    with cache_lock(name):
        if os.path.isdir(target):
            return target
        work = tempfile.mkdtemp(prefix=f".{name}-", dir=paths.cache_dir())
        try:
            os.chmod(work, 0o755)
            build(work)
            os.rename(work, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return target


def check_sums(directory, sums_file):
    wanted = {}
    with open(sums_file, encoding="ascii") as f:
        for line in f:
            digest, name = line.split()
            wanted[name] = digest
    present = set(os.listdir(directory))
    if present != set(wanted):
        raise FetchError(f"{sums_file}: missing {sorted(set(wanted) - present)}, unexpected {sorted(present - set(wanted))}")
    for name, digest in wanted.items():
        with open(os.path.join(directory, name), "rb") as f:
            actual = hashlib.file_digest(f, "sha256").hexdigest()
        if actual != digest:
            raise FetchError(f"{name} has SHA-256 {actual}, but {sums_file} wants {digest}")


def maven_set(name):
    """Directory with the files of pins/NAME, every one checked."""
    pom, sums = os.path.join(paths.PINS, name, "pom.xml"), os.path.join(paths.PINS, name, "SHA256SUMS")

    def build(work):
        say(f"{name}: downloading with Maven")
        run = subprocess.run(
            [require_command("mvn"), "-q", "-B", "-f", pom, f"-Dout={work}", "dependency:copy"], capture_output=True, text=True
        )
        if run.returncode != 0:
            raise FetchError(f"Maven could not fetch '{name}':\n{run.stdout[-2000:]}{run.stderr[-2000:]}")
        check_sums(work, sums)
        for archive in [f for f in os.listdir(work) if f.endswith(".tar.gz")]:
            with tarfile.open(os.path.join(work, archive)) as tar:
                tar.extractall(work, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(work)
            os.unlink(os.path.join(work, archive))

    return once(name, file_hash(sums), build)


def classpath(*sets):
    """Every jar by name, in a fixed order: a class-data archive is only valid for exactly the classpath that it was made with."""
    return ":".join(os.path.join(d, f) for s in sets for d in [maven_set(s)] for f in sorted(os.listdir(d)) if f.endswith(".jar"))


def java():
    return require_command("java")


def java_key():
    """Changes with every Java update; a class-data archive does not survive one."""
    home = os.path.dirname(os.path.dirname(os.path.realpath(java())))
    stat = os.stat(os.path.join(home, "lib", "server", "libjvm.so"))
    return hashlib.sha256(f"{home} {stat.st_size} {stat.st_mtime_ns}".encode()).hexdigest()[:12]


def venv_python():
    """The interpreter of the virtual environment that holds requirements-test.txt."""
    requirements = os.path.join(paths.TREE, "requirements-test.txt")

    def build(work):
        say("python packages: installing with pip")
        # A venv knows its own path, so it is built in the place where it stays; `work` only marks completion.
        home = _venv_home(requirements)
        shutil.rmtree(home, ignore_errors=True)
        for argv in (
            [sys.executable, "-m", "venv", home],
            [os.path.join(home, "bin", "pip"), "install", "-q", "--disable-pip-version-check", "--only-binary=:all:", "-r", requirements],
        ):
            run = subprocess.run(argv, capture_output=True, text=True)
            if run.returncode != 0:
                raise FetchError(f"{' '.join(argv[:4])} failed:\n{run.stdout[-1000:]}{run.stderr[-2000:]}")
        with open(os.path.join(work, "complete"), "w", encoding="ascii") as f:
            f.write(home + "\n")

    home = _venv_home(requirements)
    once("python-ready", os.path.basename(home), build)
    return os.path.join(home, "bin", "python3")


def _venv_home(requirements):
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    return os.path.join(paths.cache_dir(), f"venv-{version}-{file_hash(requirements)}")


def reexec_in_venv():
    """Make the calling script run under the virtual environment's interpreter."""
    wanted = venv_python()
    if os.path.abspath(sys.executable) != wanted:
        os.execv(wanted, [wanted] + sys.argv)
