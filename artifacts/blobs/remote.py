"""Blobs on any file system that fsspec knows, in memory included: whole objects, put in one go."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from ..digest import Digest, digest_bytes, digest_stream, holds
from ..errors import MissingBlob
from ..home import cache, renew
from ..trouble import writing
from .blobs import Use, Written, copied, corrupt, missing, place_of

IN_MEMORY = 8 << 20
"""Bytes that a blob may have to be read without a local file."""


class RemoteBlobs:
    """Blobs at `root/blobs/ab/abcd…`. An object store shows an object only when all of it has arrived.

    It cannot remove an object on a condition: one that is put between the look at its age and its removal, a few
    milliseconds later, is lost. A collection looks only at what nobody has wanted for days.
    """

    def __init__(self, filesystem: Any, root: str, url: str) -> None:
        self.url = url
        self._files = filesystem
        self._root = root.rstrip("/")

    @classmethod
    def at(cls, url: str) -> RemoteBlobs:
        """Return the blobs at a URL. Every `memory://` is a place of its own, gone with the object."""
        import fsspec

        filesystem, root = fsspec.url_to_fs(url, skip_instance_cache=True)
        if url.startswith("memory:"):
            filesystem.store, filesystem.pseudo_dirs = {}, [""]
            return _BlobsInMemory(filesystem, root, url)
        return cls(filesystem, root, url)

    def put(self, source: BinaryIO) -> Written:
        with writing(self.url), tempfile.NamedTemporaryFile() as local:
            written = copied(source, cast(BinaryIO, local))
            local.flush()
            self._send(local.name, self._object(written.digest))  # again too: its time says it is wanted
        return written

    def open(self, digest: Digest) -> BinaryIO:
        if self._size(digest) > IN_MEMORY:
            return self.path(digest).open("rb")
        raw: bytes = self._files.cat_file(self._object(digest))
        found = digest_bytes(raw)
        if found != digest:
            raise corrupt(digest, found, self._where(digest))
        return io.BytesIO(raw)

    def exists(self, digest: Digest) -> bool:
        return bool(self._files.exists(self._object(digest)))

    def digests(self) -> Iterator[Digest]:
        for name in self._files.find(f"{self._root}/blobs"):
            yield Digest(f"sha256:{name.rpartition('/')[2]}")

    def path(self, digest: Digest) -> Path:
        target = cache() / "blobs" / place_of(digest)
        renew(target)
        if not holds(target, digest):
            self._size(digest)
            with writing(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                self._fetch(digest, target)
        return target

    def use(self, digest: Digest) -> Use:
        size = self._size(digest)
        return Use(size, self._files.modified(self._object(digest)).astimezone(UTC))

    def remove(self, digest: Digest, before: datetime) -> bool:
        try:
            if self.use(digest).put >= before:
                return False
            with writing(self.url):
                self._files.rm_file(self._object(digest))
        except (MissingBlob, FileNotFoundError):  # another collection was quicker
            return False
        return True

    def leftovers(self, before: datetime) -> Iterator[Path]:
        return iter(())

    def _send(self, local: str, to: str) -> None:
        self._files.put_file(local, to)

    def _fetch(self, digest: Digest, target: Path) -> None:
        handle, temporary = tempfile.mkstemp(dir=target.parent)
        os.close(handle)
        try:
            self._files.get_file(self._object(digest), temporary)
            with open(temporary, "rb") as file:
                found = digest_stream(file)
            if found != digest:
                raise corrupt(digest, found, self._where(digest))
            os.chmod(temporary, 0o444)
            os.replace(temporary, target)
        finally:
            Path(temporary).unlink(missing_ok=True)

    def _size(self, digest: Digest) -> int:
        try:
            return int(self._files.size(self._object(digest)))
        except FileNotFoundError:
            raise missing(digest, self._where(digest)) from None

    def _object(self, digest: Digest) -> str:
        return f"{self._root}/blobs/{place_of(digest)}"

    def _where(self, digest: Digest) -> str:
        return f"{self.url.rstrip('/')}/blobs/{place_of(digest)}"


class _BlobsInMemory(RemoteBlobs):
    """Blobs in fsspec's memory, which shows of a file what has been written so far: it gets all of it at once."""

    def _send(self, local: str, to: str) -> None:
        self._files.pipe_file(to, Path(local).read_bytes())
