"""Runs: their beginning, their signs of life and their one end."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from ..errors import AlreadyEnded, UnknownRecord
from ..json_form import json_form
from .database import Database, added
from .record import TERMINAL, RunRecord, State
from .tables import runs, step_runs

SILENCE = timedelta(seconds=15)
"""A run that has shown no sign of life for so long has died."""

OPEN_RUN = update(runs).where(runs.c.id == bindparam("open_run"), runs.c.ended.is_(None))
"""Changes one run, if it has not ended."""

RUN_END = select(runs.c.ended).where(runs.c.id == bindparam("run_id")).with_for_update(read=True)

Clock = Callable[[], datetime]


def now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


class RunRecords:
    """What the records say of runs."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def start_run(
        self,
        workflow: str,
        settings: Mapping[str, object],
        plan: str,
        backend: str,
        tags: Mapping[str, str] | None = None,
    ) -> RunRecord:
        """Record a run of this process as running, and return it with its id: 1, 2, 3, …"""
        time = self._clock()
        values = {
            "workflow": workflow,
            "settings": json_form(settings, "settings"),
            "plan": plan,
            "backend": backend,
            "tags": dict(tags or {}),
            "state": "running",
            "reason": "",
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "started": time,
            "heartbeat": time,
        }
        with self.database.writing() as connection:
            run_id = added(connection, runs, values)
            row = connection.execute(select(runs).where(runs.c.id == run_id)).one()
        return _run(row, time)

    def beat(self, run_id: int) -> None:
        """Record a sign of life. Raises AlreadyEnded if the run has ended, so that its runner stops."""
        with self.database.writing() as connection:
            changed = connection.execute(OPEN_RUN, {"open_run": run_id, "heartbeat": self._clock()})
            if changed.rowcount == 0:
                raise run_not_open(connection, run_id)

    def end_run(self, run_id: int, state: State, reason: str = "") -> None:
        """End the run, and cancel those of its steps that have not ended. Raises AlreadyEnded."""
        assert state in TERMINAL, f"{state!r} is no end"
        time = self._clock()
        with self.database.writing() as connection:
            values = {"open_run": run_id, "state": state, "reason": reason, "ended": time, "heartbeat": time}
            changed = connection.execute(OPEN_RUN, values)
            if changed.rowcount == 0:
                raise run_not_open(connection, run_id)
            connection.execute(
                update(step_runs)
                .where(step_runs.c.run == run_id, step_runs.c.ended.is_(None))
                .values(state="cancelled", reason="its run ended before it", ended=time)
            )

    def tag_run(self, run_id: int, tags: Mapping[str, str]) -> None:
        """Add tags to those that the run has; a tag of the same name is replaced."""
        with self.database.writing() as connection:
            row = connection.execute(select(runs.c.tags).where(runs.c.id == run_id).with_for_update()).first()
            if row is None:
                raise unknown_run(run_id)
            connection.execute(update(runs).where(runs.c.id == run_id).values(tags={**row.tags, **tags}))

    def run(self, run_id: int) -> RunRecord:
        """Return the run. Raises UnknownRecord."""
        with self.database.reading() as connection:
            row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
        if row is None:
            raise unknown_run(run_id)
        return _run(row, self._clock())

    def runs(self, workflow: str | None = None, limit: int = 100) -> list[RunRecord]:
        """Return the newest runs, newest first."""
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if workflow is not None:
            query = query.where(runs.c.workflow == workflow)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        time = self._clock()
        return [_run(row, time) for row in rows]


def death(heartbeat: datetime, ended: datetime | None, time: datetime) -> str | None:
    """Return why a run counts as dead, or None if it has ended or shown life of late."""
    if ended is not None or time - heartbeat <= SILENCE:
        return None
    return f"its process died: no sign of life since {heartbeat:%Y-%m-%d %H:%M:%S} UTC"


def require_open_run(connection: Connection, run_id: int) -> None:
    """Raise AlreadyEnded or UnknownRecord unless work may be recorded in the run."""
    row = connection.execute(RUN_END, {"run_id": run_id}).first()
    if row is None or row.ended is not None:
        raise run_not_open(connection, run_id)


def run_not_open(connection: Connection, run_id: int) -> AlreadyEnded | UnknownRecord:
    """Return why the run takes no more changes."""
    row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
    if row is None:
        return unknown_run(run_id)
    return AlreadyEnded(
        f"run {run_id} has already ended: {row.state}",
        why=f"it ended at {row.ended:%Y-%m-%d %H:%M:%S} UTC, and a run ends once",
        fix="start a new run: it continues from what this one finished",
    )


def unknown_run(run_id: int) -> UnknownRecord:
    """Return the error for a run that the records do not hold."""
    return UnknownRecord(f"there is no run {run_id}", fix="`kaon runs` lists the runs of this store")


def _run(row: Row[Any], time: datetime) -> RunRecord:
    values = dict(row._mapping)
    died = death(values["heartbeat"], values["ended"], time)
    if died is not None:
        values |= {"state": "failed", "reason": died}
    return RunRecord(**values)
