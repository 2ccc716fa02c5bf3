"""What the process of a deployed run loads: the flow of the workflow that KAON_FLOW names, as `flow`."""

import inspect
import os
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

    return deployed_flow(find_workflow(os.environ["KAON_FLOW"]))


def deployed_flow(workflow: "Workflow") -> "Flow[..., Any]":
    """Return the workflow's flow, with the retries of its deployment and `as_of` bound to the time a run is for.

    Its parameters are checked by Kaon when a run starts, so that an error names the field as everywhere else.
    """
    from prefect import Flow

    from kaon.dsl.backends import to_prefect

    flow = to_prefect(workflow)

    def run_deployed(**parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not OPEN}
        return flow.fn(**with_as_of(workflow, given))

    signature = inspect.signature(flow.fn)
    left_open = [p.replace(default=OPEN) if p.default is p.empty else p for p in signature.parameters.values()]
    run_deployed.__signature__ = signature.replace(parameters=left_open)  # type: ignore[attr-defined]
    run_deployed.__name__ = run_deployed.__qualname__ = workflow.name
    run_deployed.__doc__ = flow.fn.__doc__
    return Flow(
        run_deployed,
        name=workflow.name,
        task_runner=flow.task_runner,
        persist_result=False,
        validate_parameters=False,
        retries=int(os.environ.get("KAON_RETRIES", "0")),
        retry_delay_seconds=float(os.environ.get("KAON_RETRY_DELAY", "0")),
    )


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
