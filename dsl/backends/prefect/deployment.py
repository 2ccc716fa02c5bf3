"""A workflow on a Prefect server: made once, changed when what it should be has changed, left alone otherwise."""

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import BaseModel, create_model

from kaon.artifacts.launching.deployments import MADE_HERE

from ...errors import Problem
from ...plan import Json
from ...settings import validated
from ...workflow import Workflow
from .automations import KAON
from .flow import to_prefect
from .schedules import prefect_schedule

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

NAME = "kaon"
"""The deployment's name, and its work pool's, unless others are given."""
ENTRYPOINT = "kaon.cli.deployed.flow"
"""What the process of a run loads; KAON_FLOW in its environment says of which workflow."""


class PoolError(Exception):
    """A work pool cannot be used: what is wrong, why, and the mend."""

    def __init__(self, what: str, *, why: str = "", fix: str = "") -> None:
        super().__init__(str(Problem(what, why=why, fix=fix)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a deployment should be."""

    workflow: Workflow
    flow: str
    """How the workflow is found: FLOW as on the command line, with an absolute path if it is a file."""
    home: str
    """KAON_HOME of its runs."""
    folder: Path
    """The project: the working directory of its runs, and where their modules are found."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """Values by address that differ from the workflow's own."""
    name: str = NAME
    pool: str = NAME
    pool_type: str = "process"
    """What the pool is made as if there is none of the name."""
    at_once: int | None = None
    """Runs of this deployment at the same time; None for any number."""
    when_busy: Literal["wait", "skip"] = "wait"
    """What becomes of a run that would be one too many."""
    tags: tuple[str, ...] = ()
    retries: int = 0
    """How often a failed run is started again, from where it failed."""
    retry_delay: float = 60.0
    paused: bool | None = None
    """Whether the schedule rests; None leaves it as it is."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """A deployment as it is now, and what was done to it."""

    id: UUID
    name: str
    """`<workflow>/<deployment>`, as Prefect shows it."""
    changes: tuple[str, ...]
    """What is different from before; one line of how it was made if it is new; empty if it was so already."""


def deploy(client: "SyncPrefectClient", wanted: Wanted) -> Deployed:
    """Make the deployment what it should be.

    Raises SettingsError if a parameter does not fit, and PoolError if the pool cannot be used.
    """
    from prefect.exceptions import ObjectNotFound

    full_name = f"{wanted.workflow.name}/{wanted.name}"
    body = _body(wanted, _pool_type(client, wanted))
    try:
        found = client.read_deployment_by_name(full_name)
    except ObjectNotFound:
        return Deployed(_made(client, wanted, body), full_name, (f"made in the work pool {wanted.pool!r}",))
    return Deployed(found.id, full_name, tuple(_changed(client, wanted.workflow, body, found)))


def renewed(client: "SyncPrefectClient", workflow: Workflow, pool: str) -> tuple[Deployed, ...]:
    """Bring the schedule and the form of a workflow's deployments in a work pool up to its source; return them all.

    What they were deployed with (parameters, limits, tags, retries) stays as it is, and what was scheduled in the UI
    keeps the schedule that it was given there.
    """
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName

    name = FlowFilter(name=FlowFilterName(any_=[workflow.name]))
    every = client.read_deployments(flow_filter=name)
    found = [d for d in every if d.work_pool_name == pool and KAON in d.tags and MADE_HERE not in d.tags]
    form = _form(workflow)
    return tuple(Deployed(d.id, f"{workflow.name}/{d.name}", tuple(_changed(client, workflow, form, d))) for d in found)


def nested(wanted: Wanted) -> dict[str, Any]:
    """Return the parameters as Prefect's form has them: the settings of a step as one object.

    Raises SettingsError for what names no setting or does not fit. A parameter without a value is left for the run.
    """
    settings = validated(_left_open(wanted.workflow.settings_model, wanted.parameters), wanted.parameters)
    dumped = settings.model_dump(mode="json")
    found: dict[str, Any] = {}
    for address in wanted.parameters:
        step, _, name = address.partition(".")
        if name:
            found.setdefault(step, {})[name] = dumped[step][name]
        else:
            found[step] = dumped[step]
    return found


def _left_open(model: type[BaseModel], given: Mapping[str, object]) -> type[BaseModel]:
    """Return the model with every parameter optional that must have a value and has none yet."""
    missing = [name for name, info in model.model_fields.items() if info.is_required() and name not in given]
    optional: dict[str, Any] = dict.fromkeys(missing, (Any, None))
    return create_model(model.__name__, __base__=model, **optional)


def _body(wanted: Wanted, pool_type: str) -> dict[str, Any]:
    """Return what the deployment should be, as the fields of Prefect's API."""
    environment = {
        "KAON_FLOW": wanted.flow,
        "KAON_RETRIES": str(wanted.retries),
        "KAON_RETRY_DELAY": str(wanted.retry_delay),
    }
    variables: dict[str, Any] = {"env": environment}
    if pool_type == "process":  # the runs are on a machine that has these folders and this Python
        environment["KAON_HOME"] = wanted.home
        command = shlex.join([sys.executable, "-m", "prefect.engine"])
        variables |= {"command": command, "working_dir": str(wanted.folder), "stream_output": False}
    limit = {"collision_strategy": {"wait": "ENQUEUE", "skip": "CANCEL_NEW"}[wanted.when_busy]}
    return {
        **_form(wanted.workflow),
        "parameters": nested(wanted),
        "work_pool_name": wanted.pool,
        "work_queue_name": wanted.workflow.name,
        "tags": sorted({KAON, *wanted.tags}),
        "entrypoint": ENTRYPOINT,
        "path": str(wanted.folder) if pool_type == "process" else None,
        "job_variables": variables,
        "concurrency_limit": wanted.at_once,
        "concurrency_options": limit if wanted.at_once else None,
    } | ({} if wanted.paused is None else {"paused": wanted.paused})


def _form(workflow: Workflow) -> dict[str, Any]:
    """Return what a deployment takes from the workflow's source, besides the schedule."""
    from prefect.utilities.callables import parameter_schema

    return {
        "parameter_openapi_schema": parameter_schema(to_prefect(workflow)).model_dump(mode="json"),
        "enforce_parameter_schema": True,
        "description": workflow.doc or workflow.plan.doc or None,
    }


def _pool_type(client: "SyncPrefectClient", wanted: Wanted) -> str:
    """Return the type of the work pool, which is made if there is none of the name."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        return client.read_work_pool(wanted.pool).type
    except ObjectNotFound:
        pass
    if wanted.pool_type != "process":
        raise PoolError(
            f"there is no work pool {wanted.pool!r} on the Prefect server",
            why="only pools of processes are made by Kaon; others need an image or a cluster that it cannot know",
            fix=f"prefect work-pool create {wanted.pool} --type {wanted.pool_type}",
        )
    template = ProcessWorker.get_default_base_job_template()
    client.create_work_pool(WorkPoolCreate(name=wanted.pool, type="process", base_job_template=template))
    return "process"


def _made(client: "SyncPrefectClient", wanted: Wanted, body: Mapping[str, Any]) -> UUID:
    flow_id = client.create_flow_from_name(wanted.workflow.name)
    schedule = _schedule(wanted.workflow)
    schedules = [{"schedule": schedule, "active": True}] if schedule is not None else []
    given = {"flow_id": str(flow_id), "name": wanted.name, "schedules": schedules, **body}
    given = {key: value for key, value in given.items() if value is not None}
    return UUID(client.request("POST", "/deployments/", json=given).json()["id"])


def _changed(
    client: "SyncPrefectClient", workflow: Workflow, body: Mapping[str, Any], found: "DeploymentResponse"
) -> list[str]:
    before = _as_body(found)
    updates = {name: value for name, value in body.items() if before[name] != value}
    changes = [_change(name, before[name], value) for name, value in updates.items()]
    scheduled = [kept.schedule.model_dump(mode="json") for kept in found.schedules]
    schedule = _schedule(workflow)
    if scheduled != ([schedule] if schedule is not None else []):
        # Prefect makes every schedule anew when one is sent, and the time of its making is where catching up begins.
        updates["schedules"] = [{"schedule": schedule, "active": True}] if schedule is not None else []
        changes.append(f"schedule: {workflow.schedule or 'none'}")
    if updates:
        client.request("PATCH", "/deployments/{id}", path_params={"id": found.id}, json=updates).raise_for_status()
    return changes


def _schedule(workflow: Workflow) -> Json:
    schedule = workflow.schedule
    return prefect_schedule(schedule).model_dump(mode="json") if schedule is not None else None


def _as_body(found: "DeploymentResponse") -> dict[str, Any]:
    limit = found.global_concurrency_limit
    strategy = found.concurrency_options
    kept = {name: getattr(found, name) for name in ("work_pool_name", "work_queue_name", "description", "entrypoint")}
    return kept | {
        "parameters": found.parameters,
        "parameter_openapi_schema": found.parameter_openapi_schema,
        "enforce_parameter_schema": found.enforce_parameter_schema,
        "tags": sorted(found.tags),
        "path": found.path,
        "job_variables": found.job_variables,
        "concurrency_limit": limit.limit if limit is not None else None,
        "concurrency_options": (
            {"collision_strategy": strategy.collision_strategy.value} if strategy is not None and limit else None
        ),
        "paused": found.paused,
    }


def _change(name: str, before: Json, after: Json) -> str:
    if isinstance(before, dict) and isinstance(after, dict) and name != "parameters":
        return {"job_variables": "where and how it runs", "concurrency_options": "what happens when busy"}.get(
            name, "the form of its parameters"
        )
    words = {"concurrency_limit": "runs at once", "work_pool_name": "work pool", "work_queue_name": "work queue"}
    return f"{words.get(name, name)}: {before} -> {after}"
