"""What a model looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..artifact import Artifact
from .blocks import Block, StoredTable
from .charts import bars
from .opened import Opened
from .stored_rows import Order, StoredRows

SHOWN = 30


class ImportanceViewer:
    """A table with the columns `feature` and `gain` (or `importance`): the features, the most important first."""

    name = "importance"
    title = "Feature importance"

    def fits(self, artifact: Artifact) -> int:
        return 4 if measured_by(artifact) else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        rows = importance(opened, SHOWN)
        title = "What the model looks at"
        return [
            bars(rows, title, "Importance of each feature, the most important first.", measured_by(opened.artifact)),
            StoredTable("All features"),
        ]


def measured_by(artifact: Artifact) -> str:
    """Return the column with the importance of features; empty if the artifact is no such table."""
    schema: Any = artifact.summary.get("schema")
    if artifact.kind != "table" or not isinstance(schema, dict) or "feature" not in schema:
        return ""
    return next((name for name in ("gain", "importance", "total_gain") if name in schema), "")


def importance(opened: Opened, most: int) -> list[tuple[str, float]]:
    """Return the most important features with their importance, the most important first."""
    rows = StoredRows(opened)
    names = [column.name for column in rows.columns]
    measured = measured_by(opened.artifact)
    page = rows.page(0, most, Order(measured, descending=True))
    feature, value = names.index("feature"), names.index(measured)
    return [(str(row[feature]), number) for row in page if isinstance(number := row[value], (int, float))]
