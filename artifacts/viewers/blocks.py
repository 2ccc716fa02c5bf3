"""What a viewer shows: safe data, never markup. Who draws it escapes every word and keeps HTML in a sandboxed frame.

A viewer gives a sequence of these, in the order in which they are read. The web page, and whoever else draws them,
knows each of them; a plug-in puts together what it needs and never writes HTML, CSS or JavaScript.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..json_form import Json


@dataclass(frozen=True, slots=True)
class RunLink:
    """A run, as a link to its page."""

    run: int

    @property
    def to(self) -> str:
        """Its address in the web application."""
        return f"/runs/{self.run}"

    def __str__(self) -> str:
        return f"run {self.run}"


@dataclass(frozen=True, slots=True)
class ArtifactLink:
    """An artifact, as a link to its page."""

    artifact: int
    text: str = ""

    @property
    def to(self) -> str:
        """Its address in the web application."""
        return f"/artifacts/{self.artifact}"

    def __str__(self) -> str:
        return self.text or f"#{self.artifact}"


Cell: TypeAlias = "str | int | float | bool | RunLink | ArtifactLink | None"
"""What stands in one place of a table or behind the name of a fact."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what is so called: a few lines."""

    facts: tuple[tuple[str, Cell], ...]
    title: str = ""


@dataclass(frozen=True, slots=True)
class Grid:
    """A table that is small enough to be shown whole."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """Each as long as `columns`."""
    title: str = ""
    left_out: int = 0
    """How many rows more there are."""


@dataclass(frozen=True, slots=True)
class StoredTable:
    """The artifact's own table, of any length: paged, sorted, with figures of columns, read as far as needed."""

    title: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A picture by Vega-Lite, with its data inside."""

    spec: Mapping[str, Json]
    title: str
    description: str
    """What it shows, for who cannot see it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """Text of some length, shown as it is."""

    text: str
    title: str = ""
    form: Literal["plain", "log", "difference"] = "plain"
    """How lines are coloured: not at all, by the level of a log, or by the signs of a unified difference."""


@dataclass(frozen=True, slots=True)
class StoredText:
    """The artifact's own text, of any length: shown page by page, read only as far as needed."""

    title: str = ""


@dataclass(frozen=True, slots=True)
class Prose:
    """Text in Markdown, drawn as such: without the HTML it may hold, with links to http and https alone."""

    markdown: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Tree:
    """A value of JSON, to be unfolded."""

    value: Json
    title: str = ""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a folder."""

    path: str
    """Below the folder, parts joined by `/`."""
    size: int


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a folder, each to be downloaded."""

    entries: tuple[FileEntry, ...]
    title: str = ""
    left_out: int = 0
    """How many files more there are."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture in pixels."""

    content: bytes
    media_type: Literal["image/png", "image/jpeg", "image/gif", "image/webp"]
    description: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of HTML from an artifact: shown in a frame without scripts, apart from everything of ours."""

    html: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence: what is left out, or why there is nothing to see."""

    text: str


Block: TypeAlias = (
    "Facts | Grid | StoredTable | Chart | Passage | StoredText | Prose | Tree | Files | Picture | Page | Note"
)
BLOCKS = (Facts, Grid, StoredTable, Chart, Passage, StoredText, Prose, Tree, Files, Picture, Page, Note)
"""Every class that `Block` names."""


def facts(named: Mapping[str, Cell], title: str = "") -> Facts:
    """Return the facts of a mapping.

    >>> facts({"rows": 3}).facts
    (('rows', 3),)
    """
    return Facts(tuple(named.items()), title)


def grid(columns: Sequence[str], rows: Sequence[Sequence[Cell]], title: str = "", most: int = 500) -> Grid:
    """Return the table of these rows, cut after `most` of them.

    >>> grid(["a"], [[1], [2], [3]], most=2)
    Grid(columns=('a',), rows=((1,), (2,)), title='', left_out=1)
    """
    return Grid(tuple(columns), tuple(tuple(row) for row in rows[:most]), title, max(0, len(rows) - most))
