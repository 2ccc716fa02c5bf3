"""What the records say of runs: who holds them, whether they live, how they end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from tests.artifacts.stores import Clock, kill

from kaon.artifacts import (
    AlreadyEnded,
    Begin,
    Begun,
    Ending,
    Lease,
    UnknownRecord,
    digest_bytes,
    open_store,
)
from kaon.artifacts.records.records import Records

KEY = digest_bytes(b"key")


def begun(records: Records, lease: Lease, path: str = "flow/a", key: Any = None) -> int:
    answer = records.begin_steps(lease, [Begin(path, path.rpartition("/")[2], key=key)], lambda _: True)[0]
    assert isinstance(answer, Begun), answer
    return answer.step_run


def test_runs_are_numbered_from_one_and_say_who_runs_them(records: Records, clock: Clock):
    first = records.start_run("flow", {"train.rank": 8}, '{"plan": 1}', "local", {"user": "me"})
    second = records.start_run("other", {}, "{}", "prefect")

    assert (first.id, second.id) == (1, 2)
    assert records.run(1) == first
    assert (first.state, first.pid, first.host) == ("running", os.getpid(), socket.gethostname())
    assert (first.settings, first.plan, first.tags) == ({"train.rank": 8}, '{"plan": 1}', {"user": "me"})
    assert first.started == first.heartbeat == clock.time and first.started.tzinfo is UTC
    assert (first.generation, first.wanted, first.lease) == (1, "", Lease(1, 1))


def test_the_newest_run_comes_first(records: Records):
    for workflow in ("a", "b", "a"):
        records.start_run(workflow, {}, "{}", "local")

    assert [run.id for run in records.runs()] == [3, 2, 1]
    assert [run.id for run in records.runs("a")] == [3, 1]
    assert [run.id for run in records.runs(limit=1)] == [3]


def test_a_run_ends_once(records: Records, lease: Lease, clock: Clock):
    clock.forward(5)
    records.end_run(lease, "failed", "two steps failed")

    with pytest.raises(AlreadyEnded, match=f"run {lease.run} has already ended: failed"):
        records.end_run(lease, "completed", "")
    ended = records.run(lease.run)
    assert (ended.state, ended.reason, ended.ended) == ("failed", "two steps failed", clock.time)


def test_ending_a_run_cancels_what_had_not_ended(records: Records, lease: Lease):
    done, open_step = begun(records, lease), begun(records, lease, "flow/b")
    records.finish_steps(lease, [Ending(done, "completed")])
    records.end_run(lease, "failed")

    assert [record.state for record in records.step_runs(lease.run)] == ["completed", "cancelled"]
    assert records.step_run(open_step).reason == "its run ended before it"


def test_tags_are_added_and_replaced(records: Records, lease: Lease):
    records.tag_run(lease.run, {"user": "you", "mlflow.run": "abc"})

    assert records.run(lease.run).tags == {"user": "you", "mlflow.run": "abc"}


def test_a_run_that_falls_silent_reads_as_failed_until_it_shows_life_again(
    records: Records, lease: Lease, clock: Clock
):
    step = begun(records, lease)
    clock.forward(15)
    assert records.run(lease.run).state == "running"

    clock.forward(0.5)
    run, listed, one = records.run(lease.run), records.runs()[0], records.step_run(step)
    assert [run.state, listed.state, one.state] == ["failed"] * 3
    assert records.step_runs(lease.run)[0].reason == run.reason
    assert run.reason == "its process died: no sign of life since 2026-01-01 00:00:00 UTC"

    assert records.beat(lease) == ""
    assert records.run(lease.run).state == records.step_run(step).state == "running"


def test_a_run_whose_process_is_gone_reads_as_failed_at_once(records: Records, lease: Lease):
    step = begun(records, lease)
    kill(records, lease.run)

    assert records.run(lease.run).state == records.step_run(step).state == "failed"
    assert records.run(lease.run).reason.startswith("its process died: there is no process")
    assert [record.id for record in records.step_runs(lease.run, states=["failed"])] == [step]
    assert records.step_runs(lease.run, states=["running"]) == []


def test_a_pid_that_another_process_has_now_is_no_sign_of_life(records: Records, lease: Lease):
    with records.database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET process = 1000000.0")

    assert records.run(lease.run).state == "failed"


def test_a_pid_on_another_machine_says_nothing(records: Records, lease: Lease):
    kill(records, lease.run)
    with records.database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET machine = 'elsewhere/1'")

    assert records.run(lease.run).state == "running"


def test_a_killed_process_is_seen_as_dead_at_once(tmp_path: Path):
    code = f"""
import os, signal
from kaon.artifacts import Begin, open_store
store = open_store({str(tmp_path)!r})
run = store.records.start_run("flow", {{}}, "{{}}", "local")
store.begin_steps(run.lease, [Begin("flow/a", "a")])
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", code]).returncode == -9
    records = open_store(tmp_path).records

    assert (records.run(1).state, records.step_runs(1)[0].state) == ("failed", "failed")
    assert records.take_over(1).generation == 2


def test_what_had_ended_before_its_run_died_stays_as_it_was(records: Records, lease: Lease, clock: Clock):
    done = begun(records, lease)
    records.finish_steps(lease, [Ending(done, "completed")])
    clock.forward(60)

    assert records.step_run(done).state == "completed"
    records.end_run(lease, "cancelled", "by hand")
    assert records.run(lease.run).state == "cancelled"


def test_a_wish_is_heard_at_the_next_sign_of_life(records: Records, lease: Lease):
    records.want(lease.run, "cancelled")

    assert records.run(lease.run).state == "running"
    assert records.beat(lease) == records.run(lease.run).wanted == "cancelled"


@pytest.mark.parametrize("how", ["dead", "held"])
def test_a_run_without_a_process_is_cancelled_at_once(records: Records, lease: Lease, how: str):
    step = begun(records, lease)
    if how == "dead":
        kill(records, lease.run)
    else:
        records.hold_step(lease, "flow/h", "h", (), (), "publish?")
        records.end_run(lease, "held")
    records.want(lease.run, "cancelled")

    assert records.run(lease.run).state == records.step_run(step).state == "cancelled"
    assert all(record.ended is not None for record in records.step_runs(lease.run))
    with pytest.raises(AlreadyEnded):
        records.want(lease.run, "cancelled")


def test_a_resumed_run_is_not_cancelled_by_an_old_wish(records: Records, lease: Lease):
    records.want(lease.run, "cancelled")
    records.end_run(lease, "cancelled")

    assert records.beat(records.take_over(lease.run).lease) == ""


def test_a_held_run_waits_without_a_process(records: Records, lease: Lease, clock: Clock):
    left = begun(records, lease)
    records.hold_step(lease, "flow/publish", "publish", (), (), "publish?")
    records.end_run(lease, "held", "waits for an answer")
    kill(records, lease.run)
    clock.forward(1_000_000)

    run = records.run(lease.run)
    assert (run.state, run.reason, run.ended) == ("held", "waits for an answer", None)
    assert [step.state for step in records.step_runs(lease.run)] == ["cancelled", "held"]
    assert records.step_run(left).reason == "its run was held before it ended"


@pytest.mark.parametrize(
    "ask",
    [
        lambda records: records.run(7),
        lambda records: records.tag_run(7, {}),
        lambda records: records.take_over(7),
        lambda records: records.want(7, "cancelled"),
        lambda records: records.bury(7),
        lambda records: records.decide(7, True, "me"),
        lambda records: records.overview(7),
        lambda records: records.step_run(7),
        lambda records: records.artifact(7),
    ],
)
def test_an_unknown_id_is_refused(records: Records, ask: Any):
    with pytest.raises(UnknownRecord, match=r"there is no (run|step run|artifact) 7"):
        ask(records)


def test_reading_a_store_that_is_not_there_finds_nothing_and_creates_nothing(tmp_path: Path):
    store = open_store(tmp_path / "none")

    assert store.records.runs() == []
    assert store.find(KEY) is None
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(UnknownRecord):
        store.records.run(1)
