"""What makes calls sees of its run: the terms, the lease on the records, what steps say, how it is stopped."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

from kaon.artifacts import ArtifactsError, Done, Fenced, Lease, NewOutput, RunRecord, Store
from kaon.artifacts import Message as Recorded

from ..context import Message
from ..events import Event, State
from ..places.in_process import raise_in_thread
from ..plan import Json
from .engine import Engine
from .perform import Setup, StepCode

if TYPE_CHECKING:
    from ..places.admission import Admission
    from ..places.pool import Pool


class Tracker(Protocol):
    """Something that mirrors runs elsewhere, such as MLflow."""

    def start(self, run: RunRecord, settings: Mapping[str, Json]) -> None:
        """Note that the run began."""
        ...

    def metrics(self, values: Mapping[str, float]) -> None:
        """Note metrics of the run."""
        ...

    def end(self, state: State) -> str:
        """Note how the run ended, and return once everything is written: empty, or what could not be."""
        ...


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is made on; it can be sent to another process."""

    settings: Mapping[str, Json]
    """By address, complete."""
    engine: Engine
    codes: Mapping[str, StepCode]
    """The code of every call of the plan, by its path."""
    elsewhere: frozenset[str]
    """The paths of the calls that may be performed in another process."""
    fresh: Mapping[str, str]
    """Paths of calls to run even if the store holds their outputs, and why."""
    hold_before: frozenset[str]
    """Names of steps to ask a person about."""


@dataclass
class Session:
    """A run in progress, as whoever makes its calls sees it: in its own process, or in another that helps."""

    terms: Terms
    store: Store
    lease: Lease
    done: Mapping[tuple[str, str, tuple[int, ...]], Done] = field(default_factory=dict)
    """What a run that is continued has finished before, by path, keys and attempts."""
    tracker: Tracker | None = None
    on_event: Callable[[Event], None] | None = None
    ended: bool = False
    reason: str = ""
    """Why it ended as it did."""
    stopping: str = ""
    """Why nothing more is to be started; empty while the run goes on."""
    halted: threading.Event = field(default_factory=threading.Event)
    """Set when what still runs is to stop."""
    fenced: Fenced | None = None
    """Set when another process has taken the run over."""
    notes: list[str] = field(default_factory=list)
    """What went wrong besides the steps, to be told when the run ends."""
    _owner: int = field(default_factory=threading.get_ident)
    _threads: set[int] = field(default_factory=set)
    _waiting: list[tuple[int, Recorded]] = field(default_factory=list)
    _progress: dict[int, tuple[float, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @cached_property
    def pool(self) -> "Pool":
        """The worker processes of the run."""
        from ..places.pool import Pool

        codes = {path: code for path, code in self.terms.codes.items() if path in self.terms.elsewhere}
        return Pool(Setup(self.store.url, codes), size=self.terms.engine.workers)

    @cached_property
    def admission(self) -> "Admission":
        """The share of the machine that steps in processes of their own may have."""
        from ..places.admission import Admission

        return Admission()

    @property
    def shared(self) -> bool:
        """Whether other processes can read the store."""
        return not self.store.url.startswith("memory:")

    def tell(self, event: Event) -> None:
        """Hand an event to whoever listens."""
        if self.on_event is not None:
            self.on_event(event)

    def record(self, step_run: int, message: Message) -> None:
        """Record what a step said; it is in the records within half a second."""
        with self._lock:
            self._waiting.append((step_run, recorded(message)))
            if "fraction" in message.values and message.kind == "progress":
                self._progress[step_run] = (message.values["fraction"], message.text)

    def keep(self, step_run: int, kept: NewOutput, made_from: tuple[int, ...]) -> None:
        """Record what a running step has kept, at once: its process may be killed at any moment.

        made_from: ids of the artifacts that the step reads.
        """
        self.store.records.add_checkpoint(self.lease, step_run, kept, made_from)

    def track(self, metrics: Mapping[str, float]) -> None:
        """Hand metrics of the run to the tracker."""
        if self.tracker is not None and metrics:
            self.tracker.metrics(metrics)

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Note that this thread runs a step while the block runs."""
        thread = threading.get_ident()
        self._threads.add(thread)
        try:
            yield
        finally:
            self._threads.discard(thread)

    def drain(self, reason: str) -> None:
        """Start nothing more; what runs is given the engine's grace, and stopped after it."""
        if self.stopping:
            return
        self.stopping = reason
        timer = threading.Timer(self.terms.engine.grace, self.halt, (reason,))
        timer.daemon = True
        timer.start()

    def halt(self, reason: str) -> None:
        """Stop what runs: steps in other threads at their next line of Python, worker processes at once."""
        self.stopping = self.stopping or reason
        if self.ended or self.halted.is_set():
            return
        self.halted.set()
        for thread in list(self._threads - {self._owner}):
            raise_in_thread(thread, KeyboardInterrupt)
        if self._owner == threading.main_thread().ident:
            signal.pthread_kill(self._owner, signal.SIGINT)
        else:
            raise_in_thread(self._owner, KeyboardInterrupt)

    def stop_if_halted(self) -> None:
        """Raise KeyboardInterrupt in this thread if what runs is to stop."""
        if self.halted.is_set():
            raise KeyboardInterrupt

    def interrupt(self) -> None:
        """Stop what runs in other threads; this one stops by itself."""
        self.halted.set()
        for thread in list(self._threads - {threading.get_ident()}):
            raise_in_thread(thread, KeyboardInterrupt)

    def flush(self) -> None:
        """Record every message that waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            progress, self._progress = self._progress, {}
        try:
            if waiting:
                self.store.records.add_messages(self.lease, waiting)
            if progress:
                self.store.records.progress_steps(self.lease, [(step, *told) for step, told in progress.items()])
        except ArtifactsError:
            with self._lock:
                self._waiting[:0] = waiting
                self._progress = {**progress, **self._progress}
            raise

    def close(self) -> None:
        """End the worker processes."""
        if "pool" in self.__dict__:
            self.pool.close()


def recorded(message: Message) -> Recorded:
    """Return what a step said as it is recorded."""
    payload: Json = {"values": dict(message.values), **({} if message.at is None else {"at": message.at})}
    return Recorded(datetime.now(UTC), "info", message.kind, message.text, payload)
