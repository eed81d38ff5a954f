#!/usr/bin/env python3
"""Records transcripts/ anew: each client's part of the tests, without TLS, against an empty stand-in. record.py [NAME...]
Needs what the clients need (see README.md); a client that is missing keeps its old transcript."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "local-stack")]

from clients import fetched  # noqa: E402

fetched.reexec_in_venv()

import runner  # noqa: E402
import test_clients  # noqa: E402
import test_freetds_tools  # noqa: E402
import transcript  # noqa: E402
from clients.all import CLIENTS  # noqa: E402
from sim import Sim  # noqa: E402

# Tests whose conversation is the same each time; the others are about TLS, or larger than a repository likes.
OF_CLIENTS = ("wrong_password", "unknown_database", "database_of_the_login", "values", "null_of_every_type", "parameters", "null_parameter",
              "prepared_statement_again_and_again", "transactions", "errors_keep_the_connection", "two_result_sets", "large_results", "cancel",
              "bulk_load", "server_cursor")
NOT_OF = {"pymssql": ("bulk_load",)}  # it keeps the interpreter to itself meanwhile, and the recorder waits for ever; freebcp is the same library
OF_TOOLS = {"tsql": ("tsql_errors_and_messages", "tsql_wrong_password", "tsql_with_version"),
            "bsqldb": ("bsqldb", "dblib_textsize_is_4096_until_set"),
            "freebcp": ("freebcp_in_and_out", "freebcp_bad_row_is_rolled_back")}


class Front:
    """What tests see of the stand-in: its port is the recorder's."""

    def __init__(self, sim, port):
        self._sim, self.port = sim, port

    def __getattr__(self, name):
        return getattr(self._sim, name)


def tests_of(name):
    """(label, function, variant) as the runner wants them."""
    found = []
    for test in OF_TOOLS.get(name, OF_CLIENTS):
        if test in NOT_OF.get(name, ()):
            continue
        function = getattr(test_freetds_tools if name in OF_TOOLS else test_clients, "test_" + test)
        for variant in getattr(function, "variants", (None,)) if name in OF_TOOLS else (name,):
            found.append((f"{test}[{variant}]", function, variant))
    return found


def record(name):
    """@return a line about it, and whether it went well"""
    with Sim("--tls", "off") as sim:
        recorder = transcript.Recorder(sim.port)
        words = {}
        for label, function, variant in tests_of(name):
            word, detail = runner.run_one(Front(sim, recorder.port), function, variant)
            words.setdefault(word, []).append(f"{label}: {detail}")
        events = recorder.stop()
    if "FAIL" in words or "ok" not in words:
        return f"FAIL {name}: " + "\n".join(words.get("FAIL") or words["skip"]), False
    with Sim("--tls", "off") as fresh:
        try:
            compared = transcript.replay(fresh.port, events)
        except transcript.Differs as e:
            return f"FAIL {name}: not the same a second time: {e}", False
    transcript.save(name, events)
    size = os.path.getsize(os.path.join(transcript.FOLDER, name + transcript.SUFFIX))
    return f"ok   {name}: {len(words['ok'])} tests, {compared} replies, {size} bytes", True


def main(wanted):
    fetched.fetch_clients()
    results = []
    for name in wanted or (*OF_TOOLS, *CLIENTS):
        line, good = record(name)
        print(line, flush=True)
        results.append(good)
    return 0 if all(results) else 1


sys.exit(main(sys.argv[1:]))
