"""Questions that runs wait on, and their answers."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from ..artifact import LoopKeys
from ..errors import UnknownRecord
from .database import Database
from .ids import taken
from .leases import require, unknown_run
from .reading import loop_keys
from .record import HoldRecord, Lease
from .runs import LOCKED_RUN, Clock, now
from .tables import holds, step_runs

ASKED = (
    select(holds)
    .where(
        holds.c.run == bindparam("of_run"),
        holds.c.path == bindparam("of_path"),
        holds.c["keys"] == bindparam("of_keys", type_=holds.c["keys"].type),
        holds.c.attempt == bindparam("of_attempt", type_=holds.c.attempt.type),
    )
    .order_by(holds.c.id.desc())
    .limit(1)
)

HELD_STEP = step_runs.c.state == "held"


class HoldRecords:
    """What the records say of questions."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def hold_step(
        self, lease: Lease, path: str, step: str, keys: LoopKeys, attempt: tuple[int, ...], question: str
    ) -> None:
        """Record a step as held until somebody answers the question. Asked again, the question stays the same one.

        Raises Fenced, AlreadyEnded.
        """
        time = self._clock()
        place = {"run": lease.run, "path": path, "keys": keys, "attempt": attempt}

        def work(connection: Connection) -> None:
            require(connection, lease)
            if _is_held(connection, place):
                return
            values = {"step": step, "settings": {}, "state": "held", "reason": question, "tries": 0, "note": ""}
            values |= {"id": taken(connection, step_runs, 1), "started": time, "generation": lease.generation}
            connection.execute(insert(step_runs), {**place, **values})
            asked = _asked(connection, lease.run, path, keys, attempt)
            if asked is None or asked.decided is not None:
                connection.execute(insert(holds), {**place, "question": question, "asked": time})

        self.database.write(work)

    def decision(self, run_id: int, path: str, keys: LoopKeys, attempt: tuple[int, ...]) -> bool | None:
        """Return the last answer for this step, or None if there is none yet."""
        with self.database.reading() as connection:
            row = _asked(connection, run_id, path, keys, attempt)
        approved: bool | None = None if row is None else row.approved
        return approved

    def holds(self, run_id: int) -> list[HoldRecord]:
        """Return every question of the run, answered or not, in the order in which they were asked."""
        query = select(holds).where(holds.c.run == run_id).order_by(holds.c.id)
        with self.database.reading() as connection:
            return [_hold(row) for row in connection.execute(query)]

    def decide(self, run_id: int, approved: bool, by: str, path: str | None = None) -> int:
        """Answer the questions that the run waits on, and return how many there were.

        path: only that of the step with this plan path. An approved step may begin; a declined one is cancelled.
        Raises UnknownRecord if none waits.
        """
        time = self._clock()

        def work(connection: Connection) -> int:
            run = connection.execute(LOCKED_RUN, {"wanted_run": run_id}).first()
            if run is None:
                raise unknown_run(run_id)
            here = [] if path is None else [path]
            waiting = [holds.c.run == run_id, holds.c.decided.is_(None), *(holds.c.path == p for p in here)]
            answer = update(holds).where(*waiting).values(decided=time, approved=approved, by=by)
            count = 0 if run.ended is not None else connection.execute(answer).rowcount
            if count == 0:
                raise _none_waits(run, path)
            held = [step_runs.c.run == run_id, HELD_STEP, *(step_runs.c.path == p for p in here)]
            said = {"state": "completed", "superseded": True} if approved else {"state": "cancelled"}
            reason = f"{'approved' if approved else 'declined'} by {by}"
            connection.execute(update(step_runs).where(*held).values(**said, reason=reason, ended=time))
            return count

        return self.database.write(work)


def _is_held(connection: Connection, place: dict[str, Any]) -> bool:
    here = [step_runs.c[name] == value for name, value in place.items()]
    return connection.execute(select(step_runs.c.id).where(HELD_STEP, *here)).first() is not None


def _asked(connection: Connection, run_id: int, path: str, keys: LoopKeys, attempt: tuple[int, ...]) -> Row[Any] | None:
    asked = {"of_run": run_id, "of_path": path, "of_keys": keys, "of_attempt": attempt}
    return connection.execute(ASKED, asked).first()


def _hold(row: Row[Any]) -> HoldRecord:
    values = dict(row._mapping)
    return HoldRecord(**values | {"keys": loop_keys(values["keys"]), "attempt": tuple(values["attempt"])})


def _none_waits(run: Row[Any], path: str | None) -> UnknownRecord:
    return UnknownRecord(
        f"run {run.id} waits for no answer{'' if path is None else f' at {path}'}",
        why=f"it is {run.state}" if run.ended is not None else "no question of it is open",
        fix=f"kaon status {run.id}",
    )
