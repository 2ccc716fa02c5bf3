"""The contract of a place for blobs, and what every such place does alike."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from ..digest import CHUNK, Digest
from ..errors import CorruptArtifact, MissingBlob


class Written(NamedTuple):
    """What `put` stored."""

    digest: Digest
    size: int


class Use(NamedTuple):
    """How large a blob is, and when somebody last wanted it kept."""

    size: int
    put: datetime
    """When its bytes were last put, also if they were there already."""


class KeptBlobs(Protocol):
    """Immutable bytes by digest. A blob is visible under its digest only when all of it is there."""

    def put(self, source: BinaryIO) -> Written:
        """Store everything from the stream's position to its end, or renew the use of what is there already.

        Raises StoreFull, StoreNotWritable.
        """
        ...

    def open(self, digest: Digest) -> BinaryIO:
        """Return the blob to read, after checking every byte of it. Raises MissingBlob, CorruptArtifact."""
        ...

    def exists(self, digest: Digest) -> bool:
        """Say whether the blob is there; its bytes are checked when it is opened."""
        ...

    def digests(self) -> Iterator[Digest]:
        """Yield the digest of every blob, in no particular order."""
        ...

    def path(self, digest: Digest) -> Path:
        """Return a local file with the blob's bytes, checked. Raises MissingBlob, CorruptArtifact."""
        ...


class TidyBlobs(Protocol):
    """What a collection needs to take away what nobody wants, while others write."""

    def use(self, digest: Digest) -> Use:
        """Return the blob's size and last use. Raises MissingBlob."""
        ...

    def remove(self, digest: Digest, before: datetime) -> bool:
        """Take the blob away unless it was put at `before` or later, up to the very moment of its removal.

        Returns whether this call took it away. Raises StoreNotWritable.
        """
        ...

    def leftovers(self, before: datetime) -> Iterator[Path]:
        """Yield the temporary files, last written before that, that no process will finish."""
        ...


class Blobs(KeptBlobs, TidyBlobs, Protocol):
    """A place for blobs."""


def place_of(digest: Digest) -> str:
    """Return where the blob lies below the store: two letters, then all of them.

    >>> place_of(Digest("sha256:abcdef"))
    'ab/abcdef'
    """
    letters = digest.removeprefix("sha256:")
    return f"{letters[:2]}/{letters}"


def copied(source: BinaryIO, to: BinaryIO) -> Written:
    """Copy the stream and return the digest and size of what was copied."""
    seen, size = hashlib.sha256(), 0
    while chunk := source.read(CHUNK):
        seen.update(chunk)
        to.write(chunk)
        size += len(chunk)
    return Written(Digest("sha256:" + seen.hexdigest()), size)


def corrupt(digest: Digest, found: Digest, where: object) -> CorruptArtifact:
    """Return the error for a blob whose bytes are not those of its digest."""
    return CorruptArtifact(
        f"the stored bytes of {digest} are damaged",
        where=str(where),
        why=f"what is there has the digest {found}",
        fix="run the step again with --force: storing the same value mends it; or restore it from a backup",
    )


def missing(digest: Digest, where: object) -> MissingBlob:
    """Return the error for a blob that is not there."""
    return MissingBlob(
        f"the store does not hold {digest}",
        where=str(where),
        why="its file was deleted, or the records are those of another store",
        fix="run the step again with --force, or restore it from a backup",
    )
