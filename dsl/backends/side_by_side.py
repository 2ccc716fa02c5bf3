"""A wide loop of the local backend whose steps run in containers or elsewhere: a bounded number of them side by side.

What runs in this process goes on running one step after the other.
"""

import threading
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import TypeAlias

from ..places.place import ON_THIS_MACHINE
from ..plan import Call, Loop, walk
from .effects import Each, HandedOn
from .failures import Stopped
from .inline_worker import InlineWorker
from .interpret import Interpreter
from .pace import Pace
from .parts import parts
from .session import Session
from .shard import Shard

Ends: TypeAlias = list[HandedOn | Stopped]

LOOK = 0.5
"""Seconds between two looks at whether shards have ended: a thread can only be interrupted between them."""


def leaves_this_machine(loop: Loop) -> bool:
    """Return whether a step of the loop runs in a place that only has to be waited for here."""
    return any(isinstance(inner, Call) and inner.place not in ON_THIS_MACHINE for inner in walk(loop))


def run_side_by_side(
    session: Session, interpreter: Interpreter, each: Each, count: Callable[[Stopped | None, bool], None]
) -> Ends:
    """Run the items, as many at once as the engine says, and return what each hands on or how it stopped.

    count: as of `Shard`; called from several threads.
    """
    at_once, pace, turn = session.terms.engine.steps_at_once, Pace(), threading.Lock()

    def run(part: Each, under_way: int | None) -> Ends:
        return Shard(session, interpreter, InlineWorker(session, turn), count, pace).run(part, under_way)

    threads = ThreadPoolExecutor(at_once, thread_name_prefix="kaon-shard")
    begun = [
        threads.submit(copy_context().run, partial(run, part, under_way)) for _, part, under_way in parts(each, at_once)
    ]
    try:
        _wait(begun)
    except BaseException:
        session.interrupt()
        raise
    finally:  # containers are removed before this returns
        threads.shutdown(wait=True, cancel_futures=True)
    return [end for future in begun for end in future.result()]


def _wait(begun: list[Future[Ends]]) -> None:
    """Wait until all have ended; raises what one of them raised, at once."""
    left = set(begun)
    while left:
        ended, left = wait(left, LOOK, return_when=FIRST_EXCEPTION)
        for future in ended:
            future.result()
