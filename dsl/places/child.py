"""A worker as its zygote knows it: what it is at, why it is to be killed, and what is told of its end."""

import json
import os
import signal
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from .wire import Limit, Word


@dataclass(frozen=True, slots=True)
class Doom:
    """Why a worker ended, and the task it was at."""

    why: str
    limit: Limit | None = None
    """The limit that its task went over, if it did."""
    batch: int | None = None
    index: int | None = None

    @classmethod
    def at(cls, word: Word, why: str, limit: Limit | None = None) -> "Doom":
        """Return a doom at the task that is running now, if one is."""
        running = word.read()
        return cls(why, limit, running.batch, running.index) if running else cls(why)


@dataclass(slots=True)
class Child:
    """A worker, as its zygote knows it."""

    pid: int
    lifeline: socket.socket
    word: Word
    memory: int | None
    doom: Doom | None = None

    def asked_away(self) -> bool:
        """Return whether the run's process asked for this worker's end, or is gone."""
        try:
            self.lifeline.recv(16)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def late(self, now: float) -> Doom | None:
        """Return why to kill the worker if its task is over its time."""
        running = self.word.read()
        if running is None or not now > running.deadline > 0 or self.word.read() != running:
            return None
        why = f"it took longer than its timeout of {running.timeout:g} s"
        return Doom(why, "time", running.batch, running.index)

    def greedy(self, used: int) -> Doom | None:
        """Return why to kill the worker if it and all that it started hold more bytes than it may."""
        if self.memory is None or used <= self.memory:
            return None
        return Doom.at(self.word, f"it used {_size(used)}, and its limit is {_size(self.memory)}", "memory")

    def report(self, status: int) -> None:
        """Tell the run's process how the worker ended."""
        tell(self.lifeline, asdict(self.doom or Doom.at(self.word, _how_it_ended(status))))
        self.lifeline.close()
        self.word.page.close()


def tell(lifeline: socket.socket, news: Mapping[str, Any]) -> None:
    """Send a line about a worker to the run's process, if it still listens."""
    with suppress(OSError):
        lifeline.sendall(json.dumps(news).encode() + b"\n")


def _how_it_ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"its process exited with {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "unknown"
    return f"its process was killed by signal {-code} ({name})" + (": out of memory?" if code == -9 else "")


def _size(count: int) -> str:
    """Return a number of bytes for people.

    >>> _size(3 * 2**30 // 2)
    '1.5 GiB'
    """
    for unit, bytes_of in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= bytes_of:
            return f"{count / bytes_of:.3g} {unit}"
    return f"{count} bytes"
