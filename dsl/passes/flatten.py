"""Sequences inside sequences, and single parts, add nothing: take them out."""

from dataclasses import replace

from ..ir import Node, Parallel, Sequence
from .rebuild import rebuilt


def flatten(node: Node) -> Node:
    """Return the expression with unnamed sequences merged into the one around them, and single parts unwrapped.

    A nested workflow keeps its sequence, since its name is part of the paths and its parameters hold inside it.
    """
    node = rebuilt(node, flatten)
    match node:
        case Sequence():
            parts = tuple(inner for part in node.parts for inner in _spliced(part))
            node = node if parts == node.parts else replace(node, parts=parts)
            return parts[0] if len(parts) == 1 and _adds_nothing(node) else node
        case Parallel(branches=(only,)) if not node.problems:
            return only
        case _:
            return node


def _spliced(part: Node) -> tuple[Node, ...]:
    return part.parts if isinstance(part, Sequence) and _adds_nothing(part) else (part,)


def _adds_nothing(node: Sequence) -> bool:
    return not node.name and node.params is None and not node.problems
