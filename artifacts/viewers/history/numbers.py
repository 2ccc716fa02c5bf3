"""One number of a JSON value, or the numbers in its fields, over runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ...artifact import Artifact
from ..blocks import Block
from ..json_value import LARGEST
from ..moment import Moment
from ..said import is_number
from .series import changing_over_runs

DEEPEST = 3
MOST = 60


class NumbersHistory:
    """A line for the number, for each number in a mapping, or for how long a list is."""

    name = "numbers"
    title = "Numbers over runs"

    def fits(self, artifact: Artifact) -> int:
        return 2 if artifact.kind == "json" else 0

    def view(self, moments: Sequence[Moment]) -> Iterable[Block]:
        named = [numbers_of(moment) for moment in moments]
        return changing_over_runs(named, moments, "Numbers over runs", "A line for each number, a point for each run.")


def numbers_of(moment: Moment) -> Mapping[str, float]:
    """Return the numbers in the value by their place in it, at most 60 of them."""
    if moment.artifact is None or moment.artifact.size > LARGEST:
        return {}
    found: dict[str, float] = {}
    for name, number in _numbers(moment.opened.value, "", 0):
        found[name] = number
        if len(found) == MOST:
            break
    return found


def _numbers(value: object, name: str, depth: int) -> Iterator[tuple[str, float]]:
    match value:
        case bool():
            yield name or "value", float(value)
        case int() | float():
            if is_number(value):
                yield name or "value", value
        case dict() if depth < DEEPEST:
            for key, part in value.items():
                yield from _numbers(part, f"{name}.{key}" if name else str(key), depth + 1)
        case list():
            yield f"{name} (items)" if name else "items", len(value)
