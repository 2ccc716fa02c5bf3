"""The run in MLflow: mirrored from a thread of its own, so that importing and writing to MLflow delays no step."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from kaon.artifacts import RunRecord, Store, TrackingError

from ..events import State
from ..plan import Json

if TYPE_CHECKING:
    from kaon.artifacts.tracking import MlflowMirror

WRITTEN_BOUND = 60.0
"""Seconds that the end of a run waits until MLflow has everything."""


class MlflowView:
    """A tracker that shows a run in MLflow, and goes on without it where MLflow cannot be had."""

    def __init__(self, store: Store) -> None:
        self._trouble = ""
        self._store = store
        self._mirror: "MlflowMirror | None" = None  # noqa: UP037  MLflow is imported in its thread
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kaon-mlflow")
        self._given: list[Future[None]] = []

    def start(self, run: RunRecord, settings: Mapping[str, Json]) -> None:
        """Note that the run began."""
        self._later(lambda: self._begin(run, settings))

    def metrics(self, values: Mapping[str, float]) -> None:
        """Note metrics of the run."""
        noted = dict(values)
        self._later(lambda: self._mirror.metrics(noted) if self._mirror else None)

    def end(self, state: State) -> str:
        """Note how the run ended, and return what MLflow could not be told once it has all it takes."""
        self._later(lambda: self._mirror.end(state) if self._mirror else None)
        _, missing = wait(self._given, timeout=WRITTEN_BOUND)
        if missing:
            self._trouble = self._trouble or f"it has not taken everything within {WRITTEN_BOUND:.0f} s"
        self._thread.shutdown(wait=False, cancel_futures=True)
        return f"MLflow does not show the whole run: {self._trouble}" if self._trouble else ""

    def _begin(self, run: RunRecord, settings: Mapping[str, Json]) -> None:
        from kaon.artifacts.tracking import MlflowMirror

        mirror = MlflowMirror()
        mirror.start(run, settings, self._store)
        self._mirror = mirror

    def _later(self, write: Callable[[], object]) -> None:
        self._given.append(self._thread.submit(self._written, write))

    def _written(self, write: Callable[[], object]) -> None:
        try:
            write()
        except TrackingError as error:
            self._trouble = self._trouble or str(error)
        except Exception as error:  # whatever MLflow raises: it is told as a note, and never fails a run
            self._trouble = self._trouble or f"{type(error).__name__}: {error}"
