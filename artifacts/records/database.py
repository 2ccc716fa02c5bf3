"""The database behind the records: SQLite in WAL mode, SQLite in memory, or PostgreSQL."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache, cached_property
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from ..trouble import writing
from .interrupts import heard_at_the_end
from .migration import migrate, version_of
from .refusals import refusal
from .retrying import connected, retried, steady
from .tables import VERSION

T = TypeVar("T")

BUSY_SECONDS = 60.0
"""How long a writer waits for another process."""

CACHE_KIB = 32 << 10
"""Memory that a connection to SQLite may take for pages: the indexes of 100,000 steps stay in it."""

WRITES = "kaon_writes"


class Database:
    """Transactions over one database, safe to use from many threads, processes and after a fork.

    A SQLite file is created by the first write; until then every read finds nothing.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._is_sqlite = url.startswith("sqlite")
        self._file = Path(url.partition("///")[2]) if self._is_sqlite and "///" in url else None
        self._in_memory = self._is_sqlite and self._file is None
        self._lock = threading.Lock()
        self._ready = False
        _forget_after_fork(self)

    def write(self, work: Callable[[Connection], T]) -> T:
        """Return what `work` returns, done in a transaction that alone may write, and that is whole or not at all.

        Where the connection to a server is lost, or two writers stand in each other's way, all of it is done again.
        """
        with self._refusals():
            if self._is_sqlite:
                self._prepare()
                with self._one_at_a_time(), heard_at_the_end(), self._writer.begin() as connection:
                    return work(connection)
            connected(self._prepare)
            return retried(self._writer, work)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Yield a connection to read from: SQLite's sees one state of the records, PostgreSQL's one for each query.

        Where the connection to a server is lost, what is asked is asked again; only `execute` and
        `exec_driver_sql` can be used.
        """
        with self._refusals():
            if not self._is_sqlite:
                connected(self._prepare)
                with steady(self._engine) as connection:
                    yield connection
                return
            if not self._ready and self._file is not None and not self._file.exists():
                with _empty().reading() as connection:
                    yield connection
                return
            self._prepare()
            with self._lock if self._in_memory else nullcontext(), self._engine.connect() as connection:
                yield connection

    def close(self) -> None:
        """Close every connection that is not in use."""
        self._engine.dispose()

    @cached_property
    def _engine(self) -> Engine:
        if not self._is_sqlite:
            return create_engine(self.url, pool_pre_ping=True, pool_size=16, max_overflow=48)
        if self._in_memory:
            engine = create_engine(self.url, poolclass=StaticPool, connect_args={"check_same_thread": False})
        else:
            engine = create_engine(
                URL.create("sqlite", database=str(self._file)),  # in a URL, a ? in the path would end it
                poolclass=QueuePool,
                pool_size=32,
                max_overflow=-1,
                pool_use_lifo=True,  # few connections, and few caches, where few are needed
                connect_args={"check_same_thread": False, "timeout": BUSY_SECONDS},
            )
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    @cached_property
    def _writer(self) -> Engine:
        return self._engine.execution_options(**{WRITES: True})

    def _one_at_a_time(self) -> AbstractContextManager[Any]:
        """Let this process's writers queue here: SQLite's own waiting is neither fair nor quick."""
        return self._lock if self._is_sqlite else nullcontext()

    def _prepare(self) -> None:
        """Create what is missing, bring what an older Kaon wrote up to date, refuse what a newer one wrote."""
        if self._ready:
            return
        if self._file is not None:
            with writing(self._file):
                self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._lock if self._in_memory else nullcontext(), self._engine.connect() as connection:
            version = version_of(connection)
        if version != VERSION:
            with self._one_at_a_time(), heard_at_the_end(), self._writer.begin() as connection:
                migrate(connection, self.url)
        self._ready = True

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            known = refusal(error, str(self._file or self.url))
            if known is None:
                raise
            raise known from error

    def _after_fork(self) -> None:
        """Leave the parent's connections and locks to the parent."""
        self._lock = threading.Lock()
        if "_engine" in self.__dict__ and not self._in_memory:
            self._engine.dispose(close=False)


def added(connection: Connection, table: Table, values: Mapping[str, Any]) -> int:
    """Add a row and return its id."""
    key = connection.execute(insert(table), values).inserted_primary_key
    assert key is not None
    return int(key[0])


@cache
def _empty() -> Database:
    """Return the records of a store that is not there."""
    return Database("sqlite://")


def _set_up_sqlite(connection: Any, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={int(BUSY_SECONDS * 1000)}")
    _log_ahead(cursor)
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA cache_size=-{CACHE_KIB}")
    cursor.close()


def _log_ahead(cursor: sqlite3.Cursor) -> None:
    """Have the file log what is written ahead; SQLite does not wait where two processes turn that on at once."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _forget_after_fork(database: Database) -> None:
    reference = weakref.ref(database)

    def forget() -> None:
        known = reference()
        if known is not None:
            known._after_fork()

    os.register_at_fork(after_in_child=forget)
