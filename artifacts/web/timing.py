"""What a live update took the server, told in a comment of its stream for whoever measures."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return what `work` returns, and the seconds of the processor that this thread spent on it."""
    began = time.thread_time()
    return work(), time.thread_time() - began


def told_as(seconds: float, processor: float) -> str:
    """Return the comment: seconds on the clock, other threads and processes included, and on the processor.

    >>> told_as(0.0204, 0.008)
    ': made in 20.4 ms, 8.0 ms of the processor\\n'
    """
    return f": made in {1000 * seconds:.1f} ms, {1000 * processor:.1f} ms of the processor\n"
