"""How each part of a plan stands, from the numbers that the records have of its steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from ...records import PathProgress, RunOverview, State
from .nodes import Node, PlanFacts, calls_in, children

GOOD: frozenset[State] = frozenset({"completed", "skipped"})
URGENT: tuple[State, ...] = ("held", "running", "retrying", "failed", "cancelled", "completed", "skipped")
"""What a step with many items counts as: the first of these that one of them is, while the run goes on."""
LASTING: tuple[State, ...] = ("held", "failed", "cancelled", "running", "retrying", "completed", "skipped")
"""The same, once the run has ended."""
WENT_ON: tuple[State, ...] = ("completed", "skipped", "failed", "cancelled")
"""The same in a run that completed: it went on without the items that failed."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a step, or a loop, stands."""

    state: State
    counts: Mapping[State, int]
    """State to how many stand there."""
    total: int | None
    """Of how many, as far as that is known."""
    rate: float = 0.0
    """How many ended each second of late."""
    left: timedelta | None = None
    took: timedelta | None = None
    """From the first beginning to the latest end, or until now."""

    @property
    def begun(self) -> int:
        """How many have begun."""
        return sum(self.counts.values())


PENDING = Standing("pending", {}, None)


def standings(plan: PlanFacts, overview: RunOverview) -> dict[str, Standing]:
    """Return how every step, loop, repetition and decision of the plan stands, by path."""
    progress = {path.path: path for path in overview.paths}
    goes_on = overview.run.ended is None and overview.run.state not in ("failed", "held")
    order = WENT_ON if overview.run.state == "completed" else URGENT if goes_on else LASTING
    found = {path: _call(progress.get(path), order, goes_on) for path in plan.calls}
    for path in _activated(plan.root, found) if overview.run.ended is None else ():
        found[path] = Standing("activated", {}, None)
    for path in reversed(tuple(plan.boxes)):
        found[path] = _box(plan, path, found, progress, order)
    return found


def _call(progress: PathProgress | None, order: Sequence[State], goes_on: bool) -> Standing:
    if progress is None:
        return PENDING
    state = _state(progress.counts, order)
    more = progress.total is not None and progress.ended < progress.total
    if goes_on and more and state in GOOD:
        state = "running"
    took = progress.latest - progress.started
    return Standing(state, progress.counts, progress.total, progress.rate, progress.left, took)


def _state(counts: Mapping[State, int], order: Sequence[State]) -> State:
    return next((state for state in order if counts.get(state)), "pending")


def _box(
    plan: PlanFacts,
    path: str,
    found: Mapping[str, Standing],
    progress: Mapping[str, PathProgress],
    order: Sequence[State],
) -> Standing:
    """Return how a loop, repetition or decision stands: its state is its steps', its counts are its items'."""
    inside = [found[call] for call in calls_in(plan.boxes[path])]
    states: dict[State, int] = {}
    for standing in inside:
        states[standing.state] = states.get(standing.state, 0) + 1
    state = _state(states, order)
    if state in GOOD and states.get("pending") and order is URGENT:
        state = "running"
    direct = [progress[call] for call in plan.directly_in(path) if call in progress]
    if not direct:
        return Standing(state, {}, None)
    counts, total = _items(direct), max((one.total or 0 for one in direct), default=0)
    slowest = min(direct, key=lambda one: one.ended)
    took = max(one.latest for one in direct) - min(one.started for one in direct)
    return Standing(state, counts, total or None, slowest.rate, slowest.left, took)


def _items(steps: Sequence[PathProgress]) -> dict[State, int]:
    """Return the items of a loop by state, from its steps: those done by all of them, and the others by the worst."""
    if len(steps) == 1:
        return dict(steps[0].counts)
    begun = max(sum(step.counts.values()) for step in steps)
    failed = sum(step.counts.get("failed", 0) for step in steps)
    cancelled = max(step.counts.get("cancelled", 0) for step in steps)
    done = min(sum(number for state, number in step.counts.items() if state in GOOD) for step in steps)
    running = max(begun - failed - cancelled - done, 0)
    counts: dict[State, int] = {"failed": failed, "cancelled": cancelled, "running": running, "completed": done}
    return {state: number for state, number in counts.items() if number}


def _activated(node: Node, found: Mapping[str, Standing]) -> list[str]:
    """Return the steps that wait for branches of which some, but not all, are done."""
    paths: list[str] = []
    parts = children(node)
    if node["node"] == "chain":
        for before, after in pairwise(parts):
            if before["node"] == "fork":
                done = [_is_done(branch, found) for branch in children(before)]
                if any(done) and not all(done):
                    paths += [path for path in _entries(after) if found[path].state == "pending"]
    for part in parts:
        paths += _activated(part, found)
    return paths


def _is_done(node: Node, found: Mapping[str, Standing]) -> bool:
    inside = [found[path] for path in calls_in(node)]
    return bool(inside) and all(standing.state in GOOD for standing in inside)


def _entries(node: Node) -> list[str]:
    """Return the steps with which a node begins."""
    if node["node"] == "call":
        return [node["path"]]
    parts = children(node)
    return [path for part in (parts[:1] if node["node"] == "chain" else parts) for path in _entries(part)]
