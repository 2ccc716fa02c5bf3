"""Calls that are about to run: reused, claimed and recorded as running, many in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, insert, select

from ..artifact import Artifact, LoopKeys
from ..digest import Digest
from .calls import Answer, Begin, Begun, Committed, Elsewhere, Found
from .checkpoints import forget_checkpoints
from .columns import plain_text
from .database import Database
from .direct import Direct
from .ids import taken
from .json_text import json_text
from .leases import require
from .life import death
from .many import Many, stamp
from .record import Lease, State
from .reuse import Reusable, reusable
from .runs import Clock, RunRecords, now
from .tables import outputs as outputs_table
from .tables import runs, step_runs

CLAIMS = Direct(
    lambda listed: select(step_runs.c.key, step_runs.c.run).where(
        listed(step_runs.c.key), step_runs.c.ended.is_(None), step_runs.c.key.is_not(None)
    )
)
"""The keys that steps which run claim, and their runs."""

LIVES = select(*(runs.c[name] for name in ("id", "state", "ended", "heartbeat", "pid", "process", "machine")))

NEW_STEPS = Many(
    insert(step_runs),
    *("id", "run", "path", "step", "keys", "attempt", "settings", "key", "state", "reason", "tries", "note"),
    *("started", "ended", "generation"),
)
NEW_OUTPUTS = Many(insert(outputs_table), "step_run", "name", "artifact")

FEW = 4
"""Calls that are begun in one transaction, without a look before it."""

Cancelled: TypeAlias = tuple[str, str, LoopKeys, tuple[int, ...], str]
"""Path, step, keys, attempt and reason of a call that will not start."""


class BeginningRecords:
    """What the records say of calls that begin."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def begin_steps(self, lease: Lease, calls: Sequence[Begin], exists: Callable[[Artifact], bool]) -> list[Answer]:
        """Record each call as skipped or running, or say which run is at it, and return that in the calls' order.

        A running step claims its key: until it ends, no other call with this key begins, in any run. One that is to run
        even if its outputs are there does not go on from what other runs have kept of it.

        exists: says whether bytes that are not in the records are there.
        Raises Fenced, AlreadyEnded.
        """
        time = self._clock()
        wanted = {call.key for call in calls if call.key is not None and not call.fresh}
        anew = [call.key for call in calls if call.key is not None and call.fresh]
        known = Reusable()
        if len(calls) > FEW:  # then it is worth to look before other writers are kept waiting
            with self.database.reading() as connection:
                known = reusable(connection, wanted, exists)

        def work(connection: Connection) -> _Batch:
            require(connection, lease)
            batch = _Batch(lease, stamp(connection, time), taken(connection, step_runs, len(calls)))
            keys = sorted({call.key for call in calls if call.key})
            claims = {Digest(key): run for key, run in CLAIMS(connection, listed=keys)} if keys else {}
            batch.dead = _dead(connection, {*claims.values()} - {lease.run}, time)
            if batch.dead:
                return batch
            if anew:
                forget_checkpoints(connection, lease.run, anew)
            late = reusable(connection, wanted - known.found.keys(), exists, known.rejected).found
            batch.answer(calls, claims, {**known.found, **late})
            batch.insert(connection)
            return batch

        while (batch := self.database.write(work)).dead:
            for run in batch.dead:
                RunRecords(self.database, self._clock).bury(run)
        return batch.answers

    def cancel_steps(self, lease: Lease, calls: Sequence[Cancelled]) -> None:
        """Record calls that will not start. Raises Fenced, AlreadyEnded."""
        time = self._clock()

        def work(connection: Connection) -> None:
            require(connection, lease)
            batch = _Batch(lease, stamp(connection, time), taken(connection, step_runs, len(calls)))
            for path, step, keys, attempt, reason in calls:
                batch.add(Begin(path, step, keys, attempt), "cancelled", reason)
            batch.insert(connection)

        if calls:
            self.database.write(work)


def _dead(connection: Connection, asked: Collection[int], time: datetime) -> set[int]:
    """Return which of the runs have died."""
    if not asked:
        return set()
    lives = connection.execute(LIVES.where(runs.c.id.in_(asked)))
    return {life.id for life in lives if death(life, time) is not None}


@dataclass(slots=True)
class _Batch:
    """The rows of calls that begin together."""

    lease: Lease
    time: Any
    """As the database takes it."""
    next_id: int
    dead: set[int] = field(default_factory=set)
    """Runs that must be ended first: their steps stand in the way."""
    answers: list[Answer] = field(default_factory=list)
    steps: list[tuple[Any, ...]] = field(default_factory=list)
    outputs: list[tuple[Any, ...]] = field(default_factory=list)

    def answer(
        self, calls: Sequence[Begin], claims: Mapping[Digest, int], committed: Mapping[Digest, Committed]
    ) -> None:
        """Decide what becomes of each call."""
        claimed = dict(claims)
        for call in calls:
            found = committed.get(call.key) if call.key is not None and not call.fresh else None
            if found is not None:
                reason = f"same code, settings and inputs as run {found.run}"
                step_run = self.add(call, "skipped", reason)
                self.outputs += [(step_run, name, made.id) for name, made in found.outputs.items()]
                self.answers.append(Found(step_run, found))
            elif call.key is not None and call.key in claimed:
                self.answers.append(Elsewhere(claimed[call.key]))
            else:
                if call.key is not None:
                    claimed[call.key] = self.lease.run
                self.answers.append(Begun(self.add(call, "running", call.reason)))

    def add(self, call: Begin, state: State, reason: str) -> int:
        """Add the row of one call and return its id."""
        begins = state == "running"
        row = (
            self.next_id,
            self.lease.run,
            call.path,
            call.step,
            json_text(call.keys, "keys"),
            json_text(call.attempt),
            json_text(call.settings, "settings"),
            call.key,
            state,
            plain_text(reason),
            1 if begins else 0,
            "",
            self.time,
            None if begins else self.time,
            self.lease.generation,
        )
        self.steps.append(row)
        self.next_id += 1
        return self.next_id - 1

    def insert(self, connection: Connection) -> None:
        """Insert the rows."""
        NEW_STEPS(connection, self.steps)
        NEW_OUTPUTS(connection, self.outputs)
