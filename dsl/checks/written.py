from collections.abc import Iterator

from ..errors import Problem
from ..passes.rebuild import nodes
from ..scope import Facts


def written(facts: Facts) -> Iterator[Problem]:
    """Yield what was found wrong while the expression was written: a value that is no step, a loop without a bound."""
    for node in nodes(facts.root):
        yield from node.problems
