"""Runs: their beginning, their signs of life, who may write into them, and their end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from sqlalchemy import Connection, Row, bindparam, select, update

from ..errors import StillRunning
from ..json_form import json_form
from .database import Database, added
from .leases import already_ended, require, unknown_run
from .life import death, this_process
from .record import TERMINAL, Lease, RunRecord, State
from .tables import runs, step_runs

RUN = select(runs).where(runs.c.id == bindparam("wanted_run"))
LOCKED_RUN = RUN.with_for_update(key_share=True)
CHANGED_RUN = update(runs).where(runs.c.id == bindparam("changed_run"))
OPEN_STEPS = update(step_runs).where(step_runs.c.run == bindparam("changed_run"), step_runs.c.ended.is_(None))
WAITING_STEPS = OPEN_STEPS.where(step_runs.c.state == "held").values(
    state="cancelled", reason="its run was taken up again"
)

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
            "started": time,
            "heartbeat": time,
            **this_process(),
        }

        def work(connection: Connection) -> Row[Any]:
            run_id = added(connection, runs, values)
            return connection.execute(RUN, {"wanted_run": run_id}).one()

        return record_of(self.database.write(work), time)

    def take_over(self, run_id: int, plan: str | None = None, again: Iterable[str] = ()) -> RunRecord:
        """Let this process go on with a run that has ended, is held or has died, and return it with its new lease.

        Whoever wrote into it before is fenced off. Failed, cancelled and held steps are superseded; completed and
        skipped ones stay done, but for those in `again`.

        plan: takes the place of the stored one; again: plan paths of steps to do again.
        Raises StillRunning for a run whose process lives.
        """
        time, process, paths = self._clock(), this_process(), sorted(again)

        def work(connection: Connection) -> Row[Any]:
            row = _locked(connection, run_id)
            if row.ended is None and row.state != "held" and death(row, time) is None:
                raise _still_running(row)
            connection.execute(WAITING_STEPS, {"changed_run": run_id, "ended": time})
            _close_steps(connection, run_id, time, "failed", "its process died")
            redone = step_runs.c.state.in_(("failed", "cancelled")) | step_runs.c.path.in_(paths)
            connection.execute(
                update(step_runs)
                .where(step_runs.c.run == run_id, redone, step_runs.c.superseded.is_(False))
                .values(superseded=True)
            )
            values = {"state": "running", "reason": "", "ended": None, "wanted": "", "heartbeat": time, **process}
            values |= {"generation": row.generation + 1, "plan": row.plan if plan is None else plan}
            connection.execute(CHANGED_RUN, {"changed_run": run_id, **values})
            return connection.execute(RUN, {"wanted_run": run_id}).one()

        return record_of(self.database.write(work), time)

    def beat(self, lease: Lease) -> str:
        """Record a sign of life, and return what is wanted of the run: "cancelled", or nothing.

        Raises Fenced or AlreadyEnded, so that a runner whose run is no longer its own stops.
        """
        time = self._clock()

        def work(connection: Connection) -> str:
            wanted = require(connection, lease)
            connection.execute(CHANGED_RUN, {"changed_run": lease.run, "heartbeat": time})
            return wanted

        return self.database.write(work)

    def want(self, run_id: int, wanted: Literal["cancelled"]) -> None:
        """Ask that the run end; its runner hears of it at its next sign of life. Raises AlreadyEnded.

        A run without a living process, held or dead, is ended at once.
        """
        time = self._clock()

        def work(connection: Connection) -> None:
            row = _locked(connection, run_id)
            if row.ended is not None:
                raise already_ended(connection, run_id)
            connection.execute(CHANGED_RUN, {"changed_run": run_id, "wanted": wanted})
            if row.state == "held" or death(row, time) is not None:
                _end(connection, run_id, time, wanted, "cancelled while no process ran it")

        self.database.write(work)

    def end_run(self, lease: Lease, state: State, reason: str = "") -> None:
        """End the run, and cancel those of its steps that have not ended. Raises Fenced, AlreadyEnded.

        state: terminal; or "held" for a run that waits for an answer, with no process, until it is taken over.
        """
        assert state in TERMINAL or state == "held", f"{state!r} is no end"
        time = self._clock()

        def work(connection: Connection) -> None:
            require(connection, lease)
            if state != "held":
                _end(connection, lease.run, time, state, reason)
                return
            waiting = OPEN_STEPS.where(step_runs.c.state != "held")
            values = {"state": "cancelled", "reason": "its run was held before it ended", "ended": time}
            connection.execute(waiting, {"changed_run": lease.run, **values})
            values = {"state": "held", "reason": reason, "heartbeat": time}
            connection.execute(CHANGED_RUN, {"changed_run": lease.run, **values})

        self.database.write(work)

    def tag_run(self, run_id: int, tags: Mapping[str, str]) -> None:
        """Add tags to those that the run has; a tag of the same name is replaced."""

        def work(connection: Connection) -> None:
            row = _locked(connection, run_id)
            connection.execute(CHANGED_RUN, {"changed_run": run_id, "tags": {**row.tags, **tags}})

        self.database.write(work)

    def run(self, run_id: int) -> RunRecord:
        """Return the run. Raises UnknownRecord."""
        with self.database.reading() as connection:
            return run_of(connection, run_id, self._clock())

    def runs(self, workflow: str | None = None, limit: int = 100) -> list[RunRecord]:
        """Return the newest runs, newest first."""
        query = select(runs).order_by(runs.c.id.desc()).limit(limit)
        if workflow is not None:
            query = query.where(runs.c.workflow == workflow)
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        time = self._clock()
        return [record_of(row, time) for row in rows]

    def bury(self, run_id: int) -> None:
        """End a run that has died as failed, for good; one that lives or has ended stays as it is."""
        time = self._clock()

        def work(connection: Connection) -> None:
            died = death(_locked(connection, run_id), time)
            if died is not None:
                _close_steps(connection, run_id, time, "failed", died)
                _end(connection, run_id, time, "failed", died)

        self.database.write(work)


def run_of(connection: Connection, run_id: int, time: datetime) -> RunRecord:
    """Return the run as it stands at this time. Raises UnknownRecord."""
    row = connection.execute(RUN, {"wanted_run": run_id}).first()
    if row is None:
        raise unknown_run(run_id)
    return record_of(row, time)


def _locked(connection: Connection, run_id: int) -> Row[Any]:
    row = connection.execute(LOCKED_RUN, {"wanted_run": run_id}).first()
    if row is None:
        raise unknown_run(run_id)
    return row


def _end(connection: Connection, run_id: int, time: datetime, state: State, reason: str) -> None:
    _close_steps(connection, run_id, time, "cancelled", "its run ended before it")
    connection.execute(CHANGED_RUN, {"changed_run": run_id, "state": state, "reason": reason, "ended": time})


def _close_steps(connection: Connection, run_id: int, time: datetime, state: State, reason: str) -> None:
    """End the steps of a run that have not ended."""
    connection.execute(OPEN_STEPS, {"changed_run": run_id, "state": state, "reason": reason, "ended": time})


def _still_running(row: Row[Any]) -> StillRunning:
    return StillRunning(
        f"run {row.id} is still running",
        where=f"process {row.pid} on {row.host}, last heard of at {row.heartbeat:%Y-%m-%d %H:%M:%S} UTC",
        why="two processes must not go on with one run",
        fix=f"wait until it ends (kaon watch {row.id}), or end it: kaon cancel {row.id}",
    )


def record_of(row: Row[Any], time: datetime) -> RunRecord:
    """Return the run whose row this is, as it stands at this time."""
    died = death(row, time)
    values = dict(row._mapping)
    if died is not None:
        values |= {"state": "failed", "reason": died}
    return RunRecord(**values)
