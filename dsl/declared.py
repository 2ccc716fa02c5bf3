"""Functions whose signature is declared by values: those that stand for commands, and for queries."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from pathlib import Path, PurePath
from typing import Any, NamedTuple

from .errors import did_you_mean
from .places.command import Command
from .places.place import Place

CALLER = EntryPoint("command", "kaon.dsl.backends.jobs.direct:call_command", "kaon.callers")
"""What runs the command of a step that is called directly. It knows the kinds of files, which the language does not."""
named_tuple: Any = NamedTuple
"""Makes a class at run time, which a type checker takes for a mistake."""


@dataclass(frozen=True, slots=True)
class Declared:
    """What is said of a command."""

    name: str
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    settings: Mapping[str, object]
    doc: str


def declared(said: Declared, command: Command, place: Place, module: str) -> tuple[Callable[..., Any], str | None]:
    """Return a function with the typed inputs and outputs of a command, and the name of its output if it has one.

    Raises ValueError, with the reason and after a line break the mend, for what cannot be wired or filled in.
    """
    _check(said, command)
    returned: Any = None
    fields: Any = list(said.outputs.items())
    if len(said.outputs) == 1:
        (returned,) = said.outputs.values()
    elif said.outputs:
        returned = named_tuple(f"{said.name}_outputs", fields)

    def run(**values: Any) -> Any:
        return CALLER.load()(run, command, place, values)

    types = {**said.inputs, **{name: type_of(default) for name, default in said.settings.items()}}
    with_signature(run, said.name, said.doc, types, said.settings, returned)
    run.__module__ = module
    return run, next(iter(said.outputs)) if len(said.outputs) == 1 else None


def with_signature(
    function: Callable[..., Any],
    name: str,
    doc: str,
    types: Mapping[str, Any],
    defaults: Mapping[str, object],
    returned: Any,
) -> None:
    """Give a function that takes what it is given by keyword a name, a docstring and a signature of its own."""
    keyword, none = inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.empty
    parameters = [
        inspect.Parameter(parameter, keyword, default=defaults.get(parameter, none), annotation=annotation)
        for parameter, annotation in types.items()
    ]
    function.__signature__ = inspect.Signature(parameters, return_annotation=returned)  # type: ignore[attr-defined]
    function.__annotations__ = {**types, "return": returned}
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc


def type_of(default: object) -> type:
    """Return the type of a setting that has no other than its default."""
    return Path if isinstance(default, PurePath) else type(default)


def _check(said: Declared, command: Command) -> None:
    names = [*said.inputs, *said.outputs, *said.settings]
    if not said.name.isidentifier():
        raise ValueError(f"{said.name!r} cannot name a step\nwrite name= with letters, digits and underscores")
    for name in names:
        if not name.isidentifier():
            raise ValueError(f"{name!r} cannot name an input or output\nuse letters, digits and underscores")
        if names.count(name) > 1:
            raise ValueError(f"{name!r} is named twice\ngive inputs, outputs and settings names of their own")
    for name in sorted(command.placeholders - set(names)):
        near = did_you_mean(name, names)
        raise ValueError(
            f"nothing is called {{{name}}}\n{near + ', or ' if near else ''}write {{{{{name}}}}} for the text itself"
        )
    for name in (*said.outputs, *said.settings):
        if name not in command.placeholders:
            raise ValueError(
                f"the command is never told of {{{name}}}\nwrite {{{name}}} where the program takes it, or leave it out"
            )
    for name, default in said.settings.items():
        if default is None:
            raise ValueError(f"the setting {name!r} has no type\ngive it a default, or declare it in inputs")
    for name, _ in command.formats:
        if name not in (*said.inputs, *said.outputs):
            raise ValueError(f"formats names {name!r}\n{did_you_mean(name, (*said.inputs, *said.outputs))}")
