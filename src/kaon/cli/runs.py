"""`kaon runs`: every run, the newest first."""

from typing import Annotated, Literal

import typer

from .options import AsJson, Home

NARROW = 80
"""Characters of a line; where there are fewer, the backends are left out."""


def runs(
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    state: Annotated[
        Literal["running", "held", "completed", "failed", "cancelled"] | None,
        typer.Option(help="Only runs in this state."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs at most.")] = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List runs, the newest first."""
    from kaon.artifacts import open_store
    from kaon.artifacts.amounts import duration
    from kaon.artifacts.records.listing import RunFilter

    from .described import described_run
    from .printed import console, lasted, moment, print_json, table

    records = open_store().records
    if state:
        wanted = RunFilter(workflow or "", (state,))
        found = [records.run(run.id) for run in records.list_runs(wanted, limit=limit)]
    else:
        found = records.runs(workflow, limit)
    if as_json:
        print_json([described_run(run) for run in found])
        return
    rows: list[tuple[str, ...]] = [
        (
            str(run.id),
            run.workflow,
            run.state,
            moment(run.started),
            duration(lasted(run.started, run.ended)),
            run.backend,
            run.reason.partition("\n")[0],
        )
        for run in found
    ]
    if rows:
        terminal = console()
        names = ["run", "workflow", "state", "started", "time", "backend", "reason"]
        if terminal.width < NARROW:
            names.remove("backend")
            rows = [(*row[:5], *row[6:]) for row in rows]
        terminal.print(table(names, rows, right=("run", "time")))
    elif workflow or state:
        print("no run fits: kaon runs")
    else:
        print("no runs yet: kaon run FLOW")
