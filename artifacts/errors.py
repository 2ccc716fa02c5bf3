"""What can go wrong in the store, each with its problem, place, cause and mend.

ArtifactsError
├── NotDigestible       a value that has no canonical form
├── NoKind              a type that no kind can store
├── BrokenKind          a kind's entry point that cannot be loaded
├── BrokenViewer        a viewer's entry point that cannot be loaded
├── NotStorable         a value that its kind refuses
├── WrongType           an artifact that cannot be read as the type asked for
├── StoreError
│   ├── CorruptArtifact     stored bytes that no longer have their digest
│   ├── MissingBlob         a digest that the store does not hold
│   ├── StoreFull           no space left
│   ├── StoreNotWritable    no permission, or a path that cannot be a store
│   ├── StoreBusy           another process held the records too long
│   └── NewerStore          written by a newer Kaon
├── RecordsError
│   ├── AlreadyEnded        a second end of a run or step, or work in one that has ended
│   │   └── Fenced              work in a run that another process has taken over
│   ├── StillRunning        a run that lives cannot be taken over
│   └── UnknownRecord       an id that the records do not hold
├── TrackingError       MLflow refused or cannot be reached
└── PrefectError        Prefect refused what it was asked for
    └── PrefectStopped      it cannot be reached
"""

from __future__ import annotations


class ArtifactsError(Exception):
    """A failure of the artifacts layer: what happened, where, why, and what to do about it."""

    def __init__(self, problem: str, *, where: str = "", why: str = "", fix: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.where = where
        self.why = why
        self.fix = fix

    def __str__(self) -> str:
        parts = [self.problem]
        parts += [
            f"  {label}: {text}"
            for label, text in (("where", self.where), ("why", self.why), ("fix", self.fix))
            if text
        ]
        return "\n".join(parts)


class NotDigestible(ArtifactsError, TypeError):
    """A value that has no canonical form, so no digest."""


class NoKind(ArtifactsError, TypeError):
    """A type that no kind can store."""


class BrokenKind(ArtifactsError):
    """An entry point of the group `kaon.kinds` that cannot be loaded."""


class BrokenViewer(ArtifactsError):
    """An entry point of the groups `kaon.viewers` and `kaon.history_viewers` that cannot be loaded."""


class NotStorable(ArtifactsError, ValueError):
    """A value that its kind refuses."""


class WrongType(ArtifactsError, TypeError):
    """An artifact that cannot be read as the type asked for."""


class StoreError(ArtifactsError):
    """The store itself is at fault: its files, its disk or its database."""


class CorruptArtifact(StoreError):
    """Stored bytes that no longer have the digest they were stored under."""


class MissingBlob(StoreError):
    """A digest whose bytes the store does not hold."""


class StoreFull(StoreError):
    """No space left where the store writes."""


class StoreNotWritable(StoreError):
    """No permission to write, or a path that cannot be a store."""


class StoreBusy(StoreError):
    """Another process held the records for longer than we wait."""


class NewerStore(StoreError):
    """Records written by a newer Kaon than this one."""


class RecordsError(ArtifactsError):
    """The records refuse what was asked of them."""


class AlreadyEnded(RecordsError):
    """A second end of a run or step, or work in one that has ended."""


class Fenced(AlreadyEnded):
    """Work in a run that another process has taken over."""


class StillRunning(RecordsError):
    """A run whose process lives, and that therefore cannot be taken over."""


class UnknownRecord(RecordsError, LookupError):
    """An id that the records do not hold."""


class TrackingError(ArtifactsError):
    """MLflow refused, or cannot be reached."""


class PrefectError(ArtifactsError):
    """Prefect refused what it was asked for."""


class PrefectStopped(PrefectError):
    """Prefect cannot be reached."""
