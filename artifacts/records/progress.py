"""How far a run is, in a few numbers, however wide it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, case, func, select

from ..artifact import LoopKeys
from .database import Database
from .leases import require
from .overview import PathProgress, RunOverview
from .reading import STEP_COLUMNS, in_states, step_of
from .record import TERMINAL, Lease, RunRecord, State
from .runs import Clock, now, run_of
from .tables import loops, step_runs

WINDOW = timedelta(seconds=30)
"""The time back from now in which the rate is taken."""

FAILED: tuple[State, ...] = ("failed",)
FAILURES = 10
"""The failures that an overview shows."""


class ProgressRecords:
    """What the records say of how far runs are."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def begin_loop(self, lease: Lease, path: str, keys: LoopKeys, attempt: tuple[int, ...], total: int) -> None:
        """Record how many items a loop has; said again, the last word counts. Raises Fenced, AlreadyEnded."""
        time = self._clock()
        place = {"run": lease.run, "path": path, "keys": keys, "attempt": attempt}

        def work(connection: Connection) -> None:
            require(connection, lease)
            here = [loops.c[name] == value for name, value in place.items()]
            if connection.execute(loops.update().where(*here).values(total=total)).rowcount == 0:
                connection.execute(loops.insert(), {**place, "total": total, "started": time})

        self.database.write(work)

    def overview(self, run_id: int) -> RunOverview:
        """Return how far the run is. Raises UnknownRecord."""
        time = self._clock()
        with self.database.reading() as connection:
            run = run_of(connection, run_id, time)
            dead = run.reason if run.state == "failed" and run.ended is None else None
            counted = connection.execute(_counted(run_id, time - WINDOW)).all()
            firsts = select(step_runs.c.id).where(step_runs.c.id.in_([row.first for row in counted]))
            looped = set(connection.execute(firsts.where(step_runs.c["keys"] != ())).scalars())
            begun = connection.execute(select(loops.c.path, loops.c.total).where(loops.c.run == run_id)).all()
            failures = (
                select(*STEP_COLUMNS)
                .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False))
                .where(in_states(FAILED, dead is not None))
                .order_by(step_runs.c.id.desc())
                .limit(FAILURES)
            )
            failed = [step_of(row, dead) for row in connection.execute(failures)]
        totals: dict[str, list[int]] = {}
        for path, total in begun:
            totals.setdefault(path, []).append(total)
        by_path: dict[str, list[Row[Any]]] = {}
        for row in counted:
            by_path.setdefault(row.path, []).append(row)
        paths = [_progress(rows, _expected(rows, totals, looped), run, time) for rows in by_path.values()]
        return RunOverview(run, tuple(paths), tuple(failed))


def _counted(run_id: int, since: datetime) -> Any:
    lately = func.sum(case((step_runs.c.ended > since, 1), else_=0))
    return (
        select(
            step_runs.c.path,
            step_runs.c.step,
            step_runs.c.state,
            func.count().label("number"),
            lately.label("lately"),
            func.min(step_runs.c.id).label("first"),
            func.min(step_runs.c.started).label("started"),
            func.max(step_runs.c.started).label("last_started"),
            func.max(step_runs.c.ended).label("last_ended"),
        )
        .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False))
        .group_by(step_runs.c.path, step_runs.c.step, step_runs.c.state)
        .order_by("first")
    )


def _progress(rows: Sequence[Row[Any]], total: int | None, run: RunRecord, time: datetime) -> PathProgress:
    dead = run.state == "failed" and run.ended is None
    counts: dict[State, int] = {}
    for row in rows:
        state: State = row.state if row.state in TERMINAL or not dead else "failed"
        counts[state] = counts.get(state, 0) + row.number
    started = min(row.started for row in rows)
    window = max(min((time - started).total_seconds(), WINDOW.total_seconds()), 1.0)
    goes_on = run.ended is None and not dead
    rate = sum(row.lately for row in rows) / window if goes_on else 0.0
    ended = sum(count for state, count in counts.items() if state in TERMINAL)
    left = timedelta(seconds=max(total - ended, 0) / rate) if total is not None and rate else None
    latest = max(moment for row in rows for moment in (row.last_started, row.last_ended) if moment is not None)
    return PathProgress(rows[0].path, rows[0].step, total, counts, started, latest, rate, left)


def _expected(rows: Sequence[Row[Any]], totals: Mapping[str, Sequence[int]], looped: set[int]) -> int | None:
    """Return how many times a step is expected to run: outside of loops, as often as it has begun."""
    total = expected(rows[0].path, totals)
    return sum(row.number for row in rows) if total is None and rows[0].first not in looped else total


def expected(path: str, totals: Mapping[str, Sequence[int]]) -> int | None:
    """Return how many items the loops around a path have in all, those of inner loops to come counted like those begun.

    totals: for the path of each loop, the number of items each time it began.

    >>> expected("flow/for_each/fit", {"flow/for_each": [40]})
    40
    >>> expected("flow/outer/inner/fit", {"flow/outer": [10], "flow/outer/inner": [4, 6]})
    50
    """
    around = [loop for loop in totals if path.startswith(f"{loop}/")]
    if not around:
        return None
    innermost = max(around, key=len)
    begun = totals[innermost]
    outer = expected(innermost, totals)
    if outer is None or len(begun) >= outer:
        return sum(begun)
    return round(sum(begun) * outer / len(begun))
