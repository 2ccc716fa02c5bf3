"""Finding words in a text of any length: a part is read at a time, and no more matches are kept than are shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from .text_pages import BYTES

AT_ONCE = 1 << 20
"""Bytes that are looked through at once; they end with a line, where one ends."""
AT_MOST = 128 << 20
"""Bytes that one request looks through: about a second."""
MATCHES = 100
"""Lines that one request shows."""
BEFORE, AFTER = 80, 160
"""Characters of a long line that are shown around what was found."""


@dataclass(frozen=True, slots=True)
class Match:
    """A line that has the words."""

    number: int
    """Of the line in the whole text, from 1."""
    page: int
    line: int
    """Its place on that page, from 1."""
    before: str
    words: str
    """What was found, as the text has it."""
    after: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where looking goes on: a byte where a line begins, and how many lines are before it."""

    byte: int = 0
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, and how far the text was read."""

    words: str
    matches: tuple[Match, ...]
    rest: Place | None
    """None if the text was read to its end."""
    share: float
    """Of the text that has been read, from 0 to 1."""


def find_in_text(path: Path, words: str, start: Place) -> Found:
    """Return the lines of a file that have these words, whatever their case, from a place on."""
    wanted, size = re.compile(re.escape(words), re.IGNORECASE), path.stat().st_size
    matches: list[Match] = []
    with path.open("rb") as file:
        for at, line in _lines(file, wanted, start):
            if len(matches) == MATCHES or at.byte - start.byte >= AT_MOST:
                return Found(words, tuple(matches), at, at.byte / max(size, 1))
            if line and (hit := wanted.search(line)):
                matches.append(_match(path, at, line, hit))
    return Found(words, tuple(matches), None, 1.0)


def _lines(file: BinaryIO, wanted: re.Pattern[str], start: Place) -> Iterator[tuple[Place, str]]:
    """Yield lines and where they begin; a part of the file without what is wanted is one empty line."""
    byte, lines = start.byte, start.lines
    file.seek(byte)
    while part := file.read(AT_ONCE):
        if not part.endswith(b"\n"):
            part += file.readline(BYTES)
        if not wanted.search(part.decode("utf-8", "replace")):
            yield Place(byte, lines), ""
            byte, lines = byte + len(part), lines + part.count(b"\n")
            continue
        for raw in re.findall(rb"[^\n]*\n|[^\n]+", part):
            yield Place(byte, lines), raw.decode("utf-8", "replace").rstrip("\r\n")
            byte, lines = byte + len(raw), lines + raw.count(b"\n")


def _match(path: Path, at: Place, line: str, hit: re.Match[str]) -> Match:
    begin, end = hit.span()
    before = line[max(0, begin - BEFORE) : begin]
    after = line[end : end + AFTER]
    return Match(
        number=at.lines + 1,
        page=at.byte // BYTES,
        line=_line_of_page(path, at.byte),
        before=f"…{before}" if begin > BEFORE else before,
        words=line[begin:end],
        after=f"{after}…" if len(line) > end + AFTER else after,
    )


def _line_of_page(path: Path, byte: int) -> int:
    """Return the place on its page, from 1, of the line that begins at this byte; see `text_page`."""
    page = byte // BYTES
    begin = page * BYTES - 1 if page else 0
    with path.open("rb") as file:
        file.seek(begin)
        ends = file.read(byte - begin).count(b"\n")
    return max(1, ends if page else ends + 1)
