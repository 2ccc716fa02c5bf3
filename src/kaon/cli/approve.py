"""`kaon approve RUN`: answer what a held run asks, and continue it."""

import getpass
import time
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import CANCELLED, exit_code
from .options import Home, RunId
from .refusals import CallError
from .retry import FlowOf

if TYPE_CHECKING:
    from kaon.artifacts import HoldRecord, RunRecord, Store

EVERY = 0.5
"""Seconds between two looks at a run that still runs other steps."""


def approve(
    run: RunId,
    reject: Annotated[bool, typer.Option("--reject", help="Say no: the run ends as cancelled.")] = False,
    step: Annotated[
        str | None, typer.Option(metavar="STEP", help="Answer only for this step, where several are held.")
    ] = None,
    flow: FlowOf = None,
    home: Home = None,
) -> None:
    """Approve what a run waits for, and continue it in this process; or reject it, and end the run.

    The answer is recorded with your name. Exits as `kaon run` does.
    """
    from kaon.artifacts import open_store

    from .continued import continue_run, workflow_of
    from .found import found_run
    from .holds import hold_place
    from .printed import console, moment
    from .summary import print_end

    store, terminal = open_store(), console()
    record = found_run(store, run)
    holds = _asked(store, record, step)
    if not reject:
        workflow_of(record, flow)  # before anything is recorded: the run could not go on without
    name = getpass.getuser()
    for hold in holds:
        terminal.print(f"‖ {hold_place(hold)}  {hold.question}  (asked {moment(hold.asked)})", markup=False)
    for path in dict.fromkeys(hold.path for hold in holds):
        store.records.decide(record.id, not reject, name, path)
    terminal.print(f"{'rejected' if reject else 'approved'} by {name}", markup=False)
    if reject:
        store.records.want(record.id, "cancelled")
        told = f"run {record.id} of {record.workflow} is cancelled; `kaon retry {record.id}` would ask again"
        terminal.print(told, markup=False)
        raise typer.Exit(CANCELLED)
    if record.state == "running":
        terminal.print(f"run {record.id} still runs other steps: waiting for them", markup=False)
        record = _paused(store, record)
    if record.state == "held":
        continue_run(store, record, flow)
        return
    print_end(terminal, store, record)
    raise typer.Exit(exit_code(record.state))


def _paused(store: "Store", run: "RunRecord") -> "RunRecord":
    """Return the run once no process runs it."""
    while run.state == "running":
        time.sleep(EVERY)
        run = store.records.run(run.id)
    return run


def _asked(store: "Store", run: "RunRecord", step: str | None) -> list["HoldRecord"]:
    from kaon.dsl.errors import did_you_mean

    waiting = [hold for hold in store.records.holds(run.id) if hold.decided is None]
    if not waiting:
        raise CallError(
            f"run {run.id} waits for nobody",
            why=f"it is {run.state}{f': {run.reason}' if run.reason else ''}",
            fix="kaon runs lists the runs that are held",
        )
    if step is None:
        return waiting
    named = {name: hold for hold in waiting for name in (hold.path, hold.path.rpartition("/")[2])}
    if step not in named:
        raise CallError(f"run {run.id} does not wait before {step!r}", fix=did_you_mean(step, named))
    return [hold for hold in waiting if step in (hold.path, hold.path.rpartition("/")[2])]
