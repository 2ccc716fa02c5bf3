"""Runs as a list that is filtered and paged: fast however many there are, since no plan is read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Text, or_, select, type_coerce
from sqlalchemy.schema import CreateIndex

from ..json_form import Json
from .database import Database
from .life import death
from .record import TERMINAL, State
from .runs import Clock, now
from .tables import artifacts, outputs, runs, runs_listed, step_runs

COLUMNS = tuple(column for column in runs.c if column.name != "plan")
BATCH = 200
"""Rows that are read at once where the state of some is known only after a look at their process."""


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run without its plan."""

    id: int
    workflow: str
    settings: Mapping[str, Json]
    backend: str
    tags: Mapping[str, str]
    state: State
    reason: str
    started: datetime
    ended: datetime | None
    heartbeat: datetime


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs are wanted; what is empty does not matter."""

    workflow: str = ""
    states: tuple[State, ...] = ()
    tag: str = ""
    """`name` or `name=value`."""
    text: str = ""
    """Part of the workflow's name, of a setting, or of a tag."""


class ListingRecords:
    """What the records say of many runs."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def index_listing(self) -> None:
        """Add the index of filters by state and tag to records that were made without it. Raises StoreError."""

        def work(connection: Connection) -> None:
            if connection.dialect.name == "sqlite":
                connection.execute(CreateIndex(runs_listed, if_not_exists=True))

        self.database.write(work)

    def list_runs(
        self, wanted: RunFilter, *, before: int | None = None, after: int | None = None, limit: int = 50
    ) -> list[ListedRun]:
        """Return runs, newest first: the newest, those older than run `before`, or those just after run `after`."""
        time = self._clock()
        query = select(*COLUMNS).where(*_conditions(wanted)).limit(max(limit, BATCH) if wanted.states else limit)
        found: list[ListedRun] = []
        upwards = after is not None
        edge = after if upwards else before
        with self.database.reading() as connection:
            while True:
                beyond = [] if edge is None else [runs.c.id > edge if upwards else runs.c.id < edge]
                order = runs.c.id if upwards else runs.c.id.desc()
                rows = connection.execute(query.where(*beyond).order_by(order)).all()
                listed = [_listed(row, time) for row in rows]
                found += [run for run in listed if not wanted.states or run.state in wanted.states]
                if not wanted.states or len(found) >= limit or len(rows) < max(limit, BATCH):
                    break
                edge = rows[-1].id
        found = found[:limit]
        return found[::-1] if upwards else found

    def workflow_names(self) -> list[str]:
        """Return the names of the workflows that have run."""
        query = select(runs.c.workflow).distinct().order_by(runs.c.workflow)
        with self.database.reading() as connection:
            return list(connection.execute(query).scalars())

    def past_runs(self, workflow: str, until: int, limit: int) -> list[int]:
        """Return the ids of the workflow's runs up to this one, newest first."""
        query = select(runs.c.id).where(runs.c.workflow == workflow, runs.c.id <= until)
        with self.database.reading() as connection:
            return list(connection.execute(query.order_by(runs.c.id.desc()).limit(limit)).scalars())

    def metrics_of(self, run_ids: Sequence[int], paths: Sequence[str]) -> dict[int, dict[str, Mapping[str, Json]]]:
        """Return, by run and output, the metrics that steps outside of loops gave; in a repetition the last attempt's.

        paths: the plan paths of those steps.
        """
        query = (
            select(step_runs.c.run, outputs.c.name, artifacts.c.summary)
            .join(outputs, outputs.c.step_run == step_runs.c.id)
            .join(artifacts, artifacts.c.id == outputs.c.artifact)
            .where(step_runs.c.run.in_(run_ids), step_runs.c.superseded.is_(False), step_runs.c.path.in_(paths))
            .where(artifacts.c.kind == "metrics")
            .order_by(step_runs.c.id)
        )
        found: dict[int, dict[str, Mapping[str, Json]]] = {}
        if paths and run_ids:
            with self.database.reading() as connection:
                for run, name, summary in connection.execute(query):
                    found.setdefault(run, {})[name] = summary
        return found


def _conditions(wanted: RunFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.workflow:
        conditions.append(runs.c.workflow == wanted.workflow)
    if wanted.states:
        # A run that has not ended may have died, which makes it failed: its state is looked at once it is read.
        stored = runs.c.state.in_([state for state in wanted.states if state in TERMINAL])
        conditions.append(runs.c.id.in_(select(runs.c.id).where(or_(stored, runs.c.ended.is_(None)))))
    if wanted.tag:
        conditions.append(runs.c.id.in_(select(runs.c.id).where(_tag(wanted.tag))))
    if wanted.text:
        inside = (runs.c.workflow, type_coerce(runs.c.settings, Text))
        tagged = select(runs.c.id).where(type_coerce(runs.c.tags, Text).icontains(wanted.text, autoescape=True))
        texts = [column.icontains(wanted.text, autoescape=True) for column in inside]
        conditions.append(or_(*texts, runs.c.id.in_(tagged)))
    return conditions


def _tag(tag: str) -> ColumnElement[bool]:
    name, equals, value = tag.partition("=")
    stored = type_coerce(runs.c.tags, Text)
    part = f"{json.dumps(name.strip())}:{json.dumps(value.strip()) if equals else ''}"
    return stored.contains(part, autoescape=True)


def _listed(row: Row[Any], time: datetime) -> ListedRun:
    died = death(row, time)
    state: State = row.state if died is None else "failed"
    reason = row.reason if died is None else died
    return ListedRun(
        row.id,
        row.workflow,
        row.settings,
        row.backend,
        row.tags,
        state,
        reason,
        row.started,
        row.ended,
        row.heartbeat,
    )
