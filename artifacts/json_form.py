"""Plain JSON, and the one way a value is written as it."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from typing_extensions import TypeAliasType

from .errors import NotStorable

Json = TypeAliasType("Json", "bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None")
"""What JSON can say."""

PLAIN = frozenset({str, int, float, bool, type(None)})
"""The types whose values are their own JSON form."""


def canonical_json(value: object) -> bytes:
    """Return the value as JSON in UTF-8, the same bytes for equal values.

    Keys are sorted, sets too; floats are written as Python's shortest form, NaN and infinities as `NaN`, `Infinity`.
    Raises NotStorable, naming the place inside the value, for what JSON cannot say.

    >>> canonical_json({"b": (1, 2), "a": {3.5}})
    b'{"a":[3.5],"b":[1,2]}'
    """
    try:
        text = _text(json_form(value))
    except RecursionError:
        raise NotStorable(
            "the value is nested too deeply for JSON",
            why="a list or mapping holds itself, or hundreds of others one in the other",
            fix="return it flat: a list of pairs of parent and child, or a table",
        ) from None
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotStorable(
            f"the value holds text that UTF-8 cannot say: {text[error.start : error.end]!r}",
            where=text[max(error.start - 30, 0) : error.end + 30].encode("utf-8", "replace").decode(),
            why="a lone surrogate usually comes from bytes decoded with errors='surrogateescape'",
            fix="decode with errors='replace'",
        ) from None


def json_form(value: object, where: str = "value") -> Json:
    """Return the value in plain JSON types: models and dataclasses as mappings by field, dates as ISO 8601."""
    match value:
        case Enum():
            return json_form(value.value, where)
        case None | bool():
            return value
        case str():
            return str(value)
        case int():
            return int(value)
        case float():
            return float(value)
        case Mapping():
            return _mapping(value, where)
        case tuple() | list():
            if PLAIN.issuperset(map(type, value)):  # a hundred thousand ids are no hundred thousand calls
                return list(value)
            return [json_form(item, f"{where}[{place}]") for place, item in enumerate(value)]
        case Set():
            return sorted((json_form(item, f"{where}{{…}}") for item in value), key=_text)
        case datetime() | date() | time():
            return value.isoformat()
        case Decimal() | UUID() | PurePath():
            return str(value)
        case timedelta():
            return _duration(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: json_form(getattr(value, field.name), f"{where}.{field.name}")
            for field in dataclasses.fields(value)
        }
    return _foreign(value, where)


def finite(number: float) -> float | str:
    """Return the number, or its name where JSON has no such number.

    >>> finite(0.5), finite(float("nan"))
    (0.5, 'nan')
    """
    return float(number) if math.isfinite(number) else str(float(number))


def _foreign(value: object, where: str) -> Json:
    """Return the JSON form of a pydantic model or a numpy scalar, told apart without importing either."""
    ancestors = {(kind.__module__.partition(".")[0], kind.__name__) for kind in type(value).__mro__}
    if ("pydantic", "BaseModel") in ancestors:
        return json_form(value.model_dump(mode="python", round_trip=True), where)  # type: ignore[attr-defined]
    if ("numpy", "generic") in ancestors and type(item := value.item()) is not type(value):  # type: ignore[attr-defined]
        return json_form(item, where)
    raise NotStorable(
        f"{where} is a {type(value).__module__}.{type(value).__qualname__}, which JSON cannot say",
        why="JSON has mappings, lists, text, numbers, true, false and null; dataclasses, pydantic models, enums and "
        "dates are written as those",
        fix="return a type that a kind of its own stores (a table, an array, …), or turn it into one of these",
    )


def _mapping(value: Mapping[object, object], where: str) -> dict[str, Json]:
    form: dict[str, Json] = {}
    for key, item in value.items():
        name = _key(key, where)
        if name in form:
            raise NotStorable(
                f"{where} has two keys that JSON writes as {name!r}",
                why="the keys of a JSON object are text",
                fix="use keys that differ as text",
            )
        form[name] = json_form(item, f"{where}[{name!r}]")
    return form


def _key(key: object, where: str) -> str:
    form = json_form(key, f"a key of {where}")
    match form:
        case str():
            return form
        case None | bool() | int() | float():
            return _text(form)
    raise NotStorable(
        f"{where} has the key {key!r}, a {type(key).__name__}",
        why="the keys of a JSON object are text",
        fix="use text, numbers, enums or dates as keys, or return a list of pairs",
    )


def _duration(value: timedelta) -> str:
    """Return an ISO 8601 duration that keeps every microsecond, as pydantic reads it.

    >>> _duration(timedelta(hours=30, microseconds=5))
    'P1DT21600.000005S'
    """
    sign = "-" if value < timedelta() else ""
    size = abs(value)
    return f"{sign}P{size.days}DT{size.seconds}.{size.microseconds:06d}S"


def _text(form: Json) -> str:
    return json.dumps(form, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
