"""One interface over all clients of the matrix, so that one set of checks runs with each.

Values come back as text: NULL is None, numbers in plain digits, binary as upper-case hex, bits as 0 and 1, dates and times as
`YYYY-MM-DD`, `HH:MM:SS.fffffff`, `… +HH:MM`; see canonical().
"""

import datetime
import decimal
import uuid


class ServerError(Exception):
    """An error message of the server; number is 0 when the client does not tell it."""

    def __init__(self, number, text):
        super().__init__(f"{number}: {text}")
        self.number, self.text = number, text


class Unsupported(Exception):
    """This client cannot do that."""


class Client:
    """A connection. Subclasses fill in what their driver can do."""

    encryption = ("off",)       # of "off", "login", "full"; "verify:FILE" trusts what that PEM file (JDBC: key store) has signed
    verifies = False
    time_digits = 7             # fraction digits that its values keep
    has_prepared = True
    tells_offset = True         # datetimeoffset keeps its offset
    exact_decimals = True        # decimal values keep their scale
    variants = ("int", "nvarchar", "numeric", "date", "binary")  # base types of a sql_variant whose values it can show
    tiny_packets = True         # reads fields that are spread over three and more packets
    bulk_empty = True           # its bulk interface tells '' from NULL

    def connect(self, port, encrypt="off", user="sa", password="", database=""):
        raise NotImplementedError

    def query(self, sql, params=(), prepared=False):
        """@return the result sets as lists of rows. params: (type, canonical text or None)"""
        raise NotImplementedError

    def begin(self):
        raise NotImplementedError

    def commit(self):
        raise NotImplementedError

    def rollback(self):
        raise NotImplementedError

    def cancel(self, sql, after_ms):
        """Run sql and cancel it from the client's side after that time; returns when the cancel has been answered."""
        raise Unsupported

    def drain(self, sql):
        """Read a result and keep none of it. @return the number of its rows"""
        return len(self.query(sql)[0])

    def bulk(self, table, rows):
        """Load rows (id, text, hex) of (int, nvarchar, varbinary) through the client's bulk interface."""
        raise Unsupported

    def scroll(self, sql):
        """Read a result through a server cursor, forwards three rows at a time. @return [rows, rows once more from last to first]"""
        raise Unsupported

    def close(self):
        raise NotImplementedError


def fraction(microseconds):
    return f"{microseconds:06d}0"


def _offset(delta):
    minutes = int(delta.total_seconds() // 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def canonical(value):
    """A Python driver's value as text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex().upper()
    if isinstance(value, uuid.UUID):
        return str(value).upper()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, datetime.datetime):
        text = f"{value.year:04d}-{value:%m-%d %H:%M:%S}.{fraction(value.microsecond)}"
        return text + (f" {_offset(value.utcoffset())}" if value.tzinfo else "")
    if isinstance(value, datetime.date):
        return f"{value.year:04d}-{value:%m-%d}"
    if isinstance(value, datetime.time):
        return f"{value:%H:%M:%S}.{fraction(value.microsecond)}"
    return str(value)


def parse(kind, text):
    """The opposite: a Python value for a parameter."""
    if text is None:
        return None
    if kind in ("int", "bigint"):
        return int(text)
    if kind == "bit":
        return text == "1"
    if kind == "float":
        return float(text)
    if kind == "decimal":
        return decimal.Decimal(text)
    if kind == "varbinary":
        return bytes.fromhex(text)
    if kind == "guid":
        return uuid.UUID(text)
    if kind == "date":
        return datetime.date.fromisoformat(text)
    if kind == "datetime2":
        return datetime.datetime.fromisoformat(text[:26])
    if kind == "time":
        return datetime.time.fromisoformat(text[:15])
    return text
