"""Visit and rebuild an expression: the one place that knows which nodes enclose which."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import assert_never

from ..ir import ForEach, Node, Parallel, Repeat, Sequence, Step, When


def inner(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly inside a node."""
    match node:
        case Step():
            return ()
        case Sequence():
            return node.parts
        case Parallel():
            return node.branches
        case ForEach() | Repeat():
            return (node.body,)
        case When():
            return (node.then,) if node.orelse is None else (node.then, node.orelse)
        case _:
            assert_never(node)


def rebuilt(node: Node, rewrite: Callable[[Node], Node]) -> Node:
    """Return the node with each node directly inside it rewritten."""
    match node:
        case Step():
            return node
        case Sequence():
            parts = tuple(map(rewrite, node.parts))
            return node if parts == node.parts else replace(node, parts=parts)
        case Parallel():
            branches = tuple(map(rewrite, node.branches))
            return node if branches == node.branches else replace(node, branches=branches)
        case ForEach() | Repeat():
            return replace(node, body=rewrite(node.body))
        case When():
            return replace(node, then=rewrite(node.then), orelse=None if node.orelse is None else rewrite(node.orelse))
        case _:
            assert_never(node)


def nodes(node: Node) -> Iterator[Node]:
    """Yield a node and all it encloses, in the order of the expression."""
    yield node
    for child in inner(node):
        yield from nodes(child)
