"""A pool of warm worker processes that survives their deaths, and leaves none behind.

The run's process starts one zygote, with no part in `multiprocessing`; it builds once what every task needs, and forks
workers, in a few milliseconds each. The sockets, and who kills whom, are told in `zygote`.
"""

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType

from .errors import PoolClosed, ZygoteGone
from .imports import KnownImports
from .limits import NONE, THREAD_SETTINGS, Cores, Limits, available_cores
from .performing import Perform
from .worker import Worker
from .worker_link import WorkerLink
from .zygote_link import ZygoteLink

__all__ = ["Pool"]

TRIES = 5
"""Zygotes that may die, one after the other, before a worker is given up."""


class Pool:
    """Processes that perform tasks. Any number of threads may each use a worker of it at the same time.

    setup: called once, in the zygote; returns `perform(payload, tell) -> result`. It may import what tasks will need,
        and must start no threads.
    size: warm workers at most. Numeric libraries in each use its share of the cores, unless the environment says
        how many threads they are to use.
    """

    def __init__(self, setup: Callable[[], Perform], *, size: int) -> None:
        self.size = size
        self._setup = setup
        self._begin()

    def _begin(self) -> None:
        self._owner = os.getpid()
        self._imports = KnownImports()
        self._starting = threading.Lock()
        self._zygote: ZygoteLink | None = None
        self._returned = threading.Condition()
        self._idle: list[Worker] = []
        self._lent: set[Worker] = set()
        self._closed = False
        self._cores = Cores(available_cores())

    @property
    def zygote_pid(self) -> int | None:
        """The number of the process that starts workers; None before the first is needed."""
        return None if self._zygote is None else self._zygote.pid

    def start(self) -> None:
        """Start the zygote, without waiting for its setup; otherwise the first batch does."""
        self._living_zygote()

    @contextmanager
    def worker(self, limits: Limits = NONE, *, fresh: bool = False) -> Iterator[Worker]:
        """Lend a worker to the calling thread: a warm one, waiting until one is free, or one of its own.

        fresh, or any limits: a process of its own, which is killed afterwards and is not counted in `size`.
        A warm worker that is given back with tasks under way is killed.
        Raises PoolClosed.
        """
        if self._owner != os.getpid():
            self._begin()  # in a fork of the process that made it: the workers are that one's
        if fresh or limits != NONE:
            with self._own(limits) as worker:
                yield worker
            return
        worker = self._borrow()
        try:
            yield worker
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """Kill all workers and what they started; whoever uses one gets Died. Nothing is left when this returns."""
        with self._returned:
            self._closed = True
            idle, self._idle = self._idle, []
            self._returned.notify_all()
        for worker in idle:
            worker.close()
        with self._starting:
            zygote, self._zygote = self._zygote, None
        if zygote is not None:
            zygote.close()

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self.close()

    def _borrow(self) -> Worker:
        with self._returned:
            self._returned.wait_for(lambda: self._closed or self._idle or len(self._lent) < self.size)
            if self._closed:
                raise PoolClosed
            worker = self._idle.pop() if self._idle else Worker(self._start_warm, self._imports)
            self._lent.add(worker)
        return worker

    def _give_back(self, worker: Worker) -> None:
        if worker.busy:
            worker.close()
        with self._returned:
            self._lent.discard(worker)
            if not self._closed:
                self._idle.append(worker)
                self._returned.notify()
                return
        worker.close()

    @contextmanager
    def _own(self, limits: Limits) -> Iterator[Worker]:
        cores = self._cores.take(limits.cores) if limits.cores is not None else ()
        told = any(name in os.environ for name in THREAD_SETTINGS)
        threads = 0 if told else len(available_cores())
        worker = Worker(lambda: self._fork(limits.memory, cores, threads), self._imports)
        try:
            yield worker
        finally:
            worker.close()
            self._cores.give_back(cores)

    def _start_warm(self) -> WorkerLink:
        return self._fork(None, (), 0)

    def _fork(self, memory: int | None, cores: Sequence[int], threads: int) -> WorkerLink:
        for _ in range(TRIES - 1):
            with suppress(ZygoteGone):
                return self._living_zygote().fork(memory, cores, threads)
        return self._living_zygote().fork(memory, cores, threads)

    def _living_zygote(self) -> ZygoteLink:
        with self._starting:
            if self._closed:
                raise PoolClosed
            if self._zygote is not None and not self._zygote.alive():
                self._zygote.close()
                self._zygote = None
            if self._zygote is None:
                threads = max(1, len(available_cores()) // self.size)
                self._zygote = ZygoteLink(self._setup, self._imports, threads)
            return self._zygote
