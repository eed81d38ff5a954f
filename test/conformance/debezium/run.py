#!/usr/bin/env python3
"""connectd held against the recorded truth: run.py [check] [PATTERN...]
run.py build    records the truth anew with the unmodified Debezium connector in Kafka's own worker
run.py verify   the same, but compares it with the corpus instead of replacing it
See README.md beside this file."""

import os
import sys

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
TEST = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TEST, "integration"), os.path.join(TEST, "sim"), os.path.join(os.path.dirname(TEST), "tools", "local-stack")]

from localstack import fetch  # noqa: E402

fetch.reexec_in_venv()

from truth import commands  # noqa: E402

sys.exit(commands.main(HERE, sys.argv[1:]))
