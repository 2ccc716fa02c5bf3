"""The leaderboard of a sweep: what points came to, kept up to date by what is new, however many there are."""

import pytest

from kaon.artifacts import Metrics, Store, open_store
from kaon.artifacts.sweeping import Board, sweep_in
from kaon.dsl import for_each, step, sweep, workflow
from kaon.dsl.backends import Engine, run


@step(output="score")
def score(rank: int, alpha: float, *, fails_at: int = -1) -> Metrics:
    if rank == fails_at:
        raise ValueError(f"rank {rank} is too much")
    return {"value": rank * alpha, "loss": 1 / (1 + rank)}


@step(output="city_score")
def score_city(city: str, rank: int) -> float:
    return float(rank * len(city))


SEARCH = workflow("search", sweep(rank=[1, 2, 3], alpha=[1.0, 10.0]).do(score, on_failure="continue"))
CITIES = workflow("cities", sweep(rank=[1, 2]).do(for_each(city=["Bonn", "Basel"]).do(score_city)))


@pytest.fixture
def store() -> Store:
    return open_store("memory://")


def board(store: Store, run_id: int) -> Board:
    record = store.records.run(run_id)
    sweep = sweep_in(record)
    assert sweep is not None
    made = Board(store, run_id, sweep)
    made.refresh(record.generation, over=record.ended is not None)
    return made


def test_points_are_ranked_by_a_metric_with_those_that_failed_last_and_why(store: Store):
    made = board(store, run(SEARCH, {"score.fails_at": 2}, store=store, raises=False).run_id)

    ranked = made.ranked("score.value", down=True)

    assert [p.values["rank"] * p.values["alpha"] for p in ranked.points[:4]] == [30.0, 10.0, 3.0, 1.0]
    assert [(p.state, p.reason) for p in ranked.points[4:]] == [("failed", "ValueError: rank 2 is too much")] * 2
    assert made.counts() == {"completed": 4, "failed": 2} and made.metrics == ("score.value", "score.loss")
    best = made.best("score.loss", less=True)
    assert best is not None and best.values["rank"] == 3
    assert [p.values["alpha"] for p in made.ranked("alpha", down=False, state="failed").points] == [1.0, 10.0]


def test_what_was_found_in_the_store_is_measured_too(store: Store):
    run(SEARCH, store=store)
    made = board(store, run(SEARCH, store=store).run_id)

    assert made.counts() == {"skipped": 6}
    assert {p.metrics["score.value"] for p in made.points.values()} == {1.0, 10.0, 2.0, 20.0, 3.0, 30.0}


def test_what_a_loop_inside_a_point_measures_is_told_by_its_mean(store: Store):
    made = board(store, run(CITIES, store=store).run_id)

    assert [p.metrics for p in made.points.values()] == [{"city_score": 4.5}, {"city_score": 9.0}]


def test_a_board_reads_only_what_is_new_and_starts_over_for_a_run_that_was_taken_up(store: Store):
    run_id = run(SEARCH, {"score.fails_at": 2}, store=store, raises=False).run_id
    made = board(store, run_id)
    version = made.version
    made.refresh(1, over=True)
    assert made.version == version

    run(SEARCH, {"score.fails_at": 5}, store=store, resume=run_id, raises=False)
    record = store.records.run(run_id)
    made.refresh(record.generation, over=True)
    assert made.counts() == {"completed": 6} and made.version > version


def test_ten_thousand_points_are_read_once_and_shown_in_pages(store: Store, monkeypatch: pytest.MonkeyPatch):
    wide = workflow("wide", sweep(rank=list(range(100)), alpha=[float(n) for n in range(100)]).do(score))
    run_id = run(wide, store=store, engine=Engine(wide=10_001)).run_id

    made = board(store, run_id)
    monkeypatch.setattr(store.records.database, "reading", lambda: pytest.fail("what was read is read again"))
    page = made.ranked("score.value", down=True, start=50, limit=50)
    drawn = made.sampled("score.value", less=False, most=400)

    assert len(made.points) == 10_000 and page.found == 10_000 and len(page.points) == 50
    assert len(drawn) == 400 and drawn[0].metrics["score.value"] == 99 * 99
