"""Runs as a list, and what is inside a run, a page at a time."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import inspect
from tests.artifacts.stores import kill
from tests.artifacts.test_progress import finish, items

from kaon.artifacts import Artifact, Begin, Ending, Lease, Message, NewOutput, State, digest_bytes
from kaon.artifacts.records.database import Database
from kaon.artifacts.records.listing import RunFilter
from kaon.artifacts.records.records import Records
from kaon.artifacts.web.loop_items import LoopItems

LOOP = "flow/for_each/fit"


def run(records: Records, workflow: str, state: State = "completed", **tags: str) -> int:
    """Record a run that has ended so, and return its number."""
    started = records.start_run(workflow, {"rank": 8}, "{}", "local", tags)
    if state != "running":
        records.end_run(started.lease, state)
    return started.id


def ids(records: Records, wanted: RunFilter) -> list[int]:
    return [one.id for one in records.list_runs(wanted)]


def test_runs_are_filtered_by_workflow_state_tag_and_text(records: Records) -> None:
    nightly, failed = run(records, "nightly", team="a"), run(records, "nightly", "failed", team="b", note='say "x=1"')
    weekly = run(records, "weekly", "held", team="a")

    assert ids(records, RunFilter()) == [weekly, failed, nightly]
    assert ids(records, RunFilter(workflow="nightly")) == [failed, nightly]
    assert ids(records, RunFilter(states=("failed", "held"))) == [weekly, failed]
    assert ids(records, RunFilter(tag="team=a")) == [weekly, nightly]
    assert ids(records, RunFilter(tag="note")) == [failed]
    assert ids(records, RunFilter(tag='note=say "x=1"')) == [failed]
    assert ids(records, RunFilter(tag="te_m=a")) == []  # a wildcard of SQL is only a letter
    assert ids(records, RunFilter(text="WEEK")) == [weekly]
    assert ids(records, RunFilter(workflow="nightly", tag="team=a", text="rank")) == [nightly]


def test_a_dead_run_is_listed_as_failed_and_not_as_running(records: Records) -> None:
    dead, alive = run(records, "nightly", "running"), run(records, "nightly", "running")
    kill(records, dead)

    assert ids(records, RunFilter(states=("failed",))) == [dead]
    assert ids(records, RunFilter(states=("running",))) == [alive]
    assert "no process" in records.list_runs(RunFilter(states=("failed",)))[0].reason


def test_pages_go_both_ways_by_the_runs_at_their_edges(records: Records) -> None:
    for _ in range(7):
        run(records, "nightly")

    assert [one.id for one in records.list_runs(RunFilter(), limit=3)] == [7, 6, 5]
    assert [one.id for one in records.list_runs(RunFilter(), before=5, limit=3)] == [4, 3, 2]
    assert [one.id for one in records.list_runs(RunFilter(states=("completed",)), after=1, limit=3)] == [4, 3, 2]


def test_metrics_are_those_of_the_last_attempt_and_of_reused_artifacts(records: Records) -> None:
    first, second = records.start_run("flow", {}, "{}", "local"), records.start_run("flow", {}, "{}", "local")
    key = digest_bytes(b"key")

    def output(value: float) -> NewOutput:
        return NewOutput("metrics", "metrics", digest_bytes(str(value).encode()), 2, {"loss": value}, b"{}")

    for attempt, value in ((1, 0.5), (2, 0.25)):
        call = Begin("flow/train", "train", attempt=(attempt,), key=key if attempt == 2 else None)
        begun = records.begin_steps(first.lease, [call], lambda _: True)[0]
        ending = Ending(begun.step_run, "completed", "", outputs=(output(value),))  # type: ignore[union-attr]
        records.finish_steps(first.lease, [ending])
    records.begin_steps(second.lease, [Begin("flow/train", "train", key=key)], lambda _: True)

    found = records.metrics_of([first.id, second.id], ["flow/train"])
    assert found == {first.id: {"metrics": {"loss": 0.25}}, second.id: {"metrics": {"loss": 0.25}}}
    assert records.metrics_of([], ["flow/train"]) == {}


def test_items_are_counted_by_the_worst_of_their_steps(records: Records, lease: Lease) -> None:
    paths = (LOOP, "flow/for_each/score")
    loop = LoopItems(records, lease.run, paths)
    fits, scores = items(records, lease, LOOP, 0, 3), items(records, lease, "flow/for_each/score", 0, 2)
    loop.refresh(1)
    finish(records, lease, fits)
    finish(records, lease, scores[:1], "failed")
    loop.refresh(1)

    assert loop.counts(dead=False) == {"failed": 1, "running": 1, "completed": 1}
    found = loop.page((), after=0, limit=50, dead=False)
    assert [(item.keys, item.state, item.steps) for item in found] == [
        ((("i", 0),), "failed", 2),
        ((("i", 1),), "running", 2),
        ((("i", 2),), "completed", 1),
    ]
    assert found[1].ended is None
    assert [item.keys for item in loop.page(("failed",), after=0, limit=50, dead=False)] == [(("i", 0),)]
    assert [item.keys for item in loop.page((), after=found[0].first, limit=1, dead=False)] == [(("i", 1),)]
    assert loop.counts(dead=True) == {"failed": 2, "completed": 1}


def test_items_of_a_run_that_was_taken_up_are_read_anew(records: Records, lease: Lease) -> None:
    loop = LoopItems(records, lease.run, (LOOP, "flow/for_each/score"))
    finish(records, lease, items(records, lease, LOOP, 0, 2), "failed")
    loop.refresh(1)
    records.end_run(lease, "failed", "two failed")
    again = records.take_over(lease.run).lease
    items(records, again, LOOP, 0, 1)
    loop.refresh(2)

    assert loop.counts(dead=False) == {"running": 1}


def test_items_come_in_pages(records: Records, lease: Lease) -> None:
    items(records, lease, LOOP, 0, 5)

    first = records.items(lease.run, LOOP, limit=2)
    second = records.items(lease.run, LOOP, after=first[-1].first, limit=2)
    assert [dict(item.keys)["i"] for item in (*first, *second)] == [0, 1, 2, 3]


def test_open_items_of_a_dead_run_have_failed(records: Records, lease: Lease) -> None:
    finish(records, lease, items(records, lease, LOOP, 0, 2)[:1])
    kill(records, lease.run)

    assert [item.state for item in records.items(lease.run, LOOP, states=("failed",))] == ["failed"]


def test_a_log_is_read_from_its_end_and_in_both_directions(records: Records, lease: Lease) -> None:
    (step,) = items(records, lease, LOOP, 0, 1)
    time = records.run(lease.run).started
    told = [(step, Message(time, "info", "log", f"line {n}")) for n in range(6)]
    others = [(None, Message(time, "info", "log", "100%_of it")), (step, Message(time, "info", "metric", ""))]
    records.add_messages(lease, [*told, *others])

    def lines(**wanted: object) -> list[str]:
        return [message.text for message in records.log(lease.run, step, **wanted)]  # type: ignore[arg-type]

    newest = records.log(lease.run, step, limit=2)
    assert [message.text for message in newest] == ["line 4", "line 5"]
    assert lines(before=newest[0].id, limit=2) == ["line 2", "line 3"]
    assert lines(after=newest[0].id) == ["line 5"]
    assert lines(text="LINE 3") == ["line 3"]
    assert [message.text for message in records.log(lease.run, None, text="%_")] == ["100%_of it"]
    assert records.last_message(lease.run) == newest[-1].id + 2


def test_what_a_step_gave_is_found_by_its_place(records: Records, lease: Lease) -> None:
    steps = items(records, lease, LOOP, 0, 2)
    output = NewOutput("model", "json", digest_bytes(b"1"), 1, {}, b"1")
    records.finish_steps(lease, [Ending(step, "completed", "", outputs=(output,)) for step in steps])

    found = records.output_at(lease.run, LOOP, "model", (("i", 1),), None)
    assert isinstance(found, Artifact) and found.keys == (("i", 1),)
    assert records.output_at(lease.run, LOOP, "model", (("i", 9),), None) is None
    assert records.outputs_of(steps)[steps[0]][0][0] == "model"


def test_a_step_that_was_done_anew_is_there_twice(records: Records, lease: Lease) -> None:
    finish(records, lease, items(records, lease, LOOP, 0, 1), "failed")
    kill(records, lease.run)
    again = records.take_over(lease.run).lease
    items(records, again, LOOP, 0, 1)

    assert [step.state for step in records.tries_of(lease.run, LOOP, (("i", 0),), ())] == ["failed", "running"]


@pytest.mark.parametrize("times", [1, 2])
def test_the_index_of_the_list_may_be_asked_for_again(records: Records, times: int) -> None:
    for _ in range(times):
        records.index_listing()

    assert records.list_runs(RunFilter(tag="none")) == []


def test_an_older_store_is_given_the_index_of_the_list_when_it_is_brought_up_to_date(tmp_path: Path) -> None:
    file = tmp_path / "records.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(Path(__file__).with_name("records_version_2.sql").read_text())
    connection.close()
    old = Records(Database(f"sqlite:///{file}"))
    old.runs()

    assert "runs_listed" in {index["name"] for index in inspect(old.database._engine).get_indexes("runs")}
    old.database.close()
