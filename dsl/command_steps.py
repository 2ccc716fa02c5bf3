"""shell_step and docker_step: steps that are commands, in any language, wired and checked like functions."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any, Literal, TypedDict, Unpack

from .declared import Declared, declared
from .errors import WorkflowError
from .ir import Definition, Step
from .places.command import Command, command_of
from .places.docker import Docker
from .places.environment import Variables
from .places.place import ON_THIS_MACHINE, Place
from .places.scripts import scripts_of
from .places.shell import Shell
from .resources import ANY_SHARE
from .step import check_run
from .where import Where, users_frame, written_by_caller


class CommandOptions(TypedDict, total=False):
    """What all steps that are commands can be given."""

    inputs: Mapping[str, Any]
    """Types by name. Numbers, texts and the like are written into the command; all else is a file of its kind that is
    only to be read: a table is Parquet, a mapping JSON, a loop's results a folder with an index.json."""
    outputs: Mapping[str, Any]
    """Types by name; each is read from the file that the command writes to the path that `{name}` stands for."""
    settings: Mapping[str, object]
    """Defaults by name, of settings that `kaon run STEP.NAME=…` can change; each has the type of its default."""
    formats: Mapping[str, str]
    """The suffix of an input's or output's file, where the kind's own does not do: {"train": "csv"}."""
    files: Sequence[str]
    """Scripts that the command uses, relative to the file in which the step is written. Words of the command that name
    one are found by themselves. They are the step's code, and lie where the command runs."""
    shell: bool
    """True has /bin/sh read the command, for pipes and the like; values reach it as variables."""
    name: str
    """What the step is called; else as its first script, or its program."""
    doc: str
    retries: int
    retry_delay: timedelta
    retry_backoff: float
    retry_jitter: float
    timeout: timedelta | None
    reusable: bool
    """The last six are those of `step`."""


def shell_step(
    command: str | Sequence[str],
    *,
    env: Variables | None = None,
    place: Place | None = None,
    **options: Unpack[CommandOptions],
) -> Step[..., Any]:
    """Return a step that is a command: `shell_step("Rscript fit.R {train} {model}", inputs=…, outputs=…)`.

    command: a program and its arguments. `{name}` stands for the path of an input's or output's file, or for the value
        of a setting; `{{name}}` for itself. It is split into words here, so that no value is ever parsed.
    env: variables for the command besides those of the run, secrets by reference: {"TOKEN": secret("API_TOKEN")}.
    place: where it runs, if not on this machine: `Docker(image=…)`, or a place of your own.

    `CommandOptions` describes the options. Raises WorkflowError for what cannot be a step.
    """
    where = written_by_caller().where
    if place is not None and env is not None:
        fix = "give the place its env"
        raise WorkflowError("env= and place= both say where the command finds variables", where, fix=fix)
    try:
        return command_step(command, place or Shell(env or {}), options, users_frame(), where)
    except ValueError as error:
        raise refused(command, error, where) from None


def docker_step(
    *,
    image: str,
    command: str | Sequence[str],
    cpus: float | None = None,
    memory: str = "",
    gpus: int | Literal["all"] = 0,
    env: Variables | None = None,
    network: str = "",
    pull: Literal["missing", "always", "never"] = "missing",
    user: str = "",
    **options: Unpack[CommandOptions],
) -> Step[..., Any]:
    """Return a step that is a command in a container: `docker_step(image="r-base:4.4.1", command="Rscript …", …)`.

    command: as of `shell_step`; it takes the place of the image's entry point.

    `Docker` describes what precedes the options, and `CommandOptions` those. Raises WorkflowError for what cannot be
    a step.
    """
    where = written_by_caller().where
    try:
        place = Docker(image, cpus, memory, gpus, env or {}, network, pull, user)
        return command_step(command, place, options, users_frame(), where)
    except ValueError as error:
        raise refused(command, error, where) from None


def command_step(
    command: str | Sequence[str], place: Place, options: CommandOptions, frame: FrameType, where: Where
) -> Step[..., Any]:
    """Return a step that is a command in a place. Raises ValueError, with the reason and the mend on a second line."""
    retries, delay = options.get("retries", 0), options.get("retry_delay", timedelta(0))
    backoff, jitter, timeout = (
        options.get("retry_backoff", 1.0),
        options.get("retry_jitter", 0.0),
        options.get("timeout"),
    )
    check_run(retries, delay, backoff, jitter, timeout, place, where)
    if place.name in ON_THIS_MACHINE:
        raise ValueError(f"{place!r} performs functions\nleave place= out: the command has a process of its own")
    words = command_of(command, shell=options.get("shell", False))
    scripts = scripts_of(words, options.get("files", ()), Path(frame.f_code.co_filename).parent)
    formats = tuple((name, suffix.removeprefix(".")) for name, suffix in options.get("formats", {}).items())
    made = Command(words, options.get("shell", False), formats, scripts)
    inputs, outputs = dict(options.get("inputs", {})), dict(options.get("outputs", {}))
    name = options.get("name") or made.called
    said = Declared(name, inputs, outputs, dict(options.get("settings", {})), options.get("doc") or str(made))
    function, output = declared(said, made, place, frame.f_globals.get("__name__", "__main__"))
    definition = Definition(
        function,
        output,
        retries,
        delay,
        timeout,
        ANY_SHARE,
        where,
        {},
        backoff,
        jitter,
        place,
        options.get("reusable", True),
        made,
    )
    return Step(definition, name=name, where=where)


def refused(command: object, error: ValueError, where: Where) -> WorkflowError:
    """Return what is raised for a command that cannot be a step."""
    why, _, fix = str(error).partition("\n")
    return WorkflowError(f"{command!r} cannot be a step", where, why=why, fix=fix)
