"""pymssql, pyodbc with FreeTDS, python-tds."""

import glob
import os
import re
import threading
import uuid

import pymssql
import pyodbc
import pytds

from sim import Skip

from .client import Client, ServerError, Unsupported, canonical, parse

pyodbc.pooling = False  # each connect must be a login of its own


def _sets(cursor, next_set):
    sets = []
    while True:
        if cursor.description:
            sets.append([[canonical(v) for v in row] for row in cursor.fetchall()])
        if not next_set():
            return sets


def _drain(cursor, sql):
    cursor.execute(sql)
    count = 0
    while rows := cursor.fetchmany(1000):
        count += len(rows)
    cursor.close()
    return count


class Pymssql(Client):
    encryption = ("off", "login", "full")
    time_digits = 6
    has_prepared = False
    variants = ("binary",)  # db-lib hands out the bytes of the others
    bulk_empty = False  # db-lib takes a value of no bytes as NULL
    tells_offset = False

    def connect(self, port, encrypt="off", user="sa", password="", database=""):
        try:
            self.conn = pymssql.connect(
                server="127.0.0.1", port=str(port), user=user, password=password, database=database, autocommit=True, login_timeout=10,
                encryption={"off": "off", "login": "request", "full": "require"}[encrypt],
            )
        except pymssql.Error as e:
            raise self._error(e) from e

    @staticmethod
    def _error(e):
        number, text = (e.args[0] if isinstance(e.args[0], tuple) else e.args + ("",))[:2] if e.args else (0, "")
        text = text.decode(errors="replace") if isinstance(text, bytes) else str(text)
        return ServerError(number if isinstance(number, int) else 0, text)

    def query(self, sql, params=(), prepared=False):
        cursor = self.conn.cursor()
        try:
            if params:  # interpolated by the client
                cursor.execute(re.sub(r"\?", "%s", sql), tuple(parse(k, v) for k, v in params))
            else:
                cursor.execute(sql)
            return _sets(cursor, cursor.nextset)
        except pymssql.Error as e:
            raise self._error(e) from e
        finally:
            cursor.close()

    def drain(self, sql):
        return _drain(self.conn.cursor(), sql)

    def bulk(self, table, rows):
        self.conn.bulk_copy(table, [(int(i), text, data and bytes.fromhex(data)) for i, text, data in rows])

    def begin(self):
        self.conn.autocommit(False)

    def commit(self):
        self.conn.commit()
        self.conn.autocommit(True)

    def rollback(self):
        self.conn.rollback()
        self.conn.autocommit(True)

    def close(self):
        self.conn.close()


class Pytds(Client):
    encryption = ("off",)
    tiny_packets = False
    time_digits = 6
    exact_decimals = False

    def connect(self, port, encrypt="off", user="sa", password="", database=""):
        try:
            self.conn = pytds.connect("127.0.0.1", port=port, user=user, password=password, database=database or None, autocommit=True, login_timeout=10)
        except (pytds.Error, OSError) as e:
            raise self._error(e) from e

    @staticmethod
    def _error(e):
        return ServerError(getattr(e, "number", 0) or 0, str(e))

    def query(self, sql, params=(), prepared=False):
        cursor = self.conn.cursor()
        try:
            if params:
                values = [pytds.Binary(v) if isinstance(v, bytes) else v for v in (parse(k, v) for k, v in params)]
                cursor.execute(sql.replace("%", "%%").replace("?", "%s"), tuple(values))
            else:
                cursor.execute(sql)
            return _sets(cursor, cursor.nextset)
        except pytds.Error as e:
            raise self._error(e) from e
        finally:
            cursor.close()

    def drain(self, sql):
        return _drain(self.conn.cursor(), sql)

    def bulk(self, table, rows):
        types = (pytds.tds_types.IntType(), pytds.tds_types.NVarCharType(size=100), pytds.tds_types.VarBinaryType(size=50))
        columns = [pytds.tds_base.Column(name=n, type=t, flags=pytds.tds_base.Column.fNullable) for n, t in zip(("id", "t", "b"), types)]
        schema, name = table.split(".")
        self.conn.cursor().copy_to(table_or_view=name, schema=schema, columns=columns,
                                   data=[(int(i), text, data and bytes.fromhex(data)) for i, text, data in rows])

    def begin(self):
        self.conn.autocommit = False

    def commit(self):
        self.conn.commit()
        self.conn.autocommit = True

    def rollback(self):
        self.conn.rollback()
        self.conn.autocommit = True

    def close(self):
        self.conn.close()


class PyodbcFreetds(Client):
    encryption = ("off",)
    variants = ()  # "Descriptor type out of range"
    time_digits = 6

    @staticmethod
    def driver():
        found = glob.glob("/usr/lib/*/odbc/libtdsodbc.so")
        if not found:
            raise Skip("the package tdsodbc is not installed")
        return found[0]

    def connect(self, port, encrypt="off", user="sa", password="", database=""):
        os.environ.pop("FREETDSCONF", None)
        text = f"DRIVER={self.driver()};SERVER=127.0.0.1;PORT={port};UID={user};PWD={password};TDS_Version=7.4;ClientCharset=UTF-8;"
        try:
            self.conn = pyodbc.connect(text + (f"DATABASE={database};" if database else ""), autocommit=True, timeout=10)
        except pyodbc.Error as e:
            raise self._error(e) from e
        self.conn.add_output_converter(-155, self._datetimeoffset)

    @staticmethod
    def _datetimeoffset(raw):
        """SQL_SS_TIMESTAMPOFFSET_STRUCT, or FreeTDS's text of it."""
        import struct

        if len(raw) != 20:
            return raw.decode("utf-16le") if b"\0" in raw else raw.decode()
        y, mo, d, h, mi, s, ns, oh, om = struct.unpack("<6hI2h", raw)
        sign = "-" if oh < 0 or om < 0 else "+"
        return f"{y:04d}-{mo:02d}-{d:02d} {h:02d}:{mi:02d}:{s:02d}.{ns // 100:07d} {sign}{abs(oh):02d}:{abs(om):02d}"

    @staticmethod
    def _error(e):
        text = str(e.args[1] if len(e.args) > 1 else e)
        number = re.findall(r"\((\d+)\) \(SQL", text)
        return ServerError(int(number[0]) if number else 0, text)

    def query(self, sql, params=(), prepared=False):
        cursor = self.conn.cursor()
        try:
            values = [str(v) if isinstance(v, uuid.UUID) else v for v in (parse(k, v) for k, v in params)]
            cursor.execute(sql, *values)
            return _sets(cursor, cursor.nextset)
        except pyodbc.Error as e:
            raise self._error(e) from e
        finally:
            cursor.close()

    def drain(self, sql):
        return _drain(self.conn.cursor(), sql)

    def begin(self):
        self.conn.autocommit = False

    def commit(self):
        self.conn.commit()
        self.conn.autocommit = True

    def rollback(self):
        self.conn.rollback()
        self.conn.autocommit = True

    def cancel(self, sql, after_ms):
        cursor = self.conn.cursor()
        timer = threading.Timer(after_ms / 1000, cursor.cancel)
        timer.start()
        try:
            cursor.execute(sql)
        except pyodbc.Error:
            pass
        finally:
            timer.join()
            cursor.close()

    def close(self):
        self.conn.close()


__all__ = ["Pymssql", "PyodbcFreetds", "Pytds", "Unsupported"]
