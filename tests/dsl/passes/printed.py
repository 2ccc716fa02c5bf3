"""The IR as indented text, for the golden files of the passes."""

from collections.abc import Iterator
from typing import assert_never

from kaon.dsl.ir import (
    Folds,
    ForEach,
    Grid,
    Named,
    Node,
    Over,
    Parallel,
    Points,
    Repeat,
    Replicates,
    Sequence,
    Step,
    When,
)
from kaon.dsl.passes.rebuild import inner


def printed(node: Node) -> str:
    """Return one line a node, with its label if it has one that differs from its name."""
    return "\n".join(_lines(node)) + "\n"


def _lines(node: Node) -> Iterator[str]:
    yield _title(node)
    for child in inner(node):
        yield from (f"  {line}" for line in _lines(child))


def _title(node: Node) -> str:
    match node:
        case Step():
            return f"step {node.name}{_labelled(node.label)}"
        case Sequence():
            return " ".join(filter(None, ("sequence", node.name))) + _labelled(node.label)
        case Parallel():
            return "parallel"
        case ForEach():
            return f"{node.verb} {', '.join(node.variables)} over {_over(node.over)}{_labelled(node.label)}"
        case Repeat():
            return f"repeat until {node.until}{_labelled(node.label)}"
        case When():
            return f"when {node.condition}{_labelled(node.label)}"
        case _:
            assert_never(node)


def _labelled(label: str) -> str:
    return f" [{label}]" if label else ""


def _over(over: Over) -> str:
    match over:
        case Named(name):
            return f"the items of {name}"
        case Grid(axes):
            return f"the grid {' × '.join(f'{name}={list(values)}' for name, values in axes)}"
        case Replicates(count):
            return f"{count} replicates"
        case Folds(count):
            return f"{count} folds"
        case Points(points):
            return f"the points {', '.join(map(repr, points))}"
        case _:
            assert_never(over)
