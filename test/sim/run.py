#!/usr/bin/env python3
"""Tests of the SQL Server stand-in with independent TDS clients: run.py [PATTERN...] [--list]. See README.md beside this file."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "..", "tools", "local-stack")]

from clients import fetched  # noqa: E402

fetched.reexec_in_venv()

import runner  # noqa: E402

sys.exit(runner.main(HERE, sys.argv[1:]))
