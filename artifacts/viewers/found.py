"""The installed viewers, found by entry points, and which of them show an artifact."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Generic, TypeVar

from ..artifact import Artifact
from ..errors import BrokenViewer
from .viewer import HistoryViewer, Viewer

T = TypeVar("T", Viewer, HistoryViewer)

GROUP = "kaon.viewers"
HISTORY_GROUP = "kaon.history_viewers"


@dataclass(frozen=True, slots=True)
class Loaded(Generic[T]):
    """The plug-ins of one group."""

    viewers: tuple[T, ...]
    """By name."""
    broken: tuple[BrokenViewer, ...]
    """Why others cannot be loaded: what is left shows artifacts all the same."""


@cache
def load_viewers() -> Loaded[Viewer]:
    """Return every installed viewer. Raises BrokenViewer if there is none, not even Kaon's own."""
    return _loaded(GROUP)


@cache
def load_history_viewers() -> Loaded[HistoryViewer]:
    """Return every installed viewer of histories. Raises BrokenViewer if there is none, not even Kaon's own."""
    return _loaded(HISTORY_GROUP)


def viewers_for(artifact: Artifact) -> tuple[Viewer, ...]:
    """Return the viewers that suit the artifact, the best first; there is always one."""
    return _suiting(load_viewers().viewers, artifact)


def history_viewers_for(artifact: Artifact) -> tuple[HistoryViewer, ...]:
    """Return the viewers that suit the history of such an artifact, the best first; there is always one."""
    return _suiting(load_history_viewers().viewers, artifact)


def _suiting(viewers: tuple[T, ...], artifact: Artifact) -> tuple[T, ...]:
    fitting = [(viewer.fits(artifact), viewer) for viewer in viewers]
    fitting.sort(key=lambda pair: (-pair[0], pair[1].name))
    return tuple(viewer for fit, viewer in fitting if fit > 0)


def _loaded(group: str) -> Loaded[Any]:
    viewers: list[Any] = []
    broken: list[BrokenViewer] = []
    for point in sorted(entry_points(group=group), key=lambda point: point.name):
        try:
            viewers.append(point.load()())
        except Exception as error:  # a plug-in may raise anything, and must not take the pages of all artifacts with it
            broken.append(
                BrokenViewer(
                    f"the viewer {point.name!r} cannot be loaded",
                    where=f"entry point {point.value!r}" + (f" of {point.dist.name}" if point.dist else ""),
                    why=f"{type(error).__name__}: {error}",
                    fix="mend or uninstall the package that declares it",
                )
            )
    if not viewers:
        raise BrokenViewer(
            "Kaon's own viewers are not installed",
            where=f"entry points of the group {group!r}",
            why="they come with the distribution's metadata, which is missing or stale",
            fix="pip install -e . in Kaon's folder",
        )
    return Loaded(tuple(viewers), tuple(broken))
