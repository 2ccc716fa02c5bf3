"""What is said of a search for the best of something that its body does not measure; and of values that fit or not."""

from typing import Literal

import pytest

from kaon.artifacts import Metrics
from kaon.dsl import Workflow, WorkflowError, step, sweep, workflow
from kaon.dsl.ir import ForEach, Proposed
from kaon.dsl.measures import is_measured
from kaon.dsl.sampling import Choice, Range, Space


@step(output="model")
def train(*, rank: int, engine: Literal["spark", "implicit"] = "spark") -> str:
    return f"{engine} {rank}"


@step(output="scores")
def evaluate(model: str) -> Metrics:
    return Metrics(ndcg=len(model))


@step(output="loss")
def lose(model: str) -> float:
    return float(len(model))


def searched(objective: str, metric: str, axis: Range | Choice = Range(1, 9, integer=True)) -> Workflow:  # noqa: B008
    over = Proposed(Space((("rank", axis),)), 4, 2, objective, metric)
    body = (train >> [evaluate, lose]).placed(None)  # type: ignore[arg-type]
    return workflow("flow", ForEach("sweep", ("rank",), over, body, label="sweep[rank]") >> follow)


@step
def follow(loss: object) -> None:
    pass


@pytest.mark.parametrize(
    ("objective", "metric", "told"),
    [
        ("lss", "", "sweep looks for the best 'lss', and no step inside provides it"),
        ("model", "", "sweep looks for the best 'model', which is of type str"),
        ("scores", "", "sweep looks for the best 'scores', and does not say by which of its metrics"),
        ("loss", "ndcg", "sweep looks for the best 'ndcg' of 'loss', which is a number"),
    ],
)
def test_a_search_for_what_is_not_measured_is_refused(objective: str, metric: str, told: str) -> None:
    with pytest.raises(WorkflowError) as error:
        searched(objective, metric)

    assert str(error.value).startswith(told)


def test_a_search_for_a_metric_or_a_number_is_planned() -> None:
    assert '"objective":"scores","metric":"ndcg"' in searched("scores", "ndcg").plan.to_json()
    assert '"objective":"loss","metric":""' in searched("loss", "").plan.to_json()


def test_what_a_search_may_propose_must_fit_the_inputs() -> None:
    with pytest.raises(WorkflowError, match="rank='many' does not fit the input 'rank: int' of train"):
        searched("loss", "", Choice((1, "many")))


def test_a_sweep_over_the_choices_of_a_literal_is_judged_value_by_value() -> None:
    flow = workflow("flow", sweep(engine=["spark", "implicit"]).do(train.with_(rank=2)))

    assert flow.plan
    with pytest.raises(WorkflowError, match="engine='dask' does not fit the input"):
        workflow("flow", sweep(engine=["spark", "dask"]).do(train.with_(rank=2)))


def test_metrics_and_numbers_are_measured_and_truth_and_text_are_not() -> None:
    assert [is_measured(kind) for kind in (int, float, Metrics, Metrics | None, dict[str, Metrics])] == [True] * 5
    assert [is_measured(kind) for kind in (bool, str, list[float], dict[str, str], object, None)] == [False] * 6
