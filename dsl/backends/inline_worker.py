"""A worker that is this process: performs the calls of a shard here, one after the other."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from ..context import Message
from ..places.place import ON_THIS_MACHINE
from .calls import Opened
from .perform import perform
from .placed import perform_in_place
from .session import Session
from .shard import Crashed, Ended


class InlineWorker:
    """Performs the calls of a shard in this process.

    turn: is held by what runs in this process, so that workers that share a lock take turns there.
    """

    def __init__(self, session: Session, turn: AbstractContextManager[object] | None = None) -> None:
        self._session = session
        self._turn = turn or nullcontext()

    def perform(self, batch: Sequence[Opened], hear: Callable[[Opened, Message], None]) -> Iterator[Ended | Crashed]:
        """Perform the calls in their order."""
        session = self._session
        for index, opened in enumerate(batch):
            call = opened.invocation.call
            work = opened.work(session.lease.run)

            def tell(message: Message, opened: Opened = opened) -> None:
                hear(opened, message)

            if call.place not in ON_THIS_MACHINE:
                yield Ended(index, perform_in_place(session, call, work, tell))
                continue
            code = session.terms.codes[call.path]
            with self._turn:
                session.stop_if_halted()  # perhaps while it waited
                result = perform(code, work, session.store, tell, timeout=call.timeout, within=session.in_step)
            yield Ended(index, result)
