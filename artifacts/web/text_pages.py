"""Text of any length, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .drawn import lines_of

BYTES = 64 << 10
"""Of a page, more or less: it ends with a line."""


@dataclass(frozen=True, slots=True)
class TextPage:
    """One page of a text."""

    text: str
    number: int
    """From 0."""
    of: int
    is_log: bool

    @property
    def lines(self) -> list[tuple[str, str]]:
        """Its lines, each with the class that colours it."""
        return lines_of(self.text, "log" if self.is_log else "plain")


def text_page(path: Path, number: int, is_log: bool) -> TextPage:
    """Return a page of a file; one that it does not have is its last. Bytes that are no UTF-8 are replaced."""
    of = max(1, -(-path.stat().st_size // BYTES))
    number = max(0, min(number, of - 1))
    with path.open("rb") as file:
        if number:
            file.seek(number * BYTES - 1)
            file.readline(BYTES)  # the rest of a line that the page before ends with
        raw = file.read(max(0, (number + 1) * BYTES - file.tell()))
        if not raw.endswith(b"\n"):
            raw += file.readline(BYTES)
    return TextPage(raw.decode("utf-8", "replace"), number, of, is_log)
