"""kill -9 at any moment: what was acknowledged is there, and is captured exactly once. Backups hold a database as a whole."""

import os
import random
import threading
import time

from pymssql import _mssql

from cdcdb import Db, connection, eq
from runner import timeout
from sim import Sim

ROUNDS, WRITERS = 20, 3
STEP = 1000000  # each writer has numbers of its own


class Writer(threading.Thread):
    """Commits pairs of rows in two tables, and now and then changes a row, until the server is gone."""

    def __init__(self, sim, db, number, first):
        super().__init__(daemon=True)
        self.sim, self.db, self.number, self.next = sim, db, number, first
        self.done, self.tried = [], None

    def run(self):
        try:
            with connection(self.sim, self.db) as c:
                while True:
                    self.tried = key = self.number * STEP + self.next
                    c.execute_non_query(f"BEGIN TRAN; INSERT dbo.a VALUES ({key}, N'x'); INSERT dbo.b VALUES ({key}, N'x'); "
                                        f"UPDATE dbo.a SET name = N'y' WHERE id = {key}; COMMIT")
                    self.done.append(key)
                    self.next += 1
        except (_mssql.MSSQLException, OSError):
            pass


@timeout(120)
def test_kill_9_at_any_moment(_):
    seed = int(os.environ.get("SIM_SEED") or random.randrange(1 << 30))
    chance = random.Random(seed)
    acknowledged, nexts, positions = set(), [0] * WRITERS, []
    with Sim() as sim:
        with Db(sim, name="crash") as db:
            db.table("a")
            db.table("b")
        for number in range(ROUNDS):
            where = f"round {number}, SIM_SEED={seed}"
            writers = [Writer(sim, "crash", w, nexts[w]) for w in range(WRITERS)]
            for w in writers:
                w.start()
            time.sleep(chance.uniform(0.03, 0.25))  # the moment of the crash, not a wait for anything
            sim.kill()
            for w in writers:
                w.join(20)
                assert not w.is_alive(), where
                acknowledged.update(w.done)
                nexts[w.number] = (w.tried or w.number * STEP) % STEP + 1
            sim.start()
            with Db(sim, enabled=False, name="crash") as db:
                rows = {t: {r[0] for r in db.run(f"SELECT id FROM dbo.{t}")} for t in "ab"}
                eq(rows["a"], rows["b"], where + ": halves of transactions")
                assert acknowledged <= rows["a"], f"{where}: lost {sorted(acknowledged - rows['a'])[:5]}"
                db.scan()
                for t, ops in (("a", [2, 3, 4]), ("b", [2])):
                    captured = {}
                    for key, op in db.run(f"SELECT id, [__$operation] FROM cdc.dbo_{t}_CT"):
                        captured.setdefault(key, []).append(op)
                    eq(set(captured), rows[t], where + ": captured rows")
                    wrong = {k: v for k, v in captured.items() if sorted(v) != ops}
                    assert not wrong, f"{where}: not captured exactly once: {list(wrong.items())[:5]}"
                positions.append(bytes(db.max_lsn()))
                eq(positions, sorted(positions), where + ": positions go up")
                eq(db.value("SELECT COUNT(*) - COUNT(DISTINCT [__$start_lsn]) FROM (SELECT DISTINCT [__$start_lsn], id FROM cdc.dbo_b_CT) x"), 0,
                   where + ": one transaction per position")
    assert len(acknowledged) > ROUNDS, "nothing was written"


# --- backups

def test_backup_and_restore(sim):
    path = os.path.join(sim.dir, "backup.bak")
    with Db(sim) as db, Db(sim, enabled=False, name=db.name + "x") as admin:
        admin.run("USE master")
        db.table()
        db.run("INSERT dbo.t VALUES (1, N'a'); UPDATE dbo.t SET name = N'b'")
        db.scan()
        db.arm(kind="capture_delay", arg="pause")
        try:
            db.run("INSERT dbo.t VALUES (2, N'not captured yet')")
            eq(db.error("BEGIN TRAN; BACKUP DATABASE " + db.name + f" TO DISK = N'{path}'")[0], 3021)
            db.run("ROLLBACK")
            admin.run(f"BACKUP DATABASE {db.name} TO DISK = N'{path}' WITH INIT, FORMAT, STATS = 10")
            low, high = db.min_lsn(), db.max_lsn()
        finally:
            db.clear()
        db.run("DELETE dbo.t")
        db.scan()

        def restored(name, options=""):
            admin.run(f"RESTORE DATABASE {name} FROM DISK = N'{path}'{options}")
            return Db(sim, enabled=False, name=name)

        with restored(db.name + "_plain") as plain:
            eq(plain.run("SELECT id, name FROM dbo.t"), [(1, "b"), (2, "not captured yet")])
            eq(plain.run(f"SELECT is_cdc_enabled FROM sys.databases WHERE name = '{plain.name}'"), [(False,)])
            eq(plain.run("SELECT SCHEMA_ID('cdc'), is_tracked_by_cdc FROM sys.tables WHERE name = 't'"), [(None, False)])
            plain.run("EXEC sys.sp_cdc_enable_db")
            plain.enable("t")
            plain.run("INSERT dbo.t VALUES (9, N'x')")
            eq(plain.ops(), [(2, 9)])
        with restored(db.name + "_kept", " WITH KEEP_CDC, REPLACE, RECOVERY") as kept:
            eq(kept.run("EXEC sys.sp_cdc_help_jobs"), [], "the jobs are the server's and not the database's")
            eq((kept.min_lsn(), kept.max_lsn()), (low, high))
            kept.run("EXEC sys.sp_cdc_add_job N'capture'")
            kept.run("INSERT dbo.t VALUES (9, N'x')")
            kept.wait("SELECT COUNT(*) FROM cdc.dbo_t_CT", 5, "the capture of the restored database")
            eq(kept.ops(), [(2, 1), (3, 1), (4, 1), (2, 2), (2, 9)], "what was in the log of the backup is captured once")
        db.conn.close()
        with restored(db.name) as home:
            eq(len(home.run("EXEC sys.sp_cdc_help_jobs")), 2, "the same server and name: all as it was")
            eq(home.ops(), [(2, 1), (3, 1), (4, 1), (2, 2)])
            eq(home.run("SELECT id FROM dbo.t"), [(1,), (2,)])
        for sql, number in ((f"RESTORE DATABASE r1 FROM DISK = N'{path}.nosuch'", 3201), (f"RESTORE DATABASE r1 FROM DISK = N'{sim.log_path}'", 3241),
                            (f"RESTORE DATABASE r1 FROM DISK = N'{path}' WITH NORECOVERY", 155), (f"BACKUP DATABASE nosuch TO DISK = N'{path}'", 911),
                            (f"BACKUP DATABASE {db.name} TO DISK = N'{path}' WITH DIFFERENTIAL", 155),
                            (f"BACKUP DATABASE {db.name} TO DISK = N'{path}' WITH KEEP_CDC", 155)):
            eq(admin.error(sql)[0], number, sql)
        eq(admin.value("SELECT DB_ID('r1')"), None)


def test_backups_while_capturing(sim):
    """Whatever moment a backup is taken at, its two halves fit."""
    path = os.path.join(sim.dir, "busy.bak")
    with Db(sim) as db, Db(sim, enabled=False, name="busy_admin") as admin:
        admin.run("USE master")
        db.table("a")
        db.table("b")
        db.conn.close()
        writer = Writer(sim, db.name, 0, 0)
        writer.start()
        try:
            for number in range(4):
                admin.run(f"BACKUP DATABASE {db.name} TO DISK = N'{path}'")
                with Db(sim, enabled=False, name="master") as master:
                    master.run(f"RESTORE DATABASE busy{number} FROM DISK = N'{path}' WITH KEEP_CDC")
                with Db(sim, enabled=False, name=f"busy{number}") as copy:
                    rows = [r[0] for r in copy.run("SELECT id FROM dbo.a ORDER BY id")]
                    copy.scan()
                    eq([r[0] for r in copy.run("SELECT id FROM cdc.dbo_a_CT WHERE [__$operation] = 2 ORDER BY id")], rows)
                    eq([r[0] for r in copy.run("SELECT id FROM cdc.dbo_b_CT ORDER BY id")], rows)
        finally:
            admin.run(f"DROP DATABASE {db.name}")
        writer.join(20)
        assert not writer.is_alive() and len(writer.done) > 10, len(writer.done)
