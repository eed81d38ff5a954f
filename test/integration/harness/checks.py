"""Assertions with messages, and what a test may say about itself."""

import difflib
import json


class Skip(Exception):
    """The test cannot run here; the text says what is missing."""


def skip(reason):
    raise Skip(reason)


def timeout(seconds):
    """Decorator: this test may take longer than the runner's default."""

    def mark(function):
        function.timeout_seconds = seconds
        return function

    return mark


def requires(*components):
    """Decorator: start these services before the test (others start on first use)."""

    def mark(function):
        function.required = components
        return function

    return mark


def _pretty(value):
    try:
        return json.dumps(value, indent=2, sort_keys=True, default=repr)
    except (TypeError, ValueError):
        return repr(value)


def eq(got, want, what="value"):
    if got == want:
        return
    left, right = _pretty(want), _pretty(got)
    if "\n" in left or "\n" in right:
        diff = difflib.unified_diff(left.splitlines(), right.splitlines(), "wanted", "got", lineterm="", n=2)
        raise AssertionError(f"{what} differs:\n" + "\n".join(diff))
    raise AssertionError(f"{what}: got {right}, wanted {left}")


def contains(whole, part, what="value"):
    """Dictionaries: every key of part is there with that value (recursively). Otherwise: `part in whole`."""
    if isinstance(part, dict):
        if not isinstance(whole, dict):
            raise AssertionError(f"{what} is {_pretty(whole)}, wanted an object with {_pretty(part)}")
        for key, value in part.items():
            if key not in whole:
                raise AssertionError(f"{what} has no '{key}'; it has {sorted(whole)}")
            contains(whole[key], value, f"{what}.{key}") if isinstance(value, dict) else eq(whole[key], value, f"{what}.{key}")
    elif part not in whole:
        raise AssertionError(f"{what} lacks {_pretty(part)}; it is {_pretty(whole)}")
