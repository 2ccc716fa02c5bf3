"""A command on this machine, in a group of processes of its own."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

from .attempt import Attempt, Outcome
from .environment import Variables, check_variables, revealed, variables_from, variables_json
from .subprocesses import run_command


@dataclass(frozen=True, slots=True)
class Shell:
    """As a command on this machine: what a `shell_step` runs in. A timeout ends it and all that it started."""

    name: ClassVar[str] = "shell"
    env: Variables = field(default_factory=dict)
    """Variables besides those of the run's own process; secrets by reference."""

    def __post_init__(self) -> None:
        check_variables(self.env)

    def to_json(self) -> dict[str, Any]:
        return {"env": variables_json(self.env)} if self.env else {}

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        return cls(variables_from(configuration.get("env", {})))

    def decides(self) -> dict[str, Any]:
        return self.to_json()

    def perform(self, attempt: Attempt) -> Outcome:
        with attempt.job() as job:
            at = str(job.folder)
            words = job.command(at, sys.executable)
            path = {"PYTHONPATH": os.pathsep.join(sys.path)} if words[0] == sys.executable else {}
            environment = {**os.environ, **path, **revealed(self.env), **job.environment(at)}
            run_command(words, within=job.folder / "work", environment=environment, attempt=attempt)
            return job.outcome()
