"""EXEC sim.fault: cuts, stalls, odd packets, failing logins and errors on request."""

import time

from runner import variants
from sim import PASSWORD
from tds import HEADERS, SELECT_1, Raw, done, errors, utf16

ROWS = ("SELECT a.d + 10 * b.d AS n, N'text \u00fc of a row' AS t, CAST(NULL AS int) AS x, CAST('large ' + REPLICATE('y', 50) AS varchar(max)) AS m FROM "
        "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) a CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2) b")


def arm(sim, **arguments):
    text = ", ".join(f"@{k} = " + (str(v) if isinstance(v, int) else "N'" + v.replace("'", "''") + "'") for k, v in arguments.items())
    with Raw(sim.port) as c:
        assert errors(c.batch(f"EXEC sim.fault {text}")) == []


def clear(sim):
    with Raw(sim.port) as c:
        c.batch("EXEC sim.fault_clear")


def cut(sim, sql):
    """Runs sql and expects the connection to end. @return the payload that came before"""
    with Raw(sim.port) as c:
        c.send(1, HEADERS + utf16(sql))
        return c.closed()


def works(sim):
    with Raw(sim.port) as c:
        assert c.batch("SELECT 1") == SELECT_1


@variants("before", "mid_packet", "after_rows:3", "mid_token:after_rows:3", "before,rst", "after_rows:2,rst")
def test_drop(sim, how):
    arm(sim, kind="drop", arg=how, match="a CROSS JOIN")
    said = cut(sim, ROWS)
    assert ("before" in how) == (said == b""), said.hex()
    if "after_rows:3" in how and "token" not in how:
        assert said.count(utf16("text \u00fc of a row")) == 3
    works(sim)
    with Raw(sim.port) as c:
        assert done(c.batch(ROWS))[2] == 12, "a fault with @count 1 hits once"
    clear(sim)


def test_drop_at_login_stages(sim):
    for how in ("at_prelogin", "after_login"):
        arm(sim, kind="drop", arg=how)
        try:
            with Raw(sim.port) as c:
                c.batch("SELECT 1")
            raise AssertionError(f"{how}: still connected")
        except (EOFError, ConnectionError):
            pass
        works(sim)
    clear(sim)


@variants("split", "size:512", "size:600", "plp:1", "plp:7", "nbcrow:always", "nbcrow:never", "info", "order:off",
          "size:100,plp:3,nbcrow:always,info")
def test_odd_packets_carry_the_same_rows(sim, how):
    import pymssql

    def rows():
        conn = pymssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, autocommit=True)
        try:
            cursor = conn.cursor()
            cursor.execute(ROWS)
            return sorted(cursor.fetchall())
        finally:
            conn.close()

    want = rows()
    arm(sim, kind="packet", arg=how, match="a CROSS JOIN", count=-1)
    assert rows() == want
    assert len(want) == 12 and want[0][2] is None and want[0][3].startswith("large y")
    clear(sim)


def test_tokens_between_rows(sim):
    ordered = ROWS + " ORDER BY n"
    with Raw(sim.port) as c:
        plain = c.batch(ordered)
        assert plain.count(b"\xa9\x02\x00\x01\x00") == 1, "an ORDER token for column 1"
        arm(sim, kind="packet", arg="order:off", match="a CROSS JOIN")
        assert b"\xa9\x02\x00\x01\x00" not in c.batch(ordered)
        arm(sim, kind="packet", arg="info", match="a CROSS JOIN")
        assert c.batch(ordered).count(utf16("A message between rows.")) == 12
        assert c.batch(ordered) == plain
    clear(sim)


def test_stall_and_slow_rows(sim):
    arm(sim, kind="stall", arg="600", match="SELECT 1")
    with Raw(sim.port) as c:
        began = time.monotonic()
        assert c.batch("SELECT 1") == SELECT_1
        assert time.monotonic() - began >= 0.6
    arm(sim, kind="slow_rows", arg="20000", match="a CROSS JOIN")
    with Raw(sim.port) as c:
        began = time.monotonic()
        assert done(c.batch(ROWS))[2] == 12
        assert time.monotonic() - began >= 0.2
    arm(sim, kind="slow_rows", arg="trickle:5", match="a CROSS JOIN")
    with Raw(sim.port) as c:
        assert done(c.batch(ROWS))[2] == 12
    clear(sim)


def test_login_fail_twice_then_succeeds(sim):
    with Raw(sim.port) as control:
        control.batch("EXEC sim.fault @kind = 'login_fail', @count = 2")
        for _ in range(2):
            with Raw(sim.port) as c:
                assert errors(c.login) == [18456], errors(c.login)
                assert c.closed() == b""
        works(sim)
        control.batch("EXEC sim.fault @kind = 'login_fail', @arg = '40613'")
        with Raw(sim.port) as c:
            assert errors(c.login) == [40613]
        control.batch("EXEC sim.fault_clear")


def test_errors_on_request(sim):
    with Raw(sim.port) as c:
        for kind, number in (("deadlock", 1205), ("lock_timeout", 1222)):
            c.batch(f"EXEC sim.fault @kind = '{kind}', @match = 'SELECT 1'")
            reply = c.batch("SELECT 1")
            assert errors(reply) == [number] and done(reply)[1] & 2
            assert c.batch("SELECT 1") == SELECT_1
        c.batch("EXEC sim.fault @kind = 'error', @arg = '50123,16,7,made up', @match = 'SELECT 1', @skip = 1")
        assert c.batch("SELECT 1") == SELECT_1
        reply = c.batch("SELECT 1")
        assert errors(reply) == [50123] and utf16("made up") in reply
        c.batch("EXEC sim.fault_clear")


def test_deadlock_rolls_back(sim):
    with Raw(sim.port) as c:
        c.batch("EXEC sim.fault @kind = 'deadlock', @match = 'victim'")
        c.batch("BEGIN TRAN")
        reply = c.batch("SELECT 1 AS victim")
        assert errors(reply) == [1205]
        assert bytes.fromhex("E30B000A0008") in reply, "ENVCHANGE 10 tells the client that the transaction is gone"
        c.batch("EXEC sim.fault_clear")


def test_faults_are_listed(sim):
    with Raw(sim.port) as c:
        c.batch("EXEC sim.fault @kind = 'drop', @match = 'never seen'")
        assert utf16("never seen") in c.batch("SELECT kind, match, hits FROM sim.faults")
        c.batch("EXEC sim.fault_clear")
        assert done(c.batch("SELECT kind FROM sim.faults"))[2] == 0
        assert errors(c.batch("EXEC sim.fault @kind = 'no such kind'")) == [50000]
