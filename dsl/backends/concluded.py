"""Run a session to its end, and record what it came to."""

from collections.abc import Callable

from ..events import State
from .failures import Stopped
from .frame import Frame
from .interpret import Interpreter
from .references import Reference
from .result import Result
from .run_session import RunSession, end

Conduct = Callable[[RunSession, Interpreter], Frame]


def concluded(session: RunSession, conduct: Conduct) -> Result:
    """Run the session's plan as `conduct` does, record how it ended, and return what it came to.

    Raises Fenced if another process took the run over, and KeyboardInterrupt after Ctrl-C.
    """
    interpreter = Interpreter(session.request.settings, session.store)
    try:
        frame = conduct(session, interpreter)
    except Stopped as stopped:
        return _stopped(session, interpreter, stopped)
    except KeyboardInterrupt:
        if not session.stopping or session.fenced is not None:
            raise
        return _stopped(session, interpreter, Stopped())
    end(session, "completed", _told(interpreter))
    found = {name: interpreter.resolve(source, frame) for name, source in session.request.plan.outputs}
    outputs = {name: reference for name, reference in found.items() if reference is not None}
    return _result(session, interpreter, "completed", Stopped(), outputs)


def _stopped(session: RunSession, interpreter: Interpreter, stopped: Stopped) -> Result:
    """Record how a run ended that did not finish."""
    if session.ended:
        return _result(session, interpreter, "cancelled", stopped, {})
    if session.stopping:
        end(session, "cancelled", session.stopping)
        return _result(session, interpreter, "cancelled", stopped, {})
    if stopped.failures:
        end(session, "failed", f"{stopped.failures[0].place}: {stopped.failures[0].cause}")
        return _result(session, interpreter, "failed", stopped, {})
    assert stopped.held, "a run that does not finish has failed, is held, or is to stop"
    end(session, "held", "; ".join(held.question for held in stopped.held))
    return _result(session, interpreter, "held", stopped, {})


def _told(interpreter: Interpreter) -> str:
    """Return what is to be said of a run that completed."""
    count = len(interpreter.tolerated)
    return f"{count} {'item' if count == 1 else 'items'} failed, and the run went on without" if count else ""


def _result(
    session: RunSession, interpreter: Interpreter, state: State, stopped: Stopped, outputs: dict[str, Reference]
) -> Result:
    return Result(
        session.run.id,
        state,
        session.reason,
        stopped.failures,
        tuple(interpreter.tolerated),
        stopped.held,
        tuple(session.notes),
        outputs,
        session.request.workflow.output_types,
        session.store,
    )
