"""A raw TDS client for what no driver would send: packets byte by byte, tokens as they come."""

import socket
import ssl
import struct

from sim import PASSWORD

HEADERS = bytes.fromhex("16000000120000000200000000000000000001000000")
COLLATION = bytes.fromhex("0904D00034")
PRELOGIN = bytes.fromhex("00001A0006 0100200001 0200210001 0300220004 0400260001 FF 0F0010000000".replace(" ", ""))


def utf16(text):
    return text.encode("utf-16le")


def packet(kind, body, status=1):
    return struct.pack(">BBHHBB", kind, status, len(body) + 8, 0, 1, 0) + body


def prelogin(encryption=2):
    return PRELOGIN + bytes([encryption, 0, 0, 0, 0, 0, 0])


def login7(user="sa", password=PASSWORD, database="", packet_size=4096, odbc=True, utf8=False, version=0x74000004,
           features=b"", sspi=b""):
    fixed, variable = bytearray(94), b""
    scrambled = bytes(((b & 15) << 4 | b >> 4) ^ 0xA5 for b in utf16(password))
    for offset, data in ((36, utf16("host")), (40, utf16(user)), (44, scrambled), (48, utf16("raw")), (52, utf16("srv")),
                         (60, utf16("lib")), (64, b""), (68, utf16(database))):
        struct.pack_into("<HH", fixed, offset, 94 + len(variable), len(data) // 2)
        variable += data
    if utf8:
        features = bytes.fromhex("0A00000000FF")
    if features:
        at = 94 + len(variable)
        struct.pack_into("<HH", fixed, 56, at, 4)
        variable += struct.pack("<I", at + 4) + features
        fixed[27] = 0x10
    fixed[25] = (2 if odbc else 0) | (0x80 if sspi else 0)
    struct.pack_into("<HH", fixed, 78, 94 + len(variable), len(sspi))
    variable += sspi
    struct.pack_into("<IIII", fixed, 0, 94 + len(variable), version, packet_size, 7)
    return bytes(fixed) + variable


def nvarchar(text):
    return b"\x00\x00\xe7" + struct.pack("<H", 8000) + COLLATION + struct.pack("<H", len(utf16(text))) + utf16(text)


class Raw:
    """A connection. The reply of the login is in .login, the sizes of the last message's packets in .sizes."""

    kinds = (4,)

    def __init__(self, port, timeout=20, **login):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.sizes = []
        self.send(0x12, prelogin())
        self.message()
        self.send(0x10, login7(**login))
        self.login = self.message()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, kind, body, status=1):
        """One message, in packets of the default size."""
        size = 4096 - 8
        while len(body) > size:
            self._send(packet(kind, body[:size], status & ~1))
            body, status = body[size:], status & 1
        self._send(packet(kind, body, status))

    def _send(self, data):
        self.socket.sendall(data)

    def _recv(self, n):
        return self.socket.recv(n)

    def _exact(self, n):
        data = b""
        while len(data) < n:
            more = self._recv(n - len(data))
            if not more:
                raise EOFError("the server has closed the connection")
            data += more
        return data

    def message(self):
        """The payload of one reply."""
        body, self.sizes = [], []
        while True:
            head = self._exact(8)
            size = struct.unpack(">H", head[2:4])[0]
            assert head[0] in self.kinds, head.hex()
            body.append(self._exact(size - 8))
            self.sizes.append(size)
            if head[1] & 1:
                return b"".join(body)

    def batch(self, sql):
        self.send(1, HEADERS + utf16(sql))
        return self.message()

    def closed(self):
        """Waits until the server has hung up. @return what it still said"""
        said = b""
        try:
            while True:
                more = self._recv(65536)
                if not more:
                    return said
                said += more
        except ConnectionResetError:
            return said


class Tls(Raw):
    """The same inside TLS, or with login_only just the login. `context` decides whom to trust; by default anybody."""

    def __init__(self, port, timeout=20, context=None, hostname="localhost", login_only=False, **login):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self.sizes, self.plain = [], True
        if context is None:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname=hostname)
        try:
            self.send(0x12, prelogin(0 if login_only else 1))
            self.prelogin = self.message()
            self._handshake()
            self.plain = False
            self.send(0x10, login7(**login))
            self.plain = login_only
            self.login = self.message()
        except BaseException:
            self.socket.close()
            raise

    def _handshake(self):
        self.kinds = (4, 0x12)
        finished = False
        while not finished:
            try:
                self.tls.do_handshake()
                finished = True
            except ssl.SSLWantReadError:
                pass
            if self.outgoing.pending:
                self._send(packet(0x12, self.outgoing.read()))
            if not finished:
                self.incoming.write(self.message())
        self.kinds = (4,)

    def _send(self, data):
        if not self.plain:
            self.tls.write(data)
            data = self.outgoing.read()
        self.socket.sendall(data)

    def _recv(self, n):
        while not self.plain:
            try:
                return self.tls.read(n)
            except ssl.SSLWantReadError:
                more = self.socket.recv(65536)
                if not more:
                    return b""
                self.incoming.write(more)
        return self.socket.recv(n)


def done(reply):
    """(token, status, count) of the DONE at the end of a reply."""
    token, status, _, count = struct.unpack("<BHHQ", reply[-13:])
    assert token in (0xFD, 0xFE, 0xFF), reply[-13:].hex()
    return token, status, count


def errors(reply):
    """Numbers of the ERROR tokens; only for replies without rows that could contain the byte."""
    found, at = [], 0
    while (at := reply.find(b"\xaa", at)) >= 0:
        size, number = struct.unpack("<HI", reply[at + 1:at + 7])
        if at + 3 + size <= len(reply) and 0 < number < 100000:
            found.append(number)
            at += 3 + size
        else:
            at += 1
    return found


DIGITS = "(SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)"


def powers_of_ten(n):
    """A FROM clause of 10^n rows; digit i of the row number is t<i>.d."""
    return " CROSS JOIN ".join(f"{DIGITS} t{i}" for i in range(n))


SELECT_1 = bytes.fromhex("8101000000000000003800 D101000000 FD1000C1000100000000000000".replace(" ", ""))
