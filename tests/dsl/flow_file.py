"""A user's flow in a file of its own, so that a test can pin what an error says of it, line numbers and all."""

import linecache
from pathlib import Path
from textwrap import dedent
from typing import Any

from tests.dsl import toys

from kaon.dsl import WorkflowError


def executed(source: str, folder: Path, name: str = "my_flow.py") -> dict[str, Any]:
    """Write a flow to a file, execute it with the toy steps at hand, and return its names."""
    path = folder / name
    path.write_text(text(source) + "\n", encoding="utf-8")
    linecache.checkcache()
    names = {name: getattr(toys, name) for name in toys.__all__} | {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), names)
    return names


def error_of(source: str, folder: Path) -> str:
    """Return what the error says that a flow raises; an AssertionError if it raises none."""
    try:
        executed(source, folder)
    except WorkflowError as error:
        return str(error)
    raise AssertionError("the flow raises no WorkflowError")


def text(indented: str) -> str:
    """Return a text as it stands in a test: without the indentation, and without the line breaks around it."""
    return dedent(indented).strip("\n")
