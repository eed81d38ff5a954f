"""The PostgreSQL sink's put against a real server, without Kafka: programs/sink_put.c feeds it records as JSON."""

import base64
import contextlib
import json
import os
import random
import shutil
import subprocess

from harness import contains, eq, requires, timeout
from localstack import paths

CLASS = "io.confluent.connect.jdbc.JdbcSinkConnector"
SQL_EXCEPTION = "java.sql.SQLException"
TABLE_EXCEPTION = "io.confluent.connect.jdbc.sink.TableAlterOrCreateException"
CONNECT_EXCEPTION = "org.apache.kafka.connect.errors.ConnectException"
DECIMAL = "org.apache.kafka.connect.data.Decimal"
TIME = "io.debezium.time."
DATA = "io.debezium.data."


class Sink:
    """One task inside the driver program."""

    def __init__(self, database, **settings):
        program = paths.require_binary("test/programs/sink_put", "make build/release/test/programs/sink_put")
        self.process = subprocess.Popen([program, paths.build_path("plugins/postgres.so"), CLASS], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.settings = {"name": "sink", "connector.class": CLASS, "topics": "t", "max.retries": "0", "connection.attempts": "1"}
        if database is not None:
            self.settings.update({"connection.url": database.jdbc_url(), "connection.user": database.env["POSTGRES_USER"],
                                  "connection.password": database.env["POSTGRES_PASSWORD"]})
        self.settings.update({k.replace("__", "."): str(v) for k, v in settings.items()})
        self.log = []
        self.offset = 0

    def call(self, command):
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("{"):
                return json.loads(line)
            self.log.append(line.rstrip())
        raise AssertionError("the driver ended: " + "\n".join(self.log[-20:]))

    def start(self, report="no"):
        return self.call({"start": self.settings, "report": report})

    def put(self, *records):
        """Records without an offset are numbered on."""
        for r in records:
            if "offset" not in r:
                r["offset"] = self.offset
                self.offset += 1
        return self.call({"put": list(records)})

    def put_ok(self, *records):
        answer = self.put(*records)
        assert "ok" in answer, answer
        return answer

    def close(self):
        self.process.stdin.close()
        rest = self.process.stdout.read()
        self.process.stdout.close()
        eq(self.process.wait(timeout=30), 0, f"exit code of the driver ({rest[-2000:]})")


@contextlib.contextmanager
def sink(database, report="no", **settings):
    s = Sink(database, **settings)
    try:
        answer = s.start(report)
        assert "ok" in answer, answer
        yield s
    finally:
        s.close()


def field(field_name, type_, optional=True, **more):
    return {"field": field_name, "type": type_, "optional": optional, **more}


def struct(*fields, name=None):
    return {"type": "struct", "fields": list(fields), **({"name": name} if name else {})}


ID_KEY = struct(field("id", "int32", False))
VALUE = struct(field("id", "int32", False), field("name", "string"), field("city", "string"))


def record(value, schema=VALUE, key=None, key_schema=ID_KEY, topic="customers", **more):
    return {"topic": topic, "partition": 0, "timestamp": 1700000000000,
            "key": {"schema": key_schema, "payload": key} if key is not None else None,
            "value": {"schema": schema, "payload": value} if schema is not None else None, **more}


def row(i, name=None, city=None, **more):
    return record({"id": i, "name": name, "city": city}, key={"id": i}, **more)


def tombstone(i, **more):
    return record(None, schema=None, key={"id": i}, **more)


UPSERT = {"insert__mode": "upsert", "pk__mode": "record_key"}


def bytes_of(*values):
    return base64.b64encode(bytes(values)).decode()


def unscaled(n):
    return base64.b64encode(n.to_bytes((n.bit_length() + 8) // 8, "big", signed=True)).decode()


# ---- settings -------------------------------------------------------------------------------------------------------


@requires()
def test_validation_speaks_as_the_jvm_connector(env):
    s = Sink(None)
    base = {"name": "x", "connector.class": CLASS, "connection.url": "jdbc:postgresql://h/db"}
    cases = [
        ({}, []),
        ({"connection.url": None}, [["connection.url", 'Missing required configuration "connection.url" which has no default value.']]),
        ({"insert.mode": "Upsert"}, [["insert.mode", "Invalid value Upsert for configuration insert.mode: Invalid enumerator"]]),
        ({"insert.mode": "UPSERT", "connection.pool.size": "10", "_comment": "kept"}, []),
        ({"batch.size": "-1"}, [["batch.size", "Invalid value -1 for configuration batch.size: Value must be at least 0"]]),
        ({"table.types": "TABLE,foo"}, [["table.types", "Invalid value foo for configuration table.types: Invalid enumerator"]]),
        ({"table.types": "table, PARTITIONED TABLE"}, []),
        ({"db.timezone": "Mars/Base"}, [["db.timezone", "Invalid value Mars/Base for configuration db.timezone: Invalid time zone identifier"]]),
        ({"db.timezone": "America/New_York"}, []),
        ({"quote.sql.identifiers": "sometimes"}, []),
        ({"delete.enabled": "true", "pk.mode": "record_value"},
         [["pk.mode", "Deletes are only supported for pk.mode record_key"], ["delete.enabled", "Deletes are only supported for pk.mode record_key"]]),
        ({"table.name.format": ""}, [["table.name.format", "Invalid value  for configuration table.name.format: String must be non-empty"]]),
        ({"connection.attempts": "0"}, [["connection.attempts", "Invalid value 0 for configuration connection.attempts: Value must be at least 1"]]),
    ]
    for change, want in cases:
        settings = {k: v for k, v in {**base, **change}.items() if v is not None}
        eq(s.call({"validate": settings})["problems"], want, str(change))
    s.close()


@requires()
def test_wrong_settings_fail_the_start(env):
    for settings, message in [
        ({"connection__url": "jdbc:postgresql://h/db", "quote__sql__identifiers": "sometimes"}, "No matching QuoteMethod found for 'sometimes'"),
        ({"connection__url": "postgresql://h/db"}, "Not a valid JDBC URL: postgresql://h/db"),
        ({"connection__url": "jdbc:mysql://h/db?password=secret"}, "jdbc:mysql://h/db?password=****"),
    ]:
        s = Sink(None, **settings)
        contains(s.start()["error"][0][1], message)
        s.close()


@requires("postgres")
def test_no_database_is_a_failed_task(env):
    with sink(None, connection__url="jdbc:postgresql://127.0.0.1:1/db", connection__attempts=2, connection__backoff__ms=1) as s:
        chain = s.put(row(1))["error"]
        eq([chain[0][0], chain[0][2]], [CONNECT_EXCEPTION, "FATAL"])
        contains(chain[0][1], "org.postgresql.util.PSQLException: Connection to 127.0.0.1:1 refused.")
    with sink(env.pg_database(), connection__sslmode="require") as s:
        contains(s.put(row(1))["error"][0][1], "org.postgresql.util.PSQLException: The server does not support SSL.")
    with sink(None, connection__url="jdbc:postgresql://127.0.0.1:1/db?sslmode=foo&replication=database") as s:
        contains(s.put(row(1))["error"][0][1], "Invalid sslmode value: foo")
        assert any("'replication' is not supported" in line for line in s.log), s.log


# ---- records and fields ------------------------------------------------------------------------------------------------


@requires("postgres")
def test_records_that_are_refused(env):
    db = env.pg_database()
    with sink(db, **UPSERT, auto__create="true") as s:
        chain = s.put(tombstone(1, offset=42))["error"]
        eq(chain[0][1:], [
            "Sink connector 'sink' is configured with 'delete.enabled=false' and 'pk.mode=record_key' and therefore requires records "
            "with a non-null Struct value and non-null Struct schema, but found record at "
            "(topic='customers',partition=0,offset=42,timestamp=1700000000000) with a null value and null value schema.", "FATAL"])
    with sink(db, **UPSERT, delete__enabled="true") as s:
        message = s.put(record(None, schema=None, timestamp=None, offset=42))["error"][0][1]
        eq(message,
           "Sink connector 'sink' is configured with 'delete.enabled=true' and 'pk.mode=record_key' and therefore requires records "
           "with a non-null key and non-null Struct or primitive key schema, but found record at "
           "(topic='customers',partition=0,offset=42,timestamp=null) with a null key and null key schema.")
    with sink(db, pk__mode="record_value", pk__fields="id", insert__mode="upsert") as s:
        schemaless = record({"id": 1})
        schemaless["value"] = {"schema": None, "payload": {"id": 1}}
        contains(s.put(schemaless)["error"][0][1], "with a HashMap value and null value schema.")
    cases = [
        ({"pk__mode": "record_key"}, record({"id": 1}, key=1, key_schema={"type": "int64"}),
         "Need exactly one PK column defined since the key schema for records is a primitive type, defined columns are: []"),
        ({"pk__mode": "kafka", "pk__fields": "a,b"}, row(1),
         "PK mode for table 'customers' is KAFKA so there should either be no field names defined for defaults "
         "[__connect_topic, __connect_partition, __connect_offset] to be applicable, or exactly 3, defined fields are: [a, b]"),
        ({"pk__mode": "record_value", "pk__fields": "nope"}, row(1),
         "PK mode for table 'customers' is RECORD_VALUE with configured PK fields [nope], but record value schema does not contain field: nope"),
        ({"pk__mode": "none", "insert__mode": "upsert", "auto__create": "true"}, row(1),
         "Write to table '\"customers\"' in UPSERT mode requires key field names to be known, check the primary key configuration"),
        ({"table__name__format": '"abc'}, row(1), 'Failure parsing fully qualified identifier; missing trailing quote in "abc'),
        ({"table__name__format": "abc."}, row(1), "Failure parsing fully qualified identifier; ends in delimiter abc."),
        ({"auto__create": "true"}, record({"s": {"x": 1}}, schema=struct(field("s", "struct", fields=[field("x", "int32")])), topic="fresh"),
         "null (STRUCT) type doesn't have a mapping to the SQL database column type"),
    ]
    for settings, rec, message in cases:
        with sink(db, "tolerate", **settings) as s:
            answer = s.put(rec)
            eq([answer["error"][0][1], answer["error"][0][2], answer["reports"]], [message, "FATAL", []], str(settings))


@requires("postgres")
def test_kafka_coordinates_and_whitelist(env):
    db = env.pg_database()
    with sink(db, pk__mode="kafka", insert__mode="upsert", auto__create="true", fields__whitelist="name") as s:
        s.put_ok(row(1, "a", offset=7), row(2, "b", offset=8))
        s.put_ok(row(1, "a2", offset=7))
    eq(db.query("SELECT __connect_topic, __connect_partition, __connect_offset, name FROM customers ORDER BY 3"),
       [("customers", 0, 7, "a2"), ("customers", 0, 8, "b")])
    eq(db.query("SELECT column_name, data_type FROM information_schema.columns WHERE table_name = 'customers' ORDER BY ordinal_position"),
       [("__connect_topic", "text"), ("__connect_partition", "integer"), ("__connect_offset", "bigint"), ("name", "text")])


# ---- tables ------------------------------------------------------------------------------------------------------------


@requires("postgres")
def test_names_and_quoting(env):
    db = env.pg_database()
    db.execute('CREATE SCHEMA app')
    db.execute('CREATE SCHEMA "My.Schema"')
    for settings, topic, table in [
        ({"table__name__format": "app.${topic}"}, "customers", '"app"."customers"'),
        ({"table__name__format": '"My.Schema".${topic}'}, "customers", '"My.Schema"."customers"'),
        ({"quote__sql__identifiers": "never"}, "Lower", "lower"),
        ({"connection__currentSchema": "app"}, "found", '"app"."found"'),
    ]:
        with sink(db, **UPSERT, auto__create="true", **settings) as s:
            s.put_ok(row(1, "x", topic=topic))
        eq(db.one(f"SELECT name FROM {table}"), "x", table)
    with sink(db, **UPSERT, auto__create="true") as s:
        odd = struct(field("id", "int32", False), field('a"b', "string"))
        s.put_ok(record({"id": 1, 'a"b': "x"}, schema=odd, key={"id": 1}, topic='t"; DROP TABLE x; --'))
    eq(db.one('SELECT "a""b" FROM "t""; DROP TABLE x; --"'), "x")


@requires("postgres")
def test_create_and_evolve(env):
    db = env.pg_database()
    with sink(db, **UPSERT, auto__create="true", auto__evolve="true") as s:
        s.put_ok(row(1, "a"))
        assert any('Creating table with sql: CREATE TABLE "customers" (' in line for line in s.log), s.log
        wider = struct(*VALUE["fields"], field("email", "string"), field("n", "int32", False, default=42))
        s.put_ok(row(2, "b"), record({"id": 3, "name": "c", "city": None, "email": "e", "n": 1}, schema=wider, key={"id": 3}),
                 row(4, "d"), record({"id": 5, "name": "e", "city": None, "email": None, "n": None}, schema=wider, key={"id": 5}))
        eq(db.query("SELECT id, name, email, n FROM customers ORDER BY id"),
           [(1, "a", None, 42), (2, "b", None, 42), (3, "c", "e", 1), (4, "d", None, 42), (5, "e", None, 42)])
        missing = struct(*VALUE["fields"], field("must", "string", False))
        chain = s.put(record({"id": 6, "name": "", "city": "", "must": "x"}, schema=missing, key={"id": 6}))["error"]
        eq(chain[0], [TABLE_EXCEPTION, 'Cannot ALTER TABLE "customers" to add missing field SinkRecordField{schema=Schema{STRING}, '
                      "name='must', isPrimaryKey=false}, as the field is not optional and does not have a default value", "FATAL"])
    eq(db.query("SELECT a.attname FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)"
                " WHERE i.indrelid = 'customers'::regclass AND i.indisprimary"), [("id",)])


@requires("postgres")
def test_missing_tables_go_to_the_reporter_without_retries(env):
    db = env.pg_database()
    with sink(db, "tolerate", **UPSERT, max__retries=5) as s:
        answer = s.put(row(1), row(2))
        eq([[r[0], r[1][0][0], r[1][0][1]] for r in answer["reports"]],
           [[i, TABLE_EXCEPTION, 'Table "customers" is missing and auto-creation is disabled'] for i in (0, 1)])
        assert "ok" in answer
        eq(len(s.put(*[row(i) for i in range(3000)])["reports"]), 3000)
        db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
        eq(s.put(row(1))["reports"], [])
    db.execute("DROP TABLE customers")
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text)")
    with sink(db, **UPSERT) as s:
        eq(s.put(row(1))["error"][0][1], 'Table "customers" is missing fields ([SinkRecordField{schema=Schema{STRING}, name=\'city\', '
           "isPrimaryKey=false}]) and auto-evolution is disabled")
    db.execute("CREATE VIEW v AS SELECT id, name FROM customers")
    with sink(db, **UPSERT, table__types="TABLE,VIEW") as s:
        eq(s.put(row(1, topic="v"))["error"][0][1], 'View "v" is missing fields ([SinkRecordField{schema=Schema{STRING}, name=\'city\', '
           "isPrimaryKey=false}]) and ALTER VIEW is unsupported")
    with sink(db, **UPSERT) as s:
        eq(s.put(row(1, topic="v"))["error"][0][1], 'Table "v" is missing and auto-creation is disabled')


# ---- writing -----------------------------------------------------------------------------------------------------------


@requires("postgres")
def test_every_path_gives_the_same_rows(env):
    """A random stream of upserts and deletes over few keys, by single statements, arrays and COPY, in one put or many."""
    db = env.pg_database()
    rng = random.Random(7)
    events, model = [], {}
    for i in range(8000):
        k = rng.randrange(1000)
        if rng.random() < 0.15:
            events.append(("d", k))
            model.pop(k, None)
        else:
            events.append(("u", k, f"n{i}", rng.choice(["x", None])))
            model[k] = (k, f"n{i}", events[-1][3])
    want = sorted(model.values())
    for path, size in [("row", 500), ("auto", 1), ("auto", 7), ("auto", 500), ("auto", 8000)]:
        db.execute("DROP TABLE IF EXISTS customers")
        db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
        count = 400 if size == 1 else len(events)
        with sink(db, **UPSERT, delete__enabled="true", native__write__path=path) as s:
            for at in range(0, count, size):
                s.put_ok(*[tombstone(e[1]) if e[0] == "d" else row(*e[1:]) for e in events[at:at + size]])
        if count == len(events):
            eq(db.query("SELECT id, name, city FROM customers ORDER BY id"), want, f"{path} {size}")


@requires("postgres")
def test_delete_then_insert_forgets_other_columns(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text, extra text DEFAULT 'new')")
    db.execute("INSERT INTO customers SELECT i, 'old', NULL, 'old' FROM generate_series(1, 10) i")
    with sink(db, **UPSERT, delete__enabled="true") as s:
        s.put_ok(*[r for i in range(1, 11) for r in (row(i, "a"), tombstone(i), row(i, "b"))])
    eq(db.query("SELECT DISTINCT name, extra FROM customers"), [("b", "new")])


@requires("postgres")
def test_a_leading_tombstone_creates_the_whole_table(env):
    db = env.pg_database()
    strict = struct(field("id", "int32", False), field("name", "string", False))
    with sink(db, **UPSERT, auto__create="true", delete__enabled="true") as s:
        s.put_ok(tombstone(1), record({"id": 2, "name": "b"}, schema=strict, key={"id": 2}), tombstone(3))
        s.put_ok(tombstone(2), record({"id": 4, "name": "d"}, schema=strict, key={"id": 4}))
    eq(db.query("SELECT id, name FROM customers"), [(4, "d")])


@requires("postgres")
def test_several_topics_of_one_table_stay_in_order(env):
    db = env.pg_database()
    with sink(db, **UPSERT, auto__create="true", table__name__format="one") as s:
        s.put_ok(*[row(i % 7, f"n{i}", topic=f"topic{i % 3}") for i in range(100)])
    eq(db.query("SELECT id, name FROM one ORDER BY id"), sorted({i % 7: (i % 7, f"n{i}") for i in range(100)}.values()))


@requires("postgres")
def test_insert_and_update_modes(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
    for count in (3, 50, 3000):
        db.execute("TRUNCATE customers")
        with sink(db, pk__mode="record_key") as s:
            s.put_ok(*[row(i, f"n{i}") for i in range(count)])
            error = s.put(row(count), row(1))["error"]
            contains(error[-1][1], 'duplicate key value violates unique constraint "customers_pkey"')
        eq(db.one("SELECT count(*) FROM customers"), count)
    with sink(db, pk__mode="record_key", insert__mode="update") as s:
        s.put_ok(row(1, "changed"), row(999999, "absent"))
    eq(db.query("SELECT id, name FROM customers WHERE id IN (1, 999999)"), [(1, "changed")])


@requires("postgres")
def test_defaults_replace_nulls(env):
    db = env.pg_database()
    schema = struct(field("id", "int32", False), field("n", "int32", default=5), field("s", "string", default="d"))
    rec = record({"id": 1, "n": None, "s": None}, schema=schema, key={"id": 1})
    for setting, want in [("true", (5, "d")), ("false", (None, None))]:
        db.execute("DROP TABLE IF EXISTS customers")
        with sink(db, **UPSERT, auto__create="true", replace__null__with__default=setting) as s:
            s.put_ok(rec)
        eq(db.query("SELECT n, s FROM customers"), [want], setting)


@requires("postgres")
def test_keys_that_only_the_column_knows_to_be_equal(env):
    db = env.pg_database()
    db.execute("CREATE TABLE c (k char(5) PRIMARY KEY, v text)")
    db.execute("CREATE TABLE n (k numeric(4,1) PRIMARY KEY, v text)")
    db.execute("CREATE TABLE u (k text UNIQUE, v text)")
    schema = struct(field("k", "string"), field("v", "string"))
    number = struct(field("k", "double"), field("v", "string"))
    options = {"insert__mode": "upsert", "pk__mode": "record_value", "pk__fields": "k"}
    with sink(db, **options) as s:
        s.put_ok(*[record({"k": "a" + " " * (i % 3), "v": str(i)}, schema=schema, topic="c") for i in range(20)])
        s.put_ok(*[record({"k": 1.0 + i * 0.001, "v": str(i)}, schema=number, topic="n") for i in range(20)])
        s.put_ok(*[record({"k": None, "v": str(i)}, schema=schema, topic="u") for i in range(10)])
        db.execute("CREATE TABLE cut (k varchar(3) PRIMARY KEY, v text)")
        s.put_ok(*[record({"k": "abc" + " " * (i % 3), "v": str(i)}, schema=schema, topic="cut") for i in range(20)])
        s.put_ok(*[record({"k": f"{i:03}", "v": "x"}, schema=schema, topic="cut") for i in range(20)])
    eq(db.query("SELECT v FROM cut WHERE k = 'abc'"), [("19",)])
    eq(db.one("SELECT count(*) FROM cut"), 21)
    eq(db.query("SELECT v FROM c"), [("19",)])
    eq(db.query("SELECT v FROM n"), [("19",)])
    eq(db.one("SELECT count(*) FROM u"), 10)


@requires("postgres")
def test_a_set_that_fails_leaves_other_tables_of_the_put_alone(env):
    """Keys that varchar(3) makes equal upset a set-based upsert; the rows then go one by one, behind a savepoint."""
    db = env.pg_database()
    schema = struct(field("k", "string"), field("v", "string"))

    def rows(topic, keys):
        return [record({"k": k, "v": str(i)}, schema=schema, topic=topic) for i, k in enumerate(keys)]

    for count in (10, 100, 2000):
        db.execute("DROP TABLE IF EXISTS good, cut, after")
        for table, key in (("good", "text"), ("cut", "varchar(3)"), ("after", "text")):
            db.execute(f"CREATE TABLE {table} (k {key} PRIMARY KEY, v text)")
        numbers = [str(i) for i in range(count)]
        with sink(db, insert__mode="upsert", pk__mode="record_value", pk__fields="k") as s:
            s.put_ok(*rows("good", numbers), *rows("cut", [f"{i % 7:03}" + " " * (i % 5) for i in range(count)]), *rows("after", numbers))
        eq(db.query("SELECT (SELECT count(*) FROM good), (SELECT count(*) FROM cut), (SELECT count(*) FROM after)"), [(count, 7, count)], str(count))
        eq(db.one("SELECT max(v::int) FROM cut"), count - 1)


@requires("postgres")
def test_large_rows_do_not_deadlock(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
    for path in ("row", "auto"):
        with sink(db, **UPSERT, native__write__path=path) as s:
            s.put_ok(*[row(i, "x" * 100000) for i in range(300)])
        eq(db.query("SELECT count(*), min(length(name)) FROM customers"), [(300, 100000)])


@requires("postgres")
def test_unwrapped_debezium_records_into_the_init_table(env):
    """The deployed sink: pk.mode=record_value, tables from the init script, __op added by auto.evolve."""
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id INTEGER PRIMARY KEY, name VARCHAR(100), email VARCHAR(100), created_at TIMESTAMP,"
               " amount NUMERIC(10,2), is_active BOOLEAN, __deleted VARCHAR(10))")
    schema = struct(field("id", "int32", False), field("name", "string", False), field("email", "string"),
                    field("created_at", "int64", name=TIME + "NanoTimestamp", version=1),
                    field("amount", "bytes", name=DECIMAL, version=1, parameters={"scale": "2", "connect.decimal.precision": "10"}),
                    field("is_active", "boolean"), field("__op", "string"), field("__deleted", "string"), name="s.Value")
    value = {"id": 1, "name": "Alice", "email": None, "created_at": 1764671400123456700, "amount": unscaled(123456), "is_active": True,
             "__op": "c", "__deleted": "false"}
    with sink(db, insert__mode="upsert", pk__mode="record_value", pk__fields="id", auto__evolve="true", batch__size=3000) as s:
        s.put_ok(*[record({**value, "id": i}, schema=schema) for i in range(1, 2001)])
        s.put_ok(record({**value, "__op": "d", "__deleted": "true"}, schema=schema))
    eq(db.query("SELECT id, name, email, created_at::text, amount::text, is_active, __op, __deleted FROM customers WHERE id <= 2 ORDER BY id"),
       [(1, "Alice", None, "2025-12-02 10:30:00.123457", "1234.56", True, "d", "true"),
        (2, "Alice", None, "2025-12-02 10:30:00.123457", "1234.56", True, "c", "false")])
    eq(db.one("SELECT count(*) FROM customers"), 2000)


# ---- types -------------------------------------------------------------------------------------------------------------

GEOMETRY = {"type": "struct", "name": DATA + "geometry.Geometry", "fields": [field("wkb", "bytes", False), field("srid", "int32")]}
POINT_1_2 = base64.b64encode(bytes.fromhex("0101000000000000000000F03F0000000000000040")).decode()

# (column type, schema of the value, value, text stored, settings)
TYPE_CASES = [
    ("bytea", GEOMETRY, {"wkb": POINT_1_2, "srid": 4326}, "\\x0101000000000000000000f03f0000000000000040", {}),
    ("text", GEOMETRY, {"wkb": POINT_1_2, "srid": 4326}, "0101000020E6100000000000000000F03F0000000000000040", {}),
    ("text", GEOMETRY, {"wkb": POINT_1_2, "srid": None}, "0101000000000000000000F03F0000000000000040", {}),
    ("numeric[]", {"type": "array", "items": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "2"}}}, [unscaled(150)], "{1.50}", {}),
    ("timestamp[]", {"type": "array", "items": {"type": "int64", "name": TIME + "NanoTimestamp"}}, [1531481025340000000], '{"2018-07-13 11:23:45.34"}', {}),
    ("varchar(5)[]", {"type": "array", "items": {"type": "string"}}, [], "{}", {}),
    ("citext", {"type": "string"}, "MiXed", "MiXed", {}),
    ("smallint", {"type": "int64"}, 7, "7", {}),
    ("numeric", {"type": "double"}, 0.1, "0.1", {}),
    ("double precision", {"type": "float"}, 3.14, "3.140000104904175", {}),
    ("numeric", {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "4"}}, unscaled(53230), "5.3230", {}),
    ("numeric", {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "2"}}, unscaled(-1), "-0.01", {}),
    ("numeric", {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "30"}}, unscaled(10**35 + 1), "100000.000000000000000000000000000001", {}),
    ("numeric", {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "-3"}}, unscaled(-12), "-12000", {}),
    ("integer", {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "1"}}, unscaled(15), "2", {}),
    ("bytea", {"type": "bytes"}, bytes_of(1, 2, 255), "\\x0102ff", {}),
    ("text", {"type": "int32"}, 5, "5", {}),
    ("text", {"type": "boolean"}, True, "true", {}),
    ("text[]", {"type": "array", "items": {"type": "string", "optional": True}}, ["a", None, "b"], "{a,NULL,b}", {}),
    ("int[]", {"type": "array", "items": {"type": "int32"}}, [1, 2], "{1,2}", {}),
    ("uuid[]", {"type": "array", "items": {"type": "string"}}, ["6F9619FF-8B86-D011-B42D-00C04FC964FF"], "{6f9619ff-8b86-d011-b42d-00c04fc964ff}", {}),
    ("inet[]", {"type": "array", "items": {"type": "string"}}, ["10.0.0.1"], "{10.0.0.1}", {}),
    ("boolean", {"type": "boolean"}, False, "false", {}),
    ("smallint", {"type": "boolean"}, True, "1", {}),
    ("bit(1)", {"type": "boolean"}, True, "1", {}),
    ("boolean", {"type": "int16"}, 1, "true", {}),
    ("boolean", {"type": "string"}, "true", "true", {}),
    ("uuid", {"type": "string"}, "6F9619FF-8B86-D011-B42D-00C04FC964FF", "6f9619ff-8b86-d011-b42d-00c04fc964ff", {}),
    ("uuid", {"type": "string"}, "{6F9619FF8B86D011B42D00C04FC964FF}", "6f9619ff-8b86-d011-b42d-00c04fc964ff", {}),
    ("json", {"type": "string"}, '{"a": 1}', '{"a": 1}', {}),
    ("jsonb", {"type": "string", "name": DATA + "Json"}, '{"a":1}', '{"a": 1}', {}),
    ("xml", {"type": "string"}, "<a>ü</a>", "<a>ü</a>", {}),
    ("inet", {"type": "string"}, "10.0.0.1", "10.0.0.1/32", {}),
    ("interval", {"type": "int64", "name": TIME + "MicroDuration"}, 1500000, "00:00:01.5", {}),
    ("interval", {"type": "string", "name": TIME + "Interval"}, "P1Y2M3DT4H5M6.78S", "1 year 2 mons 3 days 04:05:06.78", {}),
    ("date", {"type": "int32", "name": TIME + "Date"}, 17725, "2018-07-13", {}),
    ("date", {"type": "int32", "name": TIME + "Date"}, -719162, "0001-01-01", {}),
    ("integer", {"type": "int32", "name": TIME + "Date"}, 17725, "17725", {}),
    ("timestamptz", {"type": "int32", "name": TIME + "Date"}, 17725, "2018-07-13 04:00:00+00", {"db__timezone": "America/New_York"}),
    ("time", {"type": "int32", "name": TIME + "Time"}, 37425680, "10:23:45.68", {}),
    ("time", {"type": "int64", "name": TIME + "MicroTime"}, 37425678900, "10:23:45.6789", {}),
    ("time", {"type": "int64", "name": TIME + "NanoTime"}, 37425678901200, "10:23:45.678901", {}),
    ("time", {"type": "int64", "name": TIME + "MicroTime"}, 86400000000, "24:00:00", {}),
    ("time", {"type": "int64", "name": TIME + "NanoTime"}, 86399999999900, "24:00:00", {}),
    ("timetz", {"type": "int32", "name": TIME + "Time"}, 37425680, "10:23:45.68+00", {}),
    ("timestamp", {"type": "int64", "name": TIME + "Timestamp"}, 1531488225780, "2018-07-13 13:23:45.78", {}),
    ("timestamp", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000000, "2018-07-13 11:23:45.34", {"db__timezone": "America/New_York"}),
    ("timestamptz", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000000, "2018-07-13 15:23:45.34+00", {"db__timezone": "America/New_York"}),
    ("timestamp", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000500, "2018-07-13 11:23:45.340001", {}),
    ("timestamp", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000499, "2018-07-13 11:23:45.34", {}),
    ("timestamp", {"type": "int64", "name": TIME + "NanoTimestamp"}, -1, "1970-01-01 00:00:00", {}),
    ("timestamp(0)", {"type": "int64", "name": TIME + "MicroTimestamp"}, 1531481025500000, "2018-07-13 11:23:46", {}),
    ("bigint", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000000, "1531481025340000000", {}),
    ("text", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000000, "1531481025340000000", {}),
    ("date", {"type": "int64", "name": TIME + "NanoTimestamp"}, -1000000000, "1969-12-31", {}),
    ("timestamptz", {"type": "string", "name": TIME + "ZonedTimestamp"}, "2018-07-13T12:23:45.456+11:00", "2018-07-13 01:23:45.456+00", {}),
    ("timestamp", {"type": "string", "name": TIME + "ZonedTimestamp"}, "2018-07-13T12:23:45.456+11:00", "2018-07-13 01:23:45.456", {}),
    ("timetz", {"type": "string", "name": TIME + "ZonedTimestamp"}, "2018-07-13T12:23:45.456+11:00", "12:23:45.456+11", {}),
    ("timestamptz", {"type": "string", "name": TIME + "ZonedTimestamp"}, "infinity", "infinity", {}),
    ("text", {"type": "string", "name": TIME + "ZonedTimestamp"}, "2018-07-13T12:23:45.456+11:00", "2018-07-13T12:23:45.456+11:00", {}),
    ("date", {"type": "string", "name": TIME + "IsoDate"}, "2018-07-13Z", "2018-07-13", {}),
    ("timestamptz", {"type": "string", "name": TIME + "IsoTimestamp"}, "2018-07-13T11:23:45.67Z", "2018-07-13 15:23:45.67+00", {"db__timezone": "America/New_York"}),
    ("time", {"type": "string", "name": TIME + "ZonedTime"}, "11:23:45.67+02:00", "11:23:45.67", {}),
    ("timetz", {"type": "string", "name": TIME + "ZonedTime"}, "11:23:45.67+02:00", "11:23:45.67+02", {}),
    ("bit(16)", {"type": "bytes", "name": DATA + "Bits", "parameters": {"length": "16"}}, bytes_of(2, 1), "0000000100000010", {}),
    ("varbit", {"type": "bytes", "name": DATA + "Bits", "parameters": {"length": "3"}}, bytes_of(5), "101", {}),
    ("text[]", {"type": "string", "name": DATA + "EnumSet"}, "a,b", "{a,b}", {}),
    ("numeric", {"type": "struct", "name": DATA + "VariableScaleDecimal", "fields": [field("scale", "int32", False), field("value", "bytes", False)]},
     {"scale": 2, "value": bytes_of(4, 0xD2)}, "12.34", {}),
    ("text", {"type": "struct", "name": DATA + "VariableScaleDecimal", "fields": [field("scale", "int32", False), field("value", "bytes", False)]},
     {"scale": 0, "value": bytes_of(255)}, "-1", {}),
    ("point", {"type": "struct", "name": DATA + "geometry.Point", "fields": [field("x", "double", False), field("y", "double", False), field("wkb", "bytes"), field("srid", "int32")]},
     {"x": 1.5, "y": 2, "wkb": None, "srid": None}, "(1.5,2)", {}),
    ("timestamp", {"type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"}, 1474661402123, "2016-09-23 16:10:02.123", {"db__timezone": "America/New_York"}),
    ("timestamptz", {"type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"}, 1474661402123, "2016-09-23 20:10:02.123+00", {"db__timezone": "America/New_York"}),
    ("text", {"type": "int64", "name": "org.apache.kafka.connect.data.Timestamp"}, 1474661402123, "2016-09-23 16:10:02.123-04", {"db__timezone": "America/New_York"}),
    ("date", {"type": "int32", "name": "org.apache.kafka.connect.data.Date"}, 0, "1969-12-31", {"db__timezone": "America/New_York"}),
    ("date", {"type": "int32", "name": "org.apache.kafka.connect.data.Date"}, 0, "1970-01-01", {"db__timezone": "America/New_York", "date__timezone": "UTC"}),
    ("time", {"type": "int32", "name": "org.apache.kafka.connect.data.Time"}, 37425680, "10:23:45.68", {}),
    ("timestamp", {"type": "int64"}, 1531481025340000, "2018-07-13 11:23:45.34", {"timestamp__fields__list": "v"}),
    ("timestamp", {"type": "string"}, "1531481025340000000", "2018-07-13 11:23:45.34", {"timestamp__fields__list": "v", "timestamp__precision__mode": "NANOSECONDS"}),
]


@requires("postgres")
@timeout(240)
def test_values_reach_columns_by_every_path(env):
    """Each case by a single statement (1 record), arrays (20) and COPY (1600)."""
    db = env.pg_database()
    cases = TYPE_CASES
    if not db.query("SELECT 1 FROM pg_available_extensions WHERE name = 'citext'"):
        cases = [c for c in cases if c[0] != "citext"]
    else:
        db.execute("CREATE EXTENSION citext")
    db.execute(";".join(f"CREATE TABLE t{n} (id int PRIMARY KEY, v {case[0]})" for n, case in enumerate(cases)))
    for n, (column, schema, value, want, settings) in enumerate(cases):
        value_schema = struct(field("id", "int32", False), {"optional": True, **schema, "field": "v"})
        with sink(db, **UPSERT, **settings) as s:
            for first, count in ((0, 1), (100, 20), (1000, 1600)):
                s.put_ok(*[record({"id": i, "v": value if i % 10 != 9 else None}, schema=value_schema, key={"id": i}, topic=f"t{n}")
                           for i in range(first, first + count)])
        eq(db.query(f"SELECT v::text, count(*) FROM t{n} GROUP BY 1 ORDER BY 1 NULLS LAST"), [(want, 1459), (None, 162)], f"{column} {schema}")


# (column type, schema, value, part of the message, settings)
BAD_CASES = [
    ("smallint", {"type": "int64"}, 70000, "ERROR: smallint out of range", {}),
    ("integer", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1531481025340000000, "ERROR: integer out of range", {}),
    ("timestamp", {"type": "int64", "name": TIME + "Timestamp"}, 9300000000000000, "ERROR: timestamp out of range", {}),
    ("time", {"type": "int32", "name": TIME + "Time"}, -1, "ERROR: date/time field value out of range", {}),
    ("date", {"type": "int32", "name": TIME + "Date"}, 2145042906, "ERROR: date out of range", {}),
    ("uuid", {"type": "string"}, "not-a-uuid", 'ERROR: invalid input syntax for type uuid: "not-a-uuid"', {}),
    ("boolean", {"type": "int16"}, 2, 'ERROR: invalid input syntax for type boolean: "2"', {}),
    ("xml", {"type": "string"}, "<a>", "ERROR: invalid XML content", {}),
    ("json", {"type": "string"}, "{", "ERROR: invalid input syntax for type json", {}),
    ("varchar(3)", {"type": "string"}, "abcd", "ERROR: value too long for type character varying(3)", {}),
    ("text", {"type": "string"}, "a\x00b", 'ERROR: invalid byte sequence for encoding "UTF8": 0x00', {}),
    ("inet", {"type": "string"}, "a\x00b", 'ERROR: invalid byte sequence for encoding "UTF8": 0x00', {}),
    ("bytea", {"type": "string"}, "ab", 'ERROR: column "v" is of type bytea but expression is of type character varying', {}),
    ("timestamp", {"type": "int64"}, 1, 'ERROR: column "v" is of type timestamp without time zone but expression is of type bigint', {}),
    ("timestamp", {"type": "int64", "name": TIME + "NanoTimestamp"}, 1,
     'ERROR: column "v" is of type timestamp without time zone but expression is of type bigint', {"debezium__type__coercion": "off"}),
    ("text NOT NULL", {"type": "string"}, None, 'ERROR: null value in column "v" of relation', {}),
    ("int CHECK (v > 0)", {"type": "int32"}, 0, "violates check constraint", {}),
]


@requires("postgres")
@timeout(240)
def test_bad_values_are_reported_and_the_rest_is_stored(env):
    db = env.pg_database()
    good = {"int64": 1, "int32": 1, "int16": 1, "string": "x"}
    for n, (column, schema, value, message, settings) in enumerate(BAD_CASES):
        value_schema = struct(field("id", "int32", False), {"optional": True, **schema, "field": "v"})
        hopeless = "is of type" in message
        db.execute(f"CREATE TABLE t{n} (id int PRIMARY KEY, v {column})")
        fine = {"uuid": "6f9619ff-8b86-d011-b42d-00c04fc964ff", "xml": "<a/>", "json": "1", "inet": "10.0.0.1"}.get(column, good[schema["type"]])
        stored = 0
        for first, count, bad in ((0, 1, 0), (10, 5, 2), (100, 40, 17), (1000, 2000, 1234)):
            if hopeless and count > 5:
                continue
            with sink(db, "tolerate", **UPSERT, **settings) as s:
                answer = s.put(*[record({"id": first + i, "v": value if hopeless or i == bad else fine}, schema=value_schema,
                                        key={"id": first + i}, topic=f"t{n}") for i in range(count)])
            assert "ok" in answer, answer
            eq([r[0] for r in answer["reports"]], list(range(count)) if hopeless else [bad], f"{column} {count}")
            (class_, text, _), = answer["reports"][0][1]
            eq(class_, SQL_EXCEPTION)
            contains(text, message)
            contains(text, f'Exception chain:\njava.sql.BatchUpdateException: Batch entry 0 INSERT INTO "t{n}" ')
            stored += 0 if hopeless else count - 1
        eq(db.one(f"SELECT count(*) FROM t{n}"), stored, column)


# ---- errors and retries --------------------------------------------------------------------------------------------------


@requires("postgres")
def test_retries_then_failure(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text)")
    with sink(db, **UPSERT, max__retries=2, retry__backoff__ms=100) as s:
        records = [row(1, "a", offset=0), row(2, None, offset=1)]
        for left in (2, 1):
            answer = s.put(*records)
            eq([answer["error"][0][0], answer["error"][0][2], answer["backoff_ms"]],
               ["org.apache.kafka.connect.errors.RetriableException", "RETRIABLE", 100])
            assert any(f"Write of 2 records failed, remainingRetries={left}" in line for line in s.log), s.log
        chain = s.put(*records)["error"]
        eq([c[0] for c in chain], [CONNECT_EXCEPTION, SQL_EXCEPTION])
        eq(chain[0][2], "FATAL")
        first = ('java.sql.BatchUpdateException: Batch entry 1 INSERT INTO "customers" ("id","name","city") VALUES (2,NULL,NULL) '
                 'ON CONFLICT ("id") DO UPDATE SET "name"=EXCLUDED."name","city"=EXCLUDED."city" was aborted: '
                 'ERROR: null value in column "name" of relation "customers" violates not-null constraint\n'
                 "  Detail: Failing row contains (2, null, null).  Call getNextException to see other errors in the batch.\n")
        eq(chain[0][1], "java.sql.SQLException: " + chain[1][1])
        contains(chain[1][1], "Exception chain:\n" + first)
        eq(chain[1][1].count("\norg.postgresql.util.PSQLException: ERROR: null value"), 2)
    eq(db.one("SELECT count(*) FROM customers"), 0)


@requires("postgres")
def test_reporter_that_does_not_tolerate(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, city text)")
    with sink(db, "refuse", **UPSERT) as s:
        answer = s.put(row(1, "a"), row(2, None), row(3, None))
        eq([r[0] for r in answer["reports"]], [1])
        eq(answer["error"][0][1], "Tolerance exceeded in error handler")


@requires("postgres")
def test_many_bad_records_in_several_tables(env):
    db = env.pg_database()
    for t in ("a", "b"):
        db.execute(f"CREATE TABLE {t} (id int PRIMARY KEY, name text NOT NULL, city text)")
    with sink(db, "tolerate", **UPSERT) as s:
        records = [row(i, None if i % 3 == 0 else "x", topic="ab"[i % 2]) for i in range(300)]
        answer = s.put(*records)
        eq([r[0] for r in answer["reports"]], [i for i in range(300) if i % 3 == 0])
    eq(db.one("SELECT (SELECT count(*) FROM a) + (SELECT count(*) FROM b)"), 200)


@requires("postgres")
def test_redacted_errors_hold_no_values(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name varchar(3), city text)")
    with sink(db, "tolerate", **UPSERT, trim__sensitive__log="true") as s:
        answer = s.put(row(1, "SECRET"))
        text = json.dumps(answer) + "\n".join(s.log)
        assert "SECRET" not in text, text
        contains(answer["reports"][0][1][0][1], "<redacted> [class=java.sql.BatchUpdateException; SQLState=22001;")


@requires("postgres")
def test_lost_connections(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
    with sink(db, **UPSERT, max__retries=3, connection__attempts=3, connection__backoff__ms=50) as s:
        s.put_ok(row(1, "a"))
        eq(db.one("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'PostgreSQL JDBC Driver'"), 1)
        db.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
        records = [row(i, "b") for i in range(10)]
        answer = s.put(*records)
        if "error" in answer:
            eq(answer["error"][0][2], "RETRIABLE")
            s.put_ok(*records)
        eq(db.query("SELECT count(*), max(name) FROM customers"), [(10, "b")])


@requires("postgres")
def test_backends_that_die_inside_a_put(env):
    """The trigger ends its own backend when the sequence, which no rollback takes back, says so."""
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text CHECK (name <> 'bad'), city text)")
    db.execute("CREATE SEQUENCE calls")
    db.execute("CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('calls') = 5 THEN"
               " PERFORM pg_terminate_backend(pg_backend_pid()); END IF; RETURN NEW; END $$")
    db.execute("CREATE TRIGGER die BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION die()")
    for count in (5, 100, 2000):
        db.execute("TRUNCATE customers")
        db.execute("ALTER SEQUENCE calls RESTART")
        with sink(db, **UPSERT, max__retries=2, retry__backoff__ms=1) as s:
            records = [row(i, "x", offset=i) for i in range(count)]
            eq([s.put(*records)["error"][0][2], db.one("SELECT count(*) FROM customers")], ["RETRIABLE", 0], str(count))
            s.put_ok(*records)
            eq(db.one("SELECT count(*) FROM customers"), count)
    db.execute("TRUNCATE customers")
    with sink(db, "tolerate", **UPSERT) as s:  # the loss comes while the batch is taken apart: no good record is reported
        db.execute("ALTER SEQUENCE calls RESTART WITH 1")
        answer = s.put(*[row(i, "bad" if i == 2 else "x") for i in range(10)])
        eq([r[0] for r in answer["reports"]], [2])
    eq(db.one("SELECT count(*) FROM customers"), 9)


@requires("postgres")
def test_tls(env):
    db = env.pg_database()
    data = db.one("SHOW data_directory")
    cert, key = os.path.join(data, "server.crt"), os.path.join(data, "server.key")
    root = os.path.join(env.dir, "root.crt")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", cert], check=True, capture_output=True)
    shutil.copy(cert, root)
    for path in (cert, key):
        os.chmod(path, 0o600)
        shutil.chown(path, os.stat(data).st_uid, os.stat(data).st_gid)
    db.execute("ALTER SYSTEM SET ssl = on")
    env.defer(db.execute, "ALTER SYSTEM RESET ssl")
    db.execute("SELECT pg_reload_conf()")
    db.wait("SHOW ssl", [("on",)])
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
    db.execute("CREATE FUNCTION used_tls() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.city ="
               " (SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()); RETURN NEW; END $$")
    db.execute("CREATE TRIGGER used_tls BEFORE INSERT OR UPDATE ON customers FOR EACH ROW WHEN (NEW.id = 0) EXECUTE FUNCTION used_tls()")
    for parameters, works, tls in [
        ("sslmode=require", True, "true"),
        (f"sslmode=verify-full&sslrootcert={root}", True, "true"),
        (f"ssl=true&sslrootcert={root}", True, "true"),
        ("ssl=true", False, None),
        (f"sslmode=verify-ca&sslrootcert={root}.absent", False, None),
        ("sslmode=disable", True, "false"),
    ]:
        with sink(db, **UPSERT, connection__url=f"{db.jdbc_url()}?{parameters}") as s:
            answer = s.put(*[row(i, "x" * 500) for i in range(1600)])
        eq("ok" in answer, works, f"{parameters}: {str(answer)[:500]}")
        if works:
            eq(db.query("SELECT city FROM customers WHERE id = 0"), [(tls,)], parameters)


@requires("postgres")
def test_no_named_statements_behind_a_pooler(env):
    db = env.pg_database()
    db.execute("CREATE TABLE customers (id int PRIMARY KEY, name text, city text)")
    with sink(db, **UPSERT, connection__prepareThreshold=0) as s:
        s.put_ok(row(1, "a"))
        s.put_ok(*[row(i, "b") for i in range(50)])
        s.put_ok(*[row(i, "c") for i in range(3000)])
    eq(db.query("SELECT count(*), min(name) FROM customers"), [(3000, "c")])


@requires("postgres")
def test_two_tasks_create_the_same_table(env):
    db = env.pg_database()
    with sink(db, **UPSERT, auto__create="true", auto__evolve="true") as a, sink(db, **UPSERT, auto__create="true", auto__evolve="true") as b:
        for s, i in ((a, 1), (b, 2)):
            s.process.stdin.write(json.dumps({"put": [row(i, "x", offset=i)]}) + "\n")
            s.process.stdin.flush()
        for s in (a, b):
            line = next(text for text in s.process.stdout if text.startswith("{"))
            assert json.loads(line).get("ok"), line
    eq(db.one("SELECT count(*) FROM customers"), 2)
