"""Times of a schedule that passed while nothing could run: which of them still run, by the schedule's policy."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from ...schedule import CatchUp, bound_as_of
from ...workflow import Workflow
from .flow_tags import CATCH_UP
from .schedules import times

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun
    from prefect.client.schemas.responses import DeploymentResponse

MOST = 1000
"""Missed times that are looked at: the latest."""
WAITING = ("Scheduled", "Late")
"""States of a flow run that has not begun; one whose time has passed was missed."""


@dataclass(frozen=True, slots=True)
class CaughtUp:
    """What became of the missed times."""

    made: tuple[datetime, ...]
    """They run now: nothing on the server had been made for them."""
    kept: tuple[datetime, ...]
    """They run now: the server had made their flow runs, and nobody took them."""
    dropped: tuple[datetime, ...]
    """They do not run any more."""

    def __str__(self) -> str:
        told = [
            f"{len(found)} {what}"
            for found, what in (((*self.made, *self.kept), "missed and run now"), (self.dropped, "missed and dropped"))
            if found
        ]
        return ", ".join(told) or "nothing was missed"


def catch_up(client: "SyncPrefectClient", deployment: UUID, workflow: Workflow, now: datetime) -> CaughtUp:
    """Decide on every time of a workflow's schedule that passed without a run; called before runs are taken up.

    Times are missed since the last one that was not, or since the deployment got this schedule.
    """
    found, schedule = client.read_deployment(deployment), workflow.schedule
    active = [kept for kept in found.schedules if kept.active]
    if schedule is None or found.paused or not active:
        return CaughtUp((), (), ())
    known = _flow_runs(client, deployment, now)
    begun = [time for time, flow_run in known.items() if flow_run.state_name not in WAITING]
    since = max([_utc(kept.created) for kept in active if kept.created is not None] + begun, default=now)
    passed = sorted({*times(schedule, since, now), *(time for time in known if time not in begun)})[-MOST:]
    wanted = set(due(passed, schedule.catch_up))
    made = [time for time in passed if time in wanted and time not in known]
    for time in made:
        _make(client, found, workflow, time)
    dropped = [time for time in passed if time not in wanted]
    for time in dropped:
        if time in known:
            _drop(client, known[time], schedule.catch_up)
    return CaughtUp(tuple(made), tuple(time for time in passed if time in wanted and time in known), tuple(dropped))


def due(missed: Iterable[datetime], policy: CatchUp) -> list[datetime]:
    """Return which of the missed times still run.

    >>> from datetime import datetime
    >>> days = [datetime(2026, 1, day) for day in (1, 2, 3)]
    >>> [len(due(days, policy)) for policy in ("none", "latest", "all")]
    [0, 1, 3]
    """
    ordered = sorted(missed)
    match policy:
        case "none":
            return []
        case "latest":
            return ordered[-1:]
        case "all":
            return ordered


def _flow_runs(client: "SyncPrefectClient", deployment: UUID, now: datetime) -> "dict[datetime, FlowRun]":
    """Return the newest scheduled flow runs of a deployment whose time has passed, by that time."""
    from prefect.client.schemas.filters import (
        DeploymentFilter,
        DeploymentFilterId,
        FlowRunFilter,
        FlowRunFilterExpectedStartTime,
    )
    from prefect.client.schemas.sorting import FlowRunSort

    runs: list[FlowRun] = []
    while True:
        page = client.read_flow_runs(
            deployment_filter=DeploymentFilter(id=DeploymentFilterId(any_=[deployment])),
            flow_run_filter=FlowRunFilter(expected_start_time=FlowRunFilterExpectedStartTime(before_=now)),  # type: ignore[arg-type]
            sort=FlowRunSort.EXPECTED_START_TIME_DESC,
            limit=200,
            offset=len(runs),
        )
        runs += page
        if len(page) < 200 or len(runs) >= MOST:
            break
    scheduled = [run for run in runs if run.auto_scheduled or CATCH_UP in run.tags]
    return {_utc(run.expected_start_time): run for run in scheduled if run.expected_start_time is not None}


def _make(client: "SyncPrefectClient", deployment: "DeploymentResponse", workflow: Workflow, time: datetime) -> None:
    from prefect.states import Scheduled

    field = workflow.settings_model.model_fields.get("as_of")
    parameters = {}
    if field is not None and "as_of" not in deployment.parameters and workflow.schedule is not None:
        parameters["as_of"] = str(bound_as_of(field.annotation, time, workflow.schedule.timezone))
    client.create_flow_run_from_deployment(
        deployment.id,
        parameters=parameters,
        state=Scheduled(scheduled_time=time),
        tags=[CATCH_UP],
        idempotency_key=f"kaon catch-up {deployment.id} {time.isoformat()}",
    )


def _drop(client: "SyncPrefectClient", flow_run: "FlowRun", policy: CatchUp) -> None:
    from prefect.states import Cancelled

    message = f"its time passed while nothing could run, and the schedule says catch_up={policy!r}"
    client.set_flow_run_state(flow_run.id, Cancelled(message=message, name="Missed"), force=True)


def _utc(time: datetime) -> datetime:
    return time.astimezone(UTC)
