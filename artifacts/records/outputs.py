"""Artifacts: recorded when stored, findable when committed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Executable, Row, bindparam, insert, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from ..artifact import Artifact, Origin
from ..digest import Digest
from ..errors import AlreadyEnded, UnknownRecord
from ..json_form import Json, json_form
from .database import Database, added
from .runs import Clock, now
from .steps import OPEN_STEP, add_outputs, loop_keys, step_not_open
from .tables import artifacts, commits, inline_values, outputs, parents, runs, step_runs

PARAMETERS = 500
"""Ids in one query; SQLite allows 32766 parameters."""

COLUMNS = [column for column in artifacts.c if column.name != "step_run"]

INLINE_VALUE = select(inline_values.c.raw).where(inline_values.c.digest == bindparam("wanted"))

COMMITS = (
    select(commits.c.step_run, step_runs.c.run)
    .join(step_runs, step_runs.c.id == commits.c.step_run)
    .where(commits.c.key == bindparam("wanted"))
    .order_by(commits.c.id.desc())
    .limit(bindparam("most"))
)

OUTPUTS = (
    select(outputs.c.name.label("given_as"), *COLUMNS)
    .join(artifacts, artifacts.c.id == outputs.c.artifact)
    .where(outputs.c.step_run == bindparam("wanted"))
    .order_by(outputs.c.id)
)


@dataclass(frozen=True, slots=True, eq=False)
class Committed(Mapping[str, Artifact]):
    """What one step run committed: its outputs by name."""

    run: int
    """Run that committed them."""
    step_run: int
    outputs: Mapping[str, Artifact]

    def __getitem__(self, name: str) -> Artifact:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)


class OutputRecords:
    """What the records say of artifacts."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def add_artifact(
        self,
        *,
        name: str,
        kind: str,
        digest: Digest,
        size: int,
        origin: Origin,
        made_from: Sequence[int],
        summary: Mapping[str, Json],
        inline: bytes | None,
    ) -> Artifact:
        """Record an artifact, with its bytes if they are to live in the records. It is not yet findable."""
        values: dict[str, Any] = {
            "name": name,
            "kind": kind,
            "digest": digest,
            "size": size,
            "created": self._clock(),
            "run": origin.run,
            "step": origin.step,
            "keys": json_form(origin.keys, "keys"),
            "attempt": list(origin.attempt),
            "made_from": list(made_from),
            "summary": json_form(summary, "summary"),
        }
        try:
            with self.database.writing() as connection:
                if inline is not None:
                    _add_inline(connection, digest, inline)
                made = added(connection, artifacts, {**values, "step_run": origin.step_run})
                if made_from:
                    sources = [{"artifact": made, "parent": parent} for parent in dict.fromkeys(made_from)]
                    connection.execute(insert(parents), sources)
        except IntegrityError as error:
            raise self._unknown_source(name, origin, made_from) from error
        return _made({**values, "id": made})

    def inline_value(self, digest: Digest) -> bytes | None:
        """Return the bytes that live in the records, or None if they do not."""
        with self.database.reading() as connection:
            raw: bytes | None = connection.execute(INLINE_VALUE, {"wanted": digest}).scalar()
        return raw

    def commit(self, step_run: int, key: Digest | None, committed: Mapping[str, Artifact]) -> None:
        """Make the outputs findable under the key, all at once. Raises AlreadyEnded if the step run has."""
        try:
            with self.database.writing() as connection:
                if connection.execute(OPEN_STEP, {"open_step": step_run, "key": key}).rowcount == 0:
                    raise step_not_open(connection, step_run)
                add_outputs(connection, step_run, committed)
                if key is not None:
                    connection.execute(insert(commits), {"key": key, "step_run": step_run})
        except IntegrityError as error:
            raise self._not_committed(step_run, committed) from error

    def commits(self, key: Digest, limit: int = 8) -> list[Committed]:
        """Return what was committed under the key, newest first."""
        with self.database.reading() as connection:
            return [
                Committed(row.run, row.step_run, _outputs_of(connection, row.step_run))
                for row in connection.execute(COMMITS, {"wanted": key, "most": limit}).all()
            ]

    def outputs(self, run_id: int) -> list[tuple[int, str, Artifact]]:
        """Return step run, name and artifact of everything that the run committed or reused, in its order."""
        query = (
            select(outputs.c.step_run.label("given_by"), outputs.c.name.label("given_as"), *COLUMNS)
            .join(artifacts, artifacts.c.id == outputs.c.artifact)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .where(step_runs.c.run == run_id)
            .order_by(outputs.c.id)
        )
        with self.database.reading() as connection:
            rows = [dict(row._mapping) for row in connection.execute(query)]
        return [(row.pop("given_by"), row.pop("given_as"), _made(row)) for row in rows]

    def artifact(self, artifact_id: int) -> Artifact:
        """Return the artifact. Raises UnknownRecord."""
        found = self.artifacts([artifact_id])
        if not found:
            raise UnknownRecord(
                f"there is no artifact {artifact_id}", fix="`kaon artifacts RUN` lists the artifacts of a run"
            )
        return found[artifact_id]

    def artifacts(self, ids: Sequence[int]) -> dict[int, Artifact]:
        """Return the artifacts that there are, by id."""
        found: dict[int, Artifact] = {}
        with self.database.reading() as connection:
            for start in range(0, len(ids), PARAMETERS):
                query = select(*COLUMNS).where(artifacts.c.id.in_(ids[start : start + PARAMETERS]))
                found |= {row.id: _artifact(row) for row in connection.execute(query)}
        return {artifact_id: found[artifact_id] for artifact_id in dict.fromkeys(ids) if artifact_id in found}

    def artifacts_of_step(self, run_id: int, path: str) -> list[Artifact]:
        """Return what the step of this plan path stored in the run, committed or not, oldest first."""
        query = select(*COLUMNS).where(artifacts.c.run == run_id, artifacts.c.step == path).order_by(artifacts.c.id)
        with self.database.reading() as connection:
            return [_artifact(row) for row in connection.execute(query)]

    def made_from(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Return, for each artifact, the ids of those that were made from it, oldest first."""
        found: dict[int, list[int]] = {artifact_id: [] for artifact_id in ids}
        with self.database.reading() as connection:
            for start in range(0, len(ids), PARAMETERS):
                chosen = parents.c.parent.in_(ids[start : start + PARAMETERS])
                for row in connection.execute(select(parents).where(chosen).order_by(parents.c.artifact)):
                    found[row.parent].append(row.artifact)
        return found

    def _unknown_source(self, name: str, origin: Origin, made_from: Sequence[int]) -> UnknownRecord:
        unknown = sorted(set(made_from) - set(self.artifacts(made_from)))
        if unknown:
            return UnknownRecord(
                f"{name!r} is made from an artifact that the records do not hold: {', '.join(map(str, unknown))}",
                fix="read inputs from the store that the outputs go to",
            )
        return UnknownRecord(
            f"{name!r} comes from a step run that the records do not hold: {origin.step_run} of run {origin.run}",
            fix="start the step in the records of this store first",
        )

    def _not_committed(self, step_run: int, committed: Mapping[str, Artifact]) -> AlreadyEnded | UnknownRecord:
        ids = [artifact.id for artifact in committed.values()]
        unknown = sorted(set(ids) - set(self.artifacts(ids)))
        if unknown:
            return UnknownRecord(
                f"step run {step_run} commits an artifact that the records do not hold: {', '.join(map(str, unknown))}",
                fix="commit what this store's `put` returned",
            )
        return AlreadyEnded(
            f"step run {step_run} has already committed",
            why="the outputs of a step run never change",
            fix="commit all outputs at once, or start another step run",
        )

    def latest(self, name: str, workflow: str) -> Artifact | None:
        """Return what the workflow's newest run that gave an output of this name gave last, or None."""
        query = (
            select(*COLUMNS)
            .join(outputs, outputs.c.artifact == artifacts.c.id)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .join(runs, runs.c.id == step_runs.c.run)
            .where(outputs.c.name == name, runs.c.workflow == workflow)
            .order_by(runs.c.id.desc(), outputs.c.id.desc())
            .limit(1)
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else _artifact(row)


def _add_inline(connection: Connection, digest: Digest, raw: bytes) -> None:
    """Add the bytes, or put them in the place of those that are there: damaged ones are mended."""
    connection.execute(_upsert(connection.dialect.name), {"digest": digest, "raw": raw})


@cache
def _upsert(dialect: str) -> Executable:
    insert_into = postgresql.insert if dialect == "postgresql" else sqlite.insert
    new = insert_into(inline_values)
    return new.on_conflict_do_update(index_elements=["digest"], set_={"raw": new.excluded.raw})


def _outputs_of(connection: Connection, step_run: int) -> dict[str, Artifact]:
    rows = [dict(row._mapping) for row in connection.execute(OUTPUTS, {"wanted": step_run})]
    return {row.pop("given_as"): _made(row) for row in rows}


def _artifact(row: Row[Any]) -> Artifact:
    return _made(dict(row._mapping))


def _made(values: dict[str, Any]) -> Artifact:
    created: datetime = values["created"]
    return Artifact(
        **{
            **values,
            "digest": Digest(values["digest"]),
            "created": created,
            "keys": loop_keys(values["keys"]),
            "attempt": tuple(values["attempt"]),
            "made_from": tuple(values["made_from"]),
        }
    )
