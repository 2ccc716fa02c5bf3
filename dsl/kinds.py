"""Which kind of artifact a type is stored as, asked of the installed kinds (entry point group `kaon.kinds`).

The language knows kinds by this Protocol and by their entry points alone, so that it can refuse a type that nothing
can store without importing the store.
"""

import types
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Annotated, Any, NewType, Protocol, Union, get_args, get_origin

TABLE = "table"
"""The kind whose types stand for one another: a table is read as the input's type asks."""


class StorableKind(Protocol):
    """The part of a kind that the language asks."""

    name: str

    def accepts(self, annotation: object) -> bool:
        """Return whether values of the type can be stored."""
        ...


def kind_of(annotation: Any) -> str | None:
    """Return the name of the kind that stores values of a type, or None if no kind does."""
    annotation = storable(annotation)
    try:
        return _kind_of(annotation)
    except TypeError:  # an annotation with an unhashable argument, such as Literal[[…]]
        return _ask(annotation)


def kind_names() -> tuple[str, ...]:
    """Return the names of the installed kinds."""
    return tuple(kind.name for kind in _installed())


def storable(annotation: Any) -> Any:
    """Return the type that decides the kind: without Annotated, NewType and the None of an optional."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif get_origin(annotation) in (Union, types.UnionType):
            arms = [arm for arm in get_args(annotation) if arm is not type(None)]
            if len(arms) != 1:
                return annotation
            annotation = arms[0]
        else:
            return annotation


@lru_cache(maxsize=4096)
def _kind_of(annotation: Any) -> str | None:
    return _ask(annotation)


def _ask(annotation: Any) -> str | None:
    return next((kind.name for kind in _installed() if kind.accepts(annotation)), None)


@lru_cache(maxsize=1)
def _installed() -> tuple[StorableKind, ...]:
    found = sorted(entry_points(group="kaon.kinds"), key=lambda point: point.name)
    return tuple(point.load()() for point in found)
