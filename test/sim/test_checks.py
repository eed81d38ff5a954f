"""The conformance checks of the wire, of RPC and of transactions, by number, as far as they are not tests of their own elsewhere:

| Check | Test                                              | Check | Test                                                   |
|-------|---------------------------------------------------|-------|--------------------------------------------------------|
| 1     | wire.prelogin_reply                               | 15    | clients.values, clients.large_values; check_15         |
| 2     | check_02, clients.connect_and_select_1            | 16    | check_16, clients.errors_keep_the_connection           |
| 3     | wire.tls_required, tls.no_tls_to_be_had           | 17    | check_17                                               |
| 4     | clients.connect_and_select_1, freetds_tools       | 18    | check_18, clients.two_result_sets                      |
| 5     | wire.wrong_password, clients.wrong_password       | 19    | wire.executesql_by_number_and_by_name; check_19        |
| 6     | wire.unknown_database; check_06                   | 20    | wire.prepare_execute_unprepare; check_20               |
| 7     | unit test sqlserver-sim/test_wire_login           | 21    | check_21                                               |
| 8     | wire.packet_size_32767; check_08                  | 22    | wire.transaction_manager                               |
| 9     | wire.login_reply; check_09                        | 23    | check_23                                               |
| 10    | wire.batch_over_three_packets, wire.abandoned_... | 24    | check_24                                               |
| 11    | wire.reset_connection; check_11                   | 25    | check_25                                               |
| 12    | wire.attention_in_a_long_result, ..._when_idle    | 26    | check_26                                               |
| 13    | check_13, clients.values                          | 27    | check_27                                               |
| 14    | wire.nbcrow_for_sparse_rows, clients.null_of_...  | 28    | check_28                                               |
| 52    | faults.odd_packets_carry_the_same_rows, clients.odd_packets                                                        |
| 54    | freetds_tools.dblib_textsize_is_4096_until_set, wire.textsize_default_depends_on_the_client                        |
| 55    | freetds_tools (Debian's FreeTDS 1.3.17), clients.*[pymssql] (1.5); MARS: wire.prelogin_reply                       |
"""

import struct

from runner import variants
from tds import COLLATION, HEADERS, SELECT_1, Raw, Tls, done, errors, nvarchar, utf16

NAME = b"\x00"            # a parameter without name
NVARCHAR_MAX = b"\x00\x00\xe7\xff\xff" + COLLATION


def value(c, expression):
    """The bytes of the only value of the only row."""
    reply = c.batch(f"SELECT {expression} AS v")
    assert reply[0] == 0x81 and errors(reply[:3]) == [], reply.hex()
    name = b"\x01v\x00"
    at = reply.index(name) + len(name)
    assert reply[at] in (0xD1, 0xD2), reply.hex()
    return reply[at + 1:-13]


def number(c, expression):
    return struct.unpack("<i", value(c, f"CAST({expression} AS int)")[-4:])[0]


def by_id(c, proc, *params):
    c.send(3, HEADERS + b"\xff\xff" + struct.pack("<HH", proc, 0) + b"".join(params))
    return c.message()


def by_name(c, name, *params):
    c.send(3, HEADERS + struct.pack("<H", len(name)) + utf16(name) + b"\x00\x00" + b"".join(params))
    return c.message()


def int_param(n):
    return bytes.fromhex("0000260404") + struct.pack("<i", n)


def test_check_02_login_only_encryption(sim):
    for _ in range(3):
        with Tls(sim.port, login_only=True) as c:
            assert c.prelogin[-3] == 0, c.prelogin.hex()
            assert b"\xad\x32\x00" in c.login, "the login reply is plain"
            assert c.batch("SELECT 1") == SELECT_1


def test_check_06_use_of_an_unknown_database(sim):
    with Raw(sim.port) as c:
        assert errors(c.batch("USE nosuch")) == [911]
        assert utf16("master") in c.batch("SELECT DB_NAME()")


@variants("512", "600", "4096", "8000", "16384", "32767", "300", "65000")
def test_check_08_packet_sizes(sim, size):
    asked = int(size)
    agreed = min(max(asked, 512), 32767)
    with Raw(sim.port, packet_size=asked) as c:
        assert utf16(str(agreed)) in c.login, c.login.hex()
        reply = c.batch("SELECT REPLICATE(CAST('x' AS varchar(max)), 200000)")
        assert reply.count(b"x" * 500) >= 390
        assert set(c.sizes[:-1]) == {agreed} and c.sizes[-1] <= agreed


def test_check_09_column_encryption_is_never_acknowledged(sim):
    with Raw(sim.port, features=bytes.fromhex("040100000001" "0A00000000FF")) as c:
        assert bytes.fromhex("AE0A0100000001FF") in c.login, c.login.hex()
    with Raw(sim.port, features=bytes.fromhex("040100000001" "0100000000FF")) as c:
        assert b"\xad\x32\x00" in c.login and b"\xae\x04" not in c.login and b"\xae\x01" not in c.login, c.login.hex()


def test_check_11_reset_that_keeps_the_transaction(sim):
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.reset_s', 'U') IS NOT NULL DROP TABLE tempdb.dbo.reset_s; CREATE TABLE tempdb.dbo.reset_s (id INT)")
        c.batch("SET TEXTSIZE 10; BEGIN TRAN; INSERT INTO tempdb.dbo.reset_s VALUES (1)")
        c.send(1, HEADERS + utf16("SELECT @@TRANCOUNT"), 1 | 0x10)
        reply = c.message()
        assert reply.startswith(bytes.fromhex("E30300120000"))
        assert struct.pack("<i", 1) in reply[-20:-13], reply.hex()
        assert number(c, "(SELECT COUNT(*) FROM tempdb.dbo.reset_s)") == 1
        c.batch("ROLLBACK")


# the table of worked values; what stands before the blank is the length prefix
BYTES = {
    "decimal": ("CAST(1234.56 AS decimal(10,2))", "09 0140E2010000000000"),
    "decimal_negative": ("CAST(-0.05 AS decimal(5,2))", "05 0005000000"),
    "money": ("CAST(-1.5 AS money)", "08 FFFFFFFF68C5FFFF"),
    "smallmoney": ("CAST(1.5 AS smallmoney)", "04 983A0000"),
    "datetime": ("CAST('2024-03-15T13:45:30.123' AS datetime)", "08 34B100001DBBE200"),
    "smalldatetime": ("CAST('2024-03-15T13:46:00' AS smalldatetime)", "04 34B13A03"),
    "date": ("CAST('2024-03-15' AS date)", "03 8F460B"),
    "time": ("CAST('13:45:30.1234567' AS time(7))", "05 870F415273"),
    "time_0": ("CAST('13:45:30' AS time(0))", "03 7AC100"),
    "datetime2": ("CAST('2024-03-15 13:45:30.1234567' AS datetime2(7))", "08 870F4152738F460B"),
    "datetime2_3": ("CAST('2024-03-15 13:45:30.123' AS datetime2(3))", "07 0BC5F3028F460B"),
    "datetimeoffset": ("CAST('2024-03-15 13:45:30.1234567 +02:00' AS datetimeoffset(7))", "0A 873FB88E628F460B7800"),
    "uniqueidentifier": ("CAST('6F9619FF-8B86-D011-B42D-00C04FC964FF' AS uniqueidentifier)", "10 FF19966F868B11D0B42D00C04FC964FF"),
    "nvarchar_max": ("CAST(N'AB' AS nvarchar(max))", "0400000000000000 04000000 41004200 00000000"),
    "variant_int": ("CAST(CAST(42 AS int) AS sql_variant)", "06000000 3800 2A000000"),
    "variant_nvarchar": ("CAST(CAST(N'Hi' AS nvarchar(4000)) AS sql_variant)", "0D000000 E707 0904D00034 401F 48006900"),
    "variant_numeric": ("CAST(CAST(1234.56 AS numeric(10,2)) AS sql_variant)", "0D000000 6C02 0A02 01 40E2010000000000"),
    "bit": ("CAST(1 AS bit)", "01 01"),
    "tinyint": ("CAST(255 AS tinyint)", "01 FF"),
    "bigint": ("CAST(-9223372036854775808 AS bigint)", "08 0000000000000080"),
    "real": ("CAST(0.5 AS real)", "04 0000003F"),
    "float": ("CAST(-2.25 AS float)", "08 00000000000002C0"),
    "empty": ("CAST('' AS varchar(10))", "0000"),
    "empty_max": ("CAST('' AS varchar(max))", "0000000000000000 00000000"),
    "cp1252": ("CAST(N'\u20ac' AS varchar(10))", "0100 80"),
    "binary": ("CAST(0x2D AS binary(3))", "0300 2D0000"),
}


@variants(*BYTES)
def test_check_13_bytes_of_values(sim, what):
    expression, want = BYTES[what]
    want = bytes.fromhex(want)
    with Raw(sim.port) as c:
        for sql in (expression, f"(SELECT {expression})"):
            got = value(c, sql)
            assert got == want or got == want[1:], f"{sql}: got {got.hex()}, wanted {want.hex()} (fixed length types without the length)"


def test_check_13_text_has_a_pointer(sim):
    with Raw(sim.port) as c:
        got = value(c, "CAST('abc' AS text)")
        assert got[0] == 16 and got[25:] == b"\x03\0\0\0abc", got.hex()


def test_check_15_sizes_of_max_types(sim):
    with Raw(sim.port, timeout=60) as c:
        for size in (0, 1, 4000, 4001, 8000, 8001, 10000000):
            got = value(c, f"REPLICATE(CAST(N'x' AS nvarchar(max)), {size})")
            assert struct.unpack("<Q", got[:8])[0] == 2 * size
            assert got.endswith(b"\0\0\0\0") and len(got) >= 2 * size + 12


def test_check_15_chunks_of_unknown_total(sim):
    """A parameter in chunks of one byte each, its total length not announced."""
    text = utf16("caf\u00e9 \U0001f680")
    chunks = b"".join(struct.pack("<I", 1) + bytes([b]) for b in text)
    with Raw(sim.port) as c:
        reply = by_id(c, 10, nvarchar("SELECT @p"), nvarchar("@p nvarchar(max)"), NVARCHAR_MAX + b"\xfe" + b"\xff" * 7 + chunks + bytes(4))
        assert errors(reply[:60]) == [] and text in reply, reply.hex()
        reply = by_id(c, 10, nvarchar("SELECT CASE WHEN @p IS NULL THEN 'null' END"), nvarchar("@p nvarchar(max)"), NVARCHAR_MAX + b"\xff" * 8)
        assert b"null" in reply, reply.hex()


def test_check_16_unknown_statement(sim):
    with Raw(sim.port) as c:
        reply = c.batch("FROB x y")
        assert errors(reply) == [102] and utf16("Incorrect syntax near") in reply
        reply = c.batch("FROB")
        assert errors(reply) == [2812] and utf16("Could not find stored procedure 'FROB'.") in reply
        assert c.batch("SELECT 1") == SELECT_1


def test_check_17_unknown_table(sim):
    with Raw(sim.port) as c:
        reply = c.batch("SELECT * FROM nosuch")
        assert reply[3:9] == struct.pack("<IBB", 208, 1, 16), reply.hex()
        assert utf16("Invalid object name 'nosuch'.") in reply
        assert done(reply)[1] & 2


def test_check_18_messages_and_results(sim):
    with Raw(sim.port) as c:
        reply = c.batch("PRINT 'x'; SELECT 1; SELECT 2")
        assert reply[0] == 0xAB and utf16("x") in reply
        assert reply.count(bytes.fromhex("FD1100C1000100000000000000")) == 1, "the first result is followed by more"
        assert done(reply) == (0xFD, 0x10, 1)


def test_check_19_statement_as_ntext(sim):
    def ntext(text):
        data = utf16(text)
        return b"\x00\x00\x63" + struct.pack("<I", len(data)) + COLLATION + struct.pack("<I", len(data)) + data

    with Raw(sim.port) as c:
        want = by_id(c, 10, nvarchar("SELECT @a + 1"), nvarchar("@a int"), int_param(41))
        assert b"\xd1\x2a\x00\x00\x00" in want or b"\xd1\x04\x2a\x00\x00\x00" in want, want.hex()
        assert by_id(c, 10, ntext("SELECT @a + 1"), ntext("@a int"), int_param(41)) == want
        assert by_name(c, "sp_executesql", ntext("SELECT @a + 1"), ntext("@a int"), int_param(41)) == want
        assert by_name(c, "sys.sp_executesql", nvarchar("SELECT @a + 1"), nvarchar("@a int"), int_param(41)) == want


def test_check_20_handles_by_name(sim):
    handle = bytes.fromhex("0001260400")
    with Raw(sim.port) as c:
        reply = by_name(c, "sp_prepare", handle, nvarchar("@P0 int"), nvarchar("SELECT @P0 * 3"), int_param(1))
        assert errors(reply[:40]) == []
        number_of = struct.unpack("<i", reply[-17:-13])[0]
        assert number_of >= 1
        for call in (lambda: by_id(c, 12, int_param(number_of), int_param(14)), lambda: by_name(c, "sp_execute", int_param(number_of), int_param(14))):
            reply = call()
            assert b"\x2a\x00\x00\x00" in reply and b"\x79\x00\x00\x00\x00" in reply, reply.hex()
        assert errors(by_name(c, "sp_unprepare", int_param(number_of))) == []
        assert errors(by_id(c, 12, int_param(number_of), int_param(14))) == [8179]


def test_check_21_unprepare_as_text(sim):
    handle = bytes.fromhex("0001260400")
    with Raw(sim.port) as c:
        handles = [struct.unpack("<i", by_id(c, 11, handle, nvarchar(""), nvarchar("SELECT 1"), int_param(1))[-17:-13])[0] for _ in range(2)]
        reply = c.batch("".join(f"EXEC sp_unprepare {h};" for h in handles))
        assert errors(reply) == [] and reply.count(b"\xfe") + reply.count(b"\xfd") >= 2
        assert errors(c.batch(f"EXEC sp_execute {handles[0]}")) == [8179]


def test_check_23_implicit_transactions(sim):
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.implicit_t', 'U') IS NULL CREATE TABLE tempdb.dbo.implicit_t (id INT)")
        c.batch("set implicit_transactions on ")
        assert c.batch("SELECT 1") == SELECT_1
        assert number(c, "@@TRANCOUNT") == 0
        assert bytes.fromhex("E30B000808") in c.batch("SELECT * FROM tempdb.dbo.implicit_t"), "ENVCHANGE 8"
        assert number(c, "@@TRANCOUNT") == 1
        c.batch("IF @@TRANCOUNT > 0 ROLLBACK TRAN")
        assert number(c, "@@TRANCOUNT") == 0


def test_check_24_savepoint_of_jdbc(sim):
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.save_t', 'U') IS NOT NULL DROP TABLE tempdb.dbo.save_t; CREATE TABLE tempdb.dbo.save_t (id INT)")
        c.batch("set implicit_transactions on ")
        c.batch("IF @@TRANCOUNT = 0 BEGIN BEGIN TRAN IF @@TRANCOUNT = 2 COMMIT TRAN END SAVE TRAN [S1]")
        assert number(c, "@@TRANCOUNT") == 1
        c.batch("INSERT INTO tempdb.dbo.save_t VALUES (1)")
        assert errors(c.batch("IF @@TRANCOUNT > 0 ROLLBACK TRAN [S1]")) == []
        assert number(c, "@@TRANCOUNT") == 1, "the outer transaction stays"
        c.batch("INSERT INTO tempdb.dbo.save_t VALUES (2)")
        c.batch("set implicit_transactions off IF @@TRANCOUNT > 0 COMMIT TRAN ")
        assert number(c, "@@TRANCOUNT") == 0
        assert number(c, "(SELECT SUM(id) FROM tempdb.dbo.save_t)") == 2


def test_check_25_ends_without_a_transaction(sim):
    with Raw(sim.port) as c:
        assert errors(c.batch("COMMIT")) == [3902]
        assert errors(c.batch("ROLLBACK")) == [3903]
        c.send(0x0E, HEADERS + bytes.fromhex("07000000"))
        assert errors(c.message()) == [3902]


def fresh_database(c, name):
    c.batch(f"IF DB_ID('{name}') IS NOT NULL DROP DATABASE {name}")
    assert errors(c.batch(f"CREATE DATABASE {name}")) == []


def test_check_26_ddl_and_capture_in_a_transaction(sim):
    with Raw(sim.port) as c:
        fresh_database(c, "check26")
        c.batch("USE check26")
        c.batch("EXEC sys.sp_cdc_enable_db")
        for end, present in (("08", 0), ("07", 1)):
            c.send(0x0E, HEADERS + bytes.fromhex("05000200"))
            c.message()
            assert errors(c.batch("CREATE TABLE dbo.t (id INT NOT NULL PRIMARY KEY)")) == []
            reply = c.batch("EXEC sys.sp_cdc_enable_table @source_schema = N'dbo', @source_name = N't', @role_name = NULL")
            assert all(e in (14553, 22840, 22841) for e in errors(reply)), errors(reply)
            c.send(0x0E, HEADERS + bytes.fromhex(f"{end}000000"))
            c.message()
            assert number(c, "(SELECT COUNT(*) FROM sys.tables WHERE name = 't')") == present
            assert number(c, "(SELECT COUNT(*) FROM cdc.change_tables)") == present
        c.batch("USE master; DROP DATABASE check26")


def test_check_27_create_database_in_a_transaction(sim):
    with Raw(sim.port) as c:
        c.batch("BEGIN TRAN")
        assert errors(c.batch("CREATE DATABASE check27")) == [226]
        c.batch("IF @@TRANCOUNT > 0 ROLLBACK")
        assert number(c, "CASE WHEN DB_ID('check27') IS NULL THEN 0 ELSE 1 END") == 0


def test_check_28_snapshot_isolation(sim):
    with Raw(sim.port) as c, Raw(sim.port) as other:
        fresh_database(c, "check28")
        for session in (c, other):
            session.batch("USE check28")
        c.batch("CREATE TABLE dbo.t (id INT NOT NULL PRIMARY KEY, v INT); INSERT INTO dbo.t VALUES (1, 10)")
        c.batch("SET TRANSACTION ISOLATION LEVEL SNAPSHOT")
        c.batch("BEGIN TRAN")
        assert errors(c.batch("SELECT v FROM dbo.t")) == [3952]
        c.batch("IF @@TRANCOUNT > 0 ROLLBACK")
        assert errors(other.batch("ALTER DATABASE check28 SET ALLOW_SNAPSHOT_ISOLATION ON")) == []
        c.batch("BEGIN TRAN")
        assert number(c, "(SELECT v FROM dbo.t)") == 10
        other.batch("UPDATE dbo.t SET v = 20")
        assert number(c, "(SELECT v FROM dbo.t)") == 10, "reads are repeatable"
        c.batch("COMMIT")
        assert number(c, "(SELECT v FROM dbo.t)") == 20
        c.batch("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; USE master")
        other.batch("USE master; DROP DATABASE check28")


C = COLLATION.hex()
# declaration: TYPE_INFO and value as a driver sends them; the value must come back with the same bytes
PARAMETERS = {
    "bit": ("6801", "0101"), "tinyint": ("2601", "01FF"), "smallint": ("2602", "020080"), "int": ("2604", "0400000080"),
    "bigint": ("2608", "08FFFFFFFFFFFFFF7F"), "real": ("6D04", "040000003F"), "float": ("6D08", "0800000000000002C0"),
    "money": ("6E08", "08FFFFFFFF68C5FFFF"), "smallmoney": ("6E04", "04983A0000"),
    "decimal(10,2)": ("6A090A02", "050140E20100"), "numeric(38,0)": ("6C112600", "1101FFFFFFFF3F228A097AC4865AA84C3B4B"),
    "date": ("28", "038F460B"), "time(7)": ("2907", "05870F415273"), "time(0)": ("2900", "037AC100"), "datetime": ("6F08", "0834B100001DBBE200"),
    "smalldatetime": ("6F04", "0434B13A03"), "datetime2(7)": ("2A07", "08870F4152738F460B"), "datetime2(3)": ("2A03", "070BC5F3028F460B"),
    "datetimeoffset(7)": ("2B07", "0A873FB88E628F460B7800"), "uniqueidentifier": ("2410", "10FF19966F868B11D0B42D00C04FC964FF"),
    "char(4)": ("AF0400" + C, "040061622020"), "varchar(20)": ("A71400" + C, "0100" + "80"), "varchar(1)": ("A70100" + C, "0000"),
    "nchar(2)": ("EF0400" + C, "0400" + "78002000"), "nvarchar(20)": ("E72800" + C, "0400" + "604F7D59"),
    "binary(3)": ("AD0300", "03002D0000"), "varbinary(20)": ("A51400", "0400DEADBEEF"),
    "varchar(max)": ("A7FFFF" + C, "0200000000000000020000006162" + "00000000"), "nvarchar(max)": ("E7FFFF" + C, "04000000000000000400000041004200" + "00000000"),
    "varbinary(max)": ("A5FFFF", "02000000000000000200000000FF" + "00000000"),
    "sql_variant": ("62491F0000", "0600000038002A000000"),
}


@variants(*PARAMETERS)
def test_parameter_there_and_back(sim, kind):
    info, data = (bytes.fromhex(h) for h in PARAMETERS[kind])
    null = {0xA7: 8, 0xE7: 8, 0xA5: 8}.get(info[0], 0) if info[1:3] == b"\xff\xff" else 2 if info[0] in (0xAF, 0xA7, 0xEF, 0xE7, 0xAD, 0xA5) else 4 if info[0] == 0x62 else 0
    nothing = b"\xff" * null if null in (2, 8) else bytes(max(null, 1))
    with Raw(sim.port) as c:
        for value_bytes, row in ((data, None), (nothing, nothing)):
            reply = by_id(c, 10, nvarchar("SELECT @p AS v"), nvarchar(f"@p {kind}"), b"\x00\x00" + info + value_bytes)
            at = reply.index(b"\x01v\x00") + 3
            end = reply.index(b"\xff\x11\x00\xc1\x00" + struct.pack("<Q", 1), at)
            got = reply[at + 1:end]
            if row is None and kind == "decimal(10,2)":
                assert got == bytes.fromhex("090140E2010000000000"), "decimals come in the full length of their precision"
            elif kind == "numeric(38,0)" or row is None:
                assert got == value_bytes, f"sent {value_bytes.hex()}, got {got.hex()}"
            else:
                assert got == nothing, f"sent NULL as {nothing.hex()}, got {got.hex()}"


def test_table_valued_parameter_is_refused(sim):
    """Nothing that CDC tools send; an error, and the connection stays."""
    with Raw(sim.port) as c:
        reply = by_id(c, 10, nvarchar("SELECT * FROM @t"), nvarchar("@t dbo.tt READONLY"), b"\x00\x00\xf3\x00\x03" + utf16("dbo") + b"\x02" + utf16("tt") + b"\xff\xff\x00\x00")
        assert errors(reply) == [8009], reply.hex()
        assert c.batch("SELECT 1") == SELECT_1
