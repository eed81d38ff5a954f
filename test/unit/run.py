#!/usr/bin/env python3
"""Run cmocka test programs, a few at a time, and print one closing line over all of them."""
import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

SUPPRESSIONS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "support", "tsan.supp")
ENVIRONMENT = {**os.environ, "TSAN_OPTIONS": f"suppressions={SUPPRESSIONS}:{os.environ.get('TSAN_OPTIONS', '')}"}


def run(path):
    """@return (passed, failed, skipped, output) of one program; a crash counts as one failure."""
    try:
        p = subprocess.run([path], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False,
                           env=ENVIRONMENT)
        out, code = p.stdout.decode(errors="replace"), p.returncode
    except subprocess.TimeoutExpired as e:
        return 0, 1, 0, (e.stdout or b"").decode(errors="replace") + "\ntimed out after 300 s"
    passed = len(re.findall(r"^\[       OK \]", out, re.M))
    skipped = len(re.findall(r"^\[  SKIPPED \] \w+", out, re.M)) and int(
        (re.search(r"^\[  SKIPPED \] (\d+) test", out, re.M) or [0, "0"])[1])
    failed = len(set(re.findall(r"^\[  FAILED  \] ([a-z]\w*)", out, re.M))) or (1 if code != 0 else 0)
    if code == 0 and passed == 0 and skipped == 0:
        failed = 1
        out += "\nthe program ran no test"
    return passed, failed, skipped, out


def main():
    total = [0, 0, 0]
    start = time.monotonic()
    # Twice the cores: the slow ones mostly wait for a deadline of librdkafka's mock cluster.
    with ThreadPoolExecutor(2 * (os.cpu_count() or 2)) as pool:
        for path, (passed, failed, skipped, out) in zip(sys.argv[1:], pool.map(run, sys.argv[1:])):
            for i, n in enumerate((passed, failed, skipped)):
                total[i] += n
            name = path.split("/test/", 1)[-1]
            print(f"{'FAIL' if failed else 'ok  '} {name} ({passed})", flush=True)
            if failed:
                print(out, flush=True)
    print(f"unit tests took {time.monotonic() - start:.1f} s")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main())
