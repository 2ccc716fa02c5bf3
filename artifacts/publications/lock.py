"""One publication of a name at a time."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ArtifactsError
from ..trouble import writing

PATIENCE = 1800.0
"""Seconds to wait for another publication."""


class PublicationBusy(ArtifactsError):
    """Another process publishes or promotes the same name and does not end."""


@contextmanager
def publishing_alone(
    home: Path, name: str, *, waits: Callable[[], None] = lambda: None, patience: float = PATIENCE
) -> Iterator[None]:
    """Let nobody else publish, promote or stop the name while the block runs; wait for who does.

    waits: called once if somebody else is at it. A process that dies lets go.
    Raises PublicationBusy after `patience` seconds.
    """
    path = home / "publications" / f"{name}.lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w")
    with file:
        if not _taken(file.fileno()):
            waits()
            _wait(file.fileno(), name, path, time.monotonic() + patience)
        yield


def _wait(descriptor: int, name: str, path: Path, until: float) -> None:
    while not _taken(descriptor):
        if time.monotonic() > until:
            raise PublicationBusy(
                f"another publication of {name!r} is still at work",
                where=str(path),
                fix=f"wait for it, or end it: `fuser {path}` names its process",
            )
        time.sleep(0.1)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
