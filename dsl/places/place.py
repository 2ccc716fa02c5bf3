"""Places: where a step runs, as it is written in `@step(place=…)`.

A place of your own is a class that keeps this Protocol, found by an entry point of the group `kaon.places` under its
name; `kaon.dsl.testing.PlaceTests` is the conformance suite.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, Self, runtime_checkable

from .attempt import Attempt, Outcome


@runtime_checkable
class Place(Protocol):
    """A way of performing steps. It is an immutable value: the plan holds its name and its configuration as JSON."""

    name: ClassVar[str]
    """Its entry point, and what plans record; never changes once released."""

    def to_json(self) -> dict[str, Any]:
        """Return its configuration as JSON, with secrets as references."""
        ...

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        """Return the place that `to_json` described; what is missing has its default."""
        ...

    def decides(self) -> dict[str, Any]:
        """Return the part of its configuration that decides what a step makes: if that changes, steps run again.

        An image does; a number of cores does not.
        """
        ...

    def perform(self, attempt: Attempt) -> Outcome:
        """Perform one try of a step and return what came of it, as the attempt gave it.

        Called from several threads at once. What is raised is why the try failed. When `attempt.go_on()` raises,
        nothing that this started may be left running.
        """
        ...


@dataclass(frozen=True, slots=True)
class InProcess:
    """In the process of the run: nothing to start, but a step that hangs in foreign code cannot be killed."""

    name: ClassVar[str] = "in_process"

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        return cls(**configuration)

    def decides(self) -> dict[str, Any]:
        return {}

    def perform(self, attempt: Attempt) -> Outcome:
        return attempt.here()


@dataclass(frozen=True, slots=True)
class Process:
    """In a process of its own: a timeout kills it, and it is held to its `Resources`."""

    name: ClassVar[str] = "process"

    def to_json(self) -> dict[str, Any]:
        return {}

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        return cls(**configuration)

    def decides(self) -> dict[str, Any]:
        return {}

    def perform(self, attempt: Attempt) -> Outcome:
        return attempt.in_own_process()


IN_PROCESS = InProcess()
ON_THIS_MACHINE = (InProcess.name, Process.name)
"""The places for which wide loops hand calls to worker processes in batches."""
