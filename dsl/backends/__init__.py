"""Backends: run a workflow here and now, or compile it to a Prefect flow."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from kaon.artifacts import Store, open_store

from ..errors import Problem, SettingsError, did_you_mean
from ..events import Event
from ..settings import flat, validated
from ..workflow import Workflow
from .failures import Failure, RunFailed, Stopped
from .frame import Frame
from .interpret import Interpreter
from .local import LocalConductor, run_locally
from .mlflow_view import MlflowView
from .references import Reference
from .result import Result
from .session import Request, Session, Tracker, end, in_session

if TYPE_CHECKING:
    from prefect import Flow

__all__ = ["Failure", "MlflowView", "Result", "RunFailed", "Tracker", "run", "to_prefect"]


def run(
    workflow: Workflow,
    settings: Mapping[str, object] | None = None,
    *,
    backend: Literal["local", "prefect"] = "local",
    store: Store | None = None,
    force: Iterable[str] = (),
    raises: bool = True,
    tracker: Tracker | None = None,
    on_event: Callable[[Event], None] | None = None,
    **params: object,
) -> Result:
    """Run a workflow to its end and return what it came to.

    settings: values by address, such as {"train_als.rank": 8}; declared parameters can be given by keyword as well.
    backend: "local" runs one step after the other in this process; "prefect" runs branches and items at the same time,
        as a Prefect flow.
    store: where artifacts and records are kept; by default in `kaon_home()`.
    force: names of steps that run even if the store holds their outputs.
    tracker: mirrors the run elsewhere, such as MlflowView(store).
    on_event: is called with every event, from the thread in which it happens.

    Raises WorkflowError for a workflow that cannot be built, SettingsError for values that do not fit, and RunFailed if
    a step fails, unless raises=False.
    """
    values = flat(validated(workflow.settings_model, {**(settings or {}), **params}))
    forced = _forced(workflow, force)
    request = Request(workflow, values, store or open_store(), backend, forced, tracker, on_event)
    if backend == "local":
        with in_session(request) as session:
            return _finished(session, run_locally, raises)
    from .prefect.run import run_on_prefect, serving

    with serving(), in_session(request) as session:
        return _finished(session, run_on_prefect, raises)


def to_prefect(workflow: Workflow) -> "Flow[..., object]":
    """Return a workflow as a Prefect flow: its parameters are the workflow's, and each step is one task run.

    It can be called, served, deployed and scheduled like any flow. Its records and artifacts are in `kaon_home()`.
    Raises WorkflowError for a workflow that cannot be built.
    """
    from .prefect.flow import to_prefect as compiled

    return compiled(workflow)


def _forced(workflow: Workflow, names: Iterable[str]) -> frozenset[str]:
    known = {call.step for call in workflow.plan.calls()}
    problems = [
        Problem(f"there is no step {name!r} to force", fix=did_you_mean(name, known))
        for name in names
        if name not in known
    ]
    if problems:
        raise SettingsError(problems)
    return frozenset(names)


def _finished(session: Session, conduct: Callable[[Session], Frame], raises: bool) -> Result:
    try:
        frame = conduct(session)
    except Stopped as stopped:
        reason = f"{stopped.failures[0].place}: {stopped.failures[0].cause}"
        end(session, "failed", reason)
        if raises:
            raise RunFailed(session.run.id, session.request.workflow.name, stopped.failures) from stopped
        return Result(session.run.id, "failed", reason, stopped.failures, tuple(session.notes), {}, {}, session.store)
    end(session, "completed", "")
    outputs, workflow = _outputs(session, frame), session.request.workflow
    return Result(
        session.run.id, "completed", "", (), tuple(session.notes), outputs, workflow.output_types, session.store
    )


def _outputs(session: Session, frame: Frame) -> dict[str, Reference]:
    interpreter = Interpreter(session.request.settings, session.store, LocalConductor(session))
    found = {name: interpreter.resolve(source, frame) for name, source in session.request.plan.outputs}
    return {name: reference for name, reference in found.items() if reference is not None}
