"""`kaon runs`: every run, the newest first."""

from typing import Annotated

import typer

from .options import AsJson, Home


def runs(
    workflow: Annotated[str | None, typer.Option(help="Only runs of this workflow.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many runs at most.")] = 20,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """List runs, the newest first."""
    from kaon.artifacts import open_store
    from kaon.artifacts.amounts import duration

    from .described import described_run
    from .printed import console, lasted, moment, print_json, table

    found = open_store().records.runs(workflow, limit)
    if as_json:
        print_json([described_run(run) for run in found])
        return
    rows = [
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
        names = ("run", "workflow", "state", "started", "time", "backend", "reason")
        console().print(table(names, rows, right=("run", "time")))
    else:
        print("no runs yet: kaon run FLOW")
