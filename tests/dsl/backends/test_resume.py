"""A run that is continued keeps what it has finished, and a runner that was overtaken changes nothing."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from kaon.artifacts import Fenced, Store, open_store
from kaon.artifacts.errors import StillRunning
from kaon.artifacts.records.tables import runs
from kaon.dsl import for_each, step, workflow
from kaon.dsl.backends import Engine, RunFailed, run
from kaon.dsl.backends.session import Session

made: list[str] = []
broken = {"train"}


@step(output="drawn")
def draw() -> list[int]:
    made.append("draw")
    return [1, 2, 3]


@step(output="trained")
def train(drawn: list[int]) -> int:
    made.append("train")
    if "train" in broken:
        raise ValueError("no luck")
    return sum(drawn)


@step(output="judged")
def judge(trained: int) -> int:
    made.append("judge")
    return trained * 2


@step(output="squared")
def square(number: int) -> int:
    made.append(f"square {number}")
    if f"square {number}" in broken:
        raise ValueError("no luck")
    return number * number


@step(output="total")
def add(squared: Mapping[int, int]) -> int:
    return sum(squared.values())


chain = workflow("chain", draw >> train >> judge)
wide = workflow("wide", draw >> for_each(number="drawn").do(square) >> add)


@pytest.fixture(autouse=True)
def store(tmp_path: Path) -> Store:
    made.clear()
    broken.clear()
    return open_store(tmp_path)


def test_a_failed_run_goes_on_with_what_failed(store: Store) -> None:
    broken.add("train")
    failed = run(chain, store=store, raises=False)
    broken.clear()

    result = run(chain, store=store, resume=failed.run_id)

    assert (result.run_id, result["judged"]) == (failed.run_id, 12)
    assert made == ["draw", "train", "train", "judge"]
    now = {record.step: record.state for record in store.records.step_runs(failed.run_id)}
    assert now == dict.fromkeys(("draw", "train", "judge"), "completed")
    before = [r.state for r in store.records.step_runs(failed.run_id, history=True) if r.superseded]
    assert before == ["failed", "cancelled"]


@pytest.mark.parametrize("limit", [1, 100])
def test_only_the_items_that_failed_run_again(store: Store, limit: int) -> None:
    broken.add("square 2")
    failed = run(wide, store=store, engine=Engine(wide=limit), raises=False)
    broken.clear()

    result = run(wide, store=store, engine=Engine(wide=limit), resume=failed.run_id)

    assert result["total"] == 14
    assert made == ["draw", "square 1", "square 2", "square 3", "square 2"]
    rows = [(r.step, r.state) for r in store.records.step_runs(failed.run_id) if r.step == "square"]
    assert rows == [("square", "completed")] * 3


def test_a_step_and_all_that_follows_it_can_be_run_again(store: Store) -> None:
    first = run(chain, store=store)

    result = run(chain, store=store, resume=first.run_id, again_from="train")

    assert made == ["draw", "train", "judge", "train", "judge"]
    reasons = {record.step: record.reason for record in store.records.step_runs(result.run_id)}
    assert reasons["judge"] == "asked to run again from train"


def test_a_run_that_goes_on_cannot_be_continued(store: Store) -> None:
    lease = store.records.start_run("chain", {}, chain.plan.to_json(), "local").lease

    with pytest.raises(StillRunning):
        run(chain, store=store, resume=lease.run)


def test_a_runner_that_was_overtaken_changes_nothing(store: Store) -> None:
    begun, overtaken = threading.Event(), threading.Event()

    @step(output="slow")
    def wait() -> int:
        begun.set()
        overtaken.wait(60)
        return 1

    flow = workflow("slow", wait >> square.reads(number="slow"))
    caught: list[BaseException] = []

    def stale() -> None:
        try:
            run(flow, store=store)
        except BaseException as error:
            caught.append(error)

    thread = threading.Thread(target=stale)
    thread.start()
    assert begun.wait(60)
    _age_heartbeat(store)
    lease = store.records.take_over(1).lease
    overtaken.set()
    thread.join(60)

    assert [type(error) for error in caught] == [Fenced]
    assert (lease.generation, store.records.run(1).state) == (2, "running")
    assert made == []
    assert store.records.outputs(1) == []


def test_a_cancelled_run_starts_nothing_more_and_says_who_stopped_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard, drain = threading.Event(), Session.drain

    def hear(session: Session, reason: str) -> None:
        drain(session, reason)
        heard.set()

    monkeypatch.setattr(Session, "drain", hear)

    @step(output="slow")
    def ask_to_cancel() -> int:
        store.records.want(1, "cancelled")
        assert heard.wait(60)
        return 4

    result = run(workflow("slow", ask_to_cancel >> square.reads(number="slow")), store=store, raises=False)

    assert (result.state, result.reason) == ("cancelled", "cancelled with `kaon cancel`")
    assert made == []
    assert {r.step: r.state for r in store.records.step_runs(1)} == {"ask_to_cancel": "completed"}


def test_a_step_that_outlasts_the_grace_is_stopped(store: Store) -> None:
    @step(output="slow")
    def ask_to_cancel() -> int:
        store.records.want(1, "cancelled")
        for _ in range(6000):
            threading.Event().wait(0.05)
        return 4

    with pytest.raises(RunFailed, match="did not complete: cancelled with `kaon cancel`"):
        run(workflow("slow", ask_to_cancel), store=store, engine=Engine(grace=0.2))

    assert {r.step: r.state for r in store.records.step_runs(1)} == {"ask_to_cancel": "cancelled"}


def _age_heartbeat(store: Store) -> None:
    """Let the run look as if its process had been stopped for a minute."""
    beat = datetime.now(UTC) - timedelta(minutes=1)
    store.records.database.write(lambda connection: connection.execute(update(runs).values(heartbeat=beat)))
