"""Waiting on conditions. Nothing else in the tests or the stack is allowed to sleep."""

import time


class Timeout(AssertionError):
    """A condition did not come true before its deadline. An AssertionError, so that in a test it is a failure, not a crash."""


def wait_until(condition, timeout, what, interval=0.05, ignore=(OSError,), detail=None):
    """Call condition() until it returns something true, and return that.

    timeout   seconds; the condition is asked at least once, and once more at the very end
    what      completes the sentence "gave up waiting for ..."
    ignore    exceptions that mean "not yet"; any other one passes through
    detail    called on failure; its text is added to the message
    """
    deadline = time.monotonic() + timeout
    while True:
        last_round = time.monotonic() >= deadline
        problem = None
        try:
            value = condition()
            if value:
                return value
        except ignore as e:
            problem = e
        if last_round:
            message = f"gave up waiting for {what} after {timeout:g} s"
            if problem is not None:
                message += f"; the last attempt said: {type(problem).__name__}: {problem}"
            if detail is not None:
                message += f"\n{detail()}"
            raise Timeout(message)
        time.sleep(interval)


def stays_true(condition, duration, what, interval=0.05):
    """The opposite promise: condition() holds for the whole duration."""
    deadline = time.monotonic() + duration
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f"{what} stopped being true")
        time.sleep(interval)
