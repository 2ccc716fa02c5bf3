"""Run one call: reuse what the store holds, else try the step as often as it may be tried, and record what it makes."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from kaon.artifacts import Artifact

from ..context import Message
from ..places.place import IN_PROCESS
from .calls import Calls, Closing, Opened, Outputs, Reused, Waits
from .effects import Invocation
from .failures import Failure, Stopped
from .perform import Broken, Performed, perform
from .references import artifacts
from .session import Session

LOOK_AGAIN = 0.2
"""Seconds between two looks at a step that another run is making."""


class StepFailed(Exception):
    """A try of a step failed, and another one may follow."""


class Execution:
    """One call of a run, from its key to its outputs."""

    def __init__(self, session: Session, invocation: Invocation) -> None:
        self.invocation = invocation
        self.call = invocation.call
        self.outputs: Outputs | None = None
        """What it made or reused."""
        self.stopped: Stopped | None = None
        """How it stopped, if it did."""
        self.reason = ""
        """Why it ran or was skipped."""
        self.on_progress: Callable[[float, str], None] | None = None
        self.delay = 0.0
        """Seconds to wait before the next try."""
        self._session = session
        self._calls = Calls(session)
        self._opened: Opened | None = None

    @property
    def artifacts(self) -> Mapping[str, Artifact]:
        """What it made or reused, by name."""
        found = {name: artifacts(reference) for name, reference in (self.outputs or {}).items()}
        return {name: made[0] for name, made in found.items() if made}

    @property
    def failure(self) -> Failure | None:
        """Why it failed, if it did."""
        return self.stopped.failures[0] if self.stopped is not None and self.stopped.failures else None

    def open(self) -> bool:
        """Look for what is stored, wait while another run makes it, else record the step as running.

        Returns whether it is to be attempted; if not, `outputs` or `stopped` says why.
        """
        while True:
            (found,) = self._calls.open([self.invocation])
            match found:
                case Opened():
                    self._opened, self.reason = found, found.reason
                    return True
                case Reused(outputs, reason):
                    self.outputs, self.reason = outputs, reason
                    return False
                case Stopped():
                    self.stopped = found
                    return False
                case Waits():
                    time.sleep(LOOK_AGAIN)

    def attempt(self) -> None:
        """Try the step once; afterwards it has outputs, or has stopped.

        Raises StepFailed if the try failed and another one may follow after `delay`.
        """
        opened = self._opened
        assert opened is not None, "the call was opened"
        if opened.tries > 1:
            self._calls.restart([opened])
        try:
            result = self._performed(opened)
        except BaseException as error:
            self._calls.cancel([opened], f"interrupted: {type(error).__name__}")
            raise
        if isinstance(result, Broken) and opened.may_retry and not self._session.stopping:
            self.delay = self._calls.retry(opened, result)
            raise StepFailed(result.cause)
        if isinstance(result, Broken):
            self._calls.log(opened, result)
        (ended,) = self._calls.close([Closing(opened, result)])
        if isinstance(ended, Stopped):
            self.stopped = ended
        else:
            self.outputs = ended.outputs

    def _performed(self, opened: Opened) -> Performed | Broken:
        session, work = self._session, opened.work(self._session.lease.run)
        if self.call.place != IN_PROCESS.name:
            from .placed import perform_in_place

            return perform_in_place(session, self.call, work, self._heard)
        code = session.terms.codes[self.call.path]
        return perform(code, work, session.store, self._heard, timeout=self.call.timeout, within=session.in_step)

    def _heard(self, message: Message) -> None:
        assert self._opened is not None, "only a running step says something"
        self._calls.hear(self._opened, message)
        fraction: Any = message.values.get("fraction")
        if message.kind == "progress" and fraction is not None and self.on_progress is not None:
            self.on_progress(fraction, message.text)


def execute(session: Session, invocation: Invocation) -> Outputs:
    """Run a call to its end in this thread, waiting between tries.

    Raises Stopped if the last try failed too.
    """
    execution = Execution(session, invocation)
    if execution.open():
        while execution.outputs is None and execution.stopped is None:
            try:
                execution.attempt()
            except StepFailed:
                session.halted.wait(execution.delay)
    if execution.stopped is not None:
        raise execution.stopped
    assert execution.outputs is not None, "what did not stop has outputs"
    return execution.outputs
