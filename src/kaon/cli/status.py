"""`kaon status RUN`: how a run stands, step by step, and why."""

from collections.abc import Collection, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer

from .options import AsJson, Home, RunId

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.artifacts import RunOverview, State, StepRecord, Store

LINES = 200
"""Steps that are listed one by one unless --all asks for every one."""
PAGE = 500
"""Rows that are read, and set in columns, at once."""
NOW: tuple["State", ...] = ("running", "retrying", "held", "activated", "pending")


def status(
    run: RunId,
    failed: Annotated[bool, typer.Option("--failed", help="List only what failed, and why.")] = False,
    running: Annotated[bool, typer.Option("--running", help="List only what runs now, or waits.")] = False,
    everything: Annotated[bool, typer.Option("--all", help="List every item of the widest loops.")] = False,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Show a run: its state and reason, and why each of its steps, items and attempts ran or did not.

    Of a run with many steps the numbers by step come first, and then what failed or runs.
    """
    from kaon.artifacts import open_store

    from .described import described_hold, described_path, described_run, described_step
    from .found import found_run
    from .printed import console, print_json_rows
    from .summary import print_end

    store = open_store()
    record = found_run(store, run)
    asked: tuple[State, ...] = ("failed",) if failed else ()
    chosen = (*asked, *(NOW if running else ())) or None
    overview = store.records.overview(record.id)
    if as_json:
        holds = [described_hold(hold) for hold in store.records.holds(record.id)]
        paths = [described_path(path) for path in overview.paths]
        head = {**described_run(record), "holds": holds, "paths": paths}
        print_json_rows(head, "steps", map(described_step, steps_of(store, record.id, chosen)))
        return
    terminal = console()
    if chosen is None and not everything and _count(overview) > LINES:
        _print_paths(terminal, overview)
        chosen = ("failed", *NOW)
    limit = None if everything else LINES
    shown = _print_steps(terminal, islice(steps_of(store, record.id, chosen), limit))
    total = _count(overview, chosen)
    if shown < total:
        flags = f"{' --failed' if failed else ''}{' --running' if running else ''}"
        terminal.print(f"… and {total - shown:,} more: kaon status {record.id}{flags} --all", markup=False)
    if not shown and (failed or running):
        print(f"nothing of run {record.id} {'has failed' if failed else 'runs now'}")
    print_end(terminal, store, record)


def steps_of(
    store: "Store", run_id: int, states: Collection["State"] | None = None, path: str | None = None
) -> Iterator["StepRecord"]:
    """Yield the steps of a run in the order in which they began, however many there are.

    path: only those with this plan path or name.
    """
    after = 0
    while page := store.records.step_runs(run_id, states=states, path=path, after_id=after, limit=PAGE):
        yield from page
        after = page[-1].id


def _count(overview: "RunOverview", states: Collection["State"] | None = None) -> int:
    chosen = None if states is None else set(states)
    return sum(n for path in overview.paths for state, n in path.counts.items() if chosen is None or state in chosen)


def _print_paths(terminal: "Console", overview: "RunOverview") -> None:
    from kaon.artifacts import STATES
    from kaon.artifacts.amounts import duration, per_second

    from .printed import STATE_STYLES, table

    found = {state: sum(path.counts.get(state, 0) for path in overview.paths) for state in STATES}
    states = sorted((state for state in STATES if found[state]), key=list(STATE_STYLES).index)
    rows = [
        (
            path.path.partition("/")[2],
            *(f"{path.counts[state]:,}" if path.counts.get(state) else "" for state in states),
            "" if path.total is None else f"{path.total:,}",
            duration((path.latest - path.started).total_seconds()),
            per_second(path.rate) if path.rate else "",
            "" if path.left is None else duration(path.left.total_seconds()),
        )
        for path in overview.paths
    ]
    names = ("step", *states, "of", "time", "rate", "left")
    terminal.print(table(names, rows, right=names[1:]))
    terminal.print()


def _print_steps(terminal: "Console", steps: Iterator["StepRecord"]) -> int:
    """Print a line for each step and return how many there were."""
    from .printed import table

    shown = 0
    while page := list(islice(steps, PAGE)):
        names = ("step", "state", "time", "tries", "why")
        made = table(names, map(_row, page), right=("time", "tries"))
        made.show_header = shown == 0
        terminal.print(made)
        shown += len(page)
    return shown


def _row(step: "StepRecord") -> tuple[str, ...]:
    from kaon.artifacts.amounts import duration

    from .printed import lasted, place

    going = f"{step.fraction:.0%} {step.note}" if step.fraction is not None and step.state == "running" else step.reason
    return (
        place(step),
        step.state,
        "" if step.state in ("skipped", "cancelled", "held") else duration(lasted(step.started, step.ended)),
        str(step.tries),
        going.partition("\n")[0],
    )
