"""What running steps say, in the order in which it arrived."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, insert, or_, select

from ..json_form import json_form
from .database import Database
from .record import Message
from .runs import Clock, now
from .tables import messages, step_runs


class MessageRecords:
    """What the records say of messages."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def add_messages(self, run_id: int, step_run: int | None, new: Sequence[Message]) -> None:
        """Record the messages in their order, in one transaction. Messages may come after the end of a step."""
        rows = [
            {
                "run": run_id,
                "step_run": step_run,
                "time": message.time,
                "level": message.level,
                "kind": message.kind,
                "text": message.text,
                "payload": json_form(message.payload, "payload"),
            }
            for message in new
        ]
        if rows:
            with self.database.writing() as connection:
                connection.execute(insert(messages), rows)

    def messages(self, run_id: int, path: str | None = None, after_id: int = 0, limit: int = 1000) -> list[Message]:
        """Return the run's messages with higher ids, oldest first.

        path: only those of the steps with this plan path or this name.
        """
        query = (
            select(messages, step_runs.c.path)
            .join(step_runs, step_runs.c.id == messages.c.step_run, isouter=True)
            .where(messages.c.run == run_id, messages.c.id > after_id)
            .order_by(messages.c.id)
            .limit(limit)
        )
        if path is not None:
            query = query.where(or_(step_runs.c.path == path, step_runs.c.step == path))
        with self.database.reading() as connection:
            return [_message(row) for row in connection.execute(query)]


def _message(row: Row[Any]) -> Message:
    return Message(
        time=row.time,
        level=row.level,
        kind=row.kind,
        text=row.text,
        payload=row.payload,
        id=row.id,
        step_run=row.step_run,
        path=row.path or "",
    )
