"""What an interpreter yields: what is to be done, and what it is sent in reply."""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from ..plan import Call, Json, Loop
from .frame import Frame
from .references import Reference


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call at one item and attempt, with its inputs; an input that is left to its default is not there."""

    call: Call
    keys: tuple[tuple[str, Json], ...]
    attempts: tuple[int, ...]
    inputs: Mapping[str, Reference]


@dataclass(frozen=True, slots=True)
class Run:
    """Run a step, or reuse what it made before. The reply is its outputs; Stopped is thrown if it has none."""

    invocation: Invocation


@dataclass(frozen=True, slots=True)
class Together:
    """Run branches side by side, every one to its end. The reply says for each how it stopped, or None."""

    branches: tuple["Effects", ...]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a loop: its key, and what the loop's variables stand for."""

    key: Json
    variables: Mapping[str, Reference]


@dataclass(frozen=True, slots=True)
class Each:
    """Run the body of a loop for items. The reply says for each what it hands on, in the order of the exports, or how
    it stopped.
    """

    loop: Loop
    frame: Frame
    items: Sequence[Item]


@dataclass(frozen=True, slots=True)
class Abandon:
    """Note that calls will not be made."""

    calls: tuple[Call, ...]
    frame: Frame
    reason: str


Effect: TypeAlias = Run | Together | Each | Abandon
Effects: TypeAlias = Generator[Effect, Any, None]
HandedOn: TypeAlias = tuple[Reference, ...]
