"""What every client of the matrix must get: connections, values, statements, transactions, errors, large results, cancel."""

import re
import time

from clients.all import CLIENTS
from clients.client import ServerError, Unsupported
from runner import timeout, variants
from sim import PASSWORD, Skip
from values import NULL_TYPES, PARAMETERS, VALUES

ALL = tuple(CLIENTS)


class Open:
    """A connected client as a context."""

    def __init__(self, sim, name, **options):
        self.client = CLIENTS[name]()
        self.client.connect(sim.port, password=PASSWORD, **options)

    def __enter__(self):
        return self.client

    def __exit__(self, *_):
        self.client.close()


def eq(got, want, what=""):
    assert got == want, f"{what}: got {got!r}, wanted {want!r}"


def one(client, sql, params=(), prepared=False):
    """The only value of the only row."""
    sets = client.query(sql, params, prepared)
    eq([len(s) for s in sets], [1], f"result sets of {sql[:80]}")
    return sets[0][0][0]


def shorten(text, client, name):
    """The expected text as this client can show it."""
    if text is None:
        return None
    if name == "datetimeoffset" and not client.tells_offset:
        return None
    if name.startswith("variant_") and name.split("_")[1] not in client.variants:
        return None
    stamp = re.match(r"^(.*\d\d:\d\d:\d\d)\.(\d{7})(.*)$", text)
    if stamp:
        return f"{stamp[1]}.{stamp[2][:client.time_digits].ljust(7, '0')}{stamp[3]}"
    return text


def same(got, want):
    """Numbers may come as `1.0`, `-1.5` for money, uuids in lower case; text must be equal."""
    if got == want or got is None or want is None:
        return got == want
    if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", want):
        return got.upper() == want
    stamp = r"\d\d:\d\d:\d\d"
    if re.search(stamp, want) and re.search(stamp, got):  # datetime ticks are shown rounded by some, cut by others
        cut = re.compile(r"(:\d\d\.\d{3})\d*")
        return cut.sub(r"\1", got) == cut.sub(r"\1", want)
    return False


@variants(*ALL)
def test_connect_and_select_1(sim, name):
    for encrypt in CLIENTS[name].encryption:
        with Open(sim, name, encrypt=encrypt) as c:
            eq(one(c, "SELECT 1"), "1", f"encrypt={encrypt}")


@variants(*ALL)
def test_three_connections_with_tls(sim, name):
    encrypt = CLIENTS[name].encryption[-1]
    if encrypt == "off":
        raise Skip("this client has no TLS here")
    for _ in range(3):
        with Open(sim, name, encrypt=encrypt) as c:
            eq(one(c, "SELECT 'a' + 'b'"), "ab")


@variants(*ALL)
def test_wrong_password(sim, name):
    client = CLIENTS[name]()
    try:
        client.connect(sim.port, password="wrong")
    except ServerError as e:
        assert e.number == 18456 or "Login failed for user 'sa'" in e.text, e
        assert "wrong" not in e.text, e
        return
    raise AssertionError("logged in with a wrong password")


@variants(*ALL)
def test_unknown_database(sim, name):
    client = CLIENTS[name]()
    try:
        client.connect(sim.port, password=PASSWORD, database="nosuch")
    except ServerError as e:
        assert e.number in (4060, 18456) or "nosuch" in e.text or "Login failed" in e.text, e
        return
    raise AssertionError("logged in to a database that does not exist")


@variants(*ALL)
def test_database_of_the_login(sim, name):
    with Open(sim, name, database="tempdb") as c:
        eq(one(c, "SELECT DB_NAME()"), "tempdb")


@variants(*ALL)
def test_values(sim, name):
    wrong = []
    with Open(sim, name) as c:
        for what, expression, text in VALUES:
            want = shorten(text, c, what)
            if want is None:
                continue
            try:
                got = one(c, f"SELECT {expression}")
            except ServerError as e:
                got = str(e)
            if not c.exact_decimals and what.startswith(("decimal", "money", "smallmoney", "numeric")):
                ok = abs(float(got) - float(want)) <= abs(float(want)) * 1e-15
            else:
                ok = same(got, want)
            if not ok:
                wrong.append(f"{what}: got {got!r}, wanted {want!r}")
    assert not wrong, "\n".join(wrong)


@variants(*ALL)
def test_null_of_every_type(sim, name):
    with Open(sim, name) as c:
        for kind in NULL_TYPES:
            if kind != "sql_variant" or c.variants:
                eq(one(c, f"SELECT CAST(NULL AS {kind})"), None, kind)
        kinds = [k for k in NULL_TYPES if k != "sql_variant" or c.variants]
        everything = ", ".join(f"CAST(NULL AS {k})" for k in kinds)
        eq(c.query(f"SELECT 1, {everything}, 2"), [[["1", *[None] * len(kinds), "2"]]], "a row of NULLs")


@variants(*ALL)
def test_parameters(sim, name):
    wrong = []
    with Open(sim, name) as c:
        for kind, text in PARAMETERS:
            for prepared in (False, True):
                try:
                    got = one(c, "SELECT ?", ((kind, text),), prepared)
                except ServerError as e:
                    got = str(e)
                ok = same(got, text) or (kind == "date" and same(got[:10], text)) or (kind == "guid" and got.upper() == text)
                if kind in ("decimal", "float") and not ok:
                    ok = float(got) == float(text)
                if kind == "datetime2":
                    ok = got[:23] == text[:23]
                if not ok:
                    wrong.append(f"{kind}: got {got[:100]!r}, wanted {text[:100]!r}")
    assert not wrong, "\n".join(wrong)


@variants(*ALL)
def test_null_parameter(sim, name):
    with Open(sim, name) as c:
        for kind in ("nvarchar", "int"):
            eq(one(c, "SELECT CASE WHEN ? IS NULL THEN 'null' ELSE 'value' END", ((kind, None),)), "null", kind)


@variants(*ALL)
def test_prepared_statement_again_and_again(sim, name):
    if not CLIENTS[name].has_prepared:
        raise Skip("this client prepares nothing")
    with Open(sim, name) as c:
        for i in range(5):
            eq(one(c, "SELECT ? + 1", (("int", str(i)),), prepared=True), str(i + 1))


def fresh_table(client, name):
    client.query(f"IF OBJECT_ID('tempdb.dbo.{name}', 'U') IS NOT NULL DROP TABLE tempdb.dbo.{name}")
    client.query(f"CREATE TABLE tempdb.dbo.{name} (id INT NOT NULL PRIMARY KEY, text NVARCHAR(100) NULL)")
    return f"tempdb.dbo.{name}"


@variants(*ALL)
def test_transactions(sim, name):
    with Open(sim, name) as c:
        table = fresh_table(c, "tx_" + re.sub(r"\W", "_", name))
        c.begin()
        c.query(f"INSERT INTO {table} VALUES (1, N'kept')")
        c.commit()
        c.begin()
        c.query(f"INSERT INTO {table} VALUES (2, N'lost')")
        eq(one(c, f"SELECT COUNT(*) FROM {table}"), "2", "inside the transaction")
        c.rollback()
        eq(c.query(f"SELECT id, text FROM {table}"), [[["1", "kept"]]], "after the rollback")
        eq(one(c, "SELECT @@TRANCOUNT"), "0")


@variants(*ALL)
def test_errors_keep_the_connection(sim, name):
    with Open(sim, name) as c:
        for sql, number in (("SELECT * FROM nosuch", 208), ("FROB x y", 102), ("SELECT nosuch FROM sys.objects", 207)):
            try:
                c.query(sql)
            except ServerError as e:
                if e.number:
                    eq(e.number, number, sql)
                assert "nosuch" in e.text or "Incorrect syntax" in e.text or "stored procedure" in e.text, e
            else:
                raise AssertionError(f"no error for {sql}")
            eq(one(c, "SELECT 1"), "1", f"after {sql}")


@variants(*ALL)
def test_two_result_sets(sim, name):
    with Open(sim, name) as c:
        eq(c.query("PRINT 'x'; SELECT 1; SELECT 'b', 2"), [[["1"]], [["b", "2"]]])


@timeout(120)
@variants(*ALL)
def test_large_results(sim, name):
    with Open(sim, name) as c:
        digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
        sql = f"SELECT a.d + 10 * b.d + 100 * c.d + 1000 * e.d AS n, N'some text for each row' AS t FROM {digits} a CROSS JOIN {digits} b CROSS JOIN {digits} c CROSS JOIN {digits} e"
        rows = c.query(sql)[0]
        eq(len(rows), 10000)
        eq(sorted(int(r[0]) for r in rows), list(range(10000)))
        assert all(r[1] == "some text for each row" for r in rows)


@variants(*ALL)
def test_large_values(sim, name):
    with Open(sim, name) as c:
        for size in (0, 1, 4000, 4001, 8001, 1000000):
            got = one(c, f"SELECT REPLICATE(CAST(N'\u00fc' AS nvarchar(max)), {size})")
            eq(len(got), size)
            assert got == "\u00fc" * size


@variants(*ALL)
def test_odd_packets(sim, name):
    """However the server cuts its reply into packets and chunks, a client reads the same."""
    sql = ("SELECT a.d + 10 * b.d AS n, N'text \u00fc of a row' AS t, CAST(NULL AS int) AS x, CAST('large ' + REPLICATE('y', 50) AS varchar(max)) AS odd_packets "
           "FROM (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) a CROSS JOIN (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2) b ORDER BY 1")
    with Open(sim, name) as control, Open(sim, name) as c:
        want = c.query(sql)
        eq(len(want[0]), 12)
        ways = ["size:512", "plp:1", "nbcrow:always", "nbcrow:never"] + ["size:100,plp:3,nbcrow:always", "split"] * c.tiny_packets
        control.query("EXEC sim.fault_clear")
        for how in ways:
            control.query(f"EXEC sim.fault @kind = 'packet', @arg = '{how}', @match = '%SELECT a.d + 10%AS odd_packets%'")
            eq(c.query(sql), want, how)
        hits = control.query("SELECT SUM(hits) FROM sim.faults")
        control.query("EXEC sim.fault_clear")
        eq(hits, [[[str(len(ways))]]], "faults that were applied")


@variants(*ALL)
def test_bulk_load(sim, name):
    rows = [("1", "plain", "00FF"), ("2", "", ""), ("3", None, None), ("4", "\u4f60\u597d \U0001f680", "DEADBEEF")]
    rows += [(str(i), f"row {i}", "AB" * (i % 50)) for i in range(5, 1000)]
    with Open(sim, name) as c:
        table = "bulk_" + re.sub(r"\W", "_", name)
        c.query("USE tempdb")
        c.query(f"IF OBJECT_ID('dbo.{table}', 'U') IS NOT NULL DROP TABLE dbo.{table}")
        c.query(f"CREATE TABLE dbo.{table} (id INT NOT NULL PRIMARY KEY, t NVARCHAR(100) NULL, b VARBINARY(50) NULL)")
        try:
            c.bulk(f"dbo.{table}", rows)
        except Unsupported:
            raise Skip("this client has no bulk interface") from None
        got = c.query(f"SELECT id, t, b FROM dbo.{table} ORDER BY id")[0]
        eq(len(got), len(rows))
        for one_row, want in zip(got, rows):
            eq(tuple(one_row), want if c.bulk_empty else tuple(v or None for v in want))


@variants(*ALL)
def test_server_cursor(sim, name):
    sql = "SELECT n, t FROM (VALUES (1, N'one'), (2, NULL), (3, N'three'), (4, N''), (5, N'five'), (6, N'six'), (7, N'seven')) v(n, t) ORDER BY n"
    with Open(sim, name) as c:
        try:
            forwards, backwards = c.scroll(sql)
        except Unsupported:
            raise Skip("this client has no server cursors") from None
        eq(forwards, [["1", "one"], ["2", None], ["3", "three"], ["4", ""], ["5", "five"], ["6", "six"], ["7", "seven"]])
        eq(backwards, forwards[::-1])
        eq(one(c, "SELECT 1"), "1")


@variants(*ALL)
def test_cancel(sim, name):
    with Open(sim, name) as c:
        began = time.monotonic()
        try:
            c.cancel("WAITFOR DELAY '00:00:50'", 300)
        except Unsupported:
            raise Skip("this client cannot cancel") from None
        assert time.monotonic() - began < 10, "the cancel came late"
        if name != "go-mssqldb":  # database/sql throws a cancelled connection away
            eq(one(c, "SELECT 1"), "1", "after the cancel")
