"""`kaon watch RUN`: a run while it goes on, wherever it was started, read from its records."""

import time

import typer

from .exit_codes import exit_code
from .options import Home, RunId

EVERY = 0.5
"""Seconds between two looks at the records, at least."""
SHARE = 0.1
"""Which part of the time may be spent on looking."""


def watch(run: RunId, home: Home = None) -> None:
    """Watch a run until it ends: its steps, the items of its loops, how fast they go, and what failed.

    The run may have been started in any way, from any terminal or machine that shares the store. Ctrl-C ends the
    watching, not the run. Exits as `kaon run` would.
    """
    from kaon.artifacts import open_store
    from kaon.dsl import Plan

    from .found import found_run
    from .live import live
    from .printed import console, lasted
    from .reading import Reading
    from .summary import print_end

    store, terminal = open_store(), console()
    record = found_run(store, run)
    reading = Reading(store, record.id)
    try:
        with live(Plan.from_json(record.plan), terminal, since=lasted(record.started, record.ended)) as hear:
            while reading.goes_on:
                began = time.monotonic()
                for event in reading.look():
                    hear(event)
                if reading.goes_on:
                    time.sleep(max(EVERY, (time.monotonic() - began) / SHARE))
    except KeyboardInterrupt:
        terminal.print(f"run {record.id} goes on; `kaon cancel {record.id}` ends it", markup=False)
        raise typer.Exit(exit_code("cancelled")) from None
    print_end(terminal, store, reading.run)
    raise typer.Exit(exit_code(reading.run.state))
