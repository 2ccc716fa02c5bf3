"""Values of JSON against each other, place by place."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from ..blocks import Block, Cell, Grid, Note
from ..said import said

MOST = 500
"""Differences that are shown."""

Change = tuple[str, str, object, object]
"""Place, what happened there, the value before, the value after."""


def json_difference(before: object, after: object) -> list[Block]:
    """Return the places in which two values differ."""
    changes = list(islice(changes_of(before, after, ""), MOST + 1))
    if not changes:
        return [Note("Both have the same value.")]
    rows: list[tuple[Cell, ...]] = [
        (place or "value", what, _said(first), _said(second)) for place, what, first, second in changes[:MOST]
    ]
    blocks: list[Block] = [Grid(("place", "change", "first", "second"), tuple(rows), "Differences")]
    if len(changes) > MOST:
        blocks.append(Note(f"The first {MOST} differences are shown."))
    return blocks


def changes_of(before: object, after: object, place: str) -> Iterator[Change]:
    """Yield what differs, from the outside in.

    >>> list(changes_of({"a": [1, 2], "b": 1}, {"a": [1, 3], "c": 1}, ""))
    [('a[1]', 'changed', 2, 3), ('b', 'removed', 1, None), ('c', 'added', None, 1)]
    """
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in dict.fromkeys((*before, *after)):
            inner = f"{place}.{name}" if place else str(name)
            if name not in after:
                yield inner, "removed", before[name], None
            elif name not in before:
                yield inner, "added", None, after[name]
            else:
                yield from changes_of(before[name], after[name], inner)
    elif _is_list(before) and _is_list(after):
        assert isinstance(before, Sequence) and isinstance(after, Sequence)
        for at, (first, second) in enumerate(zip(before, after, strict=False)):
            yield from changes_of(first, second, f"{place}[{at}]")
        for at in range(len(after), len(before)):
            yield f"{place}[{at}]", "removed", before[at], None
        for at in range(len(before), len(after)):
            yield f"{place}[{at}]", "added", None, after[at]
    elif type(before) is not type(after) or (before != after and not (before != before and after != after)):
        yield place, "changed", before, after


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _said(value: object) -> Cell:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    return said(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
