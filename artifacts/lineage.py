"""What an artifact was made from, and what was made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .artifact import Artifact

if TYPE_CHECKING:
    from .records.records import Records

Neighbours = Callable[[Sequence[int]], Mapping[int, Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Lineage:
    """An artifact and all that it came from, or all that came from it."""

    root: int
    """Id of the artifact asked about."""
    artifacts: Mapping[int, Artifact]
    """Every artifact of the lineage by id, the root first, then by distance from it."""
    next: Mapping[int, tuple[int, ...]]
    """For each artifact, the ids one step further from the root."""

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """Pairs of ids: nearer to the root, and further from it."""
        return tuple((near, far) for near, further in self.next.items() for far in further)

    def lines(self) -> list[str]:
        """Return the lineage as an indented tree; what was shown before is not unfolded again."""
        shown: set[int] = set()
        lines: list[str] = []
        waiting = [(self.root, 0)]  # a stack: a chain of a thousand steps is deeper than Python may recurse
        while waiting:
            artifact_id, depth = waiting.pop()
            further = self.next[artifact_id]
            again = artifact_id in shown and bool(further)
            shown.add(artifact_id)
            lines.append(f"{'  ' * depth}{_told(self.artifacts[artifact_id])}{' …' if again else ''}")
            if not again:
                waiting += [(one, depth + 1) for one in reversed(further)]
        return lines


def _told(artifact: Artifact) -> str:
    items = "".join(f", {name}={value}" for name, value in artifact.keys)
    return f"{artifact.name} #{artifact.id} ({artifact.kind}) from {artifact.step}{items}, run {artifact.run}"


def upstream(records: Records, artifact_id: int) -> Lineage:
    """Return what the artifact was made from, back to the first sources. Raises UnknownRecord."""

    def sources(ids: Sequence[int]) -> Mapping[int, Sequence[int]]:
        return {known: artifact.made_from for known, artifact in records.artifacts(ids).items()}

    return _lineage(records, artifact_id, sources)


def downstream(records: Records, artifact_id: int) -> Lineage:
    """Return what was made from the artifact, in every run. Raises UnknownRecord."""
    return _lineage(records, artifact_id, records.made_from)


def _lineage(records: Records, root: int, neighbours: Neighbours) -> Lineage:
    """Walk from the root, one query a level."""
    artifacts = {root: records.artifact(root)}
    further: dict[int, tuple[int, ...]] = {}
    level: Sequence[int] = [root]
    while level:
        found = neighbours(level)
        further |= {near: tuple(dict.fromkeys(found[near])) for near in level}
        level = [far for far in dict.fromkeys(far for near in level for far in further[near]) if far not in artifacts]
        artifacts |= records.artifacts(level)
    return Lineage(root, artifacts, further)
