"""What a place is given: one try of a step, and the step as a command with files where the place asks for that."""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from ..context import Message

Outcome: TypeAlias = Any
"""What came of a try: a place hands it on as `Attempt` or `Job` gave it."""


class Attempt(Protocol):
    """One try of a step."""

    path: str
    """The plan's path of the call."""
    run: int
    """The run's number."""
    tries: int
    """Which try this is: 1, 2, …"""
    owner: str
    """Names the run's process: a label for what a place starts, so that it can be found when the process is gone."""

    def here(self) -> Outcome:
        """Perform the step in this process."""
        ...

    def in_own_process(self) -> Outcome:
        """Perform the step in a process of its own, held to its resources."""
        ...

    def job(self) -> "AbstractContextManager[Job]":
        """Yield the step as a command with its files in a folder, which is removed at the end of the block.

        What the command appends to the file that KAON_MESSAGES names there is told while the block runs.
        """
        ...

    def tell(self, message: Message) -> None:
        """Record what the step says: a line of its log, progress, metrics, a status."""
        ...

    def go_on(self) -> None:
        """Return if the try may go on; to be asked a few times a second while a place waits.

        Raises StepTimedOut when the step's time is up, and KeyboardInterrupt when the run is to stop.
        """
        ...


@dataclass(frozen=True, slots=True)
class Mount:
    """A file or folder of this machine that the command reads, and that is not in the job's folder."""

    source: Path
    target: str
    """Where the command looks for it."""


class Job(Protocol):
    """A step as a command. Its folder holds `in/`, which is only read, `out/`, and `work/`, in which it is to run."""

    @property
    def folder(self) -> Path:
        """Where it lies on this machine."""
        ...

    def command(self, at: str, python: str = "python3") -> tuple[str, ...]:
        """Return the program and its arguments, for a machine on which the folder lies at a path.

        python: what runs a step that is a function.
        """
        ...

    def environment(self, at: str) -> dict[str, str]:
        """Return the variables that the command needs besides those of the place."""
        ...

    def mounts(self, at: str) -> tuple[Mount, ...]:
        """Return what the command reads besides the folder; nothing where it lies at its own path."""
        ...

    def outcome(self) -> Outcome:
        """Collect what a command that ended well left in `out/`.

        Raises OutputMissing or OutputUnreadable for an output that is not there, or is not what its type says.
        """
        ...
