"""configs/connectors/documented-*.json: the printed form of the configurations is read as the JVM worker reads it."""

import json
import os

from harness import eq, requires, timeout
from pipeline import ROOT, SERVICES, worker_properties


def documented(name):
    with open(os.path.join(ROOT, "configs", "connectors", f"documented-{name}.json"), encoding="utf-8") as f:
        return json.load(f)


def local(env, config):
    """The same configuration with the addresses of this run: ports in it are those of the users' network."""
    sql, pg = env.sqlserver.env(), env.postgres.env()
    changed = dict(config)
    if "database.port" in changed:
        changed["database.hostname"], changed["database.port"] = sql["SQLSERVER_HOST"], str(sql["SQLSERVER_PORT"])
    if "connection.url" in changed:
        changed["connection.url"] = f"jdbc:postgresql://{pg['POSTGRES_HOST']}:{pg['POSTGRES_PORT']}/{env.pg.database}"
    return changed


@requires(*SERVICES)
@timeout(120)
def test_the_documented_source_lacks_its_topic_prefix(env):
    rest = env.worker(worker_properties(env)).rest
    document = documented("sqlserver-source")
    answer = rest.call("POST", "/connectors", {"name": document["name"], "config": local(env, document["config"])})
    eq(answer.status, 400, "status")
    eq(answer.json["message"], (
        "Connector configuration is invalid and contains the following 1 error(s):\n"
        "The 'topic.prefix' value is invalid: A value is required\n"
        "You can also find the above list of errors at the endpoint `/connector-plugins/{connectorType}/config/validate`"), "message")
    eq(rest.connectors(), [], "nothing was created")


@requires(*SERVICES)
@timeout(120)
def test_without_history_settings_the_documented_source_fails_at_start(env):
    rest = env.worker(worker_properties(env)).rest
    document = documented("sqlserver-source")
    config = {**local(env, document["config"]), "topic.prefix": env.id.replace("_", ""), "database.encrypt": "false"}
    rest.create(env.id, config)  # the secrets in path#key form were resolved: the connection test passed
    trace = next(t["trace"] for t in rest.wait_task_state(env.id, "FAILED")["tasks"])
    assert "schema.history.internal.kafka" in trace or "Error configuring" in trace, trace
    eq(rest.config(env.id)["database.password"], "${vault:secret/db#sqlserver_password}", "the stored reference")


@requires(*SERVICES)
@timeout(120)
def test_the_documented_sink_runs_with_numbers_and_booleans(env):
    for topic in ("sqlserver.dbo.customers", "sqlserver.dbo.orders"):
        if not env.topics.exists(topic):
            env.topics.create(topic)
    rest = env.worker(worker_properties(env)).rest
    document = documented("postgresql-sink")
    name = f"{env.id}-sink"
    info = rest.create(name, {**local(env, document["config"]), "errors.deadletterqueue.topic.replication.factor": 1})
    eq(info["config"]["batch.size"], "3000", "a JSON number becomes its text")
    rest.wait_running(name)
    eq(rest.config(name)["connection.password"], "${vault:secret/db#postgres_password}", "the stored reference")
