"""The PostgreSQL sink inside the worker: Avro records from Kafka, dead letters, failures as users see them, lost servers."""

from harness import contains, eq, requires, timeout, wait_until

SERVICES = ("kafka", "registry", "postgres")
SCHEMA = {"type": "record", "name": "Customer", "fields": [
    {"name": "id", "type": "int"},
    {"name": "name", "type": ["null", "string"], "default": None},
    {"name": "created_at", "type": {"type": "long", "connect.name": "io.debezium.time.NanoTimestamp", "connect.version": 1}},
    {"name": "amount", "type": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2, "connect.version": 1,
                                         "connect.parameters": {"scale": "2"}, "connect.name": "org.apache.kafka.connect.data.Decimal"}], "default": None},
]}
AT = 1764671400123456700
TABLE = "CREATE TABLE customers (id int PRIMARY KEY, name text NOT NULL, created_at timestamp, amount numeric(10,2))"


def customer(i, name="x"):
    return {"id": i, "name": name, "created_at": AT, "amount": None}


def config(env, db, topic, **more):
    e = db.env
    return {
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "tasks.max": "1", "topics": topic,
        "connection.url": db.jdbc_url(), "connection.user": e["POSTGRES_USER"], "connection.password": e["POSTGRES_PASSWORD"],
        "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id", "table.name.format": "customers",
        "connection.pool.size": "10", "connection.attempts": "60", "connection.backoff.ms": "500", "max.retries": "1", "retry.backoff.ms": "200",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": env.registry.url,
        "consumer.override.auto.offset.reset": "earliest",
        **{k.replace("__", "."): str(v) for k, v in more.items()},
    }


@requires(*SERVICES)
@timeout(120)
def test_bad_records_become_dead_letters(env):
    db, topic, dlq = env.pg_database(), env.id, f"{env.id}-dlq"
    db.execute(TABLE)
    env.topics.create(topic)
    env.topics.produce_avro(topic, SCHEMA, [customer(1), customer(2, None), customer(3), customer(1, "later")])
    worker = env.worker()
    worker.rest.put_config(env.id, config(env, db, topic, errors__tolerance="all", errors__deadletterqueue__topic__name=dlq,
                                          errors__deadletterqueue__topic__replication__factor=1,
                                          errors__deadletterqueue__context__headers__enable="true"))
    db.wait("SELECT id, name, created_at::text FROM customers ORDER BY id",
            [(1, "later", "2025-12-02 10:30:00.123457"), (3, "x", "2025-12-02 10:30:00.123457")], limit=60)
    letter, = env.topics.read(dlq, 1)
    headers = {k: v.decode() for k, v in letter.headers.items()}
    eq(letter.raw_value, env.topics.read(topic, 4)[1].raw_value)
    contains(headers, {"__connect.errors.topic": topic, "__connect.errors.offset": "1", "__connect.errors.stage": "TASK_PUT",
                       "__connect.errors.class.name": "org.apache.kafka.connect.sink.SinkTask",
                       "__connect.errors.exception.class.name": "java.sql.SQLException"})
    contains(headers["__connect.errors.exception.message"],
             'Exception chain:\njava.sql.BatchUpdateException: Batch entry 0 INSERT INTO "customers"')
    worker.rest.wait_running(env.id)


@requires(*SERVICES)
@timeout(120)
def test_without_a_reporter_the_task_fails_and_a_restart_goes_on(env):
    db, topic = env.pg_database(), env.id
    db.execute(TABLE)
    env.topics.create(topic)
    env.topics.produce_avro(topic, SCHEMA, [customer(1), customer(2, None)])
    worker = env.worker()
    worker.rest.put_config(env.id, config(env, db, topic))
    worker.rest.wait_task_state(env.id, "FAILED")
    trace = worker.rest.status(env.id)["tasks"][0]["trace"]
    contains(trace, "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.")
    contains(trace, "Caused by: org.apache.kafka.connect.errors.ConnectException: java.sql.SQLException: Exception chain:\n"
                    "java.sql.BatchUpdateException: Batch entry 1 ")
    contains(trace, "Caused by: java.sql.SQLException: Exception chain:\n")
    eq(db.one("SELECT count(*) FROM customers"), 0)
    db.execute("ALTER TABLE customers ALTER name DROP NOT NULL")
    worker.rest.restart(env.id, "?includeTasks=true")
    db.wait_count("customers", 2)


@requires(*SERVICES)
@timeout(180)
def test_a_killed_server_loses_and_doubles_nothing(env):
    db, topic = env.pg_database(), env.id
    db.execute(TABLE)
    env.topics.create(topic, partitions=3)
    worker = env.worker()
    worker.rest.put_config(env.id, config(env, db, topic, tasks__max=3, max__retries=20))  # two kills may hit one batch
    for start in range(0, 30000, 10000):
        env.topics.produce_avro(topic, SCHEMA, [customer(i) for i in range(start, start + 10000)], "string", [str(i) for i in range(start, start + 10000)])
        wait_until(lambda start=start: db.one("SELECT count(*) FROM customers") > start, 60, "rows of this round")
        env.postgres.kill()
        env.postgres.start()
    db.wait("SELECT count(*), count(DISTINCT id), max(id) FROM customers", [(30000, 30000, 29999)], limit=90)
    worker.rest.wait_running(env.id, tasks=3)


@requires(*SERVICES)
@timeout(120)
def test_a_wrong_password_fails_after_the_attempts(env):
    db, topic = env.pg_database(), env.id
    env.topics.create(topic)
    worker = env.worker()
    settings = config(env, db, topic, connection__attempts=2, connection__backoff__ms=100, max__retries=50)
    settings["connection.url"] = "jdbc:postgresql://127.0.0.1:1/db?password=not-this"
    worker.rest.put_config(env.id, settings)
    worker.rest.wait_running(env.id)  # nothing to write, nothing to connect for
    env.topics.produce_avro(topic, SCHEMA, [customer(1)])
    worker.rest.wait_task_state(env.id, "FAILED")
    trace = worker.rest.status(env.id)["tasks"][0]["trace"]
    contains(trace, "Caused by: org.apache.kafka.connect.errors.ConnectException: org.postgresql.util.PSQLException: Connection to 127.0.0.1:1 refused.")
    assert "not-this" not in trace + worker.log(), "the password shows"


@requires(*SERVICES)
@timeout(120)
def test_a_put_that_waits_for_a_lock_can_be_stopped(env):
    db, topic = env.pg_database(), env.id
    db.execute(TABLE)
    env.topics.create(topic)
    worker = env.worker()
    worker.rest.put_config(env.id, config(env, db, topic))
    worker.rest.wait_running(env.id)
    with db.connect() as holder:
        holder.execute("LOCK TABLE customers IN EXCLUSIVE MODE")
        env.topics.produce_avro(topic, SCHEMA, [customer(1)])
        db.wait("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'customers'::regclass", [(1,)], limit=60)
        worker.rest.delete(env.id)
        db.wait("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'PostgreSQL JDBC Driver'", [(0,)], limit=30)
    eq(db.one("SELECT count(*) FROM customers"), 0)
