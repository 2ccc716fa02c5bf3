"""The run's end of the socket to the zygote."""

import json
import mmap
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import IO

from .errors import PoolError, SetupFailed, ZygoteGone
from .imports import KnownImports
from .limits import THREAD_SETTINGS, thread_settings
from .performing import Perform
from .wire import PAGE, Word
from .worker_link import WorkerLink

START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    f"from {__package__}.zygote import main; main(int(sys.argv[2]), int(sys.argv[3]))"
)
PATIENCE = 5.0
"""Seconds in which a zygote that was told to end is expected to have ended."""


class ZygoteLink:
    """The zygote process, from its start to its end."""

    def __init__(self, setup: Callable[[], Perform], imports: KnownImports, threads: int) -> None:
        import cloudpickle

        news = imports.after(0)
        self._known = len(news)
        self._sent_first = [pickle.dumps(news), cloudpickle.dumps(setup)]
        self._trace: str | None = None
        """What the setup raised; empty if it is done, None before."""
        self._gone = False
        self._asking = threading.Lock()
        self._control, far = socket.socketpair()
        environment = {**os.environ}
        if not any(name in environment for name in THREAD_SETTINGS):
            environment |= thread_settings(threads)
        path = json.dumps([os.path.abspath(place) for place in sys.path])
        with far:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", START, path, str(far.fileno()), str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=_errors(),
                stderr=_errors(),
                env=environment,
                pass_fds=[far.fileno()],
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """The zygote's process."""
        return self._process.pid

    def alive(self) -> bool:
        """Return whether the zygote still runs."""
        return not self._gone and self._process.poll() is None

    def fork(self, memory: int | None, cores: Sequence[int], threads: int) -> WorkerLink:
        """Return a new worker.

        Raises SetupFailed if what workers need could not be built, ZygoteGone if the zygote died, and PoolError if the
        system starts no process.
        """
        asked = json.dumps({"memory": memory, "cores": list(cores), "threads": threads}).encode()
        line, far_line = socket.socketpair()
        lifeline, far_lifeline = socket.socketpair()
        with ExitStack() as undo:
            undo.callback(line.close)
            undo.callback(lifeline.close)
            with far_line, far_lifeline, _shared_page() as page:
                word = Word(mmap.mmap(page, PAGE))
                undo.callback(word.page.close)
                word.clear()
                self._ask(asked, [far_line.fileno(), far_lifeline.fileno(), page])
            pid = self._born(lifeline)  # its other end is closed here, so that the zygote's death would be seen
            undo.pop_all()
        return WorkerLink(pid, line, lifeline, word, self._known)

    def close(self) -> None:
        """End the zygote, all workers, and all that these started."""
        with suppress(OSError):
            self._control.shutdown(socket.SHUT_RDWR)  # wakes a thread that waits for it
        if self._trace is None:
            self._process.kill()  # at its setup, it would not hear
        with self._asking:
            self._control.close()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _ask(self, asked: bytes, ends: Sequence[int]) -> None:
        with self._asking:
            if self._trace is None:
                self._trace = self._set_up()
            if self._trace:
                raise SetupFailed(
                    "the workers' setup failed",
                    why="\n" + self._trace.rstrip(),
                    fix="mend what it names; it runs in a process of its own, which imports your modules anew",
                )
            try:
                socket.send_fds(self._control, [len(asked).to_bytes(4, "little")], ends)
                self._control.sendall(asked)
            except OSError:
                raise self._died() from None

    def _set_up(self) -> str:
        try:
            for raw in self._sent_first:
                self._control.sendall(len(raw).to_bytes(8, "little"))
                self._control.sendall(raw)
            self._sent_first.clear()
            return _exactly(self._control, int.from_bytes(_exactly(self._control, 8), "little")).decode()
        except OSError:
            ended = self._process.wait()
            if ended < 0:
                raise self._died() from None
            return f"its process exited with {ended}"
        except BaseException:  # Ctrl-C: what was sent is not whole
            self._process.kill()
            raise

    def _born(self, lifeline: socket.socket) -> int:
        line = lifeline.makefile("rb", buffering=0).readline()
        if not line:
            raise self._died()
        news = json.loads(line)
        if "refused" in news:
            fix = "see what limits processes here: ulimit -u, free memory"
            raise PoolError("no worker could be started", why=news["refused"], fix=fix)
        return int(news["pid"])

    def _died(self) -> ZygoteGone:
        self._gone = True
        return ZygoteGone()


def _exactly(end: socket.socket, length: int) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        part = end.recv(length - len(parts))
        if not part:
            raise ConnectionError("it closed its end before it was ready")
        parts += part
    return bytes(parts)


def _errors() -> int:
    """Return where workers write: what this process has as its standard error, for its output is the caller's."""
    try:
        os.fstat(2)
    except OSError:
        return subprocess.DEVNULL
    return 2


@contextmanager
def _shared_page() -> Iterator[int]:
    """Open a page of memory that another process may map, and return its descriptor."""
    with _unnamed_file() as file:
        file.write(bytes(PAGE))  # not truncated to that size: touching a page that a full disk cannot hold kills
        file.flush()
        yield file.fileno()


def _unnamed_file() -> IO[bytes]:
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("kaon-word"), "wb")
    return tempfile.TemporaryFile()
