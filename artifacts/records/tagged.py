"""Runs by their tags, and by what their plans hold."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, Text, select, type_coerce

from .database import Database
from .json_text import json_text
from .record import RunRecord
from .runs import Clock, now, record_of
from .tables import runs

LOOKED_AT = 500
"""Newest runs among which those with a sweep are looked for."""


class TaggedRecords:
    """What the records say of runs with a tag."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def tagged(self, tag: str, value: str, limit: int = 1) -> list[RunRecord]:
        """Return the newest runs whose tag has this value, newest first."""
        wanted = f"{json_text(tag)}:{json_text(value)}"
        query = (
            select(runs)
            .where(type_coerce(runs.c.tags, Text).contains(wanted, autoescape=True))
            .order_by(runs.c.id.desc())
            .limit(limit)
        )
        return self._records(query)

    def sweeps(self, limit: int = 50, before: int | None = None) -> list[RunRecord]:
        """Return the newest runs whose plan has a sweep, newest first; `before`: only those with a smaller number."""
        newest = select(runs.c.id).order_by(runs.c.id.desc()).limit(LOOKED_AT)
        newest = newest if before is None else newest.where(runs.c.id < before)
        query = (
            select(runs)
            .where(runs.c.id.in_(newest), runs.c.plan.contains('"verb":"sweep"'))
            .order_by(runs.c.id.desc())
            .limit(limit)
        )
        return self._records(query)

    def _records(self, query: Select[Any]) -> list[RunRecord]:
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        time = self._clock()
        return [record_of(row, time) for row in rows]
