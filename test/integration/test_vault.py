"""Secrets from Vault in connector configurations."""

import os

from harness import contains, eq, requires, wait_until


def deploy(env, worker, reference):
    path = os.path.join(env.dir, "input.txt")
    with open(path, "w", encoding="ascii") as f:
        f.write("one\n")
    return worker.rest.call("PUT", f"/connectors/{env.id}/config", {
        "connector.class": "FileStreamSource", "tasks.max": "1", "file": path, "topic": reference,
        "value.converter": "org.apache.kafka.connect.storage.StringConverter",
    })


@requires("kafka", "vault")
def test_an_address_in_the_environment_is_enough(env):
    env.vault.call("POST", f"secret/data/{env.id}", {"data": {"topic": env.id}})
    worker = env.worker(environment={k: v for k, v in env.vault.env().items()})
    reference = f"${{vault:secret/{env.id}:topic}}"
    deploy(env, worker, reference).expect(201)
    eq([r.raw_value for r in env.topics.read(env.id, 1)], [b"one"])
    eq(worker.rest.config(env.id)["topic"], reference, "what the worker shows")


@requires("kafka", "vault")
def test_a_missing_secret_is_named_and_nothing_is_given_away(env):
    worker = env.worker(environment={k: v for k, v in env.vault.env().items()})
    answer = deploy(env, worker, f"${{vault:secret/{env.id}:topic}}")
    text = answer.text
    if answer.status in (200, 201):
        status = wait_until(
            lambda: next((s for s in [worker.rest.status(env.id)] for p in [s["connector"], *s["tasks"]] if p["state"] == "FAILED"), None),
            30, "the connector to fail",
        )
        text = str(status)
    contains(text, env.id, "the message")
    assert env.vault.env()["VAULT_TOKEN"] not in text + worker.log(), "the token must not be shown"
