"""How parts of a plan stand, in a few words."""

from __future__ import annotations

from collections.abc import Mapping

from ..amounts import duration
from ..records import TERMINAL, State
from .formats import count
from .plans.standing import Standing


def label(standing: Standing) -> str:
    """Return the line below a step's name.

    >>> label(Standing("running", {"completed": 3, "running": 1, "failed": 1}, 10))
    '4 / 10 · 1 failed'
    """
    if standing.begun > 1 or (standing.total or 0) > 1:
        failed = standing.counts.get("failed", 0)
        return f"{tally(standing)}{f' · {count(failed)} failed' if failed else ''}"
    if standing.state == "completed" and standing.took is not None:
        return duration(standing.took)
    return standing.state if standing.state != "pending" else "–"


def tally(standing: Standing, kind: str = "loop") -> str:
    """Return how many have ended, and of how many.

    >>> tally(Standing("completed", {"completed": 2}, None), "repeat")
    '2 ×'
    """
    if kind == "repeat":
        return f"{count(standing.begun)} ×"
    if standing.total is None:
        return f"{count(ended(standing.counts))} of {count(standing.begun)}" if standing.begun else ""
    return f"{count(ended(standing.counts))} / {count(standing.total)}"


def ended(counts: Mapping[State, int]) -> int:
    """Return how many have ended.

    >>> ended({"completed": 3, "running": 1, "failed": 2})
    5
    """
    return sum(number for state, number in counts.items() if state in TERMINAL)
