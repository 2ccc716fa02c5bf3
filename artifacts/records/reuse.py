"""Which outputs can be reused: the newest ones committed under a key whose bytes are all there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, select

from ..artifact import Artifact
from ..digest import Digest
from .calls import Committed
from .direct import Direct
from .reading import ARTIFACT_COLUMNS, artifact_of
from .tables import artifacts, commits, inline_values, outputs, step_runs

NEWEST = 8
"""How many commits of one key are looked at."""

COMMITS = Direct(
    lambda listed: (
        select(commits.c.key, commits.c.step_run, step_runs.c.run)
        .join(step_runs, step_runs.c.id == commits.c.step_run)
        .where(listed(commits.c.key))
        .order_by(commits.c.id.desc())
    )
)

OUTPUTS = (
    select(outputs.c.step_run, outputs.c.name, inline_values.c.digest.is_not(None), *ARTIFACT_COLUMNS)
    .join(artifacts, artifacts.c.id == outputs.c.artifact)
    .join(inline_values, inline_values.c.digest == artifacts.c.digest, isouter=True)
    .where(outputs.c.step_run.in_(bindparam("given_by", expanding=True)))
    .order_by(outputs.c.id)
)


@dataclass(slots=True)
class Reusable:
    """What there is to reuse."""

    found: dict[Digest, Committed] = field(default_factory=dict)
    rejected: set[int] = field(default_factory=set)
    """Step runs that committed, and whose bytes are not all there any more."""


def reusable(
    connection: Connection,
    keys: Collection[Digest],
    exists: Callable[[Artifact], bool],
    rejected: Collection[int] = (),
) -> Reusable:
    """Return what was committed under these keys and can be read.

    exists: says whether bytes that are not in the records are there; rejected: step runs known to be of no use.
    """
    reusing = Reusable()
    left = newest_commits(connection, keys, rejected) if keys else {}
    while left:
        tried = {key: of_key.pop(0) for key, of_key in left.items()}
        given, lost = committed_outputs(connection, [step_run for step_run, _ in tried.values()], exists)
        for key, (step_run, run) in tried.items():
            if step_run in lost:
                reusing.rejected.add(step_run)
            else:
                reusing.found[key] = Committed(run, step_run, given.get(step_run, {}))
        left = {key: of_key for key, of_key in left.items() if of_key and key not in reusing.found}
    return reusing


def committed_outputs(
    connection: Connection, step_runs: Iterable[int], exists: Callable[[Artifact], bool]
) -> tuple[dict[int, dict[str, Artifact]], set[int]]:
    """Return the outputs of each step run by name, and the step runs whose bytes are not all there."""
    given: dict[int, dict[str, Artifact]] = {}
    lost: set[int] = set()
    for row in connection.execute(OUTPUTS, {"given_by": list(step_runs)}):
        step_run, name, is_inline, *values = row
        artifact = artifact_of(values)
        given.setdefault(step_run, {})[name] = artifact
        if not is_inline and not exists(artifact):
            lost.add(step_run)
    return given, lost


def newest_commits(
    connection: Connection, keys: Collection[Digest], rejected: Collection[int] = ()
) -> dict[Digest, list[tuple[int, int]]]:
    """Return step run and run of the newest commits of each key that has any, newest first."""
    newest: dict[Digest, list[tuple[int, int]]] = {}
    for key, step_run, run in COMMITS(connection, listed=sorted(keys)):
        of_key = newest.setdefault(Digest(key), [])
        if len(of_key) < NEWEST and step_run not in rejected:
            of_key.append((step_run, run))
    return {key: of_key for key, of_key in newest.items() if of_key}
