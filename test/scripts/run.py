#!/usr/bin/env python3
"""Tests of the shell scripts in tools/: run.py [PATTERN...], with the runner of the integration tests."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration"), os.path.join(HERE, "..", "..", "tools", "local-stack")]

from localstack import fetch  # noqa: E402

fetch.reexec_in_venv()

from harness import runner  # noqa: E402

sys.exit(runner.main(HERE, sys.argv[1:]))
