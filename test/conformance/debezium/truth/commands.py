"""What run.py does: build, verify, check."""

import contextlib
import os
import shutil
import sys
import tempfile
import time
import traceback

from clients import fetched
from harness.env import Env
from localstack import fetch, paths
from localstack.clients.rest import Rest
from localstack.stack import Stack

from . import case, compare, corpus
from .drive import Run, Server, server_directory
from .tail import Tail

# Connectors that one JVM worker runs at a time.
JVM_CONNECTORS = 16


class Jvm:
    """Kafka's own worker with Debezium 2.4.2.Final in its plugin path."""

    offsets = "connect-offsets"

    def __init__(self, stack, directory):
        self.stack = stack

    def __enter__(self):
        self.stack.options["connect-jvm"] = {"properties": {"plugin.path": fetched.debezium_plugins(), "offset.flush.interval.ms": 500}}
        self.stack.start("connect-jvm")
        self.rest = Rest("127.0.0.1", self.stack["connect-jvm"].port)
        return self

    def __exit__(self, *_):
        self.stack["connect-jvm"].stop()

    def tail(self):
        return self.stack["connect-jvm"].log_tail(25)


class Connectd:
    def __init__(self, stack, directory):
        self.env = Env(stack, "truth", directory)

    def __enter__(self):
        self.worker = self.env.worker({"offset.flush.interval.ms": 300})
        self.rest, self.offsets = self.worker.rest, self.worker.properties["offset.storage.topic"]
        return self

    def __exit__(self, *_):
        self.env.close(failed=True)

    def tail(self):
        return self.worker.log_tail(25)


def batches(cases, limit):
    """Cases in groups of at most `limit` connectors."""
    group, size = [], 0
    for c in cases:
        if group and size + len(c.variants) > limit:
            yield group
            group, size = [], 0
        group.append(c)
        size += len(c.variants)
    if group:
        yield group


def record(cases, worker_type, limit):
    """Runs the cases. @return {connector: entries}"""
    made = {}
    directory = tempfile.mkdtemp(prefix="connectd-truth-")
    os.chmod(directory, 0o711)
    with Stack(os.path.join(directory, "stack")) as stack:
        stack.start("kafka")
        kafka = stack["kafka"].env()["KAFKA_BOOTSTRAP"]
        with worker_type(stack, directory) as worker, contextlib.closing(Tail(kafka)) as tail:
            try:
                for number, group in enumerate(batches(cases, limit)):
                    began = time.monotonic()
                    with Server(server_directory(directory, number)) as server:
                        made |= Run(server, worker.rest, kafka, tail, worker.offsets).batch(group)
                    names = ", ".join(c.name for c in group)
                    print(f"ran   {names} ({time.monotonic() - began:.1f} s)", file=sys.stderr, flush=True)
            except BaseException:
                print(worker.tail(), file=sys.stderr)
                raise
    shutil.rmtree(directory, ignore_errors=True)
    return made


def path_of(here, connector):
    return os.path.join(here, "corpus", f"{connector}.jsonl")


def build(here, cases, everything):
    made = record(cases, Jvm, JVM_CONNECTORS)
    for connector, entries in made.items():
        corpus.write(path_of(here, connector), entries)
    if everything:
        for name in os.listdir(os.path.join(here, "corpus")):
            if name.removesuffix(".jsonl") not in made:
                os.unlink(os.path.join(here, "corpus", name))
    sizes = sum(os.path.getsize(path_of(here, c)) for c in made)
    print(f"{len(made)} connectors, {sum(map(len, made.values()))} records, {sizes / 1e6:.2f} MB")
    return 0


def hold(here, made, known, detail):
    """Prints a line per connector. @return number of those that differ"""
    failed = 0
    for connector in sorted(made):
        path = path_of(here, connector)
        if os.path.exists(path):
            found = list(compare.differences(corpus.read(path), made[connector]))
        else:
            found = [("corpus", "file", path, compare.ABSENT)]
        new = [d for d in found if not known.covers(connector, *d)]
        note = f", {len(found) - len(new)} known differences" if len(found) > len(new) else ""
        print(f"{'FAIL' if new else 'ok  '}  {connector}: {len(made[connector])} records{note}")
        for difference in new[:detail]:
            print(f"   {compare.tell(difference)}")
        if len(new) > detail:
            print(f"   and {len(new) - detail} more")
        failed += bool(new)
    return failed


def check(here, cases, worker_type, limit, known):
    try:
        made = record(cases, worker_type, limit)
    except fetch.FetchError as e:
        print(f"FAIL  the cases did not run: {e}\n0 passed, 1 failed, 0 skipped")
        return 1
    except Exception:
        print(f"FAIL  the cases did not run\n{traceback.format_exc()}\n0 passed, 1 failed, 0 skipped")
        return 1
    failed = hold(here, made, known, int(os.environ.get("DETAIL", "12")))
    with open(os.path.join(paths.TREE, "docs", "compatibility.md"), encoding="utf-8") as f:
        wrong = [("is not in docs/compatibility.md", e) for e in known.untold(f.read())]
    wrong += [("no longer occurs", e) for e in known.idle(made)]
    for how, entry in wrong:
        print(f"FAIL  a known difference {how}: {compare.spelled(entry)}")
    print(f"{len(made) - failed} passed, {failed + len(wrong)} failed, 0 skipped")
    return 1 if failed or wrong else 0


def main(here, arguments):
    command = arguments.pop(0) if arguments and arguments[0] in ("build", "verify", "check") else "check"
    cases = case.read_all(os.path.join(here, "cases"), arguments)
    began = time.monotonic()
    if command == "build":
        status = build(here, cases, not arguments)
    elif command == "verify":
        status = check(here, cases, Jvm, JVM_CONNECTORS, compare.Known(os.devnull))
    else:
        paths.require_binary("connectd", "make")
        status = check(here, cases, Connectd, 1000, compare.Known(os.path.join(here, "known-differences.json")))
    print(f"debezium: {time.monotonic() - began:.0f} s", file=sys.stderr)
    return status
