"""Let no more run at once than the machine has: cores and memory are promised first come, first served."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import TooLarge
from .limits import available_cores

LOOK = 0.1
"""Seconds between two calls of `waiting`."""
ROUNDING = 1e-9
"""Ten times 0.1 core is one core."""


class Admission:
    """Cores and memory that are promised to those who ask, and wait in line until what they ask for is free.

    cores, memory: what there is, in cores and bytes; by default what this process may use of the machine.
    """

    def __init__(self, cores: float | None = None, memory: int | None = None) -> None:
        self.cores = float(len(available_cores())) if cores is None else cores
        self.memory = usable_memory() if memory is None else memory
        self._free_cores = self.cores
        self._free_memory = self.memory
        self._changed = threading.Condition()
        self._line: deque[object] = deque()

    @contextmanager
    def admitted(
        self, cpus: float, memory: int | None = None, *, waiting: Callable[[], None] | None = None
    ) -> Iterator[None]:
        """Hold a share of the machine during the block, after waiting for it.

        memory: bytes; None promises none.
        waiting: called ten times a second while it waits; what it raises ends the wait.
        Raises TooLarge if the machine has less than is asked for.
        """
        self.acquire(cpus, memory, waiting=waiting)
        try:
            yield
        finally:
            self.release(cpus, memory)

    def acquire(self, cpus: float, memory: int | None = None, *, waiting: Callable[[], None] | None = None) -> None:
        """Take a share of the machine, as `admitted` does; it is to be released."""
        self._refuse_too_large(cpus, memory or 0)
        ticket = object()
        with self._changed:
            self._line.append(ticket)
        try:
            while not self._taken(ticket, cpus, memory or 0):
                if waiting is not None:
                    waiting()
        except BaseException:
            with self._changed, suppress(ValueError):
                self._line.remove(ticket)
                self._changed.notify_all()
            raise

    def release(self, cpus: float, memory: int | None = None) -> None:
        """Give back what was acquired."""
        with self._changed:
            self._free_cores += cpus
            self._free_memory += memory or 0
            self._changed.notify_all()

    def _taken(self, ticket: object, cpus: float, memory: int) -> bool:
        def first_and_fits() -> bool:
            fits = cpus <= self._free_cores + ROUNDING and memory <= self._free_memory
            return fits and self._line[0] is ticket

        with self._changed:
            if not self._changed.wait_for(first_and_fits, LOOK):
                return False
            self._line.popleft()
            self._free_cores -= cpus
            self._free_memory -= memory
            self._changed.notify_all()  # the next in line may fit too
            return True

    def _refuse_too_large(self, cpus: float, memory: int) -> None:
        if cpus > self.cores + ROUNDING:
            raise TooLarge(
                f"{cpus:g} cores are asked for, and there are {self.cores:g}",
                why="it would wait for ever",
                fix=f"ask for at most {self.cores:g}: Resources(cpus={self.cores:g})",
            )
        if memory > self.memory:
            gib = self.memory / 2**30
            raise TooLarge(
                f"{memory / 2**30:.3g} GiB of memory are asked for, and there are {gib:.3g} GiB",
                why="it would wait for ever",
                fix=f"ask for at most {gib:.3g} GiB: Resources(memory=…)",
            )


def usable_memory() -> int:
    """Return the bytes of memory that this process may use: the machine's, or its container's if that is less."""
    import psutil

    total = int(psutil.virtual_memory().total)
    with suppress(OSError, ValueError):  # cgroup v2; "max" if there is no limit
        total = min(total, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return total
