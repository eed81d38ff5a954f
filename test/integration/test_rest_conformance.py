"""The same REST calls to Apache Kafka's own Connect worker and to connectd: statuses, error texts and entities are compared.

What may differ is named in `normalise`: free text (documentation), addresses, and the plugins that are installed."""

import json
import re

from harness import requires, wait_until
from localstack.clients.rest import Rest

SOURCE = "org.apache.kafka.connect.file.FileStreamSourceConnector"
SINK = "org.apache.kafka.connect.file.FileStreamSinkConnector"
JSON = {"Content-Type": "application/json"}


def source(topic, **more):
    return {"connector.class": SOURCE, "tasks.max": "1", "file": "/nonexistent/in.txt", "topic": topic, **more}


def sink(**more):
    return {"connector.class": SINK, "tasks.max": "1", "file": "out.txt", **more}


def calls(topic):
    """(label, method, path, body, raw body, headers)"""
    yield "root", "GET", "/", None, None, None
    yield "no path", "GET", "/nothing", None, None, None
    yield "wrong method", "PATCH", "/connectors", None, None, JSON
    yield "empty list", "GET", "/connectors", None, None, None
    yield "trailing slash", "GET", "/connectors/", None, None, None
    yield "doubled slash", "GET", "/connectors//", None, None, None
    yield "unknown connector", "GET", "/connectors/none", None, None, None
    yield "unknown config", "GET", "/connectors/none/config", None, None, None
    yield "unknown status", "GET", "/connectors/none/status", None, None, None
    yield "unknown tasks", "GET", "/connectors/none/tasks", None, None, None
    yield "unknown task status", "GET", "/connectors/none/tasks/0/status", None, None, None
    yield "task is no number", "GET", "/connectors/none/tasks/x/status", None, None, None
    yield "unknown delete", "DELETE", "/connectors/none", None, None, None
    yield "unknown pause", "PUT", "/connectors/none/pause", None, None, None
    yield "unknown resume", "PUT", "/connectors/none/resume", None, None, None
    yield "unknown restart", "POST", "/connectors/none/restart", None, None, None
    yield "unknown restart with tasks", "POST", "/connectors/none/restart?includeTasks=true", None, None, None
    yield "unknown task restart", "POST", "/connectors/none/tasks/0/restart", None, None, None
    yield "unknown topics", "GET", "/connectors/none/topics", None, None, None
    yield "unknown offsets", "GET", "/connectors/none/offsets", None, None, None
    yield "form body", "POST", "/connectors/none/restart", None, b"", {"Content-Type": "application/x-www-form-urlencoded"}
    yield "body without type", "POST", "/connectors", None, b"{}", {}
    yield "accept only xml", "GET", "/connectors", None, None, {"Accept": "application/xml"}
    yield "create without name", "POST", "/connectors", {"config": source(topic)}, None, None
    yield "create with other name", "POST", "/connectors", {"name": "a", "config": source(topic, name="b")}, None, None
    yield "create without class", "POST", "/connectors", {"name": "a", "config": {}}, None, None
    yield "create with missing keys", "POST", "/connectors", {"name": "a", "config": {"connector.class": SOURCE, "tasks.max": "x"}}, None, None
    yield "sink without topics", "POST", "/connectors", {"name": "a", "config": sink()}, None, None
    yield "sink with both topics", "POST", "/connectors", {"name": "a", "config": sink(topics="x", **{"topics.regex": "y"})}, None, None
    yield "dlq in topics", "POST", "/connectors", {"name": "a", "config": sink(topics="x,d", **{"errors.deadletterqueue.topic.name": "d"})}, None, None
    yield "bad tolerance", "POST", "/connectors", {"name": "a", "config": source(topic, **{"errors.tolerance": "some"})}, None, None
    yield "null value", "POST", "/connectors", {"name": "a", "config": source(topic, **{"tasks.max": None})}, None, None
    yield "twice the same transform", "POST", "/connectors", {"name": "a", "config": source(topic, transforms="t,t")}, None, None
    yield "transform without type", "POST", "/connectors", {"name": "a", "config": source(topic, transforms="t")}, None, None
    yield "bad initial state", "PUT", "/connectors/a/config", {"connector.class": SINK, "topics": "x", "name": "b"}, None, None
    yield "validate", "PUT", "/connector-plugins/FileStreamSource/config/validate", source(topic, name="v"), None, None
    yield "validate with errors", "PUT", f"/connector-plugins/{SOURCE}/config/validate", {"connector.class": SOURCE, "tasks.max": "0"}, None, None
    yield "validate sink, transform", "PUT", f"/connector-plugins/{SINK}/config/validate", sink(
        name="v", topics="x", transforms="r", **{"transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter", "transforms.r.regex": "a"}
    ), None, None
    yield "validate other class", "PUT", f"/connector-plugins/{SINK}/config/validate", source(topic, name="v"), None, None
    yield "validate unknown plugin's config", "GET", "/connector-plugins/Nothing/config", None, None, None
    yield "create", "POST", "/connectors", {"name": "a b", "config": source(topic, **{"batch.size": 10})}, None, None
    yield "create again", "POST", "/connectors", {"name": "a b", "config": source(topic)}, None, None
    yield "wait", "WAIT", "/connectors/a%20b/status", None, None, None
    yield "list", "GET", "/connectors", None, None, None
    yield "expanded", "GET", "/connectors?expand=status&expand=info", None, None, None
    yield "unknown expansion", "GET", "/connectors?expand=x", None, None, None
    yield "info", "GET", "/connectors/a%20b", None, None, None
    yield "config", "GET", "/connectors/a%20b/config", None, None, None
    yield "status", "GET", "/connectors/a%20b/status", None, None, None
    yield "tasks", "GET", "/connectors/a%20b/tasks", None, None, None
    yield "task status", "GET", "/connectors/a%20b/tasks/0/status", None, None, None
    yield "unknown task of it", "GET", "/connectors/a%20b/tasks/7/status", None, None, None
    yield "task restart", "POST", "/connectors/a%20b/tasks/0/restart", None, None, None
    yield "unknown task restart", "POST", "/connectors/a%20b/tasks/9/restart", None, None, None
    yield "restart", "POST", "/connectors/a%20b/restart", None, None, None
    yield "wait", "WAIT", "/connectors/a%20b/status", None, None, None
    yield "topics", "GET", "/connectors/a%20b/topics", None, None, None
    yield "offsets", "GET", "/connectors/a%20b/offsets", None, None, None
    yield "pause", "PUT", "/connectors/a%20b/pause", None, None, None
    yield "resume", "PUT", "/connectors/a%20b/resume", None, None, None
    yield "put config", "PUT", "/connectors/a%20b/config", source(topic, **{"batch.size": "20"}), None, None
    yield "wait", "WAIT", "/connectors/a%20b/status", None, None, None
    yield "head", "HEAD", "/connectors/a%20b", None, None, None
    yield "delete", "DELETE", "/connectors/a%20b", None, None, None
    yield "list after", "GET", "/connectors", None, None, None


def normalise(value):
    """Free text and addresses go; what is left must be equal."""
    if isinstance(value, dict):
        if {"name", "type", "required", "documentation"} <= value.keys():
            value = {**value, "documentation": "…"}
        if "recommended_values" in value:
            value = {**value, "recommended_values": sorted(set(value["recommended_values"]) & {"org.apache.kafka.connect.transforms.RegexRouter"})}
        return {k: normalise(v) for k, v in value.items() if k != "trace"}
    if isinstance(value, list):
        return [normalise(v) for v in value]
    if isinstance(value, str):
        return re.sub(r"127\.0\.0\.1:\d+", "HOST:PORT", value)
    return value


# Texts of the JVM's parsers and of its null pointer errors: the status is the contract (01 §2.4).
FREE_MESSAGE = {"create without class"}


def answer_of(label, response):
    body = None
    if response.raw:
        try:
            body = normalise(response.json)
        except ValueError:
            body = response.text
    if label in FREE_MESSAGE and isinstance(body, dict):
        body.pop("message", None)
    location = response.headers.get("Location")
    return {"status": response.status, "body": body, "location": location and re.sub(r"//[^/]+/", "//HOST/", location)}


def run(rest, topic):
    answers = []
    for label, method, path, body, raw, headers in calls(topic):
        if method == "WAIT":
            rest_status = lambda: (r := rest.call("GET", path)).status == 200 and (s := r.json) and s["tasks"] and all(
                x["state"] == "RUNNING" for x in [s["connector"], *s["tasks"]])
            wait_until(rest_status, 60, "the connector to run")
            continue
        # A group may be rebalancing after the step before: 409 is its passing answer, not the one that is compared.
        last = {}

        def settled():
            last["r"] = rest.call(method, path, body, headers, raw)
            return last["r"].status != 409 or "already exists" in last["r"].text

        wait_until(settled, 60, f"{label} to be answered")
        answers.append((label, answer_of(label, last["r"])))
    return answers


@requires("kafka")
def test_rest_answers_are_those_of_the_jvm_worker(env):
    env.stack.start("connect-jvm")
    env.defer(env.stack["connect-jvm"].stop)
    env.topics.create(env.id)
    jvm = env.stack["connect-jvm"]
    worker = env.worker()
    theirs = run(Rest("127.0.0.1", jvm.port), env.id)
    ours = run(worker.rest, env.id)
    differences = []
    for (label, want), (_, got) in zip(theirs, ours):
        if want != got:
            differences.append(f"{label}:\n  JVM      {json.dumps(want)[:3000]}\n  connectd {json.dumps(got)[:3000]}")
    assert not differences, f"{len(differences)} of {len(theirs)} answers differ:\n" + "\n".join(differences)
