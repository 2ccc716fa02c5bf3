"""Every node that makes outputs needs a path of its own: number those that would share one."""

from collections import Counter
from dataclasses import replace
from typing import assert_never

from ..ir import ForEach, Node, Parallel, Repeat, Sequence, Step, When, changed
from .rebuild import rebuilt


def distinguish_labels(node: Node) -> Node:
    """Return the expression with labels distinct among the nodes that share an enclosing path.

    The second of a name becomes `name#2`, in the order of the expression.
    """
    return _labelled(node, Counter())


def _labelled(node: Node, seen: Counter[str]) -> Node:
    match node:
        case Step():
            return changed(node, label=_distinct(node.name, seen))
        case Sequence(name=""):
            return rebuilt(node, lambda inner: _labelled(inner, seen))
        case Sequence():
            labelled: Node = replace(node, label=_distinct(node.name, seen))
        case Parallel():
            return rebuilt(node, lambda inner: _labelled(inner, seen))
        case ForEach() | Repeat():
            labelled = replace(node, label=_distinct(node.label, seen))
        case When():
            inside: Counter[str] = Counter()
            other: Counter[str] = Counter()
            return replace(
                node,
                label=_distinct(node.label, seen),
                then=_labelled(node.then, inside),
                orelse=None if node.orelse is None else _labelled(node.orelse, other),
            )
        case _:
            assert_never(node)
    within: Counter[str] = Counter()
    return rebuilt(labelled, lambda inner: _labelled(inner, within))


def _distinct(label: str, seen: Counter[str]) -> str:
    seen[label] += 1
    return label if seen[label] == 1 else f"{label}#{seen[label]}"
