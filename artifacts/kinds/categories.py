"""Categories that are no text: Parquet keeps the values and forgets them, so they are written beside the values."""

from __future__ import annotations

import base64
from typing import Any

from ..errors import NotStorable

KEPT = b"kaon.categories"
"""The entry of the schema's metadata that holds them: no rows, as an Arrow stream with its dictionaries."""


def with_categories(table: Any) -> Any:
    """Return the table with what its schema has to say of categories that are no text; raises NotStorable.

    table: with one chunk a column.
    """
    import pyarrow

    forgotten = {}
    for field, column in zip(table.schema, table.columns, strict=True):
        if not pyarrow.types.is_dictionary(field.type) or _is_text(field.type.value_type):
            continue
        if not _is_plain(field.type.value_type):
            raise NotStorable(
                f"the categories of the column {field.name!r} cannot be kept",
                why=f"they are of type {field.type.value_type}, by which no value can be looked up",
                fix="make them text: frame[name].cat.rename_categories(str); or, for pandas.cut, give it labels",
            )
        chunk = column.chunk(0) if column.num_chunks else pyarrow.array([], field.type)
        forgotten[field.name] = chunk.slice(0, 0)
    if not forgotten:
        return table
    batch = pyarrow.RecordBatch.from_pydict(forgotten)
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    kept = base64.b64encode(sink.getvalue().to_pybytes())
    return table.replace_schema_metadata({**(table.schema.metadata or {}), KEPT: kept})


def categories_restored(table: Any) -> Any:
    """Return the table as `with_categories` was given it."""
    metadata = dict(table.schema.metadata or {})
    kept = metadata.pop(KEPT, None)
    if kept is None:
        return table
    import pyarrow
    import pyarrow.compute as compute

    batch = pyarrow.ipc.open_stream(base64.b64decode(kept)).read_next_batch()
    for field, known in zip(batch.schema, batch.columns, strict=True):
        places = compute.index_in(table.column(field.name).combine_chunks(), value_set=known.dictionary)
        encoded = pyarrow.DictionaryArray.from_arrays(
            places.cast(field.type.index_type), known.dictionary, ordered=field.type.ordered
        )
        at = table.column_names.index(field.name)
        table = table.set_column(at, table.schema.field(at).with_type(field.type), encoded)
    return table.replace_schema_metadata(metadata or None)


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_binary(kind))


def _is_plain(kind: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_primitive(kind) or types.is_null(kind) or types.is_decimal(kind))
