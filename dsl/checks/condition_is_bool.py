from collections.abc import Iterator

from ..errors import Problem, did_you_mean
from ..fit import fits, shown
from ..scope import Facts


def condition_is_bool(facts: Facts) -> Iterator[Problem]:
    """Yield decisions whose condition is not a bool in scope."""
    for decision in facts.decisions:
        name, offer = decision.node.condition, decision.condition
        bools = [known for known, visible in decision.visible.items() if fits(visible.type, bool)]
        if offer is None and not decision.uncertain:
            yield Problem(
                f"when decides by {name!r}, and nothing upstream provides it",
                decision.node.where,
                why=f"bools in scope: {', '.join(bools) or 'none'}",
                fix=did_you_mean(name, bools)
                or f'put a step before it with @step(output="{name}") that returns a bool',
            )
        elif offer is not None and not fits(offer.type, bool):
            yield Problem(
                f"when decides by {name!r}, which is of type {shown(offer.type)}",
                decision.node.where,
                why=f"{offer.by} provides it at {offer.where}, and only a bool decides",
                fix=f"let {offer.by} output a bool",
            )
