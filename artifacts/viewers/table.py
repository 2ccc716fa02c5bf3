"""Tables, of any length."""

from __future__ import annotations

from collections.abc import Iterable

from ..artifact import Artifact
from .blocks import Block, StoredTable
from .opened import Opened


class TableViewer:
    """The rows, paged and sorted, with figures of every column."""

    name = "table"
    title = "Table"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "table" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        return [StoredTable()]
