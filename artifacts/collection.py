"""What nobody wants any more, and how it goes while runs write.

A step's bytes are put first and named in the records a moment later. So a blob is garbage only if no artifact names it
(but the checkpoints of steps, which stay in the records without their bytes) and nobody has put it since the oldest of
the runs that may still write began: whatever such a run has put, or found already there, is younger. The look at the
age is repeated in the very moment of the removal (see blobs/local.py).
"""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from .digest import Digest
from .errors import MissingBlob, StoreError
from .home import cache
from .trouble import writing

if TYPE_CHECKING:
    from .blobs import Use
    from .store import Store

CLOCKS = timedelta(seconds=2)
"""How far the clocks that date a run and a file may be apart."""

CACHED = ("blobs/??/*", "files/*", "directories/*", "views/*", "wheels/*/*")
"""What lies in the cache, each to be dropped on its own."""


@dataclass(frozen=True, slots=True)
class UnnamedBlob:
    """A blob that no artifact names, or only checkpoints."""

    digest: Digest
    size: int


@dataclass(frozen=True, slots=True)
class Unwanted:
    """A file or folder that nobody has used for long."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Garbage:
    """What may go."""

    before: datetime
    """It was last used before this instant."""
    blobs: tuple[UnnamedBlob, ...]
    leftovers: tuple[Unwanted, ...]
    """Temporary files of writers that were killed."""
    cached: tuple[Unwanted, ...]
    """What can be made again from the store."""
    young: int
    """Blobs that no artifact names, or only checkpoints, and that stay: a run may be about to record or read them."""

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(blob.size for blob in self.blobs) + sum(piece.size for piece in (*self.leftovers, *self.cached))


def garbage(store: Store, unused_for: timedelta, time: datetime | None = None) -> Garbage:
    """Return what nobody wants and nobody has used for so long, nor since any run that still goes on began.

    Raises StoreError if the store has blobs and no runs: then its records are missing, not its artifacts.
    """
    before = _oldest_use_to_keep(store, unused_for, time or datetime.now(UTC))
    unnamed = list(_unnamed(store))
    old = [UnnamedBlob(digest, use.size) for digest, use in unnamed if use.put < before]
    leftovers = tuple(Unwanted(path, _size(path)) for path in store.blobs.leftovers(before))
    return Garbage(before, tuple(old), leftovers, tuple(_unused_cache(before)), len(unnamed) - len(old))


def collect(store: Store, found: Garbage) -> Garbage:
    """Remove what was found, unless somebody has used or named it meanwhile, and return what went.

    Raises StoreNotWritable; what had gone by then is gone, and a second call goes on.
    """
    blobs = tuple(_removed_blobs(store, found))
    leftovers = tuple(piece for piece in found.leftovers if _removed_file(piece.path))
    cached = tuple(piece for piece in found.cached if _removed_from_cache(piece.path, found.before))
    return replace(found, blobs=blobs, leftovers=leftovers, cached=cached)


def _oldest_use_to_keep(store: Store, unused_for: timedelta, time: datetime) -> datetime:
    from .references import has_runs, writing_since

    database = store.records.database
    if not has_runs(database) and next(iter(store.blobs.digests()), None) is not None:
        raise StoreError(
            "the store holds blobs, and its records name no run",
            where=store.url,
            why="the records are missing, or those of another store: every blob would count as garbage",
            fix="restore the records, or name them in the store's URL; delete the folder if nothing in it is wanted",
        )
    since = writing_since(database, time)
    return min(time - unused_for, since or time) - CLOCKS


def _unnamed(store: Store) -> Iterator[tuple[Digest, Use]]:
    """Yield the blobs that no artifact names, or only checkpoints, with their last use."""
    from .references import unnamed

    for digests in _pages(store.blobs.digests()):
        for digest in unnamed(store.records.database, digests):
            with suppress(MissingBlob):  # another collection was quicker
                yield digest, store.blobs.use(digest)


def _removed_blobs(store: Store, found: Garbage) -> Iterator[UnnamedBlob]:
    from .references import unnamed

    sizes = {blob.digest: blob.size for blob in found.blobs}
    for digests in _pages(sizes):
        for digest in unnamed(store.records.database, digests):
            if store.blobs.remove(digest, found.before):
                yield UnnamedBlob(digest, sizes[digest])


def _pages(digests: Iterable[Digest]) -> Iterator[list[Digest]]:
    from .references import PAGE

    rest = iter(digests)
    while page := list(islice(rest, PAGE)):
        yield page


def _removed_file(path: Path) -> bool:
    try:
        with writing(path):
            path.unlink()
    except FileNotFoundError:
        return False
    return True


def _unused_cache(before: datetime) -> Iterator[Unwanted]:
    """Yield what lies in the cache, a blob, a file or a folder each, and was last used before that."""
    for path in (found for pattern in CACHED for found in cache().glob(pattern)):
        with suppress(FileNotFoundError):
            if _used(path) < before:
                yield Unwanted(path, _size(path))


def _removed_from_cache(path: Path, before: datetime) -> bool:
    """Remove it from the cache unless somebody uses it up to the moment when it can no longer be found there."""
    aside = path.with_name(f"tmp-{uuid.uuid4().hex}")
    try:
        with writing(path):
            if _used(path) >= before:
                return False
            os.rename(path, aside)
    except FileNotFoundError:
        return False
    if _used(aside) >= before:
        with suppress(OSError):  # whoever wanted it has made it anew already
            os.rename(aside, path)
            return False
    _remove(aside)
    return True


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _used(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _size(path: Path) -> int:
    """Return the bytes of a file, or of everything in a folder."""
    inside = path.rglob("*") if path.is_dir() else (path,)
    return sum(file.stat().st_size for file in inside if file.is_file())
