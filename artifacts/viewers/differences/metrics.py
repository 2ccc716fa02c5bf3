"""Metrics against each other."""

from __future__ import annotations

import math
from collections.abc import Mapping

from ..blocks import Cell, Grid


def metrics_difference(before: Mapping[str, float], after: Mapping[str, float]) -> Grid:
    """Return a row for each metric: both values and by how much they differ, what differs most first."""
    rows: list[tuple[Cell, ...]] = []
    for name in dict.fromkeys((*before, *after)):
        first, second = before.get(name), after.get(name)
        if first is None or second is None:
            rows.append((name, first, second, None, "only in the first" if second is None else "only in the second"))
            continue
        gain = second - first
        share = "" if first == 0 or not math.isfinite(gain / first) else f"{gain / abs(first):+.2%}"
        rows.append((name, first, second, gain, "the same" if gain == 0 else share))
    rows.sort(key=lambda row: -_size(row))
    return Grid(("metric", "first", "second", "difference", "relative"), tuple(rows), "Metrics")


def _size(row: tuple[Cell, ...]) -> float:
    gain, first = row[3], row[1]
    if not isinstance(gain, (int, float)) or not isinstance(first, (int, float)) or math.isnan(gain):
        return math.inf
    return abs(gain / first) if first else abs(gain)
