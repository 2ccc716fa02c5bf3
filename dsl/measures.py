"""What can be compared between the points of a sweep: metrics and numbers, also those of loops inside."""

from collections.abc import Iterator, Mapping
from typing import Any

from .fit import fits, items_of
from .kinds import kind_of, storable

METRICS = "metrics"
"""The kind of named numbers."""


def is_measured(annotation: Any) -> bool:
    """Return whether values of a type are numbers, metrics, or, from a loop, mappings from its items to such."""
    annotation = storable(annotation)
    if annotation in (Any, object, None, type(None)):
        return False
    inside = _inside(annotation)
    if inside is not None:
        return is_measured(inside)
    return has_metrics(annotation) or fits(annotation, float)


def has_metrics(annotation: Any) -> bool:
    """Return whether values of a measured type have metrics with names of their own, at whatever depth."""
    inside = _inside(annotation)
    return kind_of(annotation) == METRICS if inside is None else has_metrics(inside)


def measures(name: str, value: object, annotation: Any) -> Iterator[tuple[str, float]]:
    """Yield every number of a value, named: `loss`, `als_metrics.ndcg@10`; over the items of a loop, the mean first.

    >>> dict(measures("loss", {"ca": 1.0, "us": 3.0}, Mapping[str, float]))
    {'loss': 2.0, 'loss[ca]': 1.0, 'loss[us]': 3.0}
    """
    inside = _inside(annotation)
    if value is None:
        return
    if inside is None:
        named = (
            {f"{name}.{key}": number for key, number in value.items()} if isinstance(value, Mapping) else {name: value}
        )
        yield from ((key, float(number)) for key, number in named.items())  # type: ignore[arg-type]
        return
    assert isinstance(value, Mapping), "a loop hands on a mapping"
    found = [(key, dict(measures(name, inner, inside))) for key, inner in value.items()]
    for column in dict.fromkeys(column for _, numbers in found for column in numbers):
        numbers = [numbers[column] for _, numbers in found if column in numbers]
        yield column, sum(numbers) / len(numbers)
    for key, inner in found:
        yield from ((f"{name}[{_shown(key)}]{column.removeprefix(name)}", number) for column, number in inner.items())


def _inside(annotation: Any) -> Any:
    """Return the type of the values of a loop's results; None if the type is no mapping."""
    annotation = storable(annotation)
    if kind_of(annotation) == METRICS:
        return None
    found = items_of(annotation)
    return found[1] if found is not None and found[2] else None


def _shown(key: object) -> str:
    return ",".join(f"{name}={value}" for name, value in key.items()) if isinstance(key, Mapping) else str(key)
