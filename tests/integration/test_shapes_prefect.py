"""The Prefect backend agrees with the local one on every shape of plan, failures included."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.dsl.backends.test_shapes_local import assert_as_expected
from tests.shapes import SHAPES, Shape

from kaon.artifacts import Store, open_store
from kaon.dsl.backends import Engine, run
from kaon.dsl.plan import Loop, walk

pytestmark = [pytest.mark.prefect, pytest.mark.usefixtures("server")]


def has_loop(shape: Shape) -> bool:
    return any(isinstance(node, Loop) for node in walk(shape.workflow.plan.root))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_shape_comes_to_the_same_on_prefect_as_locally(shape: Shape, tmp_path: Path) -> None:
    here, there = open_store(tmp_path / "local"), open_store(tmp_path / "prefect")
    locally = run(shape.workflow, shape.settings, store=here, raises=False)

    on_prefect = run(shape.workflow, shape.settings, store=there, backend="prefect", raises=False)

    assert_as_expected(shape, on_prefect, there)
    assert ends(there, on_prefect.run_id) == ends(here, locally.run_id)
    assert digests(there, on_prefect.run_id) == digests(here, locally.run_id)
    assert on_prefect.notes == ()


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if has_loop(shape)])
def test_a_shape_comes_to_the_same_when_its_loops_run_in_shards_as_locally(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    here, there = open_store(tmp_path / "local"), open_store(tmp_path / "prefect")
    locally = run(shape.workflow, shape.settings, store=here, raises=False)

    engine = Engine(wide=1)
    sharded = run(shape.workflow, shape.settings, store=there, backend="prefect", engine=engine, raises=False)

    assert_as_expected(shape, sharded, there)
    assert ends(there, sharded.run_id) == ends(here, locally.run_id)
    assert digests(there, sharded.run_id) == digests(here, locally.run_id)
    assert sharded.notes == ()


def ends(store: Store, run_id: int) -> Counter[Any]:
    """How every step ended, whatever the order; a step that found another's result may be skipped or not."""
    return Counter(
        (
            r.path,
            r.keys,
            r.attempt,
            "completed" if r.state == "skipped" else r.state,
            (r.error or "").partition("\n")[0],
        )
        for r in store.records.step_runs(run_id)
    )


def digests(store: Store, run_id: int) -> Counter[Any]:
    return Counter((name, artifact.digest) for _, name, artifact in store.records.outputs(run_id))
