"""The points of a sweep that a person asked for in the form: every combination of the axes' values, or some at random.

An axis is JSON: {"values": […]} for a list, or {"low": …, "high": …, "log": …, "integer": …, "count": …} for a range;
without a count, a range stands for any number in it, and points must be drawn.
"""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any, TypeAlias

Axis: TypeAlias = Mapping[str, Any]
Point: TypeAlias = tuple[Any, ...]
"""A value for each axis, in their order."""

DIGITS = 6
"""Significant digits of a number of a range, so that people can type it again."""
TRIES = 100
"""How often a point is drawn again, in ranges so narrow that they have few numbers."""


def axis_values(axis: Axis) -> list[Any] | None:
    """Return the values of an axis; None for a range without a count.

    >>> axis_values({"low": 1, "high": 100, "log": True, "count": 3})
    [1.0, 10.0, 100.0]
    """
    if "values" in axis:
        return list(axis["values"])
    if axis.get("count") is None:
        return None
    last = max(1, axis["count"] - 1)
    return list(dict.fromkeys(_placed(axis, place / last) for place in range(axis["count"])))


def count_of(axes: Mapping[str, Axis]) -> int | None:
    """Return how many points every combination makes; None if an axis is a range without a count."""
    listed = [axis_values(axis) for axis in axes.values()]
    return None if any(values is None for values in listed) else math.prod(len(values or ()) for values in listed)


def points_of(axes: Mapping[str, Axis], sample: int | None = None, seed: int = 0) -> tuple[Point, ...]:
    """Return every combination of the axes' values; or, with `sample`, so many different points drawn at random.

    Fewer are drawn if there are no more. Raises ValueError for a range without a count where nothing is drawn.
    """
    listed = [axis_values(axis) for axis in axes.values()]
    if sample is None:
        endless = [name for name, values in zip(axes, listed, strict=True) if values is None]
        if endless:
            raise ValueError(f"{', '.join(endless)} can be any number of a range")
        return tuple(product(*(values or () for values in listed)))
    size = count_of(axes)
    drawn = random.Random(seed)
    if size is not None and size <= sample:
        return points_of(axes)
    if size is not None:
        return tuple(_numbered([values or [] for values in listed], n) for n in drawn.sample(range(size), sample))
    found: dict[str, Point] = {}
    for _ in range(TRIES * sample):
        point = tuple(
            _placed(axis, drawn.random()) if values is None else drawn.choice(values)
            for axis, values in zip(axes.values(), listed, strict=True)
        )
        found[repr(point)] = point
        if len(found) == sample:
            break
    return tuple(found.values())


def _numbered(listed: Sequence[Sequence[Any]], number: int) -> Point:
    """Return the point that stands at a place among all combinations."""
    values = []
    for axis in reversed(listed):
        number, place = divmod(number, len(axis))
        values.append(axis[place])
    return tuple(reversed(values))


def _placed(axis: Axis, share: float) -> int | float:
    """Return the number at a share of the way from low to high."""
    low, high = float(axis["low"]), float(axis["high"])
    if axis.get("log"):
        exact = math.exp(math.log(low) + share * (math.log(high) - math.log(low)))
    else:
        exact = low + share * (high - low)
    if axis.get("integer"):
        return round(exact)
    scale = min(abs(exact) or high - low, high - low) or 1.0
    return float(min(max(round(exact, DIGITS - 1 - math.floor(math.log10(scale))), low), high))
