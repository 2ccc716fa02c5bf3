"""What is new of the points of a sweep: their step runs, and the numbers that they gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pydantic_core import from_json
from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, text

from .columns import UtcTime
from .database import Database
from .direct import Direct, portions
from .life import death
from .record import State
from .runs import RUN, Clock, now
from .tables import artifacts, outputs, step_runs


class PointStep(NamedTuple):
    """A step run inside a sweep."""

    id: int
    path: str
    keys: str
    """Loop keys as JSON."""
    state: State
    reason: str
    started: datetime
    ended: datetime | None


class PointOutput(NamedTuple):
    """What a step run inside a sweep gave or reused, as far as it may be a number."""

    id: int
    step_run: int
    name: str
    kind: str
    summary: Mapping[str, Any]


def _inside() -> ColumnElement[bool]:
    """Return the condition that a step run still counts and that its path begins with `below`, of so many letters."""
    below = func.substr(step_runs.c.path, literal_column("1"), bindparam("letters")) == bindparam("below")
    return step_runs.c.superseded.is_(False) & below


COLUMNS = tuple(step_runs.c[name] for name in PointStep._fields)
NEW = Direct(
    lambda _: (
        select(*COLUMNS)
        .where(step_runs.c.run == bindparam("of_run"), _inside(), step_runs.c.id > bindparam("after"))
        .order_by(step_runs.c.id)
        .limit(bindparam("most"))
        .offset(literal_column("0"))
    ),
    *("of_run", "letters", "below", "after", "most"),
)
KNOWN = Direct(lambda listed: select(*COLUMNS).where(step_runs.c.superseded.is_(False), listed(step_runs.c.id)))
GIVEN = Direct(
    lambda listed: (
        select(outputs.c.id, outputs.c.step_run, outputs.c.name, artifacts.c.kind, artifacts.c.summary)
        .join(artifacts, artifacts.c.id == outputs.c.artifact)
        .where(text("artifacts.kind IN ('metrics', 'json')"), listed(outputs.c.step_run))
    )
)


class PointRecords:
    """What the records say of points."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def point_steps(
        self, run_id: int, path: str, *, after: int = 0, also: Sequence[int] = (), most: int = 2**31 - 1
    ) -> list[PointStep]:
        """Return the step runs inside the loop of this plan path that began after one, and those of `also`, by id.

        most: of those that began after it, so many are returned.
        """
        below = f"{path}/"
        with self.database.reading() as connection:
            run = connection.execute(RUN, {"wanted_run": run_id}).first()
            died = None if run is None else death(run, self._clock())
            rows = [row for listed in portions(also) for row in KNOWN(connection, listed=listed)]
            rows += NEW(connection, run_id, len(below), below, after, most)
            time = UtcTime().result_processor(connection.dialect, None)
        found = [PointStep._make((*row[:5], time(row[5]), time(row[6]))) for row in rows]
        if died is not None:
            found = [
                step if step.ended else step._replace(state="failed", reason=died, ended=step.started) for step in found
            ]
        return sorted(found)

    def point_outputs(self, step_run_ids: Sequence[int]) -> list[PointOutput]:
        """Return what these step runs gave, in the order in which it was recorded; they have ended, so it is all."""
        with self.database.reading() as connection:
            rows = [row for listed in portions(step_run_ids) for row in GIVEN(connection, listed=listed)]
        return [PointOutput._make((*row[:4], from_json(row[4]))) for row in sorted(rows, key=lambda row: int(row[0]))]
