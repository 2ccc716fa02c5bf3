"""User and item vectors of a matrix factorisation."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from typing import Any

from ..artifact import Artifact
from .blocks import Block, Cell, Note, Tree, facts
from .charts import bars, histogram
from .opened import Opened

SAMPLED = 50_000
"""Vectors of each side whose lengths are measured: the first ones, which stand in no order of importance."""


class FactorModelViewer:
    """How many users and items, how long their vectors are, and how much each factor carries."""

    name = "factor_model"
    title = "Factors"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "factor_model" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        import numpy as np

        sides: dict[str, Any] = {}
        with zipfile.ZipFile(opened.path) as archive:
            for side in ("user", "item"):
                with archive.open(f"{side}_factors.npy") as file:
                    sides[side] = _first(file)
        summary = opened.artifact.summary
        named: dict[str, Cell] = {}
        for name in ("users", "items", "rank"):
            fact = summary.get(name)
            named[name] = fact if isinstance(fact, int) else str(fact)
        blocks: list[Block] = [facts(named)]
        for side, vectors in sides.items():
            counts, edges = np.histogram(np.linalg.norm(vectors, axis=1), bins=30)
            title = f"Lengths of the {side} vectors"
            blocks.append(histogram(counts.tolist(), edges.tolist(), title, f"{title}: how many lie in each part."))
        spread = sides["item"].std(axis=0) if len(sides["item"]) else []
        ranked = [(f"factor {place}", float(spread[place])) for place in np.argsort(spread)[::-1][:20]]
        blocks.append(
            bars(ranked, "Factors that differ most between items", "Standard deviation over items.", "spread")
        )
        if max(map(len, sides.values())) == SAMPLED:
            blocks.append(Note(f"Figures are of at most {SAMPLED:,} vectors of each side."))
        return [*blocks, Tree(summary.get("config"), "Settings")]


def _first(file: Any) -> Any:
    """Return the first vectors of an .npy stream; float32, shape (at most SAMPLED, rank)."""
    import numpy as np

    version = np.lib.format.read_magic(file)
    assert version == (2, 0), "factor models are written in version 2 of .npy"
    (rows, rank), _, dtype = np.lib.format.read_array_header_2_0(file)
    rows = min(rows, SAMPLED)
    return np.frombuffer(file.read(rows * rank * dtype.itemsize), dtype=dtype).reshape(rows, rank)
