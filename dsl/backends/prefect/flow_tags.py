"""What a run that Prefect started knows of its flow run: the tags of its record, and the time it is for."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.schemas.objects import FlowRun

FLOW_RUN = "prefect.flow_run"
"""The tag of a run that holds the id of its flow run."""
DEPLOYMENT = "prefect.deployment"
SCHEDULED = "scheduled"
"""The tag of a run that holds the time it was scheduled for."""
CATCH_UP = "kaon-catch-up"
"""The Prefect tag of a flow run for a time that was missed."""


def flow_tags() -> dict[str, str]:
    """Return the tags of the run that the flow run around this call is; empty outside of one."""
    flow_run = _flow_run()
    if flow_run is None:
        return {}
    tags = {FLOW_RUN: str(flow_run.id)}
    if flow_run.deployment_id is not None:
        tags[DEPLOYMENT] = str(flow_run.deployment_id)
    if "KAON_FLOW" in os.environ:  # as `kaon run` does, for who continues the run
        tags |= {"flow": os.environ["KAON_FLOW"], "folder": os.getcwd()}
    time = scheduled_time()
    if time is not None:
        tags[SCHEDULED] = time.isoformat()
    return tags


def scheduled_time() -> datetime | None:
    """Return the time that the flow run around this call was scheduled for; None if a person started it."""
    flow_run = _flow_run()
    if flow_run is None or not (flow_run.auto_scheduled or CATCH_UP in flow_run.tags):
        return None
    expected = flow_run.expected_start_time
    return None if expected is None else expected.astimezone(UTC)


def _flow_run() -> "FlowRun | None":
    from prefect.context import FlowRunContext

    context = FlowRunContext.get()
    return context.flow_run if context is not None else None
