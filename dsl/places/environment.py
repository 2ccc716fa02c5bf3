"""The variables that a place sets: texts, and secrets by reference that are revealed when a process is started."""

from collections.abc import Mapping
from typing import Any, TypeAlias

from ..secrets import Secret

Variables: TypeAlias = Mapping[str, str | Secret]


def check_variables(variables: Variables) -> None:
    """Raise ValueError for a value that is neither a text nor a secret."""
    for name, value in variables.items():
        if not isinstance(value, str | Secret):
            raise ValueError(f'env={{{name!r}: {value!r}}} is no text; write {name!r}: "{value}", or secret("NAME")')


def variables_json(variables: Variables) -> dict[str, Any]:
    """Return the variables as JSON, secrets by reference.

    >>> variables_json({"TOKEN": Secret("API_TOKEN"), "LANG": "C"})
    {'TOKEN': {'secret': 'API_TOKEN'}, 'LANG': 'C'}
    """
    return {name: {"secret": value.secret} if isinstance(value, Secret) else value for name, value in variables.items()}


def variables_from(said: Mapping[str, Any]) -> dict[str, str | Secret]:
    """Return the variables that JSON stands for."""
    return {name: value if isinstance(value, str) else Secret(**value) for name, value in said.items()}


def revealed(variables: Variables) -> dict[str, str]:
    """Return the variables with the values of secrets: for a process that is started now. Raises MissingSecret."""
    return {name: value if isinstance(value, str) else value.reveal() for name, value in variables.items()}
