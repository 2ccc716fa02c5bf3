"""The past runs of a workflow, as viewers of histories take them."""

from __future__ import annotations

from datetime import datetime

from ..artifact import Artifact
from ..store import Store
from .moment import Moment
from .opened import Opened

RUNS = 30


def moments_of(
    store: Store, artifact: Artifact, *, runs_at_most: int = RUNS, since: datetime | None = None
) -> list[Moment]:
    """Return what the newest runs gave in the artifact's place, the oldest first; since: leaves out earlier runs."""
    from ..records.history import history

    def opened(one: Artifact) -> Opened:
        return Opened(store, one)

    past = history(store.records.database, artifact, runs_at_most=runs_at_most, since=since)
    return [Moment(one.run, one.started, one.state, one.artifact, opened) for one in past]
