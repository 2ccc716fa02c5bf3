"""What the list of runs shows of each: what of its settings is not a default, and how a metric went over past runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..records.listing import ListedRun
from .plans.known import KnownPlans
from .plans.nodes import PlanFacts
from .site import Site

PAST = 60
"""Runs before the oldest on the page that are looked at."""
DRAWN = 20
"""Runs in one picture."""
WIDTH, HEIGHT = 96.0, 24.0


@dataclass(frozen=True, slots=True)
class Spark:
    """A metric over the workflow's runs up to one, as a small picture."""

    name: str
    value: float
    path: str
    """The line, as SVG draws it; empty for a single value."""
    x: float
    y: float
    """Where this run's value is."""
    runs: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the list shows it."""

    run: ListedRun
    changed: Mapping[str, Any]
    """Its settings that are not defaults."""
    spark: Spark | None
    """None where it has no such metric."""


def rows_of(site: Site, listed: Sequence[ListedRun], metric: str) -> tuple[list[RunRow], list[str]]:
    """Return the rows of these runs, and the names of the metrics that there are to choose from.

    metric: `output.metric`; empty for each workflow's own.
    """
    by_workflow: dict[str, list[ListedRun]] = {}
    for run in listed:
        by_workflow.setdefault(run.workflow, []).append(run)
    values: dict[str, dict[int, dict[str, float]]] = {}
    names: dict[str, None] = {}
    for workflow, its_runs in by_workflow.items():
        values[workflow] = _metrics(site, workflow, its_runs)
        names |= dict.fromkeys(name for found in values[workflow].values() for name in found)
    rows = []
    for run in listed:
        changed = changed_settings(site.plans.of(run.id).facts, run.settings)
        rows.append(RunRow(run, changed, _spark(run.id, values[run.workflow], metric)))
    return rows, sorted(names)


def changed_settings(plan: PlanFacts, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not the plan's defaults."""
    missing = object()
    return {name: value for name, value in settings.items() if plan.defaults.get(name, missing) != value}


def metrics_by_run(site: Site, run_ids: Sequence[int], paths: Sequence[str]) -> dict[int, dict[str, float]]:
    """Return every metric of these runs, `output.metric` to its value, by run."""
    found: dict[int, dict[str, float]] = {}
    for run, metrics in site.store.records.metrics_of(run_ids, paths).items():
        for output, summary in metrics.items():
            for name, value in summary.items():
                if isinstance(value, int | float):
                    found.setdefault(run, {})[f"{output}.{name}"] = float(value)
    return found


def metric_paths(plans: KnownPlans, run_id: int) -> tuple[str, ...]:
    """Return the paths of the steps outside of loops that give metrics."""
    plan = plans.of(run_id).facts
    return tuple(
        path
        for path in plan.outside_of_loops()
        if any(made["kind"] == "metrics" for made in plan.calls[path].get("outputs", ()))
    )


def _metrics(site: Site, workflow: str, listed: Sequence[ListedRun]) -> dict[int, dict[str, float]]:
    newest = max(run.id for run in listed)
    ids = site.store.records.past_runs(workflow, newest, len(listed) + PAST)
    return metrics_by_run(site, ids, metric_paths(site.plans, newest))


def _spark(run_id: int, values: Mapping[int, Mapping[str, float]], metric: str) -> Spark | None:
    here = values.get(run_id, {})
    name = metric or next(iter(here), "")
    if name not in here:
        return None
    past = [values[run][name] for run in sorted(values) if run <= run_id and name in values[run]][-DRAWN:]
    low, high = min(past), max(past)
    points = [
        (
            round(2 + (WIDTH - 4) * place / max(len(past) - 1, 1), 1),
            round(HEIGHT - 3 - (HEIGHT - 6) * (value - low) / (high - low), 1) if high > low else HEIGHT / 2,
        )
        for place, value in enumerate(past)
    ]
    line = "M" + "L".join(f"{x:g} {y:g}" for x, y in points) if len(points) > 1 else ""
    x, y = points[-1] if line else (2.0, HEIGHT / 2)
    return Spark(name, here[name], line, x, y, len(past))
