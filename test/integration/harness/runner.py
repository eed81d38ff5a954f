"""Finds tests, runs them one after the other against one shared stack, prints a line for each."""

import argparse
import faulthandler
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

from localstack import namespace, paths
from localstack.process import log_tail
from localstack.stack import Stack

from .checks import Skip
from .env import Env

DEFAULT_TIMEOUT_SECONDS = 180


class Stuck(BaseException):
    """Not an Exception: no `except Exception` in a test may swallow its own end."""


class Test:
    def __init__(self, module_name, name, function):
        self.id = f"{module_name}.{name}"
        self.name, self.function = name, function
        self.timeout = getattr(function, "timeout_seconds", DEFAULT_TIMEOUT_SECONDS)
        self.required = getattr(function, "required", ())


def load(directory):
    tests, broken = [], []
    for file in sorted(os.listdir(directory)):
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module_name = file[:-3]
        try:
            spec = importlib.util.spec_from_file_location(module_name, os.path.join(directory, file))
            module = importlib.util.module_from_spec(spec)
            sys.modules[module_name] = module
            spec.loader.exec_module(module)
        except Exception:
            broken.append((module_name, traceback.format_exc()))
            continue
        tests += [
            Test(module_name, name, function)
            for name, function in vars(module).items()
            if name.startswith("test_") and callable(function) and function.__module__ == module_name
        ]
    return tests, broken


def select(tests, patterns, shard):
    chosen = [t for t in tests if not patterns or any(p in t.id for p in patterns)]
    number, count = shard
    return [t for i, t in enumerate(chosen) if i % count == number - 1]


def parse(argv):
    parser = argparse.ArgumentParser(description="Runs tests against the local stack. PATTERN is a part of a file's or a test's name.")
    parser.add_argument("patterns", nargs="*", metavar="PATTERN")
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="only every Nth test, beginning with the Ith")
    parser.add_argument("-j", "--jobs", type=int, default=1, metavar="N", help="N runs side by side, each with services of its own (about 1 GB each)")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-namespace", action="store_true", help="use the host's network and free ports")
    options = parser.parse_args(argv)
    number, _, count = options.shard.partition("/")
    options.shard = (int(number), int(count))
    if not 1 <= options.shard[0] <= options.shard[1]:
        parser.error("--shard I/N needs 1 <= I <= N")
    return options


def main(directory, argv):
    options = parse(argv)
    tests, broken = load(directory)
    chosen = select(tests, options.patterns, options.shard)
    broken = [b for b in broken if not options.patterns or any(p in b[0] or b[0] in p for p in options.patterns)]
    if options.list:
        print("\n".join(t.id for t in chosen))
        return 0
    if options.jobs > 1 and len(chosen) > 1:
        return side_by_side(directory, argv, options, len(chosen))
    if not options.no_namespace and not namespace.inside() and namespace.available():
        # The users' own names and ports, and nothing survives us; without the right to do so, free ports do as well.
        return namespace.run([sys.executable, os.path.join(directory, "run.py"), *argv])

    counts = {"passed": 0, "failed": len(broken), "skipped": 0}
    for module_name, text in broken:
        print(f"FAIL  {module_name} cannot be loaded\n{text}")
    suite = os.path.basename(directory)
    log_dir = paths.build_path(os.path.join("test-logs", suite))
    os.makedirs(log_dir, exist_ok=True)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="connectd-it-") as work:
        os.chmod(work, 0o711)
        inside = namespace.inside()
        hosts = {"sqlserver": "sqlserver", "postgres": "postgres"} if inside else None
        stack = Stack(os.path.join(work, "stack"), ports="fixed" if inside else "free", hosts=hosts)
        interrupted = False
        try:
            for test in chosen:
                outcome = run_one(test, stack, log_dir)
                counts[outcome] += 1
        except KeyboardInterrupt:
            interrupted = True
            print("interrupted")
        finally:
            stack.down(keep_logs_in=os.path.join(log_dir, f"stack-{options.shard[0]}") if counts["failed"] else None)
    if counts["failed"]:
        print(f"logs of failed tests are under {os.path.relpath(log_dir)}")
    print(f"{suite}: {time.monotonic() - began:.0f} s")
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] or interrupted or not sum(counts.values()) else 0


CLOSING = re.compile(r"(\d+) passed, (\d+) failed, (\d+) skipped")


def side_by_side(directory, argv, options, tests):
    """The same tests in several shards at once. Each shard's lines appear in whole tests, so that no two are mixed."""
    number, count = options.shard
    jobs = min(options.jobs, tests)
    lock, totals, failed = threading.Lock(), [0, 0, 0], []
    began = time.monotonic()

    def run_shard(job):
        # The shard `number` of `count`, cut into `jobs` parts.
        own = [*strip_options(argv), "--shard", f"{number + job * count}/{count * jobs}", "-j", "1"]
        with subprocess.Popen([sys.executable, os.path.join(directory, "run.py"), *own], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace") as process:
            block = []
            for line in process.stdout:
                closing = CLOSING.fullmatch(line.strip())
                if closing:
                    with lock:
                        totals[:] = [a + int(b) for a, b in zip(totals, closing.groups())]
                    continue
                # A test's details are indented and follow its own line.
                if block and not line.startswith(" "):
                    with lock:
                        print("".join(block), end="", flush=True)
                    block = []
                block.append(line)
            with lock:
                print("".join(block), end="", flush=True)
        if process.returncode:
            failed.append(process.returncode)

    threads = [threading.Thread(target=run_shard, args=(job,)) for job in range(jobs)]
    for t in threads:
        t.start()
    # A Ctrl-C reaches every shard by itself; each ends its services, and we wait for that. (SIG_IGN would be inherited.)
    signal.signal(signal.SIGINT, lambda *_: None)
    for t in threads:
        t.join()
    print(f"{os.path.basename(directory)}: {time.monotonic() - began:.0f} s with {jobs} jobs")
    print(f"{totals[0]} passed, {totals[1]} failed, {totals[2]} skipped", flush=True)
    return 1 if failed or totals[1] else 0


def strip_options(argv):
    """argv without --shard and --jobs."""
    kept, skip_next = [], False
    for word in argv:
        if skip_next:
            skip_next = False
        elif word in ("--shard", "-j", "--jobs"):
            skip_next = True
        elif not word.startswith(("--shard=", "--jobs=", "-j")):
            kept.append(word)
    return kept


def run_one(test, stack, log_dir):
    began = time.monotonic()
    env = Env(stack, test.name, log_dir)
    outcome, note = "passed", ""

    def on_alarm(signum, frame):
        faulthandler.dump_traceback(sys.stdout)
        raise Stuck(f"still running after {test.timeout} s")

    signal.signal(signal.SIGALRM, on_alarm)
    signal.alarm(test.timeout)
    try:
        if test.required:
            stack.start(*test.required)
        test.function(env)
    except Skip as e:
        outcome, note = "skipped", str(e)
    except KeyboardInterrupt:
        env.close(failed=True)
        raise
    except BaseException as e:  # noqa: B902  (a test may raise anything; SystemExit included)
        outcome, note = "failed", "".join(traceback.format_exception(e)).rstrip()
    finally:
        signal.alarm(0)
    for worker in env.workers:
        if outcome == "passed" and not worker.exit_expected and worker.exit_code() not in (None, 0, -signal.SIGTERM, -signal.SIGKILL):
            outcome, note = "failed", f"worker '{worker.name}' ended with code {worker.exit_code()}"
    tails = [w.log_tail() for w in env.workers] if outcome == "failed" else []
    problems = env.close(failed=outcome == "failed")
    if problems and outcome != "failed":
        outcome, note = "failed", "the clean-up after the test failed:\n" + "\n".join(problems)
    word = {"passed": "ok  ", "failed": "FAIL", "skipped": "skip"}[outcome]
    seconds = time.monotonic() - began
    print(f"{word}  {test.id} ({seconds:.1f} s){': ' + note if outcome == 'skipped' else ''}")
    if outcome == "failed":
        print("\n".join("      " + line for line in note.splitlines()))
        for tail in tails:
            print("\n".join("      " + line for line in tail.splitlines()))
        dead = [n for n, s in stack.status().items() if not s["alive"]]
        for name in dead:
            print(f"      {name} is not running; {log_tail(stack[name].process.log_path)}")
    sys.stdout.flush()
    return outcome
