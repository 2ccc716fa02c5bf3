"""`kaon serve FLOW…`: run deployed workflows on this machine, when their time comes or when somebody starts them."""

import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .options import Home

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

    from kaon.dsl import Workflow
    from kaon.dsl.backends.prefect.deployment import Deployed


def serve(
    flows: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="FLOW",
            help="Shipped workflows' names, file.py:name or module:name. Without one: all that is deployed.",
        ),
    ] = None,
    pool: Annotated[str, typer.Option(help="The work pool to take runs from.")] = "kaon",
    at_once: Annotated[
        int | None, typer.Option(min=1, metavar="RUNS", help="Runs at the same time.", show_default="any number")
    ] = None,
    home: Home = None,
) -> None:
    """Run workflows when their schedules say so or when they are started from Prefect's UI, until Ctrl-C.

    One that is not deployed yet is deployed first, as `kaon deploy FLOW` does; one that is stays as it was deployed.
    Times that passed while nothing could run are caught up with as its schedule's catch_up says. Runs whose process
    has died are found, and Prefect is told. Without a FLOW, the shipped workflows become known to the page Launch, and
    every run that the work pool has is taken: `kaon up` leaves such a process.
    """
    from kaon.artifacts import kaon_home, open_store
    from kaon.dsl.backends.prefect.server import prefect_server
    from kaon.dsl.backends.prefect.worker import work

    from .flow_names import find_workflow

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    workflows = {flow: find_workflow(flow) for flow in flows or ()}
    with prefect_server(kaon_home()) as url:
        _say(f"Prefect      {url.removesuffix('/api')}")
        for flow, workflow in workflows.items():
            _take_up(flow, workflow, pool)
        if not workflows:
            _make_known()
        _say("waiting for runs; Ctrl-C ends it")
        queues = sorted({workflow.name for workflow in workflows.values()})
        work(pool, queues, open_store(), at_once=at_once, tell=_say)
        _say("stopped")


def _take_up(flow: str, workflow: "Workflow", pool: str) -> None:
    """Deploy a workflow if it is not, renew what its source has changed if it is, and run what it missed."""
    from datetime import UTC, datetime

    from prefect.client.orchestration import get_client

    from kaon.artifacts import open_store
    from kaon.dsl.backends.prefect.catch_up import catch_up
    from kaon.dsl.backends.prefect.deployment import renewed
    from kaon.dsl.backends.registration import register

    from .flow_names import lasting_name

    register(open_store(), workflow, flow=lasting_name(flow), folder=os.getcwd())
    with get_client(sync_client=True) as client:
        for deployed in renewed(client, workflow, pool) or (_deployed(client, flow, workflow, pool),):
            _say(f"{deployed.name:<12} {workflow.schedule or 'no schedule: runs when it is started'}")
            for change in deployed.changes:
                _say(f"  {change}")
            caught = catch_up(client, deployed.id, workflow, datetime.now(UTC))
            if caught.made or caught.kept or caught.dropped:
                _say(f"  {caught}")


def _make_known() -> None:
    """Let the store know the shipped workflows, so that they can be launched before anybody has run one."""
    from kaon.artifacts import open_store
    from kaon.dsl.backends.registration import register

    from .flow_names import find_workflow, shipped

    for name in shipped():
        register(open_store(), find_workflow(name), flow=name, folder=os.getcwd())


def _deployed(client: "SyncPrefectClient", flow: str, workflow: "Workflow", pool: str) -> "Deployed":
    """Deploy a workflow as it is written."""
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.deployment import Wanted, deploy

    from .flow_names import lasting_name

    return deploy(
        client,
        Wanted(workflow=workflow, flow=lasting_name(flow), home=str(kaon_home()), folder=Path.cwd(), pool=pool),
    )


def _say(line: str) -> None:
    print(line, flush=True)
