"""Run the command of a step that is called directly, as a plain function: values in, values out, no store."""

import inspect
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from kaon.artifacts import Directory, File, digest_value, kind_for

from ...context import Message, current_step
from ...fit import shown
from ...places.command import Command
from ...places.owner import owner
from ...places.place import Place
from ...plan import Call, Made
from ...values import to_json
from ..contents import is_path
from ..perform import StepCode
from .files import Filed, dump_file, is_text, suffix_of
from .job import Laid, StepJob, job_folder, put_scripts


def call_command(function: Callable[..., Any], command: Command, place: Place, given: Mapping[str, Any]) -> Any:
    """Return what the command makes of the values; several outputs as a named tuple.

    Raises TypeError for an input that is missing or unknown, and what the place raises.
    """
    signature = inspect.signature(function)
    bound = signature.bind(**given)
    bound.apply_defaults()
    with job_folder(current_step().send) as folder:
        code = _code(function, command, signature)
        laid = _laid_out(folder / "in", code, bound.arguments)
        put_scripts(folder / "work", code)
        values = place.perform(_DirectAttempt(StepJob(folder, code, laid, _kept, {"KAON_STEP": code.call.step})))
    if not values:
        return None
    return signature.return_annotation(*values) if code.several else values[0]


class _DirectAttempt:
    """One try of a step outside of any run."""

    def __init__(self, job: StepJob) -> None:
        self.path = job.code.call.path
        self.run = 0
        self.tries = 1
        self.owner = owner()
        self._job = job

    def here(self) -> Any:
        raise AssertionError("a command is no function")

    in_own_process = here

    def job(self) -> "_DirectAttempt":
        return self

    def __enter__(self) -> StepJob:
        return self._job

    def __exit__(self, *_: object) -> None:
        return None

    def tell(self, message: Message) -> None:
        current_step().send(message)

    def go_on(self) -> None:
        return None


def _code(function: Callable[..., Any], command: Command, signature: inspect.Signature) -> StepCode:
    returned = signature.return_annotation
    several = hasattr(returned, "_fields")
    if several:
        types = dict(returned.__annotations__)
    else:
        types = {} if returned is None else {_only(command, signature): returned}
    made = tuple(Made(name, shown(kind), kind_for(kind).name, name) for name, kind in types.items())
    inputs = {name: parameter.annotation for name, parameter in signature.parameters.items()}
    name = function.__name__
    call = Call(name, name, f"{function.__module__}:{name}", "", (), made, command=str(command))
    paths = frozenset(at for at, annotation in inputs.items() if is_path(annotation))
    return StepCode(call, function, inputs, tuple(types.values()), several, paths, digest_value([]), command)


def _only(command: Command, signature: inspect.Signature) -> str:
    """Return the name of the one output: the placeholder that is no input."""
    (name,) = command.placeholders - signature.parameters.keys()
    return name


def _laid_out(folder: Path, code: StepCode, values: Mapping[str, Any]) -> Laid:
    files: dict[str, Filed] = {}
    texts: dict[str, Any] = {}
    formats = {} if code.command is None else dict(code.command.formats)
    for name, value in values.items():
        annotation = code.inputs[name]
        if is_text(annotation):
            texts[name] = to_json(value)
            continue
        kind = kind_for(annotation).name
        path = folder / f"{name}{suffix_of(annotation, kind, formats, name)}"
        dump_file(value, annotation, path)
        files[name] = Filed(kind, path.name)
    return Laid(texts, files)


def _kept(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the values; files and folders among them are moved to where they stay: the machine's temporary folder."""
    return tuple(_moved(value) if isinstance(value, File | Directory) else value for value in values)


def _moved(value: File | Directory) -> File | Directory:
    target = Path(tempfile.mkdtemp(prefix="kaon-")) / value.path.name
    shutil.move(value.path, target)
    return type(value)(target)
