"""The paths that binding will give the nodes of an expression with distinct labels."""

from collections.abc import Iterator

from ..ir import Node, Parallel, Sequence, Step, When
from ..passes.rebuild import inner


def path_of(node: Node, enclosing: str) -> str:
    """Return the path of a node; that of what encloses it, if it adds nothing to it."""
    match node:
        case Sequence(name="") | Parallel():
            return enclosing
        case Sequence():
            return f"{enclosing}/{node.label}" if enclosing else node.label
        case _:
            return f"{enclosing}/{node.label}"


def steps_within(node: Node, enclosing: str) -> Iterator[tuple[str, Step[..., object]]]:
    """Yield every step of an expression with its path."""
    path = path_of(node, enclosing)
    if isinstance(node, Step):
        yield path, node
    for child in inner(node):
        otherwise = isinstance(node, When) and child is node.orelse
        yield from steps_within(child, f"{path}/otherwise" if otherwise else path)
