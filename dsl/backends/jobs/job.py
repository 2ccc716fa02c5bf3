"""One try of a step as a command: its folder, its files, what it says, and what it leaves behind."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kaon.artifacts import ArtifactsError, Store
from kaon.artifacts.home import cache
from kaon.artifacts.kinds.annotations import is_optional

from ...context import Message
from ...places.attempt import Mount
from ...places.guard import guard
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
class Laid:
    """The inputs of a step, laid out for a command."""

    texts: Mapping[str, Any]
    """Plain values that are written into the command."""
    files: Mapping[str, Filed]
    """What lies in `in/`."""


@dataclass(frozen=True, slots=True)
class StepJob:
    """A step as a command, in a folder with `in/`, `out/` and `work/`."""

    folder: Path
    code: StepCode
    laid: Laid
    keep: Callable[[tuple[Any, ...]], Any]
    """Makes the outcome of the outputs' values."""
    about: Mapping[str, str]
    """Variables that say which step this is."""

    def command(self, at: str, python: str = "python3") -> tuple[str, ...]:
        """Return the program and its arguments, for a machine on which the folder lies at a path."""
        if self.code.command is None:
            return (python, "-u", f"{at}/in/start.py")
        return self.code.command.filled(self._words(at))

    def environment(self, at: str) -> dict[str, str]:
        """Return the variables that the command needs."""
        command = self.code.command
        variables = {} if command is None else command.variables(self._words(at))
        return {VARIABLE: f"{at}/{MESSAGES}", **self.about, **variables}

    def mounts(self, at: str) -> tuple[Mount, ...]:
        """Return what the command reads besides the folder: the files and folders that its settings name."""
        if at == str(self.folder) or self.code.command is None:
            return ()
        named = {name: self.laid.texts.get(name) for name in self.code.paths}
        paths = {name: Path(text).absolute() for name, text in named.items() if text}
        return tuple(Mount(path, f"{at}-paths/{name}") for name, path in paths.items() if path.exists())

    def outcome(self) -> Any:
        """Collect what a command that ended well left in `out/`. Raises OutputMissing, OutputUnreadable."""
        if self.code.command is None and isinstance(told := result_of(self.folder), Broken):
            return told
        values: list[Any] = []
        for made, annotation in zip(self.code.call.outputs, self.code.outputs, strict=True):
            path = self.folder / "out" / output_files(self.code)[made.returned_as]
            if is_optional(annotation) and not path.exists():
                values.append(None)
            else:
                values.append(read_output(path, annotation, made.kind, made.returned_as))
        return self.keep(tuple(values))

    def _words(self, at: str) -> dict[str, str]:
        """Return what each placeholder stands for."""
        outputs = {name: f"{at}/out/{file}" for name, file in output_files(self.code).items()}
        inputs = {name: f"{at}/in/{filed.file or name}" for name, filed in self.laid.files.items()}
        texts = {name: text_of(value) for name, value in self.laid.texts.items()}
        for name in self.code.paths & texts.keys():
            texts[name] = str(Path(texts[name]).absolute()) if texts[name] else ""
        moved = {str(mount.source): mount.target for mount in self.mounts(at)}
        return {**outputs, **inputs, **{name: moved.get(text, text) for name, text in texts.items()}}


@contextmanager
def job_of(code: StepCode, work: Work, store: Store, tell: Callable[[Message], None]) -> Iterator[StepJob]:
    """Yield the step as a command with its files in a folder, which is removed at the end of the block.

    Raises InputNotRead if an input cannot be read from the store.
    """

    def keep(values: tuple[Any, ...]) -> Performed:
        return Performed(*dumped(code, values, store))

    about = {"KAON_RUN": str(work.run), "KAON_STEP": code.call.step, "KAON_TRY": str(work.tries)}
    with job_folder(tell) as folder:
        laid = _laid_out(folder / "in", code, work, store)
        if code.command is None:
            put_function(folder / "in", code, laid.files, work.run, work.tries)
        put_scripts(folder / "work", code)
        yield StepJob(folder, code, laid, keep, about)


@contextmanager
def job_folder(tell: Callable[[Message], None]) -> Iterator[Path]:
    """Yield a new folder near the store, so that its files can have second names rather than copies; then remove it.

    What is appended to its messages is told meanwhile.
    """
    parent = cache() / "jobs"
    parent.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=parent))
    with guard().over("folder", str(folder)):
        try:
            folder.chmod(0o755)
            for inside in ("in", "out", "work"):
                (folder / inside).mkdir(mode=0o755)
            (folder / MESSAGES).touch()
            with tailing(folder / MESSAGES, tell):
                yield folder
        finally:
            remove(folder)


def put_scripts(folder: Path, code: StepCode) -> None:
    """Write the scripts of the command into a folder."""
    for name, content in () if code.command is None else code.command.files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755)


def output_files(code: StepCode) -> dict[str, str]:
    """Return the name of each output's file, by the name that the command calls it."""
    formats = {} if code.command is None else dict(code.command.formats)
    return {
        made.returned_as: made.returned_as + suffix_of(annotation, made.kind, formats, made.returned_as)
        for made, annotation in zip(code.call.outputs, code.outputs, strict=True)
    }


def remove(folder: Path) -> None:
    """Remove the folder of a job, whatever rights its command left there."""

    def make_writable_and_retry(function: Callable[[str], object], path: str, _: object) -> None:
        os.chmod(os.path.dirname(path), 0o700)
        if os.path.isdir(path):
            os.chmod(path, 0o700)
        function(path)

    shutil.rmtree(folder, onerror=make_writable_and_retry)


def _laid_out(folder: Path, code: StepCode, work: Work, store: Store) -> Laid:
    command = code.command
    formats = {} if command is None else dict(command.formats)
    files: dict[str, Filed] = {}
    texts: dict[str, Any] = {}
    for name, reference in work.inputs.items():
        annotation = code.inputs[name]
        try:
            if command is not None and is_text(annotation):
                texts[name] = to_json(load(reference, annotation, store))
            elif command is not None and isinstance(reference, Plain):
                files[name] = put_value(reference.value, name, folder)
            else:
                files[name] = put_input(reference, annotation, name, folder, store, formats)
        except (ArtifactsError, ValueError, OSError) as error:
            raise InputNotRead(f"the input {name!r} cannot be read: {error}") from error
    return Laid(texts, files)
