"""What is foretold of a run, held against what the run then does."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.shapes import SHAPES, Shape, add, double, find_markets, measure, multiply, square, start

from kaon.artifacts import Store, open_store
from kaon.artifacts.foretelling import Foretold, foretell
from kaon.artifacts.foretelling.needed import needed_for
from kaon.dsl import Workflow, current_step, for_each, step, sweep, workflow
from kaon.dsl.backends import run
from kaon.dsl.settings import flat, validated


def foretold(store: Store, made: Workflow, settings: dict[str, Any], *more: dict[str, Any]) -> Foretold:
    """Return what is foretold from the store alone."""
    known = [w for w in store.records.registered_workflows() if w.name == made.name]
    plan = json.loads(made.plan.to_json())
    complete = [flat(validated(made.settings_model, one)) for one in (settings, *more)]
    return foretell(store, plan, complete, facts=known[0].facts if known else {})


def done(store: Store, run_id: int) -> dict[str, Counter[str]]:
    """Return how many calls of each path came to which state."""
    found: dict[str, Counter[str]] = {}
    for record in store.records.step_runs(run_id):
        found.setdefault(record.path, Counter())[record.state] += 1
    return found


def assert_came_true(told: Foretold, came: dict[str, Counter[str]]) -> None:
    """What is sure must be so; of what depends on what runs, no more may run than was told."""
    for path, tally in told.tallies.items():
        states = came.get(path, Counter())
        began, skipped = states["completed"] + states["failed"], states["skipped"]
        if tally.perhaps:
            continue
        cancelled = states["cancelled"]
        assert skipped >= tally.skips, (path, tally, states)
        assert tally.runs - cancelled <= began <= tally.runs + tally.depends, (path, tally, states)
        total = tally.runs + tally.skips + tally.depends + tally.repeats
        assert total - cancelled <= began + skipped <= total or not total, (path, tally, states)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_is_foretold_before_the_first_run_of_a_shape_comes_true(shape: Shape) -> None:
    store = open_store("memory://")
    told = foretold(store, shape.workflow, shape.settings)

    result = run(shape.workflow, shape.settings, store=store, raises=False)

    assert sum(tally.skips for tally in told.tallies.values()) == 0
    assert_came_true(told, done(store, result.run_id))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_what_is_foretold_before_the_second_run_of_a_shape_comes_true(shape: Shape) -> None:
    store = open_store("memory://")
    first = run(shape.workflow, shape.settings, store=store, raises=False)
    told = foretold(store, shape.workflow, shape.settings)

    second = run(shape.workflow, shape.settings, store=store, raises=False)

    assert_came_true(told, done(store, second.run_id))
    if first.state == "completed" and not any("going" in call.path for call in shape.workflow.plan.calls()):
        skipped = {path: states["skipped"] for path, states in done(store, second.run_id).items()}
        assert {path: tally.skips for path, tally in told.tallies.items() if tally.skips} == {
            path: count for path, count in skipped.items() if count
        }
        assert not any(tally.runs or tally.depends or tally.perhaps for tally in told.tallies.values())


@pytest.mark.parametrize("name", ["a setting", "branches that join", "a repetition", "a decision for", "parameters"])
def test_another_setting_runs_what_depends_on_it_and_skips_the_rest(name: str) -> None:
    shape, store = SHAPES[name], open_store("memory://")
    address = next(iter(shape.workflow.settings_model.model_fields))
    setting = {
        "start": {"start.value": 11},
        "offset": {"offset": 5},
        "is_large": {"start.value": 1},
        "grow": {"grow.wanted": 4},
    }[address]
    run(shape.workflow, shape.settings, store=store, raises=False)
    told = foretold(store, shape.workflow, setting)

    result = run(shape.workflow, setting, store=store, raises=False)

    assert_came_true(told, done(store, result.run_id))


def test_points_of_a_sweep_share_what_does_not_depend_on_them() -> None:
    store = open_store("memory://")
    made = workflow("scaled", start >> sweep(rank=[2, 3], alpha=[1.0]).do(multiply))
    run(made, {"multiply.scale": 2.0}, store=store)

    told = foretold(store, made, {"multiply.scale": 2.0}, {"multiply.scale": 4.0}, {"multiply.scale": 8.0})

    assert [(t.step, t.skips, t.runs, t.repeats) for t in told.tallies.values()] == [
        ("start", 3, 0, 0),
        ("multiply", 2, 4, 0),
    ]


def test_what_depends_on_a_step_that_runs_is_told_apart_by_point() -> None:
    store = open_store("memory://")
    made = workflow("chained", find_markets >> for_each(market=["A", "B"]).do(measure) >> start)

    told = foretold(store, made, {"start.value": 1}, {"start.value": 2}, {"start.value": 1})

    assert [(t.step, t.runs, t.repeats) for t in told.tallies.values()] == [
        ("find_markets", 1, 2),
        ("measure", 2, 4),
        ("start", 2, 1),
    ]


def test_items_that_a_running_step_makes_are_not_counted_but_said_to_come() -> None:
    store = open_store("memory://")
    made = workflow("unsure", find_markets >> for_each(market="markets").do(measure))

    told = foretold(store, made, {})

    assert [(t.said, t.runs, t.perhaps) for t in told.tallies.values()] == [("runs", 1, False), ("runs", 0, True)]


@step(output="size")
def weigh(*, file: Path = Path("words")) -> int:
    return len(file.read_text())


@step(output="looked", reusable=False)
def look_outside() -> int:
    current_step().log("looking")
    return 1


def test_a_setting_that_names_files_stands_for_what_is_in_them(tmp_path: Path) -> None:
    store = open_store("memory://")
    made = workflow("weighing", weigh)
    (tmp_path / "words").write_text("one")
    settings = {"weigh.file": str(tmp_path / "words")}
    run(made, settings, store=store)

    before = foretold(store, made, settings).tallies["weighing/weigh"].said
    (tmp_path / "words").write_text("two more")
    after = foretold(store, made, settings).tallies["weighing/weigh"].said

    assert (before, after) == ("skipped", "runs")


def test_a_step_that_looks_outside_always_runs_and_says_why() -> None:
    store = open_store("memory://")
    made = workflow("outside", look_outside)
    run(made, store=store)

    (tally,) = foretold(store, made, {}).tallies.values()

    assert (tally.said, tally.why) == ("runs", "it reads what is none of its inputs")


def test_of_a_loop_with_ten_thousand_items_some_are_looked_at() -> None:
    store = open_store("memory://")
    made = workflow("broad", for_each(market=[f"m{n}" for n in range(10_000)]).do(measure))

    told = foretold(store, made, {})

    assert told.sampled and told.tallies["broad/for_each[market]/measure"].runs == 200


def test_what_an_objective_comes_from_is_what_a_sweep_for_it_runs() -> None:
    made = workflow("pair", start >> [double, square] >> add)
    plan = json.loads(made.plan.to_json())

    found = {
        name: sorted(path.rpartition("/")[2] for path in needed_for(plan, name) or ()) for name in ("doubled", "total")
    }

    assert found == {"doubled": ["double", "start"], "total": ["add", "double", "square", "start"]}
    assert needed_for(plan, "nothing") is None
