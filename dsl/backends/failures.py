"""How a run ends other than well.

RunFailed          raised by run(): every failed step and its cause
InputNotRead       inside the engine: a step's input does not fit, or is damaged in the store
OutputNotStored    inside the engine: a step's output does not fit its type, or the store cannot take it
Stopped            inside the engine: a part of the plan did not finish; carries the failures and what is held
"""

import contextlib
import traceback
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import kaon.artifacts

from ..plan import Json
from ..secrets import masked

ENGINE = (
    str(Path(__file__).parents[1]),
    str(Path(kaon.artifacts.__file__).parent),
    str(Path(futures.__file__).parent),
    contextlib.__file__,
)
"""Folders whose lines a user's traceback does not show."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A step, loop or repetition that failed, and why."""

    path: str
    keys: tuple[tuple[str, Json], ...]
    attempts: tuple[int, ...]
    cause: str
    """The error's type and message."""
    traceback: str = ""
    """The traceback from the step's own first line on; empty where no step's code failed."""

    @property
    def place(self) -> str:
        """The path with the items of its loops: `…/for_each[market=CA]/fine_tune`."""
        return placed_path(self.path, self.keys, self.attempts)


@dataclass(frozen=True, slots=True)
class Held:
    """A step that waits for a person."""

    path: str
    keys: tuple[tuple[str, Json], ...]
    attempts: tuple[int, ...]
    question: str

    @property
    def place(self) -> str:
        """The path with the items of its loops."""
        return placed_path(self.path, self.keys, self.attempts)


class Stopped(Exception):
    """A part of the plan did not finish: something failed, or waits for a person, or the run is to stop."""

    def __init__(self, failures: tuple[Failure, ...] = (), held: tuple[Held, ...] = ()) -> None:
        failed = [f"{failure.place}: {failure.cause}" for failure in failures]
        super().__init__("; ".join([*failed, *(f"{one.place} is held: {one.question}" for one in held)]))
        self.failures = failures
        self.held = held

    def __reduce__(self) -> tuple[type["Stopped"], tuple[object, object]]:
        return Stopped, (self.failures, self.held)


class InputNotRead(Exception):
    """What the store or the settings hold for an input is not what the step asks for."""


class OutputNotStored(Exception):
    """The store refused what a step returned."""


class RunFailed(Exception):
    """A run did not complete: `failures` holds every failed step and its cause."""

    def __init__(self, run_id: int, workflow: str, failures: tuple[Failure, ...], reason: str = "") -> None:
        self.run_id = run_id
        self.failures = failures
        lines = [f"run {run_id} of {workflow} {'failed' if failures else f'did not complete: {reason}'}"]
        for failure in failures:
            lines += ["", f"  {failure.place}", f"  {failure.cause}"]
            lines += [f"    {line}" for line in failure.traceback.splitlines()]
        lines += ["", f"  what finished is kept; `kaon retry {run_id}` continues from there"]
        super().__init__("\n".join(lines))


def placed_path(path: str, keys: tuple[tuple[str, Json], ...], attempts: tuple[int, ...]) -> str:
    """Return a path with the items and attempts filled in.

    >>> placed_path("demo/repeat/for_each[market]/train", (("market", "CA"),), (2,))
    'demo/repeat[2]/for_each[market=CA]/train'
    """
    items = dict(keys)
    left = list(attempts)
    segments = []
    for segment in path.split("/"):
        label, _, variables = segment.partition("[")
        if label.partition("#")[0] == "repeat" and left:
            segment = f"{segment}[{left.pop(0)}]"
        elif variables and all(name in items for name in variables.rstrip("]").split(",")):
            filled = ",".join(f"{name}={items[name]}" for name in variables.rstrip("]").split(","))
            segment = f"{label}[{filled}]"
        segments.append(segment)
    return "/".join(segments)


def failure_of(
    error: BaseException, path: str, keys: tuple[tuple[str, Json], ...], attempts: tuple[int, ...]
) -> Failure:
    """Return the failure that an exception from a step's code is."""
    return Failure(path, keys, attempts, *cause_of(error))


def cause_of(error: BaseException) -> tuple[str, str]:
    """Return an exception's type and message, and its traceback trimmed to the user's lines; secrets are masked."""
    frames = traceback.extract_tb(error.__traceback__)
    users = [frame for frame in frames if not frame.filename.startswith(ENGINE)]
    return masked(f"{type(error).__name__}: {error}"), masked("".join(traceback.format_list(users)).rstrip())
