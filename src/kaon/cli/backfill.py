"""`kaon backfill FLOW`: run a workflow once for each interval of a time that has passed."""

import os
from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .intervals import Every
from .options import AsJson, Flow, Home

if TYPE_CHECKING:
    from kaon.artifacts import RunRecord, Store
    from kaon.dsl import Workflow

    from .interval_processes import Interval

NEWEST = 100_000
"""Runs that are looked through for intervals that exist."""


def backfill(
    flow: Flow,
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="The first interval: 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", metavar="DATE", help="The last interval.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="Settings of every run, such as train_als.rank=8."),
    ] = None,
    every: Annotated[
        Every | None,
        typer.Option(help="How far intervals lie apart.", show_default="the workflow's schedule, or day"),
    ] = None,
    at_once: Annotated[int, typer.Option(min=1, metavar="RUNS", help="Intervals at the same time.")] = 1,
    again: Annotated[bool, typer.Option("--again", help="Run intervals too whose run has completed.")] = False,
    backend: Annotated[Literal["local", "prefect"], typer.Option(help="As for `kaon run`.")] = "prefect",
    mlflow: Annotated[bool, typer.Option(help="Mirror the runs to MLflow.")] = True,
    as_json: AsJson = False,
    home: Home = None,
) -> None:
    """Run a workflow once for each interval, with its parameter `as_of` bound to the interval's time.

    An interval whose run has completed with the same settings is skipped, so that saying it again continues where it
    stopped; Ctrl-C stops it. A run that fails stops no other. Exits with 0 if every interval has a completed run,
    else with 1, and with 130 after Ctrl-C.
    """
    from kaon.artifacts import open_store

    from .exit_codes import CANCELLED, FAILED
    from .flow_names import find_workflow, lasting_name
    from .interval_processes import carry_out
    from .intervals import intervals
    from .printed import print_json
    from .setting_values import parse_values

    workflow = find_workflow(flow)
    given = parse_values(workflow.settings_model, values or ())
    store = open_store()
    order = {"flow": lasting_name(flow), "backend": backend, "mlflow": mlflow}
    tags = {"flow": lasting_name(flow), "folder": os.getcwd(), "backfill": f"{first} to {last}"}
    planned = _planned(workflow, given, intervals(workflow, first, last, every), store, again)
    tell = (lambda _: None) if as_json else _say
    for interval in planned:
        if interval.state:
            tell(interval)
    with _server(backend) if any(not interval.state for interval in planned) else nullcontext():
        interrupted = carry_out(planned, {**order, "tags": tags}, at_once, tell)
    if as_json:
        print_json([_described(interval) for interval in planned])
    else:
        counts = Counter(interval.state or "not begun" for interval in planned)
        print(f"{len(planned)} intervals: {', '.join(f'{count} {state}' for state, count in counts.items())}")
    if interrupted:
        raise typer.Exit(CANCELLED)
    if any(interval.state not in ("completed", "skipped") for interval in planned):
        raise typer.Exit(FAILED)


def _planned(
    workflow: "Workflow", given: Mapping[str, object], times: list[date | datetime], store: "Store", again: bool
) -> "list[Interval]":
    """Return the intervals; those that have a run already which completed, or goes on, with its state."""
    from kaon.dsl.settings import flat, validated

    from .interval_processes import Interval

    known: dict[Any, RunRecord] = {}
    for run in store.records.runs(workflow.name, NEWEST)[::-1]:
        key = _key(run.settings)
        if run.state in ("completed", "running", "held") and (
            key not in known or run.state == "completed" or known[key].state != "completed"
        ):
            known[key] = run
    planned = []
    for time in times:
        settings = flat(validated(workflow.settings_model, {**given, "as_of": time}))
        interval = Interval(time, settings)
        found = known.get(_key(settings))
        if found is not None and found.state == "completed" and not again:
            interval.run, interval.state, interval.reason = found.id, "skipped", f"run {found.id} has completed"
        elif found is not None and found.state != "completed":
            interval.run, interval.state = found.id, found.state
            interval.reason = f"run {found.id} goes on" if found.state == "running" else f"kaon approve {found.id}"
        planned.append(interval)
    return planned


def _key(settings: Mapping[str, Any]) -> str:
    from kaon.artifacts import canonical_json

    return str(canonical_json(dict(settings)))


def _server(backend: str) -> AbstractContextManager[object]:
    """Keep one Prefect server while the intervals run, rather than one after the other."""
    if backend == "local":
        return nullcontext()
    from kaon.artifacts import kaon_home
    from kaon.dsl.backends.prefect.server import prefect_server

    return prefect_server(kaon_home())


def _say(interval: "Interval") -> None:
    from kaon.artifacts.amounts import duration

    from .printed import STATE_SIGNS

    run = f"run {interval.run}" if interval.run is not None and interval.state != "skipped" else ""
    took = duration(interval.seconds) if interval.seconds else ""
    facts = (interval.label, interval.state, run, took, interval.reason.partition("\n")[0])
    sign = STATE_SIGNS.get(interval.state, " ")
    print(
        f"{sign} {'  '.join(f'{fact:<{width}}' for fact, width in zip(facts, (10, 9, 7, 8, 0), strict=True))}".rstrip()
    )


def _described(interval: "Interval") -> Mapping[str, object]:
    return {
        "as_of": interval.label,
        "state": interval.state or "not begun",
        "run": interval.run,
        "reason": interval.reason,
        "seconds": round(interval.seconds, 3),
    }
