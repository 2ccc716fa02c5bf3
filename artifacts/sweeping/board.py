"""The points of a sweep and what each came to, kept up to date by reading only what is new in the records."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any

from pydantic_core import from_json

from ..records import State
from ..records.points import PointOutput, PointStep
from ..store import Store
from .numbering import listed_numbers, name_of, proposed_numbers
from .sweep import Sweep

OPEN: frozenset[str] = frozenset({"running", "retrying", "held", "pending", "activated"})


@dataclass(slots=True)
class Point:
    """A point of a sweep."""

    values: Mapping[str, Any]
    number: int
    """Its place in the sweep: 0, 1, … in the order in which points were listed or proposed. Of points that a search
    proposes, the place among those that have begun, until all have ended."""
    metrics: dict[str, float] = field(default_factory=dict)
    """By `output.metric`, or `output` for a number; over the items of a loop inside it, their mean."""
    steps: dict[int, State] = field(default_factory=dict)
    """The states of its step runs, by id."""
    begun: tuple[str, ...] = ()
    """The paths of its step runs."""
    reason: str = ""
    """Why it failed."""
    failed_step: int = 0
    """The step run that failed."""
    started: datetime | None = None
    ended: datetime | None = None
    state: State = "running"
    _counts: dict[str, int] = field(default_factory=dict)
    """How many numbers each metric is the mean of, where it is of several."""
    _sums: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, value: float) -> None:
        """Take a measured number into account."""
        if name not in self.metrics:
            self.metrics[name] = value
            return
        self._counts[name] = self._counts.get(name, 1) + 1
        self._sums[name] = self._sums.get(name, self.metrics[name]) + value
        self.metrics[name] = self._sums[name] / self._counts[name]


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
    _counts: dict[State, int] = field(default_factory=dict)
    _of_keys: dict[str, Point] = field(default_factory=dict)
    """The point of loop keys as the records have them; those of a loop inside a point lead to it, too."""
    _numbers: Mapping[str, int] = field(default_factory=dict)
    """The numbers of the points that the plan lists, by their names."""
    _open: set[int] = field(default_factory=set)
    _last: int = 0
    """The last step run that has been read. Those of one run become visible in the order of their ids: whoever writes
    into a run locks it before a step run gets its id."""
    _generation: int = 0
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def refresh(self, generation: int, *, over: bool, most: int = 2**31 - 1) -> bool:
        """Read what has come since the last time, and return whether that was all.

        generation: of the run; one that was taken up again is read anew. over: whether the run has ended. most: of the
        step runs that have begun since, so many are read.
        """
        with self._lock:
            if generation != self._generation:
                self._forget(generation)
            records, last = self.store.records, self._last
            steps = records.point_steps(self.run, self.sweep.path, after=last, also=sorted(self._open), most=most)
            every = sum(step.id > last for step in steps) < most
            touched = {point.number: point for point in map(self._noted, steps)}
            # A step's outputs are recorded with its end, so that once the end is seen they are all there.
            ended = {step.id: step for step in steps if step.ended is not None}
            for output in records.point_outputs(list(ended)):
                self._measured(self._of_keys[ended[output.step_run].keys], output)
            turned = self._over != (over and every)
            self._over = over and every
            unsettled = [p for p in self.points.values() if p.state in ("running", "failed")] if turned else []
            for point in (*touched.values(), *unsettled):
                self._count(point, self._state(point))
            if turned and self._over and not self._numbers:
                self._renumber()
            if touched or turned:
                self.version += 1
        return every

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of all metrics, the one that points are compared by first."""
        names = tuple(self._names)
        first = tuple(name for name in names if name == self.sweep.objective)
        return (*first, *(name for name in names if name not in first))

    def counts(self) -> dict[State, int]:
        """Return how many points are in each state; those that have not begun are pending."""
        found: dict[State, int] = {state: number for state, number in dict(self._counts).items() if number}
        waiting = 0 if self._over else self.sweep.total - len(self.points)
        return {**found, **({"pending": waiting} if waiting > 0 else {})}

    def best(self, metric: str, *, less: bool) -> Point | None:
        """Return the best point by a metric, of equal ones that of the lower number; None if none has it."""
        return next(iter(self.measured(metric, down=not less)), None)

    def measured(self, metric: str, *, down: bool) -> Sequence[Point]:
        """Return the points that have a metric, sorted by it, of equal ones that of the lower number first."""
        version, (known, ordered) = self.version, self._ordered.get((metric, down), (-1, []))
        if known != version:
            found = [p for p in list(self.points.values()) if math.isfinite(p.metrics.get(metric, math.nan))]
            found.sort(key=attrgetter("number"))
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
        self.points, self._names, self._ordered, self._of_keys = {}, {}, {}, {}
        self._counts, self._open, self._last, self._over = {}, set(), 0, False
        self._generation, self._numbers = generation, listed_numbers(self.sweep)

    def _renumber(self) -> None:
        """Number points that were proposed as they were, which is recorded once all have ended."""
        for name, number in proposed_numbers(self.store.records, self.run, self.sweep).items():
            if name in self.points:
                self.points[name].number = number

    def _noted(self, step: PointStep) -> Point:
        """Take a step run into account, and return its point."""
        point = self._of_keys.get(step.keys) or self._found(step.keys)
        self._last = max(self._last, step.id)
        point.steps[step.id] = step.state
        if step.path not in point.begun:
            point.begun += (step.path,)
        point.started = step.started if point.started is None else min(point.started, step.started)
        if step.ended is None:
            self._open.add(step.id)
            return point
        self._open.discard(step.id)
        point.ended = step.ended if point.ended is None else max(point.ended, step.ended)
        if step.state == "failed" and not point.reason:
            point.reason, point.failed_step = step.reason, step.id
        return point

    def _found(self, keys: str) -> Point:
        """Return the point of loop keys that are seen for the first time."""
        values = {str(name): value for name, value in from_json(keys) if name in self.sweep.variables}
        name = name_of(values)
        point = self.points.get(name)
        if point is None:
            number = self._numbers.get(name, len(self._numbers) + len(self.points))
            point = self.points[name] = Point(values, number)
            self._counts[point.state] = self._counts.get(point.state, 0) + 1
        self._of_keys[keys] = point
        return point

    def _measured(self, point: Point, output: PointOutput) -> None:
        for name, value in _numbers(output):
            point.add(name, value)
            self._names[name] = None

    def _count(self, point: Point, state: State) -> None:
        """Let the point have a state, and count it there."""
        self._counts[point.state] -= 1
        self._counts[state] = self._counts.get(state, 0) + 1
        point.state = state

    def _state(self, point: Point) -> State:
        states = point.steps.values()
        if "failed" in states:
            return "failed"
        if any(state in OPEN for state in states):
            return "failed" if self._over else "running"
        if "cancelled" in states:
            return "cancelled"
        if not self._over and (not self.sweep.last or any(path not in point.begun for path in self.sweep.last)):
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
