"""Perform a step in its place: the place is found by the name in the plan, and given one try of the step."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import lru_cache

from ..context import Message
from ..errors import StepTimedOut
from ..places.attempt import Job, Outcome
from ..places.found import place_from
from ..places.owner import owner
from ..places.place import ON_THIS_MACHINE, Place
from ..plan import Call
from .calls import Opened
from .failures import cause_of
from .jobs.job import job_of
from .own_process import perform_in_own_process
from .perform import Broken, Performed, StepCode, Work, perform, without_secrets
from .session import Session
from .shard import Crashed, Ended, Worker


def perform_in_place(session: Session, call: Call, work: Work, tell: Callable[[Message], None]) -> Performed | Broken:
    """Run a step once where its plan says, and return what came of it; what the place raises is why it failed."""
    began = time.monotonic()
    try:
        place = _place(call.place, json.dumps(call.place_config))
        outcome = place.perform(SessionAttempt(session, session.terms.codes[call.path], work, tell, began))
    except Exception as error:
        return Broken(*cause_of(error), time.monotonic() - began)
    if not isinstance(outcome, Performed | Broken):
        why = "perform() hands on what attempt.here(), attempt.in_own_process() or job.outcome() gave it"
        return Broken(f"PlaceError: the place {call.place!r} returned {outcome!r}: {why}")
    return replace(outcome, seconds=time.monotonic() - began)


class SessionAttempt:
    """One try of a step of a run."""

    def __init__(
        self, session: Session, code: StepCode, work: Work, tell: Callable[[Message], None], began: float
    ) -> None:
        self.path, self.run, self.tries = work.path, work.run, work.tries
        self.owner = owner()
        self._session = session
        self._code = code
        self._work = work
        self._tell = tell
        self._began = began

    def here(self) -> Outcome:
        """Perform the step in this process."""
        session, timeout = self._session, self._code.call.timeout
        return perform(self._code, self._work, session.store, self._tell, timeout=timeout, within=session.in_step)

    def in_own_process(self) -> Outcome:
        """Perform the step in a process of its own, held to its resources."""
        return perform_in_own_process(self._session, self._code.call, self._work, self._tell)

    def job(self) -> AbstractContextManager[Job]:
        """Yield the step as a command with its files in a folder, which is removed at the end of the block."""
        return job_of(self._code, self._work, self._session.store, self.tell)

    def tell(self, message: Message) -> None:
        """Record what the step says."""
        self._tell(without_secrets(message))

    def go_on(self) -> None:
        """Return if the try may go on. Raises StepTimedOut, or KeyboardInterrupt when the run is to stop."""
        self._session.stop_if_halted()
        timeout = self._code.call.timeout
        if timeout is not None and time.monotonic() - self._began > timeout:
            raise StepTimedOut(f"it took longer than its timeout of {timeout:g} s")


class PlacedWorker:
    """Performs the calls of a shard where their plans say: in the worker given, or by their place from this thread."""

    def __init__(self, session: Session, worker: Worker) -> None:
        self._session = session
        self._worker = worker

    def perform(self, batch: Sequence[Opened], hear: Callable[[Opened, Message], None]) -> Iterator[Ended | Crashed]:
        """Perform those with places of their own first, then the rest in their order."""
        rest = []
        for index, opened in enumerate(batch):
            if opened.invocation.call.place in ON_THIS_MACHINE:
                rest.append(index)
                continue

            def tell(message: Message, opened: Opened = opened) -> None:
                hear(opened, message)

            session = self._session
            work = opened.work(session.lease.run)
            yield Ended(index, perform_in_place(session, opened.invocation.call, work, tell))
        if rest:
            for reply in self._worker.perform([batch[index] for index in rest], hear):
                yield replace(reply, index=rest[reply.index])


@lru_cache(maxsize=1024)
def _place(name: str, configuration: str) -> Place:
    return place_from(name, json.loads(configuration))
