"""`kaon run FLOW`: run a workflow with live progress, and end with a summary."""

from typing import Annotated, Literal

import typer

from .options import Flow, Home


def run(
    flow: Flow,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Settings, such as seed=3 or train_als.rank=8; lists as JSON."),
    ] = None,
    backend: Annotated[
        Literal["local", "prefect"],
        typer.Option(help="prefect: branches and items at once; local: one step after the other, in this process."),
    ] = "prefect",
    force: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP", help="Run this step even if the store holds its outputs; may be repeated."),
    ] = None,
    hold_before: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP", help="Stop before this step until `kaon approve`; may be repeated."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Worker processes for wide loops. [default: cores]")
    ] = None,
    wide: Annotated[
        int | None, typer.Option(min=1, help="Items above which a loop runs in worker processes. [default: 100]")
    ] = None,
    task_runner: Annotated[
        Literal["threads", "dask", "ray"] | None, typer.Option(help="What runs the steps. [default: threads]")
    ] = None,
    mlflow: Annotated[bool, typer.Option(help="Mirror the run to MLflow.")] = True,
    home: Home = None,
) -> None:
    """Run a workflow, show how it goes, and tell what it came to.

    What an earlier run has stored for the same code, settings and inputs is reused. Ctrl-C stops the run now; SIGTERM
    lets the steps that run finish within the grace period (KAON_GRACE, 10 s), and a second one stops them.

    Exits with 0 if the run completed, 1 if it failed, 2 if the workflow or the call is wrong, 3 if it is held (`kaon
    approve RUN` continues it), and 130 if it was cancelled.
    """
    from kaon.artifacts import open_store
    from kaon.dsl.backends import Engine
    from kaon.dsl.settings import validated

    from .carry_out import Order, begin_server, carry_out
    from .continued import tags_of
    from .flow_names import find_workflow
    from .setting_values import parse_values

    if backend == "prefect":
        begin_server()
    workflow = find_workflow(flow)
    settings = parse_values(workflow.settings_model, values or ())
    validated(workflow.settings_model, settings)
    engine = Engine.from_environment(workers=workers, wide=wide, task_runner=task_runner)
    tags = tags_of(flow, force=force or (), hold_before=hold_before or ())
    carry_out(
        Order(
            workflow,
            open_store(),
            backend,
            engine,
            settings,
            tags,
            mlflow=mlflow,
            force=tuple(force or ()),
            hold_before=tuple(hold_before or ()),
        )
    )
