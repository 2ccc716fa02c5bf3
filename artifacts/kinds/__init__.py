"""The kinds of values that the store can hold, found by the entry points of the group `kaon.kinds`."""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.metadata import entry_points
from typing import Any

from ..errors import BrokenKind, NoKind
from .annotations import stripped, type_name
from .kind import Kind

__all__ = ["Kind", "kind_for", "kind_named", "load_kinds", "same_kind"]

GROUP = "kaon.kinds"
WIDEST = "json"
"""Asked last, because it takes any dataclass."""


@cache
def load_kinds() -> tuple[Kind[Any], ...]:
    """Return every installed kind, in the order in which they are asked. Raises BrokenKind."""
    kinds: dict[str, Kind[Any]] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            kinds[point.name] = point.load()()
        except Exception as error:
            raise BrokenKind(
                f"the kind {point.name!r} cannot be loaded",
                where=f"entry point {point.value!r}" + (f" of {point.dist.name}" if point.dist else ""),
                why=f"{type(error).__name__}: {error}",
                fix="mend or uninstall the package that declares it",
            ) from error
    if WIDEST not in kinds:
        raise BrokenKind(
            "Kaon's own kinds are not installed",
            where=f"entry points of the group {GROUP!r}",
            why="they come with the distribution's metadata, which is missing or stale",
            fix="pip install -e . in Kaon's folder",
        )
    return tuple(sorted(kinds.values(), key=lambda kind: kind.name == WIDEST))


def kind_for(annotation: object) -> Kind[Any]:
    """Return the kind that stores values so annotated. Raises NoKind.

    >>> kind_for(dict[str, int]).name
    'json'
    """
    kinds = load_kinds()
    try:
        kind = _accepting(annotation, kinds)
    except TypeError:  # an annotation that cannot be hashed
        kind = _accepting.__wrapped__(annotation, kinds)
    if kind is not None:
        return kind
    raise NoKind(
        f"no kind can store {type_name(annotation)}",
        why=f"the kinds are {', '.join(kind.name for kind in load_kinds())}",
        fix="return a dataclass of plain values, a table or an array; return a File(path) of a format of your own; "
        f"or add a kind by an entry point of the group {GROUP!r}",
    )


@lru_cache(maxsize=1024)
def _accepting(annotation: object, kinds: tuple[Kind[Any], ...]) -> Kind[Any] | None:
    bare = stripped(annotation)
    return next((kind for kind in kinds if kind.accepts(bare)), None)


def kind_named(name: str) -> Kind[Any]:
    """Return the kind that an artifact names. Raises NoKind."""
    for kind in load_kinds():
        if kind.name == name:
            return kind
    raise NoKind(
        f"no kind is called {name!r}",
        why=f"the kinds are {', '.join(kind.name for kind in load_kinds())}",
        fix="install the package that this artifact was written with",
    )


def same_kind(a: object, b: object) -> bool:
    """Say whether an artifact written as `a` can be read as `b`, whatever their classes.

    So it is for equal annotations, and for those of one interchangeable kind: pandas, Arrow and Spark tables.
    """
    first, second = stripped(a), stripped(b)
    if first == second:
        return True
    kind = next((kind for kind in load_kinds() if kind.accepts(first)), None)
    return kind is not None and getattr(kind, "interchangeable", False) and kind.accepts(second)
