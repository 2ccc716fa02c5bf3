"""Text, Markdown and pages of HTML."""

from __future__ import annotations

from collections.abc import Iterable

from ..artifact import Artifact
from .blocks import Block, Note, Page, Prose, StoredText
from .opened import Opened

LARGEST = 4 << 20
"""Bytes of a page that is shown in a frame."""
LARGEST_MARKDOWN = 512 << 10
"""Bytes of Markdown that is laid out: half a second."""


class TextViewer:
    """The text page by page; HTML is framed first, without scripts."""

    name = "text"
    title = "Text"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "text" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        return [StoredText()]


class MarkdownViewer:
    """Markdown as it is meant to be read."""

    name = "markdown"
    title = "Page"

    def fits(self, artifact: Artifact) -> int:
        return 3 if artifact.kind == "text" and artifact.summary.get("format") == "markdown" else 0

    def view(self, opened: Opened) -> Iterable[Block]:
        if opened.artifact.size > LARGEST_MARKDOWN:
            return [Note("This is too long to be laid out, so its text is shown."), StoredText()]
        return [Prose(str(opened.value))]


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
