"""Types as the wiring sees them: whether an output fits an input, what a loop runs over, how a type is written."""

import types
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as SequenceType
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin

from .kinds import TABLE, kind_of

OPTIONAL_ORIGINS = (Union, types.UnionType)


def fits(output: Any, wanted: Any) -> bool:
    """Return whether a value of type `output` can be given where `wanted` is asked for.

    Types fit if they are equal, a subclass, a NewType where its supertype is asked for, an int where a float is,
    covariantly in their arguments, or if both are forms of a table.
    """
    if output is wanted:
        return True
    output, wanted = plain(output), plain(wanted)
    if wanted is Any or wanted is object or output is Any or output == wanted or isinstance(wanted, TypeVar):
        return True
    if get_origin(output) in OPTIONAL_ORIGINS:
        return all(fits(arm, wanted) for arm in get_args(output))
    if get_origin(wanted) in OPTIONAL_ORIGINS:
        return any(fits(output, arm) for arm in get_args(wanted))
    if isinstance(output, NewType):
        return fits(output.__supertype__, wanted)
    if isinstance(wanted, NewType):
        return False
    if get_origin(output) is Literal:
        if get_origin(wanted) is Literal:
            return set(get_args(output)) <= set(get_args(wanted))
        return all(fits(type(value), wanted) for value in get_args(output))
    return _classes_fit(output, wanted) or (kind_of(output) == TABLE == kind_of(wanted))


def _classes_fit(output: Any, wanted: Any) -> bool:
    made, asked = get_origin(output) or output, get_origin(wanted) or wanted
    if not isinstance(made, type) or not isinstance(asked, type):
        return False
    if asked is float and made is int:
        return True
    if not issubclass(made, asked):
        return False
    given, expected = _arguments(output), _arguments(wanted)
    if not given or not expected:
        return True
    if issubclass(made, tuple) and asked is not tuple and len(given) != len(expected):
        return all(fits(argument, expected[0]) for argument in given)
    return len(given) == len(expected) and all(map(fits, given, expected))


def _arguments(annotation: Any) -> tuple[Any, ...]:
    arguments = get_args(annotation)
    return arguments[:1] if len(arguments) == 2 and arguments[1] is Ellipsis else arguments


def items_of(annotation: Any) -> tuple[Any, Any, bool] | None:
    """Return (key type, item type, whether it is a mapping) of a list or mapping, or None if it is neither."""
    annotation = plain(annotation)
    while isinstance(annotation, NewType):
        annotation = plain(annotation.__supertype__)
    container = get_origin(annotation) or annotation
    if not isinstance(container, type) or issubclass(container, str | bytes):
        return None
    arguments = _arguments(annotation)
    if issubclass(container, Mapping):
        key, value = arguments if len(arguments) == 2 else (Any, Any)
        return key, value, True
    if issubclass(container, list | tuple) or container is SequenceType:
        item = Union[arguments] if arguments else Any  # noqa: UP007  made at run time
        return item, item, False
    return None


def common_type(values: Iterable[object]) -> Any:
    """Return the narrowest type that all the values fit."""
    found = {type(value) for value in values}
    if len(found) == 1:
        return found.pop()
    return float if found == {int, float} else Any


def mapping_of(key: Any, value: Any) -> Any:
    """Return the type of a mapping from keys to values of these types."""
    return types.GenericAlias(Mapping, (key, value))


def optional(annotation: Any) -> Any:
    """Return the type with None added."""
    return Union[annotation, None]  # noqa: UP007  made at run time


def either(first: Any, second: Any) -> Any:
    """Return the type of a value that has one type or the other."""
    return Union[first, second]  # noqa: UP007  made at run time


def plain(annotation: Any) -> Any:
    """Return the type without the metadata of Annotated."""
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def shown(annotation: Any) -> str:
    """Return a type as one would write it.

    >>> shown(Mapping[str, int | None])
    'Mapping[str, int | None]'
    """
    annotation = plain(annotation)
    if annotation is None or annotation is type(None):
        return "None"
    if annotation is Ellipsis:
        return "..."
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in OPTIONAL_ORIGINS:
        return " | ".join(map(shown, arguments))
    if origin is Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is not None and arguments:
        return f"{shown(origin)}[{', '.join(map(shown, arguments))}]"
    return getattr(annotation, "__name__", None) or str(annotation)
