"""Ctrl-C during a transaction is heard at its end: SQLAlchemy, interrupted, may leave the records locked."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heard_at_the_end() -> Iterator[None]:
    """Let KeyboardInterrupt wait for the end of the block, unless Ctrl-C comes twice.

    For the main thread, which alone hears signals; a handler of somebody's own is left to itself.
    """
    usual = signal.default_int_handler
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is not usual:
        yield
        return
    heard: list[int] = []

    def hear(number: int, frame: object) -> None:
        if heard:
            raise KeyboardInterrupt
        heard.append(number)

    signal.signal(signal.SIGINT, hear)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if heard:
            raise KeyboardInterrupt
