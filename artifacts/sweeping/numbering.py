"""The numbers of a sweep's points: 0, 1, … in the order in which they were listed, or proposed.

The leaderboard that a sweep leaves numbers them in the same way, so that whoever reads a number on a page can look for
it there. The order in which points begin says nothing: they run at the same time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..records.records import Records
from .sweep import Sweep


def name_of(values: Mapping[str, Any]) -> str:
    """Return what is the same for the same values, whatever their order.

    >>> name_of({"rank": 8, "alpha": 1.0}) == name_of({"alpha": 1.0, "rank": 8})
    True
    """
    return repr(sorted(values.items()))


def listed_numbers(sweep: Sweep) -> dict[str, int]:
    """Return the numbers of the points that the plan lists, by their names; none for points that are proposed."""
    return _numbered(dict(zip(sweep.variables, point, strict=True)) for point in sweep.points)


def proposed_numbers(records: Records, run: int, sweep: Sweep) -> dict[str, int]:
    """Return the numbers of points that were proposed, by their names; none before all of them have ended.

    They are known from what the step that reads every point was given.
    """
    told = records.step_runs(run, path=sweep.reader, limit=1) if sweep.reader else []
    points: Any = told[0].settings.get("sweep_points", []) if told else []
    return _numbered(points)


def _numbered(points: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for number, point in enumerate(points):
        found.setdefault(name_of(point), number)
    return found
