#!/usr/bin/env python3
"""Many clients of all kinds on one stand-in for a long time: its memory, descriptors and threads must stay where they are.

soak.py [SECONDS] (default 600). First each client reads generated rows alone, which gives its rows per second; then all of them work
at once: logins, reads, transactions, rollbacks, errors, cancels, and raw connections that leave in the middle of something.
Clients whose tools are missing are left out with a word. The last line counts the checks.
"""

import os
import random
import statistics
import sys
import threading
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "local-stack")]

from clients import fetched  # noqa: E402

fetched.reexec_in_venv()

import tds  # noqa: E402
from clients.all import CLIENTS  # noqa: E402
from clients.client import ServerError, Unsupported  # noqa: E402
from localstack.waiting import wait_until  # noqa: E402
from sim import PASSWORD, Sim, Skip  # noqa: E402

DATABASE = "soak"
READ_ROWS = 100000
GROWTH_KB = 16384         # page caches of the sessions fill up (2 MiB for each file), the allocator spreads
PAUSE = 0.05              # between statements: this is about time, not about load
SETUP = (
    f"CREATE DATABASE {DATABASE}", f"USE {DATABASE}", "EXEC sys.sp_cdc_enable_db",
    "CREATE TABLE dbo.work (id INT NOT NULL PRIMARY KEY, t NVARCHAR(100) NULL)",
    "EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N'work', @role_name = NULL, @supports_net_changes = 1",
    "CREATE DATABASE soakgen", "USE soakgen", "EXEC sys.sp_cdc_enable_db",
    f"EXEC sim.gen_create @table = 'dbo.gen', @total = {READ_ROWS}, @snapshot = {READ_ROWS}",
)


class Worker:
    """One client that comes, works and goes until told to stop."""

    def __init__(self, sim, number, name, stop):
        self.sim, self.number, self.name, self.stop = sim, number, name, stop
        self.connections = self.statements = self.rows = 0
        self.problem = None
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self):
        try:
            while not self.stop.is_set():
                client = CLIENTS[self.name]()
                client.connect(self.sim.port, password=PASSWORD, database=DATABASE)
                self.connections += 1
                try:
                    for _ in range(5):
                        self._round(client)
                        if self.stop.wait(PAUSE):
                            break
                finally:
                    client.close()
        except Exception as e:  # noqa: BLE001 - whatever a driver throws is the result
            self.problem = f"{type(e).__name__}: {e}"

    def _round(self, client):
        key = self.number * 1000
        self.rows += client.drain("SELECT TOP (1000) * FROM soakgen.dbo.gen")
        client.begin()
        client.query(f"INSERT INTO dbo.work VALUES ({key}, N'new')")
        client.query(f"UPDATE dbo.work SET t = N'changed' WHERE id = {key}")
        client.query(f"DELETE FROM dbo.work WHERE id = {key}")
        client.commit()
        client.begin()
        client.query(f"INSERT INTO dbo.work VALUES ({key + 1}, N'never')")
        client.rollback()
        assert client.query("SELECT ?", (("nvarchar", "\u00fcber"),), client.has_prepared) == [[["\u00fcber"]]]
        try:
            client.query("SELECT * FROM nosuch")
            raise AssertionError("no error for a table that does not exist")
        except ServerError:
            pass
        self.statements += 9


class Rude(Worker):
    """Raw connections that leave while something runs."""

    def _run(self):
        rnd = random.Random(self.number)
        statements = (f"SELECT COUNT(*) FROM {tds.powers_of_ten(9)}", "WAITFOR DELAY '00:01:00'", f"SELECT t0.d FROM {tds.powers_of_ten(6)}",
                      f"BEGIN TRAN; INSERT INTO {DATABASE}.dbo.work VALUES ({self.number}, N'x'); WAITFOR DELAY '00:01:00'")
        try:
            while not self.stop.is_set():
                with (tds.Tls if rnd.random() < 0.3 else tds.Raw)(self.sim.port) as c:
                    self.connections += 1
                    c.send(1, tds.HEADERS + tds.utf16(rnd.choice(statements)))
                    self.statements += 1
                    if rnd.random() < 0.5:
                        c.send(6, b"")
                    self.stop.wait(PAUSE)
        except Exception as e:  # noqa: BLE001
            self.problem = f"{type(e).__name__}: {e}"


class Checks:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def that(self, good, what):
        self.passed, self.failed = self.passed + bool(good), self.failed + (not good)
        print(f"{'ok  ' if good else 'FAIL'} {what}", flush=True)


def read_alone(sim, checks):
    """@return the names of the clients that are here"""
    here = []
    for name in CLIENTS:
        client = CLIENTS[name]()
        try:
            client.connect(sim.port, password=PASSWORD, database=DATABASE)
        except Skip as e:
            checks.skipped += 1
            print(f"skip {name}: {e}", flush=True)
            continue
        client.drain("SELECT TOP (1000) * FROM soakgen.dbo.gen")  # a virtual machine warms up
        began = time.monotonic()
        rows = client.drain("SELECT * FROM soakgen.dbo.gen")
        took = time.monotonic() - began
        client.close()
        checks.that(rows == READ_ROWS, f"{name}: {rows} rows of 8 columns, {rows / took:,.0f} rows/s")
        here.append(name)
    return here


def main(seconds):
    checks, stop = Checks(), threading.Event()
    with Sim() as sim:
        with tds.Raw(sim.port) as c:
            for sql in SETUP:
                assert tds.errors(c.batch(sql)) == [], sql
        names = read_alone(sim, checks)
        idle = (sim.threads(), sim.descriptors())
        workers = [Worker(sim, 1 + i, name, stop) for i, name in enumerate(names * 2)] + [Rude(sim, -1 - i, "raw", stop) for i in range(3)]
        # SQLite may not close a file while another connection of the process holds a lock on it (POSIX would drop that lock), so it
        # parks descriptors for the next session: at most one for each session there has been at once, and file.
        parked = idle[1] + 4 * len(workers)
        for w in workers:
            w.thread.start()
        samples, end = [], time.monotonic() + seconds
        while time.monotonic() < end and not any(w.problem for w in workers) and sim.alive():
            stop.wait(1)
            samples.append((sim.memory_kb(), sim.threads(), sim.descriptors()))
        stop.set()
        for w in workers:
            w.thread.join(60)
        for name in [*names, "raw"]:
            mine = [w for w in workers if w.name == name]
            problem = next((w.problem for w in mine if w.problem), None)
            checks.that(not problem, f"{name}: {sum(w.connections for w in mine)} connections, {sum(w.statements for w in mine)} statements, "
                        f"{sum(w.rows for w in mine)} rows{', ' + problem if problem else ''}")
        checks.that(sim.alive(), "the stand-in lives")
        quarter = max(1, len(samples) // 4)
        early, late = samples[quarter:2 * quarter] or samples, samples[-quarter:]
        for i, (what, unit, allowed) in enumerate((("memory", " KiB", GROWTH_KB), ("threads", "", 4), ("descriptors", "", 40))):
            before, after = (statistics.median(s[i] for s in part) for part in (early, late))
            checks.that(after - before <= allowed, f"{what}: {before:.0f}{unit} in the second quarter of {len(samples)} s, {after:.0f}{unit} in the last")
        try:
            wait_until(lambda: sim.threads() <= idle[0] and sim.descriptors() <= parked, 20, "the end of all sessions")
        except Exception as e:  # noqa: BLE001
            print(f"     {e}", flush=True)
        now = (sim.threads(), sim.descriptors())
        checks.that(now[0] <= idle[0] and now[1] <= parked, f"idle again: {now[0]} threads and {now[1]} descriptors, before {idle[0]} and {idle[1]}")
        checks.that(sim.stop() == 0, "it stops with status 0")
    print(f"{checks.passed} passed, {checks.failed} failed, {checks.skipped} skipped")
    return 1 if checks.failed else 0


sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600))
