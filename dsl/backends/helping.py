"""Make calls of a run in another process, such as a worker of Dask or Ray, under the lease of the run."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from kaon.artifacts import Done, Lease, open_store

from ..plan import Call, Loop, walk
from .calls import Outputs
from .effects import Each, HandedOn, Invocation
from .execution import execute
from .failures import Failure, Stopped
from .inline_worker import InlineWorker
from .interpret import Interpreter
from .pace import Pace
from .pulse import pulsing
from .session import Session, Terms
from .shard import Shard


@dataclass(frozen=True, slots=True)
class Help:
    """What another process must know to make calls of a run; it can be sent there."""

    terms: Terms
    store: str
    lease: Lease
    done: Mapping[tuple[str, str, tuple[int, ...]], Done]

    def call(self, invocation: Invocation) -> Outputs | Stopped:
        """Run one call to its end in this process, and return its outputs or how it stopped."""
        with self._session() as session:
            try:
                return execute(session, invocation)
            except Stopped as stopped:
                return stopped

    def shard(self, each: Each, at_once: int | None) -> tuple[list[HandedOn | Stopped], list[Failure]]:
        """Run items of a wide loop to their ends in this process.

        Returns what each hands on or how it stopped, and what failed inside loops that go on.
        """
        with self._session() as session:
            interpreter = Interpreter(self.terms.settings, session.store)
            shard = Shard(session, interpreter, InlineWorker(session), lambda stopped, skipped: None, Pace())
            return shard.run(each, at_once), interpreter.tolerated

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = Session(self.terms, open_store(self.store), self.lease, self.done)
        with pulsing(session):
            try:
                yield session
            finally:
                session.close()
        if session.fenced is not None:
            raise session.fenced


def help_with(session: Session, node: Call | Loop) -> Help:
    """Return what another process must know to run a call, or the items of a loop."""
    paths = {inner.path for inner in walk(node) if isinstance(inner, Call)}
    codes = {path: session.terms.codes[path] for path in paths}
    done = {where: one for where, one in session.done.items() if where[0] in paths}
    return Help(replace(session.terms, codes=codes), session.store.url, session.lease, done)
