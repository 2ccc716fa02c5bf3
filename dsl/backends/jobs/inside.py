"""Perform a step's function in another Python, from the files of its job to the files of its outputs."""

import os
from pathlib import Path
from typing import Any

from kaon.artifacts.kinds.annotations import is_optional

from ...context import Message, StepContext, stepping
from ...places.messages import VARIABLE, line_of
from ..failures import InputNotRead, OutputNotStored, cause_of
from ..perform import values_of
from .files import dump_file, load_input
from .sent import Sent


def perform_inside(folder: str) -> dict[str, str]:
    """Perform the step, leave its outputs in `out/`, and return why it failed; nothing if it did not."""
    import cloudpickle

    place = Path(folder)
    try:
        sent: Sent = cloudpickle.loads((place / "in" / "function.pickle").read_bytes())
        inputs = {name: _read(sent, name, place / "in") for name in sent.inputs}
        with stepping(StepContext(sent.code.call.path, sent.run, sent.tries, _say)):
            value = sent.code.function(**inputs)
        for made, annotation, one in zip(
            sent.code.call.outputs, sent.code.outputs, values_of(sent.code, value), strict=True
        ):
            _write(one, annotation, place / "out" / sent.outputs[made.returned_as], made.returned_as)
    except Exception as error:
        cause, traceback = cause_of(error)
        return {"cause": cause, "traceback": traceback}
    return {}


def _read(sent: Sent, name: str, folder: Path) -> Any:
    try:
        return load_input(sent.inputs[name], sent.code.inputs[name], folder)
    except Exception as error:
        raise InputNotRead(f"the input {name!r} cannot be read: {error}") from error


def _write(value: Any, annotation: Any, path: Path, name: str) -> None:
    if value is None and is_optional(annotation):
        return
    try:
        dump_file(value, annotation, path)
    except Exception as error:
        raise OutputNotStored(f"the output {name!r} cannot be stored: {error}") from error


def _say(message: Message) -> None:
    with open(os.environ[VARIABLE], "a") as file:
        file.write(line_of(message) + "\n")
