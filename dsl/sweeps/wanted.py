"""Which calls a sweep for an objective has to make, and which repetitions it makes once."""

from collections.abc import Set
from dataclasses import dataclass

from ..plan import Attempts, Plan, Source, walk
from .dependence import Dependence


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to run, by paths."""

    calls: frozenset[str]
    once: frozenset[str] = frozenset()
    """Repetitions that run once, as their first attempt."""


def wanted_for(plan: Plan, source: Source, variables: Set[str]) -> Wanted:
    """Return what leads to a source.

    A repetition around something that the variables change would, at every point, run all that decides about its end,
    and points with more attempts could not be compared with the others: it runs once, unless what decides about its end
    leads to the source anyway. A repetition that the variables do not reach stays as it is.
    """
    repetitions = {node.path: node for node in walk(plan.root) if isinstance(node, Attempts)}
    apart = Dependence(plan, repetitions.keys())
    varied = apart.affected(variables)
    deciding = {path: apart.needed(node.until_source) for path, node in repetitions.items()}
    calls, known = apart.needed(source), frozenset[str]()
    while calls != known:
        known = calls
        for path, decides in deciding.items():
            inside = _inside(path, known)
            if inside and not inside & varied:
                calls |= decides
    return Wanted(
        calls, frozenset(path for path, decides in deciding.items() if _inside(path, calls) and decides - calls)
    )


def _inside(path: str, calls: Set[str]) -> frozenset[str]:
    return frozenset(call for call in calls if call.startswith(f"{path}/"))
