"""The pictures of a sweep: parallel coordinates, and a metric against each setting; of many points, some."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..sweeping import Board, Point

DRAWN = 400
"""Points of a picture; of more, the best and others evenly spread."""
HEIGHT = 260


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart, with the rows of its table."""

    title: str
    description: str
    spec: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]


def pictures(board: Board, metric: str, *, less: bool) -> tuple[list[Picture], int]:
    """Return the pictures of a sweep by a metric, and how many points they draw; none before a point is measured."""
    points = board.sampled(metric, less=less, most=DRAWN)
    names = board.sweep.variables
    if len(points) < 2:
        return [], len(points)
    varying = [name for name in names if len({repr(point.values.get(name)) for point in points}) > 1]
    found = [_against(board, points, name, metric) for name in varying]
    return ([_parallel(board, points, varying, metric, less)] if len(varying) > 1 else []) + found, len(points)


def _against(board: Board, points: Sequence[Point], name: str, metric: str) -> Picture:
    rows = [{name: p.values.get(name), metric: p.metrics[metric], "point": p.number} for p in points]
    drawn = [{"x": row[name], "y": row[metric], "point": row["point"]} for row in rows]
    numbers = all(_is_number(row["x"]) for row in drawn)
    scale: dict[str, Any] = {"zero": False, "nice": True}
    if numbers and (name in board.sweep.logarithmic or _spans_decades([row["x"] for row in drawn])):
        scale = {"type": "log", "nice": False}
    x: dict[str, Any] = {"field": "x", "title": name}
    x |= {"type": "quantitative", "scale": scale} if numbers else {"type": "nominal", "axis": {"labelAngle": 0}}
    if not numbers:
        drawn = [{**row, "x": str(row["x"])} for row in drawn]
    y = {"field": "y", "title": metric, "type": "quantitative", "scale": {"zero": False}}
    tips = [{"field": "point"}, {"field": "x", "title": name}, {"field": "y", "title": metric, "format": ".5g"}]
    spec = {
        "data": {"values": drawn},
        "width": "container",
        "height": HEIGHT,
        "mark": {"type": "point", "filled": True, "opacity": 0.75, "size": 46},
        "encoding": {"x": x, "y": y, "tooltip": tips},
    }
    return Picture(f"{metric} by {name}", f"{len(points)} points", spec, rows[:100])


def _parallel(board: Board, points: Sequence[Point], names: Sequence[str], metric: str, less: bool) -> Picture:
    """Return lines over one axis for each setting and one for the metric, each from its lowest to its highest value."""
    axes = [*names, metric]
    columns = {
        name: [point.metrics[metric] if name == metric else point.values.get(name) for point in points] for name in axes
    }
    log = board.sweep.logarithmic
    places = {name: _places(values, log=name in log) for name, values in columns.items()}
    drawn = [
        {
            "axis": axis,
            "place": places[axis][at],
            "point": p.number,
            "value": _short(columns[axis][at]),
            "m": p.metrics[metric],
        }
        for at, p in enumerate(points)
        for axis in axes
        if places[axis][at] is not None
    ]
    ends = [end for axis in axes for end in _ends(axis, columns[axis])]
    order = {"field": "axis", "type": "ordinal", "sort": axes, "title": None}
    x = {
        **order,
        "scale": {"type": "point", "padding": 0.25},
        "axis": {
            "labelAngle": 0,
            "domain": False,
            "ticks": False,
            "labelFontWeight": 600,
            "grid": True,
            "labelLimit": 220,
        },
    }
    colour = {"field": "m", "type": "quantitative", "title": metric, "scale": {"reverse": less}}
    y = {"field": "place", "type": "quantitative", "axis": None, "scale": {"domain": [-0.08, 1.08], "nice": False}}
    tips = [
        {"field": "point"},
        {"field": "axis", "title": "setting"},
        {"field": "value"},
        {"field": "m", "title": metric, "format": ".5g"},
    ]
    lines = {
        "data": {"values": drawn},
        "mark": {"type": "line", "opacity": 0.7, "strokeWidth": 1.6, "interpolate": "monotone"},
        "encoding": {"x": x, "y": y, "detail": {"field": "point"}, "color": colour, "tooltip": tips},
    }
    said = {
        "data": {"values": ends},
        "mark": {"type": "text", "fontSize": 11, "dy": {"expr": "datum.place > 0.5 ? -9 : 11"}},
        "encoding": {"x": x, "y": y, "text": {"field": "value"}},
    }
    rows = [{**{name: p.values.get(name) for name in names}, metric: p.metrics[metric]} for p in points[:100]]
    spec = {"width": "container", "height": HEIGHT + 60, "layer": [lines, said]}
    return Picture("Parallel coordinates", f"{len(points)} points over {', '.join(names)} and {metric}", spec, rows)


def _places(values: Sequence[Any], *, log: bool) -> list[float | None]:
    """Return where each value stands from the lowest to the highest; on a logarithmic scale if they span decades."""
    if all(_is_number(value) for value in values):
        log = (log and min(values) > 0) or _spans_decades(values)
        scaled = [math.log(value) if log else float(value) for value in values]
        low, high = min(scaled), max(scaled)
        return [(value - low) / ((high - low) or 1.0) for value in scaled]
    known = sorted({str(value) for value in values})
    last = max(len(known) - 1, 1)
    return [known.index(str(value)) / last for value in values]


def _ends(axis: str, values: Sequence[Any]) -> list[dict[str, Any]]:
    if all(_is_number(value) for value in values):
        low, high = min(values), max(values)
        return [{"axis": axis, "place": place, "value": _short(value)} for place, value in ((0, low), (1, high))]
    known = sorted({str(value) for value in values})
    last = max(len(known) - 1, 1)
    return [{"axis": axis, "place": at / last, "value": _short(value)} for at, value in enumerate(known) if at < 12]


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)[:24]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _spans_decades(values: Sequence[Any]) -> bool:
    return bool(min(values) > 0 and max(values) / min(values) >= 100)
