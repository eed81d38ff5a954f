"""The protocol byte by byte: what the documents promise and no driver checks."""

import socket
import struct

from localstack.waiting import wait_until
from sim import PASSWORD
from tds import HEADERS, SELECT_1, Raw, done, errors, login7, nvarchar, packet, prelogin, utf16


ATTENTION_ACK = bytes.fromhex("FD200000000000000000000000")


def exchange(sim, data, size=65536):
    with socket.create_connection(("127.0.0.1", sim.port), 20) as s:
        s.sendall(data)
        return s.recv(size)


def test_prelogin_reply(sim):
    for asked, answered in ((2, 2), (0, 0), (1, 1), (3, 1)):
        reply = exchange(sim, packet(0x12, prelogin(asked)))
        want = "0401002B00000100" + "00001A0006010020000102002100010300220000040022 0001FF".replace(" ", "") + "0F0010000000"
        assert reply.hex().upper() == want + f"{answered:02X}0000", (asked, reply.hex())


def test_login_reply(sim):
    with Raw(sim.port, utf8=True) as c:
        names = utf16("master")
        assert c.login.startswith(b"\xe3" + struct.pack("<H", 3 + 2 * len(names)) + b"\x01\x06" + names + b"\x06" + names), c.login.hex()
        for token in ("E308000705 0904D00034 00", "AE0A0100000001FF", "AD32000174000004"):
            assert bytes.fromhex(token.replace(" ", "")) in c.login, token
        assert done(c.login)[1] == 0
    with Raw(sim.port) as c:
        assert b"\xae\x0a\x01" not in c.login


def test_select_1_bytes(sim):
    with Raw(sim.port) as c:
        assert c.batch("SELECT 1") == SELECT_1


def test_wrong_password(sim):
    with Raw(sim.port, password="no") as c:
        assert errors(c.login) == [18456]
        assert utf16("Login failed for user 'sa'.") in c.login
        assert done(c.login)[:2] == (0xFD, 2)
        assert c.closed() == b""


def test_unknown_database(sim):
    with Raw(sim.port, database="nosuch") as c:
        assert errors(c.login) == [4060, 18456], errors(c.login)
        assert c.closed() == b""


def test_packet_size_32767(sim):
    with Raw(sim.port, packet_size=32767) as c:
        assert utf16("32767") + b"\x04" + utf16("4096") in c.login
        reply = c.batch("SELECT REPLICATE(CAST('x' AS varchar(max)), 1000000)")
        assert len(reply) > 1000000
        assert set(c.sizes[:-1]) == {32767} and c.sizes[-1] <= 32767, c.sizes


def test_packet_size_512(sim):
    with Raw(sim.port, packet_size=512) as c:
        c.batch("SELECT REPLICATE(CAST('x' AS varchar(max)), 10000)")
        assert set(c.sizes[:-1]) == {512}, c.sizes


def test_batch_over_three_packets(sim):
    body = HEADERS + utf16("SELECT 1")
    with Raw(sim.port) as c:
        for piece, status in ((body[:10], 0), (body[10:31], 0), (body[31:], 1)):
            c.send(1, piece, status)
        assert c.message() == SELECT_1


def test_abandoned_batch_is_not_run(sim):
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.abandoned', 'U') IS NOT NULL DROP TABLE tempdb.dbo.abandoned")
        c.send(1, HEADERS + utf16("CREATE TABLE tempdb.dbo.abandoned"), 0)
        c.send(1, utf16(" (id INT)"), 3)
        assert len(c.message()) == 13
        assert errors(c.batch("SELECT * FROM tempdb.dbo.abandoned")) == [208]


def test_attention_when_idle(sim):
    with Raw(sim.port) as c:
        c.send(6, b"")
        assert c.message() == ATTENTION_ACK
        assert c.batch("SELECT 1") == SELECT_1


def test_attention_stops_a_wait(sim):
    with Raw(sim.port) as c:
        c.send(1, HEADERS + utf16("WAITFOR DELAY '00:00:50'"))
        c.send(6, b"")
        assert done(c.message())[1] == 2, "the request itself ends with an error"
        assert c.message() == ATTENTION_ACK
        assert c.batch("SELECT 1") == SELECT_1


def test_attention_behind_a_complete_reply(sim):
    """The reply is out already: the attention gets a message of its own."""
    with Raw(sim.port) as c:
        assert c.batch("SELECT 1") == SELECT_1
        c.send(6, b"")
        assert c.message() == ATTENTION_ACK


def test_attention_in_a_long_result(sim):
    digits = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"
    tables = " CROSS JOIN ".join(f"{digits} t{i}" for i in range(7))
    with Raw(sim.port) as c:
        c.send(1, HEADERS + utf16(f"SELECT t0.d, t1.d, t2.d, t3.d, N'padding' FROM {tables}"))
        c.socket.recv(4096, socket.MSG_PEEK | socket.MSG_WAITALL)
        c.send(6, b"")
        reply = c.message()
        assert done(reply)[1] == 2
        assert len(reply) < 100000000
        assert c.message() == ATTENTION_ACK
        assert c.batch("SELECT 1") == SELECT_1


def test_reset_connection(sim):
    with Raw(sim.port) as c:
        c.batch("IF OBJECT_ID('tempdb.dbo.reset_t', 'U') IS NOT NULL DROP TABLE tempdb.dbo.reset_t; CREATE TABLE tempdb.dbo.reset_t (id INT)")
        c.batch("SET TEXTSIZE 10; BEGIN TRAN; INSERT INTO tempdb.dbo.reset_t VALUES (1)")
        c.send(1, HEADERS + utf16("SELECT COUNT(*), @@TRANCOUNT, REPLICATE(CAST('x' AS varchar(max)), 20) FROM tempdb.dbo.reset_t"), 1 | 8)
        reply = c.message()
        assert reply.startswith(bytes.fromhex("E30300120000")), reply.hex()
        assert b"x" * 20 in reply, "TEXTSIZE was not restored"
        row = reply[reply.index(b"\xd1"):]
        assert b"\x00\x00\x00\x00" in row[:12], row.hex()


def test_textsize_default_depends_on_the_client(sim):
    sql = "SELECT REPLICATE(CAST('x' AS varchar(max)), 10000)"
    with Raw(sim.port, odbc=False) as c:
        assert c.batch(sql).count(b"x" * 4097) == 0
        c.batch("SET TEXTSIZE 2147483647")
        assert b"x" * 10000 in c.batch(sql)
    with Raw(sim.port, odbc=True) as c:
        assert b"x" * 10000 in c.batch(sql)


def test_nbcrow_for_sparse_rows(sim):
    nulls = ", ".join(["CAST(NULL AS int)"] * 7)
    with Raw(sim.port) as c:
        reply = c.batch(f"SELECT CAST(NULL AS int), {nulls}, CAST(NULL AS int)")
        assert b"\xd2\xff\x01" in reply, reply.hex()
        reply = c.batch("SELECT CAST(NULL AS int), 1")
        assert b"\xd1\x00" in reply, "one NULL of two is shorter as a plain row"


def test_old_clients_get_no_new_types(sim):
    with Raw(sim.port, version=0x72090002) as c:
        assert bytes.fromhex("7209 0002".replace(" ", "")) in c.login
        reply = c.batch("SELECT CAST('2024-03-15' AS date), NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL")
        assert utf16("2024-03-15") in reply and b"\xd2" not in reply
    with Raw(sim.port, version=0x71000001) as c:
        assert c.login[-9] == 0xFD, "DONE has 4-byte counts in 7.1"


def test_executesql_by_number_and_by_name(sim):
    with Raw(sim.port) as c:
        for name in (b"\xff\xff\x0a\x00", struct.pack("<H", 13) + utf16("sp_executesql")):
            c.send(3, HEADERS + name + b"\x00\x00" + nvarchar("SELECT @P0") + nvarchar("@P0 int") + bytes.fromhex("00002604042A000000"))
            reply = c.message()
            assert b"\x04\x2a\x00\x00\x00" in reply or b"\xd1\x2a\x00\x00\x00" in reply, reply.hex()
            assert done(reply)[0] == 0xFE and b"\x79\x00\x00\x00\x00" in reply


def test_two_calls_in_one_message(sim):
    call = b"\xff\xff\x0a\x00\x00\x00" + nvarchar("SELECT 7")
    with Raw(sim.port) as c:
        c.send(3, HEADERS + call + b"\xff" + call)
        reply = c.message()
        assert reply.count(b"\x79\x00\x00\x00\x00\xfe") == 2, reply.hex()
        assert done(reply)[1] & 1 == 0


def test_unknown_parameter_type_is_an_error(sim):
    with Raw(sim.port) as c:
        c.send(3, HEADERS + b"\xff\xff\x0a\x00\x00\x00" + b"\x00\x00\xf3\x00\x00")
        assert errors(c.message()) == [8009]
        assert c.batch("SELECT 1") == SELECT_1


def test_prepare_execute_unprepare(sim):
    with Raw(sim.port) as c:
        handle = bytes.fromhex("0001260400")
        c.send(3, HEADERS + b"\xff\xff\x0d\x00\x00\x00" + handle + nvarchar("@P0 int") + nvarchar("SELECT @P0 * 2") + bytes.fromhex("000026040415000000"))
        reply = c.message()
        at = reply.rindex(b"\xac")
        number = reply[-13 - 4:-13]
        assert reply[at:at + 13] and struct.unpack("<i", number)[0] >= 1, reply.hex()
        assert b"\x2a\x00\x00\x00" in reply
        execute = bytes.fromhex("0000260404") + number
        c.send(3, HEADERS + b"\xff\xff\x0c\x00\x00\x00" + execute + bytes.fromhex("000026040401000000"))
        assert errors(c.message()) == []
        c.send(3, HEADERS + b"\xff\xff\x0f\x00\x00\x00" + execute)
        assert errors(c.message()) == []
        c.send(3, HEADERS + b"\xff\xff\x0c\x00\x00\x00" + execute + bytes.fromhex("000026040401000000"))
        assert errors(c.message()) == [8179]


def test_transaction_manager(sim):
    with Raw(sim.port) as c:
        c.send(0x0E, HEADERS + bytes.fromhex("05000200"))
        reply = c.message()
        assert reply[:5] == bytes.fromhex("E30B000808") and reply[13] == 0, reply.hex()
        descriptor = reply[5:13]
        assert descriptor != bytes(8)
        c.send(0x0E, HEADERS + bytes.fromhex("0700000100 00".replace(" ", "")))
        reply = c.message()
        assert reply.startswith(bytes.fromhex("E30B00090008") + descriptor), reply.hex()
        assert bytes.fromhex("E30B000808") in reply, "commit with flag 1 begins the next transaction"
        c.send(0x0E, HEADERS + bytes.fromhex("08000000"))
        assert bytes.fromhex("E30B000A0008") in c.message()


def test_tls_required(sim):
    from sim import Sim

    with Sim("--tls", "required") as strict:
        assert exchange(strict, packet(0x12, prelogin(2)))[-3] == 3
    with Sim("--tls", "off") as plain:
        assert exchange(plain, packet(0x12, prelogin(1)))[-3] == 2


def test_login_in_two_packets(sim):
    body = login7(password=PASSWORD)
    with socket.create_connection(("127.0.0.1", sim.port), 20) as s:
        s.sendall(packet(0x12, prelogin()))
        s.recv(4096)
        s.sendall(packet(0x10, body[:50], 0))
        s.sendall(packet(0x10, body[50:], 1))
        got = b""

        def logged_in():
            nonlocal got
            got += s.recv(65536)
            return b"\xad\x32\x00" in got

        wait_until(logged_in, 10, "the login reply")
