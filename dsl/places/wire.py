"""What goes between the run's process and a worker: tasks, replies, and the word that says what is running.

A message is a header (kind, batch, index, timeout, length) and that many bytes of pickle. The word is in memory that
the worker shares with the zygote, so that it can be read after the worker was killed.
"""

import math
import pickle
import struct
from dataclasses import dataclass
from mmap import mmap
from typing import Any, Literal, TypeAlias

Limit: TypeAlias = Literal["time", "memory"]

HEADER = struct.Struct("<BIIdQ")
WORD = struct.Struct("<ddqq")
PAGE = 4096
"""Bytes of shared memory of a worker."""

TASK, LAST, NEWS = 1, 2, 3
"""Kinds of a message to a worker: a task, the last task of a batch, and modules to find by file."""
TOLD, DONE, FAILED = 4, 5, 6
"""Kinds of a message from a worker."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing for a worker to do."""

    payload: Any
    """What `perform` is given; it must be picklable."""
    timeout: float | None = None
    """Seconds after which the worker is killed; None: no limit."""

    @property
    def seconds(self) -> float:
        """The timeout as it is sent: infinite if there is none."""
        return math.inf if self.timeout is None else self.timeout


@dataclass(frozen=True, slots=True)
class Told:
    """A running task said something."""

    batch: int
    index: int
    message: Any


@dataclass(frozen=True, slots=True)
class Done:
    """A task ended, and this is what `perform` returned."""

    batch: int
    index: int
    result: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A task raised, or could not be unpickled, or its result could not be pickled; its worker goes on."""

    batch: int
    index: int
    error: str
    """One line: the type and the message."""
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Died:
    """The worker died. Every task submitted to it that has no Done or Failed is to be submitted again."""

    batch: int | None
    index: int | None
    """The task that was running; None if none was, or if the death was surely not its fault."""
    why: str


@dataclass(frozen=True, slots=True)
class OverLimit(Died):
    """The worker was killed because of what the task did: it would do it again."""


@dataclass(frozen=True, slots=True)
class TimedOut(OverLimit):
    """The task ran longer than its timeout."""


@dataclass(frozen=True, slots=True)
class OutOfMemory(OverLimit):
    """The task used more memory than its limit."""


Reply = Told | Done | Failed | Died


@dataclass(frozen=True, slots=True)
class Running:
    """The task that a worker is at."""

    batch: int
    index: int
    deadline: float
    """On the monotonic clock, which all processes of a machine share; infinite: none."""
    timeout: float


class Word:
    """Says which task is running, in memory that outlives the worker."""

    def __init__(self, page: mmap) -> None:
        self.page = page

    def clear(self) -> None:
        """Say that no task is running."""
        WORD.pack_into(self.page, 0, 0.0, 0.0, -1, -1)

    def write(self, batch: int, index: int, deadline: float, timeout: float) -> None:
        """Say that a task starts."""
        WORD.pack_into(self.page, 0, deadline, timeout, batch, index)

    def read(self) -> Running | None:
        """Return the task that is running, or None."""
        deadline, timeout, batch, index = WORD.unpack_from(self.page, 0)
        return None if index < 0 else Running(batch, index, deadline, timeout)


def message(kind: int, batch: int, index: int, number: float, raw: bytes) -> bytes:
    """Return a message as it is sent.

    >>> len(message(DONE, 1, 0, 0.0, b"abc")) - HEADER.size
    3
    """
    return HEADER.pack(kind, batch, index, number, len(raw)) + raw


def pickled(value: Any) -> bytes:
    """Return the value's bytes; functions and classes that no other process can import travel by value.

    Raises what pickling raises.
    """
    try:
        raw = pickle.dumps(value, protocol=5)
        if b"__main__" not in raw:
            return raw
    except Exception:  # a local function, say: the other pickler may know what to do, and says why if not
        pass
    import cloudpickle

    by_value: bytes = cloudpickle.dumps(value, protocol=5)
    return by_value
