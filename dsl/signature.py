"""What a step's function says of itself: its inputs, its outputs, and what is wrong with them."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, get_type_hints

from .errors import Problem
from .fit import shown
from .ir import Definition
from .where import Where

REQUIRED = inspect.Parameter.empty
UNNAMED = {
    inspect.Parameter.VAR_POSITIONAL: "*{}",
    inspect.Parameter.VAR_KEYWORD: "**{}",
    inspect.Parameter.POSITIONAL_ONLY: "{}, /",
}
"""Parameters that cannot be given by name, as they are written."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a step."""

    name: str
    annotation: Any
    type: str
    """The annotation as one would write it."""
    default: Any
    """REQUIRED if it has none."""
    help: str

    @property
    def required(self) -> bool:
        """Whether a value must come from somewhere."""
        return self.default is REQUIRED


@dataclass(frozen=True, slots=True)
class Signature:
    """The inputs and outputs of a step's function."""

    parameters: tuple[Parameter, ...]
    outputs: tuple[tuple[str, Any], ...]
    """(name, type)."""
    several: bool
    """Whether the function returns a named tuple with one field an output."""
    problems: tuple[Problem, ...]


@cache
def signature_of(definition: Definition) -> Signature:
    """Return the signature of a step, with a problem for everything in it that cannot be used."""
    function = definition.function
    name = function.__name__
    try:
        hints = get_type_hints(function, localns=_names(definition), include_extras=True)
    except (NameError, TypeError) as error:
        problem = Problem(
            f"the type annotations of {name} cannot be read: {error}",
            _definition_place(definition),
            why="inputs and outputs are wired by name and type",
            fix="import the type at the top of the module, outside `if TYPE_CHECKING`",
        )
        return Signature((), (), False, (problem,))
    described = _described_parameters(inspect.getdoc(function) or "")
    parameters, problems = [], []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in UNNAMED:
            problems.append(_unnamed(name, UNNAMED[parameter.kind].format(parameter.name), definition))
        elif parameter.name not in hints:
            problems.append(_untyped(name, parameter.name, definition))
        else:
            hint, told = hints[parameter.name], described.get(parameter.name, "")
            parameters.append(Parameter(parameter.name, hint, shown(hint), parameter.default, told))
    outputs, several, wrong = _outputs(definition, hints)
    return Signature(tuple(parameters), outputs, several, (*problems, *wrong))


def _names(definition: Definition) -> dict[str, object]:
    closure = inspect.getclosurevars(definition.function).nonlocals if definition.function.__closure__ else {}
    return {**definition.names, **closure}


def _outputs(
    definition: Definition, hints: Mapping[str, Any]
) -> tuple[tuple[tuple[str, Any], ...], bool, tuple[Problem, ...]]:
    name, where = definition.function.__name__, _definition_place(definition)
    if "return" not in hints:
        fix = f"write -> None if it returns nothing, or -> TheType with @step(output={definition.output or name!r})"
        return (), False, (Problem(f"{name} does not say what it returns", where, "outputs are typed", fix),)
    returned = hints["return"]
    if _is_named_tuple(returned):
        if definition.output is not None:
            why = f"{returned.__name__} has the outputs {', '.join(returned._fields)}"
            fix = f"leave output={definition.output!r} out"
            return (), False, (Problem(f"{name} names its outputs twice", where, why, fix),)
        fields = get_type_hints(returned, localns=_names(definition), include_extras=True)
        return tuple((field, fields[field]) for field in returned._fields), True, ()
    if returned is type(None):
        if definition.output is None:
            return (), False, ()
        fix = "give the return type, or leave output out"
        return (), False, (Problem(f"{name} names the output {definition.output!r} and returns None", where, "", fix),)
    if definition.output is None:
        fix = f"write @step(output={name!r})"
        why = "every output is an artifact with a name"
        return (), False, (Problem(f"{name} returns a value and gives it no name", where, why, fix),)
    return ((definition.output, returned),), False, ()


def _is_named_tuple(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, tuple) and hasattr(annotation, "_fields")


def _described_parameters(doc: str) -> dict[str, str]:
    """Return what a docstring says of parameters on lines such as `rank: length of the vectors`."""
    pattern = re.compile(r"^ {0,4}(\w+(?:, \w+)*): (.+(?:\n {4,8}\S.*)*)", re.MULTILINE)
    return {name.strip(): " ".join(text.split()) for names, text in pattern.findall(doc) for name in names.split(",")}


def _definition_place(definition: Definition) -> Where:
    if definition.command is not None:
        return definition.where
    code = definition.function.__code__
    line = code.co_firstlineno
    where = Where(code.co_filename, line)
    while where.source.lstrip().startswith("@") or (where.source and "def " not in where.source):
        where = Where(code.co_filename, where.line + 1)
    return where if where.source else Where(code.co_filename, line)


def _unnamed(step: str, parameter: str, definition: Definition) -> Problem:
    return Problem(
        f"{step} takes {parameter}, and a step's inputs are wired by their names",
        _definition_place(definition),
        why="a parameter without a name of its own cannot be looked up",
        fix="write out each input with its name and type",
    )


def _untyped(step: str, parameter: str, definition: Definition) -> Problem:
    return Problem(
        f"the input {parameter!r} of {step} has no type",
        _definition_place(definition),
        why="inputs are wired by name and type",
        fix=f"annotate it: {parameter}: TheType",
    )
