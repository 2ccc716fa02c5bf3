"""Whether a store keeps what its records promise: every byte read, every digest computed anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from .blobs import Blobs
from .digest import Digest, digest_bytes
from .errors import CorruptArtifact, MissingBlob

if TYPE_CHECKING:
    from .records.database import Database
    from .references import Named, Silent
    from .store import Store

Progress = Callable[[int, int], None]
"""Called with the number of values that have been read, and of all."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a look at every byte of a store has shown."""

    version: int | None
    """Of the records' tables; None where there are none yet."""
    values: int
    """How many were read: blobs, and values that live in the records."""
    size: int
    """Their bytes."""
    damaged: tuple[Named, ...]
    """Artifacts name them, and their bytes have changed since they were stored."""
    damaged_unnamed: tuple[Digest, ...]
    """Damaged too, and no artifact names them."""
    missing: tuple[Named, ...]
    """Artifacts name them, and they are nowhere."""
    silent: tuple[Silent, ...]
    """Runs that have not ended, and whose processes are dead."""


def verify(store: Store, progress: Progress = lambda read, of: None, time: datetime | None = None) -> Verified:
    """Read everything that the store holds and return what is wrong with it; nothing is changed.

    Runs may go on meanwhile. Raises StoreError if the records cannot be read.
    """
    from .references import count_inline, named, naming, silent_runs, version

    database = store.records.database
    silent = silent_runs(database, time or datetime.now(UTC))
    blobs = list(store.blobs.digests())
    total = len(blobs) + count_inline(database)
    damaged: list[Digest] = []
    values = size = 0
    for digest, length in _lengths(store.blobs, database, blobs):
        values += 1
        size += length or 0
        if length is None:
            damaged.append(digest)
        progress(values, max(total, values))
    known = naming(database, damaged)
    return Verified(
        version=version(database),
        values=values,
        size=size,
        damaged=tuple(known[digest] for digest in damaged if digest in known),
        damaged_unnamed=tuple(digest for digest in damaged if digest not in known),
        missing=tuple(name for name in named(database) if not store.blobs.exists(name.digest)),
        silent=tuple(silent),
    )


def _lengths(blobs: Blobs, database: Database, digests: list[Digest]) -> Iterator[tuple[Digest, int | None]]:
    """Yield each value's digest and size; None as the size of damaged ones."""
    from .references import inline

    for digest in digests:
        with suppress(MissingBlob):  # a collection has taken it meanwhile; what artifacts name is looked for apart
            yield digest, _length(blobs, digest)
    for digest, raw in inline(database):
        yield digest, len(raw) if digest_bytes(raw) == digest else None


def _length(blobs: Blobs, digest: Digest) -> int | None:
    try:
        with blobs.open(digest) as source:
            return source.seek(0, 2)
    except CorruptArtifact:
        return None
