"""Perform a step in a process of its own: held to its resources, killed by its timeout."""

from collections.abc import Callable

from ..context import Message
from ..places.errors import PoolError, TooLarge
from ..places.limits import Limits
from ..places.wire import Died, Done, Failed, Task, Told
from ..plan import Call
from ..resources import Resources
from .perform import Broken, Performed, Work
from .session import Session

LOOK = 0.25
"""Seconds between two looks at whether the run is to stop."""


def perform_in_own_process(
    session: Session, call: Call, work: Work, tell: Callable[[Message], None]
) -> Performed | Broken:
    """Run a step once in a new process, when the machine has room for it, and return what came of it."""
    if not session.shared:
        return Broken("StoreInMemory: another process cannot read a store in memory; use a folder as the store")
    limits = Limits(call.cpus, Resources(call.cpus, call.memory).memory_bytes)
    try:
        with (
            session.admission.admitted(call.cpus, limits.memory, waiting=session.stop_if_halted),
            session.pool.worker(limits, fresh=True) as worker,
        ):
            worker.submit([Task(work, call.timeout)])
            while True:
                for reply in worker.replies(LOOK):
                    match reply:
                        case Told(message=message):
                            tell(message)
                        case Done(result=result):
                            return result  # type: ignore[no-any-return]
                        case Failed(error=error, trace=trace):
                            return Broken(error, trace)
                        case Died():
                            return Broken(cause_of_death(reply))
                session.stop_if_halted()
    except (PoolError, TooLarge) as error:
        return Broken(f"{type(error).__name__}: {error}")


def cause_of_death(died: Died) -> str:
    """Return the cause of a failure by a process that died."""
    return f"{type(died).__name__}: {died.why}"
