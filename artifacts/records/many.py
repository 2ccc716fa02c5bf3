"""Statements for many rows at once, without what SQLAlchemy does for each row."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Insert, Update
from sqlalchemy.engine import Dialect

from .columns import UtcTime
from .driver import changed


class Many:
    """An INSERT or UPDATE whose rows are tuples of what the database takes.

    The maker of a row writes JSON with `json_text`, foreign text with `plain_text` and times with `stamp`.
    """

    def __init__(self, statement: Insert | Update, *names: str) -> None:
        """names: the statement's parameters, in the order of the rows' values."""
        self._statement = statement
        self._names = names
        self._compiled: dict[str, str] = {}

    def __call__(self, connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Run the statement for every row, and return how many rows of the table it changed."""
        if not rows:
            return 0
        return changed(connection, self._sql(connection.dialect), rows)

    def _sql(self, dialect: Dialect) -> str:
        known = self._compiled.get(dialect.name)
        if known is None:
            columns = list(self._names) if isinstance(self._statement, Insert) else None
            compiled = self._statement.compile(dialect=positional(dialect), column_keys=columns)
            assert tuple(compiled.positiontup or ()) == self._names, (compiled.positiontup, self._names)
            known = self._compiled[dialect.name] = str(compiled)
        return known


def stamp(connection: Connection, time: datetime) -> Any:
    """Return the time as the database takes it."""
    return UtcTime().bind_processor(connection.dialect)(time)


def positional(dialect: Dialect) -> Dialect:
    """Return the dialect, with parameters that go by their places."""
    if dialect.positional:
        return dialect
    made: Dialect = type(dialect)(paramstyle="format")  # type: ignore[call-arg]
    return made
