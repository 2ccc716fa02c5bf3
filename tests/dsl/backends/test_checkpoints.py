"""What a step keeps while it runs is an artifact, and the same step goes on from there after a death."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.dsl.backends import summed
from tests.dsl.backends.summed import Sum, apart, here

from kaon import Process, RunFailed, current_step, open_store, run, step, workflow
from kaon.artifacts import Store
from kaon.artifacts.collection import collect, garbage
from kaon.artifacts.records.search import Wanted, search
from kaon.artifacts.verification import verify
from kaon.artifacts.web.plans.nodes import facts_of
from kaon.artifacts.web.site import Site
from kaon.artifacts.web.step_detail import detail_of
from kaon.dsl.context import Checkpoint, StepContext, stepping
from kaon.dsl.ir import Step

LATER = datetime.now(UTC) + timedelta(days=2)
ROOT = Path(__file__).parents[3]
UNINTERRUPTED = 5 + (4 + (3 + (2 + (1 + 1 / 3) / 3) / 3) / 3) / 3


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("BEGAN", str(tmp_path / "began"))
    monkeypatch.delenv("DIES_AFTER", raising=False)
    return open_store(tmp_path / "store")


def began(store: Store) -> list[int]:
    """Return the round that each try began at."""
    return [int(line) for line in Path(os.environ["BEGAN"]).read_text().split()]


def killed(store: Store, name: str, after: int, backend: str = "local") -> int:
    """Run a workflow in a process that is killed after a round, and return how the process ended."""
    environment = {**os.environ, "DIES_AFTER": str(after), "PYTHONPATH": f"{ROOT}:{ROOT / 'src'}"}
    call = f"from tests.dsl.backends.summed import run_one; run_one({name!r}, {store.url!r}, {backend!r})"
    return subprocess.run([sys.executable, "-c", call], env=environment, capture_output=True, timeout=300).returncode


def test_a_step_that_was_killed_goes_on_and_makes_the_same(store: Store) -> None:
    assert killed(store, "here", after=2) == -signal.SIGKILL

    result = run(here, store=store)

    assert began(store) == [1, 3]
    assert result["total"] == UNINTERRUPTED


def test_a_step_may_be_killed_again_and_again(store: Store) -> None:
    assert [killed(store, "here", after) for after in (1, 2, 4)] == [-signal.SIGKILL] * 3

    assert run(here, store=store)["total"] == UNINTERRUPTED
    assert began(store) == [1, 2, 3, 5]


@pytest.mark.prefect
def test_a_run_on_prefect_that_was_killed_goes_on_too(store: Store, kaon_home: Path) -> None:
    assert killed(store, "here", 3, "prefect") == -signal.SIGKILL

    assert run(here, store=store, backend="prefect")["total"] == UNINTERRUPTED
    assert began(store) == [1, 4]


def test_what_a_step_kept_in_a_process_of_its_own_is_there_after_a_failure(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIES_AFTER", "3")
    monkeypatch.setenv("DIES_BY", "error")
    with pytest.raises(RunFailed, match="no luck"):
        run(apart, store=store)
    monkeypatch.delenv("DIES_AFTER")

    assert run(apart, store=store)["total"] == UNINTERRUPTED
    assert began(store) == [1, 4]


def test_another_try_of_a_step_goes_on(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    @step(output="total", retries=1)
    def count() -> int:
        saved = current_step().last_checkpoint(Sum)
        tries.append(saved.at if saved else 0)
        current_step().checkpoint(Sum(1.0), at=7)
        if current_step().attempt == 1:
            raise RuntimeError("no luck")
        return 1

    run(workflow("counted", count), store=store)

    assert tries == [0, 7]


def test_a_checkpoint_is_an_artifact_of_the_run_and_the_step(store: Store) -> None:
    result = run(here, store=store)

    (second, first) = store.records.checkpoints_of_run(result.run_id)[-2:]
    (kept,) = [one for one in store.records.step_runs(result.run_id) if one.step == "add_rounds"]
    assert (first.name, first.kind, first.step) == ("checkpoint", "json", "here/add_rounds")
    assert first.made_from == (result.artifact("first").id,)
    assert dict(first.summary) | {"type": ""} == {"at": 1, "measured": {"total": 1 + 1 / 3}, "type": ""}
    assert store.get(second, Sum) == Sum(2 + (1 + 1 / 3) / 3)
    assert [one.id for one in store.records.checkpoints_of_step(kept.id, 2)] == [second.id + 3, second.id + 2]
    assert [name for _, name, _ in store.records.outputs(result.run_id)] == ["first", "total"]
    assert next(m.text for m in store.records.messages(result.run_id)).startswith("kept 'checkpoint' after 1: ")


def test_checkpoints_are_found_and_shown_where_a_run_is(store: Store) -> None:
    result = run(here, store=store)

    (kept,) = [one for one in store.records.step_runs(result.run_id) if one.step == "add_rounds"]
    found = search(store.records.database, Wanted(run=result.run_id))
    detail = detail_of(cast(Site, SimpleNamespace(store=store)), facts_of(here.plan.to_json()), kept)

    assert [one.summary["at"] for one in found if one.name == "checkpoint"] == [5, 4, 3, 2, 1]
    assert [name for name, _ in detail.made] == ["total", *(f"checkpoint {number}" for number in (5, 4, 3, 2, 1))]


def test_another_setting_begins_anew(store: Store) -> None:
    killed(store, "here", after=2)

    run(here, {"start.value": 2.0}, store=store)

    assert began(store) == [1, 1]


def test_what_completed_has_nothing_to_go_on_from(store: Store) -> None:
    run(here, store=store)

    run(here, store=store, force=("add_rounds",))

    assert began(store) == [1, 1]


def test_a_step_that_is_forced_does_not_go_on_from_another_run(store: Store) -> None:
    killed(store, "here", after=2)

    run(here, store=store, force=("add_rounds",))

    assert began(store) == [1, 1]
    assert run(here, store=store)["total"] == UNINTERRUPTED


def test_states_of_several_names_are_kept_apart(store: Store) -> None:
    found: dict[str, float] = {}

    @step(output="done", retries=1)
    def keep_two() -> bool:
        here = current_step()
        if here.attempt == 1:
            here.checkpoint(Sum(1.0), at=1, name="user")
            here.checkpoint(Sum(2.0), at=1, name="item")
            raise RuntimeError("no luck")
        for name in ("user", "item"):
            saved = here.last_checkpoint(Sum, name=name)
            assert saved is not None
            found[name] = saved.value.total
        return here.last_checkpoint(Sum) is None

    assert run(workflow("two", keep_two), store=store)["done"]
    assert found == {"user": 1.0, "item": 2.0}


def test_a_value_that_no_kind_stores_is_refused_as_an_output_is(store: Store) -> None:
    @step(output="done")
    def keep_a_lock() -> bool:
        current_step().checkpoint(object(), at=1)
        return True

    with pytest.raises(RunFailed, match="no kind can store object"):
        run(workflow("locked", keep_a_lock), store=store)


def test_outside_a_run_nothing_is_kept() -> None:
    current_step().checkpoint(Sum(1.0), at=1)

    assert current_step().last_checkpoint(Sum) is None


def test_a_test_of_a_step_can_give_it_checkpoints_of_its_own(store: Store) -> None:
    class Remembered:
        def __init__(self) -> None:
            self.kept: list[Checkpoint[Any]] = [Checkpoint(Sum(4.0), 4)]

        def keep(self, name: str, checkpoint: Checkpoint[object]) -> None:
            self.kept.append(checkpoint)

        def last(self, name: str, wanted: Any) -> Any:
            return self.kept[-1]

    remembered = Remembered()
    with stepping(replace(StepContext(), checkpoints=remembered)):
        assert summed.rounds(0.0) == 4 / 3 + 5

    assert [one.at for one in remembered.kept] == [4, 5]


def large(text: str) -> Step[[], bool]:
    """Return a step that keeps a state too large for the records, and dies by an error."""

    @step(output="done")
    def keep_much() -> bool:
        here = current_step()
        saved = here.last_checkpoint(str)
        here.checkpoint(text * 5000, at=1)
        if saved is None:
            raise RuntimeError("no luck")
        return True

    return keep_much


def test_the_bytes_of_old_checkpoints_are_garbage_and_those_of_young_ones_are_not(store: Store) -> None:
    flow = workflow("much", large("state"))
    failed = run(flow, store=store, raises=False)
    (kept,) = store.records.checkpoints_of_run(failed.run_id)

    assert garbage(store, timedelta(days=7)).blobs == ()
    assert [blob.digest for blob in collect(store, garbage(store, timedelta(0), LATER)).blobs] == [kept.digest]

    assert verify(store).missing == ()
    with pytest.raises(RunFailed):
        run(flow, store=store)
    assert run(flow, store=store)["done"]


def test_bytes_that_are_an_output_too_stay(store: Store) -> None:
    @step(output="text")
    def write() -> str:
        current_step().checkpoint("text" * 5000, at=1)
        return "text" * 5000

    result = run(workflow("written", write), store=store)

    assert garbage(store, timedelta(0), LATER).blobs == ()
    assert result["text"] == "text" * 5000


def test_a_process_of_its_own_that_is_killed_with_the_run_has_recorded_all_but_what_it_said_last(store: Store) -> None:
    @step(output="done", place=Process(), retries=1)
    def keep_and_die() -> list[int]:
        here = current_step()
        saved = here.last_checkpoint(Sum)
        if saved is not None:
            return [saved.at]
        here.checkpoint(Sum(1.0), at=1)
        while here.last_checkpoint(Sum) is None:  # what is said is recorded by the run's process
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
        return []

    assert run(workflow("dying", keep_and_die), store=store)["done"] == [1]
