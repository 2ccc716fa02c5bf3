"""How the engine uses the machine: settings of the runs, not of the workflows."""

import os
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveInt, ValidationError

from ..errors import Problem, SettingsError

PREFIX = "KAON_"


def cores() -> int:
    """Return how many processor cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Engine(BaseModel):
    """How a run uses the machine; each field can be set by an environment variable, `wide` by KAON_WIDE."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wide: PositiveInt = 100
    """Items above which a loop runs in shards, in worker processes, rather than as one Prefect task run an item."""
    workers: PositiveInt = cores()
    """Worker processes for wide loops."""
    steps_at_once: PositiveInt = max(2, cores())
    """Steps that run at the same time in the run's process, or in containers that it waits for."""
    task_runner: Literal["threads", "dask", "ray"] = "threads"
    """What runs the steps of a flow; Dask and Ray are the extras kaon[dask] and kaon[ray]."""
    grace: NonNegativeFloat = 10.0
    """Seconds that running steps are given after SIGTERM or `kaon cancel`."""

    @classmethod
    def from_environment(cls, **chosen: object) -> Self:
        """Return the engine that the environment describes; what is chosen here, and is not None, goes before.

        Raises SettingsError for values that do not fit.
        """
        found = {name: os.environ.get(f"{PREFIX}{name.upper()}") for name in cls.model_fields}
        values = {**found, **{name: value for name, value in chosen.items() if value is not None}}
        try:
            return cls.model_validate({name: value for name, value in values.items() if value is not None})
        except ValidationError as error:
            raise SettingsError([_problem(fault) for fault in error.errors()]) from None


def _problem(fault: object) -> Problem:
    assert isinstance(fault, dict)
    name = str(fault["loc"][0])
    why = fault["msg"][0].lower() + fault["msg"][1:]
    return Problem(
        f"{name}={fault['input']!r} does not fit", why=why, fix=f"set {PREFIX}{name.upper()} to another value"
    )
