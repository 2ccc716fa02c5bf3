"""What would come of a form: how many points, and which steps would run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..foretelling import Foretold, Tally, foretell
from ..foretelling.needed import needed_for
from ..launching.fields import Form
from ..launching.points import count_of, points_of
from ..launching.reading import Reading
from ..records import RegisteredWorkflow
from ..store import Store

LOOKED_AT = 100
"""Points that are foretold; of more, as many that are evenly spread."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would come of a form."""

    points: int
    crossed: str
    """How the points come about, such as `rank × 3, alpha × 4`."""
    foretold: Foretold | None
    """None while something is wrong."""

    @property
    def tallies(self) -> list[Tally]:
        """What becomes of each step."""
        return [] if self.foretold is None else list(self.foretold.tallies.values())

    @property
    def running(self) -> int:
        """Steps of the plan that would run, in part or as a whole."""
        return sum(tally.said in ("runs", "some skipped") for tally in self.tallies)

    @property
    def depends(self) -> bool:
        """Whether the lot of some step is decided by one that runs."""
        return any(tally.depends for tally in self.tallies)

    @property
    def skipped(self) -> int:
        """Steps of the plan that would be skipped as a whole."""
        return sum(tally.said == "skipped" for tally in self.tallies)


def outlook_of(store: Store, workflow: RegisteredWorkflow, form: Form, reading: Reading) -> Outlook:
    """Return what would come of a form; no more than how many points there are while something is wrong with it."""
    points = _settings(reading)
    crossed = ", ".join(f"{name} × {_many(axis)}" for name, axis in reading.axes.items())
    if reading.wrong:
        return Outlook(reading.points, crossed, None)
    complete = [{**form.defaults(), **reading.values, **point} for point in points]
    plan = json.loads(workflow.plan)
    told = foretell(
        store,
        plan,
        complete,
        facts=workflow.facts,
        folder=Path(workflow.folder),
        of_points=reading.points,
    )
    needed = needed_for(plan, reading.compare.partition(".")[0]) if reading.axes and reading.compare else None
    if needed is not None:
        told.tallies = {path: tally for path, tally in told.tallies.items() if path in needed}
    return Outlook(reading.points, crossed, told)


def comparable(store: Store, workflow: RegisteredWorkflow) -> list[str]:
    """Return what points can be compared by: metrics that the workflow's steps have made, and numbers."""
    found: list[str] = []
    for name, source in json.loads(workflow.plan)["outputs"]:
        if source.get("source") != "output":
            continue
        latest = store.records.latest(name, workflow.name)
        if latest is None:
            continue
        if latest.kind == "metrics":
            found += [f"{name}.{metric}" for metric in latest.summary]
        elif latest.kind == "json" and isinstance(latest.summary.get("value"), int | float):
            found.append(name)
    return found


def _settings(reading: Reading) -> list[dict[str, Any]]:
    """Return what varies at each point that is looked at."""
    if reading.wrong or not reading.axes:
        return [{}]
    points = points_of(reading.axes, reading.sample, reading.seed)
    if len(points) > LOOKED_AT:
        points = tuple(points[place * len(points) // LOOKED_AT] for place in range(LOOKED_AT))
    return [dict(zip(reading.axes, point, strict=True)) for point in points]


def _many(axis: dict[str, Any]) -> str:
    count = count_of({"": axis})
    return "any of its range" if count is None else str(count)
