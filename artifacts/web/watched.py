"""How runs stand that somebody looks at: read once for all who look at the same moment."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import UnknownRecord
from ..launching.starting import base_of
from ..records import HoldRecord, RunOverview, RunRecord
from ..store import Store
from .plans.known import KnownPlan, KnownPlans
from .plans.standing import Standing, standings

FRESH = 0.4
"""Seconds for which what was read is given to others."""
KEPT = 64


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as it stands."""

    run: RunRecord
    overview: RunOverview
    plan: KnownPlan
    standings: Mapping[str, Standing]
    holds: tuple[HoldRecord, ...]
    """Its open questions."""
    sweeps: bool
    """Whether it is a sweep, which has a page of its own."""
    launch: str
    """The name of the workflow whose form its settings fill; empty if that is not known."""


class Watched:
    """The runs of one store. Safe to use from many threads."""

    def __init__(self, store: Store, plans: KnownPlans) -> None:
        self._store = store
        self._plans = plans
        self._views: dict[int, tuple[float, RunView]] = {}
        self._locks: dict[int, threading.Lock] = {}
        self._lock = threading.Lock()

    def view(self, run_id: int) -> RunView:
        """Return how the run stands, as read just now or a moment ago. Raises UnknownRecord."""
        with self._lock:
            lock = self._locks.setdefault(run_id, threading.Lock())
        with lock:
            read, view = self._views.get(run_id, (0.0, None))
            if view is None or time.monotonic() - read > FRESH:
                view = self._read(run_id)
                self._views[run_id] = (time.monotonic(), view)
        if len(self._views) > KEPT:
            self._forget()
        return view

    def forget(self, run_id: int) -> None:
        """Read the run anew next time: somebody has just changed it."""
        self._views.pop(run_id, None)

    def _read(self, run_id: int) -> RunView:
        overview = self._store.records.overview(run_id)
        run = overview.run
        plan = self._plans.of(run_id, run.generation)
        holds = [hold for hold in self._store.records.holds(run_id) if hold.decided is None and run.ended is None]
        stands = standings(plan.facts, overview)
        sweeps = any(box.get("verb") == "sweep" for box in plan.facts.boxes.values())
        return RunView(run, overview, plan, stands, tuple(holds), sweeps, self._launched(run))

    def _launched(self, run: RunRecord) -> str:
        try:
            return self._store.records.registered_workflow(base_of(run)).name
        except UnknownRecord:
            return ""

    def _forget(self) -> None:
        with self._lock:
            for run_id in sorted(self._views, key=lambda one: self._views[one][0])[: KEPT // 2]:
                self._views.pop(run_id, None)
                self._locks.pop(run_id, None)
