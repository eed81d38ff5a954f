"""Differences between two lists of entries, and the list of those that are known.

known-differences.json: [{"case": globs, "topic": glob, "path": glob, "pairs": [[theirs, ours], …], "why": …}, …]. A difference is known
when one entry fits in every member; `pairs` may be left out where the values do not matter. An entry that fits nothing is an error.
Several cases are separated by a bar. `listed` is what docs/compatibility.md calls it, where every one must be found.
"""

import fnmatch
import json

from . import text

ABSENT = "(absent)"


def walk(theirs, ours, path):
    """Yields (path, theirs, ours) of what differs, as deep down as possible."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        if list(theirs) != list(ours) and sorted(theirs) == sorted(ours):
            yield f"{path} order", list(theirs), list(ours)
        for name in [*theirs, *(n for n in ours if n not in theirs)]:
            yield from walk(theirs.get(name, ABSENT), ours.get(name, ABSENT), f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for i, (a, b) in enumerate(zip(theirs, ours)):
            # Fields of schemas are told by name.
            name = a["field"] if isinstance(a, dict) and isinstance(a.get("field"), str) else i
            yield from walk(a, b, f"{path}.{name}")
    elif type(theirs) is not type(ours) or theirs != ours:
        yield path, theirs, ours


def by_topic(entries):
    found = {}
    for e in entries:
        name = e["topic"] if "topic" in e else "failure" if "failure" in e else "offsets"
        found.setdefault(name, []).append(e)
    return found


def differences(theirs, ours):
    """Yields (topic, path, theirs, ours)."""
    theirs, ours = by_topic(theirs), by_topic(ours)
    failures = [x["failure"][0]["failure"] if "failure" in x else ABSENT for x in (theirs, ours)]
    if failures[0] != failures[1]:
        yield "failure", "failure", *failures
        return
    for topic in [*theirs, *(t for t in ours if t not in theirs)]:
        a, b = theirs.get(topic, []), ours.get(topic, [])
        if len(a) != len(b):
            yield topic, "records", [brief(e) for e in a], [brief(e) for e in b]
            continue
        for number, (want, got) in enumerate(zip(a, b)):
            for path, x, y in walk(want, got, f"{number}"):
                yield topic, path, x, y


def brief(e):
    """An entry in a few words."""
    value = e.get("value")
    if isinstance(value, dict) and "op" in value:
        return f"{value['op']} {text.dumps(e['key'])}"
    return "tombstone" if value is None else text.dumps(value)[:120]


def about(e, case):
    """Does this entry speak of the case?"""
    return any(fnmatch.fnmatchcase(case, glob) for glob in e["case"].split("|"))


class Known:
    def __init__(self, path):
        with open(path, encoding="utf-8") as f:
            self.entries = text.loads(f.read() or "[]")
        self.used = [0] * len(self.entries)

    def covers(self, case, topic, path, theirs, ours):
        for i, e in enumerate(self.entries):
            if (about(e, case) and fnmatch.fnmatchcase(topic, e.get("topic", "*")) and fnmatch.fnmatchcase(path, e["path"])
                    and ("pairs" not in e or [theirs, ours] in e["pairs"])):
                self.used[i] += 1
                return True
        return False

    def untold(self, document):
        """Entries that the document does not list."""
        return [e for e in self.entries if e["listed"] not in document]

    def idle(self, names):
        """Entries that fit nothing, of those that are about one of these connectors."""
        return [e for e, n in zip(self.entries, self.used) if not n and any(about(e, name) for name in names)]


def tell(difference):
    topic, path, theirs, ours = difference
    return f"{topic} {path}\n      theirs {short(theirs)}\n      ours   {short(ours)}"


def short(value):
    spelled = value if value is ABSENT else text.dumps(value)
    return spelled if len(spelled) <= 1500 else spelled[:1500] + "…"


def spelled(value):
    return json.dumps(value, ensure_ascii=False)
