"""The items of a loop of several steps, kept up to date by reading only what is new in the records."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from pydantic_core import from_json

from ..records import RunRecord, State
from ..records.inside import ItemRecord, ItemStep
from ..records.reading import loop_keys
from ..records.records import Records
from ..store import Store
from .kept import Kept

RANKS: tuple[State, ...] = (
    "skipped",
    "completed",
    "pending",
    "activated",
    "running",
    "retrying",
    "cancelled",
    "failed",
    "held",
)
"""The state of an item is that of its steps which comes last here."""
RANK = {state: rank for rank, state in enumerate(RANKS)}


@dataclass(slots=True)
class _Item:
    """An item that has begun, with its step runs by id."""

    steps: dict[int, ItemStep] = field(default_factory=dict)
    state: State = "pending"

    @property
    def open(self) -> bool:
        return any(step.ended is None for step in self.steps.values())

    def standing(self, dead: bool) -> State:
        return "failed" if dead and self.open else self.state

    def record(self, state: State) -> ItemRecord:
        steps = list(self.steps.values())
        ends: list[datetime] = [step.ended for step in steps if step.ended is not None]
        return ItemRecord(
            first=min(self.steps),
            last=max(self.steps),
            keys=loop_keys(from_json(steps[0].keys)),
            attempt=tuple(from_json(steps[0].attempt)),
            state=state,
            steps=len(steps),
            started=min(step.started for step in steps),
            ended=max(ends) if len(ends) == len(steps) else None,
        )


class LoopItems:
    """The items of one loop of a run that have begun. Safe to use from many threads."""

    def __init__(self, records: Records, run: int, paths: tuple[str, ...]) -> None:
        """Look at a loop.

        paths: the plan paths of the steps that are directly inside it.
        """
        self._records, self._run, self._paths = records, run, paths
        self._generation = self._last = 0
        self._items: dict[tuple[str, str], _Item] = {}
        self._counts: dict[State, int] = {}
        self._open: set[int] = set()
        self._lock = threading.Lock()

    def refresh(self, generation: int, most: int = 2**31 - 1) -> bool:
        """Read what has come since the last time, and return whether that was all.

        generation: of the run; one that was taken up again is read anew. most: of the step runs that have begun since,
        so many are read. Those of one run become visible in the order of their ids, see `records.leases.require`.
        """
        with self._lock:
            if generation != self._generation:
                self._generation, self._last = generation, 0
                self._items, self._counts, self._open = {}, {}, set()
            last = self._last
            new = self._records.item_steps(self._run, self._paths, after=last, also=sorted(self._open), most=most)
            for step in new:
                self._note(step)
            return sum(step.id > last for step in new) < most

    def counts(self, *, dead: bool) -> dict[State, int]:
        """Return how many items are in each state, what is worst first.

        dead: whether the run's process is gone, so that items with open steps have failed.
        """
        with self._lock:
            found = dict(self._counts)
            if dead:
                found = {}
                for item in self._items.values():
                    state = item.standing(dead)
                    found[state] = found.get(state, 0) + 1
        return {state: found[state] for state in reversed(RANKS) if found.get(state)}

    def page(self, states: Collection[State], *, after: int, limit: int, dead: bool) -> list[ItemRecord]:
        """Return items in the order in which they began, those whose first step run is higher than `after`.

        states: only items in one of these; all if there are none.
        """
        with self._lock:
            return list(islice(self._found(states, after, dead), limit))

    def _found(self, states: Collection[State], after: int, dead: bool) -> Iterator[ItemRecord]:
        for item in self._items.values():
            if (not after or min(item.steps) > after) and (not states or item.standing(dead) in states):
                yield item.record(item.standing(dead))

    def _note(self, step: ItemStep) -> None:
        """Take a step run into account."""
        self._last = max(self._last, step.id)
        where = step.keys, step.attempt
        item = self._items.get(where)
        if item is None:
            if step.superseded:
                return
            item = self._items[where] = _Item()
        else:
            self._counts[item.state] -= 1
        if step.superseded:
            self._open.discard(step.id)
            item.steps.pop(step.id, None)
            if not item.steps:
                del self._items[where]
                return
        else:
            (self._open.add if step.ended is None else self._open.discard)(step.id)
            item.steps[step.id] = step
        item.state = max((one.state for one in item.steps.values()), key=RANK.__getitem__)
        self._counts[item.state] = self._counts.get(item.state, 0) + 1


_kept: Kept[tuple[int, tuple[str, ...]], LoopItems] = Kept(4)


def loop_items(store: Store, run: RunRecord, paths: tuple[str, ...], most: int = 2**31 - 1) -> tuple[LoopItems, bool]:
    """Return the items of a run's loop as they stand, and whether these are all that are recorded.

    paths: of the steps that are directly inside it; most: of the step runs that are new to it, so many are read.
    """
    items = _kept.get(store, (run.id, paths), lambda: LoopItems(store.records, run.id, paths))
    return items, items.refresh(run.generation, most)
