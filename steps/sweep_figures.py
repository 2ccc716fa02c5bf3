"""The figures of a sweep: how settings go together with what came of them, and what each setting does alone."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair

MOST_LINES = 500
"""Points that are drawn as lines: the best ones."""
MOST_DOTS = 2000
"""Points that are drawn as dots: the best ones; more would only hide each other, and make the figure slow."""
DECADES = 100
"""Numbers whose largest is so many times the smallest are drawn on a logarithmic scale."""
TICKS = 3
FEW = 6
"""Different numbers that are each written beside their axis; of more, low, middle and high."""
COLUMNS = 3
"""Panels of a scatter side by side."""


@dataclass(frozen=True, slots=True)
class Board:
    """The rows of a leaderboard, and what its columns are."""

    rows: Sequence[Mapping[str, Any]]
    settings: tuple[str, ...]
    objective: str
    """The column that points are compared by; empty if nothing was measured."""
    direction: str
    logarithmic: frozenset[str]
    ranked: bool
    """Whether the rows are in the objective's order, rather than in their own."""

    @property
    def judged(self) -> list[Mapping[str, Any]]:
        """The rows that have the objective; all that completed if there is none."""
        if not self.objective:
            return [row for row in self.rows if row["state"] == "completed"]
        return [row for row in self.rows if _is_number(row.get(self.objective)) and math.isfinite(row[self.objective])]

    @property
    def note(self) -> str:
        """What the figures leave out."""
        failed = sum(row["state"] == "failed" for row in self.rows)
        return f"{len(self.rows)} points" + (f", {failed} of them failed" if failed else "")


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis of parallel coordinates: where a value stands between 0 and 1, and what is written beside it."""

    name: str
    values: tuple[Any, ...]
    """The different values, in order."""
    numeric: bool
    log: bool

    def place(self, value: Any) -> float:
        """Return where a value stands."""
        if not self.numeric:
            return self.values.index(_text(value)) / max(1, len(self.values) - 1)
        low, high, here = (self._straight(number) for number in (self.values[0], self.values[-1], value))
        return 0.5 if high == low else (here - low) / (high - low)

    def ticks(self) -> list[tuple[float, str]]:
        """Return places and what stands there: every category, or numbers from low to high."""
        if not self.numeric or len(self.values) <= FEW:
            return [(self.place(value), _short(value)) for value in self.values]
        low, high = self._straight(self.values[0]), self._straight(self.values[-1])
        places = [index / (TICKS - 1) for index in range(TICKS)]
        numbers = [low + place * (high - low) for place in places]
        return [(place, f"{math.exp(n) if self.log else n:.4g}") for place, n in zip(places, numbers, strict=True)]

    def _straight(self, number: float) -> float:
        return math.log(number) if self.log else float(number)


def scale_of(name: str, values: Sequence[Any], logarithmic: bool) -> Scale:
    """Return the axis of a column: numbers on a linear or logarithmic scale, anything else as categories."""
    if values and all(_is_number(value) for value in values):
        ordered = tuple(sorted(set(values)))
        positive = ordered[0] > 0
        return Scale(name, ordered, True, positive and (logarithmic or ordered[-1] / ordered[0] >= DECADES))
    return Scale(name, tuple(sorted({_text(value) for value in values})), False, False)


def parallel_coordinates(board: Board) -> altair.LayerChart:
    """Return a line for each point through its settings and its objective, coloured by the objective."""
    rows = board.judged[:MOST_LINES]
    names = (*board.settings, *([board.objective] if board.objective else []))
    scales = [scale_of(name, [row[name] for row in rows], name in board.logarithmic) for name in names]
    lines = [
        {"point": row["point"], "axis": scale.name, "place": scale.place(row[scale.name]), **_told(row, board)}
        for row in reversed(rows)  # the best line is drawn last, on top
        for scale in scales
    ]
    ticks = [{"axis": s.name, "place": place, "text": text} for s in scales for place, text in s.ticks()]
    across = altair.X("axis:N", sort=list(names), title=None, axis=altair.Axis(orient="top", labelAngle=0, grid=False))
    up = altair.Y("place:Q", axis=None, scale=altair.Scale(domain=[-0.05, 1.05]))
    hovered = altair.selection_point(name="hovered", fields=["point"], on="pointerover", empty=False)
    drawn = (
        altair.Chart(altair.InlineData(values=lines))
        .mark_line(opacity=0.6)
        .encode(
            x=across,
            y=up,
            detail="point:N",
            color=_colour(board),
            strokeWidth=altair.condition(hovered, altair.value(4), altair.value(1.5)),
            tooltip=[altair.Tooltip("told:N", title="point")],
        )
        .add_params(hovered)
    )
    marks = altair.Chart(altair.InlineData(values=ticks))
    rules = marks.mark_rule(color="#888").encode(x=across)
    texts = marks.mark_text(align="left", dx=5, fontSize=10).encode(x=across, y=up, text="text:N")
    shown = (
        f"{'the best' if board.ranked else 'the first'} {len(rows)} of {board.note}"
        if len(board.judged) > len(rows)
        else board.note
    )
    title = altair.TitleParams("Settings and what came of them", subtitle=shown)
    layers = altair.layer(rules, drawn, texts, title=title, width=max(300, 140 * len(names)), height=320)
    assert isinstance(layers, altair.LayerChart), "charts without facets are layered as one"
    return layers


def scatter(board: Board) -> altair.ConcatChart:
    """Return a panel for each setting: the points by its value and by their objective, the best one marked."""
    rows = board.judged[:MOST_DOTS]
    scales = [scale_of(name, [row[name] for row in rows], name in board.logarithmic) for name in board.settings]
    dots = [
        {
            **{f"x{place}": row[s.name] if s.numeric else _text(row[s.name]) for place, s in enumerate(scales)},
            **_told(row, board),
            "best": board.ranked and row is rows[0],
        }
        for row in reversed(rows)
    ]
    title = altair.TitleParams(board.objective or "Points", subtitle=board.note)
    panels = [_panel(scale, f"x{place}", board) for place, scale in enumerate(scales)]
    return altair.concat(*panels, data=altair.InlineData(values=dots), columns=COLUMNS, title=title)


def _panel(scale: Scale, field: str, board: Board) -> altair.Chart:
    if scale.numeric:
        spread = altair.Scale(type="log", padding=8) if scale.log else altair.Scale(zero=False, padding=8)
        across = altair.X(f"{field}:Q", title=scale.name, scale=spread)
    else:
        across = altair.X(f"{field}:N", title=scale.name, sort=list(scale.values))
    best = altair.datum.best
    panel: altair.Chart = (
        altair.Chart()
        .mark_circle()
        .encode(
            x=across,
            y=altair.Y("value:Q", title=board.objective or "point", scale=altair.Scale(zero=False, padding=8)),
            color=altair.condition(best, altair.value("#d62728"), altair.value("#4c78a8")),
            size=altair.condition(best, altair.value(140), altair.value(50)),
            tooltip=[altair.Tooltip("told:N", title="point")],
        )
        .properties(width=240, height=220)
    )
    return panel


def _colour(board: Board) -> altair.Color | altair.ColorValue:
    if not board.objective:
        return altair.ColorValue("#4c78a8")
    scale = altair.Scale(scheme="viridis", reverse=board.direction == "minimize")
    return altair.Color("value:Q", title=board.objective, scale=scale)


def _told(row: Mapping[str, Any], board: Board) -> dict[str, Any]:
    """Return what a point is coloured and named by."""
    settings = ", ".join(f"{name}={_text(row[name])}" for name in board.settings)
    if not board.objective:
        return {"value": row["point"], "told": settings}
    return {"value": row[board.objective], "told": f"{settings}: {row[board.objective]:.4g}"}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else _text(value)


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)
