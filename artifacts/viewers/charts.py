"""Charts that several viewers draw, as Vega-Lite: the colours and the width are the page's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..json_form import Json
from .blocks import Chart

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
LEGEND: Json = {"orient": "top", "columns": 2, "labelLimit": 120}
"""Narrow enough for a phone."""
TALLEST = 600
"""Pixels of a chart whose height goes by its bars."""


def bars(rows: Sequence[tuple[str, float]], title: str, description: str, measured: str = "value") -> Chart:
    """Return a bar for each name, in the order given."""
    values: list[Json] = [{"name": name, measured: value} for name, value in rows]
    encoding: dict[str, Any] = {
        "y": {"field": "name", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}},
        "x": {"field": measured, "type": "quantitative", "title": measured},
        "tooltip": [{"field": "name", "type": "nominal"}, {"field": measured, "type": "quantitative"}],
    }
    height = min(TALLEST, max(60, 24 * len(rows)))
    return Chart(_spec(values, "bar", encoding, height), title, description)


def lines(
    rows: Sequence[Mapping[str, Json]],
    title: str,
    description: str,
    *,
    across: str = "run",
    up: str = "value",
    of: str = "series",
) -> Chart:
    """Return a line for each series; a point leads to where its row's `link` says. None is a gap."""
    encoding: dict[str, Any] = {
        "x": {"field": across, "type": "ordinal", "title": across, "axis": {"labelAngle": 0}},
        "y": {"field": up, "type": "quantitative", "title": up, "scale": _scale([row[up] for row in rows])},
        "color": {"field": of, "type": "nominal", "title": None, "legend": LEGEND},
        "tooltip": [
            {"field": of, "type": "nominal"},
            {"field": across, "type": "ordinal"},
            {"field": up, "type": "quantitative", "format": ".6~g"},
        ],
    }
    names = list(dict.fromkeys(str(row[of]) for row in rows))
    encoding["color"]["sort"] = names
    if len(names) < 2:
        del encoding["color"]
    if any("link" in row for row in rows):
        encoding["href"] = {"field": "link", "type": "nominal"}
    mark: dict[str, Json] = {
        "type": "line",
        "point": {"filled": True, "size": 60},
        "invalid": "break-paths-show-path-domains",
    }
    return Chart(_spec([dict(row) for row in rows], mark, encoding, 280), title, description)


def _scale(values: Sequence[Json]) -> dict[str, Json]:
    """Return the scale of an axis. Around a number that never changes there is room, so that its ticks are few words.

    >>> _scale([1.0, 3.0]), _scale([120.0, None, 120.0])
    ({'zero': False}, {'zero': False, 'domain': [60.0, 180.0]})
    """
    known = {value for value in values if isinstance(value, (int, float))}
    if len(known) != 1:
        return {"zero": False}
    (value,) = known
    room = abs(value) / 2 or 1.0
    return {"zero": False, "domain": [value - room, value + room]}


def histogram(counts: Sequence[int], edges: Sequence[float], title: str, description: str) -> Chart:
    """Return a bar for each bin; edges: one more than there are counts."""
    values: list[Json] = [
        {"from": edges[place], "to": edges[place + 1], "values": count} for place, count in enumerate(counts)
    ]
    encoding: dict[str, Any] = {
        "x": {"field": "from", "type": "quantitative", "title": "value", "scale": {"zero": False, "nice": False}},
        "x2": {"field": "to"},
        "y": {"field": "values", "type": "quantitative", "title": "how many"},
        "y2": {"datum": 0},
        "tooltip": [{"field": name, "type": "quantitative", "format": ".4~g"} for name in ("from", "to", "values")],
    }
    return Chart(
        _spec(values, {"type": "rect", "stroke": "transparent", "strokeWidth": 1}, encoding, 200), title, description
    )


def heat_map(cells: Sequence[tuple[int | str, int | str, float]], title: str, description: str) -> Chart:
    """Return a rectangle for each row, column and number."""
    values: list[Json] = [{"row": row, "column": column, "value": value} for row, column, value in cells]
    encoding: dict[str, Any] = {
        "x": {"field": "column", "type": "ordinal", "title": "column", "axis": {"labelOverlap": True}},
        "y": {"field": "row", "type": "ordinal", "title": "row", "axis": {"labelOverlap": True}},
        "color": {"field": "value", "type": "quantitative", "title": None},
        "tooltip": [
            {"field": "row", "type": "nominal"},
            {"field": "column", "type": "nominal"},
            {"field": "value", "type": "quantitative", "format": ".6~g"},
        ],
    }
    height = min(TALLEST, max(80, 18 * len({row for row, _, _ in cells})))
    return Chart(_spec(values, "rect", encoding, height), title, description)


def _spec(values: Sequence[Json], mark: Json, encoding: Mapping[str, Any], height: int) -> Mapping[str, Json]:
    return {
        "$schema": SCHEMA,
        "data": {"values": list(values)},
        "mark": mark,
        "encoding": dict(encoding),
        "width": "container",
        "height": height,
        "autosize": {"type": "fit-x", "contains": "padding"},
    }
