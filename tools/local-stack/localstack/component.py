"""What the services have in common."""

import json
import os
import urllib.error
import urllib.request

from .process import Process, log_tail


class Cancelled(RuntimeError):
    pass


class Component:
    """One service. Subclasses give `name`, `port_names`, `launch()`, `is_ready()` and `env()`.

    A component owns `dir/NAME/` (data), `dir/log/NAME.log` and `dir/run/NAME.pid`. start() after stop() or kill() uses the
    same ports and the same data: that is the restart a fault test wants.
    """

    name = None
    port_names = ()
    start_timeout = 60

    def __init__(self, base_dir, ports, options=None):
        self.base_dir = base_dir
        self.ports = ports
        self.options = options or {}
        self.dir = os.path.join(base_dir, self.name)
        for d in (self.dir, os.path.join(base_dir, "log"), os.path.join(base_dir, "run")):
            os.makedirs(d, exist_ok=True)
        self.process = self.make_process(self.name)

    def make_process(self, name):
        return Process(name, os.path.join(self.base_dir, "run"), os.path.join(self.base_dir, "log", name + ".log"))

    @property
    def port(self):
        return self.ports[self.port_names[0]]

    def prepare(self):
        """Files, formats, clusters: once, before the first launch."""

    def launch(self):
        raise NotImplementedError

    def is_ready(self):
        raise NotImplementedError

    def after_ready(self):
        """Settings and initial data. Runs after every start, so it must be repeatable."""

    def env(self):
        return {}

    def start(self, cancelled=lambda: False):
        """cancelled   asked between the steps and while waiting: true gives up, and what was launched is left to stop()."""

        def go_on():
            if cancelled():
                raise Cancelled(f"the start of {self.name} was given up")
            return True

        if self.alive():
            return self
        self.prepare()
        go_on()
        self.launch()
        self.process.wait_ready(
            lambda: go_on() and self.is_ready(), self.start_timeout, f"{self.name} to answer on port {self.port}"
        )
        go_on()
        self.after_ready()
        return self

    def stop(self):
        self.process.stop()

    def kill(self):
        self.process.kill()

    def restart(self):
        self.stop()
        return self.start()

    def alive(self):
        return self.process.alive()

    def log_tail(self, lines=25):
        return log_tail(self.process.log_path, lines)


def http(method, url, body=None, headers=None, timeout=5):
    """(status, parsed JSON or text). Statuses of 400 and more are answers here, not exceptions."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, method=method, headers=dict(headers or {}))
    if data is not None:
        request.add_header("Content-Type", "application/json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=timeout) as response:
            status, raw = response.status, response.read()
    except urllib.error.HTTPError as e:
        status, raw = e.code, e.read()
    try:
        return status, json.loads(raw)
    except ValueError:
        return status, raw.decode(errors="replace")
