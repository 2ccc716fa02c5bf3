"""What is known of a value before a run: the artifact that it will be, the value itself, or where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ..artifact import Artifact
from ..digest import Digest, digest_value
from ..store import Store


@dataclass(frozen=True, slots=True)
class Plain:
    """A setting, a loop's item, an attempt's number."""

    value: Any


@dataclass(frozen=True, slots=True)
class Stored:
    """An artifact that is there."""

    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Joined:
    """What a loop hands on under a name, by item."""

    items: tuple[tuple[Any, Known], ...]


@dataclass(frozen=True, slots=True)
class Unknown:
    """What a step would make that runs: told apart from others, and no more is known of it."""

    told_apart: Digest


Known: TypeAlias = "Plain | Stored | Joined | Unknown"


def is_unknown(known: Known) -> bool:
    """Say whether any part of it would be made by a step that runs."""
    match known:
        case Unknown():
            return True
        case Joined(items):
            return any(is_unknown(inner) for _, inner in items)
    return False


def digest_of(known: Known) -> Digest:
    """Return the digest that a run has for it; of what is unknown, one that tells it apart."""
    match known:
        case Plain(value):
            return digest_value(value)
        case Stored(artifact):
            return artifact.digest
        case Joined(items):
            return digest_value([[key, digest_of(inner)] for key, inner in items])
        case Unknown(told_apart):
            return told_apart


def value_of(known: Known, store: Store) -> Any:
    """Return a value that is known; what is stored is read from the store."""
    match known:
        case Plain(value):
            return value
        case Stored(artifact):
            return store.get(artifact)
    raise AssertionError("only a value that is known and not joined is read")


def entries_of(known: Known, store: Store) -> list[tuple[Any, Known]] | None:
    """Return the items of a loop over it by their keys; None if they are not known, or it is no list or mapping."""
    if isinstance(known, Joined):
        return list(known.items)
    if isinstance(known, Unknown):
        return None
    value = value_of(known, store)
    if isinstance(value, Mapping):
        return [(key, Plain(item)) for key, item in value.items()]
    return [(item, Plain(item)) for item in value] if isinstance(value, list | tuple) else None


@dataclass(slots=True)
class Scope:
    """The outputs and loop variables that are in sight at a point of the plan."""

    parent: Scope | None = None
    values: dict[tuple[str, str], Known] = field(default_factory=dict)
    """Outputs by path and name."""
    variables: dict[tuple[str, str], Known] = field(default_factory=dict)
    """Loop variables by path of the loop and name."""

    def output(self, path: str, name: str) -> Known:
        """Return an output; unknown if nothing in sight has made it."""
        scope: Scope | None = self
        while scope is not None:
            if (path, name) in scope.values:
                return scope.values[path, name]
            scope = scope.parent
        return Unknown(digest_value(["never made", path, name]))

    def variable(self, loop: str, name: str) -> Known:
        """Return the item of a loop around this point."""
        scope: Scope | None = self
        while scope is not None:
            if (loop, name) in scope.variables:
                return scope.variables[loop, name]
            scope = scope.parent
        return Unknown(digest_value(["no item", loop, name]))
