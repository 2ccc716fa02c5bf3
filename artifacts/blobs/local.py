"""Blobs in a local folder: written under a temporary name, synced, renamed."""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ..digest import Digest, digest_stream
from ..trouble import writing
from .blobs import Written, copied, corrupt, missing, place_of

ABANDONED = 3600.0
"""Seconds after which the temporary file of a process that is gone may be removed."""


class LocalBlobs:
    """Blobs at `folder/blobs/ab/abcd…`, read-only files; what is being written lies in `folder/temporary`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._blobs = self.folder / "blobs"
        self._temporary = self.folder / "temporary"
        self._prepared = False

    def put(self, source: BinaryIO) -> Written:
        with writing(self.folder):
            self._prepare()
            with self._temporary_file() as (temporary, file):
                written = copied(source, file)
                if not self._is_whole(written):
                    file.flush()
                    os.fchmod(file.fileno(), 0o444)
                    os.fsync(file.fileno())
                    self._publish(temporary, self._file(written.digest))
        return written

    def open(self, digest: Digest) -> BinaryIO:
        path = self._file(digest)
        try:
            file = path.open("rb")
        except FileNotFoundError:
            raise missing(digest, path) from None
        found = digest_stream(file)
        if found != digest:
            file.close()
            raise corrupt(digest, found, path)
        file.seek(0)
        return file

    def exists(self, digest: Digest) -> bool:
        return self._file(digest).is_file()

    def digests(self) -> Iterator[Digest]:
        for path in self._blobs.glob("??/*"):
            yield Digest(f"sha256:{path.name}")

    def path(self, digest: Digest) -> Path:
        self.open(digest).close()
        return self._file(digest)

    def _file(self, digest: Digest) -> Path:
        return self._blobs / place_of(digest)

    def _is_whole(self, written: Written) -> bool:
        """Say whether the blob is already there, undamaged."""
        try:
            with self._file(written.digest).open("rb") as file:
                return os.fstat(file.fileno()).st_size == written.size and digest_stream(file) == written.digest
        except FileNotFoundError:
            return False

    def _publish(self, temporary: Path, target: Path) -> None:
        if not target.parent.is_dir():
            target.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(target.parent.parent)
        os.replace(temporary, target)
        _sync_folder(target.parent)

    @contextmanager
    def _temporary_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        path = self._temporary / f"{socket.gethostname()}.{os.getpid()}.{uuid.uuid4().hex}"
        try:
            with path.open("xb") as file:
                yield path, file
        finally:
            with suppress(FileNotFoundError):
                path.unlink()

    def _prepare(self) -> None:
        """Create the folders, and clear away what killed writers left, once per process."""
        if self._prepared and self._temporary.is_dir():
            return
        self._blobs.mkdir(parents=True, exist_ok=True)
        self._temporary.mkdir(exist_ok=True)
        for path in self._temporary.iterdir():
            with suppress(OSError):
                if _is_abandoned(path):
                    path.unlink()
        self._prepared = True


def _is_abandoned(path: Path) -> bool:
    host, _, rest = path.name.rpartition(".")[0].rpartition(".")
    ours = host == socket.gethostname() and rest.isdecimal()
    return ours and time.time() - path.stat().st_mtime > ABANDONED and not _lives(int(rest))


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _sync_folder(folder: Path) -> None:
    """Make the folder's names last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
