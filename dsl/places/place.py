"""Places: where a step runs, as it is written in `@step(place=…)`."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

PlaceName: TypeAlias = Literal["in_process", "process"]


@dataclass(frozen=True, slots=True)
class InProcess:
    """In the process of the run: nothing to start, but a step that hangs in foreign code cannot be killed."""

    name: ClassVar[PlaceName] = "in_process"


@dataclass(frozen=True, slots=True)
class Process:
    """In a process of its own: a timeout kills it, and it is held to its `Resources`."""

    name: ClassVar[PlaceName] = "process"


Place: TypeAlias = InProcess | Process

IN_PROCESS = InProcess()
