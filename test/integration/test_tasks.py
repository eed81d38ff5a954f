"""Tasks from the outside, over file connectors: nothing is lost, errors are where users look for them, stops are bounded."""

import json
import os

from harness import contains, eq, requires, skip, timeout, wait_until
from localstack import paths

STRING = "org.apache.kafka.connect.storage.StringConverter"
JSON = "org.apache.kafka.connect.json.JsonConverter"


def start(env, **properties):
    return env.worker({"key.converter": STRING, "value.converter": STRING, "offset.flush.interval.ms": "500",
                       **{k.replace("_", "."): v for k, v in properties.items()}})


def source(env, **more):
    return {"connector.class": "FileStreamSource", "tasks.max": "1", "file": os.path.join(env.dir, "in.txt"), "topic": f"{env.id}-lines",
            **more}


def sink(env, **more):
    return {"connector.class": "FileStreamSink", "tasks.max": "1", "file": os.path.join(env.dir, "out.txt"), "topics": f"{env.id}-lines",
            **more}


def append(env, first, count):
    with open(os.path.join(env.dir, "in.txt"), "a", encoding="utf-8") as f:
        f.writelines(f"line {i}\n" for i in range(first, first + count))


def written(env):
    try:
        with open(os.path.join(env.dir, "out.txt"), encoding="utf-8") as f:
            return f.read().splitlines()
    except FileNotFoundError:
        return []


def lines(count):
    return [f"line {i}" for i in range(count)]


@requires("kafka")
@timeout(120)
def test_kill9_of_the_worker_loses_nothing(env):
    worker = start(env, consumer_session_timeout_ms="6000")
    append(env, 0, 100000)
    worker.rest.put_config(f"{env.id}-in", source(env))
    worker.rest.put_config(f"{env.id}-out", sink(env))
    wait_until(lambda: len(written(env)) > 1000, 60, "the first lines to arrive")
    worker.kill()
    append(env, 100000, 100000)
    worker.start()
    wait_until(lambda: "line 199999" in written(env)[-1:], 90, "the last line to arrive")
    got = set(written(env))
    eq(sorted(set(lines(200000)) - got), [], "lines that did not arrive")
    torn = got - set(lines(200000))
    assert len(torn) <= 1, f"a kill may cut one line short, the one being written: {sorted(torn)[:5]}"


@requires("kafka")
@timeout(120)
def test_kafka_away_in_mid_stream(env):
    worker = start(env)
    append(env, 0, 1000)
    worker.rest.put_config(f"{env.id}-in", source(env))
    worker.rest.put_config(f"{env.id}-out", sink(env))
    wait_until(lambda: len(written(env)) == 1000, 60, "the first lines to arrive")
    env.kafka.kill()
    append(env, 1000, 5000)
    env.kafka.start()
    wait_until(lambda: set(lines(6000)) <= set(written(env)), 90, "all lines to arrive")
    worker.rest.wait_running(f"{env.id}-in")
    worker.rest.wait_running(f"{env.id}-out")


@requires("kafka")
@timeout(60)
def test_an_idle_pipeline_delivers_a_new_line_at_once(env):
    worker = start(env)
    append(env, 0, 1)
    worker.rest.put_config(f"{env.id}-in", source(env))
    worker.rest.put_config(f"{env.id}-out", sink(env))
    wait_until(lambda: len(written(env)) == 1, 60, "the first line to arrive")
    for i in range(1, 6):
        append(env, i, 1)
        wait_until(lambda: len(written(env)) == i + 1, 1, "a single line within a second")


@requires("kafka")
@timeout(60)
def test_topics_are_created_by_the_first_group_that_fits(env):
    worker = start(env)
    append(env, 0, 1)
    worker.rest.put_config(f"{env.id}-in", source(env, **{
        "topic.creation.groups": "lines", "topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "2",
        "topic.creation.lines.include": ".*-lines", "topic.creation.lines.partitions": "7", "topic.creation.lines.cleanup.policy": "compact"}))
    wait_until(lambda: env.topics.exists(f"{env.id}-lines"), 30, "the topic to be created")
    eq(len(env.topics.partitions(f"{env.id}-lines")), 7, "partitions of the group")
    eq(env.topics.config(f"{env.id}-lines")["cleanup.policy"], "compact", "settings of the group")


@requires("kafka")
@timeout(90)
def test_unreadable_records_go_to_a_queue_that_is_created(env):
    worker = start(env, value_converter=JSON)
    topic, dlq = f"{env.id}-lines", f"{env.id}-dlq"
    env.topics.create(topic)
    env.topics.produce(topic, [("k1", '{"schema":null,"payload":"good"}'), ("k2", "{not json", [("h", b"v")]),
                               ("k3", '{"schema":null,"payload":"also good"}')])
    config = sink(env, **{"errors.tolerance": "all", "errors.deadletterqueue.topic.name": dlq,
                          "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
                          "errors.log.enable": "true", "errors.log.include.messages": "true"})
    worker.rest.put_config(env.id, config)
    wait_until(lambda: written(env) == ["good", "also good"], 60, "the good records to be written")
    (letter,) = env.topics.read(dlq, count=1)
    eq((letter.raw_key, letter.raw_value), (b"k2", b"{not json"), "the record as it was")
    headers = letter.headers
    eq(letter.header_list[0], ("h", b"v"), "its own headers come first")
    eq([headers[f"__connect.errors.{k}"] for k in ("topic", "partition", "offset", "connector.name", "task.id", "stage", "class.name")],
       [topic.encode(), b"0", b"1", env.id.encode(), b"0", b"VALUE_CONVERTER", JSON.encode()], "where it failed")
    contains(headers["__connect.errors.exception.stacktrace"].decode(), "\n\tat ", "the trace")
    wait_until(lambda: env.topics.committed(f"connect-{env.id}", topic) == {0: 3}, 30, "the offset to move past it")
    contains(worker.log(), f"Error encountered in task {env.id}-0. Executing stage 'VALUE_CONVERTER' with class '{JSON}', where "
             f"consumed record is {{topic='{topic}', partition=0, offset=1, timestamp=", "the log")


@requires("kafka")
@timeout(90)
def test_without_tolerance_the_task_fails_with_the_jvm_words(env):
    worker = start(env, value_converter=JSON)
    env.topics.create(f"{env.id}-lines")
    env.topics.produce(f"{env.id}-lines", [("k", "{not json")])
    worker.rest.put_config(env.id, sink(env))
    worker.rest.wait_task_state(env.id, "FAILED")
    trace = worker.rest.status(env.id)["tasks"][0]["trace"]
    eq(trace.splitlines()[0], "org.apache.kafka.connect.errors.ConnectException: Tolerance exceeded in error handler", "first line")
    contains(trace, "\nCaused by: org.apache.kafka.connect.errors.DataException: ", "the cause")


@requires("kafka")
@timeout(90)
def test_a_full_disk_fails_nothing_that_can_wait(env):
    """/dev/full is no regular file: there is nothing to cut off and to wait for, so the error must reach the user."""
    worker = start(env)
    env.topics.create(f"{env.id}-lines")
    env.topics.produce(f"{env.id}-lines", [("k", "x")])
    worker.rest.put_config(env.id, sink(env, file="/dev/full"))
    worker.rest.wait_task_state(env.id, "FAILED")
    trace = worker.rest.status(env.id)["tasks"][0]["trace"]
    eq(trace.splitlines()[0], "org.apache.kafka.connect.errors.ConnectException: Exiting WorkerSinkTask due to unrecoverable exception.", "trace")
    contains(trace, "Could not write to file '/dev/full': No space left on device", "the cause")


@requires("kafka")
@timeout(120)
def test_several_tasks_share_the_partitions_and_take_over(env):
    worker = start(env)
    topic = f"{env.id}-lines"
    env.topics.create(topic, partitions=6)
    worker.rest.put_config(env.id, sink(env, **{"tasks.max": "3"}))
    worker.rest.wait_running(env.id, tasks=3)
    for partition in range(6):
        env.topics.produce(topic, [(None, f"a{partition}-{i}") for i in range(50)], partition=partition)
    wait_until(lambda: len(written(env)) == 300, 60, "all partitions to be read")
    worker.rest.put_config(env.id, sink(env, **{"tasks.max": "1"}))
    worker.rest.wait_status(env.id, lambda s: len(s["tasks"]) == 1 and s["tasks"][0]["state"] == "RUNNING", 60, "one task")
    for partition in range(6):
        env.topics.produce(topic, [(None, f"b{partition}-{i}") for i in range(50)], partition=partition)
    wait_until(lambda: len(written(env)) >= 600, 60, "one task to read all partitions")
    eq(len(set(written(env))), 600, "every record")
    eq(len(written(env)), 600, "each once: a clean hand-over repeats nothing")


@requires("kafka")
@timeout(60)
def test_pause_keeps_the_group_and_resume_goes_on(env):
    worker = start(env)
    topic = f"{env.id}-lines"
    env.topics.create(topic)
    env.topics.produce(topic, [(None, "1")])
    worker.rest.put_config(env.id, sink(env))
    wait_until(lambda: written(env) == ["1"], 30, "the first record")
    worker.rest.pause(env.id)
    worker.rest.wait_task_state(env.id, "PAUSED")
    wait_until(lambda: env.topics.committed(f"connect-{env.id}", topic) == {0: 1}, 30, "the pause to commit")
    env.topics.produce(topic, [(None, "2")])
    eq(written(env), ["1"], "nothing is written while paused")
    worker.rest.resume(env.id)
    wait_until(lambda: written(env) == ["1", "2"], 30, "the record that waited")


@requires("kafka")
@timeout(60)
def test_a_task_that_does_not_stop_is_left_behind(env):
    modules = paths.build_path("test/plugins")
    if not os.path.isdir(modules):
        skip("needs the modules of test/plugins: make integration")
    worker = start(env, plugin_path=modules, task_shutdown_graceful_timeout_ms="500")
    worker.rest.put_config(env.id, {"connector.class": "SlowStop", "tasks.max": "1", "ignore.stop.ms": "20000"})
    worker.rest.wait_running(env.id)
    worker.rest.call("POST", f"/connectors/{env.id}/tasks/0/restart").expect(204)
    worker.rest.wait_running(env.id)
    contains(worker.log(), f"Graceful stop of task {env.id}-0 failed.", "the log says what was left behind")
    classes = [p["class"] for p in json.loads(worker.rest.call("GET", "/connector-plugins").text)]
    assert "test.ShortSizeConnector" not in classes, "refused modules are not listed"

