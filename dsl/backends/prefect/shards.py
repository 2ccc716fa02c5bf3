"""Wide loops: their items run in shards, each one Prefect task run that hands calls to a warm worker process."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed
from prefect.states import Failed as FailedState

from ...context import Message
from ...places.limits import NONE, Limits
from ...places.place import ON_THIS_MACHINE, Process
from ...places.wire import Died, Done, Failed, OverLimit, Told
from ...places.wire import Task as PoolTask
from ...places.worker import Worker as PoolWorker
from ...plan import Call, Loop, walk
from ...resources import Resources
from ..calls import Opened
from ..effects import Each, HandedOn
from ..failures import Stopped, failure_of
from ..inline_worker import InlineWorker
from ..interpret import Interpreter
from ..local import tally_of
from ..own_process import LOOK, cause_of_death
from ..pace import BATCH_SECONDS, Pace
from ..parts import parts
from ..perform import Broken
from ..placed import PlacedWorker
from ..session import Session
from ..shard import Crashed, Ended, Shard, Worker
from ..tally import Tally


class ShardRun:
    """One shard on its way through Prefect."""

    def __init__(
        self,
        session: Session,
        interpreter: Interpreter,
        each: Each,
        tally: Tally,
        pace: Pace,
        at_once: int | None,
    ) -> None:
        self.ended: list[HandedOn | Stopped] | None = None
        self._session = session
        self._interpreter = interpreter
        self._each = each
        self._tally = tally
        self._at_once = at_once
        self._pace = pace

    def run(self) -> None:
        """Run the items of the shard to their ends."""
        with _worker(self._session, self._each.loop) as worker:
            shard = Shard(self._session, self._interpreter, worker, self._tally.ended, self._pace)
            self.ended = shard.run(self._each, self._at_once)

    def results(self, future: PrefectFuture[Any]) -> list[HandedOn | Stopped]:
        """Return what each item hands on, or how it stopped; what kept the shard from running stopped them all."""
        if self.ended is not None:
            return self.ended
        error = future.state.result(raise_on_failure=False)
        cause = error if isinstance(error, BaseException) else RuntimeError(future.state.message or "it did not run")
        if not isinstance(cause, Exception):
            raise cause
        frame = self._each.frame
        stopped = Stopped((failure_of(cause, self._each.loop.path, frame.keys, frame.attempts),))
        return [stopped for _ in self._each.items]


class PooledWorker:
    """Performs the calls of a shard in a worker process."""

    def __init__(self, session: Session, worker: PoolWorker) -> None:
        self._session = session
        self._worker = worker

    def perform(self, batch: Sequence[Opened], hear: Callable[[Opened, Message], None]) -> Iterator[Ended | Crashed]:
        """Have the process perform the calls, and yield what happens as it does; a crash is the last."""
        run = self._session.lease.run
        self._worker.submit([PoolTask(one.work(run), one.invocation.call.timeout) for one in batch])
        while self._worker.busy:
            for reply in self._worker.replies(LOOK):
                match reply:
                    case Told(index=index, message=message):
                        hear(batch[index], message)
                    case Done(index=index, result=result):
                        yield Ended(index, result)
                    case Failed(index=index, error=error, trace=trace):
                        yield Ended(index, Broken(error, trace))
                    case OverLimit(index=int(index)):
                        yield Ended(index, Broken(cause_of_death(reply), seconds=BATCH_SECONDS))
                    case Died(index=int(index), why=why):
                        yield Crashed(index, why)
            self._session.stop_if_halted()


def run_in_shards(session: Session, interpreter: Interpreter, each: Each) -> tuple[list[HandedOn | Stopped], int]:
    """Run the items of a wide loop, and return what each hands on or how it stopped, and how many shards there were."""
    tally, pace, label = tally_of(session, each), Pace(), each.loop.path.rpartition("/")[2]
    task: Task[..., Any] = Task(
        _run_shard, name=label, task_run_name="{title}", cache_policy=NO_CACHE, persist_result=False
    )
    begun = []
    for title, part, at_once in parts(each, _beside(session, each.loop)):
        run = ShardRun(session, interpreter, part, tally, pace, at_once)
        begun.append((run, task.submit(title, run, each.loop.on_failure)))
    for _, future in begun:
        future.wait()
    return [end for run, future in begun for end in run.results(future)], len(begun)


def _beside(session: Session, loop: Loop) -> int:
    """Return how many shards of a loop run at the same time: those that need a worker process wait for one."""
    engine = session.terms.engine
    here = session.shared and any(isinstance(call, Call) and call.place in ON_THIS_MACHINE for call in walk(loop))
    return min(engine.workers, engine.steps_at_once) if here else engine.steps_at_once


def _run_shard(title: str, run: ShardRun, on_failure: str) -> State[None]:
    run.run()
    assert run.ended is not None, "a shard that ran has ended"
    failed = sum(1 for end in run.ended if isinstance(end, Stopped) and end.failures)
    message = f"{len(run.ended) - failed} of {len(run.ended)} items completed"
    return FailedState(message=message) if failed and on_failure == "fail" else Completed(message=message)


@contextmanager
def _worker(session: Session, loop: Loop) -> Iterator[Worker]:
    """Yield what performs the calls of a loop: a worker process, or this one where no other can read the store."""
    if not session.shared:
        yield InlineWorker(session)
        return
    calls = [call for call in walk(loop) if isinstance(call, Call)]
    if all(call.place not in ON_THIS_MACHINE for call in calls):
        yield InlineWorker(session)
        return
    limits = _limits(calls)
    with (
        session.admission.admitted(limits.cpus or 0, limits.memory, waiting=session.stop_if_halted),
        session.pool.worker(limits) as worker,
    ):
        pooled = PooledWorker(session, worker)
        yield pooled if all(call.place in ON_THIS_MACHINE for call in calls) else PlacedWorker(session, pooled)


def _limits(calls: Sequence[Call]) -> Limits:
    """Return the most that one of the calls needs of the machine, of those that are held to it."""
    held = [call for call in calls if call.place == Process.name]
    if not held:
        return NONE
    memory = [size for call in held if (size := Resources(call.cpus, call.memory).memory_bytes) is not None]
    return Limits(max(call.cpus for call in held), max(memory, default=None))
