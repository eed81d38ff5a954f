"""What every integration test uses. A test is a function `test_…(env)` in a file test_….py; see ../README.md."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "tools", "local-stack"))

from localstack.waiting import Timeout, stays_true, wait_until  # noqa: E402

from .checks import Skip, contains, eq, requires, skip, timeout  # noqa: E402

__all__ = ["Skip", "Timeout", "contains", "eq", "requires", "skip", "stays_true", "timeout", "wait_until"]
