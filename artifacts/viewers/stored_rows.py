"""Rows of a stored table, of any length: a page at a time, sorted or not, with memory that does not grow with it.

The first pages come from the Parquet file itself. For those further behind, and for sorted ones, the table is laid out
once in a file that can be mapped, beside the order by a column, both in the cache by the artifact's digest.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import WrongType
from .blocks import Cell
from .opened import Opened
from .said import cell

BATCH = 1 << 16
"""Rows that are read at a time, and as many as are read without laying out the table."""

WIDEST = 100
"""Columns of a page."""


@dataclass(frozen=True, slots=True)
class Order:
    """Which column sorts, and which way."""

    column: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a stored table."""

    name: str
    type: str
    is_number: bool


class StoredRows:
    """The table of an artifact. Raises CorruptArtifact, MissingBlob when made."""

    def __init__(self, opened: Opened) -> None:
        import pyarrow.parquet as parquet

        self._opened = opened
        self._file = parquet.ParquetFile(opened.path, memory_map=True)
        self.total: int = self._file.metadata.num_rows
        """How many rows there are."""

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns, in their order."""
        return tuple(
            Column(field.name, _type_said(field.type), _is_number(field.type)) for field in self._file.schema_arrow
        )

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns that a page has: the first WIDEST of them."""
        return self.columns[:WIDEST]

    def page(self, start: int, count: int, order: Order | None = None) -> tuple[tuple[Cell, ...], ...]:
        """Return the shown columns of at most `count` rows from the `start`-th on, as cells.

        Raises WrongType for what cannot be sorted.
        """
        start = max(0, min(start, self.total))
        count = min(count, self.total - start)
        if order is None and start + count <= BATCH:
            part = self._head(start + count).slice(start, count)
        elif order is None:
            part = self.table().slice(start, count)
        else:
            table, places = self.table(), self._places(order)[start : start + count]
            part = _joined([table.slice(int(place), 1) for place in places], table)
        return tuple(
            zip(*([cell(value) for value in column.to_pylist()] for column in part.columns[:WIDEST]), strict=True)
        )

    def table(self) -> Any:
        """Return the table as a pyarrow.Table: a long one is mapped, and only what is used of it comes into memory."""
        import pyarrow

        if self.total <= BATCH:
            return self._file.read().cast(_plain(self._file.schema_arrow))
        path = self._opened.cached("table.arrow")
        if not path.exists():
            with LAYING_OUT:
                if not path.exists():
                    self._lay_out(path)
        return pyarrow.ipc.open_file(pyarrow.memory_map(str(path))).read_all()

    def bounds(self, column: str) -> tuple[int | None, Any, Any]:
        """Return how many nulls a column has, its smallest and largest value, as Parquet knows them; None if not."""
        leaves = {self._file.schema.column(leaf).path: leaf for leaf in range(len(self._file.schema))}
        if column not in leaves:  # its values are lists or records, and what is inside them has columns of its own
            return None, None, None
        groups = [
            self._file.metadata.row_group(place).column(leaves[column]).statistics
            for place in range(self._file.metadata.num_row_groups)
        ]
        known = [group for group in groups if group is not None]
        nulls = sum(group.null_count for group in known) if len(known) == len(groups) else None
        ranged = [group for group in known if group.has_min_max]
        if not ranged or len(known) < len(groups):
            return nulls, None, None
        return nulls, min(group.min for group in ranged), max(group.max for group in ranged)

    def _head(self, rows: int) -> Any:
        import pyarrow

        batches, seen = [], 0
        for batch in self._file.iter_batches(batch_size=max(1, min(rows, BATCH))):
            batches.append(batch)
            seen += batch.num_rows
            if seen >= rows:
                break
        return pyarrow.Table.from_batches(batches, schema=None if batches else self._file.schema_arrow)

    def _lay_out(self, path: Path) -> None:
        import pyarrow

        schema = _plain(self._file.schema_arrow)
        with (
            replaced(path) as temporary,
            pyarrow.OSFile(str(temporary), "wb") as sink,
            pyarrow.ipc.new_file(sink, schema) as writer,
        ):
            for batch in self._file.iter_batches(batch_size=BATCH):
                writer.write_batch(batch.cast(schema) if batch.schema != schema else batch)

    def _places(self, order: Order) -> Any:
        """Return the places of the rows in the order of a column, nulls last; shape (rows,)."""
        import numpy as np

        names = [column.name for column in self.columns]
        if order.column not in names:
            raise WrongType(f"there is no column {order.column!r}", why=f"the columns are {', '.join(names)}")
        direction = "descending" if order.descending else "ascending"
        if self.total <= BATCH:
            return self._sorted(order.column, direction)
        path = self._opened.cached(f"order-{names.index(order.column)}-{direction}.npy")
        if not path.exists():
            places = self._sorted(order.column, direction)
            with replaced(path) as temporary, temporary.open("wb") as file:
                np.save(file, places)
        return np.load(path, mmap_mode="r", allow_pickle=False)

    def _sorted(self, column: str, direction: str) -> Any:
        import pyarrow
        import pyarrow.compute as compute

        try:
            places = compute.sort_indices(_sortable(self.table().column(column)), sort_keys=[("", direction)])
        except pyarrow.ArrowException as error:
            raise WrongType(
                f"the table cannot be sorted by {column!r}", why=str(error), fix="sort by another column"
            ) from error
        return places.to_numpy().astype("<u4" if self.total < 1 << 32 else "<u8")


def _sortable(values: Any) -> Any:
    """Return the column in one piece; of text, the places of its words in their order, which sort ten times as fast."""
    import pyarrow
    import pyarrow.compute as compute

    whole = values.combine_chunks()
    if not (pyarrow.types.is_string(whole.type) or pyarrow.types.is_large_string(whole.type)):
        return whole
    encoded = whole.dictionary_encode()
    in_order = compute.sort_indices(encoded.dictionary)
    places = compute.sort_indices(in_order).cast(pyarrow.int32())
    return places.take(encoded.indices)


LAYING_OUT = threading.Lock()
"""One table at a time: two would only wait for the same disk."""


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Yield a file to write that takes the path's place when it is whole, and is gone if it never is."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _plain(schema: Any) -> Any:
    """Return the schema without dictionaries, which a file of batches cannot change."""
    import pyarrow

    return pyarrow.schema(
        [
            field.with_type(field.type.value_type) if pyarrow.types.is_dictionary(field.type) else field
            for field in schema
        ]
    )


def _joined(parts: Sequence[Any], like: Any) -> Any:
    import pyarrow

    return pyarrow.concat_tables(parts) if parts else like.slice(0, 0)


def _is_number(kind: Any) -> bool:
    import pyarrow

    return bool(pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind) or pyarrow.types.is_decimal(kind))


def _type_said(kind: Any) -> str:
    import pyarrow

    if pyarrow.types.is_dictionary(kind):
        return f"category of {_type_said(kind.value_type)}"
    return {"large_string": "string", "double": "float64", "float": "float32"}.get(str(kind), str(kind))
