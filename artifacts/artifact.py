"""What the store knows about one output of one step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .digest import Digest
from .json_form import Json

LoopKeys = tuple[tuple[str, Json], ...]
"""Loop variable and its value, outermost loop first."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """One immutable value that a step made, and where it came from."""

    id: int
    name: str
    """Name of the output, as the workflow calls it."""
    kind: str
    """Name of the kind that reads it: `table`, `json`, …"""
    digest: Digest
    """Digest of the stored bytes."""
    size: int
    """Stored bytes."""
    created: datetime
    """When it was stored (UTC)."""
    run: int
    """Run that made it."""
    step: str
    """Plan path of the step that made it."""
    keys: LoopKeys
    """The loop items it belongs to."""
    attempt: tuple[int, ...]
    """Attempts of the enclosing repeats, outermost first."""
    made_from: tuple[int, ...]
    """Ids of the artifacts that its step read."""
    summary: Mapping[str, Json]
    """A few facts to show without reading the value: rows, schema, metric values."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The step run that is storing something."""

    run: int
    step_run: int
    step: str
    """Plan path."""
    keys: LoopKeys = ()
    attempt: tuple[int, ...] = ()
