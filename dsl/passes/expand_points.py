"""Sweeps, bootstraps and cross-validations are one loop over a list of points: write the points out."""

from dataclasses import replace
from itertools import product
from typing import assert_never

from ..ir import Folds, ForEach, Grid, Named, Node, Points, Proposed, Replicates
from .rebuild import rebuilt


def expand_points(node: Node) -> Node:
    """Return the expression with every loop over written-out values given as points, the last axis fastest."""
    node = rebuilt(node, expand_points)
    if not isinstance(node, ForEach):
        return node
    match node.over:
        case Named() | Points() | Proposed():
            return node
        case Grid(axes=axes):
            return replace(node, over=Points(tuple(product(*(values for _, values in axes)))))
        case Replicates(count=count):
            return replace(node, over=Points(tuple((replicate,) for replicate in range(count))))
        case Folds(count=count):
            return replace(node, over=Points(tuple((fold, count) for fold in range(count))))
        case _:
            assert_never(node.over)
