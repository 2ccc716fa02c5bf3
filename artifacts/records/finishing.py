"""Calls that have run: what they made, and how they ended, many in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, Row, bindparam, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from ..artifact import Artifact
from ..digest import Digest
from ..errors import AlreadyEnded, UnknownRecord
from .calls import Ending, NewOutput
from .columns import plain_text
from .database import Database
from .direct import Direct
from .ids import taken
from .json_text import from_json_text, json_text
from .leases import require
from .many import Many, stamp
from .messages import NEW_MESSAGES, message_row
from .reading import loop_keys
from .record import TERMINAL, Lease
from .runs import Clock, now
from .tables import artifacts, commits, inline_values, outputs, parents, step_runs


class Open(NamedTuple):
    """What is read of a step that ends."""

    id: int
    run: int
    path: str
    keys: str
    """JSON, as the attempt's numbers are."""
    attempt: str
    key: Digest | None
    ended: Any
    """When it ended, as the database gives it; None while it runs."""


ENDING = Direct(lambda listed: select(*(step_runs.c[name] for name in Open._fields)).where(listed(step_runs.c.id)))

END = Many(
    update(step_runs)
    .where(step_runs.c.id == bindparam("ending"))
    .values({name: bindparam(f"new_{name}") for name in ("state", "reason", "error", "tries", "ended")}),
    *("new_state", "new_reason", "new_error", "new_tries", "new_ended", "ending"),
)

NEW_ARTIFACTS = Many(
    insert(artifacts),
    *("id", "name", "kind", "digest", "size", "created", "run", "step_run", "step", "keys", "attempt", "made_from"),
    "summary",
)
NEW_PARENTS = Many(insert(parents), "artifact", "parent")
NEW_OUTPUTS = Many(insert(outputs), "step_run", "name", "artifact")
NEW_COMMITS = Many(insert(commits), "key", "step_run")

Rows: TypeAlias = list[tuple[Any, ...]]


class FinishingRecords:
    """What the records say of calls that end."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def finish_steps(self, lease: Lease, endings: Sequence[Ending]) -> list[dict[str, Artifact]]:
        """End steps of the run, record what they made and said, and return their artifacts by the outputs' names.

        What a completed step made is from now on reused by every call with its key. All of it is recorded, or nothing.
        Raises Fenced, AlreadyEnded, UnknownRecord.
        """
        assert all(ending.state in TERMINAL for ending in endings), "a step ends in a state that is never left"
        time = self._clock()

        def work(connection: Connection) -> list[dict[str, Artifact]]:
            require(connection, lease)
            steps = open_steps(connection, lease, [ending.step_run for ending in endings])
            first = taken(connection, artifacts, sum(len(ending.outputs) for ending in endings))
            batch = _Batch(connection, time, first)
            made = [batch.add(ending, steps[ending.step_run]) for ending in endings]
            batch.write()
            return made

        if not endings:
            return []
        try:
            return self.database.write(work)
        except IntegrityError as error:
            raise self._unknown_source(endings) from error

    def _unknown_source(self, endings: Sequence[Ending]) -> UnknownRecord:
        named = sorted({artifact for ending in endings for artifact in ending.made_from})
        with self.database.reading() as connection:
            known = {row.id for row in connection.execute(select(artifacts.c.id).where(artifacts.c.id.in_(named)))}
        unknown = sorted(set(named) - known)
        return UnknownRecord(
            f"an output is made from an artifact that the records do not hold: {', '.join(map(str, unknown))}",
            fix="read inputs from the store that the outputs go to",
        )


class _Batch:
    """The rows of calls that end together."""

    def __init__(self, connection: Connection, time: datetime, next_id: int) -> None:
        self._connection = connection
        self._time = time
        self._stamp = stamp(connection, time)
        self._next_id = next_id
        self._ends: Rows = []
        self._artifacts: Rows = []
        self._inline: dict[Digest, bytes] = {}
        self._parents: Rows = []
        self._outputs: Rows = []
        self._commits: Rows = []
        self._messages: Rows = []

    def add(self, ending: Ending, step: Open) -> dict[str, Artifact]:
        """Add the rows of one call and return what it made."""
        reason, error = plain_text(ending.reason), plain_text(ending.error)
        self._ends.append((ending.state, reason, error, ending.tries, self._stamp, ending.step_run))
        if ending.state == "completed" and step.key is not None:
            self._commits.append((step.key, ending.step_run))
        self._messages += [
            message_row(self._connection, step.run, ending.step_run, message) for message in ending.messages
        ]
        return {output.name: self._add_output(output, ending, step) for output in ending.outputs}

    def _add_output(self, output: NewOutput, ending: Ending, step: Open) -> Artifact:
        made = made_by(step, output, ending.made_from, self._next_id, self._time)
        self._next_id += 1
        self._artifacts.append(artifact_row(made, step, self._stamp))
        self._outputs.append((ending.step_run, made.name, made.id))
        self._parents += [(made.id, parent) for parent in dict.fromkeys(ending.made_from)]
        if output.inline is not None:
            self._inline[output.digest] = output.inline
        return made

    def write(self) -> None:
        """Write the rows."""
        connection = self._connection
        END(connection, self._ends)
        put_inline(connection, sorted(self._inline.items()))
        NEW_ARTIFACTS(connection, self._artifacts)
        NEW_PARENTS(connection, self._parents)
        NEW_OUTPUTS(connection, self._outputs)
        NEW_COMMITS(connection, self._commits)
        NEW_MESSAGES(connection, self._messages)


def made_by(step: Open, output: NewOutput, made_from: tuple[int, ...], artifact_id: int, time: datetime) -> Artifact:
    """Return what an output of a step is from now on."""
    return Artifact(
        artifact_id,
        output.name,
        output.kind,
        output.digest,
        output.size,
        time,
        step.run,
        step.path,
        loop_keys(from_json_text(step.keys)),
        tuple(from_json_text(step.attempt)),
        made_from,
        output.summary,
    )


def artifact_row(made: Artifact, step: Open, stamped: Any) -> tuple[Any, ...]:
    """Return the row of an artifact, for NEW_ARTIFACTS; stamped: when it was made, as the database takes it."""
    return (
        *(made.id, made.name, made.kind, made.digest, made.size, stamped, made.run, step.id),
        *(made.step, step.keys, step.attempt, json_text(made.made_from), json_text(made.summary, "summary")),
    )


def open_steps(connection: Connection, lease: Lease, wanted: Sequence[int]) -> dict[int, Open]:
    """Return the step runs, which are all open, by id. Raises AlreadyEnded, UnknownRecord."""
    assert len(set(wanted)) == len(wanted), "a step run ends once"
    steps = {step.id: step for step in map(Open._make, ENDING(connection, listed=wanted))}
    if len(steps) < len(wanted) or any(step.run != lease.run or step.ended is not None for step in steps.values()):
        raise not_open(connection, lease, wanted)
    return steps


def not_open(connection: Connection, lease: Lease, wanted: Sequence[int]) -> UnknownRecord | AlreadyEnded:
    """Return why one of the steps, which are not all open steps of the run, takes no more changes."""
    steps = {row.id: row for row in connection.execute(select(step_runs).where(step_runs.c.id.in_(wanted)))}
    for step_run in wanted:
        row = steps.get(step_run)
        if row is None or row.run != lease.run:
            return unknown_step(step_run, lease.run)
        if row.ended is not None:
            return _ended(row)
    raise AssertionError("every step is open, and not every step was changed")


def _ended(row: Row[Any]) -> AlreadyEnded:
    return AlreadyEnded(
        f"{row.path} has already ended: {row.state}",
        where=f"step run {row.id} of run {row.run}",
        why=f"{row.reason or 'it ended'} at {row.ended:%Y-%m-%d %H:%M:%S} UTC, and a step run ends once",
        fix="begin another step run",
    )


def unknown_step(step_run: int, run_id: int | None = None) -> UnknownRecord:
    """Return the error for a step run that the records, or the run, do not hold."""
    within = "" if run_id is None else f" in run {run_id}"
    return UnknownRecord(f"there is no step run {step_run}{within}", fix="`kaon status RUN` lists the steps of a run")


def put_inline(connection: Connection, values: Sequence[tuple[Digest, bytes]]) -> None:
    """Add bytes by digest, or put them in the place of those that are there: damaged ones are mended."""
    _put_inline(connection.dialect.name)(connection, values)


@cache
def _put_inline(dialect: str) -> Many:
    new = postgresql.insert(inline_values) if dialect == "postgresql" else sqlite.insert(inline_values)
    changes = {"raw": new.excluded.raw}
    return Many(new.on_conflict_do_update(index_elements=["digest"], set_=changes), "digest", "raw")
