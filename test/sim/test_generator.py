"""Generator tables: every row follows from its index."""

import os
import time
import zlib

import pymssql

from cdcdb import Db, eq, literal
from localstack.waiting import wait_until
from runner import timeout, variants
from sim import PASSWORD, Skip
from tds import HEADERS, Raw, utf16

DATABASE = "gendb"
OPS, PER_TX = 1000, 7
COLUMNS = "[__$start_lsn], [__$seqval], [__$operation], [__$update_mask], [id], [name]"


def connect(sim, database="master"):
    return pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, database=database, autocommit=True)


def prepared(sim):
    """A connection to a database with the generator dbo.gen."""
    with connect(sim) as c:
        c.cursor().execute(f"IF DB_ID('{DATABASE}') IS NULL CREATE DATABASE {DATABASE}")
    conn = connect(sim, DATABASE)
    cursor = conn.cursor()
    cursor.execute("IF OBJECT_ID('dbo.gen', 'U') IS NULL BEGIN EXEC sys.sp_cdc_enable_db; "
                   f"EXEC sim.gen_create @table = 'dbo.gen', @total = {OPS}, @rows_per_tx = {PER_TX}, @snapshot = 50 END")
    return cursor


def rows(cursor, sql):
    cursor.execute(sql)
    return cursor.fetchall()


def test_rows_follow_their_arithmetic(sim):
    cursor = prepared(sim)
    got = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT")
    assert len(got) == OPS // 100 * 125, "70 inserts, 25 updates of two images and 5 deletes in 100 operations"
    positions = [(bytes(r[0]), bytes(r[1]), r[2]) for r in got]
    assert positions == sorted(positions) and len(set(positions)) == len(positions)
    assert len({p[0] for p in positions}) == (OPS + PER_TX - 1) // PER_TX
    assert all(seqval < lsn for lsn, seqval, _ in positions)
    alive = set()
    for _, _, operation, mask, key, name in got:
        assert name == "Generated Customer"
        assert bytes(mask) == (b"\x1f" if operation < 3 else b"\x10")
        if operation == 2:
            assert key not in alive
            alive.add(key)
        else:
            assert key in alive, (operation, key)
            if operation == 1:
                alive.remove(key)
    assert len(alive) == OPS // 100 * 65


def test_ranges_can_be_resumed_anywhere(sim):
    cursor = prepared(sim)
    whole = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT")
    for at in (0, 1, 6, 7, 500, len(whole) - 1):
        lsn, seqval, operation = "0x" + bytes(whole[at][0]).hex(), "0x" + bytes(whole[at][1]).hex(), whole[at][2]
        rest = rows(cursor, f"SELECT {COLUMNS} FROM cdc.dbo_gen_CT WHERE ([__$start_lsn] = {lsn} AND [__$seqval] = {seqval} AND "
                            f"[__$operation] > {operation}) OR ([__$start_lsn] = {lsn} AND [__$seqval] > {seqval}) OR ([__$start_lsn] > {lsn})")
        assert rest == whole[at + 1:], at
        same = rows(cursor, f"SELECT TOP (3) {COLUMNS} FROM cdc.dbo_gen_CT WHERE [__$start_lsn] >= {lsn} AND [__$start_lsn] <= {lsn}")
        assert same == [r for r in whole if r[0] == whole[at][0]][:3]


def test_catalogue_and_limits_agree(sim):
    cursor = prepared(sim)
    last = rows(cursor, "SELECT MAX([__$start_lsn]) FROM cdc.dbo_gen_CT")[0][0]
    assert rows(cursor, "SELECT sys.fn_cdc_get_max_lsn()")[0][0] == last
    assert rows(cursor, "SELECT sys.fn_cdc_get_min_lsn('dbo_gen')")[0][0] < last
    assert [r[0] for r in rows(cursor, "SELECT capture_instance FROM cdc.change_tables")] == ["dbo_gen"]
    assert [r[0] for r in rows(cursor, "SELECT id FROM dbo.gen")] == list(range(1, 51))
    assert rows(cursor, "SELECT COUNT(*) FROM cdc.dbo_gen_CT")[0][0] == OPS // 100 * 125


def test_change_function(sim):
    cursor = prepared(sim)
    sql = ("SELECT [__$operation] FROM cdc.fn_cdc_get_all_changes_dbo_gen(sys.fn_cdc_get_min_lsn('dbo_gen'), sys.fn_cdc_get_max_lsn(), N'{}')")
    assert len(rows(cursor, sql.format("all update old"))) == OPS // 100 * 125
    assert 3 not in {r[0] for r in rows(cursor, sql.format("all"))}


# --- the rows as arithmetic, written down a second time

class Random:
    """splitmix64"""

    def __init__(self, seed):
        self.state = seed

    def __call__(self):
        mask = (1 << 64) - 1
        self.state = (self.state + 0x9E3779B97F4A7C15) & mask
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & mask
        z = (z ^ z >> 27) * 0x94D049BB133111EB & mask
        return z ^ z >> 31


def cycle_of(inserts, updates, deletes, seed):
    """[(operation of the image, number of the change, key)] of one cycle."""
    if seed == 0:
        changes = [("i", k) for k in range(inserts)] + [("u", k % inserts) for k in range(updates)] + [("d", inserts - 1 - k) for k in range(deletes)]
    else:
        draw, live, made, changes, left = Random(seed), [], 0, [], [inserts, updates, deletes]
        while sum(left):
            n = draw() % (left[0] + (left[1] + left[2] if live else 0))
            at = draw() % len(live) if live else 0
            if n < left[0]:
                changes.append(("i", made))
                live.append(made)
                made += 1
                left[0] -= 1
            elif n < left[0] + left[1] or (len(live) == 1 and left[0] == 0 and left[1] > 0):
                changes.append(("u", live[at]))
                left[1] -= 1
            else:
                changes.append(("d", live[at]))
                live[at] = live[-1]
                live.pop()
                left[2] -= 1
    return [(op, i, key) for i, (kind, key) in enumerate(changes) for op in {"i": (2,), "u": (3, 4), "d": (1,)}[kind]]


def predicted(first_lsn, operations, per_tx, seed, inserts=70, updates=25, deletes=5):
    """(start_lsn, seqval, operation, key) of every image; only the log file's number is the server's choice."""
    vlf, cycle = first_lsn[:4], cycle_of(inserts, updates, deletes, seed)
    images, block0 = [], int.from_bytes(first_lsn[4:8], "big")
    for start in range(0, operations, inserts + updates + deletes):
        for op, ordinal, key in cycle:
            number = start + ordinal
            if number >= operations:
                break
            block = (block0 + number // per_tx * 8).to_bytes(4, "big")
            images.append((vlf + block + (per_tx + 1).to_bytes(2, "big"), vlf + block + (number % per_tx + 1).to_bytes(2, "big"), op,
                           start // (inserts + updates + deletes) * inserts + key + 1))
    return images


def checksum(images):
    crc = 0
    for lsn, seqval, op, key in images:
        crc = zlib.crc32(bytes(lsn) + bytes(seqval) + op.to_bytes(4, "little") + key.to_bytes(8, "little"), crc)
    return crc


IMAGES = "SELECT [__$start_lsn], [__$seqval], [__$operation], [id] FROM cdc.dbo_gen_CT"


@variants("0", "7", "123456789")
def test_the_checksum_is_predicted_from_any_row_on(sim, seed):
    with Db(sim) as db:
        db.run(f"EXEC sim.gen_create @table = 'dbo.gen', @total = 2500, @rows_per_tx = 13, @seed = {seed}")
        first = bytes(db.value("SELECT MIN([__$start_lsn]) FROM cdc.dbo_gen_CT"))
        want = predicted(first, 2500, 13, int(seed))
        eq(checksum(db.run(IMAGES)), checksum(want), "the whole")
        alive = set()
        for _, _, op, key in want:
            assert (key in alive) == (op != 2), (op, key)
            alive ^= {key} if op in (1, 2) else set()
        for at in (0, 1, 12, 13, 700, 1624, 1625, len(want) - 2):
            lsn, seqval, op, _ = want[at]
            tail = db.run(f"{IMAGES} WHERE ([__$start_lsn] = {literal(lsn)} AND [__$seqval] = {literal(seqval)} AND [__$operation] > {op}) OR ([__$start_lsn] = "
                          f"{literal(lsn)} AND [__$seqval] > {literal(seqval)}) OR ([__$start_lsn] > {literal(lsn)})")
            eq(checksum(tail), checksum(want[at + 1:]), f"behind row {at}")


def test_a_rate(sim):
    with Db(sim) as db:
        db.run("EXEC sim.gen_create @table = 'dbo.gen', @total = 4000, @rows_per_tx = 10, @rate = 5000")
        seen, counts = [], []

        def complete():
            limit = db.max_lsn()
            counts.append(db.value("SELECT COUNT(*) FROM cdc.dbo_gen_CT"))
            if counts[-1] and limit is not None:
                newest = db.value("SELECT MAX([__$start_lsn]) FROM cdc.dbo_gen_CT")
                assert newest >= limit, "what the functions announce can be read"
            seen.append(limit)
            return counts[-1] == 5000

        wait_until(complete, 20, "all rows")
        eq(counts, sorted(counts))
        assert len(set(counts)) > 3, f"rows came at once: {set(counts)}"
        first = bytes(db.value("SELECT MIN([__$start_lsn]) FROM cdc.dbo_gen_CT"))
        eq(checksum(db.run(IMAGES)), checksum(predicted(first, 4000, 10, 0)))
        eq(bytes(db.max_lsn()), predicted(first, 4000, 10, 0)[-1][0])


@variants("customers", "wide", "lob")
def test_templates(sim, template):
    with Db(sim) as db:
        db.run(f"EXEC sim.gen_create @table = 'dbo.gen', @template = '{template}', @total = 200, @snapshot = 5")
        columns = db.run("SELECT COUNT(*) FROM sys.columns WHERE object_id = OBJECT_ID('dbo.gen')")[0][0]
        rows = db.run("SELECT * FROM cdc.dbo_gen_CT")
        eq((len(rows), {len(r) for r in rows}), (250, {columns + 6}))
        eq(len({r[6:-1] for r in rows}), 1, "beside the key all rows are alike")
        eq([r[0] for r in db.run("SELECT * FROM dbo.gen")], [1, 2, 3, 4, 5])
        if template == "lob":
            assert len(rows[0][6]) > 7000


def test_replay(sim):
    with Db(sim) as db:
        db.run("EXEC sim.gen_create @table = 'dbo.gen', @total = 200, @replay = 1")
        eq((len(db.run(IMAGES)), len(set(db.run(IMAGES)))), (250, 1))


def test_arguments_are_checked(sim):
    with Db(sim) as db:
        for arguments in ("@template = 'nosuch'", "@ops = 'x:1'", "@ops = 'i:1,d:2'", "@rows_per_tx = 0", "@rate = -1", "@total = 0", "@seed = 'a'",
                          "@table = 'a]b'"):
            eq(db.error(f"EXEC sim.gen_create {arguments}")[0], 50000, arguments)
        eq(db.error("EXEC sim.gen_create @nosuch = 1")[0], 8144)


def test_counters(sim):
    with Db(sim) as db:
        db.run("EXEC sim.gen_create @table = 'dbo.gen', @total = 10000")
        before = dict(db.run("SELECT name, value FROM sim.stats"))
        db.run("SELECT * FROM cdc.dbo_gen_CT")
        after = dict(db.run("SELECT name, value FROM sim.stats"))
        eq(sorted(before), ["bytes_sent", "connections", "rows_sent", "send_nanos", "send_stalls"])
        eq(after["rows_sent"] - before["rows_sent"], 12500 + len(before))
        assert after["bytes_sent"] - before["bytes_sent"] > 12500 * 100
        assert after["send_nanos"] > before["send_nanos"]


def drain(connection):
    """Reads one message without looking into its packets. @return bytes"""
    total, left, head, last = 0, 0, b"", False
    while not last or left > 0:
        data = connection.recv(1 << 20)
        assert data, "the server has hung up"
        total += len(data)
        at = 0
        while at < len(data):
            if left > 0:
                step = min(left, len(data) - at)
                left, at = left - step, at + step
                continue
            more = data[at:at + 8 - len(head)]
            head, at = head + more, at + len(more)
            if len(head) == 8:
                left, last, head = int.from_bytes(head[2:4], "big") - 8, bool(head[1] & 1), b""
    return total


@timeout(120)
def test_speed_to_one_reader(sim):
    """Rows for each second of one core that the stand-in uses; the reader only counts bytes."""
    if sim.sanitized():
        raise Skip("not measured under ASan")
    with Db(sim) as db:
        db.run("EXEC sim.gen_create @table = 'dbo.gen', @total = 1600000")
    ticks = os.sysconf("SC_CLK_TCK")

    def cpu():
        with open(f"/proc/{sim.process.pid}/stat", encoding="ascii") as f:
            fields = f.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / ticks

    with Raw(sim.port, timeout=60, database=db.name, packet_size=32767) as c:
        began, used = time.monotonic(), cpu()
        c.send(1, HEADERS + utf16("SELECT * FROM cdc.dbo_gen_CT"))
        total = drain(c.socket)
        seconds, used = time.monotonic() - began, cpu() - used
    rows = 2000000
    print(f"     {rows / used / 1e6:.2f} million rows/s of one core, {rows / seconds / 1e6:.2f} million/s by the clock, {total / seconds / 1e6:.0f} MB/s", flush=True)
    assert rows / used >= 500000, f"{rows / used:.0f} rows/s"
