"""Steps that are declared by values rather than by a function's own signature: queries, and programs to run."""

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any

from kaon.dsl.where import Where


def declared(
    function: Callable[..., Any], *, name: str, doc: str, inputs: Mapping[str, Any], settings: Mapping[str, object]
) -> Callable[..., Any]:
    """Return the function with a name, a docstring and typed inputs of its own, given to it by keyword.

    inputs: types by name; settings: defaults by name. A setting that has no type in `inputs` has that of its default.
    """
    types = {**{setting: type(default) for setting, default in settings.items()}, **inputs}
    parameters = [
        inspect.Parameter(
            parameter,
            inspect.Parameter.KEYWORD_ONLY,
            default=settings.get(parameter, inspect.Parameter.empty),
            annotation=types[parameter],
        )
        for parameter in {**inputs, **settings}
    ]
    returned = inspect.signature(function).return_annotation
    function.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    function.__annotations__ = {**types, "return": returned}
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def callers_line(depth: int = 2) -> Where:
    """Return the line from which the function that asks was called."""
    frame = sys._getframe(depth)
    return Where(frame.f_code.co_filename, frame.f_lineno)
