"""PostgreSQL through psycopg, SQL Server through FreeTDS."""

import psycopg
import pymssql

from ..waiting import wait_until


class Postgres:
    """One database; connects for every call, so that a restarted server needs no care."""

    def __init__(self, env, database):
        self.env, self.database = env, database

    def connect(self, **options):
        e = self.env
        return psycopg.connect(
            host=e["POSTGRES_HOST"], port=e["POSTGRES_PORT"], user=e["POSTGRES_USER"], password=e["POSTGRES_PASSWORD"],
            dbname=self.database, connect_timeout=5, **options,
        )

    def execute(self, statement, *args):
        with self.connect(autocommit=True) as c:
            c.execute(statement, args or None)

    def query(self, statement, *args):
        """Rows as tuples."""
        with self.connect(autocommit=True) as c:
            return c.execute(statement, args or None).fetchall()

    def one(self, statement, *args):
        """The single value of a single row."""
        rows = self.query(statement, *args)
        assert len(rows) == 1 and len(rows[0]) == 1, f"wanted one value, got {rows[:3]}"
        return rows[0][0]

    def wait(self, statement, want, *args, limit=30):
        """Until the query gives exactly these rows."""
        seen = []

        def check():
            seen[:] = [self.query(statement, *args)]
            return seen[0] == want

        wait_until(check, limit, f"{statement!r} to give {want!r:.500}", ignore=(OSError, psycopg.Error), detail=lambda: f"last: {seen!r:.1000}")

    def wait_count(self, table, want, limit=60):
        self.wait(f"SELECT count(*) FROM {table}", [(want,)], limit=limit)

    def jdbc_url(self):
        return f"jdbc:postgresql://{self.env['POSTGRES_HOST']}:{self.env['POSTGRES_PORT']}/{self.database}"


class SqlServer:
    def __init__(self, env, database):
        self.env, self.database = env, database

    def connect(self, autocommit=True, database=None):
        e = self.env
        return pymssql.connect(
            server=e["SQLSERVER_HOST"], port=e["SQLSERVER_PORT"], user=e["SQLSERVER_USER"], password=e["SQLSERVER_PASSWORD"],
            database=database or self.database, autocommit=autocommit, login_timeout=5, timeout=60,
        )

    def execute(self, *statements, args=None):
        """Each statement on its own, committed one by one."""
        c = self.connect()
        try:
            cursor = c.cursor()
            for statement in statements:
                cursor.execute(statement, args)
        finally:
            c.close()

    def transaction(self, *statements):
        """All or nothing."""
        c = self.connect(autocommit=False)
        try:
            cursor = c.cursor()
            for statement in statements:
                cursor.execute(statement)
            c.commit()
        finally:
            c.close()

    def query(self, statement, args=None):
        c = self.connect()
        try:
            cursor = c.cursor()
            cursor.execute(statement, args)
            return cursor.fetchall()
        finally:
            c.close()

    def one(self, statement, args=None):
        rows = self.query(statement, args)
        assert len(rows) == 1 and len(rows[0]) == 1, f"wanted one value, got {rows[:3]}"
        return rows[0][0]

    def enable_cdc(self, table, schema="dbo", instance=None, net_changes=1):
        """Change data capture for a table, as the users' scripts switch it on."""
        named = f", @capture_instance = N'{instance}'" if instance else ""
        self.execute(
            f"EXEC sys.sp_cdc_enable_table @source_schema = N'{schema}', @source_name = N'{table}', @role_name = NULL, "
            f"@supports_net_changes = {net_changes}{named}"
        )

    def table(self, ddl, name, schema="dbo"):
        """CREATE TABLE and capture in one step."""
        self.execute(ddl)
        self.enable_cdc(name, schema)
