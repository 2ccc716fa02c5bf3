"""How a table drifts over runs: its rows, and the means of its columns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ...amounts import size as size_said
from ...artifact import Artifact
from ..blocks import Block, Note
from ..column_figures import column_figures
from ..moment import Moment
from .series import changing_over_runs, over_runs

LARGEST = 16 << 20
"""Bytes of a table whose columns are read for a history."""


class TableHistory:
    """A line for the number of rows, and one for the mean of each column of numbers, against its first run's."""

    name = "table"
    title = "Rows and columns over runs"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "table" else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        rows = [_rows(moment) for moment in moments]
        blocks = over_runs(rows, moments, "Rows over runs", "How many rows the table has in each run.", up="rows")
        means = [_means(moment) for moment in moments]
        if not any(means):
            return blocks
        title, description = (
            "Column means over runs",
            "The mean of each column, over that in the first run that has it.",
        )
        if any(moment.artifact and moment.artifact.size > LARGEST for moment in moments):
            blocks.append(Note(f"Columns of tables of more than {size_said(LARGEST)} are not read for a history."))
        return [
            *blocks,
            *changing_over_runs(_against_first(means), moments, title, description, up="times the first"),
            Note("A column whose first mean is 0 is told as its mean itself."),
        ]


def _rows(moment: Moment) -> Mapping[str, float]:
    rows = moment.artifact.summary.get("rows") if moment.artifact else None
    return {"rows": rows} if isinstance(rows, int) else {}


def _means(moment: Moment) -> Mapping[str, float]:
    if moment.artifact is None or moment.artifact.kind != "table" or moment.artifact.size > LARGEST:
        return {}
    figures = column_figures(moment.opened)
    return {column.name: column.average for column in figures.columns if column.average is not None}


def _against_first(means: Sequence[Mapping[str, float]]) -> list[Mapping[str, float]]:
    first: dict[str, float] = {}
    for known in means:
        first = {**known, **first}
    return [{name: mean / (first[name] or 1.0) for name, mean in known.items()} for known in means]
