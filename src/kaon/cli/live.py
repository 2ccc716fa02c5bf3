"""The run while it goes on: a live tree on a terminal, a line for each change elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.live import Live

from kaon.artifacts.amounts import duration
from kaon.dsl.events import Event, ItemsEvent, ProgressEvent, RunEvent, StepEvent

from .board import Board, Cell
from .printed import STATE_SIGNS, items
from .tally import Tally
from .tree import Screen, place

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.dsl import Plan

Hear = Callable[[Event], None]

PROGRESS_EVERY = 10.0
"""Seconds between two lines about the progress of one step."""
ITEMS_EVERY = 5.0
"""Seconds between two lines about the items of one wide loop."""
FAILURES_TOLD = 20
"""Failures inside one wide loop that get a line each."""


@contextmanager
def live(plan: "Plan", console: "Console", *, since: float = 0.0) -> Iterator[Hear]:
    """Yield what to call with the events of a run; shows them until the block ends.

    since: seconds for which the run has been going on already.
    """
    if not console.is_terminal:
        yield Lines(since=since).hear
        return
    board = Board(began=time.monotonic() - since if since else None)
    screen = Screen(plan, board)
    with Live(console=console, get_renderable=lambda: screen, refresh_per_second=2) as shown:
        yield lambda event: _note(board, event)
        shown.refresh()


def _note(board: Board, event: Event) -> None:
    board.hear(event)


class Lines:
    """Prints a line when a step starts or ends, and now and then while it goes on."""

    def __init__(
        self,
        write: Callable[[str], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        *,
        since: float = 0.0,
    ) -> None:
        self._board = Board(clock)
        self._clock = clock
        self._began = clock() - since
        self._told: dict[int, float] = {}
        """When a cell or tally was last told of, by its identity."""
        self._failures: dict[str, int] = {}
        """How many failures were told, by the path of the wide loop or step that they are in."""
        self._write = write or _to(sys.stdout)

    def hear(self, event: Event) -> None:
        """Take in an event, and print what is worth a line."""
        changed = self._board.hear(event)
        match event, changed:
            case RunEvent(), _:
                if event.state == "running":
                    self._say(f"● run {event.run_id}")
            case StepEvent(), Cell():
                if not self._too_many(changed):
                    self._say(self._changed(changed))
            case ProgressEvent(), Cell():
                if self._is_due(changed, PROGRESS_EVERY):
                    fraction = "" if changed.fraction is None else f" {changed.fraction:.0%}"
                    self._say(f"  {place(changed)}{fraction} {changed.note}".rstrip())
            case ItemsEvent(), Tally():
                self._items(event, changed)

    def _items(self, event: ItemsEvent, tally: Tally) -> None:
        over = tally.ended >= tally.total
        sign = "✓" if over and not tally.counts.get("failed") else " "
        if self._is_due(tally, 0.0 if over else ITEMS_EVERY):
            inside = f" ({items(event.keys)})" if event.keys else ""
            self._say(f"{sign} {event.path.rpartition('/')[2]}{inside} {tally}")

    def _is_due(self, thing: object, pause: float) -> bool:
        now = self._clock()
        if now - self._told.setdefault(id(thing), self._began) < pause:
            return False
        self._told[id(thing)] = now
        return True

    def _too_many(self, cell: Cell) -> bool:
        """Say whether enough failures of the wide loop around a cell have been told."""
        around = self._board.around(cell)
        if cell.state != "failed" or not around:
            return False
        self._failures[around] = self._failures.get(around, 0) + 1
        if self._failures[around] == FAILURES_TOLD + 1:
            command = f"kaon status {self._board.run_id} --failed"
            self._say(f"  more failures in {around.rpartition('/')[2]} are not told here: {command}")
        return self._failures[around] > FAILURES_TOLD

    def _changed(self, cell: Cell) -> str:
        said = f"{STATE_SIGNS[cell.state]} {place(cell)} {cell.state}"
        if cell.state == "running":
            self._told[id(cell)] = self._clock()
            return said
        if cell.state == "completed":
            return f"{said} in {duration(cell.seconds)}"
        return f"{said}: {cell.reason.partition(chr(10))[0]}" if cell.reason else said

    def _say(self, line: str) -> None:
        self._write(f"{self._clock() - self._began:7.1f} s  {line}")


def _to(stream: TextIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        stream.write(f"{line}\n")  # in one piece: several threads tell at once
        stream.flush()

    return write
