"""The small Vault of the tests (tools/vault-dev) held against the real Vault core: the same requests, the same answers."""

import os

from harness import requires, skip, wait_until
from localstack import vault_core
from localstack.component import http
from localstack.ports import free_ports
from localstack.process import Process

ROOT = "core-root-token"

# Method, path, body, token (None: root). Names in braces come from earlier answers.
CONVERSATION = [
    ("POST", "secret/data/app/db", {"data": {"user": "u", "password": "p"}}, None),
    ("GET", "secret/data/app/db", None, None),
    ("POST", "secret/data/app/db", {"data": {"user": "v"}, "options": {"cas": 7}}, None),
    ("POST", "secret/data/app/db", {"data": {"user": "v"}, "options": {"cas": 1}}, None),
    ("GET", "secret/data/app/db", None, None),
    ("GET", "secret/data/app/db?version=1", None, None),
    ("GET", "secret/data/app/db?version=9", None, None),
    ("GET", "secret/data/app/db?version=x", None, None),
    ("GET", "secret/metadata/app/db", None, None),
    ("LIST", "secret/metadata/app", None, None),
    ("GET", "secret/metadata/app?list=true", None, None),
    ("LIST", "secret/metadata/nothing", None, None),
    ("GET", "secret/data/absent", None, None),
    ("GET", "secret/data/app/db", None, "wrong-token"),
    ("GET", "secret/data/app/db", None, ""),
    ("POST", "secret/data/app/db", {"no": "data"}, None),
    ("DELETE", "secret/data/app/db", None, None),
    ("GET", "secret/data/app/db", None, None),
    ("GET", "auth/token/lookup-self", None, "wrong-token"),
    ("POST", "auth/approle/login", {"role_id": "{role_id}", "secret_id": "nonsense"}, ""),
    ("POST", "auth/approle/login", {"secret_id": "nonsense"}, ""),
    ("GET", "no/such/route", None, None),
]


# Ids and warnings, and members that came after the version whose answers we give (1.15).
MAY_DIFFER = ("request_id", "warnings", "mount_type", "auth", "wrap_info")


def shape(value):
    """The answer without ids, times, authors and outer blanks."""
    if isinstance(value, dict):
        kept = {k: shape(v) for k, v in value.items() if k not in MAY_DIFFER}
        return {k: v for k, v in kept.items() if not k.endswith(("_time", "_by", "accessor"))}
    if isinstance(value, list):
        return [shape(v) for v in value]
    return value.strip() if isinstance(value, str) else value


@requires("vault")
def test_same_answers_as_the_real_core(env):
    binary = vault_core.if_built()
    if binary is None:
        skip("the real Vault core is not built; `tools/local-stack/stack fetch vault-core` does it (Go, about five minutes)")
    port = free_ports(1)[0]
    core = Process("vaultd", env.dir, os.path.join(env.dir, "vaultd.log"))
    core.start([binary, f"127.0.0.1:{port}", ROOT])
    env.defer(core.stop)
    url = f"http://127.0.0.1:{port}/v1/"
    core.wait_ready(lambda: http("GET", url + "sys/health")[0] == 200, 60, "the Vault core to answer")
    wait_until(lambda: http("GET", url + "secret/data/absent", None, {"X-Vault-Token": ROOT})[0] == 404, 30, "the secrets engine to be mounted")
    http("POST", url + "sys/auth/approle", {"type": "approle"}, {"X-Vault-Token": ROOT})

    ours, theirs = env.vault.url + "/v1/", url
    different = []
    for method, path, body, token in CONVERSATION:
        answers = []
        for base, root in ((ours, None), (theirs, ROOT)):
            if root is None:
                answers.append(env.vault.call(method, path, body, **({} if token is None else {"token": token})))
            else:
                answers.append(http(method, base + path, body, {"X-Vault-Token": root if token is None else token}))
        (status, got), (want_status, want) = answers
        if (status, shape(got)) != (want_status, shape(want)):
            different.append(f"{method} {path} with {body}, token {token}:\n  wanted {want_status} {shape(want)}\n  got    {status} {shape(got)}")
    assert not different, "\n".join(["answers differ", *different])
