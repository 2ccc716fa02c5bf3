"""Plain values at the edge: what people write in expressions, settings and sweeps, checked against a type."""

from functools import lru_cache
from typing import Annotated, Any

from pydantic import ConfigDict, PydanticSchemaGenerationError, PydanticUserError, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import PydanticSerializationError, to_jsonable_python

from .plan import Json


def is_plain(annotation: Any) -> bool:
    """Return whether values of the type can be written as settings: whether pydantic knows it without help."""
    try:
        return _is_plain(annotation)
    except TypeError:  # unhashable metadata
        return _is_plain.__wrapped__(annotation)


def annotation_of(field: FieldInfo) -> Any:
    """Return the type of a model's field, with its constraints."""
    return Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation


def to_json(value: object) -> Json:
    """Return a value as JSON.

    Raises ValueError if it is no plain value.
    """
    try:
        return to_jsonable_python(value)
    except PydanticSerializationError as error:
        raise ValueError(f"{value!r} is no plain value: {error}") from error


def from_json(value: Json, annotation: Any) -> Any:
    """Return the value that JSON stands for where a type is asked for.

    Raises ValueError, with one line a fault, if it does not fit.
    """
    if not is_plain(annotation):
        return value
    try:
        return _adapter(annotation).validate_python(value)
    except ValidationError as error:
        raise ValueError("; ".join(_fault(fault) for fault in error.errors())) from error


def _fault(fault: Any) -> str:
    place = ".".join(map(str, fault["loc"]))
    message = fault["msg"][0].lower() + fault["msg"][1:]
    return f"{place}: {message}" if place else message


@lru_cache(maxsize=4096)
def _is_plain(annotation: Any) -> bool:
    try:
        _adapter(annotation).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError):
        return False
    return True


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return _cached_adapter(annotation)
    except TypeError:  # unhashable metadata
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=False))


@lru_cache(maxsize=4096)
def _cached_adapter(annotation: Any) -> TypeAdapter[Any]:
    try:
        return TypeAdapter(annotation, config=ConfigDict(arbitrary_types_allowed=False))
    except PydanticUserError:  # a model brings its own configuration
        return TypeAdapter(annotation)
