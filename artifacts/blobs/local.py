"""Blobs in a local folder: written under a temporary name, synced, renamed; taken away without harm to who writes.

A writer who finds its bytes already there renews the blob's time, and then looks whether it still lies in its place.
A removal first sets the blob aside, then looks at its time again: if somebody renewed it, it goes back. So whichever
comes first sees the other, and neither waits. What a killed removal left aside, the next reader or removal puts back.
"""

from __future__ import annotations

import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from ..digest import Digest, digest_stream
from ..errors import MissingBlob
from ..trouble import writing
from .blobs import Use, Written, copied, corrupt, missing, place_of

ABANDONED = 3600.0
"""Seconds after which the temporary file of a process that is gone may be removed."""


class LocalBlobs:
    """Blobs at `folder/blobs/ab/abcd…`, read-only files; what is being written lies in `folder/temporary`, what is
    being taken away in `folder/aside`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.absolute()
        self._blobs = self.folder / "blobs"
        self._temporary = self.folder / "temporary"
        self._aside = self.folder / "aside"
        self._prepared = False

    def put(self, source: BinaryIO) -> Written:
        with writing(self.folder):
            self._prepare()
            with self._temporary_file() as (temporary, file):
                written = copied(source, file)
                if not self._renewed(written):
                    file.flush()
                    os.fchmod(file.fileno(), 0o444)
                    os.fsync(file.fileno())
                    self._publish(temporary, self._file(written.digest))
        return written

    def open(self, digest: Digest) -> BinaryIO:
        path = self._file(digest)
        try:
            file = path.open("rb") if self.exists(digest) else None
        except FileNotFoundError:
            file = None
        if file is None:
            raise missing(digest, path)
        found = digest_stream(file)
        if found != digest:
            file.close()
            raise corrupt(digest, found, path)
        file.seek(0)
        return file

    def exists(self, digest: Digest) -> bool:
        return self._file(digest).is_file() or self._put_back(digest)

    def digests(self) -> Iterator[Digest]:
        for path in self._blobs.glob("??/*"):
            yield Digest(f"sha256:{path.name}")
        for path in self._aside.glob("*"):
            yield Digest(f"sha256:{path.name}")

    def path(self, digest: Digest) -> Path:
        self.open(digest).close()
        return self._file(digest)

    def use(self, digest: Digest) -> Use:
        if not self.exists(digest):
            raise missing(digest, self._file(digest))
        found = self._file(digest).stat()
        return Use(found.st_size, _instant(found.st_mtime))

    def remove(self, digest: Digest, before: datetime) -> bool:
        path = self._file(digest)
        aside = self._aside / path.name
        try:
            with writing(self.folder):
                if self.use(digest).put >= before:
                    return False
                self._aside.mkdir(exist_ok=True)
                os.rename(path, aside)
                if _instant(aside.stat().st_mtime) < before:
                    aside.unlink()
                    return True
        except (FileNotFoundError, MissingBlob):  # another removal, or a reader who wants it, was quicker
            return False
        self._put_back(digest)
        return False

    def leftovers(self, before: datetime) -> Iterator[Path]:
        for path in self._temporary.glob("*.*.*"):
            with suppress(FileNotFoundError):
                if _instant(path.stat().st_mtime) < before and not _is_being_written(path):
                    yield path

    def _file(self, digest: Digest) -> Path:
        return self._blobs / place_of(digest)

    def _renewed(self, written: Written) -> bool:
        """Say whether the blob is already there, undamaged, and will stay."""
        path = self._file(written.digest)
        try:
            with path.open("rb") as file:
                found = os.fstat(file.fileno())
                if found.st_size != written.size or digest_stream(file) != written.digest:
                    return False
                os.utime(file.fileno())
                return os.path.samestat(found, path.stat())
        except (FileNotFoundError, PermissionError):  # gone meanwhile, or another user's, whose time is not ours to set
            return False

    def _put_back(self, digest: Digest) -> bool:
        """Return to its place what a removal has set aside, and say whether there was anything."""
        path = self._file(digest)
        aside = self._aside / path.name
        try:
            with suppress(FileExistsError):
                os.link(aside, path)
            aside.unlink()
        except FileNotFoundError:  # nothing was there, or somebody else has put it back
            pass
        except OSError:  # this file system has no links, or we may not write
            with suppress(OSError):
                os.rename(aside, path)
        return path.is_file()

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
        self._aside.mkdir(exist_ok=True)  # now: a removal has to work on a full disk
        for path in self.leftovers(_instant(time.time() - ABANDONED)):
            with suppress(OSError):
                if _is_ours(path):
                    path.unlink()
        self._prepared = True


def _is_being_written(path: Path) -> bool:
    """Say whether the process of this machine that began the temporary file lives."""
    return _is_ours(path) and _lives(int(path.name.split(".")[-2]))


def _is_ours(path: Path) -> bool:
    host, _, process = path.name.rpartition(".")[0].rpartition(".")
    return host == socket.gethostname() and process.isdecimal()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _sync_folder(folder: Path) -> None:
    """Make the folder's names last through a loss of power."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
