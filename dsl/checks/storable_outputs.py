from collections.abc import Iterator

from ..errors import Problem
from ..fit import shown
from ..kinds import kind_names, kind_of
from ..scope import Facts


def storable_outputs(facts: Facts) -> Iterator[Problem]:
    """Yield outputs of a type that no kind of artifact can store."""
    for placement in facts.placements:
        for name, annotation in placement.signature.outputs:
            if kind_of(annotation) is None:
                yield Problem(
                    f"no kind of artifact can store '{name}: {shown(annotation)}', an output of {placement.step.name}",
                    placement.step.where,
                    why=f"the installed kinds are: {', '.join(kind_names())}",
                    fix="return a type that one of them stores (a dataclass or pydantic model is stored as json), "
                    "or add a kind under the entry point group kaon.kinds",
                )
