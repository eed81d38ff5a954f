"""A client of the Connect REST API: thin, honest about statuses, patient with rebalances."""

import http.client
import json
import time
import urllib.parse

from ..waiting import Timeout, wait_until


class Response:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def text(self):
        return self.raw.decode(errors="replace")

    @property
    def json(self):
        return json.loads(self.raw)

    def expect(self, *statuses):
        assert self.status in statuses, f"status {self.status}, wanted {' or '.join(map(str, statuses))}: {self.text[:2000]}"
        return self.json if self.raw else None

    def __repr__(self):
        return f"<{self.status} {self.text[:200]}>"


class Rest:
    """One worker's REST listener. call() never raises for a status; the named methods expect success."""

    def __init__(self, host, port, request_timeout=30):
        self.host, self.port, self.request_timeout = host, port, request_timeout

    @property
    def url(self):
        return f"http://{self.host}:{self.port}"

    def call(self, method, path, body=None, headers=None, raw_body=None):
        """body is sent as JSON; raw_body as it is."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.request_timeout)
        try:
            sent = {"Accept": "application/json", **(headers or {})}
            data = raw_body
            if body is not None:
                data = json.dumps(body)
                sent.setdefault("Content-Type", "application/json")
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            return Response(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def patient(self, method, path, body=None, limit=60):
        """call(), repeated while a rebalance is under way (409), as every Connect client does."""
        deadline = time.monotonic() + limit
        return wait_until(
            lambda: (r := self.call(method, path, body)).status != 409 and r or (r if time.monotonic() > deadline else None),
            limit, f"{method} {path} to get past the rebalance", interval=0.1,
        )

    @staticmethod
    def path(name, tail=""):
        return "/connectors/" + urllib.parse.quote(name, safe="") + tail

    def create(self, name, config):
        return self.patient("POST", "/connectors", {"name": name, "config": config}).expect(201)

    def put_config(self, name, config):
        return self.patient("PUT", self.path(name, "/config"), config).expect(200, 201)

    def deploy(self, document):
        """{"name": …, "config": {…}} as in the users' files; members that begin with _ are comments."""
        return self.put_config(document["name"], document["config"])

    def connectors(self):
        return self.call("GET", "/connectors").expect(200)

    def config(self, name):
        return self.call("GET", self.path(name, "/config")).expect(200)

    def status(self, name):
        return self.call("GET", self.path(name, "/status")).expect(200)

    def tasks(self, name):
        return self.call("GET", self.path(name, "/tasks")).expect(200)

    def delete(self, name):
        return self.patient("DELETE", self.path(name)).expect(204)

    def pause(self, name):
        return self.patient("PUT", self.path(name, "/pause")).expect(202)

    def resume(self, name):
        return self.patient("PUT", self.path(name, "/resume")).expect(202)

    def stop(self, name):
        return self.patient("PUT", self.path(name, "/stop")).expect(204)

    def restart(self, name, query=""):
        return self.patient("POST", self.path(name, "/restart") + query).expect(202, 204)

    def wait_status(self, name, condition, limit, what):
        last = {}

        def check():
            answer = self.call("GET", self.path(name, "/status"))
            if answer.status != 200:
                last["text"] = answer.text
                return None
            last["text"] = json.dumps(answer.json, indent=2)
            return answer.json if condition(answer.json) else None

        return wait_until(check, limit, f"connector '{name}' {what}", detail=lambda: f"last status: {last.get('text')}")

    def wait_running(self, name, tasks=1, limit=60):
        """The connector and exactly `tasks` tasks are RUNNING; a FAILED one ends the wait at once with its trace."""

        def check(status):
            states = [status["connector"]] + status["tasks"]
            for s in states:
                if s["state"] == "FAILED":
                    raise Timeout(f"'{name}' is FAILED: {s.get('trace', '(no trace)')}")
            return len(status["tasks"]) == tasks and all(s["state"] == "RUNNING" for s in states)

        return self.wait_status(name, check, limit, f"to run with {tasks} task(s)")

    def wait_task_state(self, name, state, task=0, limit=60):
        return self.wait_status(
            name, lambda s: any(t["id"] == task and t["state"] == state for t in s["tasks"]), limit, f"task {task} to be {state}"
        )

    def wait_state(self, name, state, limit=60):
        """The connector and all of its tasks."""
        return self.wait_status(
            name, lambda s: all(x["state"] == state for x in [s["connector"]] + s["tasks"]), limit, f"to be {state} everywhere"
        )
