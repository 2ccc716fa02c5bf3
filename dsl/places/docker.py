"""Docker: a step in a container of its own, held to its limits and gone when the step ends, however it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Self

from .attempt import Attempt, Outcome
from .containers.asked import Asked
from .environment import variables_from, variables_json

DECIDES = ("image", "env", "packages")
"""What decides what a step makes; the rest says how much of the machine it may use, and how it is started."""


@dataclass(frozen=True, slots=True)
class Docker(Asked):
    """In a container: `@step(place=Docker(image="python:3.11-slim", memory="2GiB"))`.

    A function travels with what it refers to of its author's own code; Kaon and what else it imports must be there
    (see `packages`), and Python must be of the same minor version as that of the run.

    Raises ValueError for limits that are none.
    """

    name: ClassVar[str] = "docker"

    def to_json(self) -> dict[str, Any]:
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        changed = {one.name: said[one.name] for one in fields(self) if said[one.name] != one.default}
        del changed["env"]
        return {**changed, "env": variables_json(self.env)} if self.env else changed

    @classmethod
    def from_json(cls, configuration: Mapping[str, Any]) -> Self:
        return cls(**{**configuration, "env": variables_from(configuration.get("env", {}))})

    def decides(self) -> dict[str, Any]:
        return {name: value for name, value in self.to_json().items() if name in DECIDES}

    def perform(self, attempt: Attempt) -> Outcome:
        from .containers.perform import perform_in_container

        return perform_in_container(self, attempt)
