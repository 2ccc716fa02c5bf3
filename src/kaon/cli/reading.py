"""A run's records, read again and again, as the events that its own process tells: for who watches elsewhere."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kaon.dsl.events import Event, ItemsEvent, ProgressEvent, RunEvent, StepEvent

from .printed import lasted

if TYPE_CHECKING:
    from kaon.artifacts import PathProgress, RunRecord, StepRecord, Store

WIDE = 200
"""Rows of one step, or items of its loops, above which only their numbers are read."""
OPEN = ("running", "retrying", "activated", "pending")


class Reading:
    """What has been read of a run; each look tells what is new."""

    def __init__(self, store: "Store", run_id: int) -> None:
        self.run: RunRecord = store.records.run(run_id)
        """The run as it was at the last look."""
        self._store = store
        self._state = ""
        self._read: dict[str, PathProgress] = {}
        self._steps: dict[int, tuple[object, ...]] = {}

    @property
    def goes_on(self) -> bool:
        """Whether the run went on at the last look; before the first, whatever it does."""
        return self._state in ("", *OPEN)

    def look(self) -> list[Event]:
        """Return what has happened since the last look; the cost does not grow with the width of the run's loops."""
        overview = self._store.records.overview(self.run.id)
        self.run = overview.run
        told: list[Event] = []
        if self.run.state != self._state:
            self._state = self.run.state
            told.append(RunEvent(self.run.id, self.run.state, self.run.reason))
        wide = set()
        for progress in overview.paths:
            if max(progress.total or 0, sum(progress.counts.values())) > WIDE:
                wide.add(progress.path)
                told += self._items(progress)
            elif progress != self._read.get(progress.path) or any(state in OPEN for state in progress.counts):
                for step in self._store.records.step_runs(self.run.id, path=progress.path):
                    told += self._step(step)
            self._read[progress.path] = progress
        for step in reversed(overview.failures):
            told += self._step(step) if step.path in wide else ()
        return told

    def _items(self, progress: "PathProgress") -> Iterator[Event]:
        known = self._read.get(progress.path)
        if known is None or known.counts != progress.counts or known.total != progress.total:
            seconds = (progress.latest - progress.started).total_seconds()
            total = progress.total or sum(progress.counts.values())
            yield ItemsEvent(progress.path, (), (), total, progress.counts, seconds)

    def _step(self, step: "StepRecord") -> Iterator[Event]:
        where = (step.path, step.step, step.keys, step.attempt)
        before = self._steps.get(step.id)
        now = (step.state, step.tries, step.fraction, step.note)
        if now == before:
            return
        self._steps[step.id] = now
        if before is None or before[:2] != now[:2]:
            yield StepEvent(*where, step.state, step.reason, lasted(step.started, step.ended))
        if step.state == "running" and (step.fraction is not None or step.note):
            yield ProgressEvent(*where, step.fraction, step.note)
