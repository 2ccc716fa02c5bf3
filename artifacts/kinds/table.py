"""Tables as Parquet; one artifact reads as pandas, Arrow or Spark, as the annotation asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from ..errors import NotStorable, WrongType
from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable
from .categories import categories_restored, with_categories
from .source import local_path

ROWS_PER_GROUP = 1 << 20
SHOWN = 5
"""Column names in a refusal."""
OFFERS = "pandas.DataFrame, pyarrow.Table and pyspark.sql.DataFrame"


class TableKind:
    """Rows with named, typed columns. Spark collects its rows to the driver to store them."""

    name = "table"
    interchangeable = True

    def accepts(self, annotation: object) -> bool:
        return _is_pandas(annotation) or _is_arrow(annotation) or _is_spark(annotation)

    def dump(self, value: object, to: BinaryIO) -> None:
        import pyarrow.parquet as parquet

        table = with_categories(_canonical(_as_arrow(value)))
        with _as_refusals("the table has a column that Parquet cannot keep"):
            parquet.write_table(
                table,
                to,
                compression="zstd",
                version="2.6",
                row_group_size=ROWS_PER_GROUP,
                store_schema=True,
            )

    def load(self, source: BinaryIO, wanted: object) -> object:
        import pyarrow.parquet as parquet

        if _is_spark(wanted):
            return _as_spark(source)
        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, OFFERS)
        whole = parquet.ParquetFile(source).read()  # read_table would first import all of pyarrow.dataset
        table = categories_restored(whole)
        return _as_pandas(table) if _is_pandas(wanted) else table

    def summary(self, value: Any) -> dict[str, Json]:
        schema: dict[str, Json]
        if _is_arrow(type(value)):
            rows, schema = value.num_rows, {field.name: str(field.type) for field in value.schema}
        elif _is_pandas(type(value)):
            rows, schema = len(value), {str(name): str(dtype) for name, dtype in value.dtypes.items()}
        else:
            rows, schema = value.count(), dict(value.dtypes)
        return {"rows": rows, "columns": len(schema), "schema": schema}


def _is_pandas(annotation: object) -> bool:
    return is_a(annotation, "pandas", "DataFrame")


def _is_arrow(annotation: object) -> bool:
    return is_a(annotation, "pyarrow", "Table")


def _is_spark(annotation: object) -> bool:
    return is_a(annotation, "pyspark", "DataFrame")


def _as_arrow(value: Any) -> Any:
    import pyarrow

    if _is_arrow(type(value)):
        return value
    if _is_spark(type(value)):
        return value.toArrow()
    if not _is_pandas(type(value)):
        raise refused(value, "table", OFFERS)
    with _as_refusals("the pandas.DataFrame has a column that Parquet cannot say"):
        table = pyarrow.Table.from_pandas(value)
    if not all(isinstance(name, str) for name in value.columns):
        named = table.slice(0, 0).to_pandas().columns
        if not named.equals(value.columns):
            raise NotStorable(
                "the pandas.DataFrame has column names that Parquet cannot keep",
                why=f"{list(value.columns)[:SHOWN]} would come back as {list(named)[:SHOWN]}",
                fix="give all of them one type: frame.columns = frame.columns.map(str)",
            )
    return table


def _as_pandas(table: Any) -> Any:
    try:
        return table.to_pandas()
    except (TypeError, ValueError, NotImplementedError) as error:
        raise WrongType(
            "the table cannot be read as pandas.DataFrame",
            why=f"pandas has no such column: {error}",
            fix="annotate the input with pyarrow.Table, which reads every column",
        ) from error


@contextmanager
def _as_refusals(problem: str) -> Iterator[None]:
    """Turn what Arrow raises for a value that it cannot write into NotStorable."""
    try:
        yield
    except (ValueError, TypeError, NotImplementedError, OverflowError, KeyError) as error:  # Arrow's are such, too
        raise NotStorable(
            problem,
            why=" ".join(str(part) for part in error.args),
            fix="give every column one type (frame.astype) and a name of its own",
        ) from error


def _canonical(table: Any) -> Any:
    """Return the table in one chunk a column, so that how it was put together does not show in its bytes."""
    import pyarrow

    if table.num_rows and not table.num_columns:
        raise NotStorable(
            f"the table has {table.num_rows} rows and no columns",
            why="rows are kept by their columns, and none would come back",
            fix="give it a column, such as its index: frame.reset_index()",
        )
    for field, column in zip(table.schema, table.columns, strict=True):
        if pyarrow.types.is_fixed_size_list(field.type) and column.null_count:
            raise NotStorable(
                f"the column {field.name!r} has lists of a fixed size, and no list in some rows",
                why="Parquet keeps those rows, and they cannot be read again",
                fix="cast the column to lists of any size: column.cast(pyarrow.list_(column.type.value_type))",
            )
    repeated = {name for name in table.column_names if table.column_names.count(name) > 1}
    if repeated:
        raise NotStorable(
            f"the table has several columns called {', '.join(map(repr, sorted(repeated)))}",
            why="a column is found by its name",
            fix="rename or drop columns",
        )
    try:
        return table.unify_dictionaries().combine_chunks()
    except pyarrow.ArrowException as error:
        raise NotStorable(
            "the table's chunks cannot be joined",
            why=str(error),
            fix="use large_string or large_binary columns for more than 2 GiB of text",
        ) from error


def _as_spark(source: BinaryIO) -> object:
    """Return a Spark frame that reads the blob itself where it can: Spark knows no nanoseconds."""
    import pyarrow
    import pyarrow.parquet as parquet
    from pyspark.sql import SparkSession

    session = SparkSession.getActiveSession()
    if session is None:
        raise WrongType(
            "the table cannot be read as pyspark.sql.DataFrame",
            why="there is no active Spark session",
            fix="start one before the step reads its inputs: SparkSession.builder.getOrCreate()",
        )
    schema = parquet.read_schema(source)
    source.seek(0)
    nanoseconds = any(pyarrow.types.is_timestamp(column.type) and column.type.unit == "ns" for column in schema)
    if not nanoseconds:
        return session.read.parquet(str(local_path(source)))
    table = parquet.read_table(source, coerce_int96_timestamp_unit="us")
    columns = [_microseconds(column.type) for column in table.schema]
    return session.createDataFrame(
        table.cast(pyarrow.schema(list(zip(table.column_names, columns, strict=True))), safe=False)
    )


def _microseconds(column: Any) -> Any:
    import pyarrow

    if pyarrow.types.is_timestamp(column) and column.unit == "ns":
        return pyarrow.timestamp("us", column.tz)
    return column
