"""`kaon run FLOW`: run a workflow with live progress, and end with a summary."""

import os
import signal
import threading
import warnings
from collections.abc import Callable
from typing import Annotated, Literal

import typer

from kaon.dsl.events import Event, RunEvent

from .options import Flow, Home
from .refusals import FAILED, INTERRUPTED

PATIENCE = 15.0
"""Seconds given to the steps of an interrupted run to stop."""


def run(
    flow: Flow,
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=VALUE]…", help="Settings, such as seed=3 or train_als.rank=8; lists as JSON."),
    ] = None,
    backend: Annotated[
        Literal["local", "prefect"],
        typer.Option(help="prefect: branches and items at once; local: one step after the other, in this process."),
    ] = "prefect",
    force: Annotated[
        list[str] | None,
        typer.Option(metavar="STEP", help="Run this step even if the store holds its outputs; may be repeated."),
    ] = None,
    mlflow: Annotated[bool, typer.Option(help="Mirror the run to MLflow.")] = True,
    home: Home = None,
) -> None:
    """Run a workflow, show how it goes, and tell what it came to.

    What an earlier run has stored for the same code, settings and inputs is reused. Exits with 0 if the run completed,
    1 if it failed, 2 if the workflow or the call is wrong, and 130 if it was interrupted.
    """
    from kaon.artifacts import open_store
    from kaon.dsl import backends
    from kaon.dsl.settings import validated

    from .flow_names import find_workflow
    from .printed import console
    from .setting_values import parse_values
    from .summary import print_summary
    from .watch import watched

    if backend == "prefect":
        _begin_server()
    workflow = find_workflow(flow)
    settings = parse_values(workflow.settings_model, values or ())
    validated(workflow.settings_model, settings)
    store, terminal = open_store(), console()
    tracker = backends.MlflowView(store) if mlflow else None
    warnings.filterwarnings("ignore", message="SOCKS support")  # requests filters it, but not when two threads import
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # who ends the process ends the run as Ctrl-C does
    try:
        with watched(workflow.plan, terminal) as heard:
            result = backends.run(
                workflow,
                settings,
                backend=backend,
                store=store,
                force=force or (),
                raises=False,
                tracker=tracker,
                on_event=_ending_hard(heard),
            )
    except KeyboardInterrupt:
        terminal.print("\n[bold]interrupted[/]: the run is recorded as cancelled, and what finished is kept")
        raise typer.Exit(INTERRUPTED) from None
    print_summary(terminal, store, result)
    if result.state != "completed":
        raise typer.Exit(FAILED)


def _ending_hard(heard: Callable[[Event], None]) -> Callable[[Event], None]:
    """Listen as `heard` does; once the run is interrupted, a step that hangs in foreign code ends with the process."""

    def hear(event: Event) -> None:
        heard(event)
        if isinstance(event, RunEvent) and event.state == "cancelled":
            hard_end = threading.Timer(PATIENCE, os._exit, (INTERRUPTED,))
            hard_end.daemon = True
            hard_end.start()

    return hear


def _begin_server() -> None:
    """Let the run's own server start while the workflow is imported; if the call turns out wrong, it ends by itself."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # read when Prefect is imported, which then keeps its notice to itself
    if os.environ.get("PREFECT_API_URL"):
        return
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.own_server import begin_server

    begin_server(kaon_home())
