"""Make calls as Prefect task runs, and run branches and items at the same time."""

import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from prefect import Task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.futures import PrefectFuture
from prefect.states import Completed

from ...plan import Call
from ..execution import Execution, Outputs, abandon
from ..failures import Failure, Stopped, failure_of, placed_path
from ..frame import Frame
from ..interpret import Invocation
from ..references import Reference, artifacts
from ..session import Session
from .shown import Progress, show_results

logger = logging.getLogger(__name__)

BRANCHES = 32
"""Branches and items that wait for their steps at the same time; how many steps run is for the task runner to say."""
EDGES = 100
"""Upstream task runs that one task run names."""


class PrefectConductor:
    """Submits a task run for every call, and waits for it in the thread of its branch."""

    def __init__(self, session: Session) -> None:
        self.submitted = 0
        """How many task runs were submitted."""
        self._session = session
        self._tasks: dict[str, Task[..., Any]] = {}
        self._makers: dict[int, PrefectFuture[Any]] = {}
        """The task run behind each artifact of this run."""
        self._showing = ThreadPoolExecutor(1, thread_name_prefix="kaon-show")

    def call(self, invocation: Invocation) -> Mapping[str, Reference]:
        """Run a step as a task run, or reuse what it made before; raises Stopped if its last try fails."""
        step = _StepRun(Execution(self._session, invocation), self._showing)
        title = placed_path(invocation.call.path, invocation.keys, invocation.attempts).partition("/")[2]
        future = self._task(invocation.call).submit(title, step, wait_for=self._upstream(invocation))
        self.submitted += 1
        future.wait()
        for artifact in step.execution.artifacts.values():
            self._makers[artifact.id] = future
        if step.outputs is None:
            raise Stopped((step.failure(future.state),))
        return step.outputs

    def together(self, parts: Sequence[Callable[[], None]], at_once: int | None) -> list[Stopped]:
        """Run the parts at the same time, every one to its end."""
        threads = ThreadPoolExecutor(min(at_once or BRANCHES, BRANCHES), thread_name_prefix="kaon-branch")
        futures = [threads.submit(copy_context().run, part) for part in parts]
        try:
            wait(futures)
        finally:  # after Ctrl-C nothing more is started, and what runs is not waited for
            threads.shutdown(wait=False, cancel_futures=True)
        return [stopped for future in futures if (stopped := _stopped(future)) is not None]

    def abandon(self, call: Call, frame: Frame, reason: str) -> None:
        """Record that a call will not be made."""
        abandon(self._session, Invocation(call, frame.keys, frame.attempts, {}), reason)

    def close(self) -> None:
        """Wait until Prefect shows what every step made."""
        self._showing.shutdown(wait=True)

    def _task(self, call: Call) -> Task[..., Any]:
        if call.path not in self._tasks:
            self._tasks[call.path] = Task(
                _run_step,
                name=call.step,
                description=call.doc or None,
                task_run_name="{title}",
                retries=call.retries,
                retry_delay_seconds=call.retry_delay,
                cache_policy=NO_CACHE,
                persist_result=False,
            )
        return self._tasks[call.path]

    def _upstream(self, invocation: Invocation) -> list[PrefectFuture[Any]]:
        read = {artifact.id for r in invocation.inputs.values() for artifact in artifacts(r)}
        futures = {id(self._makers[i]): self._makers[i] for i in sorted(read) if i in self._makers}
        return list(futures.values())[:EDGES]


class _StepRun:
    """A call on its way through Prefect's retries."""

    def __init__(self, execution: Execution, showing: ThreadPoolExecutor) -> None:
        self.execution = execution
        self.outputs: Outputs | None = None
        self._showing = showing

    def show(self, title: str) -> None:
        """Have Prefect show what the step made, without making the step wait for it."""
        made = tuple(self.execution.artifacts.values())
        self._showing.submit(copy_context().run, show_results, title, made).add_done_callback(_tell_if_not_shown)

    def failure(self, state: State[Any]) -> Failure:
        """Return why the step has no outputs: what its last try raised, or what kept Prefect from running it."""
        if self.execution.failure is not None:
            return self.execution.failure
        error = state.result(raise_on_failure=False)
        cause = error if isinstance(error, BaseException) else RuntimeError(state.message or state.name)
        invocation = self.execution.invocation
        return failure_of(cause, invocation.call.path, invocation.keys, invocation.attempts)


def _run_step(title: str, step: _StepRun) -> State[None] | None:
    execution = step.execution
    if execution.tries == 0:
        step.outputs = execution.reuse()
        if step.outputs is not None:
            return Completed(name="Skipped", message=execution.reason)
        execution.on_progress = Progress(title)
    step.outputs = execution.attempt()
    step.show(title)
    return None


def _tell_if_not_shown(shown: Future[None]) -> None:
    error = shown.exception()
    if error is not None:
        logger.warning("Prefect does not show what a step made: %s", error)


def _stopped(future: Future[None]) -> Stopped | None:
    error = future.exception()
    if error is None or isinstance(error, Stopped):
        return error
    raise error
