"""Tables against each other: columns, rows, and which cells changed, by a key or by position."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...errors import WrongType
from ..blocks import Block, Cell, Grid, Note, facts
from ..opened import Opened
from ..said import cell, said
from ..stored_rows import StoredRows

COMPARED = 200_000
"""Rows of each table that are compared: the first ones."""
SHOWN = 200
"""Changed rows that are shown."""
WIDEST_KEY = 3


def table_difference(before: Opened, after: Opened, key: Sequence[str] = ()) -> list[Block]:
    """Return what differs in columns and rows.

    key: columns that name a row; if empty, the first up to three that are no fractions and name each row once, else
    rows are compared by position. Raises WrongType for a column that is not in both.
    """
    tables = StoredRows(before), StoredRows(after)
    types = [{column.name: column.type for column in table.columns} for table in tables]
    first, second = (_frame(table) for table in tables)
    common = [name for name in types[0] if name in types[1]]
    if unknown := [name for name in key if name not in common]:
        raise WrongType(
            f"rows cannot be told apart by {', '.join(map(repr, unknown))}",
            why=f"the columns of both tables are {', '.join(common)}",
            fix="name some of these, or none",
        )
    named_by = list(key) or _key(first, second, common, types[0])
    blocks = [_counts(tables, named_by), *_columns(*types)]
    if max(table.total for table in tables) > COMPARED:
        blocks.append(Note(f"The first {COMPARED:,} rows of each table are compared."))
    if named_by and (first.duplicated(named_by).any() or second.duplicated(named_by).any()):
        return [*blocks, Note(f"{', '.join(named_by)} names several rows, so it cannot tell rows apart.")]
    if common:
        blocks += _rows(first[common], second[common], named_by)
    return blocks


def _frame(table: StoredRows) -> Any:
    part = table.table().slice(0, COMPARED) if table.total > COMPARED else table.table()
    frame = part.replace_schema_metadata(None).to_pandas()
    for name in frame.select_dtypes("object").columns:
        frame[name] = frame[name].map(lambda value: value if isinstance(value, str) or value is None else str(value))
    return frame


def _key(first: Any, second: Any, common: Sequence[str], types: dict[str, str]) -> list[str]:
    """Return the fewest leading columns that name every row of both tables once; none if there are none."""
    leading = [name for name in common if not types[name].startswith(("float", "double", "list", "struct"))]
    for width in range(1, min(WIDEST_KEY, len(leading)) + 1):
        columns = leading[:width]
        if not first.duplicated(columns).any() and not second.duplicated(columns).any():
            return columns
    return []


def _counts(tables: tuple[StoredRows, StoredRows], key: Sequence[str]) -> Block:
    first, second = tables
    return facts(
        {
            "rows": f"{first.total:,} → {second.total:,}",
            "columns": f"{len(first.columns)} → {len(second.columns)}",
            "rows compared by": ", ".join(key) or "position",
        }
    )


def _columns(first: dict[str, str], second: dict[str, str]) -> list[Block]:
    rows: list[tuple[Cell, ...]] = [
        (name, first.get(name), second.get(name))
        for name in dict.fromkeys((*first, *second))
        if first.get(name) != second.get(name)
    ]
    return [Grid(("column", "first", "second"), tuple(rows), "Columns that differ")] if rows else []


def _rows(first: Any, second: Any, key: list[str]) -> list[Block]:
    if key:
        first, second = first.set_index(key), second.set_index(key)
    for name in first.columns[first.dtypes != second.dtypes]:
        first, second = first.astype({name: object}), second.astype({name: object})
    both = first.index.intersection(second.index, sort=False)
    removed, added = first.index.difference(second.index, sort=False), second.index.difference(first.index, sort=False)
    old, new = first.loc[both], second.loc[both]
    differs = ~((old == new) | (old.isna() & new.isna()))
    changed = differs.any(axis=1)
    counted = facts(
        {
            "rows added": len(added),
            "rows removed": len(removed),
            "rows changed": int(changed.sum()),
            "rows the same": int(len(both) - changed.sum()),
        }
    )
    by_column = [(name, int(count)) for name, count in differs.sum().items() if count]
    blocks: list[Block] = [counted]
    if by_column:
        blocks.append(Grid(("column", "cells changed"), tuple(by_column), "Changed cells by column"))
    names = key or ["row"]
    columns = [name for name, _ in by_column]
    rows = [
        (*_place(place), "changed", *_change(old.loc[[place]], new.loc[[place]], differs.loc[[place]], columns))
        for place in both[changed][:SHOWN]
    ]
    for places, what in ((removed, "removed"), (added, "added")):
        rows += [(*_place(place), what, *("" for _ in columns)) for place in places[: max(0, SHOWN - len(rows))]]
    if rows:
        left = int(changed.sum()) + len(added) + len(removed) - len(rows)
        blocks.append(Grid((*names, "change", *columns), tuple(rows), "Rows that differ", left))
    return blocks


def _place(place: Any) -> tuple[Cell, ...]:
    parts = place if isinstance(place, tuple) else (place,)
    return tuple(cell(part.item() if hasattr(part, "item") else part) for part in parts)


def _change(old: Any, new: Any, differs: Any, columns: Sequence[str]) -> tuple[str, ...]:
    """Return for each column what one row had and has; nothing where it did not change."""
    return tuple(
        f"{_said(old[name].iloc[0])} → {_said(new[name].iloc[0])}" if differs[name].iloc[0] else "" for name in columns
    )


def _said(value: Any) -> str:
    plain = value.item() if hasattr(value, "item") else value
    return said(cell(plain))
