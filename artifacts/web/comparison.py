"""Runs side by side: their settings and metrics, what differs first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from ..json_form import Json
from ..records import RunRecord
from .run_rows import metric_paths, metrics_by_run
from .site import Site

ABSENT = "–"


@dataclass(frozen=True, slots=True)
class Line:
    """One setting or metric, with its value in each run."""

    name: str
    values: tuple[object, ...]
    """In the order of the runs; ABSENT where a run has none."""
    differs: bool
    highest: int | None = None
    """Place of the highest of differing metrics."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[RunRecord, ...]
    settings: tuple[Line, ...]
    metrics: tuple[Line, ...]
    codes: tuple[Line, ...]
    """Steps that all of them have, and whose code is not the same."""


def compared(site: Site, run_ids: Sequence[int]) -> Comparison:
    """Return these runs side by side. Raises UnknownRecord."""
    runs = tuple(site.store.records.run(run) for run in run_ids)
    metrics: dict[int, dict[str, float]] = {}
    for run in runs:
        metrics |= metrics_by_run(site, [run.id], metric_paths(site.plans, run.id))
    calls = [site.plans.of(run.id, run.generation).facts.calls for run in runs]
    shared = [path for path in calls[0] if all(path in its_calls for its_calls in calls)]
    codes = [{path: str(its_calls[path]["code"]) for path in shared} for its_calls in calls]
    return Comparison(
        runs,
        _lines([run.settings for run in runs]),
        tuple(map(_with_highest, _lines([metrics.get(run.id, {}) for run in runs]))),
        tuple(line for line in _lines(codes, _digest) if line.differs),
    )


def _lines(
    found: Sequence[Mapping[str, Json]], shown: Callable[[object], object] = lambda value: value
) -> tuple[Line, ...]:
    names = dict.fromkeys(name for values in found for name in values)
    lines = []
    for name in names:
        values = tuple(one.get(name, ABSENT) for one in found)
        differs = any(value != values[0] for value in values[1:])
        lines.append(Line(name, tuple(map(shown, values)), differs))
    return tuple(sorted(lines, key=lambda line: not line.differs))


def _with_highest(line: Line) -> Line:
    numbers = {place: value for place, value in enumerate(line.values) if isinstance(value, float)}
    if not line.differs or len(numbers) < 2:
        return line
    return replace(line, highest=max(numbers, key=lambda place: numbers[place]))


def _digest(value: object) -> str:
    return str(value).removeprefix("sha256:")[:10]
