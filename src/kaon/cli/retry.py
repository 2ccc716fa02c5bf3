"""`kaon retry RUN`: continue a run that failed, was cancelled, or whose process died."""

from typing import Annotated

import typer

from .options import Home, RunId
from .refusals import CallError

FlowOf = Annotated[
    str | None,
    typer.Option("--flow", metavar="FLOW", help="The run's workflow, if the run does not say where it is."),
]


def retry(
    run: RunId,
    values: Annotated[list[str] | None, typer.Argument(hidden=True)] = None,
    failed: Annotated[
        bool, typer.Option("--failed", help="Run what failed, and what was not run because of it: the default.")
    ] = False,
    from_step: Annotated[
        str | None, typer.Option("--from", metavar="STEP", help="Run this step again, and all that follows it.")
    ] = None,
    flow: FlowOf = None,
    home: Home = None,
) -> None:
    """Continue a run: what it finished is kept; what failed, or never ran, runs now, with the run's own settings.

    Exits as `kaon run` does.
    """
    from kaon.artifacts import open_store

    from .continued import continue_run
    from .found import found_run

    store = open_store()
    record = found_run(store, run)
    if values:
        raise CallError(
            f"run {record.id} keeps its settings, and {values[0]!r} would change them",
            why="its steps would no longer belong together",
            fix=f"kaon run FLOW {' '.join(values)} starts a new run, which reuses what does not depend on them",
        )
    if failed and from_step is not None:
        raise CallError("--failed and --from are two ways to continue", fix="give one of them")
    if record.state == "completed" and from_step is None:
        raise CallError(
            f"run {record.id} completed: nothing of it failed",
            fix=f"kaon retry {record.id} --from STEP runs a step again, and all that follows it",
        )
    continue_run(store, record, flow, from_step)
