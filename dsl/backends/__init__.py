"""Backends: run a workflow here and now, or compile it to a Prefect flow."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Literal

from kaon.artifacts import Store, open_store

from ..errors import Problem, SettingsError
from ..events import Event
from ..settings import flat, validated
from ..workflow import Workflow
from .asked import Asked
from .concluded import concluded
from .engine import Engine
from .failures import Failure, Held, RunFailed
from .garbage import old_objects_set_aside
from .local import run_locally
from .mlflow_view import MlflowView
from .result import Result
from .run_session import Request, draining_on_sigterm, in_session
from .session import Tracker

if TYPE_CHECKING:
    from prefect import Flow

__all__ = ["Engine", "Failure", "Held", "MlflowView", "Result", "RunFailed", "Tracker", "run", "to_prefect"]


def run(
    workflow: Workflow,
    settings: Mapping[str, object] | None = None,
    *,
    backend: Literal["local", "prefect"] = "local",
    store: Store | None = None,
    force: Iterable[str] = (),
    hold_before: Iterable[str] = (),
    resume: int | None = None,
    again_from: str | None = None,
    tags: Mapping[str, str] | None = None,
    engine: Engine | None = None,
    raises: bool = True,
    tracker: Tracker | None = None,
    on_event: Callable[[Event], None] | None = None,
    **params: object,
) -> Result:
    """Run a workflow to its end and return what it came to.

    settings: values by address, such as {"train_als.rank": 8}; declared parameters can be given by keyword as well.
    backend: "local" runs one step after the other in this process, and in wide loops containers side by side;
        "prefect" runs branches and items at the same time, as a Prefect flow.
    store: where artifacts and records are kept; by default in `kaon_home()`.
    force: names of steps that run even if the store holds their outputs.
    hold_before: names of steps before which the run stops, until a person approves it.
    resume: the number of a run to continue, in place of a new one. What it has finished is kept.
    again_from: with resume, the name of a step that runs again, and all that follows it.
    tags: are kept in the run's record.
    engine: how the run uses the machine; by default as the environment says.
    tracker: mirrors the run elsewhere, such as MlflowView(store).
    on_event: is called with every event, from the thread in which it happens.

    Raises WorkflowError for a workflow that cannot be built, SettingsError for values that do not fit, RunFailed if a
    step fails or the run is cancelled, unless raises=False, StillRunning if the run to continue goes on elsewhere, and
    Fenced if another process takes this run over. A run that is held is returned.
    """
    values = flat(validated(workflow.settings_model, {**(settings or {}), **params}))
    asked = Asked(tuple(force), tuple(hold_before), resume, again_from, tags or {}, tracker, on_event)
    request = asked.request(workflow, values, store or open_store(), backend, engine or Engine.from_environment())
    result = _run_locally(request) if backend == "local" else _run_on_prefect(request)
    if raises and result.state not in ("completed", "held"):
        raise RunFailed(result.run_id, workflow.name, result.failures, result.reason)
    return result


def to_prefect(workflow: Workflow) -> "Flow[..., object]":
    """Return a workflow as a Prefect flow: its parameters are the workflow's, and each step is one task run.

    It can be called, served, deployed and scheduled like any flow. Its records and artifacts are in `kaon_home()`.
    Raises WorkflowError for a workflow that cannot be built.
    """
    from .prefect.flow import to_prefect as compiled

    return compiled(workflow)


def _run_locally(request: Request) -> Result:
    with in_session(request) as session, draining_on_sigterm(session), old_objects_set_aside():
        return concluded(session, run_locally)


def _run_on_prefect(request: Request) -> Result:
    from .prefect.run import run_on_prefect, serving

    runner = request.engine.task_runner
    if runner != "threads" and request.store.url.startswith("memory:"):
        why = f"the processes of {runner} cannot read a store in the memory of this one"
        raise SettingsError([Problem(f"task_runner={runner!r} needs another store", why=why, fix="use a folder")])
    with serving(), in_session(request) as session, draining_on_sigterm(session), old_objects_set_aside():
        return concluded(session, run_on_prefect)
