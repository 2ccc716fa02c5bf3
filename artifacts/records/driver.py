"""Compiled statements handed to the driver: to SQLite's itself, where most of a statement's time is SQLAlchemy's."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any, cast

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError


def fetched(connection: Connection, sql: str, values: tuple[Any, ...]) -> Sequence[Sequence[Any]]:
    """Run a statement and return its rows as the database gives them. Raises DBAPIError."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(sql, values).all()
    try:
        return _sqlite(connection).execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise _wrapped(connection, sql, values, error) from error


def changed(connection: Connection, sql: str, rows: Sequence[tuple[Any, ...]]) -> int:
    """Run a statement for every row of values, and return how many rows it changed. Raises DBAPIError."""
    if connection.dialect.name != "sqlite":
        return connection.exec_driver_sql(sql, list(rows)).rowcount
    try:
        return _sqlite(connection).executemany(sql, rows).rowcount
    except sqlite3.Error as error:
        raise _wrapped(connection, sql, rows, error) from error


def _sqlite(connection: Connection) -> sqlite3.Connection:
    """Return SQLite's connection, in the transaction that SQLAlchemy would have begun."""
    if not connection.in_transaction():
        connection.begin()
    return cast(sqlite3.Connection, connection.connection.dbapi_connection)


def _wrapped(connection: Connection, sql: str, values: Sequence[Any], error: sqlite3.Error) -> BaseException:
    """Return the error as SQLAlchemy raises it."""
    return DBAPIError.instance(sql, cast(Any, values), error, sqlite3.Error, dialect=connection.dialect)
