"""The internal topics belong to both worlds: what Apache Kafka's own Connect worker wrote, connectd takes over, and back."""

import json
import os

from harness import eq, requires, wait_until
from localstack.clients.rest import Rest

# of the JVM worker that tools/local-stack runs
GROUP = "connect-cluster"
TOPICS = {"config": "connect-configs", "offset": "connect-offsets", "status": "connect-status"}
STRING = "org.apache.kafka.connect.storage.StringConverter"


def add_lines(path, *lines):
    with open(path, "a", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


def sent(env, topic):
    return [r.raw_value.decode() for r in env.topics.read(topic)] if env.topics.partitions(topic) else []


def offset(env, name, topic):
    """The committed position of the connector, read past both workers."""
    found = [r for r in env.topics.latest_by_key(topic).values() if json.loads(r.raw_key)[0] == name]
    return {json.dumps(json.loads(r.raw_value), sort_keys=True) for r in found}


@requires("kafka")
def test_takeover_from_the_jvm_worker_and_back(env):
    env.stack.start("connect-jvm")
    jvm = env.stack["connect-jvm"]
    env.defer(jvm.stop)
    theirs = Rest("127.0.0.1", jvm.port)
    name, topic, path = env.id, f"{env.id}-lines", os.path.join(env.dir, "lines.txt")
    add_lines(path, "one", "two")
    config = {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": path,
              "topic": topic, "key.converter": STRING, "value.converter": STRING}
    theirs.put_config(name, config)
    theirs.put_config(f"{name}-paused", {**config, "topic": f"{topic}-paused"})
    theirs.wait_running(name)
    theirs.pause(f"{name}-paused")
    theirs.wait_state(f"{name}-paused", "PAUSED")
    wait_until(lambda: sent(env, topic) == ["one", "two"], 60, "the JVM worker to send both lines")
    jvm.stop()
    eq(offset(env, name, TOPICS["offset"]), {'{"position": 8}'})

    add_lines(path, "three")
    same = {f"{k}.storage.topic": v for k, v in TOPICS.items()}
    worker = env.worker({**same, "group.id": GROUP})
    worker.rest.wait_running(name)
    worker.rest.wait_state(f"{name}-paused", "PAUSED")
    wait_until(lambda: sent(env, topic) == ["one", "two", "three"], 30, "connectd to go on behind the second line")
    eq(worker.rest.config(name), {**config, "name": name})
    before = [r.raw_key for r in env.topics.read(TOPICS["config"])]
    assert worker.stop()
    eq([r.raw_key for r in env.topics.read(TOPICS["config"])], before, "nothing had to be written again")

    add_lines(path, "four")
    env.stack.start("connect-jvm")
    theirs = Rest("127.0.0.1", env.stack["connect-jvm"].port)
    theirs.wait_running(name)
    theirs.wait_state(f"{name}-paused", "PAUSED")
    wait_until(lambda: sent(env, topic) == ["one", "two", "three", "four"], 60, "the JVM worker to go on behind the third line")
    keys = [r.raw_key for r in env.topics.latest_by_key(TOPICS["offset"]).values() if json.loads(r.raw_key)[0] == name]
    eq(len(keys), 1, "both worlds write one key for one file")
