"""An artifact in a few lines of a terminal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from ..artifact import Artifact
from ..json_form import Json
from ..store import Store

LINES = 20
WIDTH = 100


def preview(store: Store, artifact: Artifact) -> list[str]:
    """Return at most about 20 lines, none wider than 100 characters, that show the value.

    Raises CorruptArtifact and MissingBlob, as reading it would.
    """
    show = PREVIEWS.get(artifact.kind, _facts)
    lines = list(islice(show(store, artifact), LINES + 1))
    if len(lines) > LINES:
        lines[LINES] = "…"
    return [line if len(line) <= WIDTH else line[: WIDTH - 1] + "…" for line in lines]


def _facts(store: Store, artifact: Artifact) -> Iterator[str]:
    """Show the summary, after checking that the bytes are whole."""
    store.open(artifact).close()
    return _pairs(artifact.summary)


def _table(store: Store, artifact: Artifact) -> Iterator[str]:
    head = store.get(artifact)
    assert hasattr(head, "slice")
    frame = head.slice(0, 10).to_pandas()
    yield f"{artifact.summary['rows']} rows, {artifact.summary['columns']} columns"
    named = frame.index.names != [None]  # rows are counted by nobody: a column of a table may count something else
    yield from frame.to_string(index=named, max_cols=12, max_colwidth=24, line_width=WIDTH).splitlines()


def _json(store: Store, artifact: Artifact) -> Iterator[str]:
    yield from json.dumps(store.get(artifact), indent=2, ensure_ascii=False).splitlines()


def _metrics(store: Store, artifact: Artifact) -> Iterator[str]:
    values = store.get(artifact)
    assert isinstance(values, Mapping)
    return _pairs({name: f"{value:.6g}" for name, value in values.items()})


def _text(store: Store, artifact: Artifact) -> Iterator[str]:
    yield from str(store.get(artifact)).splitlines()


def _array(store: Store, artifact: Artifact) -> Iterator[str]:
    import numpy as np

    array: Any = store.get(artifact)
    yield f"{array.dtype}, shape {array.shape}"
    yield from np.array2string(array, threshold=20, edgeitems=3, max_line_width=WIDTH).splitlines()


def _directory(store: Store, artifact: Artifact) -> Iterator[str]:
    folder: Any = store.get(artifact)
    for path in sorted(Path(folder.path).rglob("*")):
        if path.is_file():
            yield f"{path.relative_to(folder.path).as_posix()}  {path.stat().st_size} bytes"


def _pairs(facts: Mapping[str, Json]) -> Iterator[str]:
    longest = max(map(len, facts), default=0)
    for name, fact in facts.items():
        yield f"{name.ljust(longest)}  {fact if isinstance(fact, str) else json.dumps(fact, ensure_ascii=False)}"


PREVIEWS: Mapping[str, Callable[[Store, Artifact], Iterator[str]]] = {
    "table": _table,
    "json": _json,
    "metrics": _metrics,
    "text": _text,
    "array": _array,
    "directory": _directory,
}
"""Kind to its preview; other kinds show their summaries."""
