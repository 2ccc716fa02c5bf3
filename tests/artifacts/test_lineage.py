from __future__ import annotations

from typing import Any

import pytest

from kaon.artifacts import UnknownRecord
from kaon.artifacts.lineage import downstream, upstream


@pytest.fixture
def diamond(work: Any) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, sources in (("events", ""), ("train", "events"), ("test", "events"), ("model", "train test"), ("x", "")):
        made[name] = work.put(name, str, name, tuple(made[source].id for source in sources.split()))
    return made


def test_upstream_goes_back_to_the_sources(work: Any, diamond: dict[str, Any]):
    lineage = upstream(work.store.records, diamond["model"].id)

    assert [artifact.name for artifact in lineage.artifacts.values()] == ["model", "train", "test", "events"]
    assert lineage.edges == ((4, 2), (4, 3), (2, 1), (3, 1))
    assert lineage.artifacts[4] == diamond["model"]


def test_downstream_goes_on_to_all_that_was_made_from_it(work: Any, diamond: dict[str, Any]):
    lineage = downstream(work.store.records, diamond["events"].id)

    assert [artifact.name for artifact in lineage.artifacts.values()] == ["events", "train", "test", "model"]
    assert lineage.edges == ((1, 2), (1, 3), (2, 4), (3, 4))


def test_the_tree_shows_every_artifact_and_unfolds_it_once(work: Any, diamond: dict[str, Any]):
    lines = downstream(work.store.records, diamond["events"].id).lines()

    assert lines == [
        "events #1 (json) from flow/step, market=US, run 1",
        "  train #2 (json) from flow/step, market=US, run 1",
        "    model #4 (json) from flow/step, market=US, run 1",
        "  test #3 (json) from flow/step, market=US, run 1",
        "    model #4 (json) from flow/step, market=US, run 1",
    ]
    assert upstream(work.store.records, diamond["x"].id).lines() == ["x #5 (json) from flow/step, market=US, run 1"]


def test_what_was_unfolded_is_marked(work: Any, diamond: dict[str, Any]):
    work.put("last", str, "last", (diamond["model"].id,))

    assert "    model #4 (json) from flow/step, market=US, run 1 …" in downstream(work.store.records, 1).lines()


def test_a_long_chain_and_a_wide_join_are_walked_whole(work: Any):
    ids = [work.put(number, int).id for number in range(1200)]
    joined = work.put(0, int, made_from=tuple(ids))

    assert len(upstream(work.store.records, joined.id).artifacts) == 1201
    assert downstream(work.store.records, ids[-1]).edges == ((ids[-1], joined.id),)


def test_the_tree_of_a_chain_that_is_deeper_than_python_recurses_is_shown(work: Any):
    last: tuple[int, ...] = ()
    for number in range(1100):
        last = (work.put(number, int, made_from=last).id,)

    lines = upstream(work.store.records, last[0]).lines()

    assert len(lines) == 1100 and lines[-1].startswith(f"{'  ' * 1099}value #1 (json)")


def test_the_lineage_of_nothing_is_refused(work: Any):
    with pytest.raises(UnknownRecord):
        upstream(work.store.records, 99)
