"""Topics and records, through librdkafka's Python client and fastavro: neither shares a line with connectd."""

import io
import json
import struct

import confluent_kafka
import confluent_kafka.admin
import fastavro

from ..component import http
from ..waiting import Timeout, wait_until


class Record:
    """key and value are decoded where they can be (Avro with a schema id, JSON, text), raw_key and raw_value are the bytes."""

    def __init__(self, message, decode):
        self.topic, self.partition, self.offset = message.topic(), message.partition(), message.offset()
        self.timestamp = message.timestamp()[1]
        self.raw_key, self.raw_value = message.key(), message.value()
        self.headers = {k: v for k, v in message.headers() or []}
        self.header_list = list(message.headers() or [])
        self.key, self.key_schema = decode(self.raw_key)
        self.value, self.value_schema = decode(self.raw_value)

    def __repr__(self):
        return f"<{self.topic}-{self.partition}@{self.offset} key={self.key!r} value={self.value!r}>"


class Topics:
    def __init__(self, bootstrap, registry_url=None):
        self.bootstrap, self.registry_url = bootstrap, registry_url
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
        self._schemas, self._ids = {}, {}

    # --- topics

    def create(self, name, partitions=1, config=None):
        topic = confluent_kafka.admin.NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})
        self.admin.create_topics([topic])[name].result(30)
        wait_until(lambda: len(self.partitions(name)) == partitions, 30, f"topic '{name}' to have {partitions} partitions")
        return name

    def delete(self, *names):
        for future in self.admin.delete_topics(list(names)).values():
            future.result(30)

    def names(self):
        return sorted(t for t in self.admin.list_topics(timeout=10).topics if not t.startswith("__"))

    def exists(self, name):
        return name in self.names()

    def partitions(self, name):
        """Partition numbers; empty when the topic does not exist. Asks for all topics: a question by name would create one."""
        topic = self.admin.list_topics(timeout=10).topics.get(name)
        return sorted(topic.partitions) if topic is not None and topic.error is None else []

    def config(self, name):
        resource = confluent_kafka.admin.ConfigResource(confluent_kafka.admin.ConfigResource.Type.TOPIC, name)
        return {k: v.value for k, v in self.admin.describe_configs([resource])[resource].result(30).items()}

    def end_offsets(self, name):
        """{partition: offset after the last record}, which for a transactional topic counts markers too."""
        consumer = self._consumer()
        try:
            return {
                p: consumer.get_watermark_offsets(confluent_kafka.TopicPartition(name, p), timeout=10, cached=False)[1]
                for p in self.partitions(name)
            }
        finally:
            consumer.close()

    def committed(self, group, name):
        """{partition: committed offset} of a consumer group; partitions without one are left out."""
        consumer = self._consumer(group)
        try:
            asked = [confluent_kafka.TopicPartition(name, p) for p in self.partitions(name)]
            return {tp.partition: tp.offset for tp in consumer.committed(asked, timeout=10) if tp.offset >= 0}
        finally:
            consumer.close()

    # --- reading

    def _consumer(self, group="harness", isolation="read_committed"):
        return confluent_kafka.Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": group, "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "isolation.level": isolation, "log_level": 2, "fetch.wait.max.ms": 50, "enable.partition.eof": True,
        })

    def read(self, name, count=None, limit=30, start=None, isolation="read_committed"):
        """Records in partition order as they arrive: `count` of them or, without a count, all that are there now.

        start     {partition: offset}; default the beginning
        """
        if count is not None:
            wait_until(lambda: self.partitions(name), limit, f"topic '{name}' to exist")
        ends = self.end_offsets(name) if count is None else None
        records, done = [], set()
        consumer = self._consumer(isolation=isolation)
        try:
            parts = self.partitions(name)
            consumer.assign([
                confluent_kafka.TopicPartition(name, p, (start or {}).get(p, confluent_kafka.OFFSET_BEGINNING)) for p in parts
            ])

            def finished():
                message = consumer.poll(0.05)
                if message is not None:
                    error = message.error()
                    if error is not None and error.code() == confluent_kafka.KafkaError._PARTITION_EOF:
                        if ends is not None and message.offset() >= ends[message.partition()]:
                            done.add(message.partition())
                    elif error is not None:
                        raise RuntimeError(f"reading '{name}': {error}")
                    else:
                        records.append(Record(message, self.decode))
                return len(records) >= count if count is not None else len(done) == len(parts)

            wait_until(
                finished, limit, f"{'all' if count is None else count} records of '{name}'", interval=0,
                detail=lambda: f"{len(records)} arrived, the last: {records[-1:]}",
            )
        finally:
            consumer.close()
        return records

    def latest_by_key(self, name):
        """What a compacted topic says now: {raw key: record}, tombstones taken out."""
        found = {}
        for record in self.read(name):
            found.pop(record.raw_key, None)
            if record.raw_value is not None:
                found[record.raw_key] = record
        return found

    def decode(self, raw):
        """(value, writer schema or None)."""
        if raw is None:
            return None, None
        if self.registry_url and len(raw) > 5 and raw[0] == 0:
            schema = self.schema(struct.unpack(">I", raw[1:5])[0])
            if schema is not None:
                return fastavro.schemaless_reader(io.BytesIO(raw[5:]), schema), schema
        try:
            return json.loads(raw), None
        except ValueError:
            return raw.decode(errors="replace"), None

    def schema(self, number):
        """Parsed schema of this id, or None when the registry does not know it."""
        if number not in self._schemas:
            status, answer = http("GET", f"{self.registry_url}/schemas/ids/{number}")
            self._schemas[number] = fastavro.parse_schema(json.loads(answer["schema"])) if status == 200 else None
        return self._schemas[number]

    # --- writing

    def producer(self, **settings):
        return confluent_kafka.Producer({"bootstrap.servers": self.bootstrap, "log_level": 2, "linger.ms": 5, **settings})

    def produce(self, name, records, partition=None):
        """records: (key, value) or (key, value, headers); bytes go as they are, str as UTF-8, other values as JSON, None as null."""
        failures = []
        producer = self.producer()
        for key, value, *headers in records:
            arguments = {} if partition is None else {"partition": partition}
            while True:
                try:
                    producer.produce(
                        name, key=_bytes(key), value=_bytes(value), headers=headers[0] if headers else None,
                        on_delivery=lambda e, m: failures.append(e) if e else None, **arguments,
                    )
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(60):
            raise Timeout(f"records for '{name}' were not acknowledged within 60 s")
        assert not failures, failures

    def avro(self, subject, schema, value):
        """Confluent wire format; registers the schema under the subject on first use."""
        text = json.dumps(schema)
        if (subject, text) not in self._ids:
            status, answer = http("POST", f"{self.registry_url}/subjects/{subject}/versions", {"schema": text})
            assert status == 200, f"registry refused {subject}: {status} {answer}"
            self._ids[subject, text] = answer["id"]
        out = io.BytesIO(b"\0" + struct.pack(">I", self._ids[subject, text]))
        out.seek(5)
        fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
        return out.getvalue()

    def produce_avro(self, name, schema, values, key_schema=None, keys=None):
        keys = keys or [None] * len(values)
        self.produce(name, [
            (None if key is None else self.avro(f"{name}-key", key_schema, key),
             None if value is None else self.avro(f"{name}-value", schema, value))
            for key, value in zip(keys, values)
        ])


def _bytes(value):
    if value is None or isinstance(value, bytes):
        return value
    return value.encode() if isinstance(value, str) else json.dumps(value).encode()
