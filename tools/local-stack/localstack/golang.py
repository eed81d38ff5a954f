"""A Go that is new enough: the installed one, or the pinned toolchain, which the installed one fetches as a module."""

import json
import os
import shutil
import stat
import subprocess

from . import fetch

# The `h1:` sum is that of the checksum database, so an old Go checks it there as well.
TOOLCHAIN = "v0.0.1-go1.25.5.linux-amd64"
SUM = "h1:IkknVKy/4hLMR+ZwWfP4Oqhjz2sKqNtEXz1meP8P3Nc="


def _version(go):
    text = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True).stdout.strip()
    numbers = text.removeprefix("go").split(".")
    return int(numbers[0]), int(numbers[1].split("-")[0].split("rc")[0])


def _fetched(go):
    def build(work):
        fetch.say(f"Go toolchain {TOOLCHAIN}")
        cache = os.path.join(work, "mod")
        env = {**os.environ, "GOMODCACHE": cache, "GOFLAGS": "-mod=mod -modcacherw", "GO111MODULE": "on"}
        run = subprocess.run([go, "mod", "download", "-json", f"golang.org/toolchain@{TOOLCHAIN}"], cwd=work, env=env,
                             capture_output=True, text=True)
        if run.returncode != 0:
            raise fetch.FetchError(f"the Go toolchain could not be fetched:\n{run.stdout[-1000:]}{run.stderr[-1000:]}")
        answer = json.loads(run.stdout)
        if answer["Sum"] != SUM:
            raise fetch.FetchError(f"the Go toolchain has the sum {answer['Sum']}, not {SUM}")
        shutil.move(answer["Dir"], os.path.join(work, "go"))
        shutil.rmtree(cache)
        # Archives of modules keep no modes.
        for folder in ("bin", os.path.join("pkg", "tool")):
            for place, _, names in os.walk(os.path.join(work, "go", folder)):
                for name in names:
                    path = os.path.join(place, name)
                    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    return os.path.join(fetch.once("go", TOOLCHAIN, build), "go", "bin", "go")


def toolchain(major, minor):
    """A `go` command of at least that version; FetchError when there is none and none can be fetched."""
    installed = shutil.which("go")
    if installed is None:
        raise fetch.FetchError("Go is not installed; run tools/install-deps.sh clients")
    return installed if _version(installed) >= (major, minor) else _fetched(installed)


def build_program(source, output, at_least=(1, 23)):
    """Compile the module in folder `source`, as its go.mod and go.sum pin it, to the file `output`."""
    run = subprocess.run([toolchain(*at_least), "build", "-trimpath", "-mod=readonly", "-ldflags", "-s -w", "-o", output, "."],
                         cwd=source, capture_output=True, text=True)
    if run.returncode != 0:
        raise fetch.FetchError(f"go build in {os.path.basename(source)} failed:\n{run.stderr[-2000:]}")
