"""What this process started elsewhere ends when this process dies, however it dies: another one watches over it."""

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

WATCHER = Path(__file__).with_name("guard_process.py")


class Guard:
    """A process that outlives this one by the moment that it needs to end what this one leaves behind."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WATCHER), str(os.getpid())],  # -P: `docker` is the SDK, not what lies beside
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # what stops this process by its group or terminal is not to stop the watcher
            text=True,
        )
        atexit.register(self.close)

    @contextmanager
    def over(self, kind: str, name: object) -> Iterator[None]:
        """Watch while the block runs.

        kind: "group", the id of a group of processes; "owner", a label of containers; "folder", a path.
        """
        self._say("watch", kind, name)
        try:
            yield
        finally:
            self._say("forget", kind, name)

    def close(self) -> None:
        """End the watcher: nothing is left to be watched."""
        if os.getpid() == self._owner and self._process.stdin is not None:
            with suppress(OSError):
                self._process.stdin.close()

    def _say(self, verb: str, kind: str, name: object) -> None:
        assert self._process.stdin is not None, "it was opened with a pipe"
        with self._lock, suppress(OSError):  # a watcher that was killed: the next run removes what this one leaves
            self._process.stdin.write(json.dumps([verb, kind, name]) + "\n")
            self._process.stdin.flush()


def guard() -> Guard:
    """Return the guard of this process, started when it is first asked for."""
    return _guard(os.getpid())


@lru_cache(maxsize=1)
def _guard(pid: int) -> Guard:
    return Guard()
