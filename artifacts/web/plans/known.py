"""Plans that were read lately, so that a page does not read them again for every row and every second."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from ...store import Store
from .nodes import PlanFacts, facts_of
from .picture import Picture, picture_of


@dataclass(frozen=True, slots=True)
class KnownPlan:
    """A plan as pages need it."""

    facts: PlanFacts
    picture: Picture


class KnownPlans:
    """The plans of one store's runs. Safe to use from many threads."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._of_run = lru_cache(maxsize=2048)(self._read)
        self._of_text = lru_cache(maxsize=128)(_known)

    def of(self, run_id: int, generation: int = 0) -> KnownPlan:
        """Return the plan of a run. Raises UnknownRecord.

        generation: how often the run was taken up, each time perhaps with another plan; 0 where that does not matter.
        """
        return self._of_run(run_id, generation)

    def _read(self, run_id: int, generation: int) -> KnownPlan:
        return self._of_text(self._store.records.run(run_id).plan)


def _known(text: str) -> KnownPlan:
    facts = facts_of(text)
    return KnownPlan(facts, picture_of(facts.root))
