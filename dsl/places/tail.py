"""Hear what a command says while it runs: its messages' file is read a few times a second."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

from ..context import Message
from .messages import messages_of

LOOK = 0.2
"""Seconds between two looks at the file."""


@contextmanager
def tailing(file: Path, tell: Callable[[Message], None]) -> Iterator[None]:
    """Tell every message that is appended to the file while the block runs, the last ones at its end."""
    tail, ended = _Tail(file, tell), threading.Event()

    def follow() -> None:
        while not ended.wait(LOOK):
            tail.read()

    # In the context of the step: whoever hears may ask which flow this is, and which server it talks to.
    thread = threading.Thread(target=copy_context().run, args=(follow,), name="kaon-messages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        tail.read(to_the_end=True)


class _Tail:
    def __init__(self, file: Path, tell: Callable[[Message], None]) -> None:
        self._file = file
        self._tell = tell
        self._read = 0
        self._rest = b""

    def read(self, *, to_the_end: bool = False) -> None:
        """Tell what was appended: whole lines, and at the end what is left."""
        try:
            with self._file.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
        except FileNotFoundError:  # the command removed it
            return
        self._read += len(fresh)
        *lines, self._rest = (self._rest + fresh).split(b"\n")
        if to_the_end:
            lines, self._rest = [*lines, self._rest], b""
        for line in lines:
            for message in messages_of(line.decode(errors="replace")):
                self._tell(message)
