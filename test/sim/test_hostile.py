"""Input that no client would send: an error or a closed connection, never a crash, never memory that stays."""

import random
import socket
import struct
import time

from localstack.waiting import wait_until
from runner import timeout, variants
from sim import Sim, Skip
from tds import HEADERS, SELECT_1, Raw, Tls, done, errors, login7, nvarchar, packet, powers_of_ten, prelogin, utf16


IP_BIND_ADDRESS_NO_PORT = 24  # Linux; Python does not name it


def works(sim):
    with Raw(sim.port) as c:
        assert c.batch("SELECT 1") == SELECT_1
    return True


def throw(sim, data):
    """Send bytes, say no more, and wait until the server has hung up."""
    with socket.create_connection(("127.0.0.1", sim.port), 20) as s:
        try:
            s.sendall(data)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except TimeoutError:
            raise
        except OSError:
            pass  # closed with bytes unread: a reset


def test_garbage_as_first_bytes(sim):
    rnd = random.Random(1)
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"\x12", b"\x12\x01\x00\x07\x00\x00\x00\x00", b"\x12\x01\xff\xff\0\0\0\0", bytes(64)):
        throw(sim, data)
    for _ in range(200):
        throw(sim, rnd.randbytes(rnd.randint(1, 300)))
    works(sim)


def test_damaged_logins(sim):
    rnd = random.Random(2)
    whole = login7()
    for _ in range(300):
        body = bytearray(whole)
        for _ in range(rnd.randint(1, 6)):
            body[rnd.randrange(len(body))] = rnd.choice((0, 0xFF, 0x7F, rnd.randrange(256)))
        throw(sim, packet(0x12, prelogin()) + packet(0x10, bytes(body[:rnd.randint(0, len(body))])))
    works(sim)


def test_damaged_requests(sim):
    rnd = random.Random(3)
    whole = HEADERS + b"\xff\xff\x0a\x00\x00\x00" + nvarchar("SELECT @a, @b") + nvarchar("@a int, @b nvarchar(max)") + bytes.fromhex(
        "000026040401000000 0000E7FFFF0904D00034FEFFFFFFFFFFFFFF020000004100 00000000".replace(" ", ""))
    for _ in range(300):
        body = bytearray(whole)
        for _ in range(rnd.randint(1, 5)):
            body[rnd.randrange(len(body))] = rnd.choice((0, 0xFF, 0x7F, 0x80, rnd.randrange(256)))
        kind = rnd.choice((3, 3, 3, 1, 7, 0x0E, 0x11, 0x55))
        throw(sim, packet(0x12, prelogin()) + packet(0x10, login7()) + packet(kind, bytes(body[:rnd.randint(0, len(body))])))
    works(sim)


def test_four_gigabyte_lengths(sim):
    before = sim.memory_kb()
    huge = struct.pack("<I", 0xFFFFFFFF)
    with Raw(sim.port) as c:
        for body in (
            huge + utf16("SELECT 1"),                                                                  # ALL_HEADERS
            HEADERS + b"\xff\xff\x0a\x00\x00\x00" + bytes.fromhex("0000E7FFFF0904D00034") + struct.pack("<Q", 1 << 32) + huge + b"x",
            HEADERS + b"\xff\xff\x0a\x00\x00\x00" + bytes.fromhex("0000E7FFFF0904D00034FEFFFFFFFFFFFFFF") + huge,
            HEADERS + b"\xff\xff\x0a\x00\x00\x00" + bytes.fromhex("000063FFFFFF7F0904D00034") + struct.pack("<I", 0xFFFFFFFE),
            HEADERS + b"\xff\xff\x0a\x00\x00\x00" + bytes.fromhex("000062491F0000") + huge,
        ):
            c.send(3, body)
            assert b"\xaa" in c.message(), "an error was expected"
        assert c.batch("SELECT 1") == SELECT_1
    assert sim.memory_kb() - before < 32 * 1024


DEEP = 10000
# What is ten thousand deep or long, and how SQL Server refuses it.
NESTED = {
    "parentheses": (191, "SELECT " + "(" * DEEP + "1" + ")" * DEEP),
    "signs": (191, "SELECT " + "- " * DEEP + "1"),
    "case": (191, "SELECT " + "CASE WHEN 1=1 THEN " * DEEP + "1" + " END" * DEEP),
    "derived tables": (191, "SELECT * FROM " + "(SELECT * FROM " * DEEP + "(SELECT 1 AS a) x" + ") x" * DEEP),
    "subqueries": (191, "SELECT " + "(SELECT " * DEEP + "1" + ")" * DEEP),
    "exists": (191, "SELECT 1 WHERE " + "EXISTS (SELECT 1 WHERE " * DEEP + "1=1" + ")" * DEEP),
    "blocks": (191, "BEGIN " * DEEP + "SELECT 1" + " END" * DEEP),
    "try": (191, "BEGIN TRY " * DEEP + "SELECT 1" + " END TRY BEGIN CATCH END CATCH" * DEEP),
    "else": (191, "IF 1=0 SELECT 1 " + "ELSE IF 1=0 SELECT 1 " * DEEP),
    "calls": (191, "SELECT " + "ABS(" * DEEP + "1" + ")" * DEEP),
    "sum": (8631, "SELECT " + "+".join(["1"] * DEEP)),
    "sums in sums": (8631, "SELECT " + "(" * 60 + "1" + ("+1" * 190 + ")") * 60),
    "and": (8631, "SELECT 1 WHERE " + " AND ".join(["1=1"] * DEEP)),
    "or": (8631, "SELECT 1 WHERE " + " OR ".join(["1=2"] * DEEP)),
    "union": (8631, " UNION ALL ".join(["SELECT 1"] * DEEP)),
    "joins": (106, "SELECT 1 FROM sys.objects t0" + "".join(f" CROSS JOIN sys.objects t{i}" for i in range(DEEP))),
    "comments": (0, "/*" * DEEP + "*/" * DEEP + " SELECT 1"),
    "list": (0, "SELECT 1 WHERE 1 IN (" + ",".join(["1"] * DEEP) + ")"),
}


@variants(*NESTED)
def test_statements_without_end(sim, what):
    number, sql = NESTED[what]
    with Raw(sim.port) as c:
        assert errors(c.batch(sql)) == ([number] if number else [])
        # as deep as the parser lets pass: the stack has to hold it
        c.batch("SELECT " + "(" * 60 + "1" + ("+1" * 65 + ")") * 60)
        assert c.batch("SELECT 1") == SELECT_1


def test_half_a_login_ends_at_the_deadline(sim):
    with Sim("--login-timeout-ms", "700") as quick:
        began = time.monotonic()
        for data in (b"", packet(0x12, prelogin())[:5], packet(0x12, prelogin()), packet(0x12, prelogin()) + packet(0x10, login7())[:40]):
            with socket.create_connection(("127.0.0.1", quick.port), 20) as s:
                s.sendall(data)
                try:
                    while s.recv(65536):
                        pass
                except ConnectionResetError:
                    pass  # closed with bytes unread
        assert time.monotonic() - began < 15
        works(quick)


def test_dripping_bytes_do_not_extend_the_login(sim):
    with Sim("--login-timeout-ms", "800") as quick:
        began = time.monotonic()
        with socket.create_connection(("127.0.0.1", quick.port), 20) as s:
            s.settimeout(0.05)
            s.sendall(packet(0x12, prelogin()))
            for i in range(400):
                try:
                    s.sendall(login7()[i % 90:i % 90 + 1])
                    if not s.recv(4096):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    break
            else:
                raise AssertionError("still connected")
        assert time.monotonic() - began < 10


def test_client_leaves_in_the_middle_of_everything(sim):
    stages = packet(0x12, prelogin()) + packet(0x10, login7()) + packet(1, HEADERS + utf16("SELECT 1"))
    for cut in range(1, len(stages), 7):
        throw(sim, stages[:cut])
    works(sim)


# What a session may be busy with when its client leaves: one long SQLite query, a wait, a reply that nobody takes, a loop.
BUSY = {
    "query": f"SELECT COUNT(*) FROM {powers_of_ten(10)}",
    "wait": "WAITFOR DELAY '00:00:50'",
    "lock": "INSERT INTO tempdb.dbo.leave_t VALUES (2)",
    "reply": f"SELECT t0.d, N'{'x' * 200}' FROM {powers_of_ten(8)}",
    "loop": "DECLARE @i INT = 0; WHILE @i < 100000000 SET @i = @i + 1",
}


@variants(*(f"{busy} {how}" for busy in BUSY for how in ("fin", "rst", "half", "ahead+fin", "ahead+rst", "tls+fin", "tls+rst", "tls+ahead+fin")))
def test_session_ends_when_its_client_leaves(sim, variant):
    """ahead: a second request was sent before the first was answered, so unread bytes are in front of the end."""
    busy, how = variant.split()
    with Raw(sim.port) as other, (Tls if "tls" in how else Raw)(sim.port) as c:
        other.batch("IF OBJECT_ID('tempdb.dbo.leave_t', 'U') IS NULL CREATE TABLE tempdb.dbo.leave_t (id INT)")
        other.batch("BEGIN TRAN; INSERT INTO tempdb.dbo.leave_t VALUES (1)")
        before = sim.threads()
        c.send(1, HEADERS + utf16(BUSY[busy]))
        if busy == "reply":
            c.socket.recv(1, socket.MSG_PEEK)
        if "ahead" in how:
            c.send(1, HEADERS + utf16("SELECT 1"))
        if "rst" in how:
            c.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if "half" in how:
            c.socket.shutdown(socket.SHUT_WR)
        else:
            c.socket.close()
        wait_until(lambda: sim.threads() < before, 2, "the end of the session's thread")
    works(sim)


def test_reader_that_does_not_read(sim):
    """A result nobody takes does not pile up in the server."""
    if sim.sanitized():
        raise Skip("memory cannot be judged under ASan")
    before = sim.memory_kb()
    with Raw(sim.port) as c:
        c.send(1, HEADERS + utf16(f"SELECT t0.d, N'{'x' * 200}' FROM {powers_of_ten(7)}"))
        c.socket.recv(1)
        works(sim)
        assert sim.memory_kb() - before < 64 * 1024
    works(sim)


def test_no_memory_is_kept(sim):
    if sim.sanitized():
        raise Skip("memory cannot be judged under ASan")

    def churn():
        for _ in range(50):
            throw(sim, packet(0x12, prelogin()) + packet(0x10, login7()) + packet(1, HEADERS + utf16("SELECT '" + "x" * 20000 + "'")))

    churn()
    before = sim.memory_kb()
    for _ in range(4):
        churn()
    wait_until(lambda: sim.memory_kb() - before < 16 * 1024, 10, "the memory of closed connections")


@timeout(180)
def test_ten_thousand_silent_connections(sim):
    with Sim() as crowd:
        before, threads = crowd.memory_kb(), crowd.threads()
        sockets = []
        try:
            for i in range(10000):
                s = socket.socket()
                s.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
                s.bind((f"127.0.0.{2 + i // 1000}", 0))  # ports of one address run out, and finding the last ones takes a minute
                s.connect(("127.0.0.1", crowd.port))
                sockets.append(s)
                if i % 2000 == 1999:
                    works(crowd)
            assert crowd.threads() <= threads + 4, "silent connections have threads"
            assert crowd.memory_kb() - before < 32 * 1024, "silent connections cost memory"
            works(crowd)
        except OSError as e:
            if len(sockets) < 10000 and e.errno == 24:
                raise Skip(f"this process may open only {len(sockets)} descriptors") from e
            raise
        finally:
            for s in sockets:
                s.close()


@timeout(120)
def test_five_hundred_sessions(sim):
    """Each runs queries, all have a transaction open at once, each writes; afterwards nothing of them is left."""
    with Sim() as busy:
        works(busy)
        threads, descriptors = busy.threads(), busy.descriptors()
        clients = [Raw(busy.port, timeout=60) for _ in range(500)]

        def all_run(sql):
            for i, c in enumerate(clients):
                c.send(1, HEADERS + utf16(sql.format(i=i)))
            return [c.message() for c in clients]

        try:
            assert all_run("SELECT 1") == [SELECT_1] * 500
            clients[0].batch("CREATE TABLE tempdb.dbo.crowd (id INT PRIMARY KEY, t NVARCHAR(20) NULL)")
            assert {done(r)[2] for r in all_run("INSERT INTO tempdb.dbo.crowd VALUES ({i}, N'row')")} == {1}
            for reply in all_run("BEGIN TRAN; SELECT id FROM tempdb.dbo.crowd"):
                assert done(reply)[1:] == (0x14, 500), "500 rows, inside a transaction"
            assert len({r[-17:-13] for r in all_run("SELECT CAST(@@SPID AS int), CAST(@@TRANCOUNT AS int)")}) == 1, "@@TRANCOUNT is 1 everywhere"
            assert {done(r)[1] & 4 for r in all_run("COMMIT")} == {0}
            for reply in all_run("BEGIN TRAN; UPDATE tempdb.dbo.crowd SET t = N'x' WHERE id = {i}; ROLLBACK"):
                assert errors(reply) == []
            assert done(clients[0].batch("SELECT id FROM tempdb.dbo.crowd WHERE t = N'row'"))[2] == 500
        finally:
            for c in clients:
                c.socket.close()
        wait_until(lambda: busy.threads() <= threads and busy.descriptors() <= descriptors, 10, "the end of what 500 sessions needed",
                   detail=lambda: f"{busy.threads()} threads, {busy.descriptors()} descriptors, before {threads}, {descriptors}")
        works(busy)


@timeout(120)
def test_a_thousand_half_logins(sim):
    """They get no more than 256 threads, and when their time is over others log in again."""
    with Sim("--login-timeout-ms", "1500") as crowd:
        works(crowd)
        before, threads = crowd.memory_kb(), crowd.threads()
        sockets = [socket.create_connection(("127.0.0.1", crowd.port), 20) for _ in range(1000)]
        try:
            for s in sockets:
                s.sendall(packet(0x12, prelogin()) + packet(0x10, login7())[:40])
            assert crowd.threads() - threads <= 256
            if not crowd.sanitized():
                assert crowd.memory_kb() - before < 64 * 1024
            # They are let in 256 at a time, and whoever comes while all places are taken is cut off: until the last lot has gone.
            wait_until(lambda: works(crowd), 20, "the end of the half logins")
            wait_until(lambda: crowd.threads() <= threads, 20, "the end of their threads")
        finally:
            for s in sockets:
                s.close()


def test_damaged_bulk_loads(sim):
    """Announced by INSERT BULK, with damaged column descriptions and cut within a row (FreeTDS sends no DONE, so the end of a row is
    an end): an error or a closed connection, and no row stays."""
    rnd = random.Random(4)
    head = bytes.fromhex("81 0200 00000000 0800 38") + b"\x02i\0d\0" + bytes.fromhex("00000000 0900 E7 C800 0904D00034") + b"\x01t\0"
    rows = [b"\xd1" + struct.pack("<iH", i, 6) + utf16("row") for i in range(20)]
    whole = head + b"".join(rows) + bytes.fromhex("FD 0000 0000 0000000000000000")
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.bulk_bad', 'U') IS NOT NULL DROP TABLE tempdb.dbo.bulk_bad; "
                "CREATE TABLE tempdb.dbo.bulk_bad (id INT NOT NULL, t NVARCHAR(100) NULL)")
        c.batch("INSERT BULK tempdb.dbo.bulk_bad (id int, t nvarchar(100))")
        c.send(7, whole)
        assert done(c.message())[2] == 20, "the undamaged one is taken"
        c.batch("TRUNCATE TABLE tempdb.dbo.bulk_bad")
    for _ in range(200):
        body = bytearray(whole[:rnd.randrange(len(head) + 1, len(head) + len(rows[0])) + len(rows[0]) * rnd.randrange(20)])
        for _ in range(rnd.randint(0, 3)):
            body[rnd.randrange(len(head))] = rnd.choice((0, 0xFF, 0x7F, 0x80, rnd.randrange(256)))
        announced = packet(1, HEADERS + utf16("INSERT BULK tempdb.dbo.bulk_bad (id int, t nvarchar(100))"))
        throw(sim, packet(0x12, prelogin()) + packet(0x10, login7()) + announced + packet(7, bytes(body)))
    with Raw(sim.port) as c:
        assert done(c.batch("SELECT id FROM tempdb.dbo.bulk_bad"))[2] == 0
    works(sim)


def test_starts_at_once(sim):
    """About 20 ms with a new data directory, less with an old one; the bound leaves room for a busy machine."""
    if sim.sanitized():
        raise Skip("times cannot be judged under ASan")
    new, again = [], []
    for _ in range(5):
        began = time.monotonic()
        with Sim() as quick:
            new.append(time.monotonic() - began)
            assert quick.stop() == 0
            began = time.monotonic()
            quick.start()
            again.append(time.monotonic() - began)
    assert min(new) < 0.2 and min(again) < 0.2, (new, again)


def test_stops_with_sessions_open(sim):
    with Sim() as quick:
        with Raw(quick.port) as idle, Raw(quick.port) as waiting:
            waiting.send(1, HEADERS + utf16("WAITFOR DELAY '00:00:50'"))
            begun = time.monotonic()
            assert quick.stop() == 0, quick.log_tail()
            assert time.monotonic() - begun < 10
            assert idle.closed() == b""
