"""current_step(): what a running step can tell and ask, wherever it runs."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal

logger = logging.getLogger("kaon.step")


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
