"""Figures that a step drew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ..artifact import Artifact
from .blocks import Block, Chart, Note
from .opened import Opened

LARGEST = 8 << 20
"""Bytes of a figure that a browser still draws without stalling."""


class FigureViewer:
    """The chart itself, by Vega."""

    name = "figure"
    title = "Figure"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "figure" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST:
            return [Note("This figure holds more data than a browser draws without stalling; download it instead.")]
        return [chart_of(opened)]


def chart_of(opened: Opened) -> Chart:
    """Return a stored figure as a block."""
    spec: Mapping[str, Any] = opened.value
    title = spec.get("title")
    words = title.get("text") if isinstance(title, Mapping) else title
    text = " ".join(map(str, words)) if isinstance(words, list) else str(words or opened.artifact.name)
    bare = {name: part for name, part in spec.items() if name != "title"}
    return Chart(bare, text, str(spec.get("description") or f"The figure {opened.artifact.name}."))
