"""A database of its own with CDC, through pymssql's low-level connection: result sets, messages, errors with number, class and state."""

import itertools

from pymssql import _mssql

from localstack.waiting import wait_until
from sim import PASSWORD

_numbers = itertools.count(1)
TABLE = "CREATE TABLE dbo.{0} (id int NOT NULL PRIMARY KEY, name nvarchar(20) NULL)"


def connection(sim, database="master"):
    return _mssql.connect(server="127.0.0.1", port=str(sim.port), user="sa", password=PASSWORD, database=database, conn_properties="SET TEXTSIZE 2147483647")


class Db:
    """One connection to a new database."""

    def __init__(self, sim, enabled=True, name=None):
        self.sim = sim
        self.name = name or f"cdc{next(_numbers)}"
        self.said = []
        with connection(sim) as c:
            c.execute_non_query(f"IF DB_ID('{self.name}') IS NULL CREATE DATABASE {self.name}")
        self.conn = connection(sim, self.name)
        self.conn.set_msghandler(lambda state, severity, server, procedure, line, text: self.said.append(text.decode()))
        if enabled:
            self.run("EXEC sys.sp_cdc_enable_db")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close()

    def sets(self, sql):
        """Every result set as a list of tuples; an error is a _mssql.MSSQLDatabaseException."""
        self.said.clear()
        self.conn.execute_query(sql)
        found = []
        while True:
            header = self.conn.get_header()
            if header:
                found.append([tuple(row[i] for i in range(len(header))) for row in self.conn])
            if not self.conn.nextresult():
                return found

    def run(self, sql):
        """The rows of the last result set, None without one."""
        found = self.sets(sql)
        return found[-1] if found else None

    def value(self, sql):
        rows = self.run(sql)
        assert len(rows) == 1 and len(rows[0]) == 1, rows
        return rows[0][0]

    def error(self, sql):
        """(number, class, state, text) of the error that the statement must end with."""
        try:
            got = self.sets(sql)
        except _mssql.MSSQLDatabaseException as e:
            return e.number, e.severity, e.state, e.text.decode().split("DB-Lib error message")[0].rstrip("\n")
        raise AssertionError(f"no error but {got} for {sql}")

    def table(self, name="t", sql=None, enable=True, **arguments):
        self.run((sql or TABLE).format(name))
        if enable:
            self.enable(name, **arguments)

    def enable(self, name, **arguments):
        arguments = {"source_schema": "N'dbo'", "source_name": f"N'{name}'", "role_name": "NULL", **arguments}
        self.run("EXEC sys.sp_cdc_enable_table " + ", ".join(f"@{k} = {v}" for k, v in arguments.items()))

    def scan(self):
        self.run("EXEC sys.sp_cdc_scan")

    def changes(self, columns, instance="dbo_t"):
        """The change table in the order of the events, as far as the capture has come with everything that is committed."""
        self.scan()
        return self.run(f"SELECT {columns} FROM cdc.{instance}_CT ORDER BY [__$start_lsn], [__$seqval], [__$operation]")

    def ops(self, columns="id", instance="dbo_t"):
        return [tuple(r) for r in self.changes(f"[__$operation], {columns}", instance)]

    def min_lsn(self, instance="dbo_t"):
        return self.value(f"SELECT sys.fn_cdc_get_min_lsn('{instance}')")

    def max_lsn(self):
        return self.value("SELECT sys.fn_cdc_get_max_lsn()")

    def arm(self, **arguments):
        self.run("EXEC sim.fault " + ", ".join(f"@{k} = " + (str(v) if isinstance(v, int) else f"N'{v}'") for k, v in arguments.items()))

    def clear(self):
        self.run("EXEC sim.fault_clear")

    def wait(self, sql, want, what, limit=20):
        wait_until(lambda: self.value(sql) == want, limit, what, detail=lambda: f"now {self.value(sql)}")


def literal(lsn):
    return "0x" + bytes(lsn).hex()


def eq(got, want, what=""):
    assert got == want, f"{what + ': ' if what else ''}got {got!r}, expected {want!r}"
