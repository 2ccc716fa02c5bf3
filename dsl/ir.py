"""The intermediate representation: what a workflow expression is, before anything is checked or bound.

A closed union of frozen dataclasses, one per verb; operators only build the same nodes. Every `match` on `Node` ends in
`assert_never`. A node carries the problems found while it was written, so that they are reported with all the others.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Generic, Literal, ParamSpec, Self, TypeAlias, TypeVar

from pydantic import BaseModel

from .errors import Problem
from .places.command import Command
from .places.place import IN_PROCESS, Place
from .resources import Resources
from .sampling import Space
from .where import NOWHERE, Where, Written, written_by_caller

P = ParamSpec("P")
R = TypeVar("R")


class Expression:
    """What can stand in a workflow expression; `a >> b` and `a >> [b, c] >> d` build sequences and parallels."""

    __slots__ = ()

    def placed(self, written: Written) -> "Node":
        """Return the node that this expression stands for at that place of the source."""
        raise NotImplementedError(f"{type(self).__name__} does not say which node it stands for")

    def __rshift__(self, following: "Operand") -> "Sequence":
        written = written_by_caller()
        return chain((self, following), written)

    def __rrshift__(self, preceding: "Operand") -> "Sequence":
        written = written_by_caller()
        return chain((preceding, self), written)


Operand: TypeAlias = Expression | list[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """A step as it was declared: the function and how it is to be run."""

    function: Callable[..., Any]
    output: str | None
    retries: int
    retry_delay: timedelta
    timeout: timedelta | None
    resources: Resources
    where: Where
    names: Mapping[str, object]
    """What annotations may refer to besides the function's globals."""
    retry_backoff: float = 1.0
    """What the delay grows by with every retry."""
    retry_jitter: float = 0.0
    """The largest share of the delay that is added at random."""
    place: Place = IN_PROCESS
    reusable: bool = True
    """Whether what it made before stands for what it would make now; not if it reads what is none of its inputs."""
    command: Command | None = None
    """What it runs instead of the function, which then only says what goes in and comes out."""


@dataclass(frozen=True, eq=False)
class Step(Expression, Generic[P, R]):
    """A step standing in an expression; called directly, it just runs its function."""

    definition: Definition
    name: str
    given: tuple[tuple[str, object], ...] = ()
    renamed_inputs: tuple[tuple[str, str], ...] = ()
    """(input, the name it reads)."""
    renamed_outputs: tuple[tuple[str, str], ...] = ()
    """(output, the name it provides)."""
    where: Where = field(default=NOWHERE, repr=False)
    problems: tuple[Problem, ...] = field(default=(), repr=False)
    label: str = ""
    question: str = ""
    """What a person is asked before it runs; empty: nobody is."""

    def __post_init__(self) -> None:
        function = self.definition.function
        told = {name: getattr(function, name, None) for name in ("__doc__", "__module__", "__name__", "__qualname__")}
        vars(self).update(told, __wrapped__=function)  # so that help(), doctest and inspect see the function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return self.definition.function(*args, **kwargs)  # type: ignore[no-any-return]

    def with_(self, **values: object) -> Self:
        """Return the step with these inputs fixed to plain values."""
        return self._changed(given=(*self.given, *values.items()))

    def reads(self, **names: str) -> Self:
        """Return the step with inputs read under other names: `evaluate.reads(model="als")`."""
        return self._changed(renamed_inputs=(*self.renamed_inputs, *names.items()))

    def rename(self, **names: str) -> Self:
        """Return the step with outputs provided under other names: `train.rename(als="global_model")`."""
        return self._changed(renamed_outputs=(*self.renamed_outputs, *names.items()))

    def named(self, name: str) -> Self:
        """Return the step under a name, and so with settings, of its own."""
        if name.isidentifier():
            return self._changed(name=name)
        problem = Problem(
            f"{name!r} cannot name a step",
            written_by_caller().where,
            why="settings are addressed by the step's name, as in train_als.rank",
            fix=f"use letters, digits and underscores: .named({''.join(c if c.isalnum() else '_' for c in name)!r})",
        )
        return self._changed(problems=(*self.problems, problem))

    def held(self, question: str) -> Self:
        """Return the step held: the run stops before it until a person answers with `kaon approve`."""
        if question.strip():
            return self._changed(question=question)
        problem = Problem(
            f"{self.name}.held() asks nothing",
            written_by_caller().where,
            why="whoever approves must know what",
            fix=f'write {self.name}.held("publish to production?")',
        )
        return self._changed(problems=(*self.problems, problem))

    def placed(self, written: Written) -> "Node":
        return self if self.where == written.where else changed(self, where=written.where)

    def _changed(self, **changes: Any) -> Self:
        return changed(self, where=written_by_caller().where, **changes)


@dataclass(frozen=True, slots=True, eq=False)
class _Composite(Expression):
    where: Where = field(default=NOWHERE, repr=False, kw_only=True)
    problems: tuple[Problem, ...] = field(default=(), repr=False, kw_only=True)
    label: str = field(default="", kw_only=True)
    """The node's segment in the paths of what it encloses, made distinct by a pass; empty: it adds none."""

    def placed(self, written: Written) -> "Node":
        return self  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, eq=False)
class Sequence(_Composite):
    """Parts in order; each sees the outputs of those before it. A nested workflow is a sequence with a name."""

    parts: tuple["Node", ...]
    name: str = ""
    params: type[BaseModel] | None = None
    given: tuple[tuple[str, object], ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Parallel(_Composite):
    """Branches side by side; they do not see each other, and what follows sees all of them."""

    branches: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Loop over a list or mapping that is known at run time, by its name."""

    name: str


@dataclass(frozen=True, slots=True)
class Grid:
    """Loop over every combination of the listed values: a sweep."""

    axes: tuple[tuple[str, tuple[object, ...]], ...]


@dataclass(frozen=True, slots=True)
class Replicates:
    """Loop over replicate = 0 … count-1: a bootstrap."""

    count: int


@dataclass(frozen=True, slots=True)
class Folds:
    """Loop over fold = 0 … count-1, with `folds` = count: a cross-validation."""

    count: int


@dataclass(frozen=True, slots=True)
class Points:
    """Loop over points written out, each a value for every variable; what the other literal loops are expanded to."""

    points: tuple[tuple[object, ...], ...]


@dataclass(frozen=True, slots=True)
class Proposed:
    """Loop over points that a sampler proposes as results come: a search for the best."""

    space: Space
    count: int
    batch: int
    """Points that are asked for, and run, at a time; the same seed and batch give the same points."""
    objective: str
    """An output of the body: metrics or a number."""
    metric: str = ""
    """Which of the metrics; empty for a number."""
    direction: Literal["maximize", "minimize"] = "maximize"
    seed: int = 0


Over: TypeAlias = Named | Points | Grid | Replicates | Folds | Proposed


@dataclass(frozen=True, slots=True, eq=False)
class ForEach(_Composite):
    """A body for each item; what follows sees every output of the body as a mapping from item to value."""

    verb: str
    variables: tuple[str, ...]
    over: Over
    body: "Node"
    at_once: int | None = None
    on_failure: Literal["fail", "continue"] = "fail"
    min_success: int | float = 1
    """With "continue": how many items, or which share of them, must succeed."""


@dataclass(frozen=True, slots=True, eq=False)
class Repeat(_Composite):
    """A body repeated until one of its outputs is true; what follows sees the outputs of the last attempt."""

    until: str
    at_most: int
    body: "Node"
    exhausted: Literal["fail", "continue"] = "fail"


@dataclass(frozen=True, slots=True, eq=False)
class When(_Composite):
    """One of two bodies, as a bool in scope says."""

    condition: str
    then: "Node"
    orelse: "Node | None" = None

    def otherwise(self, body: Operand) -> "When":
        """Return the decision with a body for the other case."""
        written = written_by_caller()
        return replace(self, orelse=placed(body, written.operand(0)), where=written.where)


Node: TypeAlias = Step[..., Any] | Sequence | Parallel | ForEach | Repeat | When


AnyStep = TypeVar("AnyStep", bound=Step[..., Any])


def changed(step: AnyStep, **fields: Any) -> AnyStep:
    """Return the step with other fields, as `replace` would, at a tenth of its cost: expressions copy steps often."""
    copy = object.__new__(type(step))
    vars(copy).update(vars(step), **fields)
    return copy


def chain(operands: tuple[object, ...], written: Written) -> Sequence:
    """Return the sequence of the operands, each at its own place in the source; `a >> b >> c` is one of three parts."""
    nodes = tuple(placed(value, written.operand(index)) for index, value in enumerate(operands))
    parts = (*parts_of(nodes[0]), *nodes[1:]) if nodes else ()
    empty = Problem("sequence has no parts", written.where, "there is nothing to run", "put steps into it")
    return Sequence(parts, where=written.where, problems=() if parts else (empty,))


def parts_of(node: Node) -> tuple[Node, ...]:
    """Return the parts of a sequence without a name, so that another can go on with them; else the node itself."""
    return node.parts if isinstance(node, Sequence) and not node.name and not node.problems else (node,)


def fork(operands: tuple[object, ...], written: Written) -> Parallel:
    """Return the operands side by side, each at its own place in the source."""
    branches = tuple(placed(value, written.operand(index)) for index, value in enumerate(operands))
    empty = Problem("parallel has no branches", written.where, "there is nothing to run", "put steps in the list")
    return Parallel(branches, where=written.where, problems=() if branches else (empty,))


def placed(value: object, written: Written) -> Node:
    """Return the node for a value standing in an expression; what is no expression becomes a node with a problem."""
    match value:
        case Expression():
            return value.placed(written)
        case list() | tuple():
            return fork(tuple(value), written)
        case _:
            return not_a_step(value, written.where)


def _nothing() -> None:
    """Stand in for the function of what is no step."""


def not_a_step(value: object, where: Where) -> Step[..., Any]:
    """Return a stand-in for a value that is no step, so that everything else can still be checked."""
    name = getattr(value, "__name__", None)
    if callable(value) and name:
        problem = Problem(
            f"{name} is used as a step, and it is a plain {'class' if isinstance(value, type) else 'function'}",
            where,
            why="a workflow is made of steps: functions that declare what they output",
            fix=f"decorate it with @step(output=…): def {name}(…)"
            if inspect.isfunction(value) and name.isidentifier()
            else "write a function that calls it, and decorate that with @step(output=…)",
        )
    elif hasattr(value, "do"):
        problem = Problem(
            f"{value!r} has no body",
            where,
            why="a loop or a decision says what it runs with .do(…)",
            fix="add .do(first_step >> second_step)",
        )
    else:
        problem = Problem(
            f"{value!r} is not a step",
            where,
            why=f"a workflow is made of steps, lists of branches and verbs; this is of type {type(value).__name__}",
            fix="pass plain values to a step with .with_(name=value)",
        )
    definition = Definition(_nothing, None, 0, timedelta(0), None, Resources(), where, {})
    return Step(definition, name=str(name or type(value).__name__), where=where, problems=(problem,))
