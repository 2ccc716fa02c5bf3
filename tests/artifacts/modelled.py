"""What the state machine of the store expects of a run."""

from __future__ import annotations

from dataclasses import dataclass, field

from kaon.artifacts import Lease


@dataclass
class Run:
    """What a run should be."""

    lease: Lease
    state: str = "running"
    dead: bool = False
    wanted: str = ""
    asks: bool = False
    left: set[int] = field(default_factory=set)
    """Step runs that are open."""

    @property
    def goes_on(self) -> bool:
        return self.state in ("running", "held")

    def closed(self, state: str) -> None:
        """Note that the run has ended, or was held."""
        self.state = state
        self.left.clear()
