"""The contracts of viewers: an artifact, or its history, becomes blocks of safe data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from ..artifact import Artifact
from .blocks import Block
from .moment import Moment
from .opened import Opened


class Viewer(Protocol):
    """One way of showing an artifact. Plug in another by an entry point of the group `kaon.viewers`.

    Loading the module of a viewer imports no heavy library: methods do that. Of large values a viewer reads a part,
    and says so with a Note. `kaon.artifacts.testing.ViewerTests` is the conformance suite.
    """

    name: str
    """What links to this view carry; never changes once released."""
    title: str
    """What the page calls this view."""

    def fits(self, artifact: Artifact) -> int:
        """Return how well this viewer suits, from what the records say alone: 0 not at all, 1 as it suits anything, 2
        any artifact of a kind, more those of some name or with some columns. What suits best is shown first."""
        ...

    def view(self, opened: Opened) -> Iterable[Block]:
        """Return what to show. Raises CorruptArtifact, MissingBlob, as reading the value does."""
        ...


class HistoryViewer(Protocol):
    """One way of showing an artifact over the past runs. Plug in another by the group `kaon.history_viewers`.

    `kaon.artifacts.testing.HistoryViewerTests` is the conformance suite.
    """

    name: str
    """What links to this view carry; never changes once released."""
    title: str
    """What the page calls this view."""

    def fits(self, artifact: Artifact) -> int:
        """Return how well this viewer suits the newest artifact, as `Viewer.fits` does."""
        ...

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        """Return what to show of runs, the oldest first; a run in which the artifact is missing has None for it."""
        ...
