"""Runs come to the same with the records in PostgreSQL as in SQLite."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.artifacts.stores import empty_postgres
from tests.dsl.backends.test_shapes_local import assert_as_expected
from tests.shapes import SHAPES, Shape

from kaon.artifacts import Store, open_store
from kaon.dsl.backends import Engine, run


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(f"file://{tmp_path}?records={empty_postgres()}")
    yield opened
    opened.records.database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_comes_to_what_it_must_with_records_in_postgres(shape: Shape, store: Store) -> None:
    result = run(shape.workflow, shape.settings, store=store, force=_all_steps(shape), raises=False)

    assert_as_expected(shape, result, store)


@pytest.mark.postgres
@pytest.mark.prefect
@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("name", ["loops in loops", "a loop in a repetition", "an item that fails among others"])
def test_shards_record_in_postgres(name: str, store: Store) -> None:
    shape = SHAPES[name]
    engine = Engine(wide=1)

    result = run(shape.workflow, store=store, backend="prefect", engine=engine, force=_all_steps(shape), raises=False)

    assert_as_expected(shape, result, store)


def _all_steps(shape: Shape) -> list[str]:
    return [call.step for call in shape.workflow.plan.calls()]
