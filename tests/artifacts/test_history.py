"""What the records say of past runs, and how artifacts are found in them: the same in every database."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.artifacts.stores import Work

from kaon.artifacts import Metrics, Store
from kaon.artifacts.records.history import history
from kaon.artifacts.records.search import Wanted, kinds_and_workflows, results_of, search


def test_the_history_has_every_run_of_the_workflow_oldest_first_with_gaps(store: Store, work: Work):
    first = work.put(Metrics(loss=1), Metrics)
    gap = work.another()
    last = work.another().put(Metrics(loss=2), Metrics)
    other = Work(store, store.records.start_run("other", {}, "{}", "local").lease)
    other.put(Metrics(loss=3), Metrics)

    past = history(store.records.database, first)

    assert [(one.run, one.artifact and one.artifact.id) for one in past] == [
        (first.run, first.id),
        (gap.run, None),
        (last.run, last.id),
    ]
    assert [one.run for one in history(store.records.database, first, runs_at_most=1)] == [last.run]
    assert history(store.records.database, first, since=datetime.now(UTC) + timedelta(days=1)) == []


def test_the_history_follows_one_item_of_a_loop(store: Store, work: Work):
    made = {}
    for market in ("US", "CA"):
        begun: Any = work.begin(keys=(("market", market),))
        made[market] = work.finish(begun.step_run, [store.dumped(market, "value", str)])["value"]

    (past,) = history(store.records.database, made["CA"])
    assert past.artifact == made["CA"]


def test_artifacts_are_found_newest_first_by_every_part_of_what_is_wanted(store: Store, work: Work):
    numbers = [work.put(number, int, name=f"Number_{number}") for number in range(3)]
    other = Work(store, store.records.start_run("other", {}, "{}", "local").lease).put(
        Metrics(a=1), Metrics, name="a%b"
    )
    database = store.records.database

    def ids(wanted: Wanted, **page: Any) -> list[int]:
        return [artifact.id for artifact in search(database, wanted, **page)]

    assert ids(Wanted()) == [other.id, *(number.id for number in reversed(numbers))]
    assert ids(Wanted(), before=other.id, limit=2) == [numbers[2].id, numbers[1].id]
    assert ids(Wanted(name="number_1")) == [numbers[1].id] and ids(Wanted(name="%")) == [other.id]
    assert ids(Wanted(kind="metrics")) == ids(Wanted(workflow="other")) == ids(Wanted(run=other.run)) == [other.id]
    assert ids(Wanted(run=1 << 80)) == ids(Wanted(name="x", kind="json")) == []
    assert kinds_and_workflows(database) == (["json", "metrics"], ["flow", "other"])


def test_results_are_counted_and_the_first_are_named(store: Store, work: Work):
    source, alone = work.put(1, int), work.put(2, int)
    made = [work.put(number, int, made_from=(source.id,)) for number in range(5)]

    first, counts = results_of(store.records.database, [source.id, alone.id], 2)
    assert first == {source.id: [made[0].id, made[1].id], alone.id: []} and counts == {source.id: 5}
