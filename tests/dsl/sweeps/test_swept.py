"""A swept workflow: what runs once, what runs for each point, and that each point is what a run with its values is."""

from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

import pytest
from pydantic import BaseModel

from kaon.artifacts import Metrics, Store, open_store
from kaon.dsl import Point, SettingsError, Workflow, cross_validate, for_each, repeat, step, sweep, when, workflow
from kaon.dsl.backends import run
from kaon.dsl.ir import Points, Proposed
from kaon.dsl.sampling import Range, Space
from kaon.dsl.sweeps import Objective, swept

EFFECTS: list[str] = []


class Params(BaseModel):
    seed: int = 0
    size: int = 3


@step(output="numbers")
def load(*, many: int = 4, size: int = 3) -> list[int]:
    EFFECTS.append("load")
    return list(range(many + size))


@step(output="model")
def train(numbers: list[int], *, rank: int = 2, alpha: float = 1.0, seed: int = 0, attempt: int = 1) -> float:
    if rank == 13:
        raise ValueError("an unlucky rank")
    return rank * alpha + len(numbers) + seed + 100 * (attempt - 1)


@step(output="scores")
def evaluate(model: float, *, k: int = 10) -> Metrics:
    return Metrics({f"loss@{k}": abs(model - 20)})


@step(output="other")
def train_other(numbers: list[int], *, depth: int = 2, rank: int = 7) -> float:
    EFFECTS.append("other")
    return float(len(numbers) * depth + rank)


class Verdict(NamedTuple):
    good: bool
    reason: str


@step
def judge(scores: Metrics, other: float, attempt: int = 1) -> Verdict:
    EFFECTS.append("judge")
    return Verdict(attempt >= 2, f"{dict(scores)} against {other}")


@step(output="receipt")
def publish(model: float, other: float) -> str:
    EFFECTS.append("publish")
    return f"{model:g} {other:g}"


@step(output="markets")
def find_markets() -> list[str]:
    return ["ca", "us"]


@step(output="local")
def localise(model: float, market: str) -> Metrics:
    return Metrics(gain=model * len(market))


@step(output="large")
def is_large(model: float) -> bool:
    return model > 10


@step(output="praise")
def say(model: float) -> str:
    return f"{model:g} is large"


@step(output="fold_loss")
def hold_out(numbers: list[int], fold: int, *, rank: int = 2) -> float:
    return float(rank * fold + len(numbers))


@pytest.fixture
def store() -> Store:
    EFFECTS.clear()
    return open_store("memory://")


LOSS = Objective.parse("scores.loss@10", "minimize")
RANKS = Points(((2,), (5,)))


def parts(flow: Workflow) -> tuple[list[str], list[str]]:
    """Return the steps that run once, and those that run for each point."""
    calls = [(f"{flow.name}/sweep[" in call.path, call.step) for call in flow.plan.calls()]
    return [name for inside, name in calls if not inside], [name for inside, name in calls if inside]


def test_what_comes_before_and_does_not_depend_on_the_setting_runs_once() -> None:
    flow = swept(workflow("flow", load >> train >> evaluate), ("train.rank",), RANKS)

    assert flow.name == "flow_sweep"
    assert parts(flow) == (["load"], ["train", "evaluate"])


def test_the_branches_of_a_parallel_that_the_setting_does_not_reach_run_once() -> None:
    flow = workflow("flow", load >> [train >> evaluate, train_other] >> publish)

    assert parts(swept(flow, ("train.rank",), RANKS)) == (["load", "train_other"], ["train", "evaluate", "publish"])
    assert parts(swept(flow, ("train_other.rank",), RANKS)) == (
        ["load", "train", "evaluate"],
        ["train_other", "publish"],
    )


def test_what_follows_and_does_not_depend_on_the_setting_runs_once_too() -> None:
    flow = workflow("flow", load >> train >> train_other >> evaluate)

    assert parts(swept(flow, ("train.rank",), RANKS)) == (["load", "train_other"], ["train", "evaluate"])


def test_the_beginning_of_a_nested_workflow_runs_once() -> None:
    nested = workflow("nested", load >> train, params=Params)
    flow = workflow("flow", nested >> evaluate)

    assert parts(swept(flow, ("train.rank",), RANKS)) == (["load"], ["train", "evaluate"])


def test_a_setting_of_one_step_is_not_the_setting_of_the_same_name_of_another(store: Store) -> None:
    flow = workflow("flow", load >> [train, train_other] >> publish)
    result = run(swept(flow, ("train.rank",), RANKS), store=store)

    assert dict(result["receipt"]) == {Point(**{"train.rank": 2}): "9 21", Point(**{"train.rank": 5}): "12 21"}


def test_with_an_objective_only_what_leads_to_it_runs() -> None:
    flow = workflow("flow", load >> [train >> evaluate, train_other] >> publish)

    assert parts(swept(flow, ("train.rank",), RANKS, objective=LOSS)) == (["load"], ["train", "evaluate"])


def test_with_an_objective_a_repetition_that_decides_nothing_else_runs_once(store: Store) -> None:
    flow = workflow(
        "flow", load >> repeat(until="good", at_most=3).do([train >> evaluate, train_other] >> judge) >> publish
    )
    searched = swept(flow, ("train.rank",), RANKS, objective=LOSS)
    whole = swept(flow, ("train.rank",), RANKS)

    assert parts(searched) == (["load"], ["train", "evaluate"])
    assert parts(whole) == (["load"], ["train", "evaluate", "train_other", "judge", "publish"])
    assert [dict(scores) for scores in run(searched, store=store)["scores"].values()] == [
        {"loss@10": 11},
        {"loss@10": 8},
    ]
    assert [dict(scores) for scores in run(whole, store=store)["scores"].values()] == [{"loss@10": 89}, {"loss@10": 92}]


def test_a_repetition_stays_one_if_what_ends_it_leads_to_the_objective() -> None:
    flow = workflow(
        "flow", load >> repeat(until="good", at_most=3).do([train >> evaluate, train_other] >> judge) >> say
    )
    searched = swept(flow, ("train.rank",), RANKS, objective=Objective.parse("model", "maximize"))

    assert "repeat" not in searched.plan.to_json()

    kept = workflow(
        "flow", load >> repeat(until="large", at_most=3).do(train >> is_large) >> when("large").do(evaluate)
    )
    searched = swept(kept, ("train.rank",), RANKS, objective=LOSS)

    assert parts(searched) == (["load"], ["train", "is_large", "evaluate"])
    assert '"node":"attempts"' in searched.plan.to_json()


FLOWS = {
    "sequence": (workflow("a", load >> train >> evaluate), {"train.rank": (1, 2), "train.alpha": (0.5, 2.0)}),
    "parameter": (workflow("b", load >> train >> evaluate, params=Params), {"seed": (1, 5)}),
    "parameter of two steps": (
        workflow("c", load >> train >> evaluate, params=Params),
        {"size": (1, 2), "load.many": (0, 1)},
    ),
    "parallel": (workflow("d", load >> [train >> evaluate, train_other] >> publish), {"train_other.depth": (1, 3)}),
    "repeat": (
        workflow("e", load >> repeat(until="good", at_most=2).do([train >> evaluate, train_other] >> judge) >> publish),
        {"train.rank": (1, 2)},
    ),
    "for_each": (
        workflow("f", [load >> train, find_markets] >> for_each(market="markets").do(localise)),
        {"train.rank": (1, 2)},
    ),
    "when": (
        workflow("g", load >> train >> is_large >> when("large").do(say).otherwise(evaluate)),
        {"train.rank": (1, 9)},
    ),
    "loop inside": (workflow("h", load >> cross_validate(3).do(hold_out)), {"hold_out.rank": (1, 2)}),
    "sweep inside": (workflow("i", load >> sweep(rank=[1, 2]).do(train >> evaluate)), {"train.alpha": (1.0, 3.0)}),
    "nested twice": (
        workflow(
            "j",
            workflow("first", load >> train)
            >> workflow("second", load >> train.rename(model="two"))
            >> evaluate.reads(model="two"),
        ),
        {"train.rank": (1, 2)},
    ),
    "shadowed": (
        workflow("k", load >> train >> evaluate >> train.named("again") >> evaluate.named("more")),
        {"train.rank": (1, 2)},
    ),
}


def plain(value: Any) -> Any:
    return {str(key): plain(inner) for key, inner in value.items()} if isinstance(value, Mapping) else value


@pytest.mark.parametrize("shape", FLOWS)
def test_each_point_comes_to_what_a_run_with_its_values_comes_to(shape: str, store: Store) -> None:
    flow, values = FLOWS[shape]
    points = tuple(zip(*values.values(), strict=True))
    whole = run(swept(flow, tuple(values), Points(points)), store=store)
    once = [name for name in flow.output_types if name not in whole]

    assert not once
    for point in points:
        settings = dict(zip(values, point, strict=True))
        alone = run(flow, settings, store=open_store("memory://"))
        for name in alone:
            if name == "sweep_points":
                continue
            result = whole[name]
            swept_over = isinstance(result, Mapping) and Point(**settings) in result
            assert plain(result[Point(**settings)] if swept_over else result) == plain(alone[name]), name


def test_points_that_fail_do_not_stop_the_others(store: Store) -> None:
    flow = swept(workflow("flow", load >> train >> evaluate), ("train.rank",), Points(((2,), (13,), (5,))))
    result = run(flow, store=store)

    assert result.state == "completed"
    assert [point["train.rank"] for point in result["scores"]] == [2, 5]
    assert result["sweep_points"] == [{"train.rank": 2}, {"train.rank": 13}, {"train.rank": 5}]


def test_a_search_proposes_points_as_results_come(store: Store) -> None:
    space = Space((("train.alpha", Range(0.1, 40, log=True)),))
    over = Proposed(space, 24, 4, "scores", "loss@10", "minimize", 1)
    flow = swept(workflow("flow", load >> train >> evaluate), space.names, over, objective=LOSS)
    result, again = run(flow, store=store), run(flow, store=store)

    losses = [scores["loss@10"] for scores in result["scores"].values()]
    assert len(result["sweep_points"]) == 24
    assert median(losses[10:]) < median(losses[:10])
    assert again["sweep_points"] == result["sweep_points"]
    assert EFFECTS == ["load"]


@pytest.mark.parametrize(
    ("variables", "objective", "told"),
    [
        (("train.rnk",), "scores.loss@10", ["there is no setting 'train.rnk'", "did you mean 'train.rank'?"]),
        (("train.rank",), "score.loss", ["no step outputs 'score'", "did you mean 'scores'?"]),
        (("train.rank",), "numbers", ["'numbers' is of type list[int]", "other, scores.…"]),
        (("train.rank",), "scores", ["'scores' holds several metrics", "write scores.NAME"]),
        (("train.rank",), "model.loss", ["'model' is a number, and has no metric 'loss'"]),
        (
            ("train_other.depth",),
            "scores.loss@10",
            ["scores.loss@10 does not depend on 'train_other.depth'", "it depends on:"],
        ),
        ((), "scores.loss@10", ["nothing is swept"]),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_mend(
    variables: tuple[str, ...], objective: str, told: list[str]
) -> None:
    flow = workflow("flow", load >> [train >> evaluate, train_other] >> publish)
    with pytest.raises(SettingsError) as error:
        swept(flow, variables, RANKS, objective=Objective.parse(objective, "maximize"))

    assert all(words in str(error.value) for words in told), error.value


def test_a_parameter_that_is_swept_is_no_setting_any_more() -> None:
    class Needed(BaseModel):
        seed: int
        size: int = 3

    flow = swept(workflow("flow", load >> train >> evaluate, params=Needed), ("seed",), RANKS)

    assert "seed" not in flow.settings_model.model_fields
    assert "size" in flow.settings_model.model_fields
