"""Starting what is known: a workflow as a run or a sweep, a run that goes on; and who executes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import PrefectError
from ..home import kaon_home
from ..json_form import Json
from ..records import RegisteredWorkflow, RunRecord
from .deployments import NAME, deployment_of
from .prefect_api import PrefectApi

if TYPE_CHECKING:
    from ..store import Store

SWEPT = "_sweep"
"""What the name of a swept workflow ends with."""


@dataclass(frozen=True, slots=True)
class Started:
    """A flow run that waits for a worker, or runs by now."""

    flow_run: str
    """Its id; the run has it as the tag `prefect.flow_run` once it has begun."""
    name: str
    state: str = "Scheduled"
    """As Prefect names it."""
    message: str = ""
    """What Prefect says of the state."""


@dataclass(frozen=True, slots=True)
class Executor:
    """Who executes the runs of a workflow that are started."""

    ready: bool
    problem: str = ""
    fix: str = ""
    """The command that mends it."""


def start_run(
    api: PrefectApi, workflow: RegisteredWorkflow, parameters: Mapping[str, Json], home: Path | None = None
) -> Started:
    """Start a run of a workflow with these settings, nested by step. Raises PrefectStopped, PrefectError."""
    return _started(api, deployment_of(api, workflow, home or kaon_home()), parameters, {})


def start_sweep(
    api: PrefectApi, workflow: RegisteredWorkflow, order: Mapping[str, Json], home: Path | None = None
) -> Started:
    """Start a sweep of a workflow. Raises PrefectStopped, PrefectError.

    order: what is fixed, what varies, and what points are compared by, as `sweep_order` returns it.
    """
    return _started(api, deployment_of(api, workflow, home or kaon_home()), {}, {"KAON_SWEEP": json.dumps(order)})


def continue_run(
    api: PrefectApi, store: Store, run: RunRecord, *, again_from: str = "", home: Path | None = None
) -> Started:
    """Start a process that goes on with a run that has ended, is held or has died: what it finished is kept.

    again_from: the name of a step that runs again, and all that follows it; without it, what failed or never ran runs.
    Raises PrefectStopped; PrefectError, and UnknownRecord, for a run of a workflow whose code nobody can find.
    """
    workflow = store.records.registered_workflow(base_of(run))
    environment = {"KAON_CONTINUE": str(run.id)} | ({"KAON_AGAIN_FROM": again_from} if again_from else {})
    return _started(api, deployment_of(api, workflow, home or kaon_home()), {}, environment)


def run_deployment(api: PrefectApi, deployment: str) -> Started:
    """Start a run of a deployment now, as its schedule would. Raises PrefectStopped, PrefectError."""
    return _started(api, deployment, {}, {})


def sweep_order(
    fixed: Mapping[str, Json],
    axes: Mapping[str, Any],
    *,
    sample: int | None = None,
    seed: int = 0,
    maximize: str = "",
    minimize: str = "",
) -> dict[str, Json]:
    """Return what a sweep is asked to do, as the run keeps it under the tag `sweep`."""
    order: dict[str, Any] = {"values": [], "fixed": dict(fixed), "axes": dict(axes), "sample": sample, "seed": seed}
    return {**order, "maximize": maximize, "minimize": minimize}


def base_of(run: RunRecord) -> str:
    """Return the name of the workflow that was run, or that was swept."""
    return run.workflow.removesuffix(SWEPT) if "sweep" in run.tags else run.workflow


def started(api: PrefectApi, flow_run: str) -> Started | None:
    """Return a flow run as it stands; None if there is none. Raises PrefectStopped."""
    found = api.get(f"/flow_runs/{flow_run}")
    if found is None:
        return None
    state = found.get("state") or {}
    return Started(flow_run, found["name"], found.get("state_name") or "", state.get("message") or "")


def executor_of(api: PrefectApi, workflow: RegisteredWorkflow) -> Executor:
    """Return who would execute a run of the workflow now. Raises PrefectStopped."""
    workers = api.post(f"/work_pools/{NAME}/workers/filter", {}) or []
    if any(worker.get("status") == "ONLINE" for worker in workers):
        queues = f"/work_pools/{NAME}/queues"
        queue = api.get(f"{queues}/{workflow.name}") or api.get(f"{queues}/default")  # which who takes all looks at
        if queue is not None and queue.get("status") == "READY":
            return Executor(True)
    problem = f"nothing executes runs of {workflow.name} at the moment: one that is started waits until something does"
    return Executor(False, problem, f"kaon serve {workflow.flow}" if workflow.flow else "kaon up")


def _started(
    api: PrefectApi, deployment: str, parameters: Mapping[str, Json], environment: Mapping[str, str]
) -> Started:
    body: dict[str, Any] = {"parameters": dict(parameters), "state": {"type": "SCHEDULED"}}
    if environment:
        body["job_variables"] = {"env": dict(environment)}
    found = api.post(f"/deployments/{deployment}/create_flow_run", body)
    if found is None:
        raise PrefectError("the deployment is gone", why="somebody has removed it", fix="look at Schedules again")
    return Started(found["id"], found["name"], found.get("state_name") or "Scheduled")
