"""A wide loop in numbers: how many of its items are where, how fast they end, and how long the rest will take."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kaon.artifacts.amounts import duration, per_second

from .printed import STATE_STYLES

if TYPE_CHECKING:
    from kaon.dsl.events import ItemsEvent

ENDED = ("completed", "skipped", "failed", "cancelled")
WINDOW = 10.0
"""Seconds over which the rate is taken."""


@dataclass(slots=True)
class Tally:
    """The items of a wide loop, by state."""

    clock: Callable[[], float]
    total: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    """Since the loop began, when it was last heard of."""
    _heard: deque[tuple[float, int]] = field(default_factory=deque)
    """How many had ended, when."""

    def hear(self, event: "ItemsEvent") -> None:
        """Take in how the items stand now."""
        self.total, self.counts, self.seconds = (
            event.total,
            {str(state): count for state, count in event.counts.items()},
            event.seconds,
        )
        now = self.clock()
        self._heard.append((now, self.ended))
        while len(self._heard) > 2 and self._heard[1][0] <= now - WINDOW:
            self._heard.popleft()

    @property
    def ended(self) -> int:
        """How many items have ended."""
        return sum(self.counts.get(state, 0) for state in ENDED)

    @property
    def share(self) -> float:
        """Which part of the items has ended, from 0 to 1."""
        return self.ended / self.total if self.total else 1.0

    @property
    def rate(self) -> float:
        """Items that end in a second: of late, or since the loop began where little has been heard yet."""
        if self._heard and self.ended < self.total:
            (since, before), now = self._heard[0], self.clock()
            if now - since >= 1.0:
                return (self.ended - before) / (now - since)
        return self.ended / self.seconds if self.seconds > 0 else 0.0

    def states(self) -> list[tuple[str, int]]:
        """Return how many items are in each state; `to go` are those not begun."""
        known = [(state, self.counts[state]) for state in STATE_STYLES if self.counts.get(state)]
        waiting = self.total - sum(self.counts.values())
        return [*known, ("to go", waiting)] if waiting > 0 else known

    def speed(self) -> list[str]:
        """Return the rate, and how long the rest will take, or the whole took."""
        rate = self.rate
        if self.ended >= self.total:
            return [f"in {duration(self.seconds)}", per_second(rate)]
        left = [f"{duration((self.total - self.ended) / rate)} left"] if rate > 0 else []
        return [per_second(rate), *left]

    def __str__(self) -> str:
        counted = ", ".join(f"{count:,} {state}" for state, count in self.states())
        return ", ".join([f"{self.share:.0%}: {counted}", *self.speed()])
