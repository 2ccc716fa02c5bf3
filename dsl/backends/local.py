"""The local backend: a plan interpreted in this process, one call after the other; the reference for what it means.

Only in wide loops, what places outside of this process perform runs side by side.
"""

from collections.abc import Mapping, Sequence

from .calls import Calls
from .conduct import drive
from .effects import Abandon, Each, Effects, HandedOn, Invocation
from .execution import execute
from .failures import Stopped
from .frame import Frame
from .inline_worker import InlineWorker
from .interpret import Interpreter
from .pace import Pace
from .references import Reference
from .run_session import RunSession
from .session import Session
from .shard import Shard
from .side_by_side import leaves_this_machine, run_side_by_side
from .tally import Tally


class LocalConductor:
    """Makes calls in the order of the plan."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step, or reuse what it made before."""
        return execute(self._session, invocation)

    def together(self, interpreter: Interpreter, branches: Sequence[Effects]) -> list[Stopped | None]:
        """Run the branches one after the other, every one to its end."""
        return [self._stopped(interpreter, branch) for branch in branches]

    def each(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run the items one after the other, every one to its end; those of a wide loop in shards."""
        begin_loop(self._session, each)
        if len(each.items) > self._session.terms.engine.wide:
            return self._wide(interpreter, each)
        ended: list[HandedOn | Stopped] = []
        for item in each.items:
            frame = interpreter.item_frame(each.loop, each.frame, item)
            stopped = self._stopped(interpreter, interpreter.run(each.loop.body, frame))
            ended.append(stopped or interpreter.handed_on(each.loop, frame))
        return ended

    def _wide(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run many items: one after the other in this process, side by side where it only waits for them."""
        session, tally = self._session, tally_of(self._session, each)
        if leaves_this_machine(each.loop):
            return run_side_by_side(session, interpreter, each, tally.ended)
        return Shard(session, interpreter, InlineWorker(session), tally.ended, Pace()).run(each)

    def abandon(self, abandoned: Abandon) -> None:
        """Record that calls will not be made."""
        Calls(self._session).abandon(abandoned)

    def _stopped(self, interpreter: Interpreter, effects: Effects) -> Stopped | None:
        try:
            drive(interpreter, effects, self)
        except Stopped as stopped:
            return stopped
        return None


def begin_loop(session: Session, each: Each) -> None:
    """Record how many items a loop has."""
    frame = each.frame
    session.store.records.begin_loop(session.lease, each.loop.path, frame.keys, frame.attempts, len(each.items))


def tally_of(session: Session, each: Each) -> Tally:
    """Return what counts the items of a wide loop."""
    frame = each.frame
    return Tally(each.loop.path, frame.keys, frame.attempts, len(each.items), session.tell)


def run_locally(session: RunSession, interpreter: Interpreter) -> Frame:
    """Run the session's plan and return the outputs; raises Stopped with every failure."""
    frame = Frame()
    drive(interpreter, interpreter.run(session.request.plan.root, frame), LocalConductor(session))
    return frame
