"""What is inside a run, a page at a time: the items of a loop, the log of a step, what a step made."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Text, case, func, select, type_coerce

from ..artifact import Artifact, LoopKeys
from .database import Database
from .json_text import from_json_text
from .life import death
from .messages import message_of
from .reading import ARTIFACT_COLUMNS, STEP_COLUMNS, artifact_of, in_states, loop_keys, step_of
from .record import Message, MessageKind, State, StepRecord
from .runs import RUN, Clock, now
from .tables import artifacts, messages, outputs, step_runs

RANKS: tuple[State, ...] = (
    "skipped",
    "completed",
    "pending",
    "activated",
    "running",
    "retrying",
    "cancelled",
    "failed",
    "held",
)
"""The state of an item is that of its steps which comes last here."""

RANK = case({state: rank for rank, state in enumerate(RANKS)}, value=step_runs.c.state, else_=0)
KEYS = type_coerce(step_runs.c["keys"], Text)
ATTEMPT = type_coerce(step_runs.c.attempt, Text)


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


class InsideRecords:
    """What the records say of the parts of a run."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def items(
        self,
        run_id: int,
        paths: Sequence[str],
        *,
        states: Collection[State] = (),
        after: int = 0,
        limit: int = 50,
    ) -> list[ItemRecord]:
        """Return items in the order in which they began, those whose first step run is higher than `after`.

        paths: the plan paths of the steps that are directly inside the loop; states: only items in one of these.
        """
        with self.database.reading() as connection:
            dead = self._dead(connection, run_id)
            if len(paths) == 1:
                return _single(connection, run_id, paths[0], states, after, limit, dead)
            grouped = _grouped(run_id, paths).having(func.min(step_runs.c.id) > after).order_by("first").limit(limit)
            if states:
                grouped = grouped.having(_rank_in(states, dead))
            return [_item(row, dead) for row in connection.execute(grouped)]

    def item_counts(self, run_id: int, paths: Sequence[str]) -> dict[State, int]:
        """Return how many items that have begun are in each state."""
        with self.database.reading() as connection:
            dead = self._dead(connection, run_id)
            grouped = _grouped(run_id, paths).subquery()
            open_steps = func.coalesce(grouped.c.open_steps, 0) > 0
            query = select(grouped.c.rank, open_steps.label("goes_on"), func.count()).group_by(
                grouped.c.rank, "goes_on"
            )
            counts: dict[State, int] = {}
            for rank, goes_on, number in connection.execute(query):
                state: State = "failed" if dead and goes_on else RANKS[rank]
                counts[state] = counts.get(state, 0) + number
        return {state: counts[state] for state in reversed(RANKS) if state in counts}

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
        query = select(messages).where(messages.c.run == run_id, messages.c.kind.in_(kinds)).limit(limit)
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
            rows = [message_of(row, "") for row in connection.execute(query.order_by(order))]
        return rows if after is not None else rows[::-1]

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


def _single(
    connection: Connection, run_id: int, path: str, states: Collection[State], after: int, limit: int, dead: bool
) -> list[ItemRecord]:
    """Return items that are one step each: they need not be gathered from all of the run."""
    query = (
        select(*STEP_COLUMNS)
        .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False), step_runs.c.path == path)
        .where(step_runs.c.id > after)
        .order_by(step_runs.c.id)
        .limit(limit)
    )
    if states:
        query = query.where(in_states(states, dead))
    steps = [step_of(row, "" if dead else None) for row in connection.execute(query)]
    return [ItemRecord(one.id, one.id, one.keys, one.attempt, one.state, 1, one.started, one.ended) for one in steps]


def _grouped(run_id: int, paths: Sequence[str]) -> Select[Any]:
    return (
        select(
            func.min(step_runs.c.id).label("first"),
            func.max(step_runs.c.id).label("last"),
            KEYS.label("item_keys"),
            ATTEMPT.label("item_attempt"),
            func.max(RANK).label("rank"),
            func.count().label("steps"),
            func.min(step_runs.c.started).label("started"),
            func.max(step_runs.c.ended).label("ended"),
            func.sum(case((step_runs.c.ended.is_(None), 1), else_=0)).label("open_steps"),
        )
        .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False), step_runs.c.path.in_(paths))
        .group_by("item_keys", "item_attempt")
    )


def _rank_in(states: Collection[State], dead: bool) -> ColumnElement[bool]:
    open_steps = func.sum(case((step_runs.c.ended.is_(None), 1), else_=0)) > 0
    ranked = func.max(RANK).in_([RANKS.index(state) for state in states])
    if not dead:
        return ranked
    ended = ranked & ~open_steps
    return ended | open_steps if "failed" in states else ended


def _item(row: Row[Any], dead: bool) -> ItemRecord:
    state: State = "failed" if dead and row.open_steps else RANKS[row.rank]
    return ItemRecord(
        first=row.first,
        last=row.last,
        keys=loop_keys(from_json_text(row.item_keys)),
        attempt=tuple(from_json_text(row.item_attempt)),
        state=state,
        steps=row.steps,
        started=row.started,
        ended=None if row.open_steps else row.ended,
    )
