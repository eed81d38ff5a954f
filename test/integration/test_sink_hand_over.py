"""A sink task that loses partitions while a failed batch waits for its redelivery.

The JVM worker recognises the records of lost partitions by their topic *after* the transforms: behind a RegexRouter it finds none,
and later writes old records of partitions that another task has moved past."""

import confluent_kafka
from harness import eq, requires, timeout, wait_until

JSON = "org.apache.kafka.connect.json.JsonConverter"
SCHEMA = {"type": "struct", "optional": False, "fields": [{"type": "int32", "optional": False, "field": "id"},
                                                         {"type": "int32", "optional": False, "field": "part"}]}
PARTITIONS, ROWS = 6, 50


def config(env, pg):
    server = env.postgres.env()
    return {
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "tasks.max": "2", "topics": f"{env.id}-raw",
        "connection.url": pg.jdbc_url(), "connection.user": server["POSTGRES_USER"], "connection.password": server["POSTGRES_PASSWORD"],
        "insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id",
        "max.retries": "100", "retry.backoff.ms": "1000", "value.converter": JSON, "value.converter.schemas.enable": "true",
        "transforms": "route", "transforms.route.type": "RegexRouter", "transforms.route.regex": ".*", "transforms.route.replacement": "rows",
    }


def take_partitions(env, topic):
    """A member of the sink's group that takes a share, reads it to the end, commits, and stays."""
    taken = {}
    consumer = confluent_kafka.Consumer({
        "bootstrap.servers": env.topics.bootstrap, "group.id": f"connect-{env.id}", "partition.assignment.strategy": "range",
        "auto.offset.reset": "earliest", "enable.auto.commit": False})
    consumer.subscribe([topic], on_assign=lambda c, parts: taken.update({p.partition: 0 for p in parts}))

    def read_all():
        for message in consumer.consume(500, 0.2):
            if not message.error():
                taken[message.partition()] += 1
        return taken and all(n == ROWS for n in taken.values())
    wait_until(read_all, 60, "the other member to have read its share")
    consumer.commit(asynchronous=False)
    return consumer, set(taken)


@requires("kafka", "postgres")
@timeout(150)
def test_records_of_lost_partitions_are_not_written_later(env):
    topic, pg = f"{env.id}-raw", env.pg_database()
    pg.execute("CREATE TABLE rows (id int PRIMARY KEY, part int NOT NULL)")
    pg.execute("CREATE TABLE closed (x int)")
    pg.execute("INSERT INTO closed VALUES (1)")
    pg.execute("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF EXISTS (SELECT 1 FROM closed) THEN "
               "RAISE EXCEPTION 'closed for now' USING ERRCODE = '40001'; END IF; RETURN NULL; END $$")
    pg.execute("CREATE TRIGGER refuse AFTER INSERT OR UPDATE ON rows FOR EACH STATEMENT EXECUTE FUNCTION refuse()")
    env.topics.create(topic, partitions=PARTITIONS)
    for part in range(PARTITIONS):
        env.topics.produce(topic, [(None, {"schema": SCHEMA, "payload": {"id": part * 1000 + i, "part": part}}) for i in range(ROWS)],
                           partition=part)
    worker = env.worker()
    worker.rest.put_config(env.id, config(env, pg))
    wait_until(lambda: "closed for now" in worker.log(), 60, "the first write to fail")
    member, lost = take_partitions(env, topic)
    try:
        assert 0 < len(lost) < PARTITIONS, lost
        pg.execute("DELETE FROM closed")
        kept = {(p,) for p in range(PARTITIONS)} - {(p,) for p in lost}
        pg.wait("SELECT count(*) FROM rows", [(len(kept) * ROWS,)], limit=60)
        eq(set(pg.query("SELECT DISTINCT part FROM rows")), kept, "partitions whose records were written")
    finally:
        member.close()
    wait_until(lambda: sum(env.topics.committed(f"connect-{env.id}", topic).values()) == PARTITIONS * ROWS, 90, "all to be committed")
    eq(set(pg.query("SELECT DISTINCT part FROM rows")), kept, "nothing stale was written after the hand-over back")
    worker.rest.wait_running(env.id, tasks=2)
