"""A worker as its user sees it: it takes batches of tasks, gives replies, and is a new process after a death."""

import pickle
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from .errors import NotSendable
from .imports import KnownImports
from .wire import (
    DONE,
    LAST,
    NEWS,
    TASK,
    TOLD,
    Died,
    Done,
    Failed,
    Limit,
    OutOfMemory,
    Reply,
    Task,
    TimedOut,
    Told,
    message,
    pickled,
)
from .worker_link import WorkerLink


class Worker:
    """A process that performs tasks, one after the other. One thread uses it; others may only `kill` it."""

    def __init__(self, start: Callable[[], WorkerLink], imports: KnownImports) -> None:
        self._start = start
        self._imports = imports
        self._link: WorkerLink | None = None
        self._batch = 0
        self._open: set[tuple[int, int]] = set()

    @property
    def pid(self) -> int | None:
        """The number of its process; None before the first batch, and between a death and the next batch."""
        return None if self._link is None else self._link.pid

    @property
    def busy(self) -> bool:
        """Whether a task was submitted that has neither ended nor died."""
        return bool(self._open)

    def submit(self, tasks: Sequence[Task]) -> int:
        """Send a batch of tasks, and return its number, which its replies carry.

        Several batches may be on their way. A batch larger than the socket holds is sent on in `replies`.
        Raises NotSendable, SetupFailed, PoolClosed, and PoolError if no process can be started.
        """
        batch = self._batch + 1
        last = len(tasks) - 1
        raw = [
            message(LAST if index == last else TASK, batch, index, task.seconds, _sendable(task.payload))
            for index, task in enumerate(tasks)
        ]
        link = self._living()
        if news := self._imports.after(link.known):
            link.known += len(news)
            raw.insert(0, message(NEWS, 0, 0, 0.0, pickle.dumps(news)))
        self._batch = batch
        self._open.update((batch, index) for index in range(len(tasks)))
        link.send(b"".join(raw))
        return batch

    def replies(self, timeout: float) -> list[Reply]:
        """Return what has come, waiting for at most `timeout` seconds for something; nothing if nothing is awaited.

        After a Died, nothing is awaited: every task without a Done or Failed is to be submitted again.
        """
        until = time.monotonic() + timeout
        while self._open:
            assert self._link is not None, "tasks were submitted to a process"
            obituary = self._link.obituary()  # before its last words, which are then all there
            found = [self._reply(*said) for said in self._link.messages()]
            if obituary is not None:
                if self._open:
                    found.append(_death(obituary))
                self._forget()
            if found or time.monotonic() >= until:
                return found
            self._link.wait(until - time.monotonic())
        return []

    def kill(self) -> None:
        """Have the process and all that it started killed; its user gets Died. Any thread may call this."""
        if link := self._link:
            link.kill()

    def close(self) -> None:
        """End the process; `submit` would start another."""
        self._forget()

    def _living(self) -> WorkerLink:
        if self._link is not None and not self._open and self._link.obituary() is not None:
            self._forget()  # it died while it had nothing to do
        if self._link is None:
            self._link = self._start()
        return self._link

    def _forget(self) -> None:
        self._open.clear()
        if self._link is not None:
            self._link.close()
            self._link = None

    def _reply(self, kind: int, batch: int, index: int, raw: bytes) -> Reply:
        if kind != TOLD:
            self._open.discard((batch, index))
        try:
            value = pickle.loads(raw)
        except Exception as error:
            line = "".join(traceback.format_exception_only(error)).strip()
            what = "something that the task told" if kind == TOLD else "the task's result"
            return Failed(batch, index, f"{what} cannot be read here: {line}", traceback.format_exc())
        if kind == DONE:
            return Done(batch, index, value)
        return Told(batch, index, value) if kind == TOLD else Failed(batch, index, *value)


def _sendable(payload: Any) -> bytes:
    try:
        return pickled(payload)
    except Exception as error:
        raise NotSendable(
            f"a task of type {type(payload).__name__!r} cannot be sent to another process",
            why="".join(traceback.format_exception_only(error)).strip(),
            fix="send what the task needs to open it (a path, a URL), and open it in the task",
        ) from error


def _death(told: Any) -> Died:
    limits: dict[Limit, type[Died]] = {"time": TimedOut, "memory": OutOfMemory}
    died = limits.get(told.get("limit"), Died)
    return died(told.get("batch"), told.get("index"), told["why"])
