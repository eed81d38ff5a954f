"""Measurements: how long a commit takes to be visible, what the worker uses."""

import os
import threading
import time


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Usage:
    """Peak resident memory and CPU time of a process, sampled in the background."""

    def __init__(self, pid):
        self.pid, self.peak_rss = pid, 0
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)
        self._thread.start()

    def _sample(self):
        while not self._end.wait(0.1):
            self.peak_rss = max(self.peak_rss, self.rss())

    def rss(self):
        try:
            with open(f"/proc/{self.pid}/statm", encoding="ascii") as f:
                return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            return 0

    def cpu_seconds(self):
        with open(f"/proc/{self.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self):
        self._end.set()
        self._thread.join()


def commit_to_visible(source, target, commits, pause_seconds, deadline_seconds, on_progress):
    """Seconds from the return of each COMMIT at the source to the moment a query on the target shows the row.

    One row per transaction; commits are spread out unevenly, so that they do not keep step with the source's poll interval.
    The target is asked every 3 ms.
    """
    names = {f"latency {n}" for n in range(commits)}
    committed, seen = {}, {}
    writer_failed = []

    def write():
        try:
            cursor = source.cursor()
            wait = threading.Event()
            for n, name in enumerate(sorted(names)):
                cursor.execute("INSERT INTO dbo.schema_test (name) VALUES (%s)", (name,))
                source.commit()
                committed[name] = time.monotonic()
                wait.wait(pause_seconds * (0.5 + n * 0.618 % 1))
        except Exception as e:
            writer_failed.append(e)

    writer = threading.Thread(target=write)
    writer.start()
    pause = threading.Event()
    end = time.monotonic() + deadline_seconds
    while len(seen) < commits and time.monotonic() < end and not writer_failed:
        # All of them each time: several sink tasks write, so rows need not arrive in the order of their ids.
        rows = target.execute("SELECT name FROM schema_test").fetchall()
        now = time.monotonic()
        for (name,) in rows:
            if name in names:  # the table has other rows as well
                seen.setdefault(name, now)
        on_progress(len(seen))
        pause.wait(0.003)
    writer.join()
    if writer_failed:
        raise writer_failed[0]
    if len(seen) < commits:
        raise AssertionError(f"only {len(seen)} of {commits} rows became visible within {deadline_seconds} s")
    return [max(0.0, seen[name] - committed[name]) for name in committed]
