"""What happens in a run, as it happens: for a live display. The records hold the same, and are the truth."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal[
    "pending", "activated", "running", "retrying", "held", "completed", "skipped", "failed", "cancelled"
]


@dataclass(frozen=True, slots=True)
class StepEvent:
    """A step changed its state."""

    path: str
    """The plan's path of the call."""
    step: str
    keys: tuple[tuple[str, object], ...]
    """(loop variable, item), outermost first."""
    attempts: tuple[int, ...]
    """The attempt of every enclosing repeat, outermost first."""
    state: State
    reason: str = ""
    seconds: float = 0.0
    """How long it ran, once it has ended."""


@dataclass(frozen=True, slots=True)
class ProgressEvent:
    """A step said how far it is, or what it is doing."""

    path: str
    step: str
    keys: tuple[tuple[str, object], ...]
    attempts: tuple[int, ...]
    fraction: float | None
    note: str


@dataclass(frozen=True, slots=True)
class ItemsEvent:
    """Items of a wide loop have ended; told a few times a second, instead of an event for each of their steps."""

    path: str
    """The plan's path of the loop."""
    keys: tuple[tuple[str, object], ...]
    attempts: tuple[int, ...]
    total: int
    """How many items the loop has."""
    counts: Mapping[State, int]
    """How many of them have ended, by how."""
    seconds: float
    """How long the loop has run."""


@dataclass(frozen=True, slots=True)
class RunEvent:
    """The run began, or ended."""

    run_id: int
    state: State
    reason: str = ""


Event: TypeAlias = StepEvent | ProgressEvent | ItemsEvent | RunEvent
