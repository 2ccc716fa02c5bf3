"""How the settings of the engine are found, and what is wrong with those that do not fit."""

import pytest
from tests.shapes import start

from kaon.artifacts import open_store
from kaon.dsl import SettingsError, workflow
from kaon.dsl.backends import Engine, run
from kaon.dsl.backends.pace import BATCH, Pace


def test_what_is_chosen_goes_before_the_environment_and_that_before_the_defaults(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAON_WIDE", "7")
    monkeypatch.setenv("KAON_WORKERS", "3")

    engine = Engine.from_environment(workers=5, task_runner=None)

    assert (engine.wide, engine.workers, engine.task_runner, engine.grace) == (7, 5, "threads", 10.0)


def test_a_value_of_the_environment_that_does_not_fit_is_named_with_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KAON_WIDE", "many")
    monkeypatch.setenv("KAON_TASK_RUNNER", "flink")

    with pytest.raises(SettingsError) as caught:
        Engine.from_environment()

    told = str(caught.value)
    assert "wide='many' does not fit" in told
    assert "set KAON_WIDE to another value" in told
    assert "input should be 'threads', 'dask' or 'ray'" in told


def test_a_cluster_needs_a_store_that_its_processes_can_read() -> None:
    flow = workflow("flow", start)

    with pytest.raises(SettingsError, match="task_runner='dask' needs another store") as caught:
        run(flow, store=open_store("memory://"), backend="prefect", engine=Engine(task_runner="dask"))

    assert "fix: use a folder" in str(caught.value)


def test_a_call_that_is_not_known_fills_a_batch() -> None:
    assert Pace().room == 1


def test_the_room_of_a_batch_grows_step_by_step_and_shrinks_at_once() -> None:
    pace = Pace()
    rooms = []
    for seconds in (1e-6, 1e-6, 1e-6, 1e-6, 1e-6, 30.0):
        pace.learn("train", seconds)
        rooms.append(pace.room)

    assert rooms == [4, 16, 64, BATCH, BATCH, 1]
