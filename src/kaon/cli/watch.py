"""The run while it goes on: a live tree on a terminal, a line for each change elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO

from rich.live import Live

from kaon.dsl.events import Event, ProgressEvent, RunEvent, StepEvent

from .board import Board, Cell
from .printed import STATE_SIGNS, duration, items
from .tree import as_tree

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.dsl import Plan

PROGRESS_EVERY = 10.0
"""Seconds between two lines about the progress of one step."""


@contextmanager
def watched(plan: "Plan", console: "Console") -> Iterator[Callable[[Event], None]]:
    """Yield what to call with the events of a run; shows them until the block ends."""
    if not console.is_terminal:
        yield Lines().hear
        return
    board = Board()
    with Live(console=console, get_renderable=lambda: as_tree(plan, board), refresh_per_second=2) as live:
        yield lambda event: _note(board, event)
        live.refresh()


def _note(board: Board, event: Event) -> None:
    board.hear(event)


class Lines:
    """Prints a line when a step starts or ends, and now and then while it goes on."""

    def __init__(self, write: Callable[[str], None] | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._board = Board(clock)
        self._clock = clock
        self._began = clock()
        self._told: dict[int, float] = {}
        self._write = write or _to(sys.stdout)

    def hear(self, event: Event) -> None:
        """Take in an event, and print what is worth a line."""
        cell = self._board.hear(event)
        if isinstance(event, RunEvent):
            if event.state == "running":
                self._say(f"● run {event.run_id}")
            return
        assert cell is not None, "only the run's own events have no cell"
        if isinstance(event, StepEvent):
            self._say(self._changed(cell))
        elif isinstance(event, ProgressEvent) and self._clock() - self._told.get(id(cell), 0.0) >= PROGRESS_EVERY:
            self._told[id(cell)] = self._clock()
            fraction = "" if cell.fraction is None else f" {cell.fraction:.0%}"
            self._say(f"  {place(cell)}{fraction} {cell.note}".rstrip())

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


def place(cell: Cell) -> str:
    """Return the step with its items and attempts: `fine_tune (market=ca, attempt 2)`."""
    attempts = f"attempt {'.'.join(map(str, cell.attempts))}" if cell.attempts else ""
    inside = ", ".join(filter(None, (items(cell.keys), attempts)))
    return f"{cell.path.rpartition('/')[2]}{f' ({inside})' if inside else ''}"


def _to(stream: TextIO) -> Callable[[str], None]:
    def write(line: str) -> None:
        stream.write(f"{line}\n")  # in one piece: several threads tell at once
        stream.flush()

    return write
