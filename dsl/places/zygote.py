"""The process that starts workers by forking, and watches over them.

It is started once, builds once what every worker needs, and starts no threads, so that a fork of it is whole.

    control    a socket, one for the zygote: the setup comes first, then a request for each worker, with its sockets
    line       a socket for each worker, which only the worker holds: tasks there, replies back
    lifeline   a socket for each worker, which only the zygote holds: the worker's number and its end go to the run's
               process; a byte or a closed end comes back if the worker is to be killed
    word       memory shared with each worker: the task it is at, and until when it may be

It kills a worker whose task is over its time, that uses too much memory, or that is asked away, and everything when the
run's process is gone. A worker leads a session of its own, so that what it started is killed with it; what left that
session has the zygote for a parent as soon as its own dies, and goes at the latest with the zygote.
"""

import gc
import io
import json
import os
import pickle
import selectors
import signal
import socket
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from mmap import mmap
from typing import Any, NoReturn

from . import families
from .child import Child, Doom, tell
from .imports import ByFile, finding_by_file
from .performing import Perform
from .wire import PAGE, Word

TICK = 0.05
"""Seconds between two looks at the tasks' times and at the run's process."""
WATCH = 0.1
"""Seconds between two looks at the workers' memory."""


def main(descriptor: int, parent: int) -> NoReturn:
    """Be the zygote of the process `parent`, which is at the other end of the socket."""
    os.set_inheritable(descriptor, False)
    control = socket.socket(fileno=descriptor)
    sys.argv = [""]
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    families.adopt_orphans()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what a task prints is not lost when it is killed
    _die_with(parent)
    told = finding_by_file()
    try:
        perform = _set_up(control, told)
    except BaseException:
        _send(control, traceback.format_exc().encode())
        families.end_all(())
        os._exit(1)
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    gc.collect()
    gc.freeze()  # a collection in a worker would copy every page that it shares with this process
    _send(control, b"")
    Zygote(control, parent, perform, told).watch_over()
    os._exit(0)


def _die_with(parent: int) -> None:
    """Until requests are read, look twice a second whether the run's process is still there."""

    def look(_: int, __: object) -> None:
        if os.getppid() != parent:
            families.end_all(())
            os._exit(1)

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)


def _set_up(control: socket.socket, told: ByFile) -> Perform:
    told.learn(pickle.loads(_received(control)))
    setup: Callable[[], Perform] = pickle.loads(_received(control))
    return setup()


def _received(control: socket.socket) -> bytes:
    length = int.from_bytes(_exactly(control, 8), "little")
    return _exactly(control, length)


def _exactly(control: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = control.recv(min(length - len(parts), 1 << 20))
        if not part:
            raise EOFError("the run's process closed its end")
        parts += part
    return bytes(parts)


def _send(control: socket.socket, raw: bytes) -> None:
    try:
        control.sendall(len(raw).to_bytes(8, "little") + raw)
    except OSError:
        return  # the run's process is gone, which is seen elsewhere


class Zygote:
    """Forks workers on request, and ends with the process that requests them."""

    def __init__(self, control: socket.socket, parent: int, perform: Perform, told: ByFile) -> None:
        self._control = control
        self._parent = parent
        self._perform = perform
        self._told = told
        self._children: dict[int, Child] = {}
        self._looked = 0.0
        self._selector = selectors.PollSelector()
        self._selector.register(control, selectors.EVENT_READ, None)
        self._woken, self._waker = socket.socketpair()
        for end in (self._woken, self._waker):
            end.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        signal.set_wakeup_fd(self._waker.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda _, __: None)
        signal.signal(signal.SIGTERM, self._stop)
        self._end = ""

    def _stop(self, _: int, __: object) -> None:
        self._end = "the process that starts the workers was told to end"

    def watch_over(self) -> None:
        """Serve until the run's process goes or closes its end, then kill all workers and what they started."""
        while not self._end and os.getppid() == self._parent:
            for key, _ in self._selector.select(TICK if self._children else 10 * TICK):
                self._hear(key)
            self._reap()
            self._enforce()
        for child in self._children.values():
            child.doom = child.doom or Doom(self._end)
        families.end_all(self._children)
        self._reap_all()

    def _hear(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._woken:
            self._woken.recv(4096)
        elif key.fileobj is self._control:
            self._fork_as_asked()
        elif (child := self._children.get(key.data)) and child.asked_away():
            self._selector.unregister(child.lifeline)
            self._kill(child, Doom.at(child.word, "it was stopped"))

    def _fork_as_asked(self) -> None:
        try:
            length, descriptors, _, _ = socket.recv_fds(self._control, 4, 3)
            asked = json.loads(_exactly(self._control, int.from_bytes(length, "little"))) if length else {}
        except (OSError, EOFError):
            asked = {}
        if not asked:
            self._end = "the pool was closed"
            return
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        line, lifeline, page = descriptors
        word = Word(mmap(page, PAGE))
        os.close(page)
        self._fork(socket.socket(fileno=line), socket.socket(fileno=lifeline), word, asked)

    def _fork(self, line: socket.socket, lifeline: socket.socket, word: Word, asked: dict[str, Any]) -> None:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGCHLD])
        refused = ""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", DeprecationWarning)  # threads of numeric libraries, which mind forks
                pid = os.fork()
        except OSError as error:
            pid, refused = -1, str(error)
        if pid == 0:
            self._become_worker(line, lifeline, word, asked)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGCHLD])
        line.close()
        if refused:
            tell(lifeline, {"refused": refused})
            lifeline.close()
            return
        child = Child(pid, lifeline, word, asked["memory"])
        self._children[pid] = child
        self._selector.register(lifeline, selectors.EVENT_READ, pid)
        tell(lifeline, {"pid": pid})

    def _become_worker(
        self, line: socket.socket, lifeline: socket.socket, word: Word, asked: dict[str, Any]
    ) -> NoReturn:
        from .being_worker import be_worker

        signal.set_wakeup_fd(-1)
        for end in (self._control, lifeline, self._woken, self._waker):
            end.close()
        for sibling in self._children.values():
            sibling.lifeline.close()
            sibling.word.page.close()
        be_worker(line, word, self._perform, self._told, asked["cores"], asked["threads"])

    def _reap(self) -> None:
        for pid, status in families.ended(self._children):
            if child := self._children.pop(pid, None):
                if child.lifeline in self._selector.get_map():
                    self._selector.unregister(child.lifeline)
                child.report(status)

    def _reap_all(self) -> None:
        until = time.monotonic() + families.PATIENCE
        self._reap()
        while self._children and time.monotonic() < until:  # a zombie is not to be had before its last thread has ended
            time.sleep(0.001)
            self._reap()

    def _enforce(self) -> None:
        now = time.monotonic()
        for child in self._children.values():
            if child.doom is None and (late := child.late(now)):
                self._kill(child, late)
        limited = [child for child in self._children.values() if child.doom is None and child.memory is not None]
        if limited and now - self._looked >= WATCH:
            self._looked = now
            found = families.families([child.pid for child in limited])
            for child in limited:
                if greedy := child.greedy(families.memory_of(found[child.pid], child.memory or 0)):
                    self._kill(child, greedy)

    def _kill(self, child: Child, why: Doom) -> None:
        child.doom = child.doom or why
        families.kill_family(child.pid)
