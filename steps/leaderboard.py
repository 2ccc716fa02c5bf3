"""What the points of a sweep came to: a table with a row a point, and two figures of it."""

import inspect
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, NamedTuple

import altair
import pyarrow as pa

from kaon.artifacts import Metrics
from kaon.dsl import Point, step
from kaon.dsl.errors import did_you_mean
from kaon.dsl.fit import mapping_of
from kaon.dsl.ir import Step
from kaon.dsl.measures import is_measured, measures

from .sweep_figures import Board, parallel_coordinates, scatter

Row = dict[str, Any]


class Leaderboard(NamedTuple):
    """The points, the best first; how the settings went together; and what each of them did."""

    leaderboard: pa.Table
    """`point` (its number), a column for each setting, one for each metric, and `state`: completed or failed."""
    parallel_coordinates: altair.LayerChart
    scatter: altair.ConcatChart


def leaderboard_of(measured: Mapping[str, Any]) -> Step[..., Leaderboard]:
    """Return the step that ranks the points of a sweep by the metrics and numbers of these names.

    measured: the type that each has for one point, as the sweep's steps declare it: {"als_metrics": Metrics}. Of other
        types it is only read for which points they are there.
    """
    return step(_reading(measured))


def _reading(types: Mapping[str, Any]) -> Callable[..., Leaderboard]:
    """Return the function of the step, with an input for each of these names: its type for every point."""
    joined = {name: mapping_of(Point, kind) for name, kind in types.items()}
    measured = {name: kind for name, kind in types.items() if is_measured(kind)}

    def leaderboard(
        *,
        sweep_points: list[dict[str, Any]] = [],  # noqa: B006  a step's default is a setting's, and never changed
        objective: str = "",
        direction: Literal["maximize", "minimize"] = "maximize",
        logarithmic: list[str] = [],  # noqa: B006
        **results: Mapping[Point, Any],
    ) -> Leaderboard:
        """Return the table of a sweep, the best point first, its failed points last, and the figures of it.

        sweep_points: every point, in order; those without a result have failed.
        objective: the column that points are ranked by, such as `als_metrics.ndcg@10`; empty keeps their order.
        direction: whether more or less of it is better.
        logarithmic: settings that the figures draw on a logarithmic scale; numbers that span two decades always are.
        """
        points = [Point(**point) for point in sweep_points] or list(next(iter(results.values()), ()))
        rows = ranked(
            [_row(number, point, results, measured) for number, point in enumerate(points)], objective, direction
        )
        settings = tuple(dict.fromkeys(name for point in points for name in point))
        numbers = tuple(name for name in _columns(rows) if name not in (*settings, "point", "state"))
        shown = objective or next(iter(numbers), "")
        board = Board(rows, settings, shown, direction, frozenset(logarithmic), ranked=bool(objective))
        return Leaderboard(_table(rows, settings, numbers), parallel_coordinates(board), scatter(board))

    signature = inspect.signature(leaderboard)
    own = [item for item in signature.parameters.values() if item.kind is not inspect.Parameter.VAR_KEYWORD]
    inputs = [inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind) for name, kind in joined.items()]
    leaderboard.__signature__ = signature.replace(parameters=[*inputs, *own])  # type: ignore[attr-defined]
    leaderboard.__annotations__ = {**leaderboard.__annotations__, **joined}
    return leaderboard


leaderboard = leaderboard_of({"metrics": Metrics})
"""Ranks a sweep by the output `metrics` of its body: `sweep(rank=[32, 64]).do(train >> evaluate) >> leaderboard`.

For an output of another name write `leaderboard.reads(metrics="als_metrics")`; for several, `leaderboard_of(…)`.
"""


def ranked(rows: list[Row], objective: str, direction: str) -> list[Row]:
    """Return the rows with the best first: those without the objective, or with no number for it, come last.

    Raises ValueError if no row has the objective.
    """
    if not objective:
        return sorted(rows, key=lambda row: row["state"] == "failed")
    if not any(objective in row for row in rows):
        known = [name for name in _columns(rows) if name not in ("point", "state")]
        raise ValueError(f"no point has {objective!r}, to rank them by; {did_you_mean(objective, known)}")
    sign = -1 if direction == "maximize" else 1

    def place(row: Row) -> tuple[bool, float]:
        value = float(row.get(objective, math.nan))
        return math.isnan(value), 0.0 if math.isnan(value) else sign * value

    return sorted(rows, key=place)


def _row(number: int, point: Point, results: Mapping[str, Mapping[Point, Any]], measured: Mapping[str, Any]) -> Row:
    row: Row = {"point": number, **point}
    made = [name for name in results if point in results[name]]
    for name in made:
        row |= measures(name, results[name][point], measured[name]) if name in measured else {}
    return row | {"state": "completed" if made or not results else "failed"}


def _columns(rows: list[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row))


def _table(rows: list[Row], settings: tuple[str, ...], numbers: tuple[str, ...]) -> pa.Table:
    names = ("point", *settings, *numbers, "state")
    return pa.table({name: _column([row.get(name) for row in rows], as_number=name in numbers) for name in names})


def _column(values: list[Any], *, as_number: bool) -> pa.Array:
    """Return values as a column; values of several types, or without one, as their JSON."""
    if as_number:
        return pa.array(values, pa.float64())
    kinds = {type(value) for value in values if value is not None}
    if kinds <= {int, float} and len(kinds) == 2:
        return pa.array([None if value is None else float(value) for value in values])
    if len(kinds) <= 1 and kinds <= {bool, int, float, str}:
        return pa.array(values)
    return pa.array([value if isinstance(value, str) else json.dumps(value) for value in values])
