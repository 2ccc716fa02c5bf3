"""Run a query on Spark: tables are temporary views of a session of the query's own, so no other query sees them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from ..spark_session import spark_folder, spark_session
from .failure import QueryFailed

HIVE = {"spark.sql.catalogImplementation": "hive"}


def run_on_spark(
    name: str, query: str, tables: Mapping[str, pa.Table], parameters: Mapping[str, Any], conf: Mapping[str, str]
) -> pa.Table:
    """Return the rows of a query.

    conf: configuration of the session, which starts with it; with Hive's catalogue its metastore's tables are there.
    Raises QueryFailed, and SparkRunsAlready where a session with another configuration runs in this process.
    """
    session = spark_session(conf).newSession()
    from pyspark.errors import PySparkException

    with spark_folder() as folder:
        try:
            for table, rows in tables.items():
                _as_view(session, table, rows, folder)
            return session.sql(query, args=dict(parameters) or None).toArrow()
        except PySparkException as error:
            raise QueryFailed(name, "Spark", query, str(error)) from error


def _as_view(session: Any, name: str, rows: pa.Table, folder: Path) -> None:
    path = folder / f"{name}.parquet"
    pq.write_table(rows, path, coerce_timestamps="us", allow_truncated_timestamps=True)  # Spark knows no nanoseconds
    session.read.parquet(path.as_uri()).createOrReplaceTempView(name)
