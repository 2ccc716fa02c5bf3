"""Deployments of known workflows on a Prefect server: made from what the store knows, listed, paused, run."""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import PrefectError
from ..json_form import Json
from ..records import RegisteredWorkflow
from .prefect_api import PrefectApi

NAME = "kaon"
"""The name of a workflow's own deployment, of the work pool, and the tag of all that Kaon makes in Prefect."""
MADE_HERE = "kaon-launch"
"""The tag of a deployment that was scheduled in the form: its schedule is its own, not the workflow's."""
ENTRYPOINT = "kaon.cli.deployed.flow"
MOST = 200
"""Deployments and next runs that are listed."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """A deployment, as it is now."""

    id: str
    workflow: str
    name: str
    parameters: Mapping[str, Any]
    schedules: tuple[str, ...]
    """For people, such as `0 3 * * * (UTC)`."""
    paused: bool
    pool: str
    queue: str
    next_runs: tuple[datetime, ...] = ()
    made_here: bool = False
    sweeps: bool = False

    @property
    def full_name(self) -> str:
        """How Prefect shows it."""
        return f"{self.workflow}/{self.name}"


def deployment_of(api: PrefectApi, workflow: RegisteredWorkflow, home: Path) -> str:
    """Return the id of the workflow's own deployment, made if there is none.

    Raises PrefectStopped, and PrefectError for a workflow that does not say where its code is.
    """
    found = api.get(f"/deployments/name/{workflow.name}/{NAME}")
    return str(found["id"]) if found else _made(api, workflow, home, {"name": NAME})


def scheduled(
    api: PrefectApi,
    workflow: RegisteredWorkflow,
    home: Path,
    *,
    name: str,
    cron: str,
    timezone: str,
    parameters: Mapping[str, Json],
    environment: Mapping[str, str],
) -> str:
    """Make a deployment that runs by itself, and return its id; one of the name is made anew.

    Raises PrefectStopped, and PrefectError where Prefect refuses the schedule.
    """
    schedule = {"schedule": {"cron": cron, "timezone": timezone}, "active": True}
    changes = {"name": name, "schedules": [schedule], "parameters": dict(parameters), "paused": False}
    return _made(api, workflow, home, changes, environment)


def deployments(api: PrefectApi) -> list[Deployment]:
    """Return Kaon's deployments with their next times, by workflow and name. Raises PrefectStopped."""
    chosen = {"deployments": {"tags": {"all_": [NAME]}}, "limit": MOST}
    found = api.post("/deployments/filter", chosen) or []
    flows = {flow["id"]: flow["name"] for flow in _flows(api, {one["flow_id"] for one in found})}
    coming = _coming(api, [one["id"] for one in found])
    listed = [_deployment(one, flows.get(one["flow_id"], "?"), coming.get(one["id"], [])) for one in found]
    return sorted(listed, key=lambda one: (one.workflow, one.name))


def set_paused(api: PrefectApi, deployment: str, *, paused: bool) -> None:
    """Let a deployment's schedule rest, or go on. Raises PrefectStopped."""
    api.post(f"/deployments/{deployment}/{'pause' if paused else 'resume'}_deployment")


def removed(api: PrefectApi, deployment: str) -> None:
    """Remove a deployment; its runs stay in the records. Raises PrefectStopped."""
    api.delete(f"/deployments/{deployment}")


def _made(
    api: PrefectApi,
    workflow: RegisteredWorkflow,
    home: Path,
    changes: Mapping[str, Any],
    environment: Mapping[str, str] | None = None,
) -> str:
    if not workflow.flow:
        raise PrefectError(
            f"nobody has said where the code of {workflow.name} is",
            why="it was run from Python, and a run by Prefect loads it anew",
            fix="kaon deploy FLOW, where FLOW is file.py:name or module:name",
        )
    flow = api.post("/flows/", {"name": workflow.name})
    body = {"flow_id": flow["id"], **_body(workflow, home, environment or {}), **changes}
    if changes["name"] != NAME:
        body["tags"] = [NAME, MADE_HERE]
    return str(api.post("/deployments/", body)["id"])


def _body(workflow: RegisteredWorkflow, home: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Return what `kaon deploy` would put on the server for the workflow, as the fields of Prefect's API."""
    plan = json.loads(workflow.plan)
    form = json.loads(json.dumps(plan["settings"]).replace("#/$defs/", "#/definitions/"))
    form["definitions"] = form.pop("$defs", {})
    return {
        "parameter_openapi_schema": {**form, "title": "Parameters"},
        "enforce_parameter_schema": True,
        "description": plan.get("doc") or None,
        "work_pool_name": NAME,
        "work_queue_name": workflow.name,
        "tags": [NAME],
        "entrypoint": ENTRYPOINT,
        "path": workflow.folder,
        "job_variables": {
            "env": {"KAON_FLOW": workflow.flow, "KAON_HOME": str(home), **environment},
            "command": shlex.join([sys.executable, "-m", "prefect.engine"]),
            "working_dir": workflow.folder,
            "stream_output": False,
        },
    }


def _flows(api: PrefectApi, ids: set[str]) -> list[Any]:
    return api.post("/flows/filter", {"flows": {"id": {"any_": sorted(ids)}}, "limit": MOST}) or [] if ids else []


def _coming(api: PrefectApi, ids: list[str]) -> dict[str, list[datetime]]:
    if not ids:
        return {}
    chosen = {
        "deployments": {"id": {"any_": ids}},
        "flow_runs": {"state": {"type": {"any_": ["SCHEDULED"]}}},
        "sort": "EXPECTED_START_TIME_ASC",
        "limit": MOST,
    }
    found: dict[str, list[datetime]] = {}
    for flow_run in api.post("/flow_runs/filter", chosen) or []:
        time = flow_run["expected_start_time"]
        found.setdefault(flow_run["deployment_id"], []).append(datetime.fromisoformat(time.replace("Z", "+00:00")))
    return found


def _deployment(raw: Mapping[str, Any], workflow: str, coming: list[datetime]) -> Deployment:
    environment = (raw.get("job_variables") or {}).get("env") or {}
    return Deployment(
        raw["id"],
        workflow,
        raw["name"],
        raw.get("parameters") or {},
        tuple(_told(one["schedule"]) for one in raw.get("schedules", ())),
        bool(raw["paused"]),
        raw.get("work_pool_name") or "",
        raw.get("work_queue_name") or "",
        tuple(coming[:5]),
        MADE_HERE in raw.get("tags", ()),
        "KAON_SWEEP" in environment,
    )


def _told(schedule: Mapping[str, Any]) -> str:
    timezone = schedule.get("timezone") or "UTC"
    if "cron" in schedule:
        return f"{schedule['cron']} ({timezone})"
    return f"every {schedule['interval']:g} s ({timezone})" if "interval" in schedule else f"{schedule} ({timezone})"
