#!/usr/bin/env python3
"""make test: builds and runs every suite, prints each suite's output as it comes and one closing line over all."""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
JOBS = str(os.cpu_count() or 2)
MAKE = ["make", "--no-print-directory"]

THREADED = ("base", "data", "client", "plugin", "store", "task", "herder")
FUZZED = ("tds_packet", "tsql")


def tsan():
    return ["sh", "-c", f"for room in {' '.join(THREADED)}; do make -s -j{JOBS} BUILD=tsan unit T=$room/ || exit 1; done"]


# Stages one after the other; the suites of a stage side by side, because they mostly wait. A suite is a name and a command.
# The first ones take seconds and fail fast; whatever needs services runs the release build, as users do.
STAGES = (
    (("build", [*MAKE, "-s", "-j", JOBS, "BUILD=release", "all"]),),
    (
        ("unit tests under ASan and UBSan", [*MAKE, "-s", "-j", JOBS, "BUILD=asan", "unit"]),
        ("what threads share, under TSan", tsan()),
    ),
    (("fuzz seeds under ASan and UBSan", [*MAKE, "-s", "-j", JOBS, "BUILD=asan", "fuzz-seeds"]),),
    (("fuzzing what clients send to the stand-in", [*MAKE, "-s", "fuzz", f"T={' '.join(FUZZED)}", "SECONDS=60"]),),
    (("SQL Server stand-in", [*MAKE, "-s", "BUILD=release", "sim-test"]),),
    (
        ("scripts", [*MAKE, "-s", "BUILD=release", "scripts-test"]),
        ("recorded records of Debezium", [*MAKE, "-s", "BUILD=release", "conformance"]),
    ),
    (("integration", [*MAKE, "-s", "BUILD=release", "integration", f"JOBS={JOBS}"]),),
)
CLOSING = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def run(name, command, say):
    """Run one suite, hand its lines to `say`. @return (passed, failed, skipped)"""
    say(f"== {name}")
    start = time.monotonic()
    counts = None
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", stdin=subprocess.DEVNULL) as p:
        for line in p.stdout:
            line = line.rstrip("\n")
            m = CLOSING.match(line)
            if m:
                counts = tuple(a + int(b) for a, b in zip(counts or (0, 0, 0), m.groups()))
                say(f"   {line} ({name})")  # only the whole run's line stands alone
            else:
                say(line)
    took = time.monotonic() - start
    if counts is None:
        counts = (1 if p.returncode == 0 and name == "build" else 0, 0, 0)
    if p.returncode != 0 and counts[1] == 0:
        counts = (counts[0], 1, counts[2])
        say(f"   {name} ended with status {p.returncode}")
    say(f"   took {took:.0f} s")
    return counts


def run_stage(stage):
    """Run suites side by side: the first one's lines as they come, the others' in one piece when it is done.
    @return their counts, in order"""
    texts = [[] for _ in stage[1:]]
    with ThreadPoolExecutor(len(stage)) as pool:
        jobs = [pool.submit(run, *suite, lines.append) for suite, lines in zip(stage[1:], texts)]
        counts = [run(*stage[0], lambda line: print(line, flush=True))]
        for job, lines in zip(jobs, texts):
            counts.append(job.result())
            print("\n".join(lines), flush=True)
    return counts


def main():
    total = [0, 0, 0]
    failed_suites = []
    for stage in STAGES:
        for (name, _), counts in zip(stage, run_stage(stage)):
            total = [a + b for a, b in zip(total, counts)]
            if counts[1]:
                failed_suites.append(name)
        if "build" in failed_suites:
            break
    if failed_suites:
        print(f"failed: {', '.join(failed_suites)}")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    sys.exit(main())
