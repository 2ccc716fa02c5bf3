"""Flow runs that Prefect shows as going on, and that are over: Kaon's records know, and Prefect is told.

A process that is killed tells nobody. Kaon's records hold which process has a run, and its last sign of life; a flow
run whose Kaon run reads as dead is reported to Prefect by an event, on which the automation marks it as crashed, and
one whose Kaon run has ended is set to the state that it ended in.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from kaon.artifacts import RunRecord, Store

from .automations import RUN_DIED
from .flow_tags import FLOW_RUN

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

NEWEST = 1000
"""Runs that are looked at; one that is older than so many others is not going on."""
GRACE = timedelta(seconds=60)


def close_dead_runs(client: "SyncPrefectClient", store: Store, grace: timedelta = GRACE) -> list[str]:
    """Tell Prefect of every run of this store that is over and that it shows as going on; return a line for each.

    grace: how long after its end a run may still be about to tell Prefect itself.

    A flow run that belongs to no run of this store is left alone: another home's, or one that has not begun.
    """
    shown = {str(flow_run.id): flow_run for flow_run in _going_on(client)}
    if not shown:
        return []
    runs = {run.tags[FLOW_RUN]: run for run in store.records.runs(None, NEWEST)[::-1] if FLOW_RUN in run.tags}
    lines = []
    for flow_run_id, flow_run in shown.items():
        run = runs.get(flow_run_id)
        if run is not None and _is_over(run, grace):
            lines.append(_closed(client, flow_run, run))
    return lines


def _going_on(client: "SyncPrefectClient") -> "list[FlowRun]":
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterState, FlowRunFilterStateType
    from prefect.client.schemas.objects import StateType

    types = [StateType.RUNNING, StateType.CANCELLING]
    return client.read_flow_runs(
        flow_run_filter=FlowRunFilter(state=FlowRunFilterState(type=FlowRunFilterStateType(any_=types))), limit=200
    )


def _is_over(run: RunRecord, grace: timedelta) -> bool:
    if run.state not in ("completed", "failed", "cancelled"):
        return False
    return _died(run) or (run.ended is not None and datetime.now(UTC) - run.ended > grace)


def _died(run: RunRecord) -> bool:
    return run.state == "failed" and run.reason.startswith("its process died")


def _closed(client: "SyncPrefectClient", flow_run: "FlowRun", run: RunRecord) -> str:
    if _died(run):
        client.request("POST", "/events", json=[_event(flow_run, run)]).raise_for_status()
        return f"run {run.id} of {run.workflow} has died: Prefect's flow run {flow_run.name!r} is marked as crashed"
    from prefect.states import Cancelled, Completed, Failed

    states = {"completed": Completed, "failed": Failed, "cancelled": Cancelled}
    message = run.reason.partition("\n")[0] or f"Kaon's run {run.id} ended so"
    client.set_flow_run_state(flow_run.id, states[run.state](message=message), force=True)
    return f"run {run.id} of {run.workflow} had ended as {run.state}: so does Prefect's flow run {flow_run.name!r} now"


def _event(flow_run: "FlowRun", run: RunRecord) -> Mapping[str, object]:
    resource = f"prefect.flow-run.{flow_run.id}"
    return {
        "id": str(uuid4()),
        "event": RUN_DIED,
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {"prefect.resource.id": resource, "prefect.resource.name": flow_run.name},
        "related": [],
        "payload": {"run": run.id, "reason": run.reason},
    }
