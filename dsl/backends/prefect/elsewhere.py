"""Make calls in the processes of Dask or Ray: a task run is sent all that it needs, and works under the run's lease."""

import time
from typing import Any, Generic, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed, Failed

from ...events import StepEvent
from ..effects import Each, HandedOn, Invocation
from ..failures import Stopped, failure_of, placed_path
from ..helping import Help, help_with
from ..interpret import Interpreter
from ..local import tally_of
from ..parts import parts
from ..references import Reference, artifacts
from ..session import Session
from .conductor import PrefectConductor, distinct

T = TypeVar("T")


class ElsewhereConductor(PrefectConductor):
    """Submits a task run for every call and every shard, to a task runner whose task runs are in other processes."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._futures: dict[int, PrefectFuture[Any]] = {}
        """The task run behind each artifact of this run."""

    def call(self, invocation: Invocation) -> dict[str, Reference]:
        """Run a step in another process, or reuse what it made before; raises Stopped if it has no outputs."""
        call = invocation.call
        title = placed_path(call.path, invocation.keys, invocation.attempts).partition("/")[2]
        task = self._sent(_call, call.step, call.doc)
        began = time.monotonic()
        self._tell(invocation, "running", began)
        future = task.submit(
            title,
            Sealed(help_with(self._session, call)),
            Sealed(invocation),
            wait_for=distinct(self._futures, invocation),
        )
        self.submitted += 1
        found = _result(future, call.path, invocation.keys, invocation.attempts)
        if isinstance(found, Stopped):
            self._tell(invocation, "failed" if found.failures else "held" if found.held else "cancelled", began, found)
            raise found
        made = [artifact for reference in found.values() for artifact in artifacts(reference)]
        for artifact in made:
            self._futures[artifact.id] = future
        reused = any(artifact.run != self._session.lease.run for artifact in made)
        self._tell(invocation, "skipped" if reused else "completed", began)
        return dict(found)

    def _wide(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run the items of a wide loop in shards, each in another process."""
        tally, loop, frame = tally_of(self._session, each), each.loop, each.frame
        task = self._sent(_shard, loop.path.rpartition("/")[2], "")
        begun = []
        for title, part, at_once in parts(each, self._session.terms.engine.steps_at_once):
            help_given = Sealed(help_with(self._session, loop))
            begun.append((part, task.submit(title, help_given, Sealed(part), at_once)))
        self.submitted += len(begun)
        ended: list[HandedOn | Stopped] = []
        for part, future in begun:
            found = _result(future, loop.path, frame.keys, frame.attempts)
            items, tolerated = ([found] * len(part.items), []) if isinstance(found, Stopped) else found
            interpreter.tolerated.extend(tolerated)
            for end in items:
                tally.ended(end if isinstance(end, Stopped) else None, False)
            ended += items
        return ended

    def _sent(self, function: Any, name: str, doc: str) -> Task[..., Any]:
        return Task(
            function,
            name=name,
            description=doc or None,
            task_run_name="{title}",
            cache_policy=NO_CACHE,
            persist_result=False,
        )

    def _tell(self, invocation: Invocation, state: Any, began: float, stopped: Stopped | None = None) -> None:
        where = (invocation.call.path, invocation.call.step, invocation.keys, invocation.attempts)
        reason = "" if stopped is None else str(stopped)
        self._session.tell(StepEvent(*where, state, reason, time.monotonic() - began))


class Sealed(Generic[T]):
    """A value that Prefect and Dask pass on as it is, without looking for futures inside."""

    def __init__(self, value: T) -> None:
        self.value = value


def _call(title: str, help_given: Sealed[Help], invocation: Sealed[Invocation]) -> Any:
    found = help_given.value.call(invocation.value)
    return _shown(found) if isinstance(found, Stopped) else found


def _shard(title: str, help_given: Sealed[Help], each: Sealed[Each], at_once: int | None) -> Any:
    return help_given.value.shard(each.value, at_once)


def _shown(stopped: Stopped) -> State[Any]:
    """Return the state in which Prefect shows a call that has no outputs; what it is of travels along."""
    if stopped.failures:
        return Failed(message=stopped.failures[0].cause, data=stopped)
    if stopped.held:
        return Completed(name="Held", message=stopped.held[0].question, data=stopped)
    return Cancelled(message="the run is to stop", data=stopped)


def _result(
    future: PrefectFuture[Any], path: str, keys: tuple[tuple[str, object], ...], attempts: tuple[int, ...]
) -> Any:
    """Return what a task run came to; what kept it from running is a failure of what it was to do."""
    future.wait()
    found = future.state.result(raise_on_failure=False)
    if isinstance(found, BaseException) and not isinstance(found, Stopped):
        return Stopped((failure_of(found, path, keys, attempts),))
    return found
