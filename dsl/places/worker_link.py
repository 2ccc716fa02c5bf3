"""The run's ends of the two sockets of a worker."""

import json
import os
import select
import signal
import socket
import threading
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from .wire import HEADER, Word

CHUNK = 1 << 18
"""Bytes read at once."""


class WorkerLink:
    """One worker process, from its start to its death. One thread uses it; others may only kill it."""

    def __init__(self, pid: int, line: socket.socket, lifeline: socket.socket, word: Word, known: int) -> None:
        self.pid = pid
        self.word = word
        self.known = known
        """How many things of KnownImports the worker was told."""
        self._line = line
        self._lifeline = lifeline
        self._news = bytearray()
        self._unsent: deque[memoryview] = deque()
        self._received = bytearray()
        self._closing = threading.Lock()
        self._closed = False
        line.setblocking(False)
        lifeline.setblocking(False)

    def send(self, raw: bytes) -> None:
        """Send bytes to the worker, now or in `wait`."""
        if raw:
            self._unsent.append(memoryview(raw))
        try:
            while self._unsent:
                sent = self._line.send(self._unsent[0])
                if sent < len(self._unsent[0]):
                    self._unsent[0] = self._unsent[0][sent:]
                    continue
                self._unsent.popleft()
        except BlockingIOError:
            return
        except OSError:
            self._unsent.clear()  # it has died, which its lifeline tells

    def wait(self, seconds: float) -> None:
        """Wait until the worker has sent something, has died, or the time is over."""
        poll = select.poll()
        poll.register(self._line, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        poll.register(self._lifeline, select.POLLIN)
        events = dict(poll.poll(max(0.0, seconds) * 1000))
        if events.get(self._line.fileno(), 0) & select.POLLHUP and self._lifeline.fileno() not in events:
            lifeline = select.poll()  # it is dying: the line would only say so again and again
            lifeline.register(self._lifeline, select.POLLIN)
            lifeline.poll(max(0.0, seconds) * 1000)
        self.send(b"")

    def messages(self) -> list[tuple[int, int, int, bytes]]:
        """Return the messages that have come: kind, batch, index and pickle."""
        with suppress(OSError):
            while part := self._line.recv(CHUNK):
                self._received += part
        found = []
        at = 0
        while len(self._received) - at >= HEADER.size:
            kind, batch, index, _, length = HEADER.unpack_from(self._received, at)
            end = at + HEADER.size + length
            if len(self._received) < end:
                break
            found.append((kind, batch, index, bytes(memoryview(self._received)[at + HEADER.size : end])))
            at = end
        del self._received[:at]
        return found

    def obituary(self) -> Mapping[str, Any] | None:
        """Return why the worker died, and at which task; None while it lives."""
        line = self._line_of_news()
        if line is None:
            return None
        if line:
            told: Mapping[str, Any] = json.loads(line)
            return told
        _kill_group(self.pid)  # its zygote has died, so that nobody else would
        return {"why": "the process that starts the workers died"}

    def kill(self) -> None:
        """Have the worker and all that it started killed; any thread may."""
        with self._closing, suppress(OSError):
            if not self._closed:
                self._lifeline.send(b"k")

    def close(self) -> None:
        """Have the worker killed, and close this process's ends."""
        self.kill()
        self.obituary()  # if the zygote has died, this kills
        with self._closing:
            self._closed = True
            self._lifeline.close()
            self._line.close()
            self.word.page.close()

    def _line_of_news(self) -> bytes | None:
        try:
            while b"\n" not in self._news:
                part = self._lifeline.recv(4096)
                if not part:
                    return b""
                self._news += part
        except BlockingIOError:
            return None
        except OSError:
            return b""
        line, _, rest = bytes(self._news).partition(b"\n")
        self._news[:] = rest
        return line


def _kill_group(leader: int) -> None:
    with suppress(OSError):
        os.killpg(leader, signal.SIGKILL)
