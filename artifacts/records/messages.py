"""What running steps say, in the order in which it arrived."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select

from ..artifact import LoopKeys
from .columns import plain_text
from .database import Database
from .json_text import json_text
from .leases import require
from .life import death
from .many import Many, stamp
from .reading import in_states
from .record import Lease, Message, State
from .runs import RUN, Clock, now
from .tables import messages, step_runs

NEW_MESSAGES = Many(insert(messages), "run", "step_run", "time", "level", "kind", "text", "payload")


class MessageRecords:
    """What the records say of messages."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def add_messages(self, lease: Lease, new: Sequence[tuple[int | None, Message]]) -> None:
        """Record messages in their order, each with the step run that said it, or None for the run itself.

        They may come after the end of a step. Raises Fenced, AlreadyEnded.
        """

        def work(connection: Connection) -> None:
            require(connection, lease)
            rows = [message_row(connection, lease.run, step_run, message) for step_run, message in new]
            NEW_MESSAGES(connection, rows)

        if new:
            self.database.write(work)

    def messages(
        self,
        run_id: int,
        path: str | None = None,
        after_id: int = 0,
        limit: int = 1000,
        *,
        states: Collection[State] | None = None,
    ) -> list[Message]:
        """Return the run's messages with higher ids, oldest first.

        path: only those of the steps with this plan path or this name; states: only those of the steps that now are
        in one of these states.
        """
        query = (
            select(messages, step_runs.c.path)
            .join(step_runs, step_runs.c.id == messages.c.step_run, isouter=True)
            .where(messages.c.run == run_id, messages.c.id > after_id)
            .order_by(messages.c.id)
            .limit(limit)
        )
        with self.database.reading() as connection:
            if path is not None:
                query = query.where(or_(step_runs.c.path == path, step_runs.c.step == path))
            if states is not None:
                run = connection.execute(RUN, {"wanted_run": run_id}).first()
                query = query.where(in_states(states, run is not None and death(run, self._clock()) is not None))
            return [message_of(row, row.path or "") for row in connection.execute(query)]


def message_row(connection: Connection, run_id: int, step_run: int | None, message: Message) -> tuple[Any, ...]:
    """Return the row of a message, for NEW_MESSAGES."""
    return (
        run_id,
        step_run,
        stamp(connection, message.time),
        message.level,
        message.kind,
        plain_text(message.text),
        json_text(message.payload, "payload"),
    )


def message_of(row: Row[Any], path: str, keys: LoopKeys = ()) -> Message:
    """Return the message of a row; path, keys: the plan path of the step that said it, and the items it was run for."""
    return Message(
        time=row.time,
        level=row.level,
        kind=row.kind,
        text=row.text,
        payload=row.payload,
        id=row.id,
        step_run=row.step_run,
        path=path,
        keys=keys,
    )
