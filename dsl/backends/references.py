"""What flows between steps at run time: references to values, never the values themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import dropwhile, islice
from typing import Any, NewType, TypeAlias, get_args, get_origin

from kaon.artifacts import Artifact, Digest, Store, digest_value

from ..fit import OPTIONAL_ORIGINS, either, items_of, plain
from ..plan import Json
from ..point import Point
from ..values import from_json, is_plain

AHEAD = 500
"""Results of a loop that are read from the records at a time."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A value that is an artifact in the store."""

    artifact: Artifact


@dataclass(frozen=True, slots=True)
class Plain:
    """A plain value: a setting, a loop's item, an attempt's number."""

    value: Json
    taken_from: tuple[Artifact, ...] = ()
    """The list or mapping that it is an item of."""

    def __reduce__(self) -> tuple[Any, ...]:  # several times as fast as what a frozen dataclass with slots does
        return Plain, (self.value, self.taken_from)


@dataclass(frozen=True, slots=True)
class Joined:
    """What a loop hands on under a name: a reference for each item, in the items' order."""

    items: tuple[tuple[Json, "Reference"], ...]


Reference: TypeAlias = Stored | Plain | Joined


class Join(Mapping[Any, Any]):
    """The results of a loop under one name, by item; each is read from the store when it is asked for."""

    def __init__(self, references: Mapping[Any, Reference], annotation: Any, store: Store) -> None:
        self._references = references
        self._annotation = annotation
        self._store = store
        self._inline: Mapping[Digest, bytes | None] = {}

    def __getitem__(self, key: Any) -> Any:
        reference = self._references[key]
        if not isinstance(reference, Stored):
            return load(reference, self._annotation, self._store)
        if reference.artifact.digest not in self._inline:
            self._inline = self._store.records.inline_values(self._from(key))
        return self._store.get(reference.artifact, self._annotation, self._inline)

    def _from(self, key: Any) -> list[Digest]:
        """Return the digests of the item and of those that follow it, which are likely to be read next."""
        following = islice(dropwhile(lambda other: other != key, self._references), AHEAD)
        found = (self._references[one] for one in following)
        return list(dict.fromkeys(one.artifact.digest for one in found if isinstance(one, Stored)))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._references)

    def __len__(self) -> int:
        return len(self._references)

    def __repr__(self) -> str:
        return f"Join({', '.join(map(repr, self._references))})"


def load(reference: Reference, annotation: Any, store: Store) -> Any:
    """Return the value of a reference as a type asks for it.

    Raises ValueError if it does not fit, and CorruptArtifact if what is stored is not what was stored.
    """
    match reference:
        case Stored(artifact):
            return store.get(artifact, annotation)
        case Plain(value):
            return from_json(value, annotation)
        case Joined(items):
            key, value = mapping_types(annotation)
            return Join({key_of(raw, key): inner for raw, inner in items}, value, store)


def digest(reference: Reference) -> Digest:
    """Return the digest of what a reference stands for; equal values have equal digests."""
    match reference:
        case Stored(artifact):
            return artifact.digest
        case Plain(value):
            return digest_value(value)
        case Joined(items):
            return digest_value([[key, digest(inner)] for key, inner in items])


def artifacts(reference: Reference) -> tuple[Artifact, ...]:
    """Return the artifacts that a reference is made of, or was taken from."""
    match reference:
        case Stored(artifact):
            return (artifact,)
        case Plain(taken_from=taken_from):
            return taken_from
        case Joined(items):
            return tuple(artifact for _, inner in items for artifact in artifacts(inner))


@lru_cache(maxsize=1024)
def mapping_types(annotation: Any) -> tuple[Any, Any]:
    """Return the types of the keys and of the values of a mapping, which may be one of several types or optional."""
    annotation = plain(annotation)
    choices = get_args(annotation) if get_origin(annotation) in OPTIONAL_ORIGINS else (annotation,)
    mappings = [found for choice in choices if (found := items_of(choice)) is not None and found[2]]
    if not mappings:
        return Any, Any
    return reduce(either, [key for key, _, _ in mappings]), reduce(either, [value for _, value, _ in mappings])


def key_of(raw: Json, annotation: Any) -> Any:
    """Return the key of an item as the mapping's type asks for it."""
    if isinstance(raw, dict):
        return Point(**raw)
    if isinstance(annotation, NewType) or is_plain(annotation):
        return from_json(raw, annotation)
    return raw
