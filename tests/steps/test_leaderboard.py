"""The leaderboard of a sweep: its table, what it ranks by, failed points, and its two figures."""

import io
import json
from collections.abc import Mapping
from typing import Any

import pytest

from kaon.artifacts import Metrics, Store, open_store
from kaon.artifacts.kinds.figure import FigureKind
from kaon.dsl import Point, Workflow, cross_validate, step, sweep, workflow
from kaon.dsl.backends import run
from kaon.steps.leaderboard import leaderboard, leaderboard_of


@step(output="model")
def train(*, rank: int = 2, alpha: float = 1.0, engine: str = "spark") -> float:
    if rank == 13:
        raise ValueError("an unlucky rank")
    return rank * alpha


@step(output="metrics")
def evaluate(model: float) -> Metrics:
    return Metrics({"ndcg@10": model, "users": 7})


@step(output="fold_metrics")
def hold_out(model: float, fold: int, folds: int) -> Metrics:
    return Metrics(loss=model + fold)


@pytest.fixture
def store() -> Store:
    return open_store("memory://")


def points_of(**axes: list[Any]) -> list[dict[str, Any]]:
    return [dict(zip(axes, values, strict=True)) for values in zip(*axes.values(), strict=True)]


def fields(part: Any) -> set[str]:
    """Return every field that a Vega-Lite specification encodes."""
    if isinstance(part, Mapping):
        own = {part["field"]} if isinstance(part.get("field"), str) else set()
        return own.union(*(fields(inner) for name, inner in part.items() if name not in ("data", "datasets")))
    return set().union(*map(fields, part)) if isinstance(part, list) else set()


def records(figure: Any) -> list[list[dict[str, Any]]]:
    """Return the data of a figure: one list of records for each set."""
    found = figure.to_dict()
    whole = [found, *found.get("layer", [])]
    return [
        *found.get("datasets", {}).values(),
        *(part["data"]["values"] for part in whole if "values" in part.get("data", {})),
    ]


def test_a_sweep_of_a_workflow_of_ones_own_ends_in_a_leaderboard(store: Store) -> None:
    flow = workflow(
        "flow",
        sweep(rank=[2, 8, 4]).do(train >> evaluate) >> leaderboard.with_(objective="metrics.ndcg@10"),
        report=("leaderboard",),
    )
    result = run(flow, store=store)

    assert result["leaderboard"].to_pylist()[0] == {
        "point": 1,
        "rank": 8,
        "metrics.ndcg@10": 8.0,
        "metrics.users": 7.0,
        "state": "completed",
    }
    assert [row["rank"] for row in result["leaderboard"].to_pylist()] == [8, 4, 2]
    assert {artifact.kind for artifact in map(result.artifact, ("parallel_coordinates", "scatter"))} == {"figure"}


def test_points_that_failed_stand_at_the_end_as_failed(store: Store) -> None:
    body = train >> evaluate
    flow = workflow("flow", sweep(rank=[13, 2]).do(body, on_failure="continue") >> leaderboard)
    rows = run(flow, store=store)["leaderboard"].to_pylist()

    assert [(row["rank"], row["state"], row["metrics.ndcg@10"]) for row in rows] == [
        (2, "completed", 2.0),
        (13, "failed", None),
    ]


def test_several_outputs_are_ranked_together_and_loops_inside_by_their_mean(store: Store) -> None:
    ranks = leaderboard_of({"model": float, "fold_metrics": Mapping[int, Metrics]})
    flow = workflow(
        "flow",
        sweep(rank=[2, 4]).do(train >> cross_validate(2).do(hold_out))
        >> ranks.with_(objective="fold_metrics.loss", direction="minimize"),
    )
    rows = run(flow, store=store)["leaderboard"].to_pylist()

    assert [(row["rank"], row["model"], row["fold_metrics.loss"]) for row in rows] == [(2, 2.0, 2.5), (4, 4.0, 4.5)]
    assert rows[0]["fold_metrics[1].loss"] == 3.0


def test_without_an_objective_the_points_keep_their_order() -> None:
    points = points_of(rank=[4, 8, 2])
    board = leaderboard(sweep_points=points, metrics={Point(**point): Metrics(a=1) for point in points})

    assert board.leaderboard["rank"].to_pylist() == [4, 8, 2]


def test_an_objective_that_no_point_has_is_told_with_the_nearest() -> None:
    points = points_of(rank=[4])
    with pytest.raises(ValueError, match=r"no point has 'metrics.ndgc'.*did you mean 'metrics.ndcg'\?"):
        leaderboard(sweep_points=points, objective="metrics.ndgc", metrics={Point(rank=4): Metrics(ndcg=1)})


def test_a_result_that_is_no_number_comes_after_those_that_are() -> None:
    points = points_of(rank=[1, 2, 3])
    metrics = {Point(rank=1): Metrics(a=float("nan")), Point(rank=2): Metrics(a=1), Point(rank=3): Metrics(b=2)}
    board = leaderboard(sweep_points=points, objective="metrics.a", metrics=metrics)

    assert board.leaderboard["rank"].to_pylist() == [2, 1, 3]
    assert "NaN" not in json.dumps(board.scatter.to_dict())


def test_values_of_several_types_stand_in_the_table_as_json() -> None:
    points = points_of(size=[1, "all", None], wanted=[["ca"], ["us"], []], alpha=[1, 0.5, 2])
    table = leaderboard(sweep_points=points, metrics={Point(**p): Metrics(a=1) for p in points}).leaderboard

    assert table["size"].to_pylist() == ["1", "all", "null"]
    assert table["wanted"].to_pylist() == ['["ca"]', '["us"]', "[]"]
    assert table["alpha"].to_pylist() == [1.0, 0.5, 2.0]


def board_of_all_kinds() -> Any:
    points = points_of(
        **{
            "train.rank": [8, 16, 32, 64],
            "train.alpha": [0.01, 0.1, 1, 10],
            "engine": ["spark", "spark", "implicit", None],
        }
    )
    metrics = {Point(**point): Metrics(loss=1 / point["train.rank"]) for point in points[:3]}
    return leaderboard(sweep_points=points, objective="metrics.loss", direction="minimize", metrics=metrics)


def test_parallel_coordinates_have_every_setting_and_the_objective_as_an_axis() -> None:
    figure = board_of_all_kinds().parallel_coordinates
    lines = next(rows for rows in records(figure) if "point" in rows[0])
    ticks = next(rows for rows in records(figure) if "text" in rows[0])

    assert {row["axis"] for row in lines} == {"train.rank", "train.alpha", "engine", "metrics.loss"}
    assert {row["point"] for row in lines} == {0, 1, 2}
    assert [row["place"] for row in lines if row["axis"] == "train.alpha"] == pytest.approx([0, 0.5, 1])
    assert {row["text"] for row in ticks if row["axis"] == "engine"} == {"spark", "implicit"}
    assert {"axis", "place", "point", "value", "text"} <= fields(figure.to_dict())
    assert "1 of them failed" in json.dumps(figure.to_dict()["title"])


def test_the_scatter_has_a_panel_for_each_setting_on_its_own_scale() -> None:
    figure = board_of_all_kinds().scatter.to_dict()
    across = [panel["encoding"]["x"] for panel in figure["concat"]]

    assert [(x["title"], x["type"], x.get("scale", {}).get("type")) for x in across] == [
        ("train.rank", "quantitative", None),
        ("train.alpha", "quantitative", "log"),
        ("engine", "nominal", None),
    ]
    assert {panel["encoding"]["y"]["title"] for panel in figure["concat"]} == {"metrics.loss"}
    (dots,) = records(board_of_all_kinds().scatter)
    assert [dot["x0"] for dot in dots if dot["best"]] == [32]


@pytest.mark.parametrize("name", ["parallel_coordinates", "scatter"])
def test_a_figure_is_stored_and_read_back_as_the_chart_that_it_was(name: str) -> None:
    chart = getattr(board_of_all_kinds(), name)
    stored = io.BytesIO()
    FigureKind().dump(chart, stored)
    again = io.BytesIO(stored.getvalue())

    read: Any = FigureKind().load(again, type(chart))
    assert type(read) is type(chart)
    twice = io.BytesIO()
    FigureKind().dump(getattr(board_of_all_kinds(), name), twice)
    assert twice.getvalue() == stored.getvalue()


@pytest.mark.parametrize("points", [[], points_of(rank=[1]), points_of(rank=[2, 3])], ids=len)
def test_a_board_is_made_of_few_points_or_none_and_with_nothing_measured(points: list[dict[str, Any]]) -> None:
    board = leaderboard(sweep_points=points, metrics={})

    assert board.leaderboard.num_rows == len(points)
    assert board.scatter.to_dict() and board.parallel_coordinates.to_dict()


def test_thousands_of_points_are_all_in_the_table_and_the_best_in_the_figures() -> None:
    points = points_of(rank=list(range(1, 3001)))
    metrics = {Point(**point): Metrics(a=point["rank"]) for point in points}
    board = leaderboard(sweep_points=points, objective="metrics.a", metrics=metrics)

    lines = next(rows for rows in records(board.parallel_coordinates) if "point" in rows[0])
    assert board.leaderboard.num_rows == 3000
    assert len({row["point"] for row in lines}) == 500
    assert "the best 500 of 3000 points" in json.dumps(board.parallel_coordinates.to_dict()["title"])


def test_the_leaderboard_is_a_step_like_any_other() -> None:
    flow: Workflow = workflow(
        "flow", sweep(rank=[1, 2]).do(train >> evaluate.rename(metrics="als")) >> leaderboard.reads(metrics="als")
    )

    assert "leaderboard.objective" in flow.plan.to_json()
