"""What steps and runs said."""

from __future__ import annotations

import math

from tests.artifacts.stores import Clock

from kaon.artifacts import Begin, Begun, Ending, Lease, Message
from kaon.artifacts.records.records import Records


def test_messages_come_back_in_their_order_with_who_said_them(records: Records, lease: Lease, clock: Clock):
    (begun,) = records.begin_steps(lease, [Begin("flow/train", "train")], lambda _: True)
    assert isinstance(begun, Begun)
    step = begun.step_run
    said = [
        Message(clock.time, "info", "log", "first", {"a": [1, None]}),
        Message(clock.time, "warning", "metric", "", {"loss": math.inf}),
    ]
    last = Message(clock.time, "info", "log", "with its end")
    of_run = Message(clock.time, "info", "status", "of the run")
    records.add_messages(lease, [(step, said[0]), (step, said[1]), (None, of_run)])
    records.add_messages(lease, [])
    records.finish_steps(lease, [Ending(step, "failed", messages=(last,))])

    run, found = lease.run, records.messages(lease.run)
    assert found == [*said, of_run, last]
    assert [(message.step_run, message.path) for message in found[1:3]] == [(step, "flow/train"), (None, "")]
    assert records.messages(run, after_id=found[0].id) == found[1:]
    assert records.messages(run, limit=1) == found[:1]
    assert records.messages(run, "flow/train") == records.messages(run, "train") == [*said, last]
    assert records.messages(run, states=["failed"]) == [*said, last]
    assert records.messages(run, "flow") == records.messages(run, states=["completed"]) == []


def test_no_log_line_is_lost_whatever_is_in_it(records: Records, lease: Lease, clock: Clock):
    records.add_messages(lease, [(None, Message(clock.time, "info", "log", "a\x00b\udcffc", {"raw": "\x00\udcff"}))])

    assert records.messages(lease.run)[0].text == "a\N{REPLACEMENT CHARACTER}b?c"
    assert records.messages(lease.run)[0].payload == {"raw": "\x00\udcff"}
