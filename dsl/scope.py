"""What is visible at a point of the expression, and the facts that binding finds for the checks to judge."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .fit import shown
from .ir import ForEach, Node, Parallel, Repeat, Step, When
from .plan import PlanNode, Source
from .signature import Parameter, Signature
from .where import Where


@dataclass(frozen=True, slots=True)
class Offer:
    """A value that a name stands for: its type, where it comes from, and who provides it."""

    name: str
    type: Any
    source: Source
    by: str
    """Who provides it, as an error says it: 'train_als', 'the loop for_each[market]', 'a parameter'."""
    where: Where

    def __str__(self) -> str:
        return f"{self.name}: {shown(self.type)}"


class Scope:
    """Names and what they stand for, inside what encloses them."""

    __slots__ = ("_offers", "_parameters", "_parent", "_uncertain")

    def __init__(self, parent: "Scope | None" = None) -> None:
        self._offers: dict[str, Offer] = {}
        self._parameters: dict[str, Offer] = {}
        self._parent = parent
        self._uncertain = False

    def offer(self, offers: Mapping[str, Offer]) -> None:
        """Make names visible to what follows; a name already there now stands for the nearer value."""
        self._offers.update(offers)

    def declare(self, parameters: Mapping[str, Offer]) -> None:
        """Make a workflow's parameters visible, behind every output of the same name."""
        self._parameters.update(parameters)

    def lookup(self, name: str) -> Offer | None:
        """Return what a name stands for: the innermost output or loop variable, else the innermost parameter."""
        for scope in self._outwards():
            if name in scope._offers:
                return scope._offers[name]
        for scope in self._outwards():
            if name in scope._parameters:
                return scope._parameters[name]
        return None

    def visible(self) -> dict[str, Offer]:
        """Return every visible name."""
        scopes = list(self._outwards())[::-1]
        parameters = {name: offer for scope in scopes for name, offer in scope._parameters.items()}
        return parameters | {name: offer for scope in scopes for name, offer in scope._offers.items()}

    def _outwards(self) -> Iterator["Scope"]:
        scope: Scope | None = self
        while scope is not None:
            yield scope
            scope = scope._parent

    def doubt(self) -> None:
        """Note that something upstream could not be read, so that a missing name may be its output."""
        self._uncertain = True

    @property
    def doubted(self) -> bool:
        """Whether something inside this very scope could not be read."""
        return self._uncertain

    @property
    def uncertain(self) -> bool:
        """Whether a missing name may only be missing because of another problem."""
        return self._uncertain or (self._parent is not None and self._parent.uncertain)


@dataclass(frozen=True, slots=True)
class Read:
    """An input of a step and what was found for it."""

    step: Step[..., Any]
    parameter: Parameter
    name: str
    """The name it reads."""
    offer: Offer | None
    fitting: bool
    """Whether something was found whose type fits."""
    visible: Mapping[str, Offer]
    """What could have been read; filled only if nothing was found or the types do not fit."""
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Placement:
    """A step at one place of the expression."""

    step: Step[..., Any]
    signature: Signature


@dataclass(frozen=True, slots=True)
class Merge:
    """A name that several parallel branches provide."""

    node: Parallel
    name: str
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class LoopFact:
    """A loop: what it runs over, which of its variables are read, and which are already taken."""

    node: ForEach
    items: Offer | None
    visible: Mapping[str, Offer]
    read: frozenset[str]
    enclosing: Mapping[str, Offer]
    """Its variables that an enclosing loop binds too."""
    provided: Mapping[str, Offer]
    """What its body provides."""
    uncertain: bool
    body_doubted: bool


@dataclass(frozen=True, slots=True)
class RepeatFact:
    """A repetition: its `until`, as the body provides it and as it is in scope outside."""

    node: Repeat
    inside: Offer | None
    outside: Offer | None
    provided: Mapping[str, Offer]
    uncertain: bool


@dataclass(frozen=True, slots=True)
class WhenFact:
    """A decision: its condition as it is in scope."""

    node: When
    condition: Offer | None
    visible: Mapping[str, Offer]
    uncertain: bool


@dataclass(frozen=True, slots=True)
class Declared:
    """A setting or parameter of the workflow."""

    step: str
    """The step it belongs to; empty for a declared parameter."""
    name: str
    annotation: Any
    default: Any
    help: str
    where: Where

    @property
    def address(self) -> str:
        """How it is addressed: `train_als.rank`, or `seed`."""
        return f"{self.step}.{self.name}" if self.step else self.name


@dataclass(slots=True)
class Facts:
    """All that binding finds, in the order of the expression."""

    workflow: str
    root: Node
    reads: list[Read] = field(default_factory=list)
    placements: list[Placement] = field(default_factory=list)
    merges: list[Merge] = field(default_factory=list)
    loops: list[LoopFact] = field(default_factory=list)
    repeats: list[RepeatFact] = field(default_factory=list)
    decisions: list[WhenFact] = field(default_factory=list)
    declared: list[Declared] = field(default_factory=list)
    """In order, repeated for every place that reads it."""
    final: dict[str, Offer] = field(default_factory=dict)
    """What is in scope at the end."""
    report: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Bound:
    """A bound expression: the plan's root, the facts to judge, and the functions by path."""

    root: PlanNode
    facts: Facts
    functions: Mapping[str, Step[..., Any]]
