"""From calls to records and back: calls are opened before they are performed and closed afterwards, many at once."""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from kaon.artifacts import (
    AlreadyEnded,
    Artifact,
    ArtifactsError,
    Begin,
    Begun,
    Elsewhere,
    Ending,
    Found,
    keys_json,
)

from ..context import Message
from ..events import Event, ProgressEvent, State, StepEvent
from ..plan import Call
from .checkpoints import Kept
from .effects import Abandon, Invocation
from .failures import Failure, Held, Stopped, failure_of
from .perform import Broken, Performed, Work
from .references import Plain, Reference, Stored, artifacts
from .session import Session

Outputs: TypeAlias = Mapping[str, Reference]

NOTHING_STORED = "nothing stored for this code, these settings and these inputs"
DONE_BEFORE = "done before in this run"


@dataclass(slots=True)
class Opened:
    """A call that is recorded as running, to be performed now."""

    invocation: Invocation
    step_run: int
    reason: str
    """Why it runs."""
    began: float
    """When it began, by the monotonic clock."""
    tries: int = 1

    def work(self, run: int) -> Work:
        """Return this try of the call."""
        inputs = {name: Plain(r.value) if isinstance(r, Plain) else r for name, r in self.invocation.inputs.items()}
        return Work(self.invocation.call.path, run, self.tries, inputs)

    @property
    def may_retry(self) -> bool:
        """Whether it may be tried again if this try fails."""
        return self.tries <= self.invocation.call.retries

    @property
    def delay(self) -> float:
        """Seconds to wait before the next try."""
        return retry_delay(self.invocation.call, self.tries) * random.uniform(1, 1 + self.invocation.call.retry_jitter)


@dataclass(frozen=True, slots=True)
class Reused:
    """A call whose outputs are there."""

    outputs: Outputs
    reason: str


@dataclass(frozen=True, slots=True)
class Waits:
    """A call whose outputs a living run is making at this moment."""

    run: int


@dataclass(frozen=True, slots=True)
class Closing:
    """How a call that was opened ended."""

    opened: Opened
    result: Performed | Broken


def retry_delay(call: Call, tries: int) -> float:
    """Return the seconds to wait after so many tries, before what chance adds."""
    return call.retry_delay * call.retry_backoff ** (tries - 1)


class Calls:
    """Opens and closes the calls of a run, and tells of them."""

    def __init__(self, session: Session, tell: Callable[[Event], None] | None = None) -> None:
        self._session = session
        self._tell_event = tell or session.tell

    def open(self, invocations: Sequence[Invocation]) -> list[Opened | Reused | Waits | Stopped]:
        """Return for each call whether it is to be performed now, has been already, is being made, or cannot begin."""
        ready = [self._ready(invocation) for invocation in invocations]
        begins = [one for one in ready if isinstance(one, Begin)]
        try:
            answers = iter(self._session.store.begin_steps(self._session.lease, begins) if begins else ())
        except AlreadyEnded:  # or Fenced: this run has nothing more to do
            raise
        except ArtifactsError as error:
            refused = [Stopped((failure_of(error, i.call.path, i.keys, i.attempts),)) for i in invocations]
            return [why if isinstance(one, Begin) else one for one, why in zip(ready, refused, strict=True)]
        return [
            self._opened(invocation, one, next(answers)) if isinstance(one, Begin) else one
            for invocation, one in zip(invocations, ready, strict=True)
        ]

    def close(self, closings: Sequence[Closing]) -> list[Reused | Stopped]:
        """Record how calls ended, all at once, and return what each made or how it stopped."""
        session = self._session
        session.flush()
        endings = [self._ending(closing) for closing in closings]
        made = session.store.finish_steps(session.lease, endings)
        return [self._closed(closing, outputs) for closing, outputs in zip(closings, made, strict=True)]

    def cancel(self, opened: Sequence[Opened], reason: str) -> None:
        """Record that calls were stopped, while they ran or between two tries."""
        session = self._session
        if session.fenced is not None or session.ended:  # then it is recorded already
            return
        endings = [Ending(one.step_run, "cancelled", reason, tries=one.tries) for one in opened]
        session.store.finish_steps(session.lease, endings)
        for one in opened:
            self._tell(one.invocation, "cancelled", reason, one.began)

    def retry(self, opened: Opened, broken: Broken) -> float:
        """Record that a try failed and another one follows; return the seconds until then."""
        call, delay = opened.invocation.call, opened.delay
        self.log(opened, broken)
        self._session.store.records.retry_steps(self._session.lease, [(opened.step_run, broken.cause, delay)])
        told = f"try {opened.tries} of {call.retries + 1} failed: {broken.cause}"
        self._tell(opened.invocation, "retrying", told, opened.began)
        opened.tries += 1
        return delay

    def log(self, opened: Opened, broken: Broken) -> None:
        """Put why a try failed into the step's log, after what the step said itself."""
        self._session.record(opened.step_run, Message("log", f"{broken.traceback}\n{broken.cause}".strip()))

    def restart(self, opened: Sequence[Opened]) -> None:
        """Record that calls are tried again."""
        self._session.store.records.restart_steps(self._session.lease, [one.step_run for one in opened])
        for one in opened:
            self._tell(one.invocation, "running", one.reason)

    def abandon(self, abandoned: Abandon) -> None:
        """Record that calls will not be made."""
        frame, reason = abandoned.frame, abandoned.reason
        rows = [(call.path, call.step, frame.keys, frame.attempts, reason) for call in abandoned.calls]
        self._session.store.records.cancel_steps(self._session.lease, rows)
        for call in abandoned.calls:
            self._tell_event(StepEvent(call.path, call.step, frame.keys, frame.attempts, "cancelled", reason))

    def hear(self, opened: Opened, message: Message) -> None:
        """Record what a running step says, and tell whoever listens."""
        invocation = opened.invocation
        if isinstance(message, Kept):
            self._session.keep(opened.step_run, message.made, _sources(invocation))
        self._session.record(opened.step_run, message)
        if message.kind == "metric":
            self._session.track({f"{invocation.call.step}.{name}": value for name, value in message.values.items()})
        if message.kind in ("progress", "status"):
            where = (invocation.call.path, invocation.call.step, invocation.keys, invocation.attempts)
            self._tell_event(ProgressEvent(*where, message.values.get("fraction"), message.text))

    def _ready(self, invocation: Invocation) -> Begin | Reused | Stopped:
        """Return how the call is to begin, unless it is done, held or refused."""
        session, call = self._session, invocation.call
        where = (call.path, invocation.keys, invocation.attempts)
        if session.stopping:
            return Stopped()
        try:
            key = session.terms.codes[call.path].key(invocation.inputs)
            done = (
                session.done.get((call.path, keys_json(invocation.keys), invocation.attempts)) if session.done else None
            )
            if done is not None and done.key == key:
                self._tell(invocation, "skipped", DONE_BEFORE)
                return Reused({name: Stored(artifact) for name, artifact in done.outputs.items()}, DONE_BEFORE)
            question = call.question or (f"run {call.step}?" if call.step in session.terms.hold_before else "")
            if question and session.store.records.decision(session.lease.run, *where) is not True:
                session.store.records.hold_step(session.lease, call.path, call.step, *where[1:], question)
                self._tell(invocation, "held", question)
                return Stopped(held=(Held(*where, question),))
        except ArtifactsError as error:
            return Stopped((failure_of(error, *where),))
        fresh = session.terms.fresh.get(call.path)
        settings = {name: r.value for name, r in invocation.inputs.items() if isinstance(r, Plain)}
        return Begin(call.path, call.step, *where[1:], settings, key, fresh or NOTHING_STORED, fresh is not None)

    def _opened(
        self, invocation: Invocation, begin: Begin, answer: Begun | Found | Elsewhere
    ) -> Opened | Reused | Waits:
        match answer:
            case Begun(step_run):
                self._tell(invocation, "running", begin.reason)
                return Opened(invocation, step_run, begin.reason, time.monotonic())
            case Found(committed=committed):
                reason = f"same code, settings and inputs as run {committed.run}"
                self._tell(invocation, "skipped", reason)
                return Reused({name: Stored(artifact) for name, artifact in committed.items()}, reason)
            case Elsewhere(run):
                return Waits(run)

    def _ending(self, closing: Closing) -> Ending:
        opened, result = closing.opened, closing.result
        if isinstance(result, Broken):
            error = f"{result.cause}\n{result.traceback}".strip()
            return Ending(opened.step_run, "failed", result.cause, error, tries=opened.tries)
        return Ending(
            opened.step_run,
            "completed",
            opened.reason,
            tries=opened.tries,
            outputs=result.outputs,
            made_from=_sources(opened.invocation),
        )

    def _closed(self, closing: Closing, outputs: Mapping[str, Artifact]) -> Reused | Stopped:
        opened, result = closing.opened, closing.result
        invocation = opened.invocation
        if isinstance(result, Broken):
            self._tell(invocation, "failed", result.cause, opened.began)
            where = (invocation.call.path, invocation.keys, invocation.attempts)
            return Stopped((Failure(*where, result.cause, result.traceback),))
        self._session.track(result.metrics)
        self._tell(invocation, "completed", opened.reason, opened.began)
        return Reused({name: Stored(artifact) for name, artifact in outputs.items()}, opened.reason)

    def _tell(self, invocation: Invocation, state: State, reason: str, began: float | None = None) -> None:
        seconds = 0.0 if began is None else time.monotonic() - began
        where = (invocation.call.path, invocation.call.step, invocation.keys, invocation.attempts)
        self._tell_event(StepEvent(*where, state, reason, seconds))


def _sources(invocation: Invocation) -> tuple[int, ...]:
    """Return the ids of the artifacts that a call reads."""
    return tuple({artifact.id: None for r in invocation.inputs.values() for artifact in artifacts(r)})
