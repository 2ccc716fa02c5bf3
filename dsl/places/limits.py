"""How much of the machine a process of its own may use."""

import math
import os
import random
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
"""The variables by which numeric libraries are told their number of threads."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The share of the machine that a process may use.

    >>> Limits(cpus=1.5).cores
    2
    """

    cpus: float | None = None
    """Cores; the process is kept on that many, rounded up. None: all of them."""
    memory: int | None = None
    """Bytes of resident memory of the process and all that it starts; more, and it is killed. None: no limit."""

    @property
    def cores(self) -> int | None:
        """Whole cores, or None for all of them."""
        return None if self.cpus is None else max(1, math.ceil(self.cpus))


NONE = Limits()


def available_cores() -> tuple[int, ...]:
    """Return the numbers of the cores that this process may run on."""
    if sys.platform == "linux":
        return tuple(sorted(os.sched_getaffinity(0)))
    return tuple(range(os.cpu_count() or 1))


class Cores:
    """Deals cores out, the least used first, so that two processes of one core each do not share one."""

    def __init__(self, cores: Sequence[int]) -> None:
        self._users = dict.fromkeys(cores, 0)
        self._lock = threading.Lock()

    def take(self, count: int) -> tuple[int, ...]:
        """Return the numbers of the least used cores; among equals chance decides, as other runs deal too."""
        with self._lock:
            order = sorted(self._users, key=lambda core: (self._users[core], random.random()))
            taken = tuple(order[:count])
            for core in taken:
                self._users[core] += 1
        return taken

    def give_back(self, cores: Sequence[int]) -> None:
        """Say that a process that was given these cores has ended."""
        with self._lock:
            for core in cores:
                self._users[core] -= 1


def keep_to(cores: Sequence[int]) -> None:
    """Keep this process and all that it will start on these cores, with a thread for each in numeric libraries."""
    if sys.platform == "linux":
        with suppress(OSError):  # a core that was taken offline
            os.sched_setaffinity(0, cores)
    use_threads(len(cores))


def use_threads(count: int) -> None:
    """Let numeric libraries, loaded or not, use that many threads in this process."""
    os.environ.update(thread_settings(count))
    if "numpy" not in sys.modules:
        return
    with suppress(ImportError):
        import threadpoolctl

        threadpoolctl.threadpool_limits(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def thread_settings(count: int) -> dict[str, str]:
    """Return the environment that lets numeric libraries use that many threads."""
    return dict.fromkeys(THREAD_SETTINGS, str(count))
