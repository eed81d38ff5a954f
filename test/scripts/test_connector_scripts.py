"""deploy-connector.sh, scale-connector.sh and pause-resume.sh on Kafka's own worker, on connectd and, for rare answers, on a fake."""

import json
import os
import socket

from harness import contains, eq
from localstack.clients.rest import Rest
from scripts import FakeConnect, expect, run

WORKER = "127.0.0.1:8083"


def on_each_worker(test):
    """Makes two tests of test(env, rest): one on Kafka's own worker, one on connectd."""

    def on_jvm(env):
        rest = Rest("127.0.0.1", env.stack["connect-jvm"].port)
        env.defer(lambda: [rest.delete(n) for n in rest.connectors()])
        test(env, rest)

    def on_connectd(env):
        test(env, env.worker().rest)

    on_jvm.required, on_connectd.required = ("kafka", "connect-jvm"), ("kafka",)
    for function in (on_jvm, on_connectd):
        function.__module__ = test.__module__
        test.__globals__[f"{test.__name__}_{function.__name__}"] = function


def file_source(env, name="file-source", **more):
    """A document as users keep it: a FileStream source that always has something to do."""
    data = os.path.join(env.dir, "input.txt")
    with open(data, "w", encoding="ascii") as f:
        f.write("one\ntwo\n")
    return {
        "_comment": "members like this one are for people", "_comment_end": "----", "name": name,
        "config": {"connector.class": "FileStreamSource", "tasks.max": "1", "file": data, "topic": env.id, **more},
    }


def write(env, document, name="connector.json"):
    path = os.path.join(env.dir, name)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(document, f)
    return path


def nobody_listens():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{s.getsockname()[1]}"


# --- deploy-connector.sh

@on_each_worker
def test_deploy_creates_updates_and_deletes(env, rest):
    path = write(env, file_source(env))
    expect(run("deploy-connector", "--url", rest.url, path), 0, "Connector file-source is RUNNING", "creating")
    expect(run("deploy-connector", path, "-u", rest.url + "/"), 0, "Connector file-source is RUNNING", "updating")
    shown = expect(run("deploy-connector", "--status", path, f"--url={rest.url}"), 0)
    eq(json.loads(shown.stdout)["connector"]["state"], "RUNNING", "state in a status that is pure JSON")
    expect(run("deploy-connector", "--delete", path, env={"KAFKA_CONNECT_URL": rest.url}), 0, "deleted")
    expect(run("deploy-connector", "--delete", path, "--url", rest.url), 0, "does not exist")
    expect(run("deploy-connector", "--status", path, "--url", rest.url), 1)
    eq(rest.connectors(), [], "connectors")


@on_each_worker
def test_deploy_accepts_a_bare_configuration_with_a_name(env, rest):
    document = file_source(env, "bare")
    path = write(env, {"_comment": "x", "name": "bare", **document["config"]})
    expect(run("deploy-connector", "--config", path, "--connect-url", rest.url), 0, "Connector bare is RUNNING")
    eq(rest.config("bare"), {"name": "bare", **document["config"]}, "stored configuration")


@on_each_worker
def test_deploy_names_are_encoded_in_urls(env, rest):
    name = "a name/with ü%"
    path = write(env, file_source(env, name))
    expect(run("deploy-connector", "--url", rest.url, path), 0, f"Connector {name} is RUNNING")
    expect(run("deploy-connector", "--url", rest.url, path), 0, "updating")
    eq(rest.connectors(), [name], "connectors")


@on_each_worker
def test_deploy_reports_a_failed_task(env, rest):
    document = {"name": "broken", "config": {
        "connector.class": "FileStreamSink", "tasks.max": "1", "topics": env.id, "file": os.path.join(env.dir, "absent", "out.txt"),
    }}
    expect(run("deploy-connector", "--url", rest.url, write(env, document)), 1, "task 0: ", "not all of it runs")


@on_each_worker
def test_deploy_shows_why_a_configuration_is_refused(env, rest):
    document = {"name": "refused", "config": {"connector.class": "no.such.Class"}}
    expect(run("deploy-connector", "--url", rest.url, write(env, document)), 1, "Failed to find any class", "HTTP 500")


def test_deploy_both_forms_send_the_same(env):
    status = {"name": "c", "connector": {"state": "RUNNING", "worker_id": WORKER}, "tasks": [{"id": 0, "state": "RUNNING", "worker_id": WORKER}], "type": "source"}
    path = write(env, {"_comment": "x", "name": "c", "config": {"connector.class": "X", "tasks.max": 2, "_keep": "y"}})
    seen = []
    for form in (["--url", None, path], ["--config", path, "--connect-url", None], ["--connect-url", None, "--connector", "c"]):
        fake = FakeConnect({
            ("GET", "/"): (200, {"version": "3.9.1"}), ("POST", "/connectors"): (201, {"name": "c"}), ("GET", "/connectors/c/status"): (200, status),
        })
        env.defer(fake.close)
        arguments = [fake.url if a is None else a for a in form]
        expect(run("deploy-connector", *arguments, env={"CONNECTOR_CONFIG_DIRS": env.dir}), 0, "Connector c is RUNNING")
        seen.append(fake.requests)
    eq(seen[1], seen[0], "requests of the documented form")
    eq(seen[2], seen[0], "requests of the form with a name")
    eq([r for r in seen[0] if r[0] == "POST"], [("POST", "/connectors", {"name": "c", "config": {"connector.class": "X", "tasks.max": 2, "_keep": "y"}})])


def test_deploy_waits_out_a_rebalance_but_not_a_taken_name(env):
    status = {"name": "c", "connector": {"state": "RUNNING", "worker_id": WORKER}, "tasks": [{"id": 0, "state": "RUNNING", "worker_id": WORKER}]}
    rebalance = (409, {"error_code": 409, "message": "Cannot complete request because of a conflicting operation (e.g. worker rebalance)"})
    fake = FakeConnect({
        ("GET", "/"): (200, {}), ("GET", "/connectors/c/status"): (200, status),
        ("POST", "/connectors"): [rebalance, rebalance, (201, {"name": "c"})],
    })
    env.defer(fake.close)
    path = write(env, {"name": "c", "config": {"connector.class": "X"}})
    expect(run("deploy-connector", "--url", fake.url, path), 0)
    eq(len(fake.changes()), 3, "attempts")
    fake.answers["POST", "/connectors"] = (409, {"error_code": 409, "message": "Connector c already exists"})
    expect(run("deploy-connector", "--url", fake.url, path), 1, "already exists")
    eq(len(fake.changes()), 4, "attempts")


def test_deploy_wrong_calls(env):
    expect(run("deploy-connector"), 1, "no configuration file given", "Usage:")
    expect(run("deploy-connector", os.path.join(env.dir, "absent.json")), 1, "not found")
    expect(run("deploy-connector", "--frobnicate", "x"), 1, "unknown option --frobnicate", "Usage:")
    expect(run("deploy-connector", "--url"), 1, "needs a value")
    expect(run("deploy-connector", "-h"), 0, "Usage:")
    expect(run("deploy-connector", write(env, {"config": {}})), 1, "no \"name\"")
    expect(run("deploy-connector", "--connector", "nobody", env={"CONNECTOR_CONFIG_DIRS": env.dir}), 1, "no file below")


# --- scale-connector.sh

@on_each_worker
def test_scale_changes_the_number_of_tasks(env, rest):
    rest.put_config("sink", {"connector.class": "FileStreamSink", "tasks.max": "1", "topics": env.id, "file": os.path.join(env.dir, "out.txt")})
    rest.wait_running("sink")
    expect(run("scale-connector", "--url", rest.url, "sink", "3"), 0, "runs with 3 task(s)", "Task 2: RUNNING")
    eq(rest.config("sink")["tasks.max"], "3", "tasks.max as text")
    expect(run("scale-connector", "--connector", "sink", "--tasks", "2", f"--connect-url={rest.url}"), 0, "runs with 2 task(s)")
    eq(len(rest.tasks("sink")), 2, "tasks")


@on_each_worker
def test_scale_reports_a_connector_with_less_work(env, rest):
    rest.deploy(file_source(env))
    rest.wait_running("file-source")
    expect(run("scale-connector", "--url", rest.url, "file-source", "4"), 0, "has work for 1 task(s)")


@on_each_worker
def test_scale_unknown_connector_lists_the_others(env, rest):
    rest.deploy(file_source(env))
    expect(run("scale-connector", "--url", rest.url, "nobody", "2"), 2, "does not exist", "  file-source")


def test_scale_checks_the_number(env):
    for number in ("x", "-1", "1.5", "+2", ""):
        expect(run("scale-connector", "--connector", "c", "--tasks", number), 1)
    for number in ("0", "51", "99999999999999999999"):
        expect(run("scale-connector", "c", number), 1, "tasks.max must be between 1 and 50")
    expect(run("scale-connector", "c", "x"), 1, "tasks.max must be a positive integer")
    expect(run("scale-connector", "c"), 1, "no number of tasks")


def test_scale_asks_before_more_than_one_task_for_sql_server(env):
    config = {"connector.class": "io.debezium.connector.sqlserver.SqlServerConnector", "tasks.max": "1"}
    status = {"name": "s", "connector": {"state": "RUNNING", "worker_id": WORKER}, "tasks": [{"id": 0, "state": "RUNNING", "worker_id": WORKER}]}
    fake = FakeConnect({
        ("GET", "/connectors/s/config"): (200, config), ("PUT", "/connectors/s/config"): (200, {"name": "s"}),
        ("GET", "/connectors/s/status"): (200, status),
    })
    env.defer(fake.close)
    for answer in ("no\n", "", "YES\n"):
        expect(run("scale-connector", "--url", fake.url, "s", "4", stdin=answer), 0, "nothing was changed")
    eq(fake.changes(), [], "requests that change something")
    expect(run("scale-connector", "--url", fake.url, "s", "4", stdin="yes\n"), 0, "runs 1")
    eq(fake.changes(), [("PUT", "/connectors/s/config", {**config, "tasks.max": "4"})])
    expect(run("scale-connector", "--url", fake.url, "s", "4", "--yes"), 0)


def test_scale_refusals(env):
    fake = FakeConnect({
        ("GET", "/connectors/s/config"): (200, {"connector.class": "X"}),
        ("PUT", "/connectors/s/config"): (400, {"error_code": 400, "message": "Connector configuration is invalid"}),
    })
    env.defer(fake.close)
    expect(run("scale-connector", "--url", fake.url, "s", "2"), 3, "Connector configuration is invalid")
    expect(run("scale-connector", "--url", nobody_listens(), "s", "2"), 3, "no Kafka Connect worker answers")


# --- pause-resume.sh

@on_each_worker
def test_pause_resume_and_restart(env, rest):
    rest.deploy(file_source(env))
    rest.wait_running("file-source")
    expect(run("pause-resume", "pause", "file-source", "--url", rest.url), 0, "is PAUSED")
    rest.wait_state("file-source", "PAUSED", limit=5)
    expect(run("pause-resume", "--connector", "file-source", "--action", "resume", "--connect-url", rest.url), 0, "is RUNNING")
    rest.wait_state("file-source", "RUNNING", limit=5)
    expect(run("pause-resume", "--url", rest.url, "restart", "file-source"), 0, "restarted", "State: ")
    rest.wait_running("file-source")
    shown = expect(run("pause-resume", "--url", rest.url, "status", "file-source"), 0).stdout.splitlines()
    worker = rest.status("file-source")["connector"]["worker_id"]
    eq(shown, ["Connector: file-source", "State: RUNNING", f"Worker: {worker}", "Tasks:", f"  Task 0: RUNNING (worker: {worker})"])


@on_each_worker
def test_pause_all_wants_a_yes(env, rest):
    for name in ("first", "second"):
        rest.deploy(file_source(env, name))
        rest.wait_running(name)
    expect(run("pause-resume", "--url", rest.url, "pause", "--all", stdin="no\n"), 0, "nothing was changed")
    eq(rest.status("first")["connector"]["state"], "RUNNING")
    expect(run("pause-resume", "--url", rest.url, "pause", "--all", stdin="yes\n"), 0, "first is PAUSED", "second is PAUSED")
    shown = expect(run("pause-resume", "--url", rest.url, "status", "--all"), 0)
    eq(shown.stdout.count("State: PAUSED"), 2, "connectors shown without a question")
    expect(run("pause-resume", "--url", rest.url, "resume", "--all", "-y"), 0)


@on_each_worker
def test_pause_unknown_connector_and_a_connector_called_pause(env, rest):
    for action in ("pause", "resume", "restart", "status"):
        expect(run("pause-resume", "--url", rest.url, action, "nobody"), 2)
    rest.deploy(file_source(env, "pause"))
    rest.wait_running("pause")
    expect(run("pause-resume", "--url", rest.url, "--connector", "pause", "pause"), 0, "Connector pause is PAUSED")


def test_pause_wrong_calls(env):
    expect(run("pause-resume"), 1, "no action given")
    expect(run("pause-resume", "pause"), 1, "no connector given")
    expect(run("pause-resume", "--action", "stop", "--connector", "c"), 1, "unknown action")
    expect(run("pause-resume", "pause", "c", "--all"), 1, "not both")
    expect(run("pause-resume", "pause", "c", "d"), 1, "too many arguments")
    for action in ("pause", "status"):
        expect(run("pause-resume", "--url", nobody_listens(), action, "c"), 3, "no Kafka Connect worker answers")


def test_a_slow_pause_is_a_warning(env):
    status = {"name": "c", "connector": {"state": "RUNNING", "worker_id": WORKER}, "tasks": []}
    fake = FakeConnect({("PUT", "/connectors/c/pause"): (202, None), ("GET", "/connectors/c/status"): (200, status)})
    env.defer(fake.close)
    done = expect(run("pause-resume", "--url", fake.url, "pause", "c", env={"CONNECT_PAUSE_SECONDS": "2"}), 0, "not PAUSED after 2 s", "State: RUNNING")
    contains(done.stdout, "[WARNING]")
