"""Server-sent events of a page that shows what goes on: the HTML of what has changed, as long as somebody looks."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from fastapi.concurrency import run_in_threadpool

T = TypeVar("T")

EVERY = 1.0
"""Seconds between two looks at what goes on."""
SELDOM = 3.0
"""Seconds between two looks at what has ended or is held; somebody may take it up again."""
AT_ONCE = 0.1
"""Seconds until the next look where one was not enough."""
NEW = 1000
"""Step runs of a loop that one look takes in at most, so that it is short however fast the loop goes on."""
SILENCE = 15.0
"""Seconds after which something is sent though nothing has changed, so that a lost connection shows."""
SLICE = 0.25
"""Seconds between two looks at whether the server stops."""


class Update(NamedTuple):
    """What one look came to."""

    html: str
    """Of what has changed, empty if nothing has."""
    pause: float
    """Seconds until it is worth to look again."""
    last: int | None = None
    """What a page says it had last when its connection was lost, if it needs to say."""


@dataclass(slots=True)
class Sent:
    """What a page has been sent of each of its parts, which are elements with ids."""

    _hashes: dict[str, int] = field(default_factory=dict)

    def new(self, parts: Iterable[tuple[str, str]]) -> str:
        """Return the HTML of the parts that have changed since the last time, and take them for sent."""
        return "".join(html for name, html in parts if self._is_new(name, hash(html)))

    def _is_new(self, name: str, known: int) -> bool:
        changed = self._hashes.get(name) != known
        self._hashes[name] = known
        return changed


async def live(look: Callable[[], Update], stopping: threading.Event) -> AsyncIterator[str]:
    """Yield what is sent, as server-sent events; it ends when the page is left, or the server stops."""
    yield "retry: 2000\n\n"
    told = time.monotonic()
    while not stopping.is_set():
        began = time.perf_counter()
        update, took = await run_in_threadpool(_timed, look)
        if update.html:
            lines = "".join(f"data: {line}\n" for line in update.html.splitlines())
            place = "" if update.last is None else f"id: {update.last}\n"
            yield f"{told_as(time.perf_counter() - began, took)}{place}{lines}\n"
            told = time.monotonic()
        elif time.monotonic() - told > SILENCE:
            yield ": nothing new\n\n"
            told = time.monotonic()
        await _pause(update.pause, stopping)


def told_as(seconds: float, processor: float) -> str:
    """Return a comment for whoever measures: seconds on the clock, other threads included, and on the processor.

    >>> told_as(0.0204, 0.008)
    ': made in 20.4 ms, 8.0 ms of the processor\\n'
    """
    return f": made in {1000 * seconds:.1f} ms, {1000 * processor:.1f} ms of the processor\n"


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what `work` returns, and the seconds of the processor that this thread spent on it."""
    began = time.thread_time()
    return work(), time.thread_time() - began


async def _pause(seconds: float, stopping: threading.Event) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not stopping.is_set():
        await asyncio.sleep(min(SLICE, max(until - time.monotonic(), 0.0)))
