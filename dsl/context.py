"""current_step(): what a running step can tell and ask, wherever it runs."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Generic, Literal, Protocol, TypeVar

logger = logging.getLogger("kaon.step")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Message:
    """What a step says while it runs."""

    kind: Literal["log", "progress", "metric", "status"]
    text: str
    values: Mapping[str, float] = field(default_factory=dict)
    """The metrics, or the `fraction` of a progress."""
    at: int | None = None
    """The epoch or iteration that metrics belong to."""


def _to_logging(message: Message) -> None:
    logger.info("%s", " ".join(filter(None, (message.text, *(f"{k}={v:g}" for k, v in message.values.items())))))


@dataclass(frozen=True, eq=False)
class Checkpoint(Generic[T]):
    """What a step kept while it ran, and went on without."""

    value: T
    at: int
    """The epoch or iteration after which it was kept."""
    values: Mapping[str, float] = field(default_factory=dict)
    """What was measured then."""


class Checkpoints(Protocol):
    """Where checkpoints are kept; each stands for the code, the settings and the inputs of the step that keeps it."""

    def keep(self, name: str, checkpoint: Checkpoint[object]) -> None:
        """Keep a checkpoint under a name, beside those before it."""
        ...

    def last(self, name: str, wanted: type[T]) -> Checkpoint[T] | None:
        """Return the last one of the name; None if nothing was kept, or a step has completed since."""
        ...


class NoCheckpoints:
    """Keeps nothing: a step that is called as a plain function has nothing to go on from."""

    def keep(self, name: str, checkpoint: Checkpoint[object]) -> None:
        """Let the checkpoint go."""

    def last(self, name: str, wanted: type[T]) -> None:
        """Return nothing."""


@dataclass(frozen=True, slots=True)
class StepContext:
    """The step that is running here."""

    path: str = ""
    run_id: int | None = None
    """The run's number; None where a step is called as a plain function."""
    attempt: int = 1
    """Which try of the step this is."""
    send: Callable[[Message], None] = field(default=_to_logging, repr=False)
    read_plan: Callable[[], str] = field(default=str, repr=False)
    """Returns the run's plan as JSON, empty where a step is called as a plain function."""
    checkpoints: Checkpoints = field(default=NoCheckpoints(), repr=False, compare=False)

    def progress(self, fraction: float, note: str = "") -> None:
        """Tell how far the step is, from 0 to 1: `progress(0.4, "epoch 4 of 10")`."""
        self.send(Message("progress", note, {"fraction": min(max(float(fraction), 0.0), 1.0)}))

    def metrics(self, values: Mapping[str, float], *, at: int | None = None) -> None:
        """Tell metrics while the step runs: `metrics({"loss": 0.3}, at=epoch)`."""
        self.send(Message("metric", "", {name: float(value) for name, value in values.items()}, at))

    def status(self, text: str) -> None:
        """Tell in a few words what the step is doing now."""
        self.send(Message("status", text))

    def log(self, text: str) -> None:
        """Add a line to the step's log."""
        self.send(Message("log", text))

    def checkpoint(
        self, value: object, *, at: int, values: Mapping[str, float] | None = None, name: str = "checkpoint"
    ) -> None:
        """Keep the state of a long computation as an artifact, so that it can go on from there if it is killed.

        at: the epoch or iteration that has just ended; values: what was measured then, to be shown with the artifact.
        name: tells several states of one step apart.

        The value is stored by the kind of its type, as outputs are: a `torch.nn.Module` with a config, a booster, a
        table, an array, a dataclass, a `File` of any format. It is recorded when this returns, unless the step runs in
        a process of its own: then a moment later. Nothing is kept outside a run, and in a container.

            for epoch in range(first, epochs + 1):
                loss = train_one(model)
                current_step().checkpoint(model, at=epoch, values={"loss": loss})

        Raises NoKind, NotStorable and WrongType as an output would, and what says that it cannot be written.
        """
        measured = {key: float(number) for key, number in (values or {}).items()}
        self.checkpoints.keep(name, Checkpoint(value, at, measured))

    def last_checkpoint(self, wanted: type[T], *, name: str = "checkpoint") -> Checkpoint[T] | None:
        """Return the last state that this step kept when it was tried before, here or in a run that was killed.

        wanted: the type of the value. The step is the same if its code, its settings and its inputs are: they decide
        what it makes, so that one which goes on from there makes what it would have made. None if there is none, if
        the step has completed since, or if it is forced to run from the start.

            saved = current_step().last_checkpoint(Model)
            model, first = (saved.value, saved.at + 1) if saved else (Model(), 1)
        """
        return self.checkpoints.last(name, wanted)


_OUTSIDE = StepContext()
_current: ContextVar[StepContext] = ContextVar("kaon_current_step", default=_OUTSIDE)


def current_step() -> StepContext:
    """Return the step that is running here; outside a run, one whose messages go to Python's logging."""
    return _current.get()


@contextmanager
def stepping(context: StepContext) -> Iterator[None]:
    """Make a step the current one while the block runs."""
    token = _current.set(context)
    try:
        yield
    finally:
        _current.reset(token)
