"""What a run came to: failures, time per step, attempts, the workflow's report, and where to look further."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.markup import escape

from kaon.dsl.plan import Attempts, Plan, walk

from .printed import STATE_STYLES, duration, lasted, table
from .report import print_report

if TYPE_CHECKING:
    from rich.console import Console

    from kaon.artifacts import RunRecord, StepRecord, Store
    from kaon.dsl.backends import Failure, Result

IDLE = ("skipped", "cancelled")


def print_summary(console: "Console", store: "Store", result: "Result") -> None:
    """Print the summary of a run that has just ended."""
    run = store.records.run(result.run_id)
    steps = store.records.step_runs(result.run_id)
    plan = Plan.from_json(run.plan)
    print_report(console, store, run.id, plan.report)
    print_times(console, plan, steps)
    print_attempts(console, plan, steps)
    for failure in result.failures:
        print_failure(console, failure)
    for note in result.notes:
        console.print(f"\n[yellow]note[/] {escape(note)}")
    print_outcome(console, run)


def print_outcome(console: "Console", run: "RunRecord") -> None:
    """Print how the run ended and where to look further."""
    took = duration(lasted(run.started, run.ended))
    console.print()
    console.print(f"[{STATE_STYLES[run.state]}]run {run.id} of {run.workflow} {run.state}[/] in {took}")
    looks = [
        ("steps", f"kaon status {run.id}"),
        ("artifacts", f"kaon artifacts {run.id}"),
        ("logs", f"kaon logs {run.id}"),
    ]
    looks += [(name, value) for name, value in run.tags.items() if value.startswith(("http://", "https://"))]
    for name, where in looks:
        console.print(f"  {name:<10} {where}", markup=False)


def print_times(console: "Console", plan: Plan, steps: Sequence["StepRecord"]) -> None:
    """Print the time that each step took, over all its items and attempts."""
    rows = []
    for path in [call.path for call in plan.calls()]:
        runs = [step for step in steps if step.path == path]
        if not runs:
            continue
        states = Counter(step.state for step in runs)
        worked = [lasted(step.started, step.ended) for step in runs if step.state not in IDLE]
        told = next(iter(states)) if len(runs) == 1 else ", ".join(f"{n} {state}" for state, n in states.items())
        longest = duration(max(worked)) if len(worked) > 1 else ""
        rows.append((path.partition("/")[2], told, duration(sum(worked)) if worked else "", longest))
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


def print_failure(console: "Console", failure: "Failure") -> None:
    """Print where a step failed, why, and its traceback from the user's first line on."""
    console.print(f"\n[bold red]failed[/] {escape(failure.place)}", soft_wrap=True)
    if failure.traceback:
        console.print("  Traceback (most recent call last):", markup=False)
        for line in failure.traceback.splitlines():
            console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print(f"  {failure.cause}", markup=False, soft_wrap=True)
