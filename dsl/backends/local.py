"""The local backend: a plan interpreted in this process, one call after the other; the reference for what it means."""

from collections.abc import Callable, Mapping, Sequence

from ..plan import Call
from .execution import abandon, execute
from .failures import Stopped
from .frame import Frame
from .interpret import Interpreter, Invocation
from .references import Reference
from .session import Session


class LocalConductor:
    """Makes calls in this thread, in the order of the plan."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step, or reuse what it made before."""
        return execute(self._session, invocation)

    def together(self, parts: Sequence[Callable[[], None]], at_once: int | None) -> list[Stopped]:
        """Run the parts one after the other, every one to its end."""
        stopped = []
        for part in parts:
            try:
                part()
            except Stopped as failure:
                stopped.append(failure)
        return stopped

    def abandon(self, call: Call, frame: Frame, reason: str) -> None:
        """Record that a call will not be made."""
        abandon(self._session, Invocation(call, frame.keys, frame.attempts, {}), reason)


def run_locally(session: Session) -> Frame:
    """Run the session's plan and return the outputs; raises Stopped with every failure."""
    frame = Frame()
    interpreter = Interpreter(session.request.settings, session.store, LocalConductor(session))
    interpreter.run(session.request.plan.root, frame)
    return frame
