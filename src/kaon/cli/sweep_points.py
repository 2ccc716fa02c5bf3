"""The points of a sweep from a file: CSV with a column for each setting, or a JSON list of objects."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kaon.dsl.errors import Problem, did_you_mean

from .refusals import CallError
from .setting_values import field_of
from .sweep_values import misfit, value_of

if TYPE_CHECKING:
    from pydantic import BaseModel

Points = tuple[tuple[object, ...], ...]


def points_in(path: Path, model: "type[BaseModel]") -> tuple[tuple[str, ...], Points, list[Problem]]:
    """Return the addresses of the settings that a file lists points of, the points, and what is wrong with them.

    Raises CallError for a file that cannot be read.
    """
    rows = _rows(path)
    names = tuple(rows[0][1]) if rows else ()
    if not names:
        fix = "its first line names settings, the others hold their values: train_als.rank,train_als.alpha"
        raise CallError(
            f"{path} has no points", why="it is empty", fix=fix if path.suffix == ".csv" else "list objects"
        )
    problems = [
        Problem(f"{path} has the column {name!r}, which is no setting", fix=did_you_mean(name, _addresses(model)))
        for name in names
        if field_of(model, name) is None
    ]
    points: dict[str, tuple[object, ...]] = {}
    for place, row in rows:
        if set(row) != set(names) or None in row.values():
            why = f"every point has a value for each of: {', '.join(names)}"
            problems.append(Problem(f"{place} of {path} is not complete", why=why, fix="write every value"))
        elif not any(field_of(model, name) is None for name in names):
            point = tuple(_value(model, name, row[name], f" ({place} of {path})", problems) for name in names)
            if repr(point) in points:
                why = "a point is the key of its results"
                problems.append(Problem(f"{place} of {path} stands there twice", why=why, fix="remove one"))
            points[repr(point)] = point
    return names, tuple(points.values()), problems


def _addresses(model: "type[BaseModel]") -> tuple[str, ...]:
    from kaon.dsl.settings import addresses

    return addresses(model)


def _value(model: "type[BaseModel]", name: str, raw: object, where: str, problems: list[Problem]) -> object:
    setting = field_of(model, name)
    assert setting is not None, "unknown columns are told before"
    text = raw if isinstance(raw, str) else json.dumps(raw)
    try:
        return value_of(name, setting, text)
    except ValueError as fault:
        problems.append(misfit(name, text, fault, where))
        return None


def _rows(path: Path) -> list[tuple[str, Mapping[str, object]]]:
    """Return the rows of a file, each with where it stands, as people count lines and objects: from 1."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise CallError(f"the points {str(path)!r} cannot be read", why=str(error), fix="give --points FILE") from None
    if path.suffix == ".csv":
        reader = csv.DictReader(text.splitlines())
        return [(f"line {reader.line_num}", row) for row in reader]
    try:
        rows = json.loads(text)
    except ValueError as error:
        raise CallError(f"{path} is no JSON", why=str(error), fix="name a CSV file .csv") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        fix = 'write [{"train_als.rank": 32, "train_als.alpha": 1.0}, …]'
        raise CallError(f"{path} is no list of points", why="JSON points are a list of objects", fix=fix)
    return [(f"object {number}", row) for number, row in enumerate(rows, 1)]
