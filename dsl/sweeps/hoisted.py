"""Split an expression into what can run once, before a sweep, and what must run for every point of it."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from ..ir import ForEach, Named, Node, Parallel, Repeat, Sequence, Step, When
from ..passes.rebuild import nodes
from ..signature import signature_of
from .paths import path_of, steps_within

Split: TypeAlias = tuple[Node | None, Node | None]
"""What runs once, and what runs for every point."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names that expressions read and provide, whoever provides or reads them."""

    read: frozenset[str] = frozenset()
    provided: frozenset[str] = frozenset()

    def __or__(self, other: "Names") -> "Names":
        return Names(self.read | other.read, self.provided | other.provided)


def hoisted(node: Node, affected: Set[str], path: str = "") -> Split:
    """Return what of the expression does not depend on the sweep and can run before it, and the rest.

    affected: the paths of the steps that depend on the sweep.
    What would change the meaning of a name by moving stays where it is: its inputs are equal at every point, so that
    the first point makes it and the others find it in the store.
    """
    if not any(found in affected for found, _ in steps_within(node, path)):
        return node, None
    within = path_of(node, path)
    match node:
        case Sequence():
            before, rest = _in_order(node.parts, affected, within)
        case Parallel():
            before, rest = _side_by_side(node.branches, affected, within)
        case _:
            return None, node
    return _grouped(node, before), _grouped(node, rest)


def _in_order(parts: Iterable[Node], affected: Set[str], path: str) -> tuple[list[Node], list[Node]]:
    before: list[Node] = []
    rest: list[Node] = []
    left = Names()
    for part in parts:
        once, each = hoisted(part, affected, path)
        if once is not None and _in_the_way(_names(once), left):
            once, each = None, part
        before += [once] if once is not None else []
        rest += [each] if each is not None else []
        left |= _names(each) if each is not None else Names()
    return before, rest


def _side_by_side(branches: tuple[Node, ...], affected: Set[str], path: str) -> tuple[list[Node], list[Node]]:
    before: list[Node] = []
    rest: list[Node] = []
    for branch in branches:
        once, each = hoisted(branch, affected, path)
        others = _all_names(other for other in branches if other is not branch)
        if once is not None and _names(once).provided & (others.read | others.provided):
            once, each = None, branch
        before += [once] if once is not None else []
        rest += [each] if each is not None else []
    return before, rest


def _in_the_way(moved: Names, left: Names) -> bool:
    """Return whether moving something to before what it followed may change what a name stands for."""
    return bool(moved.provided & (left.read | left.provided) or moved.read & left.provided)


def _all_names(expressions: Iterable[Node]) -> Names:
    found = Names()
    for expression in expressions:
        found |= _names(expression)
    return found


def _names(expression: Node) -> Names:
    found = Names()
    for node in nodes(expression):
        match node:
            case Step():
                found |= _names_of_step(node)
            case ForEach(over=Named(name)) | Repeat(until=name) | When(condition=name):
                found |= Names(read=frozenset({name}))
            case _:
                pass
    return found


def _names_of_step(step: Step[..., Any]) -> Names:
    signature, reads, renames = signature_of(step.definition), dict(step.renamed_inputs), dict(step.renamed_outputs)
    given = {name for name, _ in step.given}
    return Names(
        frozenset(reads.get(one.name, one.name) for one in signature.parameters if one.name not in given),
        frozenset(renames.get(name, name) for name, _ in signature.outputs),
    )


def _grouped(node: Sequence | Parallel, inner: list[Node]) -> Node | None:
    """Return the node around some of what it encloses; None around nothing."""
    if not inner:
        return None
    return replace(node, parts=tuple(inner)) if isinstance(node, Sequence) else replace(node, branches=tuple(inner))
