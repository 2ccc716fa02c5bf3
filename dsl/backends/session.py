"""A run while it goes on: its record, its signs of life, what its steps say, and who is told."""

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

from kaon.artifacts import AlreadyEnded, ArtifactsError, RunRecord, Store
from kaon.artifacts import Message as Recorded

from ..context import Message
from ..events import Event, RunEvent, State
from ..places.in_process import raise_in_thread
from ..plan import Json, Plan
from ..workflow import Workflow

logger = logging.getLogger(__name__)

BEAT = 3.0
"""Seconds between two signs of life of a run."""
FLUSH = 0.5
"""Seconds that a message of a step may wait before it is recorded."""


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
class Request:
    """What a run was asked for."""

    workflow: Workflow
    settings: Mapping[str, Json]
    """By address, complete."""
    store: Store
    backend: str
    force: frozenset[str] = frozenset()
    """Names of steps to run even if the store holds their outputs."""
    tracker: Tracker | None = None
    on_event: Callable[[Event], None] | None = None

    @property
    def plan(self) -> Plan:
        """The plan of the workflow."""
        return self.workflow.plan


@dataclass(slots=True)
class Session:
    """A run in progress; made by `in_session`."""

    request: Request
    run: RunRecord
    ended: bool = False
    notes: list[str] = field(default_factory=list)
    """What went wrong besides the steps, to be told when the run ends."""
    _threads: set[int] = field(default_factory=set)
    _waiting: list[tuple[int, Recorded]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def store(self) -> Store:
        """The store of the run."""
        return self.request.store

    def tell(self, event: Event) -> None:
        """Hand an event to whoever listens."""
        if self.request.on_event is not None:
            self.request.on_event(event)

    def record(self, step_run: int, message: Message) -> None:
        """Record what a step said; it is in the records within half a second."""
        payload: Json = {"values": dict(message.values), **({} if message.at is None else {"at": message.at})}
        recorded = Recorded(datetime.now(UTC), "info", message.kind, message.text, payload)
        with self._lock:
            self._waiting.append((step_run, recorded))

    def track(self, metrics: Mapping[str, float]) -> None:
        """Hand metrics of the run to the tracker."""
        if self.request.tracker is not None:
            self.request.tracker.metrics(metrics)

    @contextmanager
    def in_step(self) -> Iterator[None]:
        """Note that this thread runs a step while the block runs."""
        thread = threading.get_ident()
        self._threads.add(thread)
        try:
            yield
        finally:
            self._threads.discard(thread)

    def interrupt(self) -> None:
        """End the run as cancelled, and have the steps that run in other threads stop at their next line of Python."""
        for thread in list(self._threads):
            raise_in_thread(thread, KeyboardInterrupt)
        end(self, "cancelled", "interrupted")

    def flush(self) -> None:
        """Record every message that waits."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        by_step: dict[int, list[Recorded]] = {}
        for step_run, message in waiting:
            by_step.setdefault(step_run, []).append(message)
        try:
            for step_run in list(by_step):
                self.store.records.add_messages(self.run.id, step_run, by_step[step_run])
                del by_step[step_run]
        except ArtifactsError:
            with self._lock:
                self._waiting[:0] = [(step_run, message) for step_run in by_step for message in by_step[step_run]]
            raise


@contextmanager
def in_session(request: Request) -> Iterator[Session]:
    """Record a run for as long as the block runs; the caller records with `end` what it came to.

    If the block ends without, the run is recorded as cancelled after Ctrl-C, and as failed after any other error.
    """
    run = request.store.records.start_run(
        request.workflow.name, request.settings, request.plan.to_json(), request.backend, {}
    )
    session = Session(request, run)
    if request.tracker is not None:
        request.tracker.start(run, request.settings)
    session.tell(RunEvent(run.id, "running"))
    stop = threading.Event()
    pulse = threading.Thread(target=_pulse, args=(session, stop), name="kaon-pulse", daemon=True)
    pulse.start()
    try:
        yield session
    except BaseException as error:
        if not session.ended:
            interrupted = isinstance(error, KeyboardInterrupt)
            reason = "interrupted" if interrupted else f"{type(error).__name__}: {error}"
            end(session, "cancelled" if interrupted else "failed", reason)
        raise
    finally:
        stop.set()
        pulse.join()


def end(session: Session, state: State, reason: str) -> None:
    """Record how the run ended, and tell it."""
    session.flush()
    session.ended = True
    session.store.records.end_run(session.run.id, state, reason)
    session.tell(RunEvent(session.run.id, state, reason))
    if session.request.tracker is not None:
        trouble = session.request.tracker.end(state)
        session.notes += [trouble] if trouble else []


def _pulse(session: Session, stop: threading.Event) -> None:
    beats = int(BEAT / FLUSH)
    tick = 0
    while not stop.wait(FLUSH) and not session.ended:
        tick += 1
        try:
            session.flush()
            if tick % beats == 0:
                session.store.records.beat(session.run.id)
        except AlreadyEnded:
            if not session.ended:  # else it ended while this beat was under way
                raise
        except ArtifactsError as error:  # a busy database, a full disk: tried again at the next tick
            logger.warning("the records of run %s cannot be written now: %s", session.run.id, error)
