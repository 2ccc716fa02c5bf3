"""What the process of a deployed run loads, as `flow`; its environment says what is run.

KAON_FLOW        the workflow
KAON_SWEEP       runs it as a sweep: a SweepOrder as JSON
KAON_CONTINUE    continues the run of this number: what it finished is kept
KAON_AGAIN_FROM  with KAON_CONTINUE: this step runs again, and all that follows it
"""

import inspect
import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect import Flow

    from kaon.dsl import Workflow

OPEN = object()
"""Stands for a parameter that a run was given no value for: Kaon says which, and how to give one."""


def __getattr__(name: str) -> object:
    if name != "flow":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from .flow_names import find_workflow

    workflow = find_workflow(os.environ["KAON_FLOW"])
    if "KAON_CONTINUE" in os.environ:
        return continuing_flow(workflow, int(os.environ["KAON_CONTINUE"]), os.environ.get("KAON_AGAIN_FROM") or None)
    if "KAON_SWEEP" in os.environ:
        return sweeping_flow(workflow, os.environ["KAON_SWEEP"])
    return deployed_flow(workflow)


def deployed_flow(workflow: "Workflow") -> "Flow[..., Any]":
    """Return the workflow's flow, with the retries of its deployment and `as_of` bound to the time a run is for.

    Its parameters are checked by Kaon when a run starts, so that an error names the field as everywhere else.
    """
    from kaon.dsl.backends import to_prefect

    flow = to_prefect(workflow)

    def run_deployed(**parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not OPEN}
        return flow.fn(**with_as_of(workflow, given))

    signature = inspect.signature(flow.fn)
    left_open = [p.replace(default=OPEN) if p.default is p.empty else p for p in signature.parameters.values()]
    run_deployed.__signature__ = signature.replace(parameters=left_open)  # type: ignore[attr-defined]
    return _served(workflow, flow, run_deployed)


def sweeping_flow(workflow: "Workflow", order: str) -> "Flow[..., Any]":
    """Return the flow of a sweep of a workflow: what it fixes is in its order; the run's parameters are not read."""
    from kaon.dsl.backends.asked import Asked
    from kaon.dsl.backends.prefect.flow import to_prefect

    from .sweep_order import SweepOrder, sweep_of

    made = sweep_of(workflow, SweepOrder.from_json(order))
    flow = to_prefect(made.workflow, asked=Asked(tags={"sweep": order}))

    def run_sweep(**_: Any) -> Any:
        return flow.fn(**with_as_of(made.workflow, dict(made.settings)))

    return _taking_any(workflow, flow, run_sweep)


def continuing_flow(workflow: "Workflow", run_id: int, again_from: str | None) -> "Flow[..., Any]":
    """Return the flow that continues a run of a workflow, or a sweep of it, with the run's own settings."""
    from kaon.artifacts import open_store
    from kaon.dsl.backends.prefect.flow import to_prefect

    from .continued import asked_of, settings_of, workflow_of

    run = open_store().records.run(run_id)
    continued = workflow_of(run, None) if "flow" in run.tags else workflow
    flow, settings = to_prefect(continued, asked=asked_of(run, again_from)), settings_of(continued, run)

    def continue_run(**_: Any) -> Any:
        return flow.fn(**settings)

    return _taking_any(workflow, flow, continue_run)


def with_as_of(workflow: "Workflow", parameters: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters with `as_of` set to the time the run is scheduled for, where it is declared and open."""
    from kaon.dsl.backends.prefect.flow_tags import scheduled_time
    from kaon.dsl.schedule import bound_as_of

    field = workflow.settings_model.model_fields.get("as_of")
    time = scheduled_time()
    if field is None or time is None or parameters.get("as_of") is not None:
        return parameters
    timezone = workflow.schedule.timezone if workflow.schedule is not None else "UTC"
    return {**parameters, "as_of": bound_as_of(field.annotation, time, timezone)}


def _taking_any(workflow: "Workflow", flow: "Flow[..., Any]", run: Callable[..., Any]) -> "Flow[..., Any]":
    """Return a flow that takes what the workflow's deployment has as parameters, and does not read it."""
    kind = inspect.Parameter.KEYWORD_ONLY
    taken = [inspect.Parameter(name, kind, default=OPEN) for name in workflow.settings_model.model_fields]
    run.__signature__ = inspect.Signature(taken)  # type: ignore[attr-defined]
    return _served(workflow, flow, run)


def _served(workflow: "Workflow", flow: "Flow[..., Any]", run: Callable[..., Any]) -> "Flow[..., Any]":
    """Return what a deployment of the workflow runs, under the workflow's name."""
    from prefect import Flow

    run.__name__ = run.__qualname__ = workflow.name
    run.__doc__ = flow.fn.__doc__
    return Flow(
        run,
        name=workflow.name,
        task_runner=flow.task_runner,
        persist_result=False,
        validate_parameters=False,
        retries=int(os.environ.get("KAON_RETRIES", "0")),
        retry_delay_seconds=float(os.environ.get("KAON_RETRY_DELAY", "0")),
    )
