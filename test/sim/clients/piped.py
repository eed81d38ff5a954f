"""Clients in other languages: a child process that reads requests and writes answers, one line each.

A line is fields separated by tabs; each field is base64 of UTF-8 text, `-` stands for NULL. Requests: `connect PORT ENCRYPT USER
PASSWORD DATABASE`, `query SQL PREPARED TYPE VALUE …`, `begin`, `commit`, `rollback`, `cancel SQL MS`, `drain SQL`, `bulk TABLE ID TEXT
HEX …`, `scroll SQL` (only JDBC), `close`. Answers: `set`, `row VALUE …`, `error NUMBER TEXT`, and `end` at last.
"""

import base64
import subprocess

from localstack import fetch
from sim import Skip

from . import fetched
from .client import Client, ServerError


def _encode(field):
    return "-" if field is None else base64.b64encode(str(field).encode()).decode() or "="


def _decode(field):
    return None if field == "-" else "" if field == "=" else base64.b64decode(field).decode()


class Piped(Client):
    encryption = ("off", "full")
    verifies = True

    def argv(self):
        raise NotImplementedError

    def _start(self):
        try:
            argv, cwd = self.argv()
        except (fetched.Missing, fetch.FetchError) as e:
            raise Skip(str(e)) from e
        self.child = subprocess.Popen(argv, cwd=cwd, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def _ask(self, *fields):
        self.child.stdin.write("\t".join([fields[0], *map(_encode, fields[1:])]) + "\n")
        self.child.stdin.flush()
        sets, error = [], None
        for line in self.child.stdout:
            word, *values = line.rstrip("\n").split("\t")
            if word == "end":
                if error:
                    raise error
                return sets
            if word == "set":
                sets.append([])
            elif word == "row":
                sets[-1].append([_decode(v) for v in values])
            elif word == "error":
                number, text = map(_decode, values)
                error = error or ServerError(int(number), text)
        raise AssertionError(f"the client process ended: {self.child.stderr.read()[-3000:]}")

    def connect(self, port, encrypt="off", user="sa", password="", database=""):
        self._start()
        try:
            self._ask("connect", port, encrypt, user, password, database)
        except ServerError:
            self._end()
            raise

    def query(self, sql, params=(), prepared=False):
        flat = [x for pair in params for x in pair]
        return self._ask("query", sql, "1" if prepared else "0", *flat)

    def begin(self):
        self._ask("begin")

    def commit(self):
        self._ask("commit")

    def rollback(self):
        self._ask("rollback")

    def cancel(self, sql, after_ms):
        self._ask("cancel", sql, after_ms)

    def drain(self, sql):
        return int(self._ask("drain", sql)[0][0][0])

    def bulk(self, table, rows):
        self._ask("bulk", table, *(field for row in rows for field in row))

    def _end(self):
        self.child.stdin.close()
        self.child.wait(20)
        self.child.stdout.close()
        self.child.stderr.close()

    def close(self):
        self._ask("close")
        self._end()


class Jdbc(Piped):
    version = "12.4.2"

    def argv(self):
        import os

        jar = fetched.jdbc_jar(self.version)
        source = os.path.join(fetched.PINS, "jdbc", "JdbcClient.java")
        return ["java", "-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp", jar, source], None

    def scroll(self, sql):
        return self._ask("scroll", sql)


class JdbcNewer(Jdbc):
    version = "12.10.1"


class Tedious(Piped):
    time_digits = 3
    exact_decimals = False
    tells_offset = False
    variants = ("int", "nvarchar", "numeric", "binary")

    def argv(self):
        import os

        return ["node", os.path.join(fetched.PINS, "tedious", "client.js")], fetched.tedious_dir()


class GoMssqldb(Piped):
    encryption = ("off", "login", "full")
    variants = ("int", "nvarchar", "binary")

    def argv(self):
        return [fetched.go_client()], None
