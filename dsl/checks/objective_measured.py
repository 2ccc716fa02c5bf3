from collections.abc import Iterator

from ..errors import Problem, did_you_mean
from ..fit import shown
from ..ir import Proposed
from ..measures import has_metrics, is_measured
from ..scope import Facts, LoopFact


def objective_measured(facts: Facts) -> Iterator[Problem]:
    """Yield searches for the best of something that their body does not provide, or that is no number."""
    for loop in facts.loops:
        if isinstance(loop.node.over, Proposed) and not loop.body_doubted:
            yield from _judged(loop, loop.node.over.objective, loop.node.over.metric)


def _judged(loop: LoopFact, name: str, metric: str) -> Iterator[Problem]:
    offer = loop.provided.get(name)
    measured = [known for known, other in loop.provided.items() if is_measured(other.type)]
    if offer is None:
        yield Problem(
            f"{loop.node.verb} looks for the best {name!r}, and no step inside provides it",
            loop.node.where,
            why=f"metrics and numbers inside: {', '.join(sorted(measured)) or 'none'}",
            fix=did_you_mean(name, measured) or f"put a step inside that outputs {name!r}",
        )
    elif not is_measured(offer.type):
        yield Problem(
            f"{loop.node.verb} looks for the best {name!r}, which is of type {shown(offer.type)}",
            loop.node.where,
            why="points are compared by a number, or by one of the metrics of a step",
            fix=did_you_mean(name, measured) or f"let {offer.by} return Metrics, or a float",
        )
    elif has_metrics(offer.type) != bool(metric):
        yield Problem(
            f"{loop.node.verb} looks for the best {name!r}, and does not say by which of its metrics"
            if not metric
            else f"{loop.node.verb} looks for the best {metric!r} of {name!r}, which is a number",
            loop.node.where,
            why=f"{offer.by} provides {str(offer)!r}",
            fix=f"name one: {name}.ndcg, for example" if not metric else f"name the output alone: {name}",
        )
