"""Two artifacts against each other, as their kind is best compared."""

from __future__ import annotations

from collections.abc import Sequence

from ...amounts import size as size_said
from ...artifact import Artifact
from ..blocks import ArtifactLink, Block, Cell, Grid, Note
from ..opened import Opened
from ..said import said
from .json_values import json_difference
from .metrics import metrics_difference
from .tables import table_difference
from .texts import text_difference

LARGEST = 4 << 20
"""Bytes of a JSON value that is compared part by part."""


def difference(before: Opened, after: Opened, key: Sequence[str] = ()) -> list[Block]:
    """Return what differs, first the facts and then what is inside. Raises CorruptArtifact, MissingBlob.

    key: columns that name the rows of tables; found if empty.
    """
    first, second = before.artifact, after.artifact
    blocks: list[Block] = [_facts(first, second)]
    if first.digest == second.digest:
        return [Note("Both have the same content, byte for byte."), *blocks]
    if first.kind != second.kind:
        return [Note(f"One is of kind {first.kind}, the other of kind {second.kind}."), *blocks]
    match first.kind:
        case "metrics":
            return [metrics_difference(dict(before.value), dict(after.value)), *blocks]
        case "table":
            return [*table_difference(before, after, key), *blocks]
        case "text":
            return [text_difference(before, after), *blocks]
        case "json" | "figure" if max(first.size, second.size) <= LARGEST:
            return [*json_difference(before.value, after.value), *blocks]
    inside = json_difference(dict(first.summary), dict(second.summary))
    return [Note(f"Values of kind {first.kind} are compared by what the records say of them."), *inside, *blocks]


def _facts(first: Artifact, second: Artifact) -> Grid:
    rows: list[tuple[Cell, ...]] = [
        (
            "artifact",
            ArtifactLink(first.id, f"{first.name} #{first.id}"),
            ArtifactLink(second.id, f"{second.name} #{second.id}"),
        ),
        ("made by", _made_by(first), _made_by(second)),
        ("made at (UTC)", f"{first.created:%Y-%m-%d %H:%M:%S}", f"{second.created:%Y-%m-%d %H:%M:%S}"),
        ("size", size_said(first.size), size_said(second.size)),
        ("digest", first.digest, second.digest),
    ]
    return Grid(("fact", "first", "second"), tuple(rows), "Both artifacts")


def _made_by(artifact: Artifact) -> str:
    items = "".join(f", {name}={said(value)}" for name, value in artifact.keys)
    return f"{artifact.step}{items}, run {artifact.run}"
