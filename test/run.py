#!/usr/bin/env python3
"""make test: builds and runs every suite, prints each suite's output as it comes and one closing line over all."""
import os
import re
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = str(os.cpu_count() or 2)
MAKE = ["make", "--no-print-directory"]

THREADED = ("base", "data", "client", "plugin", "store", "task", "herder")

# name, command. The first suites take seconds and fail fast; integration runs the release build, as users do.
SUITES = (
    ("build", [*MAKE, "-s", "-j", JOBS, "BUILD=release", "all"]),
    ("unit tests under ASan and UBSan", [*MAKE, "-s", "-j", JOBS, "BUILD=asan", "unit"]),
    ("what threads share, under TSan",
     ["sh", "-c", f"for room in {' '.join(THREADED)}; do make -s -j{JOBS} BUILD=tsan unit T=$room/ || exit 1; done"]),
    ("fuzz seeds under ASan and UBSan", [*MAKE, "-s", "-j", JOBS, "BUILD=asan", "fuzz-seeds"]),
    ("SQL Server stand-in", [*MAKE, "-s", "BUILD=release", "sim-test"]),
    ("scripts", [*MAKE, "-s", "BUILD=release", "scripts-test"]),
    ("records of Debezium", [*MAKE, "-s", "BUILD=release", "conformance"]),
    ("integration", [*MAKE, "-s", "BUILD=release", "integration"]),
)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def run(name, command):
    """Run one suite, echo its lines. @return (passed, failed, skipped)"""
    print(f"== {name}", flush=True)
    start = time.monotonic()
    counts = None
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", stdin=subprocess.DEVNULL) as p:
        for line in p.stdout:
            m = CLOSING.match(line.rstrip("\n"))
            if m:
                counts = tuple(a + int(b) for a, b in zip(counts or (0, 0, 0), m.groups()))
                print(f"   {line.rstrip()} ({name})", flush=True)  # only the whole run's line stands alone
            else:
                print(line, end="", flush=True)
    took = time.monotonic() - start
    if counts is None:
        counts = (1 if p.returncode == 0 and name == "build" else 0, 0, 0)
    if p.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])
        print(f"   {name} ended with status {p.returncode}", flush=True)
    print(f"   took {took:.0f} s", flush=True)
    return counts


def main():
    total = [0, 0, 0]
    failed_suites = []
    for name, command in SUITES:
        counts = run(name, command)
        total = [a + b for a, b in zip(total, counts)]
        if counts[1]:
            failed_suites.append(name)
            if name == "build":
                break
    if failed_suites:
        print(f"failed: {', '.join(failed_suites)}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
