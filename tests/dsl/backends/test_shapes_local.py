"""What each shape of plan comes to on the local backend, the reference."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
from tests.shapes import SHAPES, Shape

from kaon.artifacts import open_store
from kaon.dsl.backends import Engine, run


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_comes_to_what_it_must_on_the_local_backend(shape: Shape) -> None:
    store = open_store("memory://")

    result = run(shape.workflow, shape.settings, store=store, raises=False)

    assert_as_expected(shape, result, store)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_second_run_of_a_shape_skips_what_finished_and_comes_to_the_same(shape: Shape) -> None:
    store = open_store("memory://")
    first = run(shape.workflow, shape.settings, store=store, raises=False)

    second = run(shape.workflow, shape.settings, store=store, raises=False)

    assert_as_expected(shape, second, store)
    finished = Counter(states(store, first.run_id, "completed") + states(store, first.run_id, "skipped"))
    assert Counter(states(store, second.run_id, "skipped")) == finished
    assert states(store, second.run_id, "completed") == []


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_comes_to_the_same_when_every_loop_of_it_is_wide(shape: Shape) -> None:
    store = open_store("memory://")

    result = run(shape.workflow, shape.settings, store=store, engine=Engine(wide=1), raises=False)

    assert_as_expected(shape, result, store)


def assert_as_expected(shape: Shape, result: Any, store: Any) -> None:
    assert result.state == ("failed" if shape.failures else "completed")
    assert {failure.place for failure in result.failures} == shape.failures.keys()
    for failure in result.failures:
        assert failure.cause.startswith(shape.failures[failure.place])
    assert {name: plain(result[name]) for name in shape.outputs} == shape.outputs
    cancelled = {record.step for record in store.records.step_runs(result.run_id) if record.state == "cancelled"}
    assert cancelled == shape.cancelled
    assert all(record.ended is not None for record in store.records.step_runs(result.run_id))


def states(store: Any, run_id: int, state: str) -> list[tuple[Any, ...]]:
    return [
        (record.path, record.keys, record.attempt)
        for record in store.records.step_runs(run_id)
        if record.state == state
    ]


def plain(value: Any) -> Any:
    return {key: plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value
