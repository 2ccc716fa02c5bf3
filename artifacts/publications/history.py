"""What happened to the publications of a name, in the order in which it happened: a file that only grows."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ..errors import ArtifactsError
from ..trouble import writing

What = Literal["published", "refused", "promoted", "rolled back", "stopped"]


class BrokenHistory(ArtifactsError):
    """A line of a history that cannot be read."""


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one version."""

    what: What
    version: str
    at: str
    """ISO 8601, UTC."""
    image: str = ""
    """The image's id; empty for a bundle alone."""
    url: str = ""
    """Where the container of a promoted version listens."""
    why: str = ""
    details: Mapping[str, str] = field(default_factory=dict)


def events(home: Path, name: str) -> tuple[Event, ...]:
    """Return what happened to a name, the oldest first. Raises BrokenHistory."""
    path = _path(home, name)
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ()
    return tuple(_event(path, number, line) for number, line in enumerate(lines, 1) if line)


def add_event(
    home: Path,
    name: str,
    what: What,
    version: str,
    *,
    image: str = "",
    url: str = "",
    why: str = "",
    details: Mapping[str, str] | None = None,
) -> None:
    """Add what has just happened; it is on the disk when this returns."""
    event = Event(what, version, datetime.now(UTC).isoformat(timespec="seconds"), image, url, why, details or {})
    path = _path(home, name)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(event), ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())


def champions(happened: Sequence[Event]) -> tuple[str, ...]:
    """Return the champions up to the present one, which is last; what was rolled back is not among them.

    >>> told = [("promoted", "a"), ("promoted", "b"), ("rolled back", "a"), ("promoted", "a"), ("promoted", "c")]
    >>> champions([Event(what, version, "") for what, version in told])
    ('a', 'c')
    """
    line: list[str] = []
    for event in happened:
        if event.what == "promoted" and line[-1:] != [event.version]:
            line.append(event.version)
        if event.what == "rolled back" and line:
            line.pop()
    return tuple(line)


def _path(home: Path, name: str) -> Path:
    return home / "publications" / f"{name}.jsonl"


def _event(path: Path, number: int, line: str) -> Event:
    try:
        return Event(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise BrokenHistory(
            "the history of a publication cannot be read",
            where=f"{path}:{number}",
            why=str(error),
            fix="remove that line; all others are kept",
        ) from error
