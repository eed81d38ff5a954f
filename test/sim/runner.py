"""Finds test_*.py here, runs each function test_*(sim), prints a line per test and the closing line."""

import fnmatch
import importlib
import inspect
import os
import signal
import sys
import time
import traceback

from clients import fetched
from sim import Sim, Skip

TEST_TIMEOUT = 60


class TooLong(AssertionError):
    """The test did not end in time."""


def _alarm(_signum, _frame):
    raise TooLong(f"not finished after {TEST_TIMEOUT} s")


def find(here, patterns):
    """(name, function) of every test; a function with the attribute `variants` is one test for each of them."""
    found = []
    for file in sorted(os.listdir(here)):
        if not (file.startswith("test_") and file.endswith(".py")):
            continue
        module = importlib.import_module(file[:-3])
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if not name.startswith("test_") or function.__module__ != module.__name__:
                continue
            for variant in getattr(function, "variants", (None,)):
                label = f"{file[5:-3]}.{name[5:]}" + (f"[{variant}]" if variant else "")
                if not patterns or any(fnmatch.fnmatch(label, f"*{p}*") for p in patterns):
                    found.append((label, function, variant))
    return found


def run_one(sim, function, variant):
    """@return (word, detail)"""
    signal.signal(signal.SIGALRM, _alarm)
    signal.alarm(getattr(function, "timeout_seconds", TEST_TIMEOUT))
    try:
        function(sim, variant) if variant else function(sim)
        if not sim.alive():
            raise AssertionError("the stand-in has died")
        return "ok", ""
    except Skip as e:
        return "skip", str(e)
    except BaseException as e:  # noqa: BLE001 - also an alarm inside of a driver
        if isinstance(e, (KeyboardInterrupt, SystemExit)):
            raise
        return "FAIL", traceback.format_exc(limit=-6)
    finally:
        signal.alarm(0)


def _terminated(_signum, _frame):
    """By way of the exit handlers: brokers and workers would outlive us."""
    sys.exit(128 + signal.SIGTERM)


def main(here, arguments):
    signal.signal(signal.SIGTERM, _terminated)
    patterns = [a for a in arguments if not a.startswith("-")]
    tests = find(here, patterns)
    if "--list" in arguments:
        print("\n".join(label for label, _, _ in tests))
        return 0
    if any(label.startswith("clients.") for label, _, _ in tests):
        fetched.fetch_clients()
    if any(label.startswith(("debezium.", "debezium_changes.", "debezium_recovery.")) for label, _, _ in tests):
        fetched.fetch_debezium()
    counts = {"ok": 0, "FAIL": 0, "skip": 0}
    sim = Sim()
    try:
        sim.start()
        for label, function, variant in tests:
            began = time.monotonic()
            word, detail = run_one(sim, function, variant)
            counts[word] += 1
            print(f"{word:<4} {label} ({time.monotonic() - began:.1f} s){': ' + detail if word == 'skip' else ''}", flush=True)
            if word == "FAIL":
                print("     " + detail.rstrip().replace("\n", "\n     "), flush=True)
                if not sim.alive():
                    print("     last words of the stand-in:\n" + sim.log_tail(), flush=True)
                    sim.start()
        code = sim.stop()
        if code != 0:
            counts["FAIL"] += 1
            print(f"FAIL the stand-in ended with status {code}\n{sim.log_tail()}")
    finally:
        sim.kill()
        sim.remove()
    print(f"{counts['ok']} passed, {counts['FAIL']} failed, {counts['skip']} skipped")
    return 1 if counts["FAIL"] or not counts["ok"] else 0


def variants(*names):
    """Decorator: one test for each name; the function gets it as its second argument."""

    def mark(function):
        function.variants = names
        return function

    return mark


def timeout(seconds):
    """Decorator: this test may take longer."""

    def mark(function):
        function.timeout_seconds = seconds
        return function

    return mark
