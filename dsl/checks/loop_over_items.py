from collections.abc import Iterator

from ..errors import Problem, did_you_mean
from ..fit import items_of, shown
from ..ir import Named
from ..scope import Facts, LoopFact


def loop_over_items(facts: Facts) -> Iterator[Problem]:
    """Yield loops over a name that is not there, or that is neither a list nor a mapping."""
    for loop in facts.loops:
        if isinstance(loop.node.over, Named):
            yield from _judged(loop, loop.node.over.name)


def _judged(loop: LoopFact, name: str) -> Iterator[Problem]:
    variable = loop.node.variables[0]
    if loop.items is None:
        if not loop.uncertain:
            lists = [known for known, offer in loop.visible.items() if items_of(offer.type) is not None]
            yield Problem(
                f"{loop.node.verb} runs over {name!r}, and nothing upstream provides it",
                loop.node.where,
                why=f"lists and mappings in scope: {', '.join(sorted(lists)) or 'none'}",
                fix=did_you_mean(name, lists) or f"put a step before it that outputs {name!r} as a list",
            )
    elif items_of(loop.items.type) is None:
        yield Problem(
            f"{loop.node.verb} runs over '{loop.items}', which is neither a list nor a mapping",
            loop.node.where,
            why=f"{loop.items.by} provides it at {loop.items.where}",
            fix=f"let {loop.items.by} return list[{shown(loop.items.type)}], or loop over another name: "
            f'for_each({variable}="…")',
        )
