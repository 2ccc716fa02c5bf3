"""Arrays of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..artifact import Artifact
from .blocks import Block, Cell, Note, facts, grid
from .charts import heat_map, histogram
from .opened import Opened
from .said import said

SAMPLED = 1_000_000
"""Numbers of which figures are made; of a larger array, evenly spaced ones."""
DRAWN = 48
"""Rows and columns up to which an array is drawn as a map."""
BINS = 30


class ArrayViewer:
    """Shape, figures, how the numbers are spread, a map of a small matrix, and the first values."""

    name = "array"
    title = "Array"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "array" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        import numpy as np

        array = np.load(opened.path, mmap_mode="r", allow_pickle=False)
        shape = " × ".join(map(str, array.shape)) or "one value"
        named: dict[str, Cell] = {"shape": shape, "type": str(array.dtype)}
        blocks: list[Block] = []
        if array.dtype.kind in "iufb" and array.size:
            blocks = _numbers(array, named)
        return [facts(named), *blocks, _corner(array)]


def _numbers(array: Any, named: dict[str, Cell]) -> list[Block]:
    """Return the pictures of an array of numbers, and add its figures to what is `named`."""
    import numpy as np

    flat = array.reshape(-1)
    step = -(-flat.size // SAMPLED)
    read = np.asarray(flat[::step], dtype="f8")
    finite = read[np.isfinite(read)]
    blocks: list[Block] = []
    if len(finite):
        named |= {"smallest": finite.min().item(), "largest": finite.max().item(), "mean": finite.mean().item()}
        named |= {"standard deviation": finite.std().item(), "zeros": f"{(read == 0).mean():.1%}"}
        counts, edges = np.histogram(finite, bins=BINS)
        title = "How the numbers are spread"
        blocks.append(histogram(counts.tolist(), edges.tolist(), title, "How many numbers lie in each part."))
    if len(finite) < len(read):
        named["not finite"] = f"{1 - len(finite) / len(read):.1%}"
    if step > 1:
        blocks.append(Note(f"Figures are of {len(read):,} evenly spaced numbers out of {flat.size:,}."))
    if array.ndim == 2 and max(array.shape) <= DRAWN and array.dtype.kind != "b":
        cells = [(row, column, array[row, column].item()) for row, column in np.ndindex(array.shape)]
        blocks.append(heat_map(cells, "As a map", "The array, a rectangle for each number."))
    return blocks


def _corner(array: Any) -> Block:
    """Return the first values, as a table of at most 20 by 10."""
    import numpy as np

    flat = array.reshape(1, -1) if array.ndim < 2 else array.reshape(-1, array.shape[-1])
    if array.ndim == 1:
        flat = flat.T
    corner = np.asarray(flat[:20, :10])
    rows: list[tuple[Cell, ...]] = [
        (place, *(said(value) for value in row)) for place, row in enumerate(corner.tolist())
    ]
    return grid(("row", *map(str, range(corner.shape[1]))), rows, "First values")
