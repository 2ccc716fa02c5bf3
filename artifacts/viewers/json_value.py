"""Plain values."""

from __future__ import annotations

from collections.abc import Iterable

from ..artifact import Artifact
from .blocks import Block, Facts, Grid, Note, StoredText, Tree
from .opened import Opened
from .said import said

LARGEST = 4 << 20
"""Bytes of JSON that are shown as a tree; of more, the text is."""
MOST_ROWS = 500


class JsonViewer:
    """Numbers and text as they are, lists of alike records as a table, all else as a tree to unfold."""

    name = "json"
    title = "Value"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "json" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST:
            return [Note("This value is too large to be unfolded, so its text is shown."), StoredText()]
        value = opened.value
        if not isinstance(value, (dict, list)):
            return [Facts((("value", value if isinstance(value, (bool, int, float)) else said(value)),))]
        grid = _alike(value)
        return [grid, Tree(value, "The same as a tree")] if grid else [Tree(value)]


def _alike(value: object) -> Grid | None:
    """Return a list of records with the same fields, each a plain value, as a table."""
    if not (isinstance(value, list) and value and all(isinstance(item, dict) for item in value)):
        return None
    columns = tuple(value[0])
    plain = all(
        tuple(item) == columns and not any(isinstance(part, (dict, list)) for part in item.values()) for item in value
    )
    if not plain or not columns:
        return None
    rows = tuple(tuple(item.values()) for item in value[:MOST_ROWS])
    return Grid(columns, rows, left_out=max(0, len(value) - MOST_ROWS))
