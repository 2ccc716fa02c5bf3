"""What a runner tells the records of its calls, and what it hears back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..artifact import Artifact, LoopKeys
from ..digest import Digest
from ..json_form import Json
from .json_text import json_text
from .record import Message, State


@dataclass(frozen=True, slots=True)
class Begin:
    """A call that is about to run, unless its outputs are there or on their way."""

    path: str
    """Plan path."""
    step: str
    keys: LoopKeys = ()
    attempt: tuple[int, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)
    key: Digest | None = None
    """Decides what can be reused; None for a call whose outputs never are."""
    reason: str = ""
    """Why it runs, if it does."""
    fresh: bool = False
    """Whether to run it even if its outputs are there."""


@dataclass(frozen=True, slots=True, eq=False)
class Committed(Mapping[str, Artifact]):
    """What one step run committed: its outputs by name."""

    run: int
    """Run that committed them."""
    step_run: int
    outputs: Mapping[str, Artifact]

    def __getitem__(self, name: str) -> Artifact:
        return self.outputs[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.outputs)

    def __len__(self) -> int:
        return len(self.outputs)


@dataclass(frozen=True, slots=True)
class Begun:
    """The call is recorded as running: run it, and finish it."""

    step_run: int


@dataclass(frozen=True, slots=True)
class Found:
    """The call is recorded as skipped: its outputs are there."""

    step_run: int
    committed: Committed


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Nothing is recorded: a run is making the outputs now (it may be the same run). Ask again later."""

    run: int


Answer: TypeAlias = Begun | Found | Elsewhere


@dataclass(frozen=True, slots=True)
class NewOutput:
    """An output whose bytes are ready: in the blobs, or here if they are to live in the records."""

    name: str
    kind: str
    digest: Digest
    size: int
    summary: Mapping[str, Json]
    inline: bytes | None

    def __reduce__(self) -> tuple[Any, ...]:  # several times as fast as what a frozen dataclass with slots does
        return NewOutput, (self.name, self.kind, self.digest, self.size, self.summary, self.inline)


@dataclass(frozen=True, slots=True)
class Ending:
    """How one step run ended, and what it leaves."""

    step_run: int
    state: State
    reason: str = ""
    error: str | None = None
    tries: int = 1
    outputs: tuple[NewOutput, ...] = ()
    made_from: tuple[int, ...] = ()
    """Ids of the artifacts that the step read."""
    messages: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """A call that a run has behind it."""

    step_run: int
    key: Digest | None
    outputs: Mapping[str, Artifact]


Call: TypeAlias = tuple[str, str, tuple[int, ...]]
"""One call of a run: plan path, loop keys as `keys_json` writes them, attempts."""


def keys_json(keys: LoopKeys) -> str:
    """Return loop keys as the records write them.

    >>> keys_json((("market", "US"), ("rank", 8)))
    '[["market","US"],["rank",8]]'
    """
    return json_text(keys, "keys")
