"""Artifacts as they are read: by id, by step, by run, by key."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from sqlalchemy import Connection, Text, bindparam, select, type_coerce

from ..artifact import Artifact
from ..digest import Digest
from ..errors import UnknownRecord
from .calls import Call, Committed, Done
from .database import Database
from .direct import Direct
from .reading import ARTIFACT_COLUMNS, artifact_of
from .reuse import committed_outputs, newest_commits, reusable
from .runs import Clock, now
from .tables import artifacts, inline_values, outputs, parents, runs, step_runs

PARAMETERS = 500
"""Ids in one query; SQLite allows 32766 parameters."""

INLINE_VALUE = Direct(
    lambda _: select(inline_values.c.raw).where(inline_values.c.digest == bindparam("wanted")), "wanted"
)


class OutputRecords:
    """What the records say of artifacts."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def inline_value(self, digest: Digest) -> bytes | None:
        """Return the bytes that live in the records, or None if they do not."""
        with self.database.reading() as connection:
            rows = INLINE_VALUE(connection, digest)
        return bytes(rows[0][0]) if rows else None

    def inline_values(self, digests: Sequence[Digest]) -> dict[Digest, bytes | None]:
        """Return for each digest the bytes that live in the records, or None if they do not."""
        found: dict[Digest, bytes | None] = dict.fromkeys(digests)
        with self.database.reading() as connection:
            for start in range(0, len(digests), PARAMETERS):
                part = digests[start : start + PARAMETERS]
                query = select(inline_values.c.digest, inline_values.c.raw).where(inline_values.c.digest.in_(part))
                found.update({Digest(row.digest): row.raw for row in connection.execute(query)})
        return found

    def commits(self, key: Digest) -> list[Committed]:
        """Return what was committed under the key of late, newest first."""
        with self.database.reading() as connection:
            newest = newest_commits(connection, [key]).get(key, [])
            given, _ = committed_outputs(connection, [step_run for step_run, _ in newest], lambda _: True)
        return [Committed(run, step_run, given.get(step_run, {})) for step_run, run in newest]

    def committed(self, keys: Collection[Digest], exists: Callable[[Artifact], bool]) -> dict[Digest, Committed]:
        """Return what was last committed under each of these keys whose bytes are all there.

        exists: says whether bytes that are not in the records are there.
        """
        found: dict[Digest, Committed] = {}
        wanted = sorted(set(keys))
        with self.database.reading() as connection:
            for start in range(0, len(wanted), PARAMETERS):
                found |= reusable(connection, wanted[start : start + PARAMETERS], exists).found
        return found

    def done(self, run_id: int) -> dict[Call, Done]:
        """Return what the run has behind it, which it need not do again when it is taken up: by path, keys, attempt.

        The keys are text as `keys_json` writes it.
        """
        steps = (
            select(step_runs.c.id, step_runs.c.path, type_coerce(step_runs.c["keys"], Text), step_runs.c.attempt)
            .add_columns(step_runs.c.key)
            .where(
                step_runs.c.run == run_id,
                step_runs.c.state.in_(("completed", "skipped")),
                step_runs.c.superseded.is_(False),
            )
        )
        given: dict[int, dict[str, Artifact]] = {}
        with self.database.reading() as connection:
            rows = connection.execute(steps).all()
            for step_run, name, artifact in _outputs(connection, run_id):
                given.setdefault(step_run, {})[name] = artifact
        return {
            (path, keys, tuple(attempt)): Done(step_run, key, given.get(step_run, {}))
            for step_run, path, keys, attempt, key in rows
        }

    def outputs(self, run_id: int) -> list[tuple[int, str, Artifact]]:
        """Return step run, name and artifact of everything that the run committed or reused, in its order."""
        with self.database.reading() as connection:
            return _outputs(connection, run_id)

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
                query = select(*ARTIFACT_COLUMNS).where(artifacts.c.id.in_(ids[start : start + PARAMETERS]))
                found |= {row.id: artifact_of(row) for row in connection.execute(query)}
        return {artifact_id: found[artifact_id] for artifact_id in dict.fromkeys(ids) if artifact_id in found}

    def artifacts_of_step(self, run_id: int, path: str) -> list[Artifact]:
        """Return what the step of this plan path stored in the run, committed or not, oldest first."""
        query = (
            select(*ARTIFACT_COLUMNS)
            .where(artifacts.c.run == run_id, artifacts.c.step == path)
            .order_by(artifacts.c.id)
        )
        with self.database.reading() as connection:
            return [artifact_of(row) for row in connection.execute(query)]

    def made_from(self, ids: Sequence[int]) -> dict[int, list[int]]:
        """Return, for each artifact, the ids of those that were made from it, oldest first."""
        found: dict[int, list[int]] = {artifact_id: [] for artifact_id in ids}
        with self.database.reading() as connection:
            for start in range(0, len(ids), PARAMETERS):
                chosen = parents.c.parent.in_(ids[start : start + PARAMETERS])
                for row in connection.execute(select(parents).where(chosen).order_by(parents.c.artifact)):
                    found[row.parent].append(row.artifact)
        return found

    def latest(self, name: str, workflow: str) -> Artifact | None:
        """Return what the workflow's newest run that gave an output of this name gave last, or None."""
        query = (
            select(*ARTIFACT_COLUMNS)
            .join(outputs, outputs.c.artifact == artifacts.c.id)
            .join(step_runs, step_runs.c.id == outputs.c.step_run)
            .join(runs, runs.c.id == step_runs.c.run)
            .where(outputs.c.name == name, runs.c.workflow == workflow)
            .order_by(runs.c.id.desc(), outputs.c.id.desc())
            .limit(1)
        )
        with self.database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else artifact_of(row)


def _outputs(connection: Connection, run_id: int) -> list[tuple[int, str, Artifact]]:
    query = (
        select(outputs.c.step_run, outputs.c.name, *ARTIFACT_COLUMNS)
        .join(artifacts, artifacts.c.id == outputs.c.artifact)
        .join(step_runs, step_runs.c.id == outputs.c.step_run)
        .where(step_runs.c.run == run_id, step_runs.c.superseded.is_(False))
        .order_by(outputs.c.id)
    )
    return [(row[0], row[1], artifact_of(row[2:])) for row in connection.execute(query)]
