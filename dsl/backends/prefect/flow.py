"""Compile a workflow to a Prefect flow with a typed parameter schema."""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed
from pydantic_core import PydanticUndefined

from kaon.artifacts import open_store

from ...settings import any_name_allowed, flat, validated
from ...workflow import Workflow
from ..asked import Asked
from ..concluded import concluded
from ..conduct import drive
from ..engine import Engine
from ..failures import RunFailed, Stopped
from ..frame import Frame
from ..interpret import Interpreter
from ..mlflow_view import MlflowView
from ..result import Result
from ..run_session import RunSession, draining_on_sigterm, end, in_session
from .conductor import PrefectConductor
from .elsewhere import ElsewhereConductor
from .flow_tags import flow_tags
from .shown import few_words
from .task_runners import task_runner


@dataclass(slots=True)
class Conducted:
    """A session on its way through a Prefect flow, and what came of it."""

    session: RunSession
    interpreter: Interpreter
    frame: Frame | None = None
    stopped: Stopped | None = None
    submitted: int = 0
    flow_run_id: str = ""


_conducted: ContextVar[Conducted | None] = ContextVar("kaon_conducted", default=None)


@contextmanager
def conducting(conducted: Conducted) -> Iterator[None]:
    """Let the flow called in the block run this session rather than begin one of its own."""
    token = _conducted.set(conducted)
    try:
        yield
    finally:
        _conducted.reset(token)


def to_prefect(workflow: Workflow, engine: Engine | None = None, asked: Asked | None = None) -> Flow[..., Any]:
    """Return the workflow as a Prefect flow; its parameters are the fields of the workflow's settings model.

    asked: what a run that Prefect begins does besides.
    """
    chosen = engine or Engine.from_environment()

    body = _Body(workflow, chosen, asked or Asked())

    def run_workflow(**parameters: Any) -> State[int]:
        return body(parameters)

    run_workflow.__name__ = run_workflow.__qualname__ = workflow.name
    run_workflow.__doc__ = workflow.doc or workflow.plan.doc or f"The workflow {workflow.name}."
    run_workflow.__signature__ = _signature(workflow)  # type: ignore[attr-defined]
    with any_name_allowed():
        return _WorkflowFlow(
            run_workflow,
            name=workflow.name,
            task_runner=task_runner(chosen.task_runner, chosen.steps_at_once),
            persist_result=False,
            retries=0,
        )


class _WorkflowFlow(Flow[..., Any]):
    """A flow whose parameters are called as the workflow's steps are, `validate` too."""

    def validate_parameters(self, parameters: dict[str, Any]) -> dict[str, Any]:
        with any_name_allowed():  # Prefect makes a model of the parameters each time
            return super().validate_parameters(parameters)


class _Body:
    """What a flow does. Dask and Ray send the flow along with every task run, which needs nothing of this."""

    def __init__(self, workflow: Workflow, engine: Engine, asked: Asked) -> None:
        self._workflow = workflow
        self._engine = engine
        self._asked = asked

    def __call__(self, parameters: dict[str, Any]) -> State[int]:
        """Run the workflow: the session that is being conducted, else one of its own."""
        conducted = _conducted.get()
        if conducted is not None:
            _conduct(conducted)
            return _state(conducted)
        return _scheduled(self._workflow, parameters, self._engine, self._asked)

    def __reduce__(self) -> str | tuple[Any, ...]:
        return _no_body, ()


def _no_body() -> None:
    """Stand in for the body of a flow in a process that only runs its tasks."""


def _signature(workflow: Workflow) -> inspect.Signature:
    parameters = []
    for name, field in workflow.settings_model.model_fields.items():
        if field.is_required():
            default: Any = inspect.Parameter.empty
        else:
            default = field.get_default(call_default_factory=True)
            default = inspect.Parameter.empty if default is PydanticUndefined else default
        parameters.append(
            inspect.Parameter(
                name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=field.rebuild_annotation()
            )
        )
    return inspect.Signature(parameters)


def _scheduled(workflow: Workflow, parameters: dict[str, Any], engine: Engine, asked: Asked) -> State[int]:
    """Run the workflow in a flow run that Prefect began.

    Raises RunFailed if it fails, so that Prefect shows every cause.
    """
    store = open_store()
    settings = flat(validated(workflow.settings_model, parameters))
    asked = replace(asked, tags={**asked.tags, **flow_tags()}, tracker=MlflowView(store))
    request = asked.request(workflow, settings, store, "prefect", engine)
    seen: list[Conducted] = []

    def conduct(session: RunSession, interpreter: Interpreter) -> Frame:
        seen.append(Conducted(session, interpreter))
        _conduct(seen[0])
        return finished_frame(seen[0])

    with in_session(request) as session:
        result: Result = concluded(session, conduct)
    if result.state == "failed":
        raise RunFailed(result.run_id, workflow.name, result.failures, result.reason)
    return _state(seen[0])


def _conduct(conducted: Conducted) -> None:
    session = conducted.session
    conducted.flow_run_id = str(flow_run.get_id())
    session.store.records.tag_run(session.run.id, {"prefect.flow_run": conducted.flow_run_id})
    here = session.terms.engine.task_runner == "threads"
    conductor = PrefectConductor(session) if here else ElsewhereConductor(session)
    interpreter, frame = conducted.interpreter, Frame()
    try:
        with few_words(), draining_on_sigterm(session):  # nearer than Prefect's own handler, which gives no grace
            drive(interpreter, interpreter.run(session.request.plan.root, frame), conductor)
        conducted.frame = frame
    except Stopped as stopped:
        conducted.stopped = stopped
    except KeyboardInterrupt:
        session.interrupt()  # now, since Prefect waits for the steps that run
        if not session.ended and session.fenced is None:
            end(session, "cancelled", session.stopping or "interrupted")
        raise
    finally:
        conductor.close()
        conducted.submitted = conductor.submitted


def finished_frame(conducted: Conducted) -> Frame:
    """Return the outputs of a run that was conducted; raises Stopped with every failure."""
    if conducted.stopped is not None:
        raise conducted.stopped
    assert conducted.frame is not None, "a flow that did not stop has run the plan"
    return conducted.frame


def _state(conducted: Conducted) -> State[int]:
    """Return the state in which Prefect shows the run."""
    session, stopped = conducted.session, conducted.stopped
    if stopped is None:
        return Completed(data=session.run.id)
    if stopped.failures:
        return Failed(message=str(stopped))
    if stopped.held:
        return Completed(name="Held", message=str(stopped), data=session.run.id)
    return Cancelled(message=session.stopping)
