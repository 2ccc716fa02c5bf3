"""Blocks of viewers as templates take them: what is nested becomes flat, and what is long is cut."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import ArtifactsError
from ..json_form import Json
from ..viewers.blocks import BLOCKS, Block, Chart, Note, Passage, Prose, Tree
from ..viewers.said import said
from .markdown_html import markdown_html

LOG = logging.getLogger("kaon.web")
ROWS_OF_A_CHART = 200
"""Rows up to which a chart's values are told as a table too."""
NODES = 3000
"""Places of a tree that are shown."""
CHILDREN = 300
"""Parts of one place that are shown."""
OPEN_DEPTH, OPEN_CHILDREN = 2, 40
"""Levels of a tree, and parts of one place, up to which it is unfolded at first."""
LEVELS = (("error", r"\b(ERROR|CRITICAL|FATAL|Traceback|Exception)\b"), ("warning", r"\bWARN(ING)?\b"))


@dataclass(frozen=True, slots=True)
class Drawn:
    """One block, with what the template needs beside it."""

    what: str
    """Name of the block's class."""
    block: Block
    at: int
    """Its place in the view."""
    extra: Any = None
    """Rows of a chart's table, nodes of a tree, lines of a text."""


@dataclass(frozen=True, slots=True)
class Node:
    """One place of a tree."""

    label: str
    text: str
    """The value, or how much is inside."""
    kind: str
    children: tuple[Node, ...]
    left_out: int
    is_open: bool


def drawn(view: Callable[[], Iterable[Block]]) -> tuple[list[Drawn], ArtifactsError | None]:
    """Return the blocks of a view, and what went wrong if it could not be made: a viewer's own fault is told too."""
    try:
        blocks = list(view())
    except ArtifactsError as error:
        return [], error
    except Exception as error:  # a plug-in may raise anything; its page says so instead of failing
        LOG.error("a viewer failed", exc_info=error)
        return [], ArtifactsError(
            "the viewer failed on this artifact",
            why=f"{type(error).__name__}: {error}",
            fix="choose another view above, or download it; the traceback is in the log of `kaon ui`",
        )
    return [_drawn(block, at) for at, block in enumerate(blocks)], None


def _drawn(block: Block, at: int) -> Drawn:
    match block:
        case Chart():
            spec = plain_spec(block.spec)
            return Drawn("Chart", replace(block, spec=spec), at, _rows(spec))
        case Tree():
            return Drawn("Tree", block, at, tree_of(block.value))
        case Prose():
            return Drawn("Prose", block, at, markdown_html(block.markdown))
        case Passage():
            return Drawn("Passage", block, at, lines_of(block.text, block.form))
    if not isinstance(block, BLOCKS):
        return Drawn("Note", Note(f"The viewer gave a {type(block).__name__}, which is no block."), at)
    return Drawn(type(block).__name__, block, at)


def plain_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a chart as a browser may draw it: numbers that JSON cannot say are missing, and so is `usermeta`, by which
    a stored figure could change how ours is drawn.

    >>> plain_spec({"usermeta": {"embedOptions": {"ast": False}}, "data": {"values": [{"a": float("nan")}]}})
    {'data': {'values': [{'a': None}]}}
    """
    return {name: _finite(part) for name, part in spec.items() if name != "usermeta"}


def _finite(part: Any) -> Any:
    match part:
        case float():
            return part if math.isfinite(part) else None
        case Mapping():
            return {str(name): _finite(inner) for name, inner in part.items()}
        case list() | tuple():
            return [_finite(inner) for inner in part]
    return part


def _rows(spec: Mapping[str, Any]) -> list[dict[str, Json]] | None:
    """Return the values of a chart for its table; None where there are none or too many, or they differ in form."""
    values = spec.get("data", {}).get("values") if isinstance(spec.get("data"), Mapping) else None
    if not isinstance(values, Sequence) or not 0 < len(values) <= ROWS_OF_A_CHART:
        return None
    if not all(isinstance(row, Mapping) and list(row) == list(values[0]) for row in values):
        return None
    return [{str(name): value for name, value in row.items() if name != "link"} for row in values]


def lines_of(text: str, form: str) -> list[tuple[str, str]]:
    """Return the lines of a text, each with the class that colours it.

    >>> lines_of("+a\\n b", "difference"), lines_of("ERROR x", "log")
    ([('added', '+a'), ('', ' b')], [('error', 'ERROR x')])
    """
    lines = text.removesuffix("\n").split("\n") if text else []  # as files have lines, not as Unicode does
    if form == "difference":
        signs = {"+": "added", "-": "removed", "@": "place"}
        return [(signs.get(line[:1], ""), line) for line in lines]
    if form == "log":
        return [(next((name for name, level in LEVELS if re.search(level, line)), ""), line) for line in lines]
    return [("", line) for line in lines]


def tree_of(value: Json) -> Node:
    """Return a value of JSON as a tree of at most NODES places."""
    return _node("", value, 0, [NODES])


def _node(label: str, value: Json, depth: int, left: list[int]) -> Node:
    left[0] -= 1
    parts = list(_parts(value))
    children = []
    for name, part in parts[:CHILDREN]:
        if left[0] <= 0:
            break
        children.append(_node(name, part, depth + 1, left))
    if isinstance(value, (Mapping, list, tuple)):
        many = "field" if isinstance(value, Mapping) else "item"
        text = f"{len(parts)} {many}{'' if len(parts) == 1 else 's'}"
        is_open = depth < OPEN_DEPTH and len(parts) <= OPEN_CHILDREN
        return Node(label, text, "many", tuple(children), len(parts) - len(children), is_open)
    kind = "text" if isinstance(value, str) else "number"
    return Node(label, said(value), kind, (), 0, False)


def _parts(value: Json) -> Iterator[tuple[str, Json]]:
    if isinstance(value, Mapping):
        yield from ((str(name), part) for name, part in value.items())
    elif isinstance(value, (list, tuple)):
        yield from ((str(place), part) for place, part in enumerate(value))
