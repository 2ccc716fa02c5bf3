"""One try of a step as a command: its folder, its files, what it says, and what it leaves behind."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kaon.artifacts import ArtifactsError, Store
from kaon.artifacts.home import cache
from kaon.artifacts.kinds.annotations import is_optional

from ...context import Message
from ...places.attempt import Mount
from ...places.messages import VARIABLE
from ...places.tail import tailing
from ...values import to_json
from ..failures import InputNotRead
from ..perform import Broken, Performed, StepCode, Work, dumped
from ..references import Plain, load
from .files import Filed, is_text, put_input, put_value, read_output, suffix_of, text_of
from .sent import put_function, result_of

MESSAGES = "messages.jsonl"


@dataclass(frozen=True, slots=True)
class StepJob:
    """A step as a command, in a folder with `in/`, `out/` and `work/`."""

    folder: Path
    _code: StepCode
    _store: Store
    _values: dict[str, Any]
    """Plain inputs by name."""
    _inputs: dict[str, Filed]
    _outputs: dict[str, str]
    """The file of each output, by the name that its command calls it."""
    _about: dict[str, str]
    """Variables that say which step this is."""

    def command(self, at: str, python: str = "python3") -> tuple[str, ...]:
        """Return the program and its arguments, for a machine on which the folder lies at a path."""
        if self._code.command is None:
            return (python, "-u", f"{at}/in/start.py")
        return self._code.command.filled(self._words(at))

    def environment(self, at: str) -> dict[str, str]:
        """Return the variables that the command needs."""
        command = self._code.command
        variables = {} if command is None else command.variables(self._words(at))
        return {VARIABLE: f"{at}/{MESSAGES}", **self._about, **variables}

    def mounts(self, at: str) -> tuple[Mount, ...]:
        """Return what the command reads besides the folder: the files and folders that its settings name."""
        if at == str(self.folder):
            return ()
        paths = {name: Path(self._values[name]) for name in self._code.paths if self._values.get(name)}
        return tuple(Mount(path.absolute(), f"{at}/in/{name}") for name, path in paths.items() if path.exists())

    def outcome(self) -> Performed | Broken:
        """Collect what a command that ended well left in `out/`. Raises OutputMissing, OutputUnreadable."""
        if self._code.command is None and isinstance(told := result_of(self.folder), Broken):
            return told
        values: list[Any] = []
        for made, annotation in zip(self._code.call.outputs, self._code.outputs, strict=True):
            path = self.folder / "out" / self._outputs[made.returned_as]
            if is_optional(annotation) and not path.exists():
                values.append(None)
                continue
            wanted = object if made.kind == "table" else annotation  # as Arrow: what is stored next is the same
            values.append(read_output(path, wanted, made.kind, made.returned_as))
        return Performed(*dumped(self._code, tuple(values), self._store))

    def _words(self, at: str) -> dict[str, str]:
        """Return what each placeholder stands for."""
        outputs = {name: f"{at}/out/{file}" for name, file in self._outputs.items()}
        inputs = {name: f"{at}/in/{filed.file or name}" for name, filed in self._inputs.items()}
        texts = {name: text_of(value) for name, value in self._values.items()}
        for name in self._code.paths & texts.keys():
            texts[name] = str(Path(texts[name]).absolute()) if texts[name] else ""
        moved = {str(mount.source): mount.target for mount in self.mounts(at)}
        return {**outputs, **inputs, **{name: moved.get(text, text) for name, text in texts.items()}}


@contextmanager
def job_of(code: StepCode, work: Work, store: Store, tell: Callable[[Message], None]) -> Iterator[StepJob]:
    """Yield the step as a command with its files in a folder, which is removed at the end of the block.

    Raises InputNotRead if an input cannot be read from the store.
    """
    folder = _new_folder()
    try:
        job = _laid_out(folder, code, work, store)
        with tailing(folder / MESSAGES, tell):
            yield job
    finally:
        remove(folder)


def remove(folder: Path) -> None:
    """Remove the folder of a job, whatever rights its command left there."""

    def make_writable_and_retry(function: Callable[[str], object], path: str, _: object) -> None:
        os.chmod(os.path.dirname(path), 0o700)
        function(path)

    shutil.rmtree(folder, onerror=make_writable_and_retry)


def _new_folder() -> Path:
    """Return a new folder near the store, so that its files can have second names rather than copies."""
    parent = cache() / "jobs"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    folder.chmod(0o755)
    for inside in ("in", "out", "work"):
        (folder / inside).mkdir()
    (folder / MESSAGES).touch()
    return folder


def _laid_out(folder: Path, code: StepCode, work: Work, store: Store) -> StepJob:
    command = code.command
    formats = {} if command is None else dict(command.formats)
    inputs: dict[str, Filed] = {}
    values: dict[str, Any] = {}
    for name, reference in work.inputs.items():
        annotation = code.inputs[name]
        try:
            if command is not None and is_text(annotation):
                values[name] = to_json(load(reference, annotation, store))
            elif command is not None and isinstance(reference, Plain):
                inputs[name] = put_value(reference.value, name, folder / "in")
            else:
                inputs[name] = put_input(reference, annotation, name, folder / "in", store, formats)
        except (ArtifactsError, ValueError, OSError) as error:
            raise InputNotRead(f"the input {name!r} cannot be read: {error}") from error
    if command is None:
        put_function(folder / "in", code, inputs, work.run, work.tries)
    for script, content in () if command is None else command.files:
        path = folder / "work" / script
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    outputs = {
        made.returned_as: made.returned_as + suffix_of(annotation, made.kind, formats, made.returned_as)
        for made, annotation in zip(code.call.outputs, code.outputs, strict=True)
    }
    about = {"KAON_RUN": str(work.run), "KAON_STEP": code.call.step, "KAON_TRY": str(work.tries)}
    return StepJob(folder, code, store, values, inputs, outputs, about)
