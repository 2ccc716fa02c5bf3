"""Take out of an expression what does not lead to the calls that are wanted."""

from collections.abc import Set
from dataclasses import replace
from typing import assert_never

from ..ir import ForEach, Node, Parallel, Repeat, Sequence, Step, When
from .paths import path_of


def pruned(node: Node, wanted: Set[str], path: str = "") -> Node | None:
    """Return the expression with the steps of these paths alone; None if none of them stands in it.

    node: with distinct labels, which give the paths.
    path: of what encloses the node.
    """
    path = path_of(node, path)
    match node:
        case Step():
            return node if path in wanted else None
        case Sequence():
            parts = _kept(node.parts, wanted, path)
            return replace(node, parts=parts) if parts else None
        case Parallel():
            branches = _kept(node.branches, wanted, path)
            return replace(node, branches=branches) if branches else None
        case ForEach() | Repeat():
            body = pruned(node.body, wanted, path)
            return None if body is None else replace(node, body=body)
        case When():
            then = pruned(node.then, wanted, path)
            orelse = None if node.orelse is None else pruned(node.orelse, wanted, f"{path}/otherwise")
            if then is None and orelse is None:
                return None
            return replace(node, then=then or node.then, orelse=orelse)
        case _:
            assert_never(node)


def _kept(nodes: tuple[Node, ...], wanted: Set[str], path: str) -> tuple[Node, ...]:
    return tuple(kept for node in nodes if (kept := pruned(node, wanted, path)) is not None)
