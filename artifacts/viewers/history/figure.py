"""The same figure of every run, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from ...artifact import Artifact
from ..blocks import Block, Note
from ..figure import LARGEST, chart_of
from ..moment import Moment

MOST = 12
"""Figures that are drawn."""
ALTOGETHER = LARGEST
"""Bytes of all figures together."""


class FigureHistory:
    """Small multiples: the figure of each run, the newest first."""

    name = "figure"
    title = "Figures of the runs"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "figure" else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        blocks: list[Block] = []
        left = ALTOGETHER
        if not any(moment.artifact for moment in moments):
            return [Note("None of these runs has drawn this figure.")]
        there = [moment for moment in reversed(moments) if moment.artifact is not None]
        for moment in there[:MOST]:
            assert moment.artifact is not None
            left -= moment.artifact.size
            if left < 0:
                break
            chart = chart_of(moment.opened)
            blocks.append(replace(chart, title=f"Run {moment.run}, {moment.time[:10]}: {chart.title}"))
        if len(blocks) < len(there):
            blocks.append(Note(f"The newest {len(blocks)} of {len(there)} are drawn."))
        return blocks
