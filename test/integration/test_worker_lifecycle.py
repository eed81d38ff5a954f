"""A connectd worker from the outside: life of connectors, bytes in the internal topics, restarts, refusals to start.

The connectors are the FileStream ones: they need no database, and their offsets are easy to count."""

import json
import os
import re

from harness import eq, requires, wait_until

STRING = "org.apache.kafka.connect.storage.StringConverter"


def start(env, properties=None, **how):
    strings = {"key.converter": STRING, "value.converter": STRING}
    return env.worker({**strings, **(properties or {})}, **how)


def source(env, **more):
    env.lines = os.path.join(env.dir, "lines.txt")
    add_lines(env, "one", "two", "three")
    return {"connector.class": "org.apache.kafka.connect.file.FileStreamSourceConnector", "tasks.max": "1", "file": env.lines,
            "topic": f"{env.id}-lines", **more}


def add_lines(env, *lines):
    with open(env.lines, "a", encoding="utf-8") as f:
        f.write("".join(line + "\n" for line in lines))


def sent(env):
    return [r.raw_value.decode() for r in env.topics.read(f"{env.id}-lines")]


def wait_sent(env, count):
    wait_until(lambda: env.topics.partitions(f"{env.id}-lines") and len(sent(env)) >= count, 30, f"{count} lines in the topic")


def wait_offset(env, worker, position):
    """Until the position was committed, so that a restart goes on from there."""
    def committed():
        offsets = worker.rest.call("GET", f"/connectors/{env.id}/offsets").expect(200)["offsets"]
        return offsets and offsets[0]["offset"]["position"] == position
    wait_until(committed, 30, f"position {position} to be committed")


def records(env, topic):
    return [((r.raw_key or b"").decode(), None if r.raw_value is None else r.raw_value.decode())
            for r in env.topics.read(f"{env.id}-{topic}")]


def states(env, worker, key):
    return [json.loads(v)["state"] if v is not None else None for k, v in records(env, "status") if k == key]


@requires("kafka")
def test_life_of_a_connector(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    eq(rest.create(name, source(env))["config"]["name"], name, "the name is added to the config")
    rest.wait_running(name)
    wait_sent(env, 3)
    rest.call("POST", "/connectors", {"name": name, "config": source(env)}).expect(409)
    rest.pause(name)
    rest.wait_state(name, "PAUSED")
    rest.resume(name)
    rest.wait_state(name, "RUNNING")
    rest.restart(name)
    rest.wait_running(name)
    plan = rest.call("POST", f"/connectors/{name}/restart?includeTasks=true").expect(202)
    eq([plan["connector"]["state"]] + [t["state"] for t in plan["tasks"]], ["RESTARTING", "RESTARTING"])
    wait_until(lambda: states(env, worker, f"status-task-{name}-0")[-2:] == ["RESTARTING", "RUNNING"], 20, "the task to have restarted")
    rest.call("POST", f"/connectors/{name}/tasks/0/restart").expect(204)
    rest.call("POST", f"/connectors/{name}/tasks/7/restart").expect(404)
    rest.wait_running(name)
    rest.stop(name)
    rest.wait_status(name, lambda s: s["connector"]["state"] == "STOPPED" and s["tasks"] == [], 20, "to be stopped without tasks")
    rest.resume(name)
    rest.wait_running(name)
    add_lines(env, "four")
    wait_sent(env, 4)
    rest.delete(name)
    wait_until(lambda: rest.call("GET", f"/connectors/{name}/status").status == 404, 20, "the status to be gone")
    eq(rest.connectors(), [])
    rest.call("DELETE", f"/connectors/{name}").expect(404)


@requires("kafka")
def test_bytes_in_the_internal_topics(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    rest.put_config(name, source(env))
    rest.wait_running(name)
    wait_offset(env, worker, 14)
    rest.pause(name)
    rest.wait_state(name, "PAUSED")
    rest.stop(name)
    rest.wait_status(name, lambda s: s["connector"]["state"] == "STOPPED", 20, "to be stopped")
    rest.delete(name)
    wait_until(lambda: rest.call("GET", f"/connectors/{name}/status").status == 404, 20, "the status to be gone")
    settings = {**source(env), "name": name}
    properties = json.dumps({"properties": settings}, separators=(",", ":"))
    configs = records(env, "configs")
    eq(configs[0], (f"connector-{name}", properties), "user order, name appended, no blanks")
    eq(configs[1][0], f"task-{name}-0")
    eq(json.loads(configs[1][1])["properties"]["task.class"], "org.apache.kafka.connect.file.FileStreamSourceTask")
    eq(configs[2:], [
        (f"commit-{name}", '{"tasks":1}'),
        (f"target-state-{name}", '{"state":"PAUSED","state.v2":"PAUSED"}'),
        (f"commit-{name}", '{"tasks":0}'),
        (f"target-state-{name}", '{"state":"PAUSED","state.v2":"STOPPED"}'),
        (f"connector-{name}", None),
        (f"target-state-{name}", None),
    ])
    statuses = [v for k, v in records(env, "status") if k == f"status-connector-{name}"]
    worker_id = f"127.0.0.1:{worker.port}"
    assert re.fullmatch(r'\{"state":"RUNNING","trace":null,"worker_id":"' + re.escape(worker_id) + r'","generation":\d+\}', statuses[0]), statuses
    eq(statuses[-1], None, "a tombstone at the end")
    eq(states(env, worker, f"status-task-{name}-0")[-1], None)
    key = f'["{name}",{{"filename":"{env.lines}"}}]'
    eq(set(records(env, "offsets")), {(key, '{"position":14}')})
    placed = env.topics.read(f"{env.id}-offsets")[0].partition
    eq(placed, (murmur2(key.encode()) & 0x7FFFFFFF) % 5, "the partition that Java's producer would choose")
    for topic, partitions in (("configs", 1), ("offsets", 5), ("status", 5)):
        eq(len(env.topics.partitions(f"{env.id}-{topic}")), partitions)
        eq(env.topics.config(f"{env.id}-{topic}")["cleanup.policy"], "compact")


def murmur2(data):
    """Kafka's hash of a key, from the published algorithm."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(data)) & mask
    for i in range(0, len(data) - len(data) % 4, 4):
        k = int.from_bytes(data[i:i + 4], "little") * m & mask
        k = (k ^ k >> 24) * m & mask
        h = (h * m & mask) ^ k
    tail = data[len(data) - len(data) % 4:]
    for i in reversed(range(len(tail))):
        h ^= tail[i] << 8 * i
    if tail:
        h = h * m & mask
    h = (h ^ h >> 13) * m & mask
    return h ^ h >> 15


@requires("kafka")
def test_a_clean_restart_goes_on_where_it_stopped(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    rest.put_config(name, source(env))
    rest.wait_running(name)
    wait_sent(env, 3)
    assert worker.stop(), "the worker leaves within its grace period"
    eq(states(env, worker, f"status-connector-{name}")[-1], "UNASSIGNED")
    eq(states(env, worker, f"status-task-{name}-0")[-1], "UNASSIGNED")
    add_lines(env, "four")
    worker.start()
    rest.wait_running(name)
    wait_sent(env, 4)
    eq(sent(env), ["one", "two", "three", "four"], "nothing twice, nothing missing")
    eq([k for k, _ in records(env, "configs")].count(f"task-{name}-0"), 1, "an unchanged connector writes no task configs again")


@requires("kafka")
def test_a_killed_worker_comes_back_with_its_connectors(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    rest.put_config(name, source(env))
    rest.put_config(f"{name}-paused", {**source(env), "topic": f"{env.id}-other"})
    rest.wait_running(name)
    rest.pause(f"{name}-paused")
    rest.wait_state(f"{name}-paused", "PAUSED")
    wait_offset(env, worker, 14 + 14)
    worker.kill()
    add_lines(env, "four")
    worker.start()
    rest.wait_running(name)
    rest.wait_state(f"{name}-paused", "PAUSED")
    wait_sent(env, 7)
    eq(sent(env)[-1], "four")


@requires("kafka")
def test_changing_tasks_max_restarts_and_removes_old_statuses(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    env.topics.create(f"{env.id}-in", partitions=3)
    config = {"connector.class": "FileStreamSink", "tasks.max": "3", "topics": f"{env.id}-in", "file": os.path.join(env.dir, "out.txt")}
    rest.put_config(name, config)
    rest.wait_running(name, tasks=3)
    rest.put_config(name, {**config, "tasks.max": "1"})
    rest.wait_running(name, tasks=1)
    eq(rest.call("GET", f"/connectors/{name}").expect(200)["tasks"], [{"connector": name, "task": 0}])
    eq(states(env, worker, f"status-task-{name}-2")[-1], None)


@requires("kafka")
def test_secrets_reach_the_task_but_no_topic(env):
    secrets = os.path.join(env.dir, "secrets.properties")
    env.lines = os.path.join(env.dir, "s3cret.txt")
    with open(secrets, "w", encoding="utf-8") as f:
        f.write(f"path={env.lines}\n")
    worker = start(env, {"config.providers": "file",
                         "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider"})
    name, rest = env.id, worker.rest
    reference = f"${{file:{secrets}:path}}"
    add_lines(env, "one")
    rest.put_config(name, {"connector.class": "FileStreamSource", "file": reference, "topic": f"{env.id}-lines"})
    rest.wait_running(name)
    wait_sent(env, 1)
    eq(rest.config(name)["file"], reference)
    eq(rest.tasks(name)[0]["config"]["file"], reference)
    for _, value in records(env, "configs") + records(env, "status"):
        assert "s3cret" not in (value or ""), value


@requires("kafka")
def test_a_failed_task_stays_failed_until_it_is_restarted(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    config = source(env, **{"key.converter": "org.example.NoSuchConverter"})
    answer = rest.call("PUT", f"/connectors/{name}/config", config)
    eq(answer.status, 400, "an unknown converter is refused")
    broken = os.path.join(env.dir, "folder")
    os.makedirs(broken)
    rest.put_config(name, {"connector.class": "FileStreamSink", "topics": f"{env.id}-in", "file": broken})
    failed = rest.wait_task_state(name, "FAILED")
    trace = failed["tasks"][0]["trace"]
    assert re.match(r"[a-zA-Z.]+(Exception|Error): .*\n\tat ", trace), trace
    eq(failed["connector"]["state"], "RUNNING")
    os.rmdir(broken)
    rest.call("POST", f"/connectors/{name}/restart?includeTasks=true&onlyFailed=true").expect(202)
    rest.wait_task_state(name, "RUNNING")
    eq(states(env, worker, f"status-task-{name}-0"), ["FAILED", "RESTARTING", "RUNNING"])
    eq(states(env, worker, f"status-connector-{name}"), ["RUNNING"], "the connector itself was left alone")


@requires("kafka")
def test_topics_with_the_wrong_shape_are_refused(env):
    env.topics.create(f"{env.id}-configs", partitions=4, config={"cleanup.policy": "compact"})
    worker = start(env, start=False)
    eq(worker.run_to_end(), 1)
    assert ("is required to have a single partition in order to guarantee consistency of connector configurations, but found 4 "
            "partitions.") in worker.log()
    env.topics.create(f"{env.id}-deleting", config={"cleanup.policy": "delete"})
    worker = start(env, {"status.storage.topic": f"{env.id}-deleting", "config.storage.topic": f"{env.id}-good"}, start=False)
    eq(worker.run_to_end(), 1)
    assert "but found the topic currently has 'cleanup.policy=delete'." in worker.log(), worker.log_tail()


@requires("kafka")
def test_bad_settings_end_the_worker_with_the_reason(env):
    worker = start(env, {"group.id": None}, start=False)
    eq(worker.run_to_end(), 2)
    assert 'Missing required configuration "group.id" which has no default value.' in worker.log()
    worker = start(env, {"offset.storage.partitions": "0"}, start=False)
    eq(worker.run_to_end(), 2)
    assert "Number of partitions must be positive, or -1 to use the broker's default" in worker.log()


@requires("kafka")
def test_standalone_with_a_connector_file(env):
    offsets = os.path.join(env.dir, "connect.offsets")
    files = []
    for kind in ("json", "properties"):
        config = source(env)
        path = os.path.join(env.dir, f"connector.{kind}")
        with open(path, "w", encoding="utf-8") as f:
            if kind == "json":
                json.dump({"name": f"{env.id}-json", "config": config}, f)
            else:
                f.write("".join(f"{k}={v}\n" for k, v in {**config, "name": f"{env.id}-properties"}.items()))
        files.append(path)
    removed = {f"{t}.storage.{k}": None for t in ("config", "offset", "status") for k in ("topic", "replication.factor", "partitions")}
    worker = start(env, {**removed, "group.id": None, "offset.storage.file.filename": offsets, "offset.flush.interval.ms": 200},
                   mode="standalone", arguments=files)
    rest = worker.rest
    for name in (f"{env.id}-json", f"{env.id}-properties"):
        rest.wait_running(name)
    wait_sent(env, 12)
    wait_until(lambda: os.path.exists(offsets) and b'"position":28' in open(offsets, "rb").read(), 20, "the offsets to be in the file")
    assert worker.stop()
    with open(offsets, "rb") as f:
        stored = f.read()
    assert stored.startswith(b"\xac\xed\x00\x05sr\x00\x11java.util.HashMap"), stored[:40]
    add_lines(env, "last")
    worker.start()
    wait_sent(env, 14)
    eq(sent(env).count("last"), 2, "one from each connector")
    eq(len(sent(env)), 14, "nothing twice")


@requires("kafka")
def test_a_broker_restart_is_survived(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    rest.put_config(name, source(env))
    rest.wait_running(name)
    wait_sent(env, 3)
    env.kafka.kill()
    eq(rest.status(name)["connector"]["state"], "RUNNING", "reads answer from memory")
    add_lines(env, "four")
    env.kafka.start()
    wait_sent(env, 4)
    rest.pause(name)
    rest.wait_state(name, "PAUSED")
    rest.resume(name)
    rest.wait_running(name)
    eq(sorted(set(sent(env))), ["four", "one", "three", "two"])


@requires("kafka")
def test_a_worker_ends_quickly_while_kafka_is_away(env):
    worker = start(env)
    name, rest = env.id, worker.rest
    rest.put_config(name, source(env))
    rest.wait_running(name)
    wait_sent(env, 3)
    env.kafka.kill()
    env.defer(env.kafka.start)
    assert worker.stop(grace=25), "the worker leaves although nothing can be written"


@requires("kafka")
def test_offsets_of_a_sink_are_those_of_its_group(env):
    worker = start(env)
    name, rest, topic = env.id, worker.rest, f"{env.id}-in"
    env.topics.create(topic, partitions=2)
    env.topics.produce(topic, [("k", "a"), ("k", "b"), ("k", "c")])
    rest.put_config(name, {"connector.class": "FileStreamSink", "topics": topic, "file": os.path.join(env.dir, "out.txt")})
    rest.wait_running(name)

    def offsets():
        found = rest.call("GET", f"/connectors/{name}/offsets").expect(200)["offsets"]
        return [o for o in found if o["offset"]["kafka_offset"] > 0]

    wait_until(lambda: [o["offset"] for o in offsets()] == [{"kafka_offset": 3}], 30, "three records to be committed")
    eq(offsets()[0]["partition"]["kafka_topic"], topic)


@requires("kafka")
def test_own_plugins_are_found_without_a_plugin_path(env):
    """Existing property files name folders of jars, or nothing: both must do."""
    jars = os.path.join(env.dir, "jars")
    os.makedirs(jars)
    open(os.path.join(jars, "debezium-connector-sqlserver-2.4.2.Final.jar"), "wb").close()
    for path in (None, jars):
        worker = env.worker({"plugin.path": path})
        classes = {p["class"] for p in worker.rest.call("GET", "/connector-plugins").expect(200)}
        assert {"io.debezium.connector.sqlserver.SqlServerConnector", "io.confluent.connect.jdbc.JdbcSinkConnector"} <= classes, classes
        worker.stop()
    assert "Skipping 1 Java archive(s)" in worker.log(), "the log says what was skipped"
