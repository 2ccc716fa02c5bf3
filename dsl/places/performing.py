"""What a worker process does: take tasks from its socket, perform them, and send back what comes of them."""

import io
import os
import pickle
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from socket import socket
from types import TracebackType
from typing import Any, BinaryIO

from ..secrets import masked
from .imports import ByFile
from .wire import DONE, FAILED, HEADER, LAST, NEWS, TOLD, Word, message, pickled

Tell = Callable[[Any], None]
Perform = Callable[[Any, Tell], Any]

LINGER = 0.05
"""Seconds for which a reply may wait for others to be sent with."""


class Outbox:
    """Replies on their way to the run's process: sent together, at the latest LINGER seconds after the oldest."""

    def __init__(self, line: socket) -> None:
        self._line = line
        self._unsent: deque[bytes] = deque()
        self._sending = threading.Lock()
        self._something = threading.Event()
        self._sent = 0.0
        threading.Thread(target=self._send_in_time, name="kaon-outbox", daemon=True).start()

    def put(self, reply: bytes) -> None:
        """Send the reply with those that follow soon; never waits for the run's process to read."""
        self._unsent.append(reply)
        if not self._something.is_set():
            self._something.set()

    def flush_after_silence(self) -> None:
        """Send what is unsent if nothing was sent lately: a death soon after would lose what took long to make."""
        if time.monotonic() - self._sent > LINGER:
            self.flush()

    def flush(self) -> None:
        """Send what is unsent."""
        with self._sending:
            self._something.clear()
            unsent = []
            while self._unsent:  # others go on adding
                unsent.append(self._unsent.popleft())
            if unsent:
                self._line.sendall(b"".join(unsent))
            self._sent = time.monotonic()

    def _send_in_time(self) -> None:
        try:
            while True:
                self._something.wait()
                time.sleep(LINGER)
                self.flush()
        except OSError:
            return  # the run's process is gone: so is this one, soon


class Performer:
    """Performs tasks one after the other, and says in the shared word which one it is at."""

    def __init__(self, perform: Perform, word: Word, outbox: Outbox, told: ByFile) -> None:
        self._perform = perform
        self._word = word
        self._outbox = outbox
        self._told = told
        self._pid = os.getpid()

    def serve(self, tasks: BinaryIO) -> None:
        """Perform all that comes, until the other end is closed."""
        while header := tasks.read(HEADER.size):
            kind, batch, index, timeout, length = HEADER.unpack(header)
            raw = tasks.read(length)
            if len(raw) < length:
                return
            if kind == NEWS:
                self._told.learn(pickle.loads(raw))
                continue
            self._outbox.put(self._reply(batch, index, timeout, raw))
            if kind == LAST:
                self._outbox.flush()
            else:
                self._outbox.flush_after_silence()

    def _reply(self, batch: int, index: int, timeout: float, raw: bytes) -> bytes:
        def tell(said: Any) -> None:
            self._outbox.put(message(TOLD, batch, index, 0.0, pickled(said)))

        self._word.write(batch, index, time.monotonic() + timeout, timeout)
        what = "the task could not be read by its worker"
        try:
            payload = pickle.loads(raw)
            what = ""
            result = self._perform(payload, tell)
            what = "the task's result cannot be sent"
            return message(DONE, batch, index, 0.0, pickled(result))
        except BaseException as error:
            return message(FAILED, batch, index, 0.0, pickle.dumps(_described(error, what)))
        finally:
            if os.getpid() != self._pid:
                os._exit(0)  # a fork that the task made and did not end: it must not go on as a worker
            self._word.clear()


def _described(error: BaseException, what: str) -> tuple[str, str]:
    try:
        line = "".join(traceback.format_exception_only(error)).strip()
        trace = "".join(traceback.format_exception(error.with_traceback(_below_here(error))))
    except Exception:  # an exception whose own text fails
        line, trace = type(error).__name__, ""
    return masked(f"{what}: {line}" if what else line), masked(trace)


def _below_here(error: BaseException) -> TracebackType | None:
    trace = error.__traceback__
    return trace.tb_next if trace is not None and trace.tb_next is not None else trace


def serve(line: socket, word: Word, perform: Perform, told: ByFile) -> None:
    """Perform the tasks that come over a socket, until its other end is closed."""
    word.clear()
    tasks = io.BufferedReader(line.makefile("rb", buffering=0), 1 << 18)
    Performer(perform, word, Outbox(line), told).serve(tasks)
