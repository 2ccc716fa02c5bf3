"""A run from its beginning to its end: its record, its signs of life, and how it is asked to stop."""

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from kaon.artifacts import Done, Fenced, RunRecord, Store

from ..events import Event, RunEvent, State
from ..plan import Call, Json, Loop, Plan, PlanNode, children, walk
from ..workflow import Workflow
from .engine import Engine
from .perform import step_code
from .pulse import pulsing
from .registration import LOOKS_OUTSIDE, register
from .session import Session, Terms, Tracker

SWEEP = "sweep"
"""The tag of a run that sweeps settings of a workflow; it says of which, and how."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run was asked for."""

    workflow: Workflow
    settings: Mapping[str, Json]
    """By address, complete."""
    store: Store
    backend: str
    engine: Engine
    fresh: Mapping[str, str] = field(default_factory=dict)
    """Paths of calls to run even if the store holds their outputs, and why."""
    hold_before: frozenset[str] = frozenset()
    """Names of steps to ask a person about."""
    resume: int | None = None
    """The run to continue; None for a new one."""
    again: tuple[str, ...] = ()
    """Paths of calls that a run that is continued makes again."""
    tags: Mapping[str, str] = field(default_factory=dict)
    tracker: Tracker | None = None
    on_event: Callable[[Event], None] | None = None

    @property
    def plan(self) -> Plan:
        """The plan of the workflow."""
        return self.workflow.plan

    @property
    def terms(self) -> Terms:
        """What its calls are made on."""
        calls, steps = list(self.plan.calls()), self.workflow.steps
        codes = {call.path: step_code(call, steps[call.path]) for call in calls}
        outside = {call.path: LOOKS_OUTSIDE for call in calls if not steps[call.path].definition.reusable}
        fresh = {**outside, **self.fresh}
        return Terms(self.settings, self.engine, codes, _elsewhere(self.plan.root), fresh, self.hold_before)


@dataclass(kw_only=True)
class RunSession(Session):
    """A run in the process that holds it; made by `in_session`."""

    request: Request
    run: RunRecord


def _elsewhere(node: PlanNode) -> frozenset[str]:
    """Return the paths of the calls that may be performed in another process: those in loops, or that ask for it."""
    if isinstance(node, Loop):
        return frozenset(inner.path for inner in walk(node) if isinstance(inner, Call))
    if isinstance(node, Call):
        return frozenset({node.path} if node.place == "process" else ())
    return frozenset(path for child in children(node) for path in _elsewhere(child))


@contextmanager
def in_session(request: Request) -> Iterator[RunSession]:
    """Record a run for as long as the block runs; the caller records with `end` what it came to.

    If the block ends without, the run is recorded as cancelled after Ctrl-C or a wish to stop, and as failed after any
    other error. Raises Fenced if another process takes the run over.
    """
    session = _begun(request)
    if request.tracker is not None:
        request.tracker.start(session.run, request.settings)
    session.tell(RunEvent(session.run.id, "running"))
    with pulsing(session):
        try:
            yield session
        except BaseException as error:
            if session.fenced is not None:
                raise session.fenced from error
            if not session.ended and not isinstance(error, Fenced):
                stopped = isinstance(error, KeyboardInterrupt) or session.stopping
                reason = session.stopping or ("interrupted" if stopped else f"{type(error).__name__}: {error}")
                end(session, "cancelled" if stopped else "failed", reason)
            raise
        finally:
            session.close()


@contextmanager
def draining_on_sigterm(session: Session) -> Iterator[None]:
    """Let SIGTERM drain the run while the block runs, and a second one halt it."""
    if threading.current_thread() is not threading.main_thread():  # only the main thread hears signals
        yield
        return

    def drain(*_: object) -> None:
        if session.stopping:
            session.halt("stopped by SIGTERM")
        session.drain("stopped by SIGTERM")

    before = signal.signal(signal.SIGTERM, drain)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def end(session: RunSession, state: State, reason: str) -> None:
    """Record how the run ended, and tell it."""
    session.flush()
    session.ended, session.reason = True, reason
    session.store.records.end_run(session.lease, state, reason)
    session.tell(RunEvent(session.run.id, state, reason))
    if session.tracker is not None:
        trouble = session.tracker.end(state)
        session.notes += [trouble] if trouble else []


def _begun(request: Request) -> RunSession:
    store, records, plan = request.store, request.store.records, request.plan.to_json()
    done: Mapping[tuple[str, str, tuple[int, ...]], Done] = {}
    if request.resume is None:
        run = records.start_run(request.workflow.name, request.settings, plan, request.backend, request.tags)
        if SWEEP not in request.tags:  # it can be had from the workflow that is swept
            place = {"flow": request.tags.get("flow", ""), "folder": request.tags.get("folder", "")}
            register(store, request.workflow, **place, plan=plan)
    else:
        run = records.take_over(request.resume, plan, request.again)
        records.tag_run(run.id, request.tags)
        done = records.done(run.id)
    return RunSession(
        request.terms, store, run.lease, done, request.tracker, request.on_event, request=request, run=run
    )
