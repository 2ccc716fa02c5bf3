"""What is known of a run while it goes on: the state of every step, for every item and attempt, fed by events."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import assert_never

from kaon.dsl.events import Event, ItemsEvent, ProgressEvent, RunEvent, StepEvent

from .tally import ENDED, Tally

Keys = tuple[tuple[str, object], ...]
Attempts = tuple[int, ...]


@dataclass(slots=True)
class Cell:
    """One step, for one item of its loops, in one attempt of its repeats."""

    path: str
    step: str
    keys: Keys
    attempts: Attempts
    items: tuple[str, ...]
    """The keys as text, which can be compared and hashed whatever the items are."""
    state: str = "pending"
    reason: str = ""
    began: float = 0.0
    seconds: float = 0.0
    fraction: float | None = None
    note: str = ""


@dataclass(slots=True)
class Board:
    """The cells of a run, in the order in which they were first heard of. Safe to feed from any thread."""

    clock: Callable[[], float] = time.monotonic
    run_id: int | None = None
    began: float | None = None
    """When the run began, by the clock; None before it has."""
    ended: float | None = None
    """When it ended; None while it goes on."""
    _cells: dict[tuple[object, ...], Cell] = field(default_factory=dict)
    _tallies: dict[tuple[object, ...], Tally] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, event: Event) -> Cell | Tally | None:
        """Take in an event; return the cell or the tally that it changed."""
        with self._lock:
            match event:
                case StepEvent():
                    return self._stepped(event)
                case ProgressEvent():
                    cell = self._cell(event)
                    cell.fraction = event.fraction if event.fraction is not None else cell.fraction
                    cell.note = event.note or cell.note
                    return cell
                case ItemsEvent():
                    identity = (event.path, _as_text(event.keys), event.attempts)
                    tally = self._tallies.setdefault(identity, Tally(self.clock))
                    tally.hear(event)
                    return tally
                case RunEvent():
                    self.run_id = event.run_id
                    self.began = self.clock() if self.began is None else self.began
                    self.ended = None if event.state == "running" else self.clock()
                    return None
                case _:
                    assert_never(event)

    def of(self, path: str, keys: Keys, attempts: Attempts) -> Cell | None:
        """Return the cell of a step for these items and attempts."""
        with self._lock:
            return self._cells.get((path, _as_text(keys), attempts))

    def tally(self, path: str, keys: Keys = (), attempts: Attempts = ()) -> Tally | None:
        """Return the tally of a wide loop; or, for a step, without keys, of all its items and attempts."""
        with self._lock:
            return self._tallies.get((path, _as_text(keys), attempts))

    def around(self, cell: Cell) -> str:
        """Return the path of the wide loop or step whose tally counts this cell; empty if none does."""
        with self._lock:
            return next((str(path) for path, *_ in self._tallies if f"{cell.path}/".startswith(f"{path}/")), "")

    def under(self, path: str, keys: Keys, attempts: Attempts) -> list[Cell]:
        """Return the cells of a node of the plan, or inside it, for these items and attempts of what encloses it."""
        inside, items = f"{path}/", _as_text(keys)
        with self._lock:
            return [
                cell
                for cell in self._cells.values()
                if (cell.path == path or cell.path.startswith(inside))
                and cell.items[: len(items)] == items
                and cell.attempts[: len(attempts)] == attempts
            ]

    def attempt(self, path: str, keys: Keys, attempts: Attempts) -> int:
        """Return the latest attempt of a repeat, for these items and attempts around it; 0 before the first."""
        inside = self.under(path, keys, attempts)
        return max((cell.attempts[len(attempts)] for cell in inside if len(cell.attempts) > len(attempts)), default=0)

    def elapsed(self, cell: Cell | None = None) -> float:
        """Return how long a cell, or the whole run, has been running, or ran."""
        if cell is None:
            began = self.clock() if self.began is None else self.began
            return (self.clock() if self.ended is None else self.ended) - began
        if cell.state in ENDED or not cell.began:
            return cell.seconds
        return self.clock() - cell.began

    def _stepped(self, event: StepEvent) -> Cell:
        cell = self._cell(event)
        if event.state == "running" and cell.state != "running":
            cell.began = cell.began or self.clock() - event.seconds
        cell.state, cell.reason = event.state, event.reason
        if event.state in ENDED:
            cell.seconds = event.seconds
        return cell

    def _cell(self, event: StepEvent | ProgressEvent) -> Cell:
        items = _as_text(event.keys)
        identity = (event.path, items, event.attempts)
        if identity not in self._cells:
            self._cells[identity] = Cell(event.path, event.step, event.keys, event.attempts, items)
        return self._cells[identity]


def _as_text(keys: Keys) -> tuple[str, ...]:
    return tuple(repr(value) for _, value in keys)


def by_item(cells: list[Cell], depth: int, width: int) -> Iterator[tuple[Keys, list[Cell]]]:
    """Group the cells inside a loop by its items: the `width` keys after the first `depth`."""
    groups: dict[tuple[str, ...], list[Cell]] = {}
    for cell in cells:
        groups.setdefault(cell.items[: depth + width], []).append(cell)
    for group in groups.values():
        yield group[0].keys[: depth + width], group
