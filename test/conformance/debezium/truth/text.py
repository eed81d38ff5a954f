"""JSON whose every number keeps its spelling and whose every object keeps its order: what is written is what was read, byte for byte."""

import json
import re

CLOCK = "a clock"

# The one list of what differs from run to run: readings of the connector's own clock. (The server's clock is set by the driver.)
# Paths into a record, as in `value.source.ts_ms`, per kind of topic; see kind_of().
VOLATILE = {
    "rows": ("value.ts_ms", "value.__ts_ms"),
    "schema changes": ("value.ts_ms", "value.source.ts_ms"),
    "transactions": (),
    "heartbeats": ("value.ts_ms",),
    "history": ("value.pretty.ts_ms",),
}
# A heartbeat comes whenever its time is up: equal neighbours count once.
REPEATED = ("heartbeats",)


class Number(str):
    """A number as it is spelled."""


def loads(text):
    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)


def _escape(match):
    units = match[0].encode("utf-16-be", "surrogatepass").hex().upper()
    return "".join(f"\\u{units[i:i + 4]}" for i in range(0, len(units), 4))


def _string(text):
    """As Jackson does: capital digits in \\u001F, what lies beyond 16 bits as two such units, or half of them."""
    quoted = re.sub(r"\\u[0-9a-f]{4}", lambda m: "\\u" + m[0][2:].upper(), json.dumps(text, ensure_ascii=False).replace("\\\\", "\0"))
    return re.sub("[\ud800-\udfff\U00010000-\U0010FFFF]", _escape, quoted.replace("\0", "\\\\"))


def dumps(value):
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_string(k)}:{dumps(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(dumps(v) for v in value) + "]"
    return json.dumps(value)


def pretty(value, indent="\n"):
    """The layout in which Debezium stores its schema history."""
    inner = indent + "  "
    if isinstance(value, dict) and value:
        return "{" + ",".join(f"{inner}{_string(k)} : {pretty(v, inner)}" for k, v in value.items()) + indent + "}"
    if isinstance(value, (dict, list)) and not value:
        return "{ }" if isinstance(value, dict) else "[ ]"
    return "[ " + ", ".join(pretty(v, indent) for v in value) + " ]" if isinstance(value, list) else dumps(value)


def parse(raw):
    """Bytes of a key or value as (schema or None, payload). What is laid out for readers becomes {"pretty": …}, what is no JSON at all
    {"lines": …}."""
    if raw is None:
        return None, None
    text = raw.decode()
    try:
        value = loads(text)
    except ValueError:
        value = None
    if dumps(value) != text:
        return None, {"pretty": value} if pretty(value) == text else {"lines": text.split("\n")}
    if isinstance(value, dict) and list(value) == ["schema", "payload"]:
        return value["schema"], value["payload"]
    return None, value


def kind_of(topic, prefix):
    if topic == prefix:
        return "schema changes"
    if topic == f"{prefix}-history":
        return "history"
    if topic.startswith("__debezium-heartbeat"):
        return "heartbeats"
    return "transactions" if topic.endswith("transaction") else "rows"


def without_clocks(record, kind):
    """Replaces volatile members of {"key":…, "value":…} in place."""
    for path in VOLATILE[kind]:
        at = record
        *way, last = path.split(".")
        for name in way:
            at = at.get(name) if isinstance(at, dict) else None
        if isinstance(at, dict) and isinstance(at.get(last), Number):
            at[last] = CLOCK
    return record
