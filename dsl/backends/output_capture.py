"""What a step prints and logs becomes lines of its log, while other threads keep their own output."""

import io
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from ..context import StepContext
from ..secrets import masked

_capturing: ContextVar[StepContext | None] = ContextVar("kaon_capturing", default=None)
_lock = threading.Lock()
_users = 0
_installed: list["_Split"] = []


@contextmanager
def captured(context: StepContext) -> Iterator[None]:
    """Send what this step prints or logs to its log as well."""
    _install()
    token = _capturing.set(context)
    try:
        yield
    finally:
        for stream in _installed:
            stream.finish_line()
        _capturing.reset(token)
        _remove()


class _Split(io.TextIOBase):
    """A text stream that hands whole lines written inside a step to the step's log, and all else to the original."""

    def __init__(self, original: TextIO) -> None:
        self.original = original
        self._lines = threading.local()

    def write(self, text: str) -> int:
        context = _capturing.get()
        if context is None:
            self.original.write(masked(text))  # a thread that the step started
            return len(text)
        *whole, rest = (getattr(self._lines, "rest", "") + text).split("\n")
        for line in whole:
            if line.strip():
                context.log(line.rpartition("\r")[2])
        self._lines.rest = rest
        return len(text)

    def finish_line(self) -> None:
        rest = getattr(self._lines, "rest", "")
        context = _capturing.get()
        if rest.strip() and context is not None:
            context.log(rest)
        self._lines.rest = ""

    def flush(self) -> None:
        self.original.flush()

    def isatty(self) -> bool:
        return self.original.isatty()

    def fileno(self) -> int:
        return self.original.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self.original.encoding


class _StepHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        context = _capturing.get()
        if context is not None and not record.name.startswith(("prefect", "kaon.step", "httpx")):
            context.log(f"{record.levelname.lower()} {record.name}: {record.getMessage()}")


_handler = _StepHandler(level=logging.INFO)


def _install() -> None:
    global _users
    with _lock:
        _users += 1
        if _users == 1:
            sys.stdout, sys.stderr = _Split(sys.stdout), _Split(sys.stderr)
            _installed[:] = [sys.stdout, sys.stderr]
            logging.getLogger().addHandler(_handler)


def _remove() -> None:
    global _users
    with _lock:
        _users -= 1
        if _users == 0:
            for name, stream in zip(("stdout", "stderr"), _installed, strict=True):
                if getattr(sys, name) is stream:
                    setattr(sys, name, stream.original)
            _installed.clear()
            logging.getLogger().removeHandler(_handler)
