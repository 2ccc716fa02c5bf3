"""Numbers of several names over runs, as lines that break where a run has none."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ...json_form import Json
from ..blocks import Block, Cell, Grid, Note, RunLink
from ..charts import lines
from ..moment import Moment
from ..said import is_number

LINES = 8
"""Of one chart; more cannot be told apart by their colours."""
CHARTS = 4


def changing_over_runs(
    named: Sequence[Mapping[str, float]], moments: Sequence[Moment], title: str, description: str, up: str = "value"
) -> list[Block]:
    """Return what `over_runs` does, with a chart for each size of numbers, and no line for those that never change."""
    names = dict.fromkeys(name for numbers in named for name in numbers)
    drawn = [name for name in names if len({numbers.get(name) for numbers in named}) > 1]
    return over_runs(named, moments, title, description, up, _by_size(named, drawn or [*names]))


def over_runs(
    named: Sequence[Mapping[str, float]],
    moments: Sequence[Moment],
    title: str,
    description: str,
    up: str = "value",
    groups: Sequence[Sequence[str]] = (),
) -> list[Block]:
    """Return charts of the numbers and a table of them, newest run first.

    named: for each moment its numbers by name; a name that is missing there is a gap in its line.
    groups: the names that share a chart; all of them share one if empty.
    """
    names = list(dict.fromkeys(name for numbers in named for name in numbers))
    if not names:
        return [Note("None of these runs has a number to show.")]
    groups = (groups or [names])[:CHARTS]
    charts = [
        lines(_rows(named, moments, group[:LINES], up), _titled(title, groups, group), description, up=up)
        for group in groups
    ]
    left = len(names) - sum(len(group[:LINES]) for group in groups)
    notes = [Note(f"{left} more, which change less or never, are in the table alone.")] if left else []
    table: list[tuple[Cell, ...]] = [
        (RunLink(moment.run), moment.time.replace("T", " ")[:19], moment.state, *(numbers.get(name) for name in names))
        for moment, numbers in zip(moments, named, strict=True)
    ]
    columns = ("run", "started (UTC)", "state", *names)
    return [*charts, *notes, Grid(columns, tuple(reversed(table)), "Run by run")]


def _titled(title: str, groups: Sequence[Sequence[str]], group: Sequence[str]) -> str:
    """Return the title of a chart, with the first of its names where there are several charts."""
    if len(groups) == 1:
        return title
    return f"{title}: {group[0]}{' …' if len(group) > 1 else ''}"


def _by_size(named: Sequence[Mapping[str, float]], names: Sequence[str]) -> list[list[str]]:
    """Return the names in groups that one axis suits: those whose largest value has as many digits."""
    groups: dict[int, list[str]] = {}
    for name in names:
        known = [abs(numbers[name]) for numbers in named if is_number(numbers.get(name))]
        largest = max(known, default=0.0)
        groups.setdefault(math.floor(math.log10(largest)) if largest else -1, []).append(name)
    return list(groups.values())


def _rows(
    named: Sequence[Mapping[str, float]], moments: Sequence[Moment], names: Sequence[str], up: str
) -> list[Mapping[str, Json]]:
    return [
        {"run": moment.run, "series": name, up: _drawn(numbers.get(name)), "link": RunLink(moment.run).to}
        for name in names
        for moment, numbers in zip(moments, named, strict=True)
    ]


def _drawn(value: float | None) -> float | None:
    return value if is_number(value) else None
