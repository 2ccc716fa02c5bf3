"""Run a query on DuckDB, in this process: tables are registered as they are, without a copy."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from .failure import QueryFailed
from .parameters import pieces_of, written

CONFIG = {
    "autoinstall_known_extensions": "false",  # a query loads nothing from the network
    "python_enable_replacements": "false",  # a name is an input, never a variable of this module
}


def run_on_duckdb(
    name: str, query: str, tables: Mapping[str, pa.Table], parameters: Mapping[str, Any], conf: Mapping[str, str]
) -> pa.Table:
    """Return the rows of a query.

    conf: settings of DuckDB, such as {"memory_limit": "2GB"}.
    Raises QueryFailed, and ImportError with the mend where DuckDB is not installed.
    """
    try:
        import duckdb
    except ImportError as error:
        raise ImportError(
            f"the query of {name} needs DuckDB, which is not installed\n"
            "  why: it comes with an extra of Kaon\n  fix: pip install 'kaon[sql]'"
        ) from error
    text = written(pieces_of(query), lambda parameter: f"${parameter}")
    try:
        with duckdb.connect(config={**CONFIG, **conf}) as connection:
            for table, rows in tables.items():
                connection.register(table, rows)
            result = connection.sql(text, params=dict(parameters) or None)
            if result is None:
                raise QueryFailed(
                    name, "DuckDB", query, "it returns no rows, and a step's result is a table", "use SELECT"
                )
            return result.to_arrow_table()
    except duckdb.Error as error:
        raise QueryFailed(name, "DuckDB", query, str(error)) from error
