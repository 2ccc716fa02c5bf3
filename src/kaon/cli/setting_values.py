"""`name=value` and `step.setting=value` on the command line, read as the workflow's settings say."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any, get_origin

from .refusals import CallError

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic.fields import FieldInfo


def parse_values(model: "type[BaseModel]", given: Iterable[str]) -> dict[str, object]:
    """Return the values by address, as text where the setting takes text, else as the JSON that they are.

    A list may be given as JSON or with commas: `markets=ca,us`. Whether a value fits is for the model to say.
    Raises CallError for what is not of the form name=value, and for a name given twice.
    """
    values: dict[str, object] = {}
    for argument in given:
        address, equals, text = argument.partition("=")
        if not equals or not address:
            raise CallError(
                f"{argument!r} is not of the form name=value",
                why="what follows FLOW are settings, such as train_als.rank=8",
                fix=f"{argument}=…" if not equals else "name the setting before the equals sign",
            )
        if address in values:
            raise CallError(f"{address!r} is given twice", fix="give it once")
        field = field_of(model, address)
        values[address] = text if field is None else read(field, text)
    return values


def field_of(model: "type[BaseModel]", address: str) -> "FieldInfo | None":
    """Return the field of a setting's address; None if there is no such setting."""
    first, _, rest = address.partition(".")
    field = model.model_fields.get(first)
    if field is None or not rest:
        return field
    group = field.annotation
    return group.model_fields.get(rest) if isinstance(group, type) and hasattr(group, "model_fields") else None


def read(field: "FieldInfo", text: str) -> object:
    """Return the value that a text stands for where this setting is asked for; the text itself if it fits nothing."""
    from pydantic import TypeAdapter, ValidationError

    annotation: Any = field.annotation
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[annotation, *field.metadata] if field.metadata else annotation)
    for reading in (lambda: text, lambda: json.loads(text), lambda: _listed(annotation, text)):
        try:
            value = reading()
            adapter.validate_python(value)
        except (ValidationError, ValueError):
            continue
        return value
    return text


def _listed(annotation: object, text: str) -> list[str]:
    if get_origin(annotation) not in (list, tuple, set, frozenset):
        raise ValueError("no list is wanted")
    return [part.strip() for part in text.split(",")]
