"""What a client and the stand-in said to each other: recorded through a proxy, kept as data, said again to a fresh stand-in.

A file is xz-compressed text, one event a line: the number of the connection, then `> HEX` for bytes of the client, `< HEX` for bytes
of the server, `> -` and `< -` for whoever hung up first. Volatile in a reply, and therefore not compared, are
  - the session id, bytes 4 and 5 of every packet header,
  - the transaction descriptors in the ENVCHANGE tokens 8, 9 and 10.
Times, positions and new ids are kept out by what is recorded: nothing asks for them.
"""

import lzma
import os
import re
import select
import selectors
import socket
import struct
import threading

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "transcripts")
SUFFIX = ".txt.xz"
CLIENT, SERVER = ">", "<"
DESCRIPTORS = re.compile(rb"(?s)(\xe3\x0b\x00\x08\x08).{8}(\x00)|(\xe3\x0b\x00[\x09\x0a]\x00\x08).{8}")
LOGIN7 = 0x10
REPLY_SECONDS = 10


def names():
    return tuple(sorted(f[:-len(SUFFIX)] for f in os.listdir(FOLDER) if f.endswith(SUFFIX)))


def load(name):
    """@return events (connection, direction, bytes or None for the end)"""
    with lzma.open(os.path.join(FOLDER, name + SUFFIX), "rt", encoding="ascii") as f:
        fields = (line.split() for line in f)
        return [(int(c), d, None if data == "-" else bytes.fromhex(data)) for c, d, data in fields]


def save(name, events):
    text = "".join(f"{c} {d} {'-' if data is None else data.hex()}\n" for c, d, data in events)
    with lzma.open(os.path.join(FOLDER, name + SUFFIX), "wt", encoding="ascii", preset=9 | lzma.PRESET_EXTREME) as f:
        f.write(text)


def without_origin(data):
    """A login without the name, process and network address of the machine that recorded it."""
    if not data or data[0] != LOGIN7 or len(data) < 8 + 94:
        return data
    body = bytearray(data)
    body[8 + 16:8 + 20] = bytes(4)
    body[8 + 72:8 + 78] = bytes(6)
    at, chars = struct.unpack_from("<HH", body, 8 + 36)
    for i in range(chars):
        body[8 + at + 2 * i:8 + at + 2 * i + 2] = b"h\0"
    return bytes(body)


def packets(data):
    """The packets in data. @return (list, the incomplete rest)"""
    found = []
    while len(data) >= 8:
        size = struct.unpack_from(">H", data, 2)[0]
        if size < 8 or len(data) < size:
            break
        found.append(data[:size])
        data = data[size:]
    return found, data


def messages(data):
    """How many messages end in data, which is whole packets."""
    found, rest = packets(data)
    assert not rest, f"half a packet: {rest[:40].hex()}"
    return sum(p[1] & 1 for p in found)


def steady(data):
    """A reply with what may differ from run to run set to zero."""
    found, _ = packets(data)
    plain = b"".join(p[:4] + b"\0\0" + p[6:] for p in found)
    return DESCRIPTORS.sub(lambda m: (m[1] or m[3]) + bytes(8) + (m[2] or b""), plain)


class Recorder:
    """A proxy in front of a port. Its .port is for clients; stop() returns the events."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.events, self.lock = [], threading.Lock()
        self.waker, self.woken = socket.socketpair()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _note(self, number, direction, data):
        if direction == CLIENT and data:
            data = without_origin(data)
        for i in range(len(self.events) - 1, -1, -1):  # what the same side says without an answer in between is one event
            if self.events[i][0] == number:
                if self.events[i][1] == direction and data and self.events[i][2]:
                    self.events[i] = (number, direction, self.events[i][2] + data)
                    return
                if self.events[i][2] is None:
                    return  # who hangs up second only answers
                break
        self.events.append((number, direction, data))

    def _run(self):
        selector = selectors.DefaultSelector()
        selector.register(self.listener, selectors.EVENT_READ)
        selector.register(self.woken, selectors.EVENT_READ)
        count, opened = 0, []
        while True:
            for key, _ in selector.select():
                if key.fileobj is self.woken:
                    for s in opened:
                        s.close()
                    selector.close()
                    return
                if key.fileobj is self.listener:
                    client, server = self.listener.accept()[0], socket.create_connection(("127.0.0.1", self.target))
                    for s, other, direction in ((client, server, CLIENT), (server, client, SERVER)):
                        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        selector.register(s, selectors.EVENT_READ, (count, direction, other))
                        opened.append(s)
                    count += 1
                    continue
                if key.fileobj not in opened:
                    continue  # its peer has ended within the same round
                number, direction, other = key.data
                try:
                    data = key.fileobj.recv(1 << 20)
                    if data:
                        other.sendall(data)
                except OSError:
                    data = b""
                self._note(number, direction, data or None)
                if not data:
                    for s in (key.fileobj, other):
                        selector.unregister(s)
                        s.close()
                        opened.remove(s)

    def stop(self):
        self.waker.send(b"x")
        self.thread.join(20)
        for s in (self.listener, self.waker, self.woken):
            s.close()
        return self.events


class Differs(AssertionError):
    """The stand-in answers otherwise than it did."""


def _explain(number, step, request, want, got):
    at = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
    lo = max(0, at - 24)
    text = request.decode("utf-16le", "ignore") if request else ""
    text = "".join(c for c in text if c.isascii() and c.isprintable())
    return (f"connection {number}, event {step}: byte {at} of the reply differs ({len(want)} recorded, {len(got)} now)\n"
            f"  request  {text[-200:]!r}\n  recorded {want[lo:at].hex()} | {want[at:at + 40].hex()}\n  now      {got[lo:at].hex()} | {got[at:at + 40].hex()}")


def _exact(sock, n):
    """n bytes, or fewer when the stand-in ends or says nothing for long: MSG_WAITALL does not wait on a socket with a timeout."""
    data = b""
    while len(data) < n and select.select([sock], [], [], REPLY_SECONDS)[0]:
        more = sock.recv(n - len(data))
        if not more:
            break
        data += more
    return data


def _read(sock, count):
    """Bytes of the next messages, or what there is of them."""
    data, found = b"", 0
    while found < count:
        head = _exact(sock, 8)
        size = struct.unpack_from(">H", head, 2)[0] if len(head) == 8 else 0
        body = _exact(sock, size - 8) if size > 8 else b""
        data += head + body
        if len(head) + len(body) < max(size, 8):
            break
        found += head[1] & 1
    return data


def replay(port, events):
    """Says the clients' part again. @return the number of replies that were compared"""
    sockets, last, compared = {}, {}, 0
    try:
        for step, (number, direction, data) in enumerate(events):
            if direction == CLIENT and data is not None:
                if number not in sockets:
                    sockets[number] = socket.create_connection(("127.0.0.1", port), 20)
                last[number] = data
                sockets[number].sendall(data)
            elif direction == CLIENT:
                if number in sockets:
                    sockets.pop(number).close()
            elif data is None:
                if sockets[number].recv(1):
                    raise Differs(f"connection {number}, event {step}: the stand-in hung up when this was recorded, and speaks on now")
                sockets.pop(number).close()
            else:
                want, got = steady(data), steady(_read(sockets[number], messages(data)))
                if want != got:
                    raise Differs(_explain(number, step, last.get(number), want, got))
                compared += 1
        return compared
    finally:
        for s in sockets.values():
            s.close()
