from collections.abc import Iterator

from ..errors import Problem
from ..scope import Facts


def declared(facts: Facts) -> Iterator[Problem]:
    """Yield what is wrong with the declarations of the steps: inputs without a type, outputs without a name."""
    for placement in facts.placements:
        yield from placement.signature.problems
