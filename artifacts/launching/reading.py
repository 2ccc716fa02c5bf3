"""What a person wrote into a workflow's form: its values, what varies, and what is wrong, field by field."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from .fields import REQUIRED, Field, Form, settings_of
from .points import count_of
from .said import misfit

MOST_VALUES = 1_000
"""Values of one setting."""
MOST_POINTS = 100_000
"""Points of a sweep that is started from the form."""

VALUE, VARIES, LISTED, LOW, HIGH, COUNT = "v-", "varies-", "list-", "low-", "high-", "count-"
"""Beginnings of the names under which the parts of a field come."""


@dataclass(slots=True)
class Reading:
    """A form as it was read."""

    texts: Mapping[str, str]
    """As it was written, by the names in the form."""
    values: dict[str, Any] = field(default_factory=dict)
    """By address, complete but for what is wrong or varies."""
    axes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """What varies, by address."""
    wrong: dict[str, str] = field(default_factory=dict)
    """What is wrong, by the name of the field, or of its part, as it is in the form."""
    sample: int | None = None
    seed: int = 0
    compare: str = ""
    """What points are compared by, `output.metric`; empty: nothing."""
    less_is_better: bool = False

    @property
    def points(self) -> int:
        """How many points there are; 1 if nothing varies."""
        whole = count_of(self.axes) if self.axes else 1
        return min(whole, self.sample or whole) if whole is not None else self.sample or 0

    def changed(self, form: Form) -> dict[str, Any]:
        """Return the settings that differ from their defaults, by address."""
        defaults = form.defaults()
        return {a: v for a, v in self.values.items() if a not in defaults or defaults[a] != v}


class _Misfit(Exception):
    """A text is no value of its field."""


def read_form(form: Form, texts: Mapping[str, str]) -> Reading:
    """Return what was written; what is wrong with a field is said under its name."""
    reading = Reading(texts)
    values: dict[str, Any] = {}
    for name, one in form.fields.items():
        how = texts.get(VARIES + name, "") if one.swept else ""
        if how:
            _read_axis(reading, one, how)
            continue
        try:
            values[name] = read_value(one, texts.get(VALUE + name, one.text(one.default)))
        except _Misfit as wrong:
            reading.wrong[VALUE + name] = str(wrong)
    reading.values = settings_of(values, form)
    _read_sampling(reading)
    return reading


def read_value(one: Field, text: str) -> Any:
    """Return the value that a text stands for. Raises ValueError, in words for people, if it does not fit the field."""
    stripped = text.strip()
    if not stripped and one.kind not in ("text", "list", "json"):
        if one.optional:
            return None
        raise _Misfit("needs a value")
    if not stripped and one.optional:
        return None
    if not stripped and one.default is REQUIRED and one.kind != "list":
        raise _Misfit("needs a value")
    value = _parsed(one, text if one.kind == "text" else stripped)
    problem = misfit(one, value)
    if problem:
        raise _Misfit(problem)
    return value


def _parsed(one: Field, text: str) -> Any:
    match one.kind:
        case "integer":
            return _number(text, whole=True)
        case "number":
            return _number(text, whole=False)
        case "boolean":
            return {"true": True, "false": False}.get(text.lower(), text)
        case "choice":
            return next((choice for choice in one.choices if one.text(choice) == text), text)
        case "list":
            return [_item(one, line.strip()) for line in text.splitlines() if line.strip()]
        case "json":
            try:
                return json.loads(text or "null")
            except ValueError as fault:
                raise _Misfit(f"is no JSON: {fault}") from None
        case "date" | "date-time":
            return _time(one, text)
        case "any":
            try:
                return json.loads(text)
            except ValueError:
                return text
    return text


def _number(text: str, *, whole: bool) -> int | float:
    try:
        number = float(text)
    except ValueError:
        raise _Misfit(f"must be a {'whole ' if whole else ''}number, and {text[:40]!r} is none") from None
    if not math.isfinite(number):
        raise _Misfit("must be a finite number")
    if not whole:
        return number
    if not number.is_integer():
        raise _Misfit("must be a whole number")
    return int(text) if text.lstrip("+-").isdigit() else int(number)


def _item(one: Field, text: str) -> Any:
    arms = one.schema.get("anyOf", (one.schema,))
    kind = next((arm["items"].get("type") for arm in arms if isinstance(arm.get("items"), dict)), "string")
    return text if kind == "string" else _number(text, whole=kind == "integer")


def _time(one: Field, text: str) -> str:
    from pydantic import TypeAdapter, ValidationError

    asked: Any = date if one.kind == "date" else datetime
    try:
        return str(TypeAdapter(asked).dump_python(TypeAdapter(asked).validate_python(text), mode="json"))
    except ValidationError:
        example = "2026-01-31" if one.kind == "date" else "2026-01-31T03:00:00Z"
        raise _Misfit(f"must be a {one.kind.replace('-', ' and ')}, such as {example}") from None


def _read_axis(reading: Reading, one: Field, how: str) -> None:
    before = len(reading.wrong)
    listed = how == "list" or not one.ranged
    axis = _read_list(reading, one) if listed else _read_range(reading, one, log=how == "log")
    if len(reading.wrong) == before:
        reading.axes[one.address] = axis


def _read_list(reading: Reading, one: Field) -> dict[str, Any]:
    written = reading.texts.get(LISTED + one.name, "").replace("\n", ",")
    texts = [text.strip() for text in written.split(",") if text.strip()]
    values: list[Any] = []
    try:
        for text in texts:
            value = read_value(one, text)
            if value in values:
                raise _Misfit(f"has {text} twice")
            values.append(value)
        if not values:
            raise _Misfit("needs values, with commas between them")
        if len(values) > MOST_VALUES:
            raise _Misfit(f"has more than {MOST_VALUES:,} values; sweep a range, and draw points of it")
    except _Misfit as wrong:
        reading.wrong[LISTED + one.name] = str(wrong)
    return {"values": values}


def _read_range(reading: Reading, one: Field, *, log: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"log": log, "integer": one.kind == "integer"}
    for part, prefix in (("low", LOW), ("high", HIGH)):
        try:
            found[part] = read_value(one, reading.texts.get(prefix + one.name, ""))
        except _Misfit as wrong:
            reading.wrong[prefix + one.name] = str(wrong)
    count = reading.texts.get(COUNT + one.name, "").strip()
    if count and not (count.isdigit() and 2 <= int(count) <= MOST_VALUES):
        reading.wrong[COUNT + one.name] = f"must be a whole number from 2 to {MOST_VALUES:,}, or left empty"
    found["count"] = int(count) if count.isdigit() else None
    if "low" not in found or "high" not in found:
        return found
    if found["low"] is None or found["high"] is None or found["low"] >= found["high"]:
        reading.wrong[HIGH + one.name] = "must be more than where the range begins"
    elif log and found["low"] <= 0:
        reading.wrong[LOW + one.name] = "must be more than 0 on a logarithmic scale"
    return found


def _read_sampling(reading: Reading) -> None:
    texts = reading.texts
    sample, seed = texts.get("sample", "").strip(), texts.get("seed", "").strip() or "0"
    reading.compare, reading.less_is_better = texts.get("compare", "").strip(), texts.get("better") == "less"
    if not reading.axes:
        return
    if sample and not (sample.isdigit() and 1 <= int(sample) <= MOST_POINTS):
        reading.wrong["sample"] = (
            f"must be a whole number from 1 to {MOST_POINTS:,}, or left empty for every combination"
        )
    elif sample:
        reading.sample = int(sample)
    if not seed.lstrip("-").isdigit():
        reading.wrong["seed"] = "must be a whole number"
    else:
        reading.seed = int(seed)
    whole = count_of(reading.axes)
    if whole is None and reading.sample is None and "sample" not in reading.wrong:
        reading.wrong["sample"] = "say how many points are drawn, since a range without a number of values has no end"
    elif whole is not None and whole > MOST_POINTS and reading.sample is None:
        reading.wrong["sample"] = f"{whole:,} combinations are more than {MOST_POINTS:,}: draw some of them"
