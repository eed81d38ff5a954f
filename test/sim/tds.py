"""A raw TDS client for what no driver would send: packets byte by byte, tokens as they come."""

import socket
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


def login7(user="sa", password=PASSWORD, database="", packet_size=4096, odbc=True, utf8=False, version=0x74000004):
    fixed, variable = bytearray(94), b""
    scrambled = bytes(((b & 15) << 4 | b >> 4) ^ 0xA5 for b in utf16(password))
    for offset, data in ((36, utf16("host")), (40, utf16(user)), (44, scrambled), (48, utf16("raw")), (52, utf16("srv")),
                         (60, utf16("lib")), (64, b""), (68, utf16(database))):
        struct.pack_into("<HH", fixed, offset, 94 + len(variable), len(data) // 2)
        variable += data
    if utf8:
        at = 94 + len(variable)
        struct.pack_into("<HH", fixed, 56, at, 4)
        variable += struct.pack("<I", at + 4) + bytes.fromhex("0A0000000 0FF".replace(" ", ""))
        fixed[27] = 0x10
    fixed[25] = 2 if odbc else 0
    struct.pack_into("<IIII", fixed, 0, 94 + len(variable), version, packet_size, 7)
    return bytes(fixed) + variable


def nvarchar(text):
    return b"\x00\x00\xe7" + struct.pack("<H", 8000) + COLLATION + struct.pack("<H", len(utf16(text))) + utf16(text)


class Raw:
    """A connection. The reply of the login is in .login, the sizes of the last message's packets in .sizes."""

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
            self.socket.sendall(packet(kind, body[:size], status & ~1))
            body, status = body[size:], status & 1
        self.socket.sendall(packet(kind, body, status))

    def _exact(self, n):
        data = b""
        while len(data) < n:
            more = self.socket.recv(n - len(data))
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
            assert head[0] == 4, head.hex()
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
                more = self.socket.recv(65536)
                if not more:
                    return said
                said += more
        except ConnectionResetError:
            return said


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


SELECT_1 = bytes.fromhex("8101000000000000003800 D101000000 FD1000C1000100000000000000".replace(" ", ""))
