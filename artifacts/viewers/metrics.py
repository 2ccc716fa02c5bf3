"""Named numbers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..artifact import Artifact
from .blocks import Block, Grid, Note
from .charts import bars
from .opened import Opened
from .said import is_number


class MetricsViewer:
    """Every metric with its value, and those that are shares of one as bars."""

    name = "metrics"
    title = "Metrics"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "metrics" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        values: Mapping[str, float] = dict(opened.value)
        if not values:
            return [Note("The step measured nothing.")]
        shares = [(name, value) for name, value in values.items() if is_number(value) and 0 <= value <= 1]
        blocks: list[Block] = [Grid(("metric", "value"), tuple(values.items()))]
        if len(shares) > 1:
            description = "Metrics between 0 and 1, a bar each."
            blocks.insert(0, bars(shares[:40], "Metrics between 0 and 1", description))
        return blocks
