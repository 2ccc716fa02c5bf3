"""The command `kaon`.

Exit codes: 0 completed, 1 the run failed, 2 the workflow or the call is wrong, 3 the run is held and waits for
`kaon approve`, 130 the run was cancelled, or Ctrl-C.
"""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from . import (
    approve,
    artifact,
    artifacts,
    backfill,
    cancel,
    check,
    deploy,
    diff,
    doctor,
    gc,
    logs,
    publish_list,
    publish_promote,
    rank,
    retry,
    run,
    runs,
    serve,
    show,
    stack,
    status,
    sweep,
    ui,
    watch,
)
from .refusals import told

__all__ = ["app", "main"]

app = typer.Typer(
    name="kaon",
    help="Machine-learning workflows: checked when built, run on Prefect, every output kept.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
published = typer.Typer(help="What workflows have published.", no_args_is_help=True)

app.command("run")(run.run)
app.command("sweep")(sweep.sweep)
app.command("check")(check.check)
app.command("show")(show.show)
app.command("retry")(retry.retry)
app.command("cancel")(cancel.cancel)
app.command("approve")(approve.approve)
app.command("deploy")(deploy.deploy)
app.command("serve")(serve.serve)
app.command("backfill")(backfill.backfill)
app.command("runs")(runs.runs)
app.command("watch")(watch.watch)
app.command("status")(status.status)
app.command("logs")(logs.logs)
app.command("artifacts")(artifacts.artifacts)
app.command("artifact")(artifact.artifact)
app.command("diff")(diff.diff)
app.add_typer(published, name="publish")
published.command("list")(publish_list.publish_list)
published.command("promote")(publish_promote.promote)
published.command("rollback")(publish_promote.rollback)
published.command("stop")(publish_promote.stop)
app.command("rank")(rank.rank)
app.command("ui")(ui.ui)
app.command("up")(stack.up)
app.command("down")(stack.down)
app.command("doctor")(doctor.doctor)
app.command("gc")(gc.gc)


def _print_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"kaon {version('kaon')}")
        raise typer.Exit


@app.callback()
def kaon(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Machine-learning workflows: checked when built, run on Prefect, every output kept.

    KAON_HOME (.kaon in the working directory, unless set) holds everything that runs store.
    Exit codes: 0 completed, 1 the run failed, 2 the workflow or the call is wrong, 3 the run is held, 130 cancelled.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command of the arguments, of the command line if None, and exit with its code."""
    try:
        app(args=arguments)
    except BrokenPipeError:  # `kaon runs | head`: who read has read enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        refusal = told(error)
        if refusal is None:
            raise
        print(refusal.text, file=sys.stderr)
        sys.exit(refusal.exit_code)
