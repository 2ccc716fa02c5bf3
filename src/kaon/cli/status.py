"""`kaon status RUN`: how a run stands, step by step."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home, RunId

if TYPE_CHECKING:
    from kaon.artifacts import StepRecord

LINES = 200
"""Steps that are listed unless --all asks for every one: failed and running ones come first then."""


def status(
    run: RunId,
    as_json: AsJson = False,
    everything: Annotated[bool, typer.Option("--all", help="List every item of the widest loops.")] = False,
    home: Home = None,
) -> None:
    """Show a run: its state and reason, and the same of each of its steps, items and attempts."""
    from kaon.artifacts import open_store

    from .described import described_run, described_step
    from .found import found_run
    from .printed import console, print_json, table
    from .summary import print_outcome

    store = open_store()
    record = found_run(store, run)
    steps = store.records.step_runs(record.id)
    if as_json:
        print_json({**described_run(record), "steps": [described_step(step) for step in steps]})
        return
    shown = steps if everything or len(steps) <= LINES else _telling(steps)
    terminal = console()
    names = ("step", "state", "time", "tries", "")
    terminal.print(table(names, [_row(step) for step in shown], right=("time", "tries")))
    if len(shown) < len(steps):
        terminal.print(f"… and {len(steps) - len(shown)} more: kaon status {record.id} --all", markup=False)
    print_outcome(terminal, record)
    if record.reason:
        terminal.print(f"  reason     {record.reason}", markup=False)


def _row(step: "StepRecord") -> tuple[str, ...]:
    from .printed import duration, lasted, place

    going = f"{step.fraction:.0%} {step.note}" if step.fraction is not None and step.state == "running" else step.reason
    return (
        place(step),
        step.state,
        "" if step.state in ("skipped", "cancelled") else duration(lasted(step.started, step.ended)),
        str(step.tries),
        going.partition("\n")[0],
    )


def _telling(steps: Sequence["StepRecord"]) -> list["StepRecord"]:
    first = ("failed", "running", "retrying", "held")
    return sorted(steps, key=lambda step: (step.state not in first, step.id))[:LINES]
