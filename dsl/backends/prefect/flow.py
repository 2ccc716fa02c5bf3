"""Compile a workflow to a Prefect flow with a typed parameter schema."""

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from prefect import Flow
from prefect.exceptions import TerminationSignal
from prefect.runtime import flow_run
from prefect.task_runners import ThreadPoolTaskRunner
from pydantic_core import PydanticUndefined

from kaon.artifacts import open_store

from ...settings import flat, validated
from ...workflow import Workflow
from ..failures import RunFailed, Stopped
from ..frame import Frame
from ..interpret import Interpreter
from ..mlflow_view import MlflowView
from ..session import Request, Session, end, in_session
from .conductor import PrefectConductor

STEPS_AT_ONCE = max(2, os.cpu_count() or 2)
"""Steps that run at the same time in one process."""


@dataclass(slots=True)
class Conducted:
    """A session on its way through a Prefect flow, and what came of it."""

    session: Session
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


def to_prefect(workflow: Workflow) -> Flow[..., Any]:
    """Return the workflow as a Prefect flow; its parameters are the fields of the workflow's settings model."""
    model = workflow.settings_model

    def run_workflow(**parameters: Any) -> int:
        conducted = _conducted.get()
        if conducted is not None:
            _conduct(conducted)
            return conducted.session.run.id
        store = open_store()
        settings = flat(validated(model, parameters))
        request = Request(workflow, settings, store, "prefect", tracker=MlflowView(store))
        with in_session(request) as session:
            return _scheduled(session)

    run_workflow.__name__ = run_workflow.__qualname__ = workflow.name
    run_workflow.__doc__ = workflow.doc or workflow.plan.doc or f"The workflow {workflow.name}."
    run_workflow.__signature__ = _signature(workflow)  # type: ignore[attr-defined]
    return Flow(
        run_workflow,
        name=workflow.name,
        task_runner=ThreadPoolTaskRunner(max_workers=STEPS_AT_ONCE),  # type: ignore[arg-type]
        persist_result=False,
        retries=0,
    )


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


def _conduct(conducted: Conducted) -> None:
    session = conducted.session
    conducted.flow_run_id = str(flow_run.get_id())
    session.store.records.tag_run(session.run.id, {"prefect.flow_run": conducted.flow_run_id})
    conductor = PrefectConductor(session)
    interpreter = Interpreter(session.request.settings, session.store, conductor)
    frame = Frame()
    try:
        interpreter.run(session.request.plan.root, frame)
        conducted.frame = frame
    except Stopped as stopped:
        conducted.stopped = stopped
        raise RunFailed(session.run.id, session.request.workflow.name, stopped.failures) from stopped
    except (KeyboardInterrupt, TerminationSignal):
        session.interrupt()  # now, since Prefect waits for the steps that run
        raise KeyboardInterrupt from None
    finally:
        conductor.close()
        conducted.submitted = conductor.submitted


def _scheduled(session: Session) -> int:
    """Run a session that Prefect began, and record how it ends."""
    conducted = Conducted(session)
    try:
        _conduct(conducted)
    except RunFailed as failed:
        end(session, "failed", f"{failed.failures[0].place}: {failed.failures[0].cause}")
        raise
    end(session, "completed", "")
    return session.run.id
