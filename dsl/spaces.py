"""What a sweep varies: an axis for each name, of listed values or of the numbers of a range."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeAlias

Json: TypeAlias = Any
"""What JSON can hold."""

DIGITS = 6
"""Significant digits of a number that is drawn, so that people can type it again."""
MOST_LISTED = 10_000
"""Integers of a range that can be listed; of more, some are drawn."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of these values."""

    values: tuple[Json, ...]

    @property
    def listed(self) -> tuple[Json, ...] | None:
        """Every value; None if there are too many to list."""
        return self.values

    @property
    def examples(self) -> tuple[Json, ...]:
        """Values that stand for all: what fits them fits the rest."""
        return self.values

    def at(self, share: float) -> Json:
        """Return the value at a share, 0 ≤ share < 1, of the way from the first to the last."""
        return self.values[int(share * len(self.values))]


@dataclass(frozen=True, slots=True)
class Range:
    """A number from low to high, both included; evenly spread, or on a logarithmic scale.

    >>> Range(1, 100, log=True, steps=3).listed
    (1.0, 10.0, 100.0)
    >>> Range(2, 5, integer=True).listed
    (2, 3, 4, 5)
    """

    low: float
    high: float
    log: bool = False
    integer: bool = False
    steps: int | None = None
    """How many values, spread over the range; None: any number, or any integer, in it."""

    @property
    def listed(self) -> tuple[Json, ...] | None:
        """Every value; None if there are too many to list."""
        if self.steps is None:
            few = self.integer and self.high - self.low < MOST_LISTED
            return tuple(range(int(self.low), int(self.high) + 1)) if few else None
        spread = [index / max(1, self.steps - 1) for index in range(self.steps)]
        return tuple(dict.fromkeys(self._placed(share) for share in spread))

    @property
    def examples(self) -> tuple[Json, ...]:
        """Values that stand for all: what fits them fits the rest."""
        return (int(self.low), int(self.high)) if self.integer else (float(self.low), float(self.high))

    def at(self, share: float) -> Json:
        """Return the value at a share, 0 ≤ share < 1, of the way from low to high."""
        if self.steps is not None:
            return Choice(self.listed or ()).at(share)
        if self.integer and not self.log:
            return int(self.low) + int(share * (int(self.high) - int(self.low) + 1))
        return self._placed(share)

    def _placed(self, share: float) -> Json:
        if self.log:
            exact = math.exp(math.log(self.low) + share * (math.log(self.high) - math.log(self.low)))
        else:
            exact = self.low + share * (self.high - self.low)
        return round(exact) if self.integer else rounded(exact, self.low, self.high)


Axis: TypeAlias = Choice | Range


def rounded(number: float, low: float, high: float) -> float:
    """Return the number with few digits, but enough to tell many of its range apart, within its bounds.

    >>> rounded(0.123456789, 0, 1), rounded(1234.56789, 1234, 1235)
    (0.123457, 1234.56789)
    """
    scale = min(abs(number) or high - low, high - low)
    place = DIGITS - 1 - math.floor(math.log10(scale))
    return float(min(max(round(number, place), low), high))


@dataclass(frozen=True, slots=True)
class Space:
    """What a sweep varies: an axis for each name."""

    axes: tuple[tuple[str, Axis], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each axis."""
        return tuple(name for name, _ in self.axes)

    @property
    def size(self) -> int | None:
        """How many points there are; None if an axis has no end of values."""
        listed = [axis.listed for _, axis in self.axes]
        return None if any(values is None for values in listed) else math.prod(len(values or ()) for values in listed)

    def to_json(self) -> Json:
        """Return the space as JSON."""
        return {name: asdict(axis) for name, axis in self.axes}

    @staticmethod
    def from_json(raw: Json) -> "Space":
        """Return the space that `to_json` gave."""
        return Space(tuple((name, _axis(axis)) for name, axis in raw.items()))


def _axis(raw: Mapping[str, Json]) -> Axis:
    return Choice(tuple(raw["values"])) if "values" in raw else Range(**raw)
