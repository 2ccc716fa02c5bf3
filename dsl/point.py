"""A point of a sweep: the key of its results."""

from collections.abc import Iterator, Mapping


class Point(Mapping[str, object]):
    """The values of a sweep's variables at one point; equal and hashable by them.

    >>> Point(rank=32, alpha=1.0)["rank"]
    32
    """

    __slots__ = ("_values",)

    def __init__(self, **values: object) -> None:
        self._values = values

    def __getitem__(self, name: str) -> object:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __hash__(self) -> int:
        return hash(frozenset((name, _hash(value)) for name, value in self._values.items()))

    def __eq__(self, other: object) -> bool:
        return dict(self) == dict(other) if isinstance(other, Mapping) else NotImplemented

    def __repr__(self) -> str:
        return f"Point({', '.join(f'{name}={value!r}' for name, value in self._values.items())})"


def _hash(value: object) -> int:
    try:
        return hash(value)
    except TypeError:  # a list: equal ones are found by comparison
        return 0
