"""Run a query on a database that SQLAlchemy reaches by its URL."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

import pyarrow as pa

from kaon.dsl import Secret

from .failure import QueryFailed
from .parameters import names_in, pieces_of, written


def run_on_database(
    name: str, query: str, url: str, parameters: Mapping[str, Any], secrets: Mapping[str, Secret]
) -> pa.Table:
    """Return the rows of a query.

    url: SQLAlchemy's, with {name} where the value of a secret is to stand.
    Raises QueryFailed, MissingSecret, and ImportError with the mend where the database's driver is not installed.
    """
    from sqlalchemy import NullPool, create_engine
    from sqlalchemy.exc import NoSuchModuleError, SQLAlchemyError

    revealed = {secret: quote_plus(reference.reveal()) for secret, reference in secrets.items()}
    try:
        engine = create_engine(url.format(**revealed), poolclass=NullPool)
        with engine.connect() as connection:
            result = connection.execute(_bound(query, parameters), dict(parameters))
            if not result.returns_rows:
                raise QueryFailed(
                    name, engine.dialect.name, query, "it returns no rows, and a step's result is a table", "use SELECT"
                )
            columns, rows = list(result.keys()), result.fetchall()
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        driver = url.partition(":")[0]
        fix = "pip install 'kaon[postgres]'" if "psycopg" in driver else f"install the driver that {driver} names"
        raise ImportError(f"the query of {name} needs a driver of {driver!r}\n  why: {error}\n  fix: {fix}") from error
    except SQLAlchemyError as error:
        told = str(getattr(error, "orig", None) or error)
        raise QueryFailed(name, url.partition(":")[0], query, told) from error
    return pa.table({column: pa.array([row[i] for row in rows]) for i, column in enumerate(columns)})


def _bound(query: str, parameters: Mapping[str, Any]) -> Any:
    from sqlalchemy import bindparam, text

    pieces = pieces_of(query)
    statement = text(written(pieces, lambda name: f":{name}", lambda between: between.replace(":", "\\:")))
    lists = [name for name in names_in(pieces) if isinstance(parameters[name], list | tuple | set)]
    return statement.bindparams(*(bindparam(name, expanding=True) for name in lists))
