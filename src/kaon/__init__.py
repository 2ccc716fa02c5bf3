"""Kaon: machine-learning workflows as expressions, checked when built, run on Prefect, every output kept."""

from kaon.artifacts import open_store
from kaon.dsl import (
    Cron,
    Every,
    Process,
    Resources,
    Secret,
    WorkflowError,
    bootstrap,
    cross_validate,
    current_step,
    for_each,
    parallel,
    repeat,
    secret,
    sequence,
    step,
    sweep,
    when,
    workflow,
)
from kaon.dsl.backends import RunFailed, run, to_prefect

__all__ = [
    "step",
    "workflow",
    "sequence",
    "parallel",
    "for_each",
    "sweep",
    "bootstrap",
    "cross_validate",
    "repeat",
    "when",
    "run",
    "to_prefect",
    "open_store",
    "current_step",
    "Cron",
    "Every",
    "Resources",
    "Process",
    "secret",
    "Secret",
    "WorkflowError",
    "RunFailed",
]
