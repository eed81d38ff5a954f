"""Source against target, row by row: counts and a checksum of every column that the pipeline carries."""

import datetime
import decimal
import hashlib

EPOCH = datetime.datetime(1970, 1, 1)

# Columns of each table, in order; times are compared in microseconds, which is what FreeTDS's Python client shows of a DATETIME2.
TABLES = {
    "customers": ("id", "name", "email", "created_at", "updated_at"),
    "orders": ("id", "customer_id", "order_date", "total_amount", "status"),
    "line_items": ("id", "order_id", "product_name", "quantity", "unit_price"),
    "schema_test": ("id", "name", "created_at"),
    "test_customers": ("id", "name", "email", "created_at", "updated_at"),
}
TIMES = {"created_at", "updated_at", "order_date"}


def source_value(column, value):
    if isinstance(value, datetime.datetime):
        return (value - EPOCH) // datetime.timedelta(microseconds=1)
    return str(value) if isinstance(value, decimal.Decimal) else value


def target_value(column, value):
    if column in TIMES and value is not None:
        return value // 1000
    return str(value) if isinstance(value, decimal.Decimal) else value


class Side:
    def __init__(self, rows):
        self.rows = rows
        digest = hashlib.sha256()
        for row in rows:
            digest.update(repr(row).encode())
        self.checksum = digest.hexdigest()[:12]


def source_side(sql, table, columns):
    rows = sql.query(f"SELECT {', '.join(columns)} FROM dbo.{table} ORDER BY id")
    return Side([tuple(source_value(c, v) for c, v in zip(columns, row)) for row in rows])


def target_side(pg, table, columns):
    rows = pg.query(f"SELECT {', '.join(columns)} FROM {table} WHERE __deleted IS DISTINCT FROM 'true' ORDER BY id")
    return Side([tuple(target_value(c, v) for c, v in zip(columns, row)) for row in rows])


class Comparison:
    """One table; equal() is the verdict, differences() a few examples."""

    def __init__(self, sql, pg, table, columns):
        self.table, self.columns = table, columns
        self.source, self.target = source_side(sql, table, columns), target_side(pg, table, columns)
        self.marked_deleted = pg.one(f"SELECT count(*) FROM {table} WHERE __deleted = 'true'")

    def equal(self):
        return self.source.rows == self.target.rows

    def differences(self, limit=3):
        source, target = {r[0]: r for r in self.source.rows}, {r[0]: r for r in self.target.rows}
        found = []
        for key in sorted(source.keys() | target.keys()):
            if source.get(key) != target.get(key):
                found.append(f"{self.table} id {key}: source {source.get(key)}, target {target.get(key)}")
                if len(found) == limit:
                    break
        return found
