"""A run that is taken up again: the workflow that it runs, found as it was when the run began."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from .flow_names import lasting_name
from .refusals import CallError

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord, Store
    from kaon.dsl import Workflow
    from kaon.dsl.backends.asked import Asked


def tags_of(flow: str, **steps: Collection[str]) -> dict[str, str]:
    """Return the tags by which a run that is continued finds its workflow, and keeps how it was called.

    >>> tags_of("/jobs/nightly.py:demo", force=("train", "publish"), hold_before=()) | {"folder": "…"}
    {'flow': '/jobs/nightly.py:demo', 'folder': '…', 'force': 'train,publish'}
    """
    chosen = {name: ",".join(names) for name, names in steps.items() if names}
    return {"flow": lasting_name(flow), "folder": os.getcwd(), **chosen}


def continue_run(store: "Store", run: "RunRecord", flow: str | None, again_from: str | None = None) -> None:
    """Continue a run in this process: what it finished is kept, and the rest runs.

    flow: FLOW, where the run does not say which workflow it runs. Raises CallError, WorkflowError, StillRunning, and
    typer.Exit unless the run completes.
    """
    from kaon.dsl.backends import Engine

    from .carry_out import Order, begin_server, carry_out

    if run.backend == "prefect":
        begin_server()
    workflow = workflow_of(run, flow)
    backend = cast("Literal['local', 'prefect']", run.backend)
    settings = settings_of(workflow, run)
    tags = {} if flow is None else tags_of(flow)
    asked = asked_of(run, again_from)
    carry_out(
        Order(
            workflow,
            store,
            backend,
            Engine.from_environment(),
            settings,
            tags,
            mlflow="mlflow.run" in run.tags,
            force=asked.force,
            hold_before=asked.hold_before,
            resume=asked.resume,
            again_from=again_from,
        )
    )


def workflow_of(run: "RunRecord", flow: str | None) -> "Workflow":
    """Return the workflow of a run, found in the folder that the run was started in. Raises CallError."""
    from .flow_names import find_workflow

    named = flow or run.tags.get("flow")
    if named is None:
        raise CallError(
            f"run {run.id} does not say where its workflow {run.workflow!r} is",
            why="it was not started with `kaon run`",
            fix=f"kaon retry {run.id} --flow FLOW",
        )
    if flow is None:
        _go_to(run.tags.get("folder", os.getcwd()))
        if "sweep" in run.tags:
            from .sweep import swept_again

            return swept_again(named, run.tags["sweep"])
    workflow = find_workflow(named)
    if workflow.name != run.workflow:
        raise CallError(
            f"{named} is the workflow {workflow.name!r}, and run {run.id} runs {run.workflow!r}",
            fix=f"kaon retry {run.id} --flow FLOW, with the FLOW of {run.workflow!r}",
        )
    return workflow


def asked_of(run: "RunRecord", again_from: str | None) -> "Asked":
    """Return what the run was asked to do besides what its workflow says, when it is continued."""
    from kaon.dsl.backends.asked import Asked

    return Asked(_names(run, "force"), _names(run, "hold_before"), run.id, again_from)


def _go_to(folder: str) -> None:
    """Work in the folder that the run was started in: modules and relative paths mean there what they meant."""
    from kaon.artifacts import kaon_home

    if Path(folder).is_dir() and Path(folder) != Path.cwd():
        os.environ["KAON_HOME"] = str(kaon_home().absolute())
        os.chdir(folder)


def _names(run: "RunRecord", tag: str) -> tuple[str, ...]:
    return tuple(run.tags[tag].split(",")) if tag in run.tags else ()


def settings_of(workflow: "Workflow", run: "RunRecord") -> dict[str, object]:
    """Return the settings that a run keeps when it is continued. Raises CallError if the workflow lacks one by now."""
    from kaon.dsl.settings import addresses

    known = addresses(workflow.settings_model)
    gone = [address for address in run.settings if address not in known]
    if gone:
        raise CallError(
            f"{run.workflow} no longer has the setting {gone[0]!r}, which run {run.id} has",
            why="its code has changed since, and a run keeps its settings",
            fix=f"start a new run, which reuses what has not changed: kaon run {run.tags.get('flow', 'FLOW')}",
        )
    return dict(run.settings)
