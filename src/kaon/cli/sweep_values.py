"""`name=value` of `kaon sweep`: one value fixes a setting; a list or a range sweeps it.

train_als.rank=64               fixed
train_als.rank=32,64,128        a list; text with commas in it is quoted: name='"a,b","c"'
train_als.rank=8..128           a range: every integer of it in a grid, any of it where points are drawn
train_als.alpha=1..40:5         five values, evenly spread
train_als.alpha=1..40:log:5     five values, each the same multiple of the one before
train_als.alpha=1..40:log       any number of the range, on a logarithmic scale
find.wanted=ca,us               fixed: the setting is itself a list; JSON does as well: '["ca","us"]'
find.wanted='ca,us;ca'          a list of lists: values with commas of their own are separated by ;
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from kaon.artifacts.launching.points import axis_values
from kaon.dsl.errors import Problem
from kaon.dsl.kinds import storable
from kaon.dsl.spaces import Axis, Choice, Range
from kaon.dsl.values import annotation_of, from_json, to_json

from .setting_values import field_of, read

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

NUMBER = r"[-+]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][-+]?\d+)?"
RANGE = re.compile(rf"({NUMBER})\.\.({NUMBER})((?::[^:]*)*)")


@dataclass(slots=True)
class Given:
    """What the values on a command line say: settings that are fixed, settings that vary, and what is wrong."""

    fixed: dict[str, object] = field(default_factory=dict)
    axes: dict[str, Axis] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def parse_given(model: "type[BaseModel]", arguments: Iterable[str]) -> Given:
    """Return what the arguments say, each value in its setting's type, with everything that is wrong with them."""
    given = Given()
    for argument in arguments:
        address, equals, text = argument.partition("=")
        if not equals or not address:
            why = "what follows FLOW are settings, such as train_als.rank=32,64"
            given.problems.append(Problem(f"{argument!r} is not of the form name=value", why=why, fix=f"{argument}=…"))
        elif address in given.fixed or address in given.axes:
            given.problems.append(Problem(f"{address!r} is given twice", fix="give it once, with all its values"))
        elif (setting := field_of(model, address)) is None:
            _note_unknown(given, address, text)
        else:
            _note(given, address, setting, text)
    return given


def checked_axes(model: "type[BaseModel]", fixed: Mapping[str, object], axes: Mapping[str, Mapping[str, Any]]) -> Given:
    """Return settings that are given as JSON, with everything that is wrong with the values of those that vary."""
    given = Given(fixed=dict(fixed))
    for address, axis in axes.items():
        setting = field_of(model, address)
        values = axis_values(axis)
        if setting is None or values is None:  # who judges the sweep knows; a range is checked by its ends
            continue
        for value in values:
            try:
                from_json(value, annotation_of(setting))
            except ValueError as fault:
                given.problems.append(misfit(address, json.dumps(value), fault))
    return given


def value_of(address: str, setting: "FieldInfo", text: str) -> object:
    """Return the value that a text stands for, as JSON. Raises ValueError if it does not fit the setting."""
    return to_json(from_json(read(setting, text), annotation_of(setting)))


def misfit(address: str, text: str, fault: object, where: str = "") -> Problem:
    """Return the problem of a value that does not fit its setting."""
    return Problem(f"{address}={text!r} does not fit{where}", why=str(fault), fix=f"give {address} another value")


def _note_unknown(given: Given, address: str, text: str) -> None:
    """Keep an unknown setting for whoever knows the workflow to name it."""
    if "," in text or ";" in text or RANGE.fullmatch(text):
        given.axes[address] = Choice((text,))
    else:
        given.fixed[address] = text


def _note(given: Given, address: str, setting: "FieldInfo", text: str) -> None:
    try:
        span = RANGE.fullmatch(text)
        if span is not None and _takes_numbers(setting.annotation):
            given.axes[address] = _range(address, setting, *span.groups())
            return
        texts = _split(setting.annotation, text)
        values = []
        for one in texts:
            try:
                values.append(value_of(address, setting, one))
            except ValueError as fault:
                given.problems.append(misfit(address, one, fault))
    except _Wrong as wrong:
        given.problems.append(wrong.problem)
        return
    if len(texts) == 1:
        given.fixed |= dict(zip([address], values, strict=False))  # nothing, if the value does not fit
        return
    given.axes[address] = Choice(tuple(values))
    twice = [one for number, one in enumerate(values) if one in values[:number]]
    if twice:
        fix = "give each value once"
        given.problems.append(Problem(f"{address} has the value {json.dumps(twice[0])} twice", fix=fix))


class _Wrong(Exception):
    def __init__(self, what: str, *, why: str = "", fix: str) -> None:
        self.problem = Problem(what, why=why, fix=fix)


def _range(address: str, setting: "FieldInfo", first: str, last: str, options: str) -> Range:
    whole = _takes_integers(setting.annotation)
    low, high, shown = float(first), float(last), f"{address}={first}..{last}{options}"
    log, steps = False, None
    for option in options.split(":")[1:]:
        if option == "log":
            log = True
        elif option.isdigit() and int(option) > 1:
            steps = int(option)
        else:
            why = "after a range stand log, and how many values of it, at least 2"
            raise _Wrong(f"{shown}: {option!r} says nothing", why=why, fix=f"{address}={first}..{last}:log:5")
    if low >= high:
        raise _Wrong(
            f"{shown} is no range", why="it goes from the smaller to the larger", fix=f"{address}={last}..{first}"
        )
    if log and low <= 0:
        raise _Wrong(
            f"{shown} cannot be logarithmic", why="its numbers must be above 0", fix=f"{address}=0.01..{last}:log"
        )
    if whole and not (low.is_integer() and high.is_integer()):
        raise _Wrong(f"{shown} does not fit", why=f"{address} is a whole number", fix="give whole bounds")
    axis = Range(int(low) if whole else low, int(high) if whole else high, log, whole, steps)
    for value in axis.examples if axis.listed is None else axis.listed:
        try:
            from_json(value, annotation_of(setting))
        except ValueError as fault:
            raise _Wrong(
                f"{shown}: {value!r} does not fit", why=str(fault), fix=f"give {address} other bounds"
            ) from None
    return axis


def _split(annotation: Any, text: str) -> list[str]:
    """Return the values that a text lists: separated by ; where they have commas of their own, else by commas."""
    if _is_compound(annotation):
        return [part.strip() for part in text.split(";")]
    try:
        listed = json.loads(f"[{text}]")
    except ValueError:
        return [part.strip() for part in text.split(",")] if "," in text else [text]
    if len(listed) == 1:
        return [text]
    return [one if isinstance(one, str) else json.dumps(one) for one in listed]


def _is_compound(annotation: Any) -> bool:
    """Return whether values of a type are written with commas: lists, mappings, models."""
    annotation = storable(annotation)
    kind = get_origin(annotation) or annotation
    if kind is Union or not isinstance(kind, type):
        return any(_is_compound(arm) for arm in get_args(annotation)) if kind is Union else False
    compound = issubclass(kind, list | tuple | AbstractSet | Mapping) or kind is Sequence
    return compound or is_dataclass(kind) or hasattr(kind, "model_fields")


def _numeric(annotation: Any) -> set[type]:
    annotation = storable(annotation)
    arms = get_args(annotation) or (annotation,)
    return {arm for arm in map(storable, arms) if arm in (int, float)}


def _takes_numbers(annotation: Any) -> bool:
    return bool(_numeric(annotation)) and not _is_compound(annotation)


def _takes_integers(annotation: Any) -> bool:
    return _numeric(annotation) == {int}
