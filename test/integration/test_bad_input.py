"""What goes wrong in practice: each gives a clear error, REST keeps answering, and nothing is lost once it is put right."""

import http.client

from harness import contains, eq, requires, timeout, wait_until
from pipeline import SERVICES, Pipeline, insert_rows, simple_tables

COLUMNS = "id, name, qty, price"


def problems(env, rest, config):
    """The messages of PUT …/config/validate, by key."""
    name = config["connector.class"].rsplit(".", 1)[-1]
    answer = rest.call("PUT", f"/connector-plugins/{name}/config/validate", config).expect(200)
    return {c["value"]["name"]: c["value"]["errors"] for c in answer["configs"] if c["value"]["errors"]}


def trace_of(rest, name, task=0, limit=60):
    status = rest.wait_task_state(name, "FAILED", task, limit)
    return next(t["trace"] for t in status["tasks"] if t["id"] == task)


@requires(*SERVICES)
@timeout(120)
def test_wrong_password_of_the_source(env):
    p = Pipeline(env, ["items"], source={"database.password": "not-the-password"})
    simple_tables(p, "items")
    answer = p.rest.call("PUT", p.rest.path(p.source_name, "/config"), p.source_config())
    eq(answer.status, 400, "status")
    contains(answer.text, "Login failed for user", "message")
    assert "not-the-password" not in answer.text + p.worker.log(), "the password is shown"
    eq(p.rest.connectors(), [], "nothing was created")


@requires(*SERVICES)
@timeout(120)
def test_unknown_database(env):
    p = Pipeline(env, ["items"], source={"database.names": "no_such_database"})
    answer = p.rest.call("PUT", p.rest.path(p.source_name, "/config"), p.source_config())
    if answer.status == 400:
        contains(answer.text, "no_such_database", "message")
    else:
        contains(trace_of(p.rest, p.source_name), "no_such_database", "trace")
    eq(p.rest.call("GET", "/").status, 200, "REST answers")


@requires(*SERVICES)
@timeout(120)
def test_database_without_cdc(env):
    p = Pipeline(env, ["items"])
    p.sql.execute("EXEC sys.sp_cdc_disable_db")
    p.sql.execute("CREATE TABLE dbo.items (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100))")
    answer = p.rest.call("PUT", p.rest.path(p.source_name, "/config"), p.source_config())
    text = answer.text if answer.status == 400 else trace_of(p.rest, p.source_name)
    contains(text.lower(), "cdc", "the error names what is missing")
    # Put right: nothing was lost.
    p.sql.execute("EXEC sys.sp_cdc_enable_db")
    p.sql.enable_cdc("items")
    p.pg.execute("CREATE TABLE items (id INTEGER PRIMARY KEY, name VARCHAR(200), __deleted VARCHAR(10), __op VARCHAR(10))")
    p.deploy_source(wait=answer.status == 400)
    if answer.status != 400:
        p.rest.restart(p.source_name, "?includeTasks=true&onlyFailed=true")
        p.rest.wait_running(p.source_name)
    p.deploy_sink()
    p.sql.execute("INSERT INTO dbo.items VALUES (1, N'one')")
    p.wait_equal("items")


@requires(*SERVICES)
@timeout(120)
def test_a_table_without_capture_is_named_in_the_log(env):
    p = Pipeline(env, ["items", "plain"])
    simple_tables(p, "items")
    p.sql.execute("CREATE TABLE dbo.plain (id INT NOT NULL PRIMARY KEY, name NVARCHAR(100))")
    p.deploy()
    insert_rows(p.sql, "items", 1, 3)
    p.wait_equal("items", COLUMNS)
    wait_until(lambda: "plain" in p.worker.log(), 30, "the log to name the table without capture")


@requires(*SERVICES)
@timeout(180)
def test_registry_down_at_start_and_in_mid_stream(env):
    p = Pipeline(env, ["items"], source={"errors.retry.timeout": "60000", "errors.retry.delay.max.ms": "500"})
    simple_tables(p, "items")
    p.deploy()
    env.registry.stop()
    insert_rows(p.sql, "items", 1, 3)  # the first row needs a schema id that nobody knows yet
    eq(p.rest.call("GET", "/").status, 200, "REST answers while the registry is away")
    env.registry.start()
    p.rest.restart(p.source_name, "?includeTasks=true&onlyFailed=true")
    p.rest.restart(p.sink_name, "?includeTasks=true&onlyFailed=true")
    p.wait_equal("items", COLUMNS)


@requires(*SERVICES)
@timeout(180)
def test_postgres_down_in_mid_stream(env):
    p = Pipeline(env, ["items"], sink={"connection.backoff.ms": "500", "retry.backoff.ms": "500", "max.retries": "60"})
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 100)
    p.wait_equal("items", COLUMNS)
    env.postgres.kill()
    insert_rows(p.sql, "items", 101, 300)
    eq(p.rest.call("GET", "/").status, 200, "REST answers while PostgreSQL is away")
    env.postgres.start()
    p.wait_equal("items", COLUMNS)


@requires(*SERVICES)
@timeout(180)
def test_kafka_down_in_mid_stream(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 100)
    p.wait_equal("items", COLUMNS)
    env.kafka.kill()
    insert_rows(p.sql, "items", 101, 300)
    eq(p.rest.call("GET", "/").status, 200, "REST answers while Kafka is away")
    env.kafka.start()
    p.wait_equal("items", COLUMNS, limit=120)


@requires("kafka")
@timeout(120)
def test_kafka_down_at_start(env):
    worker = env.worker({"bootstrap.servers": "127.0.0.1:1", "request.timeout.ms": "3000", "default.api.timeout.ms": "3000"}, start=False)
    code = worker.run_to_end(limit=90)
    assert code not in (0, None), "the worker does not pretend to run"
    contains(worker.log(), "Failed to connect to and describe Kafka cluster", "log")


@requires(*SERVICES)
@timeout(180)
def test_bad_rows_go_to_the_dlq_and_the_rest_is_written(env):
    p = Pipeline(env, ["items"], sink={"max.retries": "2", "retry.backoff.ms": "100"})
    simple_tables(p, "items")
    p.pg.execute("ALTER TABLE items ALTER COLUMN name TYPE VARCHAR(12)")
    p.deploy()
    p.sql.transaction(*[f"INSERT INTO dbo.items (id, name) VALUES ({i}, N'{'x' * (40 if i == 5 else 3)}')" for i in range(1, 10)])
    p.pg.wait("SELECT id FROM items ORDER BY id", [(i,) for i in (1, 2, 3, 4, 6, 7, 8, 9)], limit=60)
    dead = env.topics.read(f"{env.id}-dlq", 1)[0]
    headers = {k: (v or b"").decode() for k, v in dead.headers.items()}
    eq(headers["__connect.errors.topic"], p.topic("items"), "origin")
    eq(headers["__connect.errors.stage"], "TASK_PUT", "stage")
    contains(headers["__connect.errors.exception.message"], "value too long", "message")
    p.rest.wait_running(p.sink_name)


@requires(*SERVICES)
@timeout(180)
def test_a_record_that_does_not_convert(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 2)
    p.wait_equal("items", COLUMNS)
    env.topics.produce(p.topic("items"), [(b"k", b"this is no Avro")])
    insert_rows(p.sql, "items", 3, 4)
    p.wait_equal("items", COLUMNS)
    dead = env.topics.read(f"{env.id}-dlq", 1)[0]
    eq(dead.raw_value, b"this is no Avro", "the DLQ holds the record as it was")
    eq(dead.headers["__connect.errors.stage"].decode() in ("KEY_CONVERTER", "VALUE_CONVERTER"), True, "stage")


@requires(*SERVICES)
@timeout(180)
def test_without_tolerance_a_bad_record_fails_the_task_and_a_fix_resumes(env):
    p = Pipeline(env, ["items"], sink={"errors.tolerance": "none", "max.retries": "2", "retry.backoff.ms": "100"})
    simple_tables(p, "items")
    p.pg.execute("ALTER TABLE items ALTER COLUMN name TYPE VARCHAR(5)")
    p.deploy()
    insert_rows(p.sql, "items", 1, 2)  # 'row 1' fits
    p.wait_equal("items", COLUMNS)
    p.sql.execute("INSERT INTO dbo.items (id, name) VALUES (3, N'too long for it')")
    trace = trace_of(p.rest, p.sink_name)
    contains(trace, "Exiting WorkerSinkTask due to unrecoverable exception", "trace")
    contains(trace, "value too long", "trace")
    contains(trace, "Caused by: ", "trace")
    p.pg.execute("ALTER TABLE items ALTER COLUMN name TYPE VARCHAR(50)")
    p.rest.call("POST", p.rest.path(p.sink_name, "/tasks/0/restart"), headers={}).expect(204)
    p.wait_equal("items", COLUMNS)


@requires(*SERVICES)
@timeout(120)
def test_a_null_key_field_is_reported(env):
    p = Pipeline(env, ["items"])
    simple_tables(p, "items")
    p.deploy()
    insert_rows(p.sql, "items", 1, 1)
    p.wait_equal("items", COLUMNS)
    schema = {"type": "record", "name": "N", "fields": [{"name": "id", "type": ["null", "int"], "default": None}, {"name": "name", "type": "string"}]}
    key = env.topics.avro(f"{env.id}-other-key", "string", "k")
    env.topics.produce(p.topic("items"), [(key, env.topics.avro(f"{env.id}-other-value", schema, {"id": None, "name": "no key"}))])
    dead = env.topics.read(f"{env.id}-dlq", 1)[0]
    contains((dead.headers["__connect.errors.exception.message"] or b"").decode().lower(), "null", "message")
    insert_rows(p.sql, "items", 2, 2)
    p.wait_equal("items", COLUMNS)


def status_of_a_huge_body(rest):
    """Announces 9 MiB and sends none of it: the worker answers before it reads."""
    connection = http.client.HTTPConnection(rest.host, rest.port, timeout=30)
    try:
        connection.putrequest("POST", "/connectors")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(9 << 20))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


@requires("kafka")
def test_malformed_bodies(env):
    rest = env.worker().rest
    json_type = {"Content-Type": "application/json"}
    for body, text in ((b"{", "Unexpected end-of-input"), (b"{]", "Unexpected character"), (b"[]", "Cannot deserialize value"),
                       (b'{"name":"x","config":{},"z":1}', 'Unrecognized field "z"'), (b"", None)):
        answer = rest.call("POST", "/connectors", raw_body=body, headers=json_type)
        eq(answer.status, 500, f"status for {body!r}")
        eq(answer.json["error_code"], 500, "error_code")
        if text:
            contains(answer.json["message"], text, "message")
    eq(status_of_a_huge_body(rest), 413, "status of a huge body")
    eq(rest.call("GET", "/connectors").json, [], "the worker goes on")
