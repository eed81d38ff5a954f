"""Calling the scripts, and a Connect worker made of answers for the cases that a real one cannot be brought into."""

import http.server
import json
import os
import subprocess
import threading

from localstack import paths


def run(script, *arguments, stdin="", env=None, limit=150):
    """CompletedProcess of tools/SCRIPT.sh with text output and no terminal."""
    return subprocess.run(
        [os.path.join(paths.TREE, "tools", script + ".sh"), *arguments], input=stdin, capture_output=True, text=True, timeout=limit,
        env={**os.environ, "CONNECT_SETTLE_SECONDS": "0.2", "CONNECT_STABLE_SECONDS": "1", **(env or {})},
    )


def expect(done, code, *texts):
    """Exit code, and texts that standard output or error must hold."""
    everything = done.stdout + done.stderr
    assert done.returncode == code, f"exit status {done.returncode}, wanted {code}:\n{everything}"
    for text in texts:
        assert text in everything, f"'{text}' is not in the output:\n{everything}"
    return done


class FakeConnect:
    """Answers from a table {(method, path): (status, body) or a list of them, the last one repeated}; anything else is a 404."""

    def __init__(self, answers):
        self.answers, self.requests = answers, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                outer.requests.append((self.command, self.path, json.loads(body) if body else None))
                status, answer = outer.answer(self.command, self.path)
                raw = b"" if answer is None else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            do_GET = do_PUT = do_POST = do_DELETE = serve

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, method, path):
        found = self.answers.get((method, path), (404, {"error_code": 404, "message": f"{path} not found"}))
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        return found

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    def changes(self):
        return [r for r in self.requests if r[0] != "GET"]

    def close(self):
        self.server.shutdown()
        self.server.server_close()
