"""Steps that are queries, on Spark, on DuckDB, or on a database that SQLAlchemy reaches."""

from .failure import QueryFailed
from .sql_step import sql_step

__all__ = ["QueryFailed", "sql_step"]
