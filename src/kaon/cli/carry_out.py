"""Run a workflow while the terminal shows it, and exit as it ended: for `run`, `retry` and `approve`."""

import os
import signal
import threading
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import typer

from kaon.dsl.events import Event, RunEvent

from .exit_codes import CANCELLED, exit_code

if TYPE_CHECKING:
    from kaon.artifacts import Store
    from kaon.dsl import Workflow
    from kaon.dsl.backends import Engine, Result

PATIENCE = 15.0
"""Seconds given to the steps of an interrupted run to stop."""


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be run, and how."""

    workflow: "Workflow"
    store: "Store"
    backend: Literal["local", "prefect"]
    engine: "Engine"
    settings: Mapping[str, object] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    mlflow: bool = True
    force: tuple[str, ...] = ()
    hold_before: tuple[str, ...] = ()
    resume: int | None = None
    again_from: str | None = None


def carry_out(order: Order) -> "Result":
    """Run what is ordered, show how it goes and what it came to; raises typer.Exit unless it completed."""
    from kaon.dsl import backends

    from .live import live
    from .printed import console
    from .summary import print_summary

    terminal = console()
    tracker = backends.MlflowView(order.store) if order.mlflow else None
    warnings.filterwarnings("ignore", message="SOCKS support")  # requests filters it, but not when two threads import
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # while no step runs, it ends the process as Ctrl-C does
    try:
        with live(order.workflow.plan, terminal) as hear:
            result = backends.run(
                order.workflow,
                order.settings,
                backend=order.backend,
                store=order.store,
                force=order.force,
                hold_before=order.hold_before,
                resume=order.resume,
                again_from=order.again_from,
                tags={**order.tags, "grace": f"{order.engine.grace:g}"},
                engine=order.engine,
                raises=False,
                tracker=tracker,
                on_event=_ending_hard(hear),
            )
    except KeyboardInterrupt:
        terminal.print("\n[bold]interrupted[/]: the run is recorded as cancelled, and what finished is kept")
        raise typer.Exit(CANCELLED) from None
    print_summary(terminal, order.store, result)
    if result.state != "completed":
        raise typer.Exit(exit_code(result.state))
    return result


def _ending_hard(hear: Callable[[Event], None]) -> Callable[[Event], None]:
    """Listen as `hear` does; once the run is cancelled, a step that hangs in foreign code ends with the process."""

    def both(event: Event) -> None:
        hear(event)
        if isinstance(event, RunEvent) and event.state == "cancelled":
            hard_end = threading.Timer(PATIENCE, os._exit, (CANCELLED,))
            hard_end.daemon = True
            hard_end.start()

    return both


def begin_server() -> None:
    """Let the run's own server start while the workflow is imported; if the call turns out wrong, it ends by itself."""
    os.environ.setdefault("DO_NOT_TRACK", "1")  # read when Prefect is imported, which then keeps its notice to itself
    if os.environ.get("PREFECT_API_URL"):
        return
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.own_server import begin_server as begin

    begin(kaon_home())
