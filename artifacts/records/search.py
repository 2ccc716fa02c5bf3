"""Artifacts as a person looks for them: by name, kind, workflow and run, the newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from ..artifact import Artifact
from .database import Database
from .reading import ARTIFACT_COLUMNS, artifact_of
from .tables import artifacts, checkpoints, outputs, parents, runs, step_runs

LARGEST_ID = (1 << 63) - 1


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for; what is empty or None does not matter."""

    name: str = ""
    """Part of the output's name, whatever the case of its letters."""
    kind: str = ""
    workflow: str = ""
    run: int | None = None
    """Made, reused or kept meanwhile by this run."""


def search(database: Database, wanted: Wanted, *, before: int | None = None, limit: int = 50) -> list[Artifact]:
    """Return at most `limit` artifacts with an id below `before`, the newest first."""
    query = select(*ARTIFACT_COLUMNS).order_by(artifacts.c.id.desc()).limit(limit)
    if before is not None:
        query = query.where(artifacts.c.id < min(before, LARGEST_ID))
    if wanted.name:
        query = query.where(artifacts.c.name.icontains(wanted.name, autoescape=True))
    if wanted.kind:
        query = query.where(artifacts.c.kind == wanted.kind)
    if wanted.workflow:
        query = query.where(artifacts.c.run.in_(select(runs.c.id).where(runs.c.workflow == wanted.workflow)))
    if wanted.run is not None:
        given = (
            select(outputs.c.artifact)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .where(step_runs.c.run == min(wanted.run, LARGEST_ID), step_runs.c.superseded.is_(False))
        )
        kept = (
            select(checkpoints.c.artifact)
            .join(step_runs, step_runs.c.id == checkpoints.c.step_run)
            .where(step_runs.c.run == min(wanted.run, LARGEST_ID))
        )
        query = query.where(artifacts.c.id.in_(given) | artifacts.c.id.in_(kept))
    with database.reading() as connection:
        return [artifact_of(row) for row in connection.execute(query)]


def kinds_and_workflows(database: Database) -> tuple[list[str], list[str]]:
    """Return the kinds that there are artifacts of, and the workflows that there are runs of, by name."""
    with database.reading() as connection:
        kinds = connection.execute(select(artifacts.c.kind).distinct()).scalars().all()
        workflows = connection.execute(select(runs.c.workflow).distinct()).scalars().all()
    return sorted(kinds), sorted(workflows)


def results_of(database: Database, ids: Sequence[int], most: int) -> tuple[dict[int, list[int]], dict[int, int]]:
    """Return for each artifact the first ids that were made from it, at most so many, and how many there are."""
    first: dict[int, list[int]] = {}
    with database.reading() as connection:
        counted = connection.execute(
            select(parents.c.parent, func.count()).where(parents.c.parent.in_(ids)).group_by(parents.c.parent)
        )
        counts = {parent: int(count) for parent, count in counted}
        for artifact_id in ids:
            query = select(parents.c.artifact).where(parents.c.parent == artifact_id).order_by(parents.c.artifact)
            first[artifact_id] = list(connection.execute(query.limit(most)).scalars())
    return first, counts
