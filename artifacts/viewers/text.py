"""Text, Markdown and pages of HTML."""

from __future__ import annotations

from collections.abc import Iterable

from ..artifact import Artifact
from .blocks import Block, Note, Page, StoredText
from .opened import Opened

LARGEST = 4 << 20
"""Bytes of a page that is shown in a frame."""


class TextViewer:
    """The text page by page; HTML is framed first, without scripts."""

    name = "text"
    title = "Text"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "text" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        return [StoredText()]


class HtmlViewer:
    """A page of HTML, in a frame apart from ours."""

    name = "html"
    title = "Page"

    def fits(self, artifact: Artifact) -> int:
        return 3 if artifact.kind == "text" and artifact.summary.get("format") == "html" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST:
            return [Note("This page is too large for a frame, so its text is shown."), StoredText()]
        return [Page(str(opened.value))]
