"""Statements that are asked for every step, without what SQLAlchemy does each time and for each row."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import BindParameter, ColumnElement, Connection, bindparam
from sqlalchemy.sql import ClauseElement

from .driver import fetched
from .many import positional

Listed: TypeAlias = Callable[[ColumnElement[Any]], ColumnElement[bool]]
"""Says of a column that it holds one of the values of the statement's list."""

LISTED = 512
"""Values that a statement lists at most."""


class Direct:
    """A statement whose rows are tuples as the database gives them: no times, no JSON."""

    def __init__(self, build: Callable[[Listed], ClauseElement], *names: str, then: tuple[str, ...] = ()) -> None:
        """build: makes the statement, given what says that a column is listed.

        names: its parameters before the list; then: those after it.
        """
        self._build = build
        self._names = names
        self._then = then
        self._compiled: dict[tuple[str, int], str] = {}

    def __call__(
        self, connection: Connection, *values: Any, listed: Sequence[Any] = (), then: tuple[Any, ...] = ()
    ) -> Sequence[Sequence[Any]]:
        """Run the statement and return its rows. values: of the parameters, in their order; listed: of the list."""
        return fetched(connection, self._sql(connection, len(listed)), (*values, *listed, *then))

    def _sql(self, connection: Connection, length: int) -> str:
        asked = connection.dialect.name, length
        known = self._compiled.get(asked)
        if known is None:
            of_list: list[BindParameter[Any]] = [bindparam(f"listed_{place}") for place in range(length)]
            compiled = self._build(lambda column: column.in_(of_list)).compile(dialect=positional(connection.dialect))
            named = (*self._names, *(one.key for one in of_list), *self._then)
            assert tuple(getattr(compiled, "positiontup", None) or ()) == named, "parameters stand in their order"
            known = self._compiled[asked] = str(compiled)
        return known


def portions(values: Sequence[int]) -> Iterator[Sequence[int]]:
    """Yield lists of at most LISTED of the values, the last filled up by repeating one: few lengths, few statements.

    >>> [list(some) for some in portions([1, 2, 3])]
    [[1, 2, 3, 3]]
    """
    for start in range(0, len(values), LISTED):
        some = values[start : start + LISTED]
        filled: int = 1 << (len(some) - 1).bit_length()
        yield [*some, *[some[-1]] * (filled - len(some))]
