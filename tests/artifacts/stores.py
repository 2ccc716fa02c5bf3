"""Stores to test with, and work to do in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from kaon.artifacts import (
    Artifact,
    Begin,
    Begun,
    Digest,
    Elsewhere,
    Ending,
    Found,
    Lease,
    LoopKeys,
    NewOutput,
    Store,
)
from kaon.artifacts.records.records import Records
from kaon.artifacts.records.tables import METADATA, runs


class Clock:
    """Time that only moves when told to."""

    def __init__(self) -> None:
        self.time = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def forward(self, seconds: float) -> None:
        self.time += timedelta(seconds=seconds)


def empty_postgres() -> str:
    """Return the URL of the test's PostgreSQL database, without any records."""
    from sqlalchemy import create_engine

    engine = create_engine(os.environ["KAON_TEST_POSTGRES"])
    METADATA.drop_all(engine)
    engine.dispose()
    return os.environ["KAON_TEST_POSTGRES"]


@dataclass
class Work:
    """A run to store things from."""

    store: Store
    lease: Lease

    @property
    def run(self) -> int:
        return self.lease.run

    def begin(
        self, key: Digest | None = None, keys: LoopKeys = (("market", "US"),), fresh: bool = False
    ) -> Begun | Found | Elsewhere:
        call = Begin("flow/step", "step", keys, (1,), {"rank": 8}, key, "new", fresh)
        return self.store.begin_steps(self.lease, [call])[0]

    def started(self, key: Digest | None = None) -> int:
        """Return the step run of a call that must run."""
        begun = self.begin(key)
        assert isinstance(begun, Begun), begun
        return begun.step_run

    def finish(
        self, step_run: int, outputs: Sequence[NewOutput] = (), made_from: tuple[int, ...] = ()
    ) -> Mapping[str, Artifact]:
        ending = Ending(step_run, "completed", "new", outputs=tuple(outputs), made_from=made_from)
        return self.store.finish_steps(self.lease, [ending])[0]

    def put(
        self,
        value: object,
        annotation: object,
        name: str = "value",
        made_from: tuple[int, ...] = (),
        key: Digest | None = None,
    ) -> Artifact:
        """Store a value from a step of its own."""
        output = self.store.dumped(value, name, annotation)
        return self.finish(self.started(key), [output], made_from)[name]

    def another(self) -> Work:
        """Start another run in the same store."""
        return Work(self.store, self.store.records.start_run("flow", {}, "{}", "local").lease)


@cache
def pid_of_the_dead() -> int:
    """Return the pid of a process that has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


def kill(records: Records, run_id: int) -> None:
    """Let the records say that a process ran the run that has ended since."""
    with records.database._engine.begin() as connection:
        connection.execute(runs.update().where(runs.c.id == run_id).values(pid=pid_of_the_dead()))
