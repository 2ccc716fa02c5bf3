"""What the records say of a run, a step, a message and a question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from ..artifact import LoopKeys
from ..digest import Digest
from ..json_form import Json

State = Literal["pending", "activated", "running", "retrying", "held", "completed", "skipped", "failed", "cancelled"]
"""Where a run or step stands."""

TERMINAL: frozenset[State] = frozenset({"completed", "skipped", "failed", "cancelled"})
"""The states that are never left."""

STATES: tuple[State, ...] = get_args(State)

MessageKind = Literal["log", "progress", "metric", "status"]


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to write into a run: it ends when the run does, or when another process takes the run over."""

    run: int
    generation: int
    """How often the run has been taken up: 1, 2, …"""


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One run of a workflow."""

    id: int
    workflow: str
    settings: Mapping[str, Json]
    plan: str
    """The plan as JSON."""
    backend: str
    tags: Mapping[str, str]
    state: State
    reason: str
    pid: int
    host: str
    started: datetime
    heartbeat: datetime
    """Last sign of life of the process that runs it."""
    ended: datetime | None
    generation: int = 1
    """How often it has been taken up: 1, and one more with each resumption."""
    wanted: str = ""
    """What somebody asked of it: "cancelled", or nothing."""
    process: float = 0.0
    """When its process started (seconds since 1970, as the system says); 0 if unknown."""
    machine: str = ""
    """The boot of the machine, and the part of it, in which its pid means its process."""

    @property
    def lease(self) -> Lease:
        """The right to write into the run, for who started it or took it over."""
        return Lease(self.id, self.generation)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """One step of a run: for one item of its loops, in one attempt of its repeats."""

    id: int
    run: int
    path: str
    """Plan path."""
    step: str
    keys: LoopKeys
    attempt: tuple[int, ...]
    settings: Mapping[str, Json]
    key: Digest | None
    state: State
    reason: str
    error: str | None
    tries: int
    """How often it was started."""
    fraction: float | None
    """Progress from 0 to 1, as the step reports it."""
    note: str
    started: datetime
    ended: datetime | None
    generation: int = 1
    """Generation of the run in which it began."""
    superseded: bool = False
    """Whether the run, taken up again, did it anew."""


@dataclass(frozen=True, slots=True)
class HoldRecord:
    """A question that a run waits on."""

    id: int
    run: int
    path: str
    """Plan path of the step that waits."""
    keys: LoopKeys
    attempt: tuple[int, ...]
    question: str
    asked: datetime
    decided: datetime | None = None
    approved: bool | None = None
    """The answer, once there is one."""
    by: str = ""
    """Who answered."""


@dataclass(frozen=True, slots=True)
class Message:
    """Something that a running step said."""

    time: datetime
    level: str
    """`info`, `warning`, …"""
    kind: MessageKind
    text: str
    payload: Json = None
    id: int = field(default=0, compare=False)
    """Given by the records: later messages have higher ids."""
    step_run: int | None = field(default=None, compare=False)
    path: str = field(default="", compare=False)
    """Plan path of the step that said it."""
    keys: LoopKeys = field(default=(), compare=False)
    """The items that the step was run for, where they were asked for too."""


@dataclass(frozen=True, slots=True)
class RegisteredWorkflow:
    """A workflow as it was when it was last run, deployed or served: enough to draw, start and foretell it."""

    name: str
    flow: str
    """How it is found, as FLOW on the command line; empty if nobody said, as for one that Python code ran."""
    folder: str
    """The folder that FLOW is found from, and that its modules are imported from."""
    plan: str
    """Its plan, as JSON."""
    facts: Mapping[str, Json] = field(default_factory=dict)
    """What the plan leaves out: `files`, by path the inputs that name files; `always`, by path why it always runs."""
    changed: datetime = datetime.min
    """When one of these last changed."""
