"""Step runs: each begins once, may be tried again, and ends once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, Update, bindparam, insert, select, update

from ..artifact import Artifact, LoopKeys
from ..digest import Digest
from ..errors import AlreadyEnded, UnknownRecord
from ..json_form import Json, json_form
from .database import Database, added
from .record import TERMINAL, State, StepRecord
from .runs import Clock, death, now, require_open_run
from .tables import outputs as outputs_table
from .tables import runs, step_runs

OPEN_STEP = update(step_runs).where(step_runs.c.id == bindparam("open_step"), step_runs.c.ended.is_(None))
"""Changes one step run, if it has not ended."""


class StepRecords:
    """What the records say of steps."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def start_step(
        self,
        run_id: int,
        path: str,
        step: str,
        keys: LoopKeys = (),
        attempt: Sequence[int] = (),
        settings: Mapping[str, object] | None = None,
        key: Digest | None = None,
        reason: str = "",
    ) -> int:
        """Record a step as running, and return the id of this step run. Raises AlreadyEnded if the run has."""
        values = self._values(run_id, path, step, keys, attempt, "running", reason, settings, key)
        return self._add(values, {})

    def skip_step(
        self,
        run_id: int,
        path: str,
        step: str,
        keys: LoopKeys,
        attempt: Sequence[int],
        settings: Mapping[str, object],
        key: Digest,
        reason: str,
        outputs: Mapping[str, Artifact],
    ) -> int:
        """Record a step that reuses these outputs of an earlier run."""
        values = self._values(run_id, path, step, keys, attempt, "skipped", reason, settings, key)
        return self._add({**values, "ended": values["started"], "tries": 0}, outputs)

    def cancel_step(
        self, run_id: int, path: str, step: str, keys: LoopKeys, attempt: Sequence[int], reason: str
    ) -> int:
        """Record a step that will not start."""
        values = self._values(run_id, path, step, keys, attempt, "cancelled", reason, None, None)
        return self._add({**values, "ended": values["started"], "tries": 0}, {})

    def retry_step(self, step_run: int, error: str, delay: timedelta | float) -> None:
        """Record that the step failed and will be tried again after the delay (seconds)."""
        seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
        self._change(step_run, OPEN_STEP, state="retrying", error=error, reason=f"tried again in {seconds:g} s")

    def restart_step(self, step_run: int) -> None:
        """Record that the step runs again."""
        again = OPEN_STEP.values(tries=step_runs.c.tries + 1)
        self._change(step_run, again, state="running", fraction=None, note="")

    def progress_step(self, step_run: int, fraction: float, note: str = "") -> None:
        """Record how far the step is, from 0 to 1. What comes after the step's end is dropped."""
        with self.database.writing() as connection:
            values = {"open_step": step_run, "fraction": min(max(fraction, 0.0), 1.0), "note": note}
            connection.execute(OPEN_STEP, values)

    def end_step(self, step_run: int, state: State, reason: str = "", error: str | None = None) -> None:
        """End the step. Raises AlreadyEnded."""
        assert state in TERMINAL, f"{state!r} is no end"
        self._change(step_run, OPEN_STEP, state=state, reason=reason, error=error, ended=self._clock())

    def step_runs(self, run_id: int) -> list[StepRecord]:
        """Return every step of the run in the order in which they began."""
        query = (
            select(step_runs, runs.c.heartbeat, runs.c.ended.label("run_ended"))
            .join(runs, runs.c.id == step_runs.c.run)
            .where(step_runs.c.run == run_id)
            .order_by(step_runs.c.id)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        time = self._clock()
        return [_step(row, time) for row in rows]

    def step_run(self, step_run: int) -> StepRecord:
        """Return one step run. Raises UnknownRecord."""
        query = (
            select(step_runs, runs.c.heartbeat, runs.c.ended.label("run_ended"))
            .join(runs, runs.c.id == step_runs.c.run)
            .where(step_runs.c.id == step_run)
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        if row is None:
            raise _unknown(step_run)
        return _step(row, self._clock())

    def _values(
        self,
        run_id: int,
        path: str,
        step: str,
        keys: LoopKeys,
        attempt: Sequence[int],
        state: State,
        reason: str,
        settings: Mapping[str, object] | None,
        key: Digest | None,
    ) -> dict[str, Any]:
        return {
            "run": run_id,
            "path": path,
            "step": step,
            "keys": json_form(keys, "keys"),
            "attempt": list(attempt),
            "settings": json_form(settings or {}, "settings"),
            "key": key,
            "state": state,
            "reason": reason,
            "tries": 1,
            "note": "",
            "started": self._clock(),
        }

    def _add(self, values: Mapping[str, Any], outputs: Mapping[str, Artifact]) -> int:
        with self.database.writing() as connection:
            require_open_run(connection, values["run"])
            step_run = added(connection, step_runs, values)
            add_outputs(connection, step_run, outputs)
        return step_run

    def _change(self, step_run: int, change: Update, **values: Any) -> None:
        with self.database.writing() as connection:
            if connection.execute(change, {"open_step": step_run, **values}).rowcount == 0:
                raise step_not_open(connection, step_run)


def add_outputs(connection: Connection, step_run: int, outputs: Mapping[str, Artifact]) -> None:
    """Record what the step run gives to those that follow."""
    rows = [{"step_run": step_run, "name": name, "artifact": made.id} for name, made in outputs.items()]
    if rows:
        connection.execute(insert(outputs_table), rows)


def step_not_open(connection: Connection, step_run: int) -> AlreadyEnded | UnknownRecord:
    """Return why the step run takes no more changes."""
    row = connection.execute(select(step_runs).where(step_runs.c.id == step_run)).first()
    if row is None:
        return _unknown(step_run)
    return AlreadyEnded(
        f"{row.path} has already ended: {row.state}",
        where=f"step run {step_run} of run {row.run}",
        why=f"{row.reason or 'it ended'} at {row.ended:%Y-%m-%d %H:%M:%S} UTC, and a step run ends once",
        fix="start another step run",
    )


def _unknown(step_run: int) -> UnknownRecord:
    return UnknownRecord(f"there is no step run {step_run}", fix="`kaon status RUN` lists the steps of a run")


def loop_keys(stored: list[list[Json]]) -> LoopKeys:
    """Return loop keys as they were recorded: lists inside them come back as lists."""
    return tuple((str(name), value) for name, value in stored)


def _step(row: Row[Any], time: datetime) -> StepRecord:
    values = dict(row._mapping)
    died = death(values.pop("heartbeat"), values.pop("run_ended"), time)
    if died is not None and values["ended"] is None:
        values |= {"state": "failed", "reason": died}
    values["keys"] = loop_keys(values["keys"])
    values["attempt"] = tuple(values["attempt"])
    return StepRecord(**values)
