"""The conformance suites of what plugs into artifacts: kinds, viewers and viewers of histories."""

from __future__ import annotations

from .kinds import KindTests, dumped
from .viewers import HistoryViewerTests, ViewerTests

__all__ = ["HistoryViewerTests", "KindTests", "ViewerTests", "dumped"]
