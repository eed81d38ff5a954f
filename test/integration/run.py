#!/usr/bin/env python3
"""Runs the integration tests: run.py [PATTERN...] [--shard I/N] [--list]. See README.md beside this file."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "local-stack")]

from localstack import fetch  # noqa: E402

fetch.reexec_in_venv()

from harness import runner  # noqa: E402

sys.exit(runner.main(HERE, sys.argv[1:]))
