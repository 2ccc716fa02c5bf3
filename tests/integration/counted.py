"""How many there are of something, look after look, while a block runs."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

LOOK_EVERY = 0.05
"""Seconds between two looks."""


@contextmanager
def counted(count: Callable[[], int]) -> Iterator[list[int]]:
    """Yield what was counted so far, 0 first; it grows while the block runs."""
    counts, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(LOOK_EVERY):
            counts.append(count())

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield counts
    finally:
        ended.set()
        looking.join()
