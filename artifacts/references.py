"""What the records say of the store's blobs: which are named, by what, and who may be about to name more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Row, func, select

from .digest import Digest
from .records.database import Database
from .records.life import death, this_machine
from .records.tables import artifacts, checkpoints, inline_values, runs, schema_version

PAGE = 1000
"""Rows read, and digests looked up, at a time."""

GONE = timedelta(days=1)
"""A silent process of another machine, which cannot be looked at from here, is taken for gone after so long."""


LASTING = ~select(checkpoints.c.artifact).where(checkpoints.c.artifact == artifacts.c.id).exists()
"""Says of an artifact that its bytes are kept for good: it is no checkpoint, which is kept for who goes on from it."""


class Named(NamedTuple):
    """A digest that artifacts name."""

    digest: Digest
    size: int
    artifact: int
    """The newest artifact of it."""
    name: str


class Inline(NamedTuple):
    """A value that lives in the records."""

    digest: Digest
    raw: bytes


Keyed = TypeVar("Keyed", Named, Inline)


class Silent(NamedTuple):
    """A run that has not ended, and whose process is dead."""

    run: int
    workflow: str
    reason: str


def version(database: Database) -> int | None:
    """Return the version of the tables, or None where there are none."""
    with database.reading() as connection:
        found: int | None = connection.execute(select(schema_version.c.version)).scalar()
    return found


def unnamed(database: Database, digests: Sequence[Digest]) -> list[Digest]:
    """Return those of the digests, at most a page of them, that no artifact names but checkpoints."""
    query = select(artifacts.c.digest).where(artifacts.c.digest.in_(digests), LASTING).distinct()
    with database.reading() as connection:
        known = set(connection.execute(query).scalars())
    return [digest for digest in digests if digest not in known]


def naming(database: Database, digests: Sequence[Digest]) -> dict[Digest, Named]:
    """Return, for those of the digests that artifacts name, what names them."""
    found: dict[Digest, Named] = {}
    for start in range(0, len(digests), PAGE):
        found |= {name.digest: name for name in _named(database, artifacts.c.digest.in_(digests[start : start + PAGE]))}
    return found


def named(database: Database) -> Iterator[Named]:
    """Yield every digest that artifacts name for good and whose bytes are a blob, in the order of digests."""
    is_a_blob = artifacts.c.digest.not_in(select(inline_values.c.digest))
    return _all(lambda after: _named(database, LASTING & is_a_blob & (artifacts.c.digest > after)))


def inline(database: Database) -> Iterator[Inline]:
    """Yield every value that lives in the records."""
    return _all(lambda after: _inline(database, after))


def count_inline(database: Database) -> int:
    """Return how many values live in the records."""
    with database.reading() as connection:
        return connection.execute(select(func.count()).select_from(inline_values)).scalar_one()


def silent_runs(database: Database, time: datetime) -> list[Silent]:
    """Return the runs whose process died before it could end them."""
    found = ((row, death(row, time)) for row in _open_runs(database))
    return [Silent(row.id, row.workflow, reason) for row, reason in found if reason is not None]


def writing_since(database: Database, time: datetime) -> datetime | None:
    """Return when the first of the runs that may still write began, or None if nobody writes.

    A process that shows no sign of life counts as long as it exists: one that was stopped may go on.
    """
    return min((row.started for row in _open_runs(database) if _may_write(row, time)), default=None)


def has_runs(database: Database) -> bool:
    """Say whether any run was ever recorded."""
    with database.reading() as connection:
        return connection.execute(select(runs.c.id).limit(1)).first() is not None


def _all(page_after: Callable[[str], list[Keyed]]) -> Iterator[Keyed]:
    """Yield what the pages hold, each read in a short transaction of its own."""
    after = ""
    while page := page_after(after):
        yield from page
        after = page[-1].digest


def _named(database: Database, chosen: ColumnElement[bool]) -> list[Named]:
    """Return the newest artifacts of the digests that are chosen, a page at most."""
    newest = (
        select(func.max(artifacts.c.id))
        .where(chosen)
        .group_by(artifacts.c.digest)
        .order_by(artifacts.c.digest)
        .limit(PAGE)
    )
    columns = (artifacts.c.digest, artifacts.c.size, artifacts.c.id, artifacts.c.name)
    query = select(*columns).where(artifacts.c.id.in_(newest)).order_by(artifacts.c.digest)
    with database.reading() as connection:
        return [Named(Digest(row.digest), row.size, row.id, row.name) for row in connection.execute(query)]


def _inline(database: Database, after: str) -> list[Inline]:
    query = select(inline_values).where(inline_values.c.digest > after).order_by(inline_values.c.digest).limit(PAGE)
    with database.reading() as connection:
        return [Inline(Digest(row.digest), row.raw) for row in connection.execute(query)]


def _open_runs(database: Database) -> Sequence[Row[Any]]:
    with database.reading() as connection:
        return connection.execute(select(runs).where(runs.c.ended.is_(None)).order_by(runs.c.id)).all()


def _may_write(run: Row[Any], time: datetime) -> bool:
    if run.state == "held":
        return False
    awake = SimpleNamespace(**{**run._mapping, "heartbeat": time})
    if death(awake, time) is not None:  # type: ignore[arg-type]
        return False
    return bool(run.process and run.machine == this_machine()) or time - run.heartbeat < GONE
