"""Make calls as Prefect task runs, and run branches and items at the same time."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextvars import copy_context
from functools import partial
from typing import Any, TypeVar

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Cancelled, Completed, Failed

from ...plan import Call
from ..calls import Calls, retry_delay
from ..conduct import drive
from ..effects import Abandon, Each, Effects, HandedOn, Invocation
from ..execution import Execution
from ..failures import Failure, Stopped, failure_of, placed_path
from ..interpret import Interpreter
from ..local import begin_loop
from ..references import Reference, artifacts
from ..session import Session
from .shards import run_in_shards
from .shown import Progress, ResultsTable

T = TypeVar("T")

BRANCHES = 32
"""Branches and items that wait for their steps at the same time; how many steps run is for the task runner to say."""
LOOK = 0.5
"""Seconds between two looks at whether branches have ended: a thread can only be interrupted between them."""
EDGES = 100
"""Upstream task runs that one task run names."""


class PrefectConductor:
    """Makes a task run of every call: in the run's own sequence at once, in a branch by the task runner."""

    def __init__(self, session: Session) -> None:
        self.submitted = 0
        """How many task runs were submitted."""
        self._session = session
        self._tasks: dict[tuple[object, ...], Task[..., Any]] = {}
        self._sequence = threading.get_ident()
        self._makers: dict[int, _StepRun] = {}
        """What made each artifact of this run; Prefect knows the task run that returned it, and draws an edge."""
        self._made = ResultsTable()

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step as a task run, or reuse what it made before; raises Stopped if its last try fails."""
        step = _StepRun(Execution(self._session, invocation), self._made)
        title = placed_path(invocation.call.path, invocation.keys, invocation.attempts).partition("/")[2]
        task, upstream = self._task(invocation.call), self._upstream(invocation)
        self.submitted += 1
        if threading.get_ident() == self._sequence:  # nothing runs beside it, so there is nothing to submit it to
            state: State[Any] = task(title, step, upstream, return_state=True)  # type: ignore[assignment]
        else:
            future = task.submit(title, step, upstream)
            future.wait()
            state = future.state
        for artifact in step.execution.artifacts.values():
            self._makers[artifact.id] = step
        if step.execution.outputs is None:
            raise step.execution.stopped or Stopped((step.failure(state),))
        return step.execution.outputs

    def together(self, interpreter: Interpreter, branches: Sequence[Effects]) -> list[Stopped | None]:
        """Run the branches at the same time, every one to its end."""
        return self._at_once([partial(self._stopped, interpreter, branch) for branch in branches], None)

    def each(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run the items at the same time, every one to its end; those of a wide loop in shards."""
        begin_loop(self._session, each)
        if len(each.items) > self._session.terms.engine.wide:
            return self._wide(interpreter, each)
        frames = [interpreter.item_frame(each.loop, each.frame, item) for item in each.items]
        parts = [partial(self._stopped, interpreter, interpreter.run(each.loop.body, frame)) for frame in frames]
        ended = self._at_once(parts, each.loop.at_once)
        return [
            stopped or interpreter.handed_on(each.loop, frame) for stopped, frame in zip(ended, frames, strict=True)
        ]

    def _wide(self, interpreter: Interpreter, each: Each) -> list[HandedOn | Stopped]:
        """Run the items of a wide loop in shards, each in a thread with a worker process of its own."""
        found, submitted = run_in_shards(self._session, interpreter, each)
        self.submitted += submitted
        return found

    def abandon(self, abandoned: Abandon) -> None:
        """Record that calls will not be made."""
        Calls(self._session).abandon(abandoned)

    def _stopped(self, interpreter: Interpreter, effects: Effects) -> Stopped | None:
        try:
            drive(interpreter, effects, self)
        except Stopped as stopped:
            return stopped
        return None

    def _at_once(self, parts: Sequence[Callable[[], Stopped | None]], at_once: int | None) -> list[Stopped | None]:
        """Run the parts in threads, every one to its end."""
        threads = ThreadPoolExecutor(min(at_once or BRANCHES, BRANCHES), thread_name_prefix="kaon-branch")
        futures = [threads.submit(copy_context().run, part) for part in parts]
        try:
            while wait(futures, LOOK).not_done:
                pass
        finally:  # after Ctrl-C nothing more is started, and what runs is not waited for
            threads.shutdown(wait=False, cancel_futures=True)
        return [future.result() for future in futures]

    def close(self) -> None:
        """Wait until Prefect shows what every step made."""
        self._made.close()

    def _task(self, call: Call) -> Task[..., Any]:
        """Return a task for the call; calls that differ in their place alone share one, since making it takes 4 ms."""
        alike = (call.step, call.doc, call.retries, call.retry_delay, call.retry_backoff, call.retry_jitter)
        if alike not in self._tasks:
            self._tasks[alike] = Task(
                _run_step,
                name=call.step,
                description=call.doc or None,
                task_run_name="{title}",
                retries=call.retries,
                retry_delay_seconds=[retry_delay(call, tries) for tries in range(1, call.retries + 1)],
                retry_jitter_factor=call.retry_jitter or None,
                cache_policy=NO_CACHE,
                persist_result=False,
            )
        return self._tasks[alike]

    def _upstream(self, invocation: Invocation) -> list["_StepRun"]:
        return distinct(self._makers, invocation)


class _StepRun:
    """A call on its way through Prefect's retries."""

    def __init__(self, execution: Execution, made: ResultsTable) -> None:
        self.execution = execution
        self.begun = False
        self.made = made

    def failure(self, state: State[Any]) -> Failure:
        """Return why the step has no outputs: what its last try raised, or what kept Prefect from running it."""
        if self.execution.failure is not None:
            return self.execution.failure
        error = state.result(raise_on_failure=False)
        cause = error if isinstance(error, BaseException) else RuntimeError(state.message or state.name)
        invocation = self.execution.invocation
        return failure_of(cause, invocation.call.path, invocation.keys, invocation.attempts)


def _run_step(title: str, step: _StepRun, upstream: list[_StepRun]) -> State[_StepRun] | _StepRun:
    execution = step.execution
    if not step.begun and not execution.open():
        return _not_begun(step)
    step.begun = True
    execution.on_progress = execution.on_progress or Progress(title)
    execution.attempt()
    if execution.failure is not None:
        return Failed(message=execution.failure.cause)
    step.made.add(title, execution.artifacts.values())
    return step


def _not_begun(step: _StepRun) -> State[_StepRun]:
    execution = step.execution
    if execution.outputs is not None:
        return Completed(name="Skipped", message=execution.reason, data=step)
    assert execution.stopped is not None, "a call that does not begin is reused, or has stopped"
    if execution.failure is not None:
        return Failed(message=execution.failure.cause)
    held = execution.stopped.held
    return Completed(name="Held", message=held[0].question) if held else Cancelled(message="the run is to stop")


def distinct(makers: Mapping[int, T], invocation: Invocation) -> list[T]:
    """Return what made the artifacts that a call reads, each once, and a bounded number of them."""
    read = {artifact.id for r in invocation.inputs.values() for artifact in artifacts(r)}
    found = {id(makers[i]): makers[i] for i in sorted(read) if i in makers}
    return list(found.values())[:EDGES]
