"""What is new of the points of a sweep: their step runs, and the numbers that they gave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json
from sqlalchemy import ColumnElement, Connection, Text, or_, select, type_coerce

from ..artifact import LoopKeys
from .database import Database
from .life import death
from .reading import loop_keys
from .record import State
from .runs import RUN, Clock, now
from .tables import artifacts, outputs, step_runs

PARAMETERS = 500
KEYS = type_coerce(step_runs.c["keys"], Text)
SUMMARY = type_coerce(artifacts.c.summary, Text)


@dataclass(frozen=True, slots=True)
class PointStep:
    """A step run inside a sweep."""

    id: int
    path: str
    keys: LoopKeys
    state: State
    reason: str
    started: datetime
    ended: datetime | None


@dataclass(frozen=True, slots=True)
class PointOutput:
    """What a step run inside a sweep gave or reused, as far as it may be a number."""

    id: int
    step_run: int
    name: str
    kind: str
    summary: Mapping[str, Any]


class PointRecords:
    """What the records say of points."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def point_steps(self, run_id: int, path: str, *, after: int = 0, also: Sequence[int] = ()) -> list[PointStep]:
        """Return the step runs inside the loop of this plan path that began after one, and those of `also`."""
        with self.database.reading() as connection:
            run = connection.execute(RUN, {"wanted_run": run_id}).first()
            died = None if run is None else death(run, self._clock())
            found = [_step(row, died) for row in _steps(connection, run_id, path, after, also)]
        return sorted(found, key=lambda step: step.id)

    def point_outputs(self, run_id: int, path: str, *, after: int = 0) -> list[PointOutput]:
        """Return the outputs of step runs inside the loop that were recorded after one."""
        query = (
            select(outputs.c.id, outputs.c.step_run, outputs.c.name, artifacts.c.kind, SUMMARY)
            .join(artifacts, artifacts.c.id == outputs.c.artifact)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .where(_inside(run_id, path), outputs.c.id > after, artifacts.c.kind.in_(("metrics", "json")))
            .order_by(outputs.c.id)
        )
        with self.database.reading() as connection:
            rows = connection.execute(query).all()
        return [PointOutput(row[0], row[1], row[2], row[3], from_json(row[4])) for row in rows]


def _inside(run_id: int, path: str) -> ColumnElement[bool]:
    below = step_runs.c.path.startswith(f"{path}/", autoescape=True)
    return (step_runs.c.run == run_id) & step_runs.c.superseded.is_(False) & below


def _steps(connection: Connection, run_id: int, path: str, after: int, also: Sequence[int]) -> Iterator[Any]:
    columns = [step_runs.c.id, step_runs.c.path, KEYS, *(step_runs.c[name] for name in ("state", "reason"))]
    columns += [step_runs.c.started, step_runs.c.ended]
    new = step_runs.c.id > after
    batches = [also[start : start + PARAMETERS] for start in range(0, len(also), PARAMETERS)]
    for place, batch in enumerate(batches or [()]):
        chosen = or_(new, step_runs.c.id.in_(batch)) if place == 0 else step_runs.c.id.in_(batch)
        yield from connection.execute(select(*columns).where(_inside(run_id, path), chosen))


def _step(row: Any, died: str | None) -> PointStep:
    step_id, path, keys, state, reason, started, ended = row
    if died is not None and ended is None:
        state, reason, ended = "failed", died, started
    return PointStep(step_id, path, loop_keys(from_json(keys)), state, reason, started, ended)
