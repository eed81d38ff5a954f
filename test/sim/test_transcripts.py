"""Every client of the matrix as it was recorded: the stand-in must answer its requests with the same bytes as then.

Needs none of the clients. When a difference is wanted, `test/sim/record.py` records anew.
"""

import transcript
from runner import variants
from sim import Sim


@variants(*transcript.names())
def test_replies_are_the_recorded_ones(_sim, name):
    events = transcript.load(name)
    with Sim("--tls", "off") as fresh:
        compared = transcript.replay(fresh.port, events)
    assert compared >= 10, f"the transcript has only {compared} replies"


def test_a_changed_reply_is_noticed(_sim):
    """The comparison itself: one byte of the last reply is altered."""
    events = transcript.load("pymssql")
    at = max(i for i, e in enumerate(events) if e[1] == transcript.SERVER and e[2])
    number, direction, data = events[at]
    events[at] = (number, direction, data[:-1] + bytes([data[-1] ^ 1]))
    with Sim("--tls", "off") as fresh:
        try:
            transcript.replay(fresh.port, events)
        except transcript.Differs:
            return
    raise AssertionError("an altered reply went unnoticed")
