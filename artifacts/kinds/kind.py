"""The contract of a kind: how one type of value becomes bytes and comes back."""

from __future__ import annotations

from typing import BinaryIO, Protocol, TypeVar

from ..json_form import Json

T = TypeVar("T")


class Kind(Protocol[T]):
    """One way of storing values. Plug in another by an entry point of the group `kaon.kinds`.

    A kind whose types can all be read from each other's artifacts (pandas, Arrow and Spark tables) also has
    `interchangeable = True`. Loading the module of a kind imports no heavy library: methods do that.
    `kaon.artifacts.testing.KindTests` is the conformance suite.
    """

    name: str
    """What artifacts record; never changes once released."""

    def accepts(self, annotation: object) -> bool:
        """Say whether this kind stores values so annotated (already without Annotated, NewType and Optional)."""
        ...

    def dump(self, value: T, to: BinaryIO) -> None:
        """Write the value: the same bytes for equal values, whenever and wherever written. Raises NotStorable."""
        ...

    def load(self, source: BinaryIO, wanted: object) -> T:
        """Return the value as `wanted` asks, or in its plainest form for `object`. Raises WrongType."""
        ...

    def summary(self, value: T) -> dict[str, Json]:
        """Return a few facts to show without reading the value."""
        ...
