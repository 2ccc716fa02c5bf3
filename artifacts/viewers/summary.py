"""What the records say of an artifact, for kinds that no other viewer shows."""

from __future__ import annotations

from collections.abc import Iterable

from ..artifact import Artifact
from .blocks import Block, Tree
from .opened import Opened


class SummaryViewer:
    """The summary that its kind wrote; its bytes are checked."""

    name = "summary"
    title = "Summary"

    def fits(self, artifact: Artifact) -> int:
        return 1

    def view(self, opened: Opened) -> Iterable[Block]:
        opened.path  # noqa: B018 - raises where the bytes are damaged
        return [Tree(dict(opened.artifact.summary))]
