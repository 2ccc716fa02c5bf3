"""What a run came to: failures, time per step, attempts, the workflow's report, and where to look further."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from kaon.artifacts.amounts import duration
from kaon.dsl.plan import Attempts, Plan, walk

from .holds import print_holds
from .printed import STATE_STYLES, lasted, table
from .published_end import published_lines
from .report import print_report

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.artifacts import PathProgress, RunRecord, StepRecord, Store
    from kaon.dsl.backends import Failure, Result

IDLE = ("skipped", "cancelled", "held")
LISTED = 1000
"""Rows of one step whose times are added up; of one with more, the time from the first to the last is told."""
FAILURES = 5
"""Failures that are shown with their tracebacks: the first of each cause."""


def print_summary(console: "Console", store: "Store", result: "Result") -> None:
    """Print the summary of a run that has just ended."""
    run = store.records.run(result.run_id)
    paths = store.records.overview(run.id).paths
    steps = {path.path: _listed(store, run.id, path) for path in paths}
    plan = Plan.from_json(run.plan)
    print_report(console, store, run.id, plan.report)
    print_times(console, plan, paths, steps)
    print_attempts(console, plan, [step for rows in steps.values() for step in rows])
    print_failures(console, run.id, result.failures)
    print_tolerated(console, run.id, result.tolerated)
    for note in result.notes:
        console.print(f"\n[yellow]note[/] {escape(note)}")
    print_end(console, store, run)
    for line in published_lines(store, run.id, plan.report):
        console.print(line, markup=False, soft_wrap=True)


def print_end(console: "Console", store: "Store", run: "RunRecord") -> None:
    """Print how the run ended or stands, why, what it waits for, and where to look further."""
    time = duration(lasted(run.started, run.ended))
    took = {"running": f" for {time}", "held": ""}.get(run.state, f" in {time}")
    print_holds(console, store, run)
    console.print()
    console.print(f"[{STATE_STYLES[run.state]}]run {run.id} of {run.workflow} {run.state}[/]{took}")
    if run.reason and run.state != "held":
        console.print(f"  reason     {run.reason}", markup=False)
    for name, where in _looks(run):
        console.print(f"  {name:<10} {where}", markup=False)


def _looks(run: "RunRecord") -> Iterator[tuple[str, str]]:
    if run.state == "running":
        yield "watch", f"kaon watch {run.id}"
    yield "steps", f"kaon status {run.id}"
    yield "artifacts", f"kaon artifacts {run.id}"
    yield "logs", f"kaon logs {run.id}{' --failed' if run.state == 'failed' else ''}"
    if run.state in ("failed", "cancelled"):
        yield "continue", f"kaon retry {run.id}"
    yield from ((name, value) for name, value in run.tags.items() if value.startswith(("http://", "https://")))


def _listed(store: "Store", run_id: int, path: "PathProgress") -> list["StepRecord"]:
    """Return the rows of a step if they are few enough."""
    return store.records.step_runs(run_id, path=path.path) if sum(path.counts.values()) <= LISTED else []


def print_times(
    console: "Console", plan: Plan, paths: Sequence["PathProgress"], steps: Mapping[str, Sequence["StepRecord"]]
) -> None:
    """Print the time that each step took, over all its items and attempts."""
    found = {path.path: path for path in paths}
    rows = []
    for path in [found[call.path] for call in plan.calls() if call.path in found]:
        worked = [lasted(step.started, step.ended) for step in steps[path.path] if step.state not in IDLE]
        counts = {state: n for state, n in path.counts.items() if n}
        alone = sum(counts.values()) == 1
        told = next(iter(counts)) if alone else ", ".join(f"{n:,} {state}" for state, n in counts.items())
        whole = "" if not set(counts) - set(IDLE) else duration((path.latest - path.started).total_seconds())
        took = duration(sum(worked)) if worked else whole
        rows.append((path.path.partition("/")[2], told, took, duration(max(worked)) if len(worked) > 1 else ""))
    console.print()
    console.print(table(("step", "state", "time", "longest"), rows, right=("time", "longest")))


def print_attempts(console: "Console", plan: Plan, steps: Sequence["StepRecord"]) -> None:
    """Print how many attempts each repetition made."""
    depths: dict[str, int] = {}
    for node in walk(plan.root):
        if not isinstance(node, Attempts):
            continue
        depths[node.path] = sum(node.path.startswith(f"{outer}/") for outer in depths)
        inside = [step for step in steps if step.path.startswith(f"{node.path}/")]
        made = max(
            (step.attempt[depths[node.path]] for step in inside if len(step.attempt) > depths[node.path]), default=0
        )
        if made:
            console.print(f"\nrepeat until [bold]{node.until}[/]: {made} of at most {node.at_most} attempts")


def print_failures(console: "Console", run_id: int, failures: Sequence["Failure"]) -> None:
    """Print the first failure of each cause with its traceback, and how many there are besides."""
    causes: dict[tuple[str, str], list[Failure]] = {}
    for failure in failures:
        causes.setdefault((failure.path, failure.cause), []).append(failure)
    shown = list(causes.values())[:FAILURES]
    for alike in shown:
        print_failure(console, alike[0])
        if len(alike) > 1:
            console.print(f"  [dim]and {len(alike) - 1:,} more of the same cause[/]")
    more = len(failures) - sum(map(len, shown))
    if more:
        console.print(f"\n[bold red]… and {more:,} more failures:[/] kaon status {run_id} --failed")


def print_failure(console: "Console", failure: "Failure") -> None:
    """Print where a step failed, why, and its traceback from the user's first line on."""
    console.print(f"\n[bold red]failed[/] {escape(failure.place)}", soft_wrap=True)
    if failure.traceback:
        console.print("  Traceback (most recent call last):", markup=False)
        for line in failure.traceback.splitlines():
            console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print(f"  {failure.cause}", markup=False, soft_wrap=True)


def print_tolerated(console: "Console", run_id: int, failures: Sequence["Failure"]) -> None:
    """Print which items failed in loops that go on without them."""
    if not failures:
        return
    many = f"{len(failures):,} {'failure' if len(failures) == 1 else 'failures'}"
    console.print(f"\n[yellow]tolerated[/] {many} that the run went on without")
    for failure in failures[:FAILURES]:
        cause = failure.cause.partition("\n")[0]
        console.print(f"  ✗ {failure.place.partition('/')[2]}  {cause}", markup=False, soft_wrap=True)
    if len(failures) > FAILURES:
        console.print(f"  … and {len(failures) - FAILURES:,} more: kaon status {run_id} --failed", markup=False)
