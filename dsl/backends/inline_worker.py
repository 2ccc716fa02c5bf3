"""A worker that is this process: performs the calls of a shard here, one after the other."""

from collections.abc import Callable, Iterator, Sequence

from ..context import Message
from ..places.place import ON_THIS_MACHINE
from .calls import Opened
from .perform import perform
from .placed import perform_in_place
from .session import Session
from .shard import Crashed, Ended


class InlineWorker:
    """Performs the calls of a shard in this process."""

    def __init__(self, session: Session) -> None:
        self._session = session

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
            yield Ended(index, perform(code, work, session.store, tell, timeout=call.timeout, within=session.in_step))
