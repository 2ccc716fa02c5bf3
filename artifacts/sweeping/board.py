"""The points of a sweep and what each came to, kept up to date by reading only what is new in the records."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from ..records import State
from ..records.points import PointOutput, PointStep
from ..store import Store
from .sweep import Sweep

OPEN: frozenset[str] = frozenset({"running", "retrying", "held", "pending", "activated"})


@dataclass(slots=True)
class Point:
    """A point of a sweep."""

    values: Mapping[str, Any]
    number: int
    """Its place among those that have begun: 1, 2, …"""
    metrics: dict[str, float] = field(default_factory=dict)
    """By `output.metric`, or `output` for a number; over the items of a loop inside it, their mean."""
    steps: dict[int, tuple[str, State]] = field(default_factory=dict)
    """Path and state of its step runs, by id."""
    reason: str = ""
    """Why it failed."""
    failed_step: int = 0
    """The step run that failed."""
    started: datetime | None = None
    ended: datetime | None = None
    state: State = "running"
    _sums: dict[str, tuple[float, int]] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Take a measured number into account."""
        total, count = self._sums.get(name, (0.0, 0))
        self._sums[name] = total + value, count + 1
        self.metrics[name] = (total + value) / (count + 1)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A page of the leaderboard."""

    points: Sequence[Point]
    found: int
    """Points that fit what was asked for."""


@dataclass(slots=True)
class Board:
    """The leaderboard of one sweep. Safe to use from many threads."""

    store: Store
    run: int
    sweep: Sweep
    points: dict[str, Point] = field(default_factory=dict)
    version: int = 0
    """Grows whenever something has changed."""
    _names: dict[str, None] = field(default_factory=dict)
    """The names of all metrics, in the order in which they came."""
    _ordered: dict[tuple[str, bool], tuple[int, Sequence[Point]]] = field(default_factory=dict)
    """For a metric and a direction: a version, and the measured points in order, as they then were."""
    _of_step: dict[int, Point] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)
    _last_step: int = 0
    _last_output: int = 0
    _generation: int = 0
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, generation: int, *, over: bool) -> None:
        """Read what has come since the last time.

        generation: of the run; one that was taken up again is read anew. over: whether the run has ended.
        """
        with self._lock:
            if generation != self._generation:
                self._forget(generation)
            records, before = self.store.records, self._over
            steps = records.point_steps(self.run, self.sweep.path, after=self._last_step, also=sorted(self._open))
            touched = {id(point): point for point in map(self._noted, steps) if point is not None}
            outputs = records.point_outputs(self.run, self.sweep.path, after=self._last_output)
            for output in outputs:
                self._measured(output)
            self._over = over
            for point in self.points.values() if over != before else touched.values():
                point.state = self._state(point)
            if touched or outputs or over != before:
                self.version += 1

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, the one that points are compared by first."""
        names = tuple(self._names)
        first = tuple(name for name in names if name == self.sweep.objective)
        return (*first, *(name for name in names if name not in first))

    def counts(self) -> dict[State, int]:
        """Return how many points are in each state; those that have not begun are pending."""
        found: dict[State, int] = {}
        for point in self.points.values():
            found[point.state] = found.get(point.state, 0) + 1
        waiting = 0 if self._over else self.sweep.total - len(self.points)
        return {**found, **({"pending": waiting} if waiting > 0 else {})}

    def best(self, metric: str, *, less: bool) -> Point | None:
        """Return the best point by a metric, of equal ones the first; None if none has it."""
        return next(iter(self.measured(metric, down=not less)), None)

    def measured(self, metric: str, *, down: bool) -> Sequence[Point]:
        """Return the points that have a metric, sorted by it, of equal ones the first that began first."""
        version, (known, ordered) = self.version, self._ordered.get((metric, down), (-1, []))
        if known != version:
            found = [p for p in list(self.points.values()) if math.isfinite(p.metrics.get(metric, math.nan))]
            ordered = sorted(found, key=lambda point: point.metrics[metric], reverse=down)
            self._ordered[metric, down] = version, ordered
        return ordered

    def failed(self, most: int) -> list[Point]:
        """Return the first points that failed."""
        return list(islice((point for point in list(self.points.values()) if point.state == "failed"), most))

    def ranked(self, by: str, *, down: bool, state: str = "", start: int = 0, limit: int = 50) -> Ranking:
        """Return a page of the points, sorted by a metric, a variable, or `point`, `state`, `seconds`.

        Points without a value come last, whichever the direction.
        """
        points = [point for point in list(self.points.values()) if not state or point.state == state]
        if by in self._names:
            first = [point for point in self.measured(by, down=down) if not state or point.state == state]
        else:
            keyed = [(key, point) for point in points if (key := _key(point, by)) is not None]
            first = [point for _, point in sorted(keyed, key=lambda pair: pair[0], reverse=down)]
        if start + limit > len(first):
            known = {point.number for point in first}
            first += [point for point in points if point.number not in known]
        return Ranking(first[start : start + limit], len(points))

    def sampled(self, metric: str, *, less: bool, most: int) -> list[Point]:
        """Return the measured points, or, of more than `most`, the best fifth of that and others evenly spread."""
        measured = self.measured(metric, down=not less)
        if len(measured) <= most:
            return sorted(measured, key=lambda point: point.number)
        top, rest = measured[: most // 5], measured[most // 5 :]
        wanted = most - len(top)
        return [*top, *(rest[place * len(rest) // wanted] for place in range(wanted))]

    def _forget(self, generation: int) -> None:
        self.points, self._names, self._ordered, self._of_step, self._open = {}, {}, {}, {}, set()
        self._last_step = self._last_output = 0
        self._generation = generation

    def _noted(self, step: PointStep) -> Point | None:
        """Take a step run into account, and return its point."""
        values = {name: value for name, value in step.keys if name in self.sweep.variables}
        key = repr(sorted(values.items()))
        point = self.points.get(key)
        if point is None:
            point = self.points[key] = Point(values, len(self.points) + 1)
        self._of_step[step.id] = point
        self._last_step = max(self._last_step, step.id)
        point.steps[step.id] = step.path, step.state
        point.started = step.started if point.started is None else min(point.started, step.started)
        if step.ended is None:
            self._open.add(step.id)
            return point
        self._open.discard(step.id)
        point.ended = step.ended if point.ended is None else max(point.ended, step.ended)
        if step.state == "failed" and not point.reason:
            point.reason, point.failed_step = step.reason, step.id
        return point

    def _measured(self, output: PointOutput) -> None:
        self._last_output = max(self._last_output, output.id)
        point = self._of_step.get(output.step_run)
        if point is None:
            return
        for name, value in _numbers(output):
            point.add(name, value)
            self._names[name] = None

    def _state(self, point: Point) -> State:
        states = [state for _, state in point.steps.values()]
        if "failed" in states:
            return "failed"
        if any(state in OPEN for state in states):
            return "failed" if self._over else "running"
        if "cancelled" in states:
            return "cancelled"
        begun = {path for path, _ in point.steps.values()}
        if not self._over and (not self.sweep.last or not begun.issuperset(self.sweep.last)):
            return "running"
        return "skipped" if all(state == "skipped" for state in states) else "completed"


def _numbers(output: PointOutput) -> Iterable[tuple[str, float]]:
    if output.kind == "metrics":
        for metric, value in output.summary.items():
            if isinstance(value, int | float):
                yield f"{output.name}.{metric}", float(value)
    elif isinstance(value := output.summary.get("value"), int | float) and not isinstance(value, bool):
        yield output.name, float(value)


def _key(point: Point, by: str) -> Any:
    if by == "point":
        return point.number
    if by == "state":
        return point.state
    if by == "seconds":
        return (point.ended - point.started).total_seconds() if point.ended and point.started else None
    value = point.values.get(by)
    if value is None:
        return None
    return (0, value, "") if isinstance(value, int | float) else (1, 0, str(value))
