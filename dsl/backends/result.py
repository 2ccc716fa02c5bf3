"""What a run came to."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kaon.artifacts import Artifact, Store

from ..errors import did_you_mean
from ..events import State
from .failures import Failure, Held
from .references import Joined, Plain, Reference, Stored, load


@dataclass(frozen=True, slots=True)
class Result:
    """The outcome of a run: its state, and the outputs in scope at the end of the workflow."""

    run_id: int
    state: State
    reason: str
    failures: tuple[Failure, ...]
    """Every step, loop or repetition that failed; empty if the run completed."""
    tolerated: tuple[Failure, ...]
    """What failed in loops that go on without the items that fail."""
    held: tuple[Held, ...]
    """The steps that wait for a person, if the run is held."""
    notes: tuple[str, ...]
    """What went wrong besides the steps, such as a tracker that could not be reached."""
    _outputs: Mapping[str, Reference] = field(repr=False)
    _types: Mapping[str, Any] = field(repr=False)
    _store: Store = field(repr=False)

    def __getitem__(self, name: str) -> Any:
        """Return an output's value, in the type its step gave it; raises KeyError if the run has none of that name."""
        return load(self._reference(name), self._types[name], self._store)

    def __contains__(self, name: object) -> bool:
        return name in self._outputs

    def __iter__(self) -> Iterator[str]:
        return iter(self._outputs)

    def artifact(self, name: str) -> Artifact:
        """Return the artifact of an output: its id, digest and lineage.

        Raises KeyError if the run has no such output, or one for each item of a loop.
        """
        reference = self._reference(name)
        match reference:
            case Stored(artifact):
                return artifact
            case Joined():
                raise KeyError(f"{name!r} is one artifact for each item of a loop; use result.artifacts({name!r})")
            case Plain():
                raise KeyError(f"{name!r} is the plain value {reference.value!r}, not an artifact")

    def artifacts(self, name: str) -> dict[Any, Artifact]:
        """Return the artifacts of an output made in a loop, by item; raises KeyError if there is no such output."""
        reference = self._reference(name)
        if not isinstance(reference, Joined):
            raise KeyError(f"{name!r} was not made in a loop; use result.artifact({name!r})")
        return {
            tuple(key.items()) if isinstance(key, dict) else key: inner.artifact
            for key, inner in reference.items
            if isinstance(inner, Stored)
        }

    def _reference(self, name: str) -> Reference:
        if name not in self._outputs:
            raise KeyError(f"run {self.run_id} has no output {name!r}; {did_you_mean(name, self._outputs)}")
        return self._outputs[name]
