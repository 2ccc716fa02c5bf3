"""How far a run is."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.artifacts.stores import Clock, kill

from kaon.artifacts import Begin, Ending, Lease
from kaon.artifacts.records.progress import expected
from kaon.artifacts.records.records import Records


def items(records: Records, lease: Lease, path: str, start: int, stop: int) -> list[int]:
    calls = [Begin(path, path.rpartition("/")[2], (("i", i),)) for i in range(start, stop)]
    return [begun.step_run for begun in records.begin_steps(lease, calls, lambda _: True)]  # type: ignore[union-attr]


def finish(records: Records, lease: Lease, ids: list[int], state: Any = "completed") -> None:
    records.finish_steps(lease, [Ending(step_run, state, f"as {state}") for step_run in ids])


def test_an_overview_counts_states_and_tells_rate_and_time_left(records: Records, lease: Lease, clock: Clock):
    first = records.begin_steps(lease, [Begin("flow/load", "load")], lambda _: True)[0]
    finish(records, lease, [first.step_run])  # type: ignore[union-attr]
    records.begin_loop(lease, "flow/for_each", (), (), 100)
    ids = items(records, lease, "flow/for_each/fit", 0, 40)
    clock.forward(10)
    finish(records, lease, ids[:18])
    finish(records, lease, ids[18:20], "failed")

    overview = records.overview(lease.run)
    load, fit = overview.paths
    assert overview.run == records.run(lease.run)
    assert (load.path, load.step, load.total, load.counts, load.ended) == ("flow/load", "load", 1, {"completed": 1}, 1)
    assert (fit.path, fit.total, fit.ended) == ("flow/for_each/fit", 100, 20)
    assert fit.counts == {"running": 20, "completed": 18, "failed": 2}
    assert (fit.rate, fit.left) == (2.0, timedelta(seconds=40))
    assert (fit.started, fit.latest) == (clock.time - timedelta(seconds=10), clock.time)
    assert [failure.id for failure in overview.failures] == [ids[19], ids[18]]


def test_the_rate_is_that_of_late(records: Records, lease: Lease, clock: Clock):
    records.begin_loop(lease, "flow/for_each", (), (), 100)
    ids = items(records, lease, "flow/for_each/fit", 0, 90)
    finish(records, lease, ids[:60])
    clock.forward(14)
    records.beat(lease)
    clock.forward(14)
    records.beat(lease)
    clock.forward(12)
    finish(records, lease, ids[60:75])

    (fit,) = records.overview(lease.run).paths
    assert (fit.rate, fit.left) == (0.5, timedelta(seconds=50))


def test_what_went_before_a_resumption_and_failed_counts_no_more(records: Records, lease: Lease):
    records.begin_loop(lease, "flow/for_each", (), (), 3)
    ids = items(records, lease, "flow/for_each/fit", 0, 3)
    finish(records, lease, ids[:1])
    finish(records, lease, ids[1:2], "failed")
    kill(records, lease.run)
    dead = records.overview(lease.run)
    assert dead.paths[0].counts == {"completed": 1, "failed": 2} and len(dead.failures) == 2
    assert (dead.paths[0].rate, dead.paths[0].left, dead.run.state) == (0.0, None, "failed")

    again = records.take_over(lease.run).lease
    records.begin_loop(again, "flow/for_each", (), (), 4)
    items(records, again, "flow/for_each/fit", 1, 2)
    (fit,) = records.overview(lease.run).paths
    assert (fit.counts, fit.total) == ({"completed": 1, "running": 1}, 4)
    assert records.overview(lease.run).failures == ()


def test_ten_failures_are_shown_the_newest_first(records: Records, lease: Lease):
    ids = items(records, lease, "flow/for_each/fit", 0, 12)
    finish(records, lease, ids, "failed")

    overview = records.overview(lease.run)
    assert [failure.id for failure in overview.failures] == ids[:1:-1]
    assert overview.paths[0].total is None and overview.paths[0].left is None


@pytest.mark.parametrize(
    ("path", "total"),
    [
        ("flow/load", None),
        ("flow/one/fit", 4),
        ("flow/one/two/fit", 20),
        ("flow/one/two/three/fit", 60),
        ("flow/repeat/loop/fit", 7),
        ("flow/oneself/fit", None),
    ],
)
def test_loops_that_are_yet_to_come_count_like_those_that_have_begun(path: str, total: int | None):
    totals = {
        "flow/one": [4],
        "flow/one/two": [4, 6],
        "flow/one/two/three": [3],
        "flow/repeat/loop": [3, 4],
    }

    assert expected(path, totals) == total
