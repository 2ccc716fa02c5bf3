"""One run in the history of an artifact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ..artifact import Artifact
from ..errors import MissingBlob
from .opened import Opened


@dataclass(frozen=True, slots=True)
class Moment:
    """What one run gave under the name whose history is told."""

    run: int
    started: datetime
    """When the run began (UTC)."""
    state: str
    """Where the run stands."""
    artifact: Artifact | None
    """None where the run has not given it: it failed before, or its workflow did not have this step then."""
    open: Callable[[Artifact], Opened]
    """Opens artifacts of the store."""

    @property
    def opened(self) -> Opened:
        """The artifact to read. Raises MissingBlob where there is none."""
        if self.artifact is None:
            raise MissingBlob(f"run {self.run} has not given this artifact")
        return self.open(self.artifact)

    @property
    def time(self) -> str:
        """When the run began, as charts take it."""
        return self.started.isoformat(timespec="seconds")
