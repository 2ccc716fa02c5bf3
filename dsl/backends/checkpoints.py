"""Checkpoints in the store: what performs the step puts their bytes there, and the run's process records them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from kaon.artifacts import CorruptArtifact, Digest, MissingBlob, NewOutput, Store
from kaon.artifacts.amounts import size

from ..context import Checkpoint, Message
from ..secrets import refuse_secrets

T = TypeVar("T")

AT = "at"
"""What the summary of a checkpoint calls the epoch or iteration."""
MEASURED = "measured"
"""What it calls the measured values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept(Message):
    """A running step has kept something: a line of its log, and what is to be recorded."""

    made: NewOutput


@dataclass(frozen=True, slots=True)
class StoredCheckpoints:
    """The checkpoints of one try of a step."""

    store: Store
    tell: Callable[[Message], None]
    key: Callable[[], Digest]
    """Returns the key of the step, whose checkpoints these are."""

    def keep(self, name: str, checkpoint: Checkpoint[object]) -> None:
        """Store the value as its type says, and have it recorded."""
        at, values = checkpoint.at, checkpoint.values
        made = self.store.dumped(checkpoint.value, name=name, annotation=type(checkpoint.value), check=refuse_secrets)
        summary = {AT: at, MEASURED: dict(values), **made.summary}
        measured = "".join(f", {key} {value:g}" for key, value in values.items())
        told = f"kept {name!r} after {at}: {size(made.size)}{measured}"
        noted = NewOutput(made.name, made.kind, made.digest, made.size, summary, made.inline)
        self.tell(Kept("log", told, made=noted))

    def last(self, name: str, wanted: type[T]) -> Checkpoint[T] | None:
        """Return the last one whose bytes are there and whole, read as wanted."""
        for artifact in self.store.records.newest_checkpoints(self.key(), name):
            try:
                value = self.store.get(artifact, wanted)
            except (CorruptArtifact, MissingBlob) as error:
                self.tell(Message("log", f"passed over a checkpoint: {error.problem}"))
                continue
            summary = cast(dict[str, Any], artifact.summary)
            return Checkpoint(cast(T, value), int(summary[AT]), summary[MEASURED])
        return None
