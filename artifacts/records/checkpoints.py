"""What steps keep while they run, so that whoever makes the same goes on from there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, func, insert, select, update

from ..artifact import Artifact
from ..digest import Digest
from .calls import NewOutput
from .database import Database
from .finishing import NEW_ARTIFACTS, NEW_PARENTS, artifact_row, made_by, open_steps, put_inline
from .ids import taken
from .leases import require
from .many import stamp
from .reading import ARTIFACT_COLUMNS, artifact_of
from .record import Lease
from .runs import Clock, now
from .tables import artifacts, checkpoints, commits, step_runs

NEWEST = 8
"""How many checkpoints are looked at for one whose bytes are there."""


class CheckpointRecords:
    """What the records say of checkpoints."""

    def __init__(self, database: Database, clock: Clock = now) -> None:
        self.database = database
        self._clock = clock

    def add_checkpoint(self, lease: Lease, step_run: int, kept: NewOutput, made_from: tuple[int, ...] = ()) -> Artifact:
        """Record what a step that runs has kept, and return it as an artifact.

        made_from: ids of the artifacts that the step read. Raises Fenced, AlreadyEnded, UnknownRecord.
        """
        time = self._clock()

        def work(connection: Connection) -> Artifact:
            require(connection, lease)
            step = open_steps(connection, lease, [step_run])[step_run]
            made = made_by(step, kept, made_from, taken(connection, artifacts, 1), time)
            if kept.inline is not None:
                put_inline(connection, [(kept.digest, kept.inline)])
            NEW_ARTIFACTS(connection, [artifact_row(made, step, stamp(connection, time))])
            NEW_PARENTS(connection, [(made.id, parent) for parent in made_from])
            connection.execute(insert(checkpoints), {"artifact": made.id, "step_run": step_run, "key": step.key})
            return made

        return self.database.write(work)

    def newest_checkpoints(self, key: Digest, name: str) -> list[Artifact]:
        """Return the newest checkpoints of this name that a step of this key has kept since one was completed."""
        completed = select(func.max(commits.c.step_run)).where(commits.c.key == key).scalar_subquery()
        unfinished = checkpoints.c.step_run > func.coalesce(completed, 0)
        return self._checkpoints((checkpoints.c.key == key) & unfinished & (artifacts.c.name == name), NEWEST)

    def checkpoints_of_run(self, run_id: int) -> list[Artifact]:
        """Return what the run's steps have kept while they ran, newest first."""
        return self._checkpoints(artifacts.c.run == run_id)

    def checkpoints_of_step(self, step_run: int, most: int) -> list[Artifact]:
        """Return what a step run has kept, newest first, at most so many."""
        return self._checkpoints(checkpoints.c.step_run == step_run, most)

    def _checkpoints(self, chosen: ColumnElement[bool], most: int | None = None) -> list[Artifact]:
        query = (
            select(*ARTIFACT_COLUMNS)
            .join(checkpoints, checkpoints.c.artifact == artifacts.c.id)
            .where(chosen)
            .order_by(artifacts.c.id.desc())
            .limit(most)
        )
        with self.database.reading() as connection:
            return [artifact_of(row) for row in connection.execute(query)]


def forget_checkpoints(connection: Connection, run_id: int, keys: Sequence[Digest]) -> None:
    """Let nobody go on from what other runs have kept under these keys: their steps are to begin anew."""
    mine = select(step_runs.c.id).where(step_runs.c.id == checkpoints.c.step_run, step_runs.c.run == run_id)
    connection.execute(update(checkpoints).where(checkpoints.c.key.in_(keys), ~mine.exists()).values(key=None))
