"""Metrics over runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...artifact import Artifact
from ..blocks import Block
from ..moment import Moment
from ..said import is_number
from .series import changing_over_runs


class MetricsHistory:
    """A line for every metric."""

    name = "metrics"
    title = "Metrics over runs"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "metrics" else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        named = [_numbers(moment) for moment in moments]
        return changing_over_runs(named, moments, "Metrics over runs", "A line for each metric, a point for each run.")


def _numbers(moment: Moment) -> Mapping[str, float]:
    """Return the metrics of a run, which the records themselves hold."""
    summary = moment.artifact.summary if moment.artifact else {}
    return {name: value for name, value in summary.items() if isinstance(value, (int, float)) and is_number(value)}
