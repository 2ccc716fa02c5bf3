"""How far a run is, as the records tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from .record import TERMINAL, RunRecord, State, StepRecord


@dataclass(frozen=True, slots=True)
class PathProgress:
    """How far a step is, over all its items and attempts."""

    path: str
    """Plan path."""
    step: str
    total: int | None
    """How many times it is expected to run, as far as the loops around it have begun; None if nobody knows."""
    counts: Mapping[State, int]
    """State to how many stand there; states where none stands are left out."""
    started: datetime
    latest: datetime
    """When one of them last began or ended."""
    rate: float
    """How many have ended each second of late."""
    left: timedelta | None
    """Time until all have ended at this rate; None if nobody knows."""

    @property
    def ended(self) -> int:
        """How many have ended."""
        return sum(count for state, count in self.counts.items() if state in TERMINAL)


@dataclass(frozen=True, slots=True)
class RunOverview:
    """How far a run is."""

    run: RunRecord
    paths: tuple[PathProgress, ...]
    """Its steps in the order in which they first began."""
    failures: tuple[StepRecord, ...]
    """Its last failures, newest first."""
