"""All topics of a broker as they grow, through one consumer: a consumer per look would cost most of the run's time."""

import dataclasses

import confluent_kafka
from confluent_kafka.admin import AdminClient, OffsetSpec
from localstack.waiting import wait_until

# Of a topic that is being created: nothing is in it that could be missed.
NO_LEADER_YET = (confluent_kafka.KafkaError.NOT_LEADER_FOR_PARTITION, confluent_kafka.KafkaError.LEADER_NOT_AVAILABLE,
                 confluent_kafka.KafkaError.UNKNOWN_TOPIC_OR_PART)


@dataclasses.dataclass
class Record:
    partition: int
    raw_key: bytes
    raw_value: bytes
    header_list: list


class Tail:
    def __init__(self, bootstrap):
        self.admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
        self.consumer = confluent_kafka.Consumer({
            "bootstrap.servers": bootstrap, "group.id": "truth", "enable.auto.commit": False, "auto.offset.reset": "earliest",
            "log_level": 2, "fetch.wait.max.ms": 20, "enable.auto.offset.store": False,
        })
        self.records = {}  # {topic: [Record]}
        self.seen = {}  # {(topic, partition): next offset}

    def close(self):
        self.consumer.close()

    def look(self):
        """Reads everything that is in Kafka now. @return self"""
        there = [
            (name, p) for name, topic in self.admin.list_topics(timeout=10).topics.items() if not name.startswith("__consumer") for p in topic.partitions
        ]
        new = [t for t in there if t not in self.seen]
        if new:
            self.seen.update(dict.fromkeys(new, 0))
            self.consumer.incremental_assign([confluent_kafka.TopicPartition(*t, confluent_kafka.OFFSET_BEGINNING) for t in new])
        asked = self.admin.list_offsets({confluent_kafka.TopicPartition(*t): OffsetSpec.latest() for t in there})
        ends = {}
        for tp, future in asked.items():
            try:
                ends[tp.topic, tp.partition] = future.result(10).offset
            except confluent_kafka.KafkaException as e:
                if e.args[0].code() not in NO_LEADER_YET:
                    raise

        def reached():
            for message in self.consumer.consume(1000, 0.02):
                if message.error() is not None:
                    raise RuntimeError(str(message.error()))
                self.records.setdefault(message.topic(), []).append(
                    Record(message.partition(), message.key(), message.value(), list(message.headers() or [])))
                self.seen[message.topic(), message.partition()] = message.offset() + 1
            return all(self.seen[t] >= end for t, end in ends.items())

        wait_until(reached, 60, "records that Kafka has", interval=0)
        return self

    def of(self, topic):
        return self.records.get(topic, [])

    def names(self):
        return sorted(self.records)
