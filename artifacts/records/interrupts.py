"""Ctrl-C during a transaction is heard at its end: SQLAlchemy, interrupted, may leave the records locked."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def heard_at_the_end() -> Iterator[None]:
    """Let what hears Ctrl-C, such as Python's KeyboardInterrupt or Spark, wait for the end of the block.

    Ctrl-C a second time is heard at once. For the main thread, which alone hears signals.
    """
    hears = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(hears):
        yield
        return
    heard: list[int] = []

    def wait(number: int, frame: FrameType | None) -> None:
        if heard:
            hears(number, frame)
        heard.append(number)

    signal.signal(signal.SIGINT, wait)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, hears)
        if heard:
            hears(signal.SIGINT, None)
