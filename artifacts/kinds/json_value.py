"""Plain values, dataclasses and pydantic models, as canonical JSON."""

from __future__ import annotations

import dataclasses
import json
import sys
import types
from collections.abc import Mapping, MutableMapping, MutableSequence, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, BinaryIO, ForwardRef, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from typing_extensions import is_typeddict

from ..errors import WrongType
from ..json_form import Json, canonical_json, finite
from .annotations import is_a, is_anything, stripped, type_name

SCALARS = (type(None), bool, int, float, str, date, datetime, time, timedelta, Decimal, UUID, Path, PurePath)
COLLECTIONS = (list, tuple, dict, set, frozenset, Mapping, MutableMapping, Sequence, MutableSequence, Set)
SHOWN = 8
"""Fields or items in a summary."""


class JsonKind:
    """Numbers, text, dates, enums, lists, mappings, dataclasses, named tuples and pydantic models."""

    name = "json"

    def accepts(self, annotation: object) -> bool:
        return _is_plain(annotation, frozenset())

    def dump(self, value: object, to: BinaryIO) -> None:
        to.write(canonical_json(value))

    def load(self, source: BinaryIO, wanted: object) -> object:
        raw = source.read()
        if is_anything(wanted):
            return json.loads(raw)
        if not _is_plain(stripped(wanted), frozenset()):
            raise _not_json(wanted, "json gives plain values, dataclasses and pydantic models")
        return _validated(raw, wanted)

    def summary(self, value: object) -> dict[str, Json]:
        match value:
            case bool() | int() | None:
                return {"value": value}
            case float():
                return {"value": finite(value)}
            case str():
                return {"characters": len(value)}
            case Mapping():
                return {"items": len(value), "keys": [str(key) for key in list(value)[:SHOWN]]}
            case Sequence() | Set():
                return {"items": len(value)}
        return {"type": type(value).__qualname__}


def _validated(raw: bytes, wanted: object) -> object:
    from pydantic import PydanticUserError, ValidationError

    try:
        return _adapter(wanted).validate_json(raw, by_alias=True, by_name=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise _not_json(wanted, f"{f'at {place}: ' if place else ''}{first['msg']}") from None
    except PydanticUserError as error:
        raise _not_json(wanted, f"pydantic cannot check it: {error}") from error


def _adapter(wanted: object) -> Any:
    try:
        return _cached_adapter(wanted)
    except TypeError:
        return _cached_adapter.__wrapped__(wanted)


@lru_cache(maxsize=512)
def _cached_adapter(wanted: Any) -> Any:
    from pydantic import PydanticUserError, TypeAdapter
    from pydantic.errors import PydanticUndefinedAnnotation

    try:
        return TypeAdapter(wanted)
    except (PydanticUserError, PydanticUndefinedAnnotation, NameError, RecursionError) as error:
        raise _not_json(wanted, f"pydantic cannot check it: {error}") from error


def _not_json(wanted: object, why: str) -> WrongType:
    return WrongType(
        f"the JSON value is not a {type_name(wanted)}",
        why=why,
        fix="let the annotation of the output say what the step returns, and that of the input what it reads",
    )


def _is_plain(annotation: object, seen: frozenset[object]) -> bool:
    """Say whether JSON holds the annotation whole; `seen` are the classes that enclose it."""
    annotation = stripped(annotation)
    if annotation in SCALARS:
        return True
    if isinstance(annotation, (str, ForwardRef)) or is_anything(annotation):
        return bool(seen)
    origin = get_origin(annotation)
    if origin is Literal:
        return True
    if origin in (Union, types.UnionType):
        return all(_is_plain(choice, seen) for choice in get_args(annotation))
    if origin in COLLECTIONS or annotation in COLLECTIONS:
        items = (item for item in get_args(annotation) if item is not Ellipsis)
        return all(_is_plain(item, seen | {origin}) for item in items)
    return isinstance(origin or annotation, type) and _is_plain_class(origin or annotation, seen)


def _is_plain_class(annotation: Any, seen: frozenset[object]) -> bool:
    if annotation in seen:
        return True
    if is_a(annotation, "enum", "Enum") or is_a(annotation, "pydantic", "BaseModel"):
        return True
    named_tuple = issubclass(annotation, tuple) and hasattr(annotation, "_fields")
    if not (dataclasses.is_dataclass(annotation) or _is_checked_dict(annotation) or named_tuple):
        return False
    try:
        hints = get_type_hints(annotation, include_extras=True)
    except Exception:  # a hint may run any code, and one that cannot be read cannot be stored
        return False
    if dataclasses.is_dataclass(annotation):
        hints = {field.name: hints[field.name] for field in dataclasses.fields(annotation)}
    return all(_is_plain(hint, seen | {annotation}) for hint in hints.values())


def _is_checked_dict(annotation: Any) -> bool:
    """Say whether it is a TypedDict that pydantic can check: before Python 3.12 only typing_extensions' own."""
    return is_typeddict(annotation) and (sys.version_info >= (3, 12) or type(annotation).__module__ != "typing")
