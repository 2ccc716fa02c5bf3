"""Figures of the columns of a stored table: how many nulls, from where to where, how spread, what occurs most."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from ..json_form import finite
from .opened import Opened
from .said import cell, column_said, said
from .stored_rows import Column, StoredRows, replaced

WHOLE = 1_000_000
"""Rows up to which every one of them counts; of more, parts that lie evenly over the table are read."""
PARTS = 250
ROWS_OF_A_PART = 1000
BINS = 20
MOST = 6
"""Values that are shown of a column of text."""


@dataclass(frozen=True, slots=True)
class ColumnFigures:
    """What is known of one column."""

    name: str
    type: str
    nulls: int
    """In all rows, not only in those that were read; -1 where the file does not say."""
    distinct: int
    """Different values among the rows that were read."""
    low: str
    """The smallest value, for people; empty where there is no order."""
    high: str
    average: float | None
    """Their mean; like the standard deviation only of numbers."""
    deviation: float | None
    bins: tuple[int, ...]
    """How many values lie in each of equal parts of the range; empty for what is no number and no time."""
    common: tuple[tuple[str, int], ...]
    """The values that occur most among the rows that were read, and how often; only of text and truth values."""

    @property
    def shown(self) -> str:
        """What a page calls it."""
        return column_said(self.name)


@dataclass(frozen=True, slots=True)
class TableFigures:
    """What is known of a table's columns."""

    rows: int
    """All rows of the table."""
    read: int
    """Those that distinct values, means, and bins come from."""
    columns: tuple[ColumnFigures, ...]


def column_figures(opened: Opened) -> TableFigures:
    """Return the figures of the shown columns, computed once for each content. Raises CorruptArtifact, MissingBlob."""
    rows = StoredRows(opened)
    path = opened.cached("columns-1.json")
    if not path.exists():
        figures = _computed(rows)
        with replaced(path) as temporary:
            temporary.write_text(json.dumps(asdict(figures)))
    raw = json.loads(path.read_text())
    columns = (
        ColumnFigures(**{**column, "bins": tuple(column["bins"]), "common": tuple(map(tuple, column["common"]))})
        for column in raw["columns"]
    )
    return TableFigures(raw["rows"], raw["read"], tuple(columns))


def _computed(rows: StoredRows) -> TableFigures:
    table = rows.table()
    read = _spread(table) if rows.total > WHOLE else table
    columns = [_figures(rows, column, read.column(place)) for place, column in enumerate(rows.shown)]
    return TableFigures(rows.total, read.num_rows, tuple(columns))


def _spread(table: Any) -> Any:
    """Return PARTS parts of a table, evenly spaced."""
    import pyarrow

    step = (table.num_rows - ROWS_OF_A_PART) / (PARTS - 1)
    return pyarrow.concat_tables([table.slice(int(part * step), ROWS_OF_A_PART) for part in range(PARTS)])


def _figures(rows: StoredRows, column: Column, values: Any) -> ColumnFigures:
    import pyarrow
    import pyarrow.compute as compute

    nulls, low, high = rows.bounds(column.name)
    numbers = _numbers(values)
    present = values.drop_null()
    try:
        counts = compute.value_counts(present)
        distinct = len(counts)
    except pyarrow.ArrowException:  # values that are lists or records
        counts, distinct = None, -1
    average = deviation = None
    bins: tuple[int, ...] = ()
    if numbers is not None and len(numbers):
        low, high, bins = _range(numbers, low, high)
        if column.is_number:
            average, deviation = float(numbers.mean()), float(numbers.std())
        else:
            low, high = compute.min(present).as_py(), compute.max(present).as_py()
    elif low is None and counts is not None and distinct:
        ends = compute.min_max(present).as_py() if pyarrow.types.is_string(values.type) else {}
        low, high = ends.get("min"), ends.get("max")
    return ColumnFigures(
        column.name,
        column.type,
        values.null_count if nulls is None and rows.total <= WHOLE else -1 if nulls is None else nulls,
        distinct,
        "" if low is None else said(cell(low)),
        "" if high is None else said(cell(high)),
        average,
        deviation,
        bins,
        () if numbers is not None or counts is None else _common(counts),
    )


def _numbers(values: Any) -> Any:
    """Return numbers and times as finite floats, or None for what is neither."""
    import numpy as np
    import pyarrow

    kind = values.type
    if pyarrow.types.is_timestamp(kind) or pyarrow.types.is_date64(kind) or pyarrow.types.is_time64(kind):
        values = values.cast(pyarrow.int64())
    elif pyarrow.types.is_date32(kind):
        values = values.cast(pyarrow.int32())
    elif not (pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
        return None
    numbers = np.asarray(values.drop_null().to_numpy(), dtype="f8")
    return numbers[np.isfinite(numbers)]


def _range(numbers: Any, low: Any, high: Any) -> tuple[Any, Any, tuple[int, ...]]:
    import numpy as np

    least, most = numbers.min().item(), numbers.max().item()
    bins = np.histogram(numbers, bins=BINS, range=(least, most if most > least else least + 1))[0]
    known = [finite(end) if isinstance(end, float) else end for end in (low, high)]
    ends = [
        seen if end is None or isinstance(end, str) else end for end, seen in zip(known, (least, most), strict=True)
    ]
    return ends[0], ends[1], tuple(int(count) for count in bins)


def _common(counts: Any) -> tuple[tuple[str, int], ...]:
    pairs: Sequence[dict[str, Any]] = counts.take(_largest(counts)).to_pylist()
    return tuple((said(cell(pair["values"])), int(pair["counts"])) for pair in pairs)


def _largest(counts: Any) -> Any:
    import pyarrow.compute as compute

    return compute.sort_indices(counts.field("counts"), sort_keys=[("", "descending")])[:MOST]
