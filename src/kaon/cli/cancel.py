"""`kaon cancel RUN`: end a run, wherever it goes on."""

import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from .exit_codes import FAILED
from .options import Home, RunId

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord, Store

EVERY = 0.1
"""Seconds between two looks at whether the run has ended."""
SPARE = 5.0
"""Seconds beyond the grace period in which a run that reacts ends."""


def cancel(
    run: RunId,
    now: Annotated[bool, typer.Option("--now", help="Kill its processes, without a grace period.")] = False,
    home: Home = None,
) -> None:
    """Cancel a run: what runs may finish within the grace period, the rest is cancelled, what finished is kept.

    A run of this machine that does not react is killed, with all processes that it started.
    """
    from kaon.artifacts import TERMINAL, AlreadyEnded, open_store
    from kaon.dsl.backends import Engine

    from .found import found_run

    store = open_store()
    record = found_run(store, run)
    store.records.want(record.id, "cancelled")
    record = store.records.run(record.id)
    if record.state not in TERMINAL and not now:
        grace = float(record.tags.get("grace", Engine.from_environment().grace))
        print(f"run {record.id} is asked to end: steps that run have {grace:g} s", flush=True)
        record = _ended(store, record, grace + SPARE)
    if record.state not in TERMINAL:
        _kill(record)
    if record.ended is None:
        with suppress(AlreadyEnded):  # by itself, meanwhile
            store.records.want(record.id, "cancelled")
        record = store.records.run(record.id)
    print(f"run {record.id} of {record.workflow} {record.state}{f': {record.reason}' if record.reason else ''}")


def _ended(store: "Store", run: "RunRecord", bound: float) -> "RunRecord":
    """Return the run as soon as it has ended or died, or after so many seconds as it is then."""
    from kaon.artifacts import TERMINAL

    deadline = time.monotonic() + bound
    while run.state not in TERMINAL and time.monotonic() < deadline:
        time.sleep(EVERY)
        run = store.records.run(run.id)
    return run


def _kill(run: "RunRecord") -> None:
    """Kill the processes of a run; exits with 1 if they are out of reach."""
    from kaon.dsl.errors import Problem

    from .processes import kill_tree, runs_here

    if not runs_here(run):
        why = f"it is process {run.pid} of the machine {run.host}, and processes can be killed only where they run"
        fix = f"kaon cancel {run.id} --now on {run.host}; if that machine is down, the run soon counts as failed"
        print(Problem(f"run {run.id} does not react", why=why, fix=fix), file=sys.stderr)
        raise typer.Exit(FAILED)
    children = kill_tree(run.pid)
    print(f"killed process {run.pid}{f' and the {children} that it had started' if children else ''}", flush=True)
