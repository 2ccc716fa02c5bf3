"""Passes: rewrites of the IR that keep what it means, one a file, applied in the order of PASSES."""

from collections.abc import Callable

from ..ir import Node
from .distinguish_labels import distinguish_labels
from .expand_points import expand_points
from .flatten import flatten

PASSES: tuple[Callable[[Node], Node], ...] = (flatten, expand_points, distinguish_labels)


def apply_passes(node: Node) -> Node:
    """Return the expression after every pass."""
    for rewrite in PASSES:
        node = rewrite(node)
    return node
