"""Transactions that outlive a lost connection: done again unless they were committed, and never twice."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, Executable, Result, text
from sqlalchemy.engine import Dialect
from sqlalchemy.exc import DBAPIError, OperationalError

from .interrupts import heard_at_the_end

T = TypeVar("T")

LONGEST = 30.0
"""Seconds for which a server that has gone away is waited for."""

IN_THE_WAY = {"40001", "40P01"}
"""PostgreSQL's codes for transactions that another one stood in the way of."""


class _Unsure(Exception):
    """The connection was lost while the transaction was being committed."""

    def __init__(self, result: Any, lost: DBAPIError) -> None:
        super().__init__()
        self.result = result
        self.lost = lost


def retried(engine: Engine, work: Callable[[Connection], T]) -> T:
    """Return what `work` returns in a transaction of PostgreSQL, committed exactly once."""
    pauses = _pauses()
    while True:
        number: list[str] = []
        try:
            return _once(engine, work, number)
        except DBAPIError as error:
            if not _may_work_again(error) or next(pauses, None) is None:
                raise
        except _Unsure as unsure:
            if _was_committed(engine, number[0], unsure.lost):
                made: T = unsure.result
                return made


def connected(work: Callable[[], T]) -> T:
    """Return what `work` returns, which may be done twice: it is done again where its connection is lost."""
    pauses = _pauses()
    while True:
        try:
            return work()
        except DBAPIError as error:
            if not _may_work_again(error) or next(pauses, None) is None:
                raise


@contextmanager
def steady(engine: Engine) -> Iterator[Connection]:
    """Yield what stands for a connection to read from: where one is lost, what was asked is asked again on another."""
    connection = connected(engine.connect)
    try:
        yield cast(Connection, _Steady(connection))
    finally:
        with suppress(DBAPIError):  # lost after the last answer
            connection.close()


class _Steady:
    """Asks what a connection asks."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    def execute(self, query: Executable, values: Any = None) -> Result[Any]:
        return connected(lambda: self._asked(self._connection.execute, query, values))

    def exec_driver_sql(self, query: str, values: Any = None) -> Result[Any]:
        return connected(lambda: self._asked(self._connection.exec_driver_sql, query, values))

    def _asked(self, ask: Callable[..., Result[Any]], query: Executable | str, values: Any) -> Result[Any]:
        try:
            return ask(query, values)
        except DBAPIError:
            with suppress(DBAPIError):
                self._connection.rollback()  # SQLAlchemy connects anew only after that
            raise


def _once(engine: Engine, work: Callable[[Connection], T], number: list[str]) -> T:
    with heard_at_the_end(), engine.connect() as connection:
        transaction = connection.begin()
        try:
            result = work(connection)
            number.append(str(connection.execute(text("SELECT txid_current()")).scalar_one()))
        except BaseException:
            transaction.rollback()
            raise
        try:
            transaction.commit()
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _Unsure(result, error) from error
            raise
    return result


def _was_committed(engine: Engine, number: str, lost: DBAPIError) -> bool:
    """Return what became of a transaction; raise what lost its connection if the server does not say."""
    for _ in _pauses():
        try:
            with engine.connect() as connection:
                status = connection.execute(text("SELECT txid_status(CAST(:number AS bigint))"), {"number": number})
                said = status.scalar()
        except DBAPIError:
            continue
        if said in ("committed", "aborted"):
            return bool(said == "committed")
    raise lost


def _may_work_again(error: DBAPIError) -> bool:
    """Say whether it was the connection that failed, while in use or when opened, or another transaction."""
    unreached = isinstance(error, OperationalError) and error.statement is None
    return error.connection_invalidated or unreached or getattr(error.orig, "sqlstate", None) in IN_THE_WAY


def _pauses() -> Iterator[float]:
    """Wait, longer each time, and yield what was waited, until LONGEST is reached."""
    pause, waited = 0.02, 0.0
    while waited < LONGEST:
        time.sleep(pause)
        waited += pause
        yield waited
        pause = min(pause * 2, 2.0)
