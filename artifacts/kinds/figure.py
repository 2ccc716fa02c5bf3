"""Altair charts as Vega-Lite."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from ..errors import NotStorable
from ..json_form import Json, canonical_json
from .annotations import is_a, is_anything, refused, unreadable

COUNTED = re.compile(r"\b(param|view)_[0-9a-f]+\b")
"""Names that Altair makes up: by a counter of the process, or by a hash."""

_rows_unlimited = threading.Lock()


class FigureKind:
    """A chart with its data, as canonical Vega-Lite JSON; reads as an altair chart or, plainly, as the mapping."""

    name = "figure"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "altair", "TopLevelMixin")

    def dump(self, value: Any, to: BinaryIO) -> None:
        to.write(canonical_json(_specification(value)))

    def load(self, source: BinaryIO, wanted: object) -> object:
        specification = json.loads(source.read())
        if is_anything(wanted) or wanted is dict:
            return specification
        if not self.accepts(wanted):
            raise unreadable(self.name, wanted, "altair's charts and dict (Vega-Lite)")
        return wanted.from_dict(specification)  # type: ignore[attr-defined]

    def summary(self, value: Any) -> dict[str, Json]:
        specification = _specification(value)
        mark = specification.get("mark")
        title = specification.get("title")
        return {
            "chart": type(value).__name__,
            "mark": mark.get("type") if isinstance(mark, Mapping) else mark,
            "title": title.get("text") if isinstance(title, Mapping) else title,
        }


def _specification(value: Any) -> dict[str, Any]:
    """Return the chart's Vega-Lite, with counted names numbered in the order in which they stand there."""
    import altair
    from altair.utils.schemapi import SchemaValidationError

    if not is_a(type(value), "altair", "TopLevelMixin"):
        raise refused(value, "figure", "altair charts")
    try:
        with _rows_unlimited, altair.data_transformers.enable("default", max_rows=None):
            specification = value.to_dict()
    except (ValueError, SchemaValidationError) as error:
        raise NotStorable(
            "the chart is not valid Vega-Lite",
            why=str(error),
            fix="show it in a notebook (chart.display()) and mend what Altair names there",
        ) from error
    counted = dict.fromkeys(_counted(specification))
    names = {name: f"{name.partition('_')[0]}_{place}" for place, name in enumerate(counted, 1)}
    renamed: dict[str, Any] = _renamed(specification, names)
    return renamed


def _counted(part: Any) -> Iterator[str]:
    """Yield the names that Altair counted, in a fixed order; data keeps its own words."""
    if isinstance(part, Mapping):
        name = part.get("name")
        if isinstance(name, str) and COUNTED.fullmatch(name):
            yield name
        for key in sorted(part, key=str):
            if key not in ("data", "datasets"):
                yield from _counted(part[key])
    elif isinstance(part, list):
        for item in part:
            yield from _counted(item)


def _renamed(part: Any, names: Mapping[str, str]) -> Any:
    if isinstance(part, Mapping):
        return {key: item if key in ("data", "datasets") else _renamed(item, names) for key, item in part.items()}
    if isinstance(part, list):
        return [_renamed(item, names) for item in part]
    if isinstance(part, str):
        return re.sub(COUNTED, lambda found: names.get(found[0], found[0]), part)
    return part
