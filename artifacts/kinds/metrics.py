"""Named numbers: what a step measured."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import BinaryIO

from ..json_form import Json, canonical_json, finite
from .annotations import is_a, is_anything, refused, unreadable


class Metrics(Mapping[str, float]):
    """An immutable mapping from the name of a metric to its value.

    >>> Metrics({"ndcg@10": 0.25})["ndcg@10"]
    0.25
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, float] | None = None, /, **named: float) -> None:
        self._values = {str(name): float(value) for name, value in {**(values or {}), **named}.items()}

    def __getitem__(self, name: str) -> float:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Metrics({self._values!r})"


class MetricsKind:
    """Metrics as canonical JSON; the summary holds every value."""

    name = "metrics"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "kaon", "Metrics")

    def dump(self, value: Mapping[str, float], to: BinaryIO) -> None:
        to.write(canonical_json(_checked(value)))

    def load(self, source: BinaryIO, wanted: object) -> Metrics:
        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "Metrics")
        return Metrics(json.loads(source.read()))

    def summary(self, value: Mapping[str, float]) -> dict[str, Json]:
        return {name: finite(number) for name, number in _checked(value).items()}


def _checked(value: object) -> Metrics:
    if isinstance(value, Mapping):
        try:
            return Metrics(value)
        except (TypeError, ValueError):
            pass
    raise refused(value, "metrics", "a mapping from names to numbers")
