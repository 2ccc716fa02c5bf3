"""The items of a loop of several steps, kept up to date by reading only what is new in the records."""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping
from itertools import islice

from pydantic_core import from_json

from ..records import RunRecord, State
from ..records.inside import ItemRecord, ItemStep
from ..records.reading import loop_keys
from ..records.records import Records
from ..store import Store

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
KEPT = 4
"""Loops that stay in memory."""


class LoopItems:
    """The items of one loop of a run that have begun. Safe to use from many threads."""

    def __init__(self, records: Records, run: int, paths: tuple[str, ...]) -> None:
        """Look at a loop.

        paths: the plan paths of the steps that are directly inside it.
        """
        self._records, self._run, self._paths = records, run, paths
        self._generation = self._last = 0
        self._steps: dict[tuple[str, str], dict[int, ItemStep]] = {}
        self._items: dict[tuple[str, str], ItemRecord] = {}
        self._open: set[int] = set()
        self._lock = threading.Lock()

    def refresh(self, generation: int) -> None:
        """Read what has come since the last time.

        generation: of the run; one that was taken up again is read anew.
        """
        with self._lock:
            if generation != self._generation:
                self._generation, self._last = generation, 0
                self._steps, self._items, self._open = {}, {}, set()
            new = self._records.item_steps(self._run, self._paths, after=self._last, also=sorted(self._open))
            for item in dict.fromkeys(map(self._noted, new)):
                self._sum_up(item)

    def counts(self, *, dead: bool) -> dict[State, int]:
        """Return how many items are in each state, what is worst first.

        dead: whether the run's process is gone, so that items with open steps have failed.
        """
        found: dict[State, int] = {}
        for item in list(self._items.values()):
            state = _state(item, dead)
            found[state] = found.get(state, 0) + 1
        return {state: found[state] for state in reversed(RANKS) if state in found}

    def page(self, states: Collection[State], *, after: int, limit: int, dead: bool) -> list[ItemRecord]:
        """Return items in the order in which they began, those whose first step run is higher than `after`.

        states: only items in one of these; all if there are none.
        """
        return list(islice(self._found(states, after, dead), limit))

    def _found(self, states: Collection[State], after: int, dead: bool) -> Iterator[ItemRecord]:
        for item in list(self._items.values()):
            state = _state(item, dead)
            if item.first > after and (not states or state in states):
                yield (
                    item
                    if state == item.state
                    else ItemRecord(
                        item.first, item.last, item.keys, item.attempt, state, item.steps, item.started, item.ended
                    )
                )

    def _noted(self, step: ItemStep) -> tuple[str, str]:
        """Take a step run into account, and return the item that it is of."""
        item = step.keys, step.attempt
        self._last = max(self._last, step.id)
        steps = self._steps.setdefault(item, {})
        if step.superseded:
            steps.pop(step.id, None)
        else:
            steps[step.id] = step
        if step.ended is None and not step.superseded:
            self._open.add(step.id)
        else:
            self._open.discard(step.id)
        return item

    def _sum_up(self, item: tuple[str, str]) -> None:
        steps = self._steps[item]
        if not steps:
            self._items.pop(item, None)
            return
        ends = [step.ended for step in steps.values()]
        ended = [end for end in ends if end is not None]
        known = self._items.get(item)
        self._items[item] = ItemRecord(
            first=min(steps),
            last=max(steps),
            keys=loop_keys(from_json(item[0])) if known is None else known.keys,
            attempt=tuple(from_json(item[1])) if known is None else known.attempt,
            state=max((step.state for step in steps.values()), key=RANK.__getitem__),
            steps=len(steps),
            started=min(step.started for step in steps.values()),
            ended=max(ended) if len(ended) == len(ends) else None,
        )


_kept: weakref.WeakKeyDictionary[Store, OrderedDict[tuple[int, tuple[str, ...]], LoopItems]] = (
    weakref.WeakKeyDictionary()
)
_lock = threading.Lock()


def loop_items(store: Store, run: RunRecord, paths: tuple[str, ...]) -> LoopItems:
    """Return the items of a run's loop as they stand; paths: of the steps that are directly inside it."""
    with _lock:
        kept: Mapping[tuple[int, tuple[str, ...]], LoopItems] = _kept.setdefault(store, OrderedDict())
        items = kept.get((run.id, paths)) or LoopItems(store.records, run.id, paths)
    items.refresh(run.generation)
    with _lock:
        latest = _kept[store]
        latest[run.id, paths] = items
        latest.move_to_end((run.id, paths))
        while len(latest) > KEPT:
            latest.popitem(last=False)
    return items


def _state(item: ItemRecord, dead: bool) -> State:
    return "failed" if dead and item.ended is None else item.state
