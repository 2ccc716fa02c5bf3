"""A page of a stored table, with the links that sort and turn it."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import UnknownRecord
from ..viewers.blocks import Cell
from ..viewers.opened import Opened
from ..viewers.said import column_said
from ..viewers.stored_rows import Order, StoredRows

ROWS = 50


@dataclass(frozen=True, slots=True)
class Heading:
    """The head of a column."""

    name: str
    type: str
    is_number: bool
    sort: str
    """What sorts by it next: `3` by column 3, `-3` the other way round, nothing for as stored."""
    sorted: str
    """`ascending`, `descending` or `none`, as ARIA says it."""


@dataclass(frozen=True, slots=True)
class TablePage:
    """What the page shows of a table."""

    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    total: int
    start: int
    """Of the first row shown; from 0."""
    sort: str
    newer: int | None
    """Start of the page before; None on the first."""
    older: int | None
    last: int
    """Start of the last page."""
    columns_left: int
    """How many columns are not shown."""


def table_page(opened: Opened, sort: str, start: int) -> TablePage:
    """Return rows of a table. sort: number of a column, with `-` the largest first. Raises UnknownRecord."""
    stored = StoredRows(opened)
    columns = stored.shown
    order = _order(sort, [column.name for column in columns])
    last = max(0, (stored.total - 1) // ROWS * ROWS)
    start = min(start, last)
    headings = tuple(
        Heading(column_said(column.name), column.type, column.is_number, _next(sort, place), _sorted(sort, place))
        for place, column in enumerate(columns)
    )
    return TablePage(
        headings,
        stored.page(start, ROWS, order),
        stored.total,
        start,
        sort,
        max(0, start - ROWS) if start else None,
        start + ROWS if start + ROWS < stored.total else None,
        last,
        len(stored.columns) - len(columns),
    )


def _order(sort: str, names: list[str]) -> Order | None:
    if not sort:
        return None
    place = sort.removeprefix("-")
    if not place.isdecimal() or int(place) >= len(names):
        raise UnknownRecord(f"there is no column {place!r} to sort by", why=f"the table has {len(names)} columns")
    return Order(names[int(place)], descending=sort.startswith("-"))


def _next(sort: str, place: int) -> str:
    """Return the order after this one: up, down, as stored.

    >>> _next("", 3), _next("3", 3), _next("-3", 3)
    ('3', '-3', '')
    """
    return f"-{place}" if sort == str(place) else "" if sort == f"-{place}" else str(place)


def _sorted(sort: str, place: int) -> str:
    return "ascending" if sort == str(place) else "descending" if sort == f"-{place}" else "none"
