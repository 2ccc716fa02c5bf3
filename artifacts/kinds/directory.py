"""A folder with everything in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from ..digest import digest_stream
from ..errors import NotStorable, WrongType
from ..home import renew
from ..json_form import Json
from .annotations import is_a, is_anything, refused, unreadable
from .source import cache_folder


@dataclass(frozen=True, slots=True)
class Directory:
    """A folder as a value: its files, their names and which of them can be executed. Copy what the store gives back
    before changing it."""

    path: Path

    def __post_init__(self) -> None:
        object.__setattr__(self, "path", Path(self.path))

    def __fspath__(self) -> str:
        return str(self.path)


class DirectoryKind:
    """A tar of the folder in the order of names, without times and owners; unpacked once and checked at every read."""

    name = "directory"

    def accepts(self, annotation: object) -> bool:
        return is_a(annotation, "kaon", "Directory")

    def dump(self, value: Directory, to: BinaryIO) -> None:
        _pack(_checked(value), to)

    def load(self, source: BinaryIO, wanted: object) -> Directory:
        if not (is_anything(wanted) or self.accepts(wanted)):
            raise unreadable(self.name, wanted, "Directory")
        digest = digest_stream(source)
        source.seek(0)
        target = cache_folder("directories") / digest.removeprefix("sha256:")
        renew(target)
        if not _holds(target, digest):
            _unpack(source, target)
        return Directory(target)

    def summary(self, value: Directory) -> dict[str, Json]:
        files = [path for path in _inside(_checked(value)) if path.is_file()]
        return {"directory": value.path.name, "files": len(files), "bytes": sum(map(os.path.getsize, files))}


def _checked(value: object) -> Path:
    if not isinstance(value, Directory):
        raise refused(value, "directory", "Directory(path)")
    if not value.path.is_dir():
        raise NotStorable(
            f"there is no folder {str(value.path)!r}",
            why="the step returned Directory(path) with it",
            fix="create it before returning, and return its path",
        )
    return value.path


def _inside(folder: Path) -> Iterator[Path]:
    """Yield everything below the folder in the order of names. Raises NotStorable for links, sockets and the like."""
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.is_symlink() or not (path.is_file() or path.is_dir()):
            raise NotStorable(
                f"{str(path)!r} is neither a file nor a folder",
                why="what a link points to can change, and would be missing elsewhere",
                fix="put a copy in its place: shutil.copytree(source, target, symlinks=False)",
            )
        yield path


def _pack(folder: Path, to: BinaryIO) -> None:
    with tarfile.open(fileobj=to, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for path in _inside(folder):
            entry = tarfile.TarInfo(path.relative_to(folder).as_posix())
            if path.is_dir():
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
            else:
                entry.size = path.stat().st_size
                entry.mode = 0o755 if os.access(path, os.X_OK) and path.stat().st_mode & 0o100 else 0o644
                with path.open("rb") as file:
                    archive.addfile(entry, file)


def _unpack(source: BinaryIO, target: Path) -> None:
    """Unpack beside the target and move the whole into its place, setting aside what someone changed there."""
    fresh = Path(tempfile.mkdtemp(dir=target.parent))
    with tarfile.open(fileobj=source, mode="r:") as archive:
        for entry in archive:
            _unpack_entry(archive, entry, fresh)
    fresh.chmod(0o755)
    if target.exists():
        changed = Path(tempfile.mkdtemp(dir=target.parent))
        os.replace(target, changed / target.name)
        shutil.rmtree(changed, ignore_errors=True)
    try:
        os.replace(fresh, target)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
        if not target.is_dir():
            raise


def _unpack_entry(archive: tarfile.TarFile, entry: tarfile.TarInfo, folder: Path) -> None:
    """Write one file or folder of the archive, below the folder and nowhere else."""
    path = (folder / entry.name).resolve()
    if not path.is_relative_to(folder.resolve()) or not (entry.isfile() or entry.isdir()):
        raise WrongType(
            f"a stored folder holds {entry.name!r}, which is no file or folder inside it",
            why="only plain files and folders are ever stored",
            fix="this artifact was not written by Kaon; store the folder again",
        )
    if entry.isdir():
        path.mkdir(parents=True, exist_ok=True)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    content = archive.extractfile(entry)
    assert content is not None, "a plain file has content"
    with content, path.open("wb") as file:
        shutil.copyfileobj(content, file)
    path.chmod(entry.mode & 0o755)


def _holds(target: Path, digest: str) -> bool:
    """Say whether the unpacked folder still is what was stored."""
    if not target.is_dir():
        return False
    seen = _Hashed()
    try:
        _pack(target, cast(BinaryIO, seen))
    except (NotStorable, OSError):
        return False
    return f"sha256:{seen.hash.hexdigest()}" == digest


class _Hashed:
    """A stream that keeps only the hash of what is written to it."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.size = 0

    def write(self, raw: bytes) -> int:
        self.hash.update(raw)
        self.size += len(raw)
        return len(raw)

    def tell(self) -> int:
        return self.size
