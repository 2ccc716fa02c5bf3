"""Step runs while they go on, and as they are read."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Update, bindparam, or_, select, update

from .database import Database
from .finishing import not_open, unknown_step
from .leases import require
from .life import death
from .reading import STEP_COLUMNS, in_states, step_of
from .record import Lease, State, StepRecord
from .runs import RUN, Clock, now, run_of
from .tables import step_runs

OPEN_STEP = update(step_runs).where(
    step_runs.c.id == bindparam("open_step"), step_runs.c.run == bindparam("of_run"), step_runs.c.ended.is_(None)
)
RETRY = OPEN_STEP.values(state="retrying", error=bindparam("new_error"), reason=bindparam("new_reason"))
RESTART = OPEN_STEP.values(state="running", tries=step_runs.c.tries + 1, fraction=None, note="")
PROGRESS = OPEN_STEP.values(fraction=bindparam("new_fraction"), note=bindparam("new_note"))


class StepRecords:
    """What the records say of steps."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def retry_steps(self, lease: Lease, retries: Sequence[tuple[int, str, float]]) -> None:
        """Record steps that failed and will be tried again: step run, error, seconds until then.

        Raises Fenced, AlreadyEnded, UnknownRecord.
        """
        rows = [
            {"open_step": step_run, "new_error": error, "new_reason": f"tried again in {seconds:g} s"}
            for step_run, error, seconds in retries
        ]
        self._change(lease, RETRY, rows)

    def restart_steps(self, lease: Lease, steps: Sequence[int]) -> None:
        """Record steps that run again. Raises Fenced, AlreadyEnded, UnknownRecord."""
        self._change(lease, RESTART, [{"open_step": step_run} for step_run in steps])

    def progress_steps(self, lease: Lease, progress: Sequence[tuple[int, float, str]]) -> None:
        """Record how far steps are: step run, fraction from 0 to 1, note. What comes after a step's end is dropped.

        Raises Fenced, AlreadyEnded.
        """
        rows = [
            {"open_step": step_run, "new_fraction": min(max(fraction, 0.0), 1.0), "new_note": note}
            for step_run, fraction, note in progress
        ]
        self._change(lease, PROGRESS, rows, strict=False)

    def step_runs(
        self,
        run_id: int,
        *,
        states: Collection[State] | None = None,
        path: str | None = None,
        after_id: int = 0,
        limit: int | None = None,
        history: bool = False,
    ) -> list[StepRecord]:
        """Return steps of the run in the order in which they began.

        path: only those with this plan path or name; after_id, limit: a page of them; history: also those that the
        run, taken up again, did anew.
        """
        time = self._clock()
        with self.database.reading() as connection:
            run = connection.execute(RUN, {"wanted_run": run_id}).first()
            died = None if run is None else death(run, time)
            query = (
                select(*STEP_COLUMNS)
                .where(step_runs.c.run == run_id, step_runs.c.id > after_id)
                .order_by(step_runs.c.id)
                .limit(limit)
            )
            if not history:
                query = query.where(step_runs.c.superseded.is_(False))
            if path is not None:
                query = query.where(or_(step_runs.c.path == path, step_runs.c.step == path))
            if states is not None:
                query = query.where(in_states(states, died is not None))
            rows = connection.execute(query).all()
        return [step_of(row, died) for row in rows]

    def step_run(self, step_run: int) -> StepRecord:
        """Return one step run. Raises UnknownRecord."""
        with self.database.reading() as connection:
            row = connection.execute(select(*STEP_COLUMNS).where(step_runs.c.id == step_run)).first()
            if row is None:
                raise unknown_step(step_run)
            run = run_of(connection, row.run, self._clock())
        return step_of(row, run.reason if run.state == "failed" and run.ended is None else None)

    def _change(self, lease: Lease, change: Update, rows: list[dict[str, Any]], *, strict: bool = True) -> None:
        def work(connection: Connection) -> None:
            require(connection, lease)
            changed = connection.execute(change, [{**row, "of_run": lease.run} for row in rows])
            if strict and changed.rowcount != len(rows):
                raise not_open(connection, lease, [row["open_step"] for row in rows])

        if rows:
            self.database.write(work)
