"""The plan: a workflow with every input bound to where it comes from, as plain data.

Every node that makes outputs has a stable, readable path (`recommendations/repeat/for_each[market]/fine_tune`), and
every input names its source by such a path. A plan holds no function and no Python type, so its JSON form reads back
to an equal plan, and whoever has a run's plan can draw and explain the run without the code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias, assert_never

from pydantic import Field, TypeAdapter
from pydantic_core import from_json

VERSION = 3

Json: TypeAlias = Any
"""What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Given:
    """A plain value written in the expression with `.with_(…)`."""

    value: Json
    source: Literal["given"] = "given"


@dataclass(frozen=True, slots=True)
class Variable:
    """A loop's variable, or the `attempt` of a repetition, by the path of the loop."""

    loop: str
    name: str
    source: Literal["variable"] = "variable"


@dataclass(frozen=True, slots=True)
class Output:
    """An output of a step, or what a loop, repetition or decision hands on, by the path of that node."""

    node: str
    name: str
    source: Literal["output"] = "output"


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting of the workflow, such as `train_als.rank`, or a declared parameter, such as `seed`."""

    address: str
    source: Literal["setting"] = "setting"


@dataclass(frozen=True, slots=True)
class Default:
    """The function's own default: nothing provides the input, and its type is no plain value."""

    source: Literal["default"] = "default"


@dataclass(frozen=True, slots=True)
class Absent:
    """Nothing: the value is None, because the branch that provides it does not run."""

    source: Literal["absent"] = "absent"


Source: TypeAlias = Annotated[Given | Variable | Output | Setting | Default | Absent, Field(discriminator="source")]


@dataclass(frozen=True, slots=True)
class Input:
    """An input of a call and where its value comes from."""

    name: str
    type: str
    source: Source


@dataclass(frozen=True, slots=True)
class Made:
    """An output of a call."""

    name: str
    """The name it is provided under."""
    type: str
    kind: str
    """The kind of artifact it is stored as."""
    returned_as: str
    """The name the function gives it."""


@dataclass(frozen=True, slots=True)
class Export:
    """What a loop or repetition hands on: a name, and where it comes from inside the body."""

    name: str
    type: str
    inside: Source


@dataclass(frozen=True, slots=True)
class BranchExport:
    """What a decision hands on under a name, in either case."""

    name: str
    type: str
    then: Source
    otherwise: Source


@dataclass(frozen=True, slots=True)
class Call:
    """One step, bound."""

    path: str
    step: str
    """The name its settings are addressed by."""
    function: str
    """`module:qualified name`."""
    code: str
    """The digest of its code."""
    inputs: tuple[Input, ...]
    outputs: tuple[Made, ...]
    retries: int = 0
    retry_delay: float = 0.0
    """Seconds before the first retry."""
    retry_backoff: float = 1.0
    """What the delay grows by with every retry."""
    retry_jitter: float = 0.0
    """The largest share of the delay that is added at random."""
    timeout: float | None = None
    """Seconds."""
    cpus: float = 1.0
    memory: str = ""
    place: str = "in_process"
    """The name of the place where it runs."""
    place_config: dict[str, Json] = field(default_factory=dict, hash=False)
    """The place's configuration."""
    command: str = ""
    """What a step that is a command runs; empty for a function."""
    question: str = ""
    """What a person is asked before it runs; empty: nobody is."""
    doc: str = ""
    node: Literal["call"] = "call"


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts in order; `name` is set for a nested workflow."""

    parts: tuple["PlanNode", ...]
    name: str = ""
    node: Literal["chain"] = "chain"


@dataclass(frozen=True, slots=True)
class Fork:
    """Branches side by side."""

    branches: tuple["PlanNode", ...]
    node: Literal["fork"] = "fork"


@dataclass(frozen=True, slots=True)
class Items:
    """The items of a loop come from a list or mapping known at run time."""

    values: Source
    mapping: bool
    """Whether the items are a mapping's values, under its keys."""
    over: Literal["items"] = "items"


@dataclass(frozen=True, slots=True)
class Listed:
    """The items of a loop are written out: a value for each variable."""

    points: tuple[tuple[Json, ...], ...]
    over: Literal["listed"] = "listed"


@dataclass(frozen=True, slots=True)
class Proposed:
    """The items of a loop are points that a sampler proposes as results come."""

    space: Json
    """What it may choose from, by variable."""
    count: int
    batch: int
    """Points that are asked for at a time."""
    objective: str
    """The output of the body that says how good a point is."""
    metric: str
    """Which of its metrics; empty for a number."""
    direction: Literal["maximize", "minimize"]
    seed: int
    over: Literal["proposed"] = "proposed"


@dataclass(frozen=True, slots=True)
class Loop:
    """A body for each item."""

    path: str
    verb: str
    variables: tuple[str, ...]
    over: Annotated[Items | Listed | Proposed, Field(discriminator="over")]
    body: "PlanNode"
    exports: tuple[Export, ...]
    at_once: int | None = None
    on_failure: Literal["fail", "continue"] = "fail"
    min_success: int | float = 1
    """With "continue": how many items, or which share of them, must succeed."""
    node: Literal["loop"] = "loop"


@dataclass(frozen=True, slots=True)
class Attempts:
    """A body repeated until an output of it is true."""

    path: str
    until: str
    until_source: Source
    at_most: int
    exhausted: Literal["fail", "continue"]
    body: "PlanNode"
    exports: tuple[Export, ...]
    node: Literal["attempts"] = "attempts"


@dataclass(frozen=True, slots=True)
class Branch:
    """One of two bodies."""

    path: str
    condition: str
    condition_source: Source
    then: "PlanNode"
    orelse: "PlanNode | None"
    exports: tuple[BranchExport, ...]
    node: Literal["branch"] = "branch"


PlanNode: TypeAlias = Annotated[Call | Chain | Fork | Loop | Attempts | Branch, Field(discriminator="node")]


@dataclass(frozen=True, slots=True)
class Plan:
    """A checked workflow, ready to run on any backend."""

    workflow: str
    root: PlanNode
    settings: dict[str, Json] = field(hash=False)
    """The JSON schema of the workflow's settings."""
    outputs: tuple[tuple[str, Source], ...] = ()
    """What is in scope at the end, by name."""
    report: tuple[str, ...] = ()
    """The outputs a run shows when it ends."""
    doc: str = ""
    version: int = VERSION

    def calls(self) -> Iterator[Call]:
        """Yield every call, in the order of the expression."""
        for node in walk(self.root):
            if isinstance(node, Call):
                yield node

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the plan as JSON."""
        return _adapter().dump_json(self, indent=indent).decode()

    @staticmethod
    def from_json(text: str) -> "Plan":
        """Return the plan that `to_json` wrote.

        Raises ValueError for JSON that is no plan, or that a newer Kaon wrote.
        """
        raw = from_json(text)
        version = raw.get("version") if isinstance(raw, dict) else None
        if isinstance(version, int) and version > VERSION:
            raise ValueError(f"this plan has version {version}, and this Kaon reads up to {VERSION}; use a newer Kaon")
        return _adapter().validate_json(text)


def walk(node: PlanNode) -> Iterator[PlanNode]:
    """Yield the node and all it encloses, in the order of the expression."""
    yield node
    for child in children(node):
        yield from walk(child)


def children(node: PlanNode) -> tuple[PlanNode, ...]:
    """Return the nodes directly inside a node."""
    match node:
        case Call():
            return ()
        case Chain():
            return node.parts
        case Fork():
            return node.branches
        case Loop() | Attempts():
            return (node.body,)
        case Branch():
            return (node.then,) if node.orelse is None else (node.then, node.orelse)
        case _:
            assert_never(node)


def after(plan: Plan, paths: frozenset[str]) -> tuple[str, ...]:
    """Return the paths of these calls and of all that follow them, in the order of the plan.

    What stands beside them in other branches does not follow them; what comes after the branches have joined does.
    """
    return tuple(call.path for call in _following(plan.root, paths)[0])


def _following(node: PlanNode, paths: frozenset[str]) -> tuple[list[Call], bool]:
    """Return the calls inside a node that follow, and whether what comes after the node follows too."""
    if isinstance(node, Call):
        return ([node], True) if node.path in paths else ([], False)
    if isinstance(node, Loop | Attempts):  # the next item or attempt begins where this one ended
        found, reached = _following(node.body, paths)
        return found, reached
    calls: list[Call] = []
    reached = False
    for child in children(node):
        if isinstance(node, Chain) and reached:
            calls += [inner for inner in walk(child) if isinstance(inner, Call)]
            continue
        found, within = _following(child, paths)
        calls += found
        reached = reached or within
    return calls, reached


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)
