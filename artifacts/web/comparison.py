"""Runs side by side: their settings and metrics, what differs first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

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
    best: int | None = None
    """Place of the highest of differing numbers, for a bar behind it."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Runs side by side."""

    runs: tuple[RunRecord, ...]
    settings: tuple[Line, ...]
    metrics: tuple[Line, ...]
    codes: tuple[Line, ...]
    """Steps whose code is not the same in all of them."""


def compared(site: Site, run_ids: Sequence[int]) -> Comparison:
    """Return these runs side by side. Raises UnknownRecord."""
    runs = tuple(site.store.records.run(run) for run in run_ids)
    metrics: dict[int, dict[str, float]] = {}
    for run in runs:
        metrics |= metrics_by_run(site, [run.id], metric_paths(site.plans, run.id))
    codes = [
        {path: str(call["code"]) for path, call in site.plans.of(run.id, run.generation).facts.calls.items()}
        for run in runs
    ]
    return Comparison(
        runs,
        _lines([run.settings for run in runs]),
        _lines([metrics.get(run.id, {}) for run in runs]),
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
        lines.append(Line(name, tuple(map(shown, values)), differs, _highest(values) if differs else None))
    return tuple(sorted(lines, key=lambda line: not line.differs))


def _highest(values: Sequence[object]) -> int | None:
    numbers = {place: value for place, value in enumerate(values) if isinstance(value, float)}
    return max(numbers, key=lambda place: numbers[place]) if len(numbers) > 1 else None


def _digest(value: object) -> str:
    return str(value).removeprefix("sha256:")[:10]
