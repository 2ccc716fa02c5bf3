"""`kaon deploy FLOW`: put a workflow on the Prefect server, with its schedule and the form of its parameters."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from .options import AsJson, Flow, Home

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient

    from kaon.dsl.backends.prefect.deployment import Deployed, Wanted


def deploy(
    flow: Flow,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Settings of its runs, such as seed=3 or train_als.rank=8."),
    ] = None,
    name: Annotated[str, typer.Option(help="The deployment's name: one workflow may have several.")] = "kaon",
    pool: Annotated[str, typer.Option(help="The work pool that runs it; one of processes is made if needed.")] = "kaon",
    at_once: Annotated[
        int | None, typer.Option(min=1, metavar="RUNS", help="Runs of it at the same time.", show_default="any number")
    ] = None,
    when_busy: Annotated[
        Literal["wait", "skip"], typer.Option(help="What becomes of a run that is one too many.")
    ] = "wait",
    tag: Annotated[list[str] | None, typer.Option(help="A tag on its runs in Prefect; may be repeated.")] = None,
    retries: Annotated[int, typer.Option(min=0, help="How often a failed run is started again.")] = 0,
    retry_delay: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long before it is.")] = 60.0,
    paused: Annotated[
        bool | None,
        typer.Option("--paused/--active", help="Let its schedule rest, or run.", show_default="as it is"),
    ] = None,
    notify: Annotated[
        str,
        typer.Option(
            envvar="KAON_NOTIFY",
            metavar="URL",
            help="Whom to tell of failed and late runs: a URL that takes JSON, or TYPE/NAME of a block of Prefect's.",
        ),
    ] = "",
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Make or change the deployment of a workflow, and say what has changed.

    Its runs have the parameters given here and the workflow's schedule; they are started by the schedule, or from
    Prefect's UI with the typed form of the parameters, and `kaon serve` runs them. It is put on the server that
    PREFECT_API_URL names, else on the home's own. Saying it again changes nothing.
    """
    from kaon.artifacts import kaon_home, open_store
    from kaon.dsl.backends.prefect.automations import ensure_automations
    from kaon.dsl.backends.prefect.deployment import Wanted
    from kaon.dsl.backends.prefect.deployment import deploy as deployed
    from kaon.dsl.backends.prefect.server import prefect_server
    from kaon.dsl.backends.registration import register

    from .flow_names import find_workflow, lasting_name
    from .printed import print_json
    from .setting_values import parse_values

    workflow = find_workflow(flow)
    wanted = Wanted(
        workflow=workflow,
        flow=lasting_name(flow),
        home=str(kaon_home()),
        folder=Path.cwd(),
        parameters=parse_values(workflow.settings_model, values or ()),
        name=name,
        pool=pool,
        at_once=at_once,
        when_busy=when_busy,
        tags=tuple(tag or ()),
        retries=retries,
        retry_delay=retry_delay,
        paused=paused,
    )
    register(open_store(), workflow, flow=wanted.flow, folder=str(wanted.folder))
    with prefect_server(kaon_home()) as url, _client() as client:
        made = deployed(client, wanted)
        notes = ensure_automations(client, notify=notify)
    if as_json:
        print_json({**described_deployment(made, wanted, url), "automations": notes})
        return
    for line in (*told_deployment(made, wanted), *notes):
        print(line)
    print(f"run it: kaon serve {flow}")


def told_deployment(made: "Deployed", wanted: "Wanted") -> list[str]:
    """Return what became of a deployment, in lines for people."""
    if not made.changes:
        return [f"{made.name}: nothing has changed"]
    schedule = wanted.workflow.schedule
    when = f"runs {schedule}" if schedule is not None else "has no schedule: it runs when it is started"
    return [f"{made.name}: {when}", *(f"  {change}" for change in made.changes)]


def described_deployment(made: "Deployed", wanted: "Wanted", url: str) -> Mapping[str, object]:
    """Return a deployment as JSON."""
    return {
        "deployment": made.name,
        "id": str(made.id),
        "server": url,
        "schedule": str(wanted.workflow.schedule) if wanted.workflow.schedule is not None else None,
        "pool": wanted.pool,
        "changes": list(made.changes),
    }


def _client() -> "SyncPrefectClient":
    from prefect.client.orchestration import get_client

    return get_client(sync_client=True)
