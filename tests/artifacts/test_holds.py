"""Questions that a run waits on."""

from __future__ import annotations

import pytest
from tests.artifacts.stores import Clock

from kaon.artifacts import Begin, HoldRecord, Lease, UnknownRecord
from kaon.artifacts.records.records import Records

PLACE = ("flow/publish", (("market", "US"),), (1,))


def hold(records: Records, lease: Lease, path: str = "flow/publish") -> None:
    records.hold_step(lease, path, "publish", PLACE[1], PLACE[2], "publish to production?")


def test_a_question_is_asked_once_and_waits(records: Records, lease: Lease, clock: Clock):
    hold(records, lease)
    hold(records, lease)

    (held,) = records.step_runs(lease.run)
    assert (held.state, held.reason, held.key, held.ended) == ("held", "publish to production?", None, None)
    assert records.holds(lease.run) == [HoldRecord(1, lease.run, *PLACE, "publish to production?", clock.time)]
    assert records.decision(lease.run, *PLACE) is None


def test_an_approved_step_may_begin(records: Records, lease: Lease, clock: Clock):
    hold(records, lease)
    clock.forward(5)

    assert records.decide(lease.run, True, "anna") == 1
    assert records.decision(lease.run, *PLACE) is True
    (answer,) = records.holds(lease.run)
    assert (answer.decided, answer.approved, answer.by) == (clock.time, True, "anna")
    assert records.step_runs(lease.run) == []
    (held,) = records.step_runs(lease.run, history=True)
    assert (held.state, held.reason, held.superseded) == ("completed", "approved by anna", True)
    records.begin_steps(lease, [Begin("flow/publish", "publish", *PLACE[1:])], lambda _: True)
    assert [step.state for step in records.step_runs(lease.run)] == ["running"]


def test_a_declined_step_is_cancelled(records: Records, lease: Lease):
    hold(records, lease)
    records.decide(lease.run, False, "anna")

    assert records.decision(lease.run, *PLACE) is False
    (held,) = records.step_runs(lease.run)
    assert (held.state, held.reason) == ("cancelled", "declined by anna")


def test_an_answer_may_be_for_one_step(records: Records, lease: Lease):
    hold(records, lease)
    hold(records, lease, "flow/other")

    assert records.decide(lease.run, True, "anna", "flow/other") == 1
    assert records.decision(lease.run, "flow/other", *PLACE[1:]) is True
    assert records.decision(lease.run, *PLACE) is None
    assert [step.path for step in records.step_runs(lease.run)] == ["flow/publish"]
    with pytest.raises(UnknownRecord, match=f"run {lease.run} waits for no answer at flow/other"):
        records.decide(lease.run, True, "anna", "flow/other")
    assert records.decide(lease.run, True, "anna") == 1


def test_an_answer_that_comes_while_no_process_runs_is_there_when_the_run_is_taken_over(records: Records, lease: Lease):
    hold(records, lease)
    records.end_run(lease, "held")
    records.decide(lease.run, True, "anna")
    again = records.take_over(lease.run)

    assert records.decision(again.id, *PLACE) is True
    assert records.step_runs(again.id) == []


def test_a_run_taken_over_without_an_answer_waits_again_for_the_same_one(records: Records, lease: Lease):
    hold(records, lease)
    records.end_run(lease, "held")
    again = records.take_over(lease.run).lease
    hold(records, again)

    assert len(records.holds(lease.run)) == 1
    assert [step.state for step in records.step_runs(lease.run)] == ["held"]
    assert [step.state for step in records.step_runs(lease.run, history=True)] == ["cancelled", "held"]


def test_a_question_can_be_asked_again_after_its_answer(records: Records, lease: Lease):
    hold(records, lease)
    records.decide(lease.run, False, "anna")
    records.end_run(lease, "cancelled")
    hold(records, records.take_over(lease.run).lease)

    assert records.decision(lease.run, *PLACE) is None
    assert [answer.approved for answer in records.holds(lease.run)] == [False, None]


def test_nobody_answers_what_was_not_asked(records: Records, lease: Lease):
    with pytest.raises(UnknownRecord, match=f"run {lease.run} waits for no answer") as caught:
        records.decide(lease.run, True, "anna")
    assert caught.value.why == "no question of it is open"
    hold(records, lease)
    records.end_run(lease, "cancelled")
    with pytest.raises(UnknownRecord, match="waits for no answer") as caught:
        records.decide(lease.run, True, "anna")
    assert caught.value.why == "it is cancelled"
