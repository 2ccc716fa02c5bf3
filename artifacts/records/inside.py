"""What is inside a run, a page at a time: the items of a loop, the log of a step, what a step made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, bindparam, func, literal_column, select

from ..artifact import Artifact, LoopKeys
from .columns import UtcTime
from .database import Database
from .direct import Direct, portions
from .life import death
from .messages import message_of
from .reading import ARTIFACT_COLUMNS, STEP_COLUMNS, artifact_of, in_states, loop_keys, step_of
from .record import Message, MessageKind, State, StepRecord
from .runs import RUN, Clock, now
from .tables import artifacts, messages, outputs, step_runs


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """One item of a loop, in one attempt of the repetitions around it."""

    first: int
    """The first step run of it."""
    last: int
    """Its last step run, which tells the most."""
    keys: LoopKeys
    attempt: tuple[int, ...]
    state: State
    steps: int
    """How many of its steps have begun."""
    started: datetime
    ended: datetime | None
    """When its last step ended; None while one runs."""


class ItemStep(NamedTuple):
    """A step run of an item, as little of it as tells how the item stands."""

    id: int
    keys: str
    """Loop keys as JSON."""
    attempt: str
    """As JSON."""
    state: State
    started: datetime
    ended: datetime | None
    superseded: bool


ITEM_COLUMNS = tuple(step_runs.c[name] for name in ItemStep._fields)
NEW = Direct(
    lambda listed: (
        select(*ITEM_COLUMNS)
        .where(step_runs.c.run == bindparam("of_run"), step_runs.c.id > bindparam("after"), listed(step_runs.c.path))
        .order_by(step_runs.c.id)
        .limit(bindparam("most"))
        .offset(literal_column("0"))  # which SQLAlchemy would make a parameter
    ),
    *("of_run", "after"),
    then=("most",),
)
KNOWN = Direct(lambda listed: select(*ITEM_COLUMNS).where(listed(step_runs.c.id)))


class InsideRecords:
    """What the records say of the parts of a run."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def items(
        self, run_id: int, path: str, *, states: Collection[State] = (), after: int = 0, limit: int = 50
    ) -> list[ItemRecord]:
        """Return items that are one step each, of this plan path, in the order in which they began.

        states: only items in one of these; after: only those whose step run is higher.
        """
        wanted = (  # by the index alone: the rows themselves are long
            select(step_runs.c.id)
            .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False), step_runs.c.path == path)
            .where(step_runs.c.id > after)
            .order_by(step_runs.c.id)
            .limit(limit)
        )
        with self.database.reading() as connection:
            dead = self._dead(connection, run_id)
            if states:
                wanted = wanted.where(in_states(states, dead))
            query = select(*STEP_COLUMNS).where(step_runs.c.id.in_(wanted)).order_by(step_runs.c.id)
            steps = [step_of(row, "" if dead else None) for row in connection.execute(query)]
        return [ItemRecord(s.id, s.id, s.keys, s.attempt, s.state, 1, s.started, s.ended) for s in steps]

    def item_steps(
        self, run_id: int, paths: Sequence[str], *, after: int = 0, also: Sequence[int] = (), most: int = 2**31 - 1
    ) -> list[ItemStep]:
        """Return the step runs of these plan paths that began after one, and those of `also`, oldest first.

        most: of those that began after it, so many are returned.
        """
        with self.database.reading() as connection:
            rows = [row for listed in portions(also) for row in KNOWN(connection, listed=listed)]
            rows += NEW(connection, run_id, after, listed=paths, then=(most,))
            time = UtcTime().result_processor(connection.dialect, None)
        return sorted(ItemStep._make((*row[:4], time(row[4]), time(row[5]), bool(row[6]))) for row in rows)

    def log(
        self,
        run_id: int,
        step_run: int | None,
        *,
        kinds: Sequence[MessageKind] = ("log", "status"),
        text: str = "",
        after: int | None = None,
        before: int | None = None,
        limit: int = 200,
    ) -> list[Message]:
        """Return messages, oldest first: the newest, those just after `after`, or those just before `before`.

        step_run: only those of this step run; None for all of the run; text: only those that hold it.
        """
        query = (
            select(messages, step_runs.c.path, step_runs.c["keys"].label("of_items"))
            .join(step_runs, step_runs.c.id == messages.c.step_run, isouter=True)
            .where(messages.c.run == run_id, messages.c.kind.in_(kinds))
            .limit(limit)
        )
        if step_run is not None:
            query = query.where(messages.c.step_run == step_run)
        if text:
            query = query.where(messages.c.text.icontains(text, autoescape=True))
        if before is not None:
            query = query.where(messages.c.id < before)
        if after is not None:
            query = query.where(messages.c.id > after)
        order = messages.c.id if after is not None else messages.c.id.desc()
        with self.database.reading() as connection:
            rows = connection.execute(query.order_by(order)).all()
        found = [message_of(row, row.path or "", loop_keys(row.of_items or [])) for row in rows]
        return found if after is not None else found[::-1]

    def last_message(self, run_id: int) -> int:
        """Return the id of the run's last message, or 0."""
        query = select(func.max(messages.c.id)).where(messages.c.run == run_id)
        with self.database.reading() as connection:
            return int(connection.execute(query).scalar() or 0)

    def outputs_of(self, step_run_ids: Sequence[int]) -> dict[int, list[tuple[str, Artifact]]]:
        """Return, for each step run, name and artifact of what it committed or reused."""
        query = (
            select(outputs.c.step_run, outputs.c.name, *ARTIFACT_COLUMNS)
            .join(artifacts, artifacts.c.id == outputs.c.artifact)
            .where(outputs.c.step_run.in_(step_run_ids))
            .order_by(outputs.c.id)
        )
        found: dict[int, list[tuple[str, Artifact]]] = {}
        with self.database.reading() as connection:
            for row in connection.execute(query):
                found.setdefault(row[0], []).append((row[1], artifact_of(row[2:])))
        return found

    def output_at(
        self, run_id: int, path: str, name: str, keys: LoopKeys, attempt: tuple[int, ...] | None
    ) -> Artifact | None:
        """Return what the step of this plan path gave under a name, for these items; None if it has not yet.

        attempt: that of the repetitions around the step; None for the last.
        """
        query = (
            select(*ARTIFACT_COLUMNS)
            .join(outputs, outputs.c.artifact == artifacts.c.id)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False), step_runs.c.path == path)
            .where(step_runs.c["keys"] == keys, outputs.c.name == name)
            .order_by(step_runs.c.id.desc())
            .limit(1)
        )
        if attempt is not None:
            query = query.where(step_runs.c.attempt == attempt)
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else artifact_of(row)

    def tries_of(self, run_id: int, path: str, keys: LoopKeys, attempt: tuple[int, ...]) -> list[StepRecord]:
        """Return what the records have of a step for these items, with what was done anew, oldest first."""
        query = (
            select(*STEP_COLUMNS)
            .where(step_runs.c.run == run_id, step_runs.c.path == path)
            .where(step_runs.c["keys"] == keys, step_runs.c.attempt == attempt)
            .order_by(step_runs.c.id)
        )
        with self.database.reading() as connection:
            return [step_of(row) for row in connection.execute(query)]

    def _dead(self, connection: Connection, run_id: int) -> bool:
        run = connection.execute(RUN, {"wanted_run": run_id}).first()
        return run is not None and death(run, self._clock()) is not None
