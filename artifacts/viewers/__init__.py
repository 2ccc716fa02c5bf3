"""Showing artifacts: in a few lines of a terminal, and as blocks of safe data for pages.

Viewers are plug-ins, one a file: `Viewer` for an artifact, `HistoryViewer` for the same artifact over the past runs.
"""

from __future__ import annotations

from .blocks import Block
from .found import history_viewers_for, load_history_viewers, load_viewers, viewers_for
from .moment import Moment
from .opened import Opened
from .preview import preview
from .viewer import HistoryViewer, Viewer

__all__ = [
    "Block",
    "HistoryViewer",
    "Moment",
    "Opened",
    "Viewer",
    "history_viewers_for",
    "load_history_viewers",
    "load_viewers",
    "preview",
    "viewers_for",
]
