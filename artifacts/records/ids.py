"""Ids taken in blocks, so that many rows go in at once and their ids are known before."""

from __future__ import annotations

from sqlalchemy import Connection, Table, bindparam, func, insert, select, update

from .direct import Direct
from .tables import artifacts, ids, step_runs

NUMBERED = (step_runs, artifacts)
"""The tables whose rows come with their ids."""

TAKE = Direct(
    lambda _: (
        update(ids)
        .where(ids.c.name == bindparam("table"))
        .values(next=ids.c.next + bindparam("count"))
        .returning(ids.c.next)
    ),
    "count",
    "table",
)


def taken(connection: Connection, table: Table, count: int) -> int:
    """Return the first of `count` new ids. Until the transaction ends, no other can take ids of this table."""
    ((following,),) = TAKE(connection, count, table.name)
    return int(following) - count


def number(connection: Connection) -> None:
    """Begin to hand out ids: after those that the tables hold."""
    for table in NUMBERED:
        highest: int | None = connection.execute(select(func.max(table.c.id))).scalar()
        connection.execute(insert(ids), {"name": table.name, "next": (highest or 0) + 1})
