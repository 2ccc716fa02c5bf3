"""Reading annotations without importing the libraries that they name."""

from __future__ import annotations

import types
from typing import Annotated, Any, NewType, Union, get_args, get_origin

from ..errors import NotStorable, WrongType


def stripped(annotation: object) -> object:
    """Return the annotation without Annotated, NewType, type aliases and Optional.

    >>> stripped(Annotated[int | None, "rank"])
    <class 'int'>
    """
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif type(annotation).__name__ == "TypeAliasType":
            annotation = annotation.__value__  # type: ignore[attr-defined]
        elif is_optional(annotation) and len(get_args(annotation)) == 2:
            annotation = next(choice for choice in get_args(annotation) if choice is not type(None))
        else:
            return annotation


def is_optional(annotation: object) -> bool:
    """Say whether None is one of the annotation's choices."""
    if get_origin(annotation) is Annotated:
        return is_optional(get_args(annotation)[0])
    return get_origin(annotation) in (Union, types.UnionType) and type(None) in get_args(annotation)


def is_anything(wanted: object) -> bool:
    """Say whether the reader leaves the form of the value to its kind."""
    return wanted is object or wanted is Any


def is_a(annotation: object, package: str, *names: str) -> bool:
    """Say whether the class (or the class of a generic alias) is, or descends from, `package`'s class of that name.

    package: the top-level package, so that a class may move within it.

    >>> is_a(int, "builtins", "int"), is_a(bool, "builtins", "int"), is_a("int", "builtins", "int")
    (True, True, False)
    """
    kind = get_origin(annotation) or annotation
    if not isinstance(kind, type):
        return False
    return any(
        ancestor.__name__ in names and ancestor.__module__.partition(".")[0] == package for ancestor in kind.__mro__
    )


def type_name(annotation: object) -> str:
    """Return the annotation as a user would write it, with the module of a class outside builtins.

    >>> type_name(int), type_name(list[int])
    ('int', 'list[int]')
    """
    if isinstance(annotation, type) and get_origin(annotation) is None:
        module = annotation.__module__
        return annotation.__qualname__ if module == "builtins" else f"{module}.{annotation.__qualname__}"
    return str(annotation)


def refused(value: object, kind: str, stores: str) -> NotStorable:
    """Return the error for a value that is not of its kind."""
    return NotStorable(
        f"a {type_name(type(value))} cannot be stored as {kind}",
        why=f"the output is annotated as {kind}, which stores {stores}",
        fix="return such a value, or annotate the output with the type that the step returns",
    )


def unreadable(kind: str, wanted: object, offers: str) -> WrongType:
    """Return the error for an artifact that cannot be read as asked."""
    return WrongType(
        f"an artifact of kind {kind} cannot be read as {type_name(wanted)}",
        why=f"{kind} gives {offers}",
        fix="annotate the input with one of these",
    )
