"""Who may write into a run: one process at a time, and no stale one."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tests.artifacts.stores import Clock, kill

from kaon.artifacts import (
    AlreadyEnded,
    Begin,
    Begun,
    Ending,
    Fenced,
    Lease,
    Message,
    StillRunning,
    UnknownRecord,
    open_store,
)
from kaon.artifacts.records.records import Records


def begun(records: Records, lease: Lease, path: str = "flow/a", key: Any = None) -> int:
    answer = records.begin_steps(lease, [Begin(path, path.rpartition("/")[2], key=key)], lambda _: True)[0]
    assert isinstance(answer, Begun), answer
    return answer.step_run


def test_a_run_that_lives_cannot_be_taken_over(records: Records, lease: Lease):
    with pytest.raises(StillRunning, match=f"run {lease.run} is still running") as caught:
        records.take_over(lease.run)
    assert f"process {os.getpid()}" in caught.value.where and "kaon cancel" in caught.value.fix


@pytest.mark.parametrize("how", ["dead", "silent", "failed", "completed", "held"])
def test_a_run_that_is_taken_over_goes_on_where_it_was(records: Records, lease: Lease, clock: Clock, how: str):
    done, broken, left, again = (begun(records, lease, f"flow/{name}") for name in "abcd")
    records.finish_steps(lease, [Ending(done, "completed"), Ending(broken, "failed"), Ending(again, "completed")])
    records.cancel_steps(lease, [("flow/e", "e", (), (), "flow/b failed")])
    match how:
        case "dead":
            kill(records, lease.run)
        case "silent":
            clock.forward(20)
        case state:
            records.end_run(lease, state)  # type: ignore[arg-type]

    run = records.take_over(lease.run, '{"plan": 2}', again=["flow/d"])

    assert (run.state, run.ended, run.reason, run.generation, run.plan) == ("running", None, "", 2, '{"plan": 2}')
    assert run.lease == Lease(lease.run, 2) and run.heartbeat == clock.time
    assert [step.id for step in records.step_runs(lease.run)] == [done]
    everything = {step.id: step for step in records.step_runs(lease.run, history=True)}
    assert everything[left].ended is not None and everything[left].state in ("failed", "cancelled")
    assert all(step.superseded for step in everything.values() if step.id != done)
    assert records.step_run(begun(records, run.lease)).generation == 2


WRITES: list[Any] = [
    lambda records, lease, step: records.beat(lease),
    lambda records, lease, step: records.end_run(lease, "failed"),
    lambda records, lease, step: records.end_run(lease, "held"),
    lambda records, lease, step: records.begin_steps(lease, [Begin("a", "a")], lambda _: True),
    lambda records, lease, step: records.finish_steps(lease, [Ending(step, "completed")]),
    lambda records, lease, step: records.cancel_steps(lease, [("a", "a", (), (), "late")]),
    lambda records, lease, step: records.retry_steps(lease, [(step, "error", 1.0)]),
    lambda records, lease, step: records.restart_steps(lease, [step]),
    lambda records, lease, step: records.progress_steps(lease, [(step, 0.5, "")]),
    lambda records, lease, step: records.add_messages(lease, [(None, Message(records._clock(), "info", "log", "x"))]),
    lambda records, lease, step: records.begin_loop(lease, "a", (), (), 3),
    lambda records, lease, step: records.hold_step(lease, "a", "a", (), (), "?"),
]


@pytest.mark.parametrize("write", WRITES)
def test_a_stale_runner_changes_nothing(records: Records, lease: Lease, write: Any):
    step = begun(records, lease)
    kill(records, lease.run)
    records.take_over(lease.run)
    before = records.run(lease.run), records.step_runs(lease.run, history=True), records.messages(lease.run)

    with pytest.raises(Fenced, match=f"run {lease.run} was taken over"):
        write(records, lease, step)
    assert before == (records.run(lease.run), records.step_runs(lease.run, history=True), records.messages(lease.run))


@pytest.mark.parametrize("write", WRITES)
def test_nothing_changes_in_a_run_that_has_ended(records: Records, lease: Lease, write: Any):
    step = begun(records, lease)
    records.end_run(lease, "completed")
    before = records.run(lease.run), records.step_runs(lease.run), records.messages(lease.run)

    with pytest.raises(AlreadyEnded, match="has already ended: completed"):
        write(records, lease, step)
    assert before == (records.run(lease.run), records.step_runs(lease.run), records.messages(lease.run))


@pytest.mark.parametrize("write", WRITES)
def test_nothing_is_written_into_a_run_that_is_not_there(records: Records, write: Any):
    with pytest.raises(UnknownRecord, match="there is no run 7"):
        write(records, Lease(7, 1), 1)


def test_the_heartbeat_of_a_fenced_runner_is_not_recorded(tmp_path: Path):
    records = open_store(tmp_path).records
    lease = records.start_run("flow", {}, "{}", "local").lease
    kill(records, 1)
    new = records.take_over(1)
    with pytest.raises(Fenced) as caught:
        records.beat(lease)

    assert "generation 1 of it, and it is in generation 2" in caught.value.where
    with sqlite3.connect(tmp_path / "records.sqlite") as connection:
        (heartbeat,) = connection.execute("SELECT heartbeat FROM runs").fetchone()
    assert heartbeat == new.heartbeat.replace(tzinfo=None).isoformat(" ", "microseconds")
