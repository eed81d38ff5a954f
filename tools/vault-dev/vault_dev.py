#!/usr/bin/env python3
"""A small, strict Vault for tests: KV v2 at secret/, tokens, AppRole, seal and unseal. In memory, loopback, plain HTTP.

    VAULT_DEV_ROOT_TOKEN_ID=dev-root-token vault_dev.py --listen 127.0.0.1:8200 [--seed FILE]

FILE is a JSON object {"secret/database": {"key": "value", ...}, ...}. Answers, status codes and bodies are those of Vault
(checked against the real core by test_vault_core.py): a missing or wrong token is 403 `permission denied`, a missing secret is
404 `{"errors":[]}`, a sealed server is 503 `Vault is sealed`. What is not served is a 404 `no handler for route`, never an
empty success.

Orders for fault tests (they need the root token and answer 204):
    PUT /v1/sys/seal                 every read is 503 until PUT /v1/sys/unseal
    PUT /v1/dev/fail {"count": 3, "status": 500}     the next 3 requests fail with that status
    PUT /v1/dev/revoke {"token": "..."}              that token is unknown from now on
"""

import argparse
import datetime
import http.server
import json
import os
import secrets
import signal
import sys
import threading
import time

MAX_BODY = 1 << 20


class Refusal(Exception):
    def __init__(self, status, *errors, data=None):
        super().__init__(status, errors)
        self.status, self.errors, self.data = status, list(errors), data


def now_text():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def merge_patch(old, patch):
    """RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged


class Secret:
    def __init__(self):
        self.versions = []

    def add(self, data):
        self.versions.append({"data": data, "created_time": now_text(), "deletion_time": "", "destroyed": False})

    def metadata(self, number):
        v = self.versions[number - 1]
        return {
            "created_time": v["created_time"], "custom_metadata": None, "deletion_time": v["deletion_time"],
            "destroyed": v["destroyed"], "version": number,
        }


class Token:
    def __init__(self, ttl=0, max_ttl=0, policies=("root",), paths=None, renewable=False):
        self.accessor, self.policies, self.paths, self.renewable = secrets.token_hex(12), list(policies), paths, renewable
        self.ttl, self.max_ttl = ttl, max_ttl
        self.created = time.monotonic()
        self.expires = self.created + ttl if ttl else None

    def alive(self):
        return self.expires is None or time.monotonic() < self.expires

    def remaining(self):
        return 0 if self.expires is None else max(0, int(self.expires - time.monotonic()))

    def renew(self, increment):
        ttl = increment or self.ttl
        if self.max_ttl:
            ttl = min(ttl, int(self.created + self.max_ttl - time.monotonic()))
        self.expires = time.monotonic() + max(0, ttl)

    def auth(self, name):
        return {
            "client_token": name, "accessor": self.accessor, "policies": self.policies, "token_policies": self.policies,
            "metadata": {}, "lease_duration": self.remaining(), "renewable": self.renewable, "entity_id": "", "token_type": "service",
            "orphan": True, "mfa_requirement": None, "num_uses": 0,
        }


def seconds(value):
    """Vault's durations: a number of seconds, or digits with s, m or h."""
    text = str(value)
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    digits = text[:-1] if unit else text
    if not digits.isdigit():
        raise Refusal(400, f"error parsing duration: {text!r}")
    return int(digits) * (unit or 1)


class Vault:
    """All state, one lock; `handle` returns (status, body or None)."""

    def __init__(self, root_token, seed):
        self.lock = threading.Lock()
        self.root_token = root_token
        self.secrets, self.roles, self.secret_ids = {}, {}, {}
        self.tokens = {root_token: Token()}
        self.sealed, self.failures, self.failure_status, self.requests = False, 0, 500, 0
        for path, data in seed.items():
            mount, _, name = path.partition("/")
            if mount != "secret" or not name:
                raise ValueError(f"seed path '{path}' is not under secret/")
            self.secrets.setdefault(name, Secret()).add(data)

    def handle(self, method, path, query, token, body):
        with self.lock:
            self.requests += 1
            if path == "sys/health":
                return self.health()
            if path == "sys/unseal" and method in ("PUT", "POST"):
                self.sealed = False
                return 200, {"sealed": False, "t": 1, "n": 1, "progress": 0}
            if self.sealed:
                raise Refusal(503, "Vault is sealed")
            if self.failures > 0 and not path.startswith("dev/"):
                self.failures -= 1
                raise Refusal(self.failure_status, "injected failure")
            if path == "auth/approle/login" and method in ("PUT", "POST"):
                return self.approle_login(body)
            holder = self.authenticate(token)
            return self.route(method, path, query, token, holder, body)

    def health(self):
        status = 503 if self.sealed else 200
        return status, {
            "initialized": True, "sealed": self.sealed, "standby": False, "performance_standby": False,
            "replication_performance_mode": "disabled", "replication_dr_mode": "disabled", "server_time_utc": int(time.time()),
            "version": "1.15.0", "cluster_name": "vault-dev", "cluster_id": "00000000-0000-0000-0000-000000000000",
        }

    def authenticate(self, token):
        if not token:
            raise Refusal(403, "permission denied")
        holder = self.tokens.get(token)
        if holder is None or not holder.alive():
            self.tokens.pop(token, None)
            raise Refusal(403, "2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n")
        return holder

    def route(self, method, path, query, token, holder, body):
        if path == "auth/token/lookup-self" and method == "GET":
            return 200, self.wrap({
                "id": token, "accessor": holder.accessor, "policies": holder.policies, "ttl": holder.remaining(),
                "creation_ttl": holder.ttl, "renewable": holder.renewable, "type": "service", "orphan": True, "path": "auth/token/create",
            })
        if path == "auth/token/renew-self" and method in ("PUT", "POST"):
            if not holder.renewable:
                raise Refusal(400, "lease is not renewable")
            holder.renew(seconds(body["increment"]) if body.get("increment") else 0)
            return 200, self.wrap(None, auth=holder.auth(token))
        if path.startswith("secret/"):
            self.permit(holder, path)
            return self.kv(method, path, query, body)
        if holder.policies != ["root"]:
            raise Refusal(403, "1 error occurred:\n\t* permission denied\n\n")
        return self.admin(method, path, body)

    @staticmethod
    def permit(holder, path):
        if holder.paths is not None and not any(path == p or (p.endswith("*") and path.startswith(p[:-1])) for p in holder.paths):
            raise Refusal(403, "1 error occurred:\n\t* permission denied\n\n")

    def admin(self, method, path, body):
        parts = path.split("/")
        write = method in ("PUT", "POST")
        if write and path == "sys/seal":
            self.sealed = True
            return 204, None
        if write and path == "dev/fail":
            self.failures, self.failure_status = int(body.get("count", 1)), int(body.get("status", 500))
            return 204, None
        if write and path == "dev/revoke":
            self.tokens.pop(body.get("token"), None)
            return 204, None
        if method == "GET" and path == "dev/stats":
            return 200, self.wrap({"requests": self.requests, "tokens": len(self.tokens)})
        if write and path == "auth/token/create":
            name = body.get("id") or "hvs." + secrets.token_urlsafe(18)
            ttl = seconds(body.get("ttl", 0))
            token = Token(ttl, seconds(body.get("explicit_max_ttl", 0)), body.get("policies", ["root"]), body.get("paths"), ttl > 0)
            self.tokens[name] = token
            return 200, self.wrap(None, auth=token.auth(name))
        if parts[:3] == ["auth", "approle", "role"] and len(parts) >= 4:
            return self.approle(method, parts[3], parts[4:], body)
        raise Refusal(404, f"no handler for route \"{path}\". route entry not found.")

    def approle(self, method, role, rest, body):
        write = method in ("PUT", "POST")
        if write and not rest:
            self.roles[role] = {
                "role_id": secrets.token_hex(16), "ttl": seconds(body.get("token_ttl", 0)), "max_ttl": seconds(body.get("token_max_ttl", 0)),
                "policies": body.get("token_policies", ["default"]), "paths": body.get("paths"),
            }
            return 204, None
        if role not in self.roles:
            raise Refusal(404)
        if method == "GET" and rest == ["role-id"]:
            return 200, self.wrap({"role_id": self.roles[role]["role_id"]})
        if write and rest == ["secret-id"]:
            secret_id = secrets.token_hex(16)
            self.secret_ids[secret_id] = role
            return 200, self.wrap({"secret_id": secret_id, "secret_id_accessor": secrets.token_hex(8), "secret_id_num_uses": 0, "secret_id_ttl": 0})
        raise Refusal(405, "unsupported operation")

    def approle_login(self, body):
        if not body.get("role_id"):
            raise Refusal(500, "failed to determine alias name from login request")
        role = self.roles.get(self.secret_ids.get(body.get("secret_id"), ""))
        if role is None or role["role_id"] != body["role_id"]:
            raise Refusal(400, "invalid role or secret ID")
        name = "hvs." + secrets.token_urlsafe(18)
        self.tokens[name] = Token(role["ttl"], role["max_ttl"], role["policies"], role["paths"], role["ttl"] > 0)
        return 200, self.wrap(None, auth=self.tokens[name].auth(name))

    def kv(self, method, path, query, body):
        _, kind, name = (path.split("/", 2) + ["", ""])[:3]
        if kind == "metadata" and (method == "LIST" or (method == "GET" and query.get("list") == ["true"])):
            return self.kv_list(name)
        if not name or name.endswith("/"):
            raise Refusal(404)
        if kind == "data":
            if method == "GET":
                return self.kv_read(name, query)
            if method in ("PUT", "POST"):
                return self.kv_write(name, body)
            if method == "PATCH":
                return self.kv_patch(name, body)
            if method == "DELETE":
                secret = self.secrets.get(name)
                if secret:
                    secret.versions[-1]["deletion_time"] = now_text()
                return 204, None
        if kind == "metadata":
            secret = self.secrets.get(name)
            if method == "DELETE":
                self.secrets.pop(name, None)
                return 204, None
            if method == "GET":
                if secret is None:
                    raise Refusal(404)
                versions = {
                    str(i): {k: v[k] for k in ("created_time", "deletion_time", "destroyed")} for i, v in enumerate(secret.versions, 1)
                }
                return 200, self.wrap({
                    "cas_required": False, "created_time": secret.versions[0]["created_time"], "current_version": len(secret.versions),
                    "custom_metadata": None, "delete_version_after": "0s", "max_versions": 0, "oldest_version": 0,
                    "updated_time": secret.versions[-1]["created_time"], "versions": versions,
                })
        if kind in ("data", "metadata"):
            raise Refusal(405, "unsupported operation")
        raise Refusal(404, f"no handler for route \"{path}\". route entry not found.")

    def kv_list(self, name):
        prefix = name.rstrip("/") + "/" if name else ""
        keys = set()
        for path in self.secrets:
            if path.startswith(prefix):
                head, slash, _ = path[len(prefix):].partition("/")
                keys.add(head + slash)
        if not keys:
            raise Refusal(404)
        return 200, self.wrap({"keys": sorted(keys)})

    def kv_read(self, name, query):
        secret = self.secrets.get(name)
        if secret is None:
            raise Refusal(404)
        text = query.get("version", ["0"])[0]
        if not text.isdigit():
            raise Refusal(400, "Field validation failed: error converting input for field \"version\": cannot parse '' as int: "
                          f"strconv.ParseInt: parsing \"{text}\": invalid syntax")
        number = int(text) or len(secret.versions)
        if number > len(secret.versions):
            raise Refusal(404)
        version, metadata = secret.versions[number - 1], secret.metadata(number)
        if version["deletion_time"]:
            raise Refusal(404, data={"data": None, "metadata": metadata})
        return 200, self.wrap({"data": version["data"], "metadata": metadata})

    def kv_write(self, name, body):
        if not isinstance(body.get("data"), dict):
            raise Refusal(400, "no data provided")
        current = len(self.secrets[name].versions) if name in self.secrets else 0
        cas = (body.get("options") or {}).get("cas")
        if cas is not None and int(cas) != current:
            raise Refusal(400, "check-and-set parameter did not match the current version")
        secret = self.secrets.setdefault(name, Secret())
        secret.add(body["data"])
        return 200, self.wrap(secret.metadata(len(secret.versions)))

    def kv_patch(self, name, body):
        secret = self.secrets.get(name)
        if secret is None or secret.versions[-1]["deletion_time"]:
            raise Refusal(404)
        secret.add(merge_patch(secret.versions[-1]["data"], body.get("data") or {}))
        return 200, self.wrap(secret.metadata(len(secret.versions)))

    @staticmethod
    def wrap(data, auth=None):
        return {
            "request_id": secrets.token_hex(16), "lease_id": "", "renewable": False, "lease_duration": 0, "data": data,
            "wrap_info": None, "warnings": None, "auth": auth,
        }


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "vault-dev"

    def _serve(self):
        from urllib.parse import parse_qs, unquote, urlsplit

        url = urlsplit(self.path)
        try:
            body = self._body()
            if not url.path.startswith("/v1/"):
                raise Refusal(404)
            status, answer = self.server.vault.handle(
                self.command, unquote(url.path[4:]), parse_qs(url.query), self._token(), body
            )
        except Refusal as e:
            status = e.status
            answer = self.server.vault.wrap(e.data) if e.data is not None else {"errors": e.errors}
        raw = b"" if answer is None else json.dumps(answer).encode() + b"\n"
        self.send_response(status)
        self.send_header("Cache-Control", "no-store")
        if answer is not None:
            self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_LIST = do_HEAD = _serve

    def _token(self):
        bearer = self.headers.get("Authorization", "")
        return self.headers.get("X-Vault-Token") or (bearer[7:] if bearer.startswith("Bearer ") else None)

    def _body(self):
        length = int(self.headers.get("Content-Length") or 0)
        if length > MAX_BODY:
            self.close_connection = True
            raise Refusal(413, "request body too large")
        raw = self.rfile.read(length)
        if not raw:
            return {}
        try:
            body = json.loads(raw)
        except ValueError:
            raise Refusal(400, "error parsing JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "error parsing JSON")
        if self.command == "PATCH" and self.headers.get("Content-Type", "").split(";")[0] != "application/merge-patch+json":
            raise Refusal(415, "content type must be application/merge-patch+json")
        return body

    def log_message(self, format, *args):  # noqa: A002  (the name is the base class's)
        # Paths and statuses only; bodies and headers hold secrets.
        print(f"{now_text()} {format % args}", file=sys.stderr, flush=True)


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--listen", default="127.0.0.1:8200", metavar="HOST:PORT")
    parser.add_argument("--seed", metavar="FILE")
    options = parser.parse_args()
    token = os.environ.get("VAULT_DEV_ROOT_TOKEN_ID")
    if not token:
        parser.error("VAULT_DEV_ROOT_TOKEN_ID must hold the root token")
    seed = {}
    if options.seed:
        with open(options.seed, encoding="utf-8") as f:
            seed = json.load(f)
    host, _, port = options.listen.rpartition(":")
    server = Server((host, int(port)), Handler)
    server.vault = Vault(token, seed)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    print(f"listening on http://{host}:{server.server_address[1]}", file=sys.stderr, flush=True)
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
