"""Texts against each other, line by line."""

from __future__ import annotations

import difflib
from itertools import islice

from ..blocks import Block, Note, Passage
from ..opened import Opened

LARGEST = 1 << 20
"""Bytes of each text that are compared: a unified difference of more takes minutes."""
MOST = 5000
"""Lines of the difference that are shown."""


def text_difference(before: Opened, after: Opened) -> Block:
    """Return the unified difference of two texts, or why there is none."""
    first, second = (opened.artifact for opened in (before, after))
    if max(first.size, second.size) > LARGEST:
        return Note("These texts are too long to be compared line by line; download both.")
    lines = difflib.unified_diff(
        str(before.value).splitlines(),
        str(after.value).splitlines(),
        f"{first.name} #{first.id}",
        f"{second.name} #{second.id}",
        lineterm="",
    )
    shown = list(islice(lines, MOST + 1))
    if not shown:
        return Note("Both have the same lines, and differ in how they end.")
    if len(shown) > MOST:
        shown[MOST] = "…"
    return Passage("\n".join(shown), "Difference", "difference")
