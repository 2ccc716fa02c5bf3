"""Where the artifacts of a lineage stand in its picture: sources to the left, results to the right."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from ..artifact import Artifact
from ..records.records import Records
from ..records.search import results_of

WIDTH, HEIGHT, ACROSS, DOWN = 190, 52, 60, 14
"""Pixels of a box, and between boxes."""
OF_ONE = 200
"""Sources or results of one artifact that are looked at."""
IN_A_COLUMN = 10
"""Boxes; what more there is gets one box together."""


@dataclass(slots=True)
class Box:
    """One artifact, or several of one name from one step."""

    name: str
    step: str
    kind: str
    ids: list[int]
    column: int
    """Steps from the artifact that is asked about; sources are left of it, below 0."""
    more: int = 0
    """How many others are not told apart."""
    x: int = 0
    y: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and the lines between them."""

    boxes: list[Box]
    lines: list[tuple[Box, Box]]
    """From a source to what was made from it."""
    width: int
    height: int
    goes_on: bool
    """Whether there is more further away than was asked for."""


@dataclass(slots=True)
class _Walk:
    """What a walk from the artifact has found."""

    columns: dict[int, dict[int, Artifact]] = field(default_factory=dict)
    edges: set[tuple[int, int]] = field(default_factory=set)
    left_out: dict[int, int] = field(default_factory=dict)
    goes_on: bool = False


def lineage_picture(records: Records, root: Artifact, depth: int) -> Picture:
    """Return the picture of what the artifact was made from and what was made from it, at most `depth` steps away."""
    walk = _Walk({0: {root.id: root}})
    seen = {root.id}
    for direction in (-1, 1):
        level = {root.id: root}
        for distance in range(1, depth + 2):
            column = direction * distance
            found = _sources(level, walk, column) if direction < 0 else _results(records, level, walk, column)
            fresh = [one for one in dict.fromkeys(found) if one not in seen]
            if distance > depth:
                walk.goes_on |= bool(fresh)
                break
            level = records.artifacts(fresh[:OF_ONE])
            if not level:
                break
            seen |= set(level)
            walk.columns[column] = level
    return _laid_out(walk)


def _sources(level: Mapping[int, Artifact], walk: _Walk, column: int) -> list[int]:
    missing = sum(max(0, len(one.made_from) - OF_ONE) for one in level.values())
    if missing:
        walk.left_out[column] = missing
    for one in level.values():
        walk.edges |= {(source, one.id) for source in one.made_from[:OF_ONE]}
    return [source for one in level.values() for source in one.made_from[:OF_ONE]]


def _results(records: Records, level: Mapping[int, Artifact], walk: _Walk, column: int) -> list[int]:
    first, counts = results_of(records.database, list(level), OF_ONE)
    walk.edges |= {(one, result) for one, results in first.items() for result in results}
    missing = sum(max(0, counts.get(one, 0) - len(results)) for one, results in first.items())
    if missing:
        walk.left_out[column] = missing
    return [result for results in first.values() for result in results]


def _laid_out(walk: _Walk) -> Picture:
    boxes: list[Box] = []
    place_of: dict[int, Box] = {}
    for column in sorted(walk.columns):
        grouped = _grouped(walk.columns[column].values(), column, walk.left_out.get(column, 0))
        for box in grouped:
            place_of |= dict.fromkeys(box.ids, box)
        boxes += grouped
    first = min(walk.columns)
    tallest = max(sum(1 for box in boxes if box.column == column) for column in walk.columns)
    height = tallest * (HEIGHT + DOWN) - DOWN
    for column in walk.columns:
        there = [box for box in boxes if box.column == column]
        top = (height - (len(there) * (HEIGHT + DOWN) - DOWN)) // 2
        for row, box in enumerate(there):
            box.x, box.y = (column - first) * (WIDTH + ACROSS), top + row * (HEIGHT + DOWN)
    pairs = {
        (id(place_of[source]), id(place_of[result])): (place_of[source], place_of[result])
        for source, result in sorted(walk.edges)
        if source in place_of and result in place_of and place_of[source].column < place_of[result].column
    }
    width = len(walk.columns) * (WIDTH + ACROSS) - ACROSS
    return Picture(boxes, list(pairs.values()), width, height, walk.goes_on)


def _grouped(artifacts: Iterable[Artifact], column: int, left_out: int) -> list[Box]:
    """Return a box for each name and step of a column, and one for what is too much."""
    boxes: dict[tuple[str, str], Box] = {}
    for one in artifacts:
        box = boxes.setdefault((one.name, one.step), Box(one.name, one.step, one.kind, [], column))
        box.ids.append(one.id)
    shown: Sequence[Box] = list(boxes.values())
    if len(shown) > IN_A_COLUMN:
        rest = shown[IN_A_COLUMN - 1 :]
        ids = [one for box in rest for one in box.ids]
        shown = [*shown[: IN_A_COLUMN - 1], Box(f"{len(rest)} other outputs", "", "", ids, column)]
    if left_out and shown:
        shown[-1].more = left_out
    return list(shown)
