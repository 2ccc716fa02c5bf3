"""Who may write into a run: the holder of its lease, until the run ends or is taken over."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, select

from ..errors import AlreadyEnded, Fenced, UnknownRecord
from .direct import Direct
from .record import Lease
from .tables import runs

LEASE = Direct(
    lambda _: (
        select(runs.c.generation, runs.c.ended, runs.c.wanted)
        .where(runs.c.id == bindparam("run"))
        .with_for_update(key_share=True)
    ),
    "run",
)
"""Locks the run, so that nobody takes it over before this transaction ends, and its writers queue."""


def require(connection: Connection, lease: Lease) -> str:
    """Return what is wanted of the run, which nobody else writes into until the transaction ends.

    Raises Fenced, AlreadyEnded or UnknownRecord unless the lease still holds.
    """
    rows = LEASE(connection, lease.run)
    if not rows:
        raise unknown_run(lease.run)
    ((generation, ended, wanted),) = rows
    if generation != lease.generation:
        raise Fenced(
            f"run {lease.run} was taken over",
            where=f"generation {lease.generation} of it, and it is in generation {generation}",
            why="this process showed no sign of life, or the run had ended, and another process goes on with it",
            fix=f"`kaon status {lease.run}` shows how it goes on; what this process did before stays recorded",
        )
    if ended is not None:
        raise already_ended(connection, lease.run)
    return str(wanted)


def already_ended(connection: Connection, run_id: int) -> AlreadyEnded:
    """Return the error for a run that has ended."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
    return AlreadyEnded(
        f"run {run_id} has already ended: {row.state}",
        why=f"it ended at {row.ended:%Y-%m-%d %H:%M:%S} UTC{f': {row.reason}' if row.reason else ''}",
        fix=f"kaon retry {run_id}: it continues from what this run finished",
    )


def unknown_run(run_id: int) -> UnknownRecord:
    """Return the error for a run that the records do not hold."""
    return UnknownRecord(f"there is no run {run_id}", fix="`kaon runs` lists the runs of this store")
