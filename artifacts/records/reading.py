"""Rows of the tables as the records that others see."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, or_

from ..artifact import Artifact, LoopKeys
from ..digest import Digest
from ..json_form import Json
from .record import TERMINAL, State, StepRecord
from .tables import artifacts, step_runs

ARTIFACT_COLUMNS = tuple(column for column in artifacts.c if column.name != "step_run")
"""In the order in which `artifact_of` takes their values."""

STEP_COLUMNS = tuple(step_runs.c)
"""In the order in which `step_of` takes their values."""


def artifact_of(values: Sequence[Any]) -> Artifact:
    """Return the artifact whose ARTIFACT_COLUMNS these are."""
    artifact_id, name, kind, digest, size, created, run, step, keys, attempt, made_from, summary = values
    return Artifact(
        artifact_id,
        name,
        kind,
        Digest(digest),
        size,
        created,
        run,
        step,
        loop_keys(keys),
        tuple(attempt),
        tuple(made_from),
        summary,
    )


def step_of(row: Row[Any], died: str | None = None) -> StepRecord:
    """Return the step run whose STEP_COLUMNS these are.

    died: why its run counts as dead; steps that it left open read as failed.
    """
    values = dict(row._mapping)
    if died is not None and values["ended"] is None:
        values |= {"state": "failed", "reason": died}
    values["keys"] = loop_keys(values["keys"])
    values["attempt"] = tuple(values["attempt"])
    return StepRecord(**values)


def in_states(states: Collection[State], dead: bool) -> ColumnElement[bool]:
    """Return the condition that a step run is in one of these states.

    dead: whether its run is, so that the steps that it left open count as failed.
    """
    if not dead:
        return step_runs.c.state.in_(states)
    ended = step_runs.c.state.in_([state for state in states if state in TERMINAL])
    return or_(ended, step_runs.c.ended.is_(None)) if "failed" in states else ended


def loop_keys(stored: list[list[Json]]) -> LoopKeys:
    """Return loop keys as they were recorded: lists inside them come back as lists."""
    return tuple((str(name), value) for name, value in stored)
