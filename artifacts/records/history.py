"""What past runs of a workflow gave under one name: one place of the plan, one item of its loops."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Text, bindparam, select, type_coerce

from ..artifact import Artifact
from .calls import keys_json
from .database import Database
from .life import death
from .reading import ARTIFACT_COLUMNS, artifact_of
from .runs import RUN, now
from .tables import artifacts, outputs, runs, step_runs

HEADS = tuple(column for column in runs.c if column.name not in ("plan", "settings"))
"""What is read of each run: plans of wide loops are long."""

GIVEN = (
    select(*ARTIFACT_COLUMNS)
    .join(outputs, outputs.c.artifact == artifacts.c.id)
    .join(step_runs, step_runs.c.id == outputs.c.step_run)
    .where(
        step_runs.c.run == bindparam("of_run"),
        step_runs.c.superseded.is_(False),
        step_runs.c.path == bindparam("of_path"),
        type_coerce(step_runs.c["keys"], Text) == bindparam("of_keys"),
        outputs.c.name == bindparam("of_name"),
    )
    .order_by(outputs.c.id.desc())
    .limit(1)
)
"""The last attempt's output, whether the run made it or reused it; by the index of a run's steps."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run, and what it gave."""

    run: int
    started: datetime
    state: str
    artifact: Artifact | None
    """None where it has not given it."""


def history(
    database: Database, artifact: Artifact, *, runs_at_most: int = 30, since: datetime | None = None
) -> list[PastRun]:
    """Return what the newest runs of the artifact's workflow gave in its place, the oldest run first.

    Its place is the plan path, the loop items and the output's name; runs that gave nothing there are told too.
    since: leaves out runs that began earlier.
    """
    place = {"of_path": artifact.step, "of_keys": keys_json(artifact.keys), "of_name": artifact.name}
    time = now()
    with database.reading() as connection:
        found = _newest(connection, artifact.run, runs_at_most, since)
        given = [connection.execute(GIVEN, {"of_run": run.id, **place}).first() for run in found]
    past = [_past(run, row, time) for run, row in zip(found, given, strict=True)]
    return past[::-1]


def _newest(connection: Connection, maker: int, count: int, since: datetime | None) -> Sequence[Row[Any]]:
    """Return the newest runs of the workflow that the maker is a run of, newest first."""
    made_by = connection.execute(RUN, {"wanted_run": maker}).first()
    if made_by is None:
        return []
    query = select(*HEADS).where(runs.c.workflow == made_by.workflow).order_by(runs.c.id.desc()).limit(count)
    if since is not None:
        query = query.where(runs.c.started >= since)
    return connection.execute(query).all()


def _past(run: Row[Any], row: Row[Any] | None, time: datetime) -> PastRun:
    state = run.state if death(run, time) is None else "failed"
    return PastRun(run.id, run.started, state, None if row is None else artifact_of(row))
